//! Why a data folder is not opened, each as one line that says what to do.
//!
//! Invariant: every line names the file that it is about, and nothing had been changed when it is said.

use std::fmt;

use crate::model::Lsn;
use crate::persist::error::Damage;
use crate::persist::journal::{Link, SegmentId, SegmentScan};

/// Why a folder is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A snapshot or a journal without its IDENTITY.
    IdentityMissing,
    /// An IDENTITY that knows fewer segments than there are.
    IdentityBehind {
        /// The newest that it knows.
        known: SegmentId,
        /// One behind it that holds frames.
        found: SegmentId,
    },
    /// An IDENTITY whose snapshot is gone; whether .prev is there.
    SnapshotMissing {
        /// Whether there is something to go back to.
        previous: bool,
    },
    /// The place of the snapshot is taken by something else; whether .prev is there.
    SnapshotReplaced {
        /// Whether there is something to go back to.
        previous: bool,
    },
    /// The snapshot cannot be used, and what is left does not lead to its state.
    NoWayBack {
        /// What is wrong with the snapshot.
        lost: String,
        /// Why the rest does not do.
        why: String,
    },
    /// Imported originals without the snapshot that holds their documents.
    OriginalsAlone,
    /// A journal without a snapshot that does not begin at its first segment.
    BeginsLate {
        /// What it begins with.
        first: SegmentId,
    },
    /// A segment that is needed is not there.
    SegmentMissing {
        /// Which.
        missing: SegmentId,
        /// Segments are known up to this one.
        newest: SegmentId,
    },
    /// A segment does not go on from what is before it.
    Link {
        /// Which.
        id: SegmentId,
        /// What it must go on from.
        expected: String,
        /// What it goes on from.
        found: String,
    },
    /// A segment in the middle goes on from no segment.
    Broken {
        /// Which.
        at: SegmentId,
        /// What it goes on from.
        link: Link,
    },
    /// A segment whose header does not hold.
    HeaderDamaged {
        /// Where and how.
        damage: Box<Damage>,
    },
    /// A part of the journal that was durable does not hold or is gone.
    Damage {
        /// Where and how.
        damage: Box<Damage>,
        /// The first LSN that cannot be read.
        lsn: Lsn,
        /// Everything up to here was durable.
        durable: Lsn,
        /// Records known to lie behind the damage in the same segment.
        records_after: u64,
    },
}

impl Refused {
    /// That the fault in `scan` is damage.
    pub(super) fn damage(scan: &SegmentScan, durable: Lsn) -> Refused {
        let fault = scan.fault.as_ref().expect("only a segment with a fault is called damaged");
        Refused::Damage {
            damage: Box::new(fault.damage.clone()),
            lsn: fault.next_lsn,
            durable,
            records_after: fault.later_records,
        }
    }

    /// What is wrong, without what to do about it.
    pub(super) fn fault(&self) -> String {
        match self {
            Refused::IdentityMissing => {
                "there is a snapshot or a journal but no IDENTITY, without which LSNs could be issued twice".to_owned()
            }
            Refused::IdentityBehind { known, found } => format!(
                "IDENTITY knows of segments up to {known}, but {} holds records: this IDENTITY is an older copy",
                found.file_name()
            ),
            Refused::SnapshotMissing { .. } => "database.mtdb is missing".to_owned(),
            Refused::SnapshotReplaced { .. } => {
                "database.mtdb is no snapshot of memory-tools (damaged at byte 0, or replaced)".to_owned()
            }
            Refused::NoWayBack { lost, why } => {
                format!("{lost}; what is left does not lead to its state: {why}")
            }
            Refused::OriginalsAlone => {
                "there are imported *.go-original files but no database.mtdb with their documents".to_owned()
            }
            Refused::BeginsLate { first } => {
                format!("the journal begins with {}, and there is no snapshot of what was before it", first.file_name())
            }
            Refused::SegmentMissing { missing, newest } => {
                format!("{} is missing, of a journal up to segment {newest}", missing.file_name())
            }
            Refused::Link { id, expected, found } => format!(
                "{}: swapped, doubled or changed: it must go on from {expected}, and goes on from {found}",
                id.file_name()
            ),
            Refused::Broken { at, link } => {
                format!("{}: nothing leads to it: it goes on from {link}, in the middle of the journal", at.file_name())
            }
            Refused::HeaderDamaged { damage } => damage.to_string(),
            Refused::Damage { damage, lsn, durable, records_after } => {
                let behind = match records_after {
                    0 => String::new(),
                    count => format!(", {count} records lie behind the damage"),
                };
                format!(
                    "{damage}; LSNs from {lsn} on cannot be read, and everything up to {durable} was durable{behind}"
                )
            }
        }
    }

    /// What to do about it.
    fn advice(&self) -> &'static str {
        match self {
            Refused::IdentityMissing => "put back the IDENTITY that belongs to it",
            Refused::IdentityBehind { .. } => "put back the one that belongs to the journal",
            Refused::SnapshotMissing { .. } => "put it back, or move the folder away to begin empty",
            Refused::SnapshotReplaced { .. } => {
                "put the right one back, or choose another data_dir to import this one; `memory-tools check` tells more"
            }
            Refused::OriginalsAlone => "put it back, or take \".go-original\" off their names to import them again",
            Refused::BeginsLate { .. } => "put database.mtdb or the earlier segments back",
            Refused::NoWayBack { .. }
            | Refused::SegmentMissing { .. }
            | Refused::Link { .. }
            | Refused::Broken { .. }
            | Refused::HeaderDamaged { .. }
            | Refused::Damage { .. } => REPAIR,
        }
    }

    /// Whether there is an older snapshot to go back to by hand. Beside a journal there is none: it is `repair` that
    /// knows how much of the journal holds behind it.
    fn has_previous(&self) -> bool {
        match self {
            Refused::SnapshotMissing { previous } | Refused::SnapshotReplaced { previous } => *previous,
            _ => false,
        }
    }
}

/// How to go back to the snapshot before, and what that means.
pub const GO_BACK: &str = "`mv database.mtdb.prev database.mtdb` in that folder goes back to the snapshot before it, \
                           an older state";

/// What to do about a damaged journal.
pub const REPAIR: &str = "nothing was changed; put back a good copy, or see what `memory-tools repair` of that folder would \
                      give up";

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.fault(), self.advice())?;
        if self.has_previous() { write!(f, "; {GO_BACK}") } else { Ok(()) }
    }
}

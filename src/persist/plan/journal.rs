//! The rows for a folder with a journal; the first that fits holds.
//!
//! *From* is the segment from which the base is replayed, *n* the first LSN that cannot be read, *D* the highest LSN
//! that is known to have been durable: by any head that holds, in front of a fault or behind it, or by the snapshot.
//! *Kept whole* means: every segment from *from* to the newest is there, each links to the exact end of the one
//! before, and none was given up in between.
//!
//! |  # | found                                                                | then                                |
//! |----|----------------------------------------------------------------------|-------------------------------------|
//! |  1 | a segment of a newer version or of another database                  | refuse by name (before there is a `Found`) |
//! |  2 | IDENTITY is missing                                                  | refuse: numbers could be issued twice |
//! |  3 | no segment, though IDENTITY knows of one that is needed              | refuse: segments are missing        |
//! |  4 | no snapshot ever; segments from 1, kept whole                        | replay them from nothing            |
//! |  5 | no snapshot ever; segments begin later                               | refuse: what was before is missing  |
//! |  6 | a good snapshot that needs no segment                                | load it                             |
//! |  7 | a good snapshot, its segments kept whole, a clean end at or above D  | load it, replay them                |
//! |  8 | as 7, but IDENTITY knows of a clean stop that the newest does not end with, or the end is below D | refuse: the tail was taken away |
//! |  9 | a segment is missing in the middle, or behind the last               | refuse: a segment is missing        |
//! | 10 | a link does not name the end of the segment before                   | refuse: swapped, doubled or changed |
//! | 11 | the first bad frame at n ≤ D                                         | refuse: damage                      |
//! | 12 | a bad frame, and the next segment goes on behind it                  | refuse: damage, at any n            |
//! | 13 | the first bad frame at n > D, nothing behind it but a segment that was begun after a failure and holds no record | replay up to it, cut there |
//! | 13b| as 13, but the segment before that one ends cleanly                  | replay up to there, set it aside    |
//! | 14 | a start or a segment after a failure in the middle                   | refuse: no segment leads there      |
//! | 15 | behind the newest that IDENTITY knows, one without a frame           | as a clean end; the next is behind it |
//! |    | the same with frames                                                 | refuse: IDENTITY is an older copy   |
//! | 16 | the header of a needed segment does not hold                         | refuse: damage                      |
//! | 17 | the snapshot is damaged or gone; from .prev, else from nothing, the segments are kept whole | replay that, loudly |
//! | 18 | the same, but they are not, or a run without a journal came after    | refuse: only an older state is left |
//!
//! Invariant: a plan to replay leads to everything that was ever acknowledged as durable; a row that cannot say so
//! refuses. It does not read: a snapshot is good here when its header and footer hold. When a block of it turns out
//! bad, the loader decides again with `SnapshotFound::Damaged`.

use std::fmt;
use std::path::PathBuf;

use super::Found;
use super::folder::{Leftovers, Standing};
use super::refused::Refused;
use crate::base::clock::UnixMillis;
use crate::model::Lsn;
use crate::persist::error::Damage;
use crate::persist::journal::{Link, SegmentId, SegmentScan, Tail};

/// What of a journal there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFound {
    /// Whether a file has the name of a segment, needed or not.
    pub has_files: bool,
    /// The newest segment that IDENTITY knows; 0 for none.
    pub newest: u64,
    /// The next LSN, when IDENTITY says that the newest segment ends with a clean stop.
    pub closed: Option<Lsn>,
    /// Whether a run without a journal has set out to publish a snapshot.
    pub off_ahead: bool,
    /// The file database.mtdb.
    pub current: SnapshotFound,
    /// The file database.mtdb.prev.
    pub previous: SnapshotFound,
    /// Segments, by rising id; at least those that could be needed.
    pub segments: Vec<SegmentFound>,
}

/// What a snapshot is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotFound {
    /// There is none.
    Missing,
    /// It cannot be used.
    Damaged {
        /// Why, as one line.
        what: String,
    },
    /// Header and footer hold.
    Good {
        /// The first segment that it needs; 0, in files of the time before the journal, is 1.
        replay_from: SegmentId,
        /// Everything up to here is in it.
        capture_end: Lsn,
    },
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFound {
    /// By the name of its file.
    pub id: SegmentId,
    /// What is in it, or how its header does not hold.
    pub scan: Result<SegmentScan, Damage>,
}

/// What the replay begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// An empty database.
    Nothing,
    /// database.mtdb.
    Current,
    /// database.mtdb.prev.
    Previous,
}

/// An interrupted write, to be copied to quarantine and cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// In this segment.
    pub id: SegmentId,
    /// From this offset to the end of the file.
    pub end: u64,
    /// Bytes that are not zero, or lie between such.
    pub bytes: u64,
}

/// What the next segment must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its number.
    pub id: SegmentId,
    /// What it goes on from.
    pub link: Link,
}

impl Next {
    /// In a folder without a segment: the first that `snapshot` needs.
    pub fn after_snapshot(snapshot: &SnapshotFound) -> Next {
        match Start::of(Base::Current, snapshot) {
            Some(Start { from, capture_end, .. }) => Next { id: from, link: Link::Start { capture_end } },
            None => Next { id: SegmentId::FIRST, link: Link::Start { capture_end: Lsn::ZERO } },
        }
    }
}

/// What to load, replay and repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What the replay begins with.
    pub base: Base,
    /// What to do with files of the Go server.
    pub leftovers: Leftovers,
    /// The segments to replay, in order, each up to its `end`.
    pub replay: Vec<SegmentScan>,
    /// What to cut, once everything is loaded.
    pub cut: Option<Cut>,
    /// A segment to copy to quarantine, once everything is loaded; the next one takes its place.
    pub set_aside: Option<SegmentId>,
    /// What the next segment must be.
    pub next: Next,
    /// No record that is replayed, and nothing in the base, has a higher LSN.
    pub last_lsn: Lsn,
    /// The latest wall time that a head tells; 0 without one.
    pub written_at: UnixMillis,
    /// What an operator should know.
    pub notes: Vec<Note>,
}

impl Recovery {
    /// To load `base` and nothing else.
    pub fn without_journal(base: Base, leftovers: Leftovers, next: Next) -> Recovery {
        let last_lsn = match next.link {
            Link::Start { capture_end } => capture_end,
            Link::Follows { last_lsn, .. } => last_lsn,
            Link::AfterFailure => Lsn::ZERO,
        };
        let (replay, notes, written_at) = (Vec::new(), Vec::new(), UnixMillis(0));
        Recovery { base, leftovers, replay, cut: None, set_aside: None, next, last_lsn, written_at, notes }
    }
}

/// What an operator should know about a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The newest snapshot was not used, and nothing was lost by it.
    FellBack {
        /// What was used.
        base: Base,
        /// Why not the newest.
        why: String,
    },
    /// A write was interrupted.
    Cut(Cut),
    /// A segment was given up before anything was written into it.
    SetAside(SegmentId),
    /// Bytes behind the end of a segment that the next one vouches for.
    Ignored {
        /// The segment.
        id: SegmentId,
        /// Its end.
        end: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::FellBack { base, why } => {
                let from = match base {
                    Base::Previous => "database.mtdb.prev",
                    Base::Current | Base::Nothing => "the journal alone",
                };
                write!(f, "{why}; everything was recovered from {from} and the journal behind it, but look at the disk")
            }
            Note::Cut(Cut { id, end, bytes }) => write!(
                f,
                "{}: {bytes} bytes from byte {end} on are of an interrupted write, which was not acknowledged as \
                 durable; they are copied to quarantine and cut off",
                id.file_name()
            ),
            Note::SetAside(id) => write!(
                f,
                "{}: begun after the disk had failed, and never used; it is copied to quarantine and replaced",
                id.file_name()
            ),
            Note::Ignored { id, end } => write!(
                f,
                "{}: behind its end at byte {end}, which the next segment vouches for, lie bytes that nobody wrote; \
                 they are not read, but look at the disk",
                id.file_name()
            ),
        }
    }
}

impl JournalFound {
    /// No journal, and no snapshot.
    pub fn none() -> JournalFound {
        JournalFound {
            has_files: false,
            newest: 0,
            closed: None,
            off_ahead: false,
            current: SnapshotFound::Missing,
            previous: SnapshotFound::Missing,
            segments: Vec::new(),
        }
    }

    /// Whether there is, or has been, a segment.
    pub fn is_there(&self) -> bool {
        self.newest > 0 || self.has_files
    }
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub base: Base,
    pub from: SegmentId,
    pub capture_end: Lsn,
}

impl Start {
    pub const NOTHING: Start = Start { base: Base::Nothing, from: SegmentId::FIRST, capture_end: Lsn::ZERO };

    /// At `snapshot`, when it is good.
    pub fn of(base: Base, snapshot: &SnapshotFound) -> Option<Start> {
        match snapshot {
            SnapshotFound::Good { replay_from, capture_end } => {
                Some(Start { base, from: (*replay_from).max(SegmentId::FIRST), capture_end: *capture_end })
            }
            SnapshotFound::Missing | SnapshotFound::Damaged { .. } => None,
        }
    }
}

/// The first segment that the base would need that a plan begins with: those before need not be read.
pub fn first_needed(journal: &JournalFound) -> SegmentId {
    let current = Start::of(Base::Current, &journal.current);
    current.or_else(|| Start::of(Base::Previous, &journal.previous)).unwrap_or(Start::NOTHING).from
}

/// The table above, from row 3 on.
///
/// # Errors
/// Why the folder must not be opened.
pub(super) fn decide(found: &Found) -> Result<Recovery, Refused> {
    let Found { folder, journal } = found;
    let recovery = match (Start::of(Base::Current, &journal.current), folder.identity) {
        (Some(start), _) => Walk { journal, start }.go()?,
        (None, Standing::Unsettled) if journal.current == SnapshotFound::Missing && !folder.previous => {
            begins_at_the_first(journal)?;
            Walk { journal, start: Start::NOTHING }.go()?
        }
        (None, _) => fall_back(journal)?,
    };
    let leftovers = if folder.go_files { Leftovers::Mention } else { Leftovers::None };
    Ok(Recovery { leftovers, ..recovery })
}

/// Row 5.
fn begins_at_the_first(journal: &JournalFound) -> Result<(), Refused> {
    match journal.segments.first() {
        Some(first) if first.id != SegmentId::FIRST => Err(Refused::BeginsLate { first: first.id }),
        _ => Ok(()),
    }
}

/// Rows 17 and 18: without the newest snapshot, from the one before or from nothing.
fn fall_back(journal: &JournalFound) -> Result<Recovery, Refused> {
    let lost = match &journal.current {
        SnapshotFound::Damaged { what } => what.clone(),
        SnapshotFound::Missing | SnapshotFound::Good { .. } => "database.mtdb is missing".to_owned(),
    };
    let refuse = |why: String| Refused::NoWayBack { lost: lost.clone(), why };
    if journal.off_ahead {
        return Err(refuse(
            "a run without a journal has published a snapshot, to which the journal does not lead".to_owned(),
        ));
    }
    let start = match &journal.previous {
        SnapshotFound::Damaged { what } => return Err(refuse(what.clone())),
        previous => Start::of(Base::Previous, previous).unwrap_or(Start::NOTHING),
    };
    let recovery = Walk { journal, start }.go().map_err(|refused| refuse(refused.fault()))?;
    if let Some(Cut { id, end, .. }) = recovery.cut {
        return Err(refuse(format!(
            "{} does not end cleanly, but with an interrupted write at byte {end}",
            id.file_name()
        )));
    }
    if let Some(id) = recovery.set_aside {
        return Err(refuse(format!("{} was begun after the disk had failed", id.file_name())));
    }
    let note = Note::FellBack { base: start.base, why: lost };
    Ok(Recovery { notes: [vec![note], recovery.notes].concat(), ..recovery })
}

/// A walk along the segments that a start needs.
pub(super) struct Walk<'f> {
    pub journal: &'f JournalFound,
    pub start: Start,
}

impl Walk<'_> {
    /// The whole way, to where a start may go on.
    fn go(self) -> Result<Recovery, Refused> {
        let scans = self.needed()?;
        let durable = self.durable(&scans);
        let Some(first) = scans.first() else {
            // Row 6. A snapshot may need a segment that was never begun.
            let id = self.start.from.max(SegmentId(self.journal.newest).next());
            let next = Next { id, link: Link::Start { capture_end: self.start.capture_end } };
            return Ok(Recovery::without_journal(self.start.base, Leftovers::None, next));
        };
        self.check_first(first)?;

        let mut walked: Vec<&SegmentScan> = Vec::with_capacity(scans.len());
        let mut set_aside = None;
        let mut notes = Vec::new();
        for (index, scan) in scans.iter().enumerate() {
            let is_last = index + 1 == scans.len();
            match walked.last() {
                None => {}
                Some(before) if is_unused_after_failure(scan) && is_last => {
                    self.check_end(before, durable)?;
                    set_aside = Some(scan.header.id);
                    notes.push(Note::SetAside(scan.header.id));
                    break;
                }
                Some(before) => notes.extend(check_link(before, scan, durable)?),
            }
            walked.push(scan);
        }
        let last = *walked.last().expect("the first segment is walked before any is set aside");
        if set_aside.is_none() {
            self.check_end(last, durable)?;
        }
        let cut = match last.tail {
            Tail::Bytes(bytes) => Some(Cut { id: last.header.id, end: last.end, bytes }),
            Tail::Nothing | Tail::Zeros => None,
        };
        notes.extend(cut.map(Note::Cut));
        let link = Link::Follows { end: last.end, last_lsn: last.last_lsn, chain: last.chain };
        Ok(Recovery {
            base: self.start.base,
            leftovers: Leftovers::None,
            cut,
            set_aside,
            next: Next { id: last.header.id.next(), link },
            last_lsn: last.last_lsn.max(self.start.capture_end),
            written_at: scans.iter().map(|scan| scan.written_at).max().unwrap_or(UnixMillis(0)),
            replay: walked.into_iter().cloned().collect(),
            notes,
        })
    }

    /// The segments from `from` on: rows 3, 9, 15 and 16, and the half of row 10 that needs one file only.
    fn needed(&self) -> Result<Vec<&SegmentScan>, Refused> {
        let newest = SegmentId(self.journal.newest);
        let mut expected = self.start.from;
        let mut scans = Vec::new();
        for SegmentFound { id, scan } in self.journal.segments.iter().filter(|segment| segment.id >= self.start.from) {
            if *id != expected {
                return Err(Refused::SegmentMissing { missing: expected, newest: newest.max(*id) });
            }
            let scan = scan.as_ref().map_err(|damage| Refused::HeaderDamaged { damage: Box::new(damage.clone()) })?;
            if scan.header.id != *id {
                let (expected, found) = (format!("segment {id}"), format!("segment {}", scan.header.id));
                return Err(Refused::Link { id: *id, expected, found });
            }
            if *id > newest && scan.frames > 0 {
                return Err(Refused::IdentityBehind { known: newest, found: *id });
            }
            scans.push(scan);
            expected = expected.next();
        }
        match expected <= newest {
            true => Err(Refused::SegmentMissing { missing: expected, newest }),
            false => Ok(scans),
        }
    }

    /// D.
    pub fn durable(&self, scans: &[&SegmentScan]) -> Lsn {
        let known = scans.iter().map(|scan| scan.durable_lsn).max().unwrap_or(Lsn::ZERO);
        known.max(self.start.capture_end)
    }

    /// Whether the first segment goes on from the base: row 10 for it.
    pub fn check_first(&self, first: &SegmentScan) -> Result<(), Refused> {
        let capture_end = self.start.capture_end;
        let is_from_nothing = self.start.base == Base::Nothing;
        let goes_on = match first.header.link {
            Link::Start { capture_end: start } => start <= capture_end,
            Link::Follows { last_lsn, .. } => !is_from_nothing && last_lsn <= capture_end,
            Link::AfterFailure => !is_from_nothing && first.header.first_lsn <= capture_end.next(),
        };
        let expected = || match is_from_nothing {
            true => "a start from nothing".to_owned(),
            false => format!("what the snapshot up to LSN {capture_end} leads to"),
        };
        match goes_on {
            true => Ok(()),
            false => {
                Err(Refused::Link { id: first.header.id, expected: expected(), found: first.header.link.to_string() })
            }
        }
    }

    /// Whether the last segment ends where it may: rows 8, 11 and 13.
    fn check_end(&self, last: &SegmentScan, durable: Lsn) -> Result<(), Refused> {
        let id = last.header.id;
        let closed = self.journal.closed.filter(|_| id.0 == self.journal.newest && !last.clean_stop);
        let durable = durable.max(closed.map_or(Lsn::ZERO, |next| Lsn(next.0.saturating_sub(1))));
        if let Some(fault) = &last.fault {
            return match fault.next_lsn > durable && closed.is_none() {
                true => Ok(()),
                false => Err(Refused::damage(last, durable)),
            };
        }
        if durable <= last.last_lsn && closed.is_none() {
            return Ok(());
        }
        let expected = match closed {
            Some(next) => format!("the record of a clean stop before LSN {next}"),
            None => format!("records up to LSN {durable}"),
        };
        let damage = Damage {
            path: PathBuf::from(id.file_name()),
            part: "the end of the journal".to_owned(),
            offset: last.end,
            expected,
            found: format!("the end, behind LSN {}", last.last_lsn),
        };
        Err(Refused::Damage { damage: Box::new(damage), lsn: last.last_lsn.next(), durable, records_after: 0 })
    }
}

/// Whether `scan` was begun to heal after a failure, and nothing came of it.
fn is_unused_after_failure(scan: &SegmentScan) -> bool {
    scan.header.link == Link::AfterFailure && scan.records == 0
}

/// Whether `scan` goes on exactly where `before` ends: rows 10 to 12 and 14.
pub(super) fn check_link(before: &SegmentScan, scan: &SegmentScan, durable: Lsn) -> Result<Option<Note>, Refused> {
    let end = Link::Follows { end: before.end, last_lsn: before.last_lsn, chain: before.chain };
    if scan.header.link == end && scan.header.first_lsn > before.last_lsn {
        return Ok(before.fault.as_ref().map(|_| Note::Ignored { id: before.header.id, end: before.end }));
    }
    if before.fault.is_some() {
        return Err(Refused::damage(before, durable));
    }
    match scan.header.link {
        Link::Start { .. } | Link::AfterFailure => Err(Refused::Broken { at: scan.header.id, link: scan.header.link }),
        Link::Follows { .. } => Err(Refused::Link {
            id: scan.header.id,
            expected: format!("{end}, and a first LSN above"),
            found: format!("{}, and the first LSN {}", scan.header.link, scan.header.first_lsn),
        }),
    }
}

#[cfg(test)]
mod tests;

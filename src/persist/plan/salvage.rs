//! What can be kept of a folder that a start refuses, for an operator who has decided to give up the rest.
//!
//! Kept is the longest stretch that holds: the best base there is, and behind it every segment up to the first that is
//! missing, bad, or does not go on from the one before. Invariant: what is kept is read as it was written, byte for
//! byte; nothing is kept behind what is given up; and a folder of which nothing can be kept is refused all the same.
//! What a start takes by itself is kept without a loss.

use std::fmt;

use super::journal::{Base, Cut, JournalFound, Next, Note, Recovery, Start, Walk, check_link};
use super::{Found, Plan, Refused, decide};
use crate::model::Lsn;
use crate::persist::journal::{Link, SegmentId, SegmentScan, Tail};

/// What to keep, and what to give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvage {
    /// What the replay begins with.
    pub base: Base,
    /// Where to cut the last segment that is kept.
    pub cut: Option<Cut>,
    /// Segments that are not kept.
    pub dropped: Vec<SegmentId>,
    /// What the next segment must be, behind those that are kept.
    pub next: Next,
    /// What is lost by it; `None` when nothing is.
    pub given_up: Option<GivenUp>,
}

/// What is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The first LSN that is not kept.
    pub from: Lsn,
    /// The last LSN that is known to have been issued.
    pub to: Lsn,
    /// Records that are known to be behind the damage.
    pub records: u64,
}

impl Salvage {
    /// The last LSN that is kept.
    pub fn last_lsn(&self) -> Lsn {
        match self.next.link {
            Link::Start { capture_end } => capture_end,
            Link::Follows { last_lsn, .. } => last_lsn,
            Link::AfterFailure => Lsn::ZERO,
        }
    }
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GivenUp { from, to, records } = self;
        write!(f, "every change from LSN {from} on, at the least up to {to}; {records} records are known to lie behind")
    }
}

/// What can be kept of the folder in which `found` is; `None` when a start changes nothing in it.
///
/// # Errors
/// Why nothing can be kept, or why that is not for a program to decide.
pub fn salvage(found: &Found) -> Result<Option<Salvage>, Refused> {
    let journal = &found.journal;
    let refused = match decide(found) {
        Ok(Plan::Fresh | Plan::Import) => return Ok(None),
        Ok(Plan::Recover(recovery)) => return Ok(without_loss(recovery)),
        Err(refused) => refused,
    };
    // Without the IDENTITY that belongs to it, numbers could be issued twice; without a journal, all there is to decide
    // is whether to go back to the snapshot before.
    if matches!(refused, Refused::IdentityMissing | Refused::IdentityBehind { .. }) || !journal.is_there() {
        return Err(refused);
    }
    let current = Start::of(Base::Current, &journal.current);
    let start = current.or_else(|| Start::of(Base::Previous, &journal.previous)).unwrap_or(Start::NOTHING);
    let kept = longest(journal, start);
    if kept.is_empty() && start.base == Base::Nothing {
        return Err(refused);
    }
    Ok(Some(with_loss(journal, start, &kept)))
}

fn without_loss(recovery: Recovery) -> Option<Salvage> {
    let Recovery { base, cut, set_aside, next, notes, .. } = recovery;
    let falls_back = notes.iter().any(|note| matches!(note, Note::FellBack { .. }));
    let salvage = Salvage { base, cut, dropped: set_aside.into_iter().collect(), next, given_up: None };
    (falls_back || cut.is_some() || set_aside.is_some()).then_some(salvage)
}

/// The segments from `start` on, up to the first that does not go on from the one before.
fn longest(journal: &JournalFound, start: Start) -> Vec<&SegmentScan> {
    let mut kept: Vec<&SegmentScan> = Vec::new();
    let mut expected = start.from;
    for segment in journal.segments.iter().filter(|segment| segment.id >= start.from) {
        let Some(scan) = segment.scan.as_ref().ok().filter(|scan| scan.header.id == expected) else {
            break;
        };
        let goes_on = match kept.last() {
            None => Walk { journal, start }.check_first(scan).is_ok(),
            Some(before) => check_link(before, scan, Lsn::ZERO).is_ok(),
        };
        if !goes_on {
            break;
        }
        kept.push(scan);
        expected = expected.next();
    }
    kept
}

fn with_loss(journal: &JournalFound, start: Start, kept: &[&SegmentScan]) -> Salvage {
    let next = match kept.last() {
        None => Next { id: start.from, link: Link::Start { capture_end: start.capture_end } },
        Some(last) => {
            let link = Link::Follows { end: last.end, last_lsn: last.last_lsn, chain: last.chain };
            Next { id: last.header.id.next(), link }
        }
    };
    let cut = kept.last().and_then(|last| match last.tail {
        Tail::Bytes(bytes) => Some(Cut { id: last.header.id, end: last.end, bytes }),
        Tail::Nothing | Tail::Zeros => None,
    });
    let dropped: Vec<SegmentId> = journal.segments.iter().map(|it| it.id).filter(|id| *id >= next.id).collect();

    let all: Vec<&SegmentScan> = journal.segments.iter().filter_map(|segment| segment.scan.as_ref().ok()).collect();
    let last_kept = kept.last().map_or(start.capture_end, |last| last.last_lsn);
    let seen = all.iter().map(|scan| scan.last_lsn).max().unwrap_or(Lsn::ZERO);
    let stopped = journal.closed.map_or(Lsn::ZERO, |next| Lsn(next.0.saturating_sub(1)));
    let from = last_kept.next();
    let lost_of = |scan: &&SegmentScan| {
        let behind = scan.fault.as_ref().map_or(0, |fault| fault.later_records);
        if scan.header.id >= next.id { scan.records + behind } else { behind }
    };
    let given_up = GivenUp {
        from,
        to: seen.max(Walk { journal, start }.durable(&all)).max(stopped).max(from),
        records: all.iter().filter(|scan| scan.header.id >= start.from).map(lost_of).sum(),
    };
    Salvage { base: start.base, cut, dropped, next, given_up: Some(given_up) }
}

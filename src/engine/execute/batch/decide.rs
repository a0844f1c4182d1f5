//! What a batch is going to do, change by change, before any of them is made.
//!
//! Invariant: a change finds what the store has, or what an earlier change of the batch is going to make of it. Nothing
//! is changed here, and no LSN is known yet.

use crate::base::clock::UnixMillis;
use crate::model::{BatchRefusal, BatchWrite, CollectionOptions, Condition, Deadline, Lsn, Tags};
use crate::store::LockedMany;

/// A document as a change of the batch finds it, or leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) version: Version,
    pub(super) deadline: Deadline,
}

/// Who wrote a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    /// An earlier mutation.
    Stored(Lsn),
    /// A change of this batch, by its number; its LSN is not issued yet.
    Unborn(usize),
}

/// What is decided about one change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    /// True when there is a document before it.
    pub(super) existed: bool,
    pub(super) after: Option<Found>,
}

/// The change that stands in the way, and what that rests on.
pub(super) struct Obstacle {
    pub(super) index: usize,
    pub(super) why: BatchRefusal,
    pub(super) rests_on: Lsn,
}

/// Decides about every change, in order, or finds the first that cannot be made.
pub(super) fn decide(
    writes: &[BatchWrite<'_>],
    earlier: &[Option<usize>],
    locked: &LockedMany<'_>,
    options: CollectionOptions,
    now: UnixMillis,
) -> Result<Vec<Decided>, Obstacle> {
    let mut decided: Vec<Decided> = Vec::with_capacity(writes.len());
    for (index, (write, earlier)) in writes.iter().zip(earlier).enumerate() {
        let current = locked.current(index, now);
        let before = match earlier.and_then(|earlier| decided.get(earlier)) {
            Some(decided) => decided.after,
            None => {
                current.map(|current| Found { version: Version::Stored(current.version), deadline: current.deadline })
            }
        };
        let after = after(index, write, before, options.default_deadline(|| now)).map_err(|why| {
            let rests_on = current.map_or_else(|| locked.absent_rests_on(index), |current| current.rests_on);
            Obstacle { index, why, rests_on }
        })?;
        decided.push(Decided { existed: before.is_some(), after });
    }
    Ok(decided)
}

/// What a change makes of what it finds; `default` is the collection's deadline for what is written now.
fn after(
    index: usize,
    write: &BatchWrite<'_>,
    before: Option<Found>,
    default: Deadline,
) -> Result<Option<Found>, BatchRefusal> {
    if !holds(write.condition(), before) {
        let current = before.and_then(|found| match found.version {
            Version::Stored(version) => Some(version),
            Version::Unborn(_) => None,
        });
        return Err(BatchRefusal::ConditionFailed { current });
    }
    match (write, before) {
        (BatchWrite::Put { expiry, .. }, _) => Ok(Some(Found {
            version: Version::Unborn(index),
            deadline: expiry.deadline(before.map(|found| found.deadline), default),
        })),
        (_, None) => Err(BatchRefusal::Absent),
        (BatchWrite::Delete { .. }, Some(_)) => Ok(None),
        (BatchWrite::SetDeadline { deadline, .. }, Some(found)) => Ok(Some(Found { deadline: *deadline, ..found })),
    }
}

/// True when `condition` holds for what is there. A list names no version that is not born yet.
fn holds(condition: &Condition, before: Option<Found>) -> bool {
    let is_any = |tags: &Option<Tags>| tags.as_ref().is_none_or(|tags| *tags == Tags::Any);
    match before.map(|found| found.version) {
        None => condition.holds(None),
        Some(Version::Stored(version)) => condition.holds(Some(version)),
        Some(Version::Unborn(_)) => is_any(&condition.if_match) && condition.if_none_match != Some(Tags::Any),
    }
}

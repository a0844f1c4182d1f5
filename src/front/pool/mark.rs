//! Where a worker stands: one word that it writes at each step and others read.
//!
//! Invariant: only the worker moves its mark; only the watch sets its bit for "lost", and only as long as the worker
//! has not moved. So each loss is counted once and taken back once, whoever is faster.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Waiting for a connection.
    Free,
    /// Inside the library, for the next request.
    AwaitingRequest,
    /// Answering one.
    Answering,
    /// Inside the library, for more of a request's body.
    AwaitingBody,
    /// Inside the library, which gets rid of what remains of a request or connection.
    Leaving,
    /// Gone for good.
    Retired,
}

impl Place {
    const ALL: [Place; 6] =
        [Place::Free, Place::AwaitingRequest, Place::Answering, Place::AwaitingBody, Place::Leaving, Place::Retired];

    /// True where the library has the thread.
    pub(super) fn is_inside_library(self) -> bool {
        matches!(self, Place::AwaitingRequest | Place::AwaitingBody | Place::Leaving)
    }

    /// True between the arrival of a request and the departure of its answer.
    pub(super) fn is_in_progress(self) -> bool {
        matches!(self, Place::Answering | Place::AwaitingBody)
    }
}

const PLACE_MASK: u64 = 0b0111;
const LOST: u64 = 0b1000;
const STEP: u64 = 0b1_0000;

/// A mark, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Where the worker stands.
    pub(super) place: Place,
    /// How often it has moved.
    pub(super) steps: u64,
    /// True when it was declared lost since.
    pub(super) is_lost: bool,
    word: u64,
}

#[derive(Debug, Default)]
pub(super) struct Mark(AtomicU64);

impl Mark {
    /// Moves to `place`; true when the worker had been declared lost where it was. Only for the worker itself.
    #[must_use]
    pub(super) fn enter(&self, place: Place) -> bool {
        let steps = self.0.load(Ordering::Relaxed) / STEP;
        let before = self.0.swap(steps.wrapping_add(1).wrapping_mul(STEP) | place as u64, Ordering::AcqRel);
        before & LOST != 0
    }

    pub(super) fn read(&self) -> Reading {
        let word = self.0.load(Ordering::Acquire);
        let place = Place::ALL.into_iter().find(|place| *place as u64 == word & PLACE_MASK).unwrap_or(Place::Retired);
        Reading { place, steps: word / STEP, is_lost: word & LOST != 0, word }
    }

    /// Declares the worker lost if it still stands where it was `seen`; false when it has moved or was lost already.
    pub(super) fn declare_lost(&self, seen: Reading) -> bool {
        !seen.is_lost
            && self.0.compare_exchange(seen.word, seen.word | LOST, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_where_its_worker_stands() {
        let mark = Mark::default();
        assert_eq!(mark.read().place, Place::Free);
        for (steps, place) in (1..).zip(Place::ALL) {
            assert!(!mark.enter(place));
            let reading = mark.read();
            assert_eq!((reading.place, reading.steps, reading.is_lost), (place, steps, false));
        }
    }

    #[test]
    fn a_loss_is_declared_once_and_seen_once() {
        let mark = Mark::default();
        assert!(!mark.enter(Place::AwaitingRequest));
        let seen = mark.read();
        assert!(mark.declare_lost(seen));
        assert!(!mark.declare_lost(seen));
        assert!(!mark.declare_lost(mark.read()));
        assert!(mark.enter(Place::Answering));
        assert!(!mark.enter(Place::Leaving));
    }

    #[test]
    fn a_worker_that_has_moved_cannot_be_declared_lost() {
        let mark = Mark::default();
        assert!(!mark.enter(Place::AwaitingRequest));
        let seen = mark.read();
        assert!(!mark.enter(Place::Answering));
        assert!(!mark.enter(Place::AwaitingRequest));
        assert!(!mark.declare_lost(seen));
    }
}

//! The places that a worker passes, told to whoever watches.
//!
//! Invariant: a worker that was declared lost and moves on is taken out of the count in the same step.

use std::cell::Cell;
use std::sync::Arc;

use crate::base::log::{self, Level, Value};

use super::Shared;
use super::mark::{Mark, Place};

/// A worker's way from place to place.
pub(super) struct Steps {
    shared: Arc<Shared>,
    mark: Arc<Mark>,
    retires: Cell<bool>,
}

impl Steps {
    /// The way of the worker that `mark` belongs to.
    pub(super) fn new(shared: Arc<Shared>, mark: Arc<Mark>) -> Steps {
        Steps { shared, mark, retires: Cell::new(false) }
    }

    /// What the worker shares with the others.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// True when `mark` is this worker's.
    pub(super) fn are_marked_by(&self, mark: &Arc<Mark>) -> bool {
        Arc::ptr_eq(&self.mark, mark)
    }

    /// Moves to `place`; a worker that had been declared lost is found again.
    pub(super) fn enter(&self, place: Place) {
        if self.mark.enter(place) {
            let lost = self.shared.lost.take_back(&self.shared.thread_counters.threads_lost);
            self.retires.set(true);
            let text = format_args!("a lost thread came back and retires; {lost} lost now");
            log::event(Level::Info, "thread_back", text, &[("lost", Value::Said(&lost.into()))]);
        }
    }

    /// True when this thread ends with its connection.
    pub(super) fn retires(&self) -> bool {
        self.retires.get()
    }
}

//! Work in steps, between the turns: some of them each time around the loop, in the order in which they are due.
//!
//! Invariant: all steps of one time around take `STEPS_TIME` and one step more at most, however many connections have
//! work to do: a request that comes meanwhile waits no longer than that. It does not know what the work is.

use std::time::{Duration, Instant};

use super::super::mail::Address;
use super::Thread;

/// For how long steps are run before who else has come is looked at. A look costs about ten microseconds.
const STEPS_TIME: Duration = Duration::from_millis(1);

impl Thread {
    /// Runs steps of the work that is due, at least one, and at most one of each connection.
    pub(super) fn run_steps(&mut self) {
        if self.working.is_empty() {
            return;
        }
        let began = Instant::now();
        for _ in 0..self.working.len() {
            let Some(Address { key, generation }) = self.working.pop_front() else { return };
            let now = self.now();
            let Some(connection) = self.connections.get_mut(key) else { continue };
            // It may have gone, and another may have its key.
            if connection.generation != generation {
                continue;
            }
            connection.is_in_line = false;
            self.turn(key, now, |connection, cx, scratch| {
                connection.session().step(cx);
                connection.turn(cx, scratch)
            });
            if began.elapsed() >= STEPS_TIME {
                return;
            }
        }
    }
}

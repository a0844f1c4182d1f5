//! Wakes `mt-journal`, and tells it how many replies make it worth it.
//!
//! Invariant: who rings after the thread looked for work and before it sleeps is heard: the token of `unpark` stays.
//! Ringing while nobody sleeps is one atomic operation. It does not know what there is to do.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How `mt-journal` is woken. Without the thread, as in a simulation, ringing is nothing.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleeper: OnceLock<Thread>,
    /// While the next group is waited for: how many replies complete it.
    wanted: AtomicUsize,
}

impl Alarm {
    /// Says that the calling thread is the one to wake.
    pub(super) fn belongs_here(&self) {
        self.sleeper.get_or_init(thread::current);
    }

    /// Wakes the thread.
    pub(super) fn ring(&self) {
        if let Some(sleeper) = self.sleeper.get() {
            sleeper.unpark();
        }
    }

    /// Wakes the thread, unless it waits for more replies than the `waiting` there are.
    pub(super) fn ring_for(&self, waiting: usize) {
        if waiting >= self.wanted.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Sleeps until it rings, `longest` at most, or for no reason.
    pub(super) fn sleep(&self, longest: Duration) {
        thread::park_timeout(longest);
    }

    /// Sleeps until as many replies as `wanted` are waiting, until `ring`, or `longest` at most.
    pub(super) fn sleep_until_waiting(&self, wanted: usize, longest: Duration, waiting: impl Fn() -> usize) {
        let end = Instant::now() + longest;
        self.wanted.store(wanted, Ordering::SeqCst);
        while waiting() < wanted {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        self.wanted.store(0, Ordering::SeqCst);
    }
}

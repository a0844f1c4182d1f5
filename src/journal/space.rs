//! How many bytes of records may be on their way to the disk, and who waits for there to be fewer.
//!
//! Invariant: what is taken is given back exactly once: by the room that did not use it, or when the frame that holds
//! it is written or discarded. Taking never waits. Whoever was refused and asks to be told is told when half of the
//! space is free, so that those who come back then find some.
//! It does not know what the bytes are, nor whether writes are refused for other reasons.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::model::RoomWaker;

/// A bounded number of bytes.
pub(super) struct Space {
    // Constant after construction.
    bytes_max: usize,
    // With synchronization of their own.
    used: AtomicUsize,
    /// True while `waiters` may hold one. Set before a waiter looks at `used` again, read after `used` has sunk: so
    /// one of the two sees the other.
    is_awaited: AtomicBool,
    waiters: Mutex<Vec<RoomWaker>>,
}

impl Space {
    /// Room for `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Space {
        Space {
            bytes_max,
            used: AtomicUsize::new(0),
            is_awaited: AtomicBool::new(false),
            waiters: Mutex::new(Vec::new()),
        }
    }

    /// Takes `bytes`, which must be given back; false when there are not so many. While half is free, any number is
    /// there: a mutation that is larger than all of the space must still find its way.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::SeqCst);
        let fits = self.is_half_free(before) || before.saturating_add(bytes) <= self.bytes_max;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    /// Gives `bytes` back, and wakes who waited for them.
    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        if self.is_awaited.load(Ordering::SeqCst) && self.has_room() {
            self.wake();
        }
    }

    /// True when whoever waits for room should ask again.
    pub(super) fn has_room(&self) -> bool {
        self.is_half_free(self.used.load(Ordering::SeqCst))
    }

    fn is_half_free(&self, used: usize) -> bool {
        used <= self.bytes_max / 2
    }

    /// Keeps `waker` until `wake` is called, by whoever gives enough back or by somebody else. The caller looks
    /// afterwards whether it need not wait at all.
    pub(super) fn keep(&self, waker: RoomWaker) {
        let mut waiters = self.waiters.lock();
        waiters.push(waker);
        self.is_awaited.store(true, Ordering::SeqCst);
    }

    /// Wakes whoever waits, without any lock.
    pub(super) fn wake(&self) {
        let woken = {
            let mut waiters = self.waiters.lock();
            self.is_awaited.store(false, Ordering::SeqCst);
            std::mem::take(&mut *waiters)
        };
        for waker in woken {
            waker();
        }
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.used.load(Ordering::SeqCst), self.bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A space of 100 bytes, and how often a waiter was woken.
    fn space() -> (Space, Arc<AtomicUsize>, impl Fn() -> RoomWaker) {
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        let waker = move || -> RoomWaker {
            let counter = Arc::clone(&counter);
            Box::new(move || {
                counter.fetch_add(1, Ordering::SeqCst);
            })
        };
        (Space::new(100), woken, waker)
    }

    #[test]
    fn what_does_not_fit_is_not_taken() {
        let (space, ..) = space();
        assert!(space.take(60) && space.take(40));
        assert!(!space.take(1));
        space.give_back(60);
        assert!(space.take(60), "a refused one took nothing");
    }

    #[test]
    fn what_is_larger_than_everything_fits_while_half_is_free() {
        let (space, ..) = space();
        assert!(space.take(50) && space.take(1000));
        assert!(!space.take(1));
        space.give_back(1000);
        assert!(space.take(1) && !space.take(1000));
    }

    #[test]
    fn a_waiter_is_woken_when_half_is_free_and_not_before() {
        let (space, woken, waker) = space();
        assert!(space.take(60) && space.take(30));
        space.keep(waker());
        space.give_back(30);
        assert_eq!(woken.load(Ordering::SeqCst), 0, "whoever wants half of it would be refused again");
        space.give_back(60);
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        space.wake();
        assert_eq!(woken.load(Ordering::SeqCst), 1, "once");
    }

    #[test]
    fn nobody_waits_for_ever_when_room_comes_as_it_asks() {
        let (space, woken, waker) = space();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..5000 {
                    if space.take(90) {
                        space.give_back(90);
                    }
                }
            });
            for _ in 0..5000 {
                space.keep(waker());
                if space.has_room() {
                    space.wake();
                }
            }
        });
        assert_eq!(woken.load(Ordering::SeqCst), 5000);
    }
}

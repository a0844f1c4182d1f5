//! A reader-writer lock whose readers do not meet.
//!
//! Taking a lock for reading writes to it, too, and a line of cache that two processors write goes back and forth between
//! them: two threads that read under one `parking_lot::RwLock` do less together than one alone. So this lock has a door for
//! each lane (`base::lane`), each a lock of parking_lot's on a line of its own: a reader goes through its thread's, a
//! writer through all, one after the other. What is known of this as a big-reader lock, in Linux as `brlock`.
//!
//! Invariant: who holds the lock for writing holds every door for writing, and who holds it for reading holds one for
//! reading, which is the same when it is given back, because a guard stays on its thread and a thread in its lane.
//!
//! What it costs a writer is a lock and an unlock more per processor, up to `LANES_MAX`.

use parking_lot::lock_api::{self, GuardNoSend, RawRwLock, RawRwLockFair};

use crate::base::lane::{self, LANES_MAX};

/// A value behind such a lock.
pub(super) type RwLock<T> = lock_api::RwLock<BigReader, T>;

/// Its guard for reading.
pub(super) type RwLockReadGuard<'l, T> = lock_api::RwLockReadGuard<'l, BigReader, T>;

/// Its guard for writing.
pub(super) type RwLockWriteGuard<'l, T> = lock_api::RwLockWriteGuard<'l, BigReader, T>;

/// The lock without its value.
#[derive(Debug)]
pub(super) struct BigReader {
    /// The first `lane::count()` are used.
    doors: [Door; LANES_MAX],
}

#[repr(align(64))]
struct Door(parking_lot::RawRwLock);

impl BigReader {
    /// The door of this thread's readers.
    #[inline]
    fn own(&self) -> &parking_lot::RawRwLock {
        &self.doors.get(lane::own()).expect("a lane is below LANES_MAX").0
    }

    /// All doors, in the order in which writers take them, so that two writers never wait for each other.
    #[inline]
    fn all(&self) -> impl Iterator<Item = &parking_lot::RawRwLock> {
        self.doors.iter().take(lane::count()).map(|door| &door.0)
    }
}

// SAFETY: Exclusive: `lock_exclusive` and a successful `try_lock_exclusive` return with every door in use locked for
// writing, so that no other exclusive lock exists, which would hold the first, and no shared one, which would hold the
// door of its lane: lanes are below `lane::count()`, so it is among those in use, and both never change. A shared lock
// holds its door for reading until `unlock_shared`, and as long no writer comes through it. The locks of the doors are
// parking_lot's, which are exclusive by themselves.
#[expect(unsafe_code, reason = "the trait is unsafe to implement, see the proof above")]
unsafe impl RawRwLock for BigReader {
    const INIT: BigReader = BigReader { doors: [const { Door(parking_lot::RawRwLock::INIT) }; LANES_MAX] };

    // The door is found by the thread.
    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock_shared(&self) {
        self.own().lock_shared();
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.own().try_lock_shared()
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        // SAFETY: The caller holds a shared lock in this context, and guards are not `Send`: this thread took it, in the
        // lane that it still has, through this door.
        unsafe { self.own().unlock_shared() }
    }

    #[inline]
    fn lock_exclusive(&self) {
        self.all().for_each(RawRwLock::lock_exclusive);
    }

    fn try_lock_exclusive(&self) -> bool {
        let taken = self.all().take_while(|door| door.try_lock_exclusive()).count();
        let has_all = taken == lane::count();
        if !has_all {
            // SAFETY: These are the doors that were locked just now, in the same order.
            self.all().take(taken).for_each(|door| unsafe { door.unlock_exclusive() });
        }
        has_all
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        // SAFETY: The caller holds an exclusive lock, and so every door in use.
        self.all().for_each(|door| unsafe { door.unlock_exclusive() });
    }
}

// SAFETY: As above; parking_lot's doors are handed over fairly each.
#[expect(unsafe_code, reason = "the trait is unsafe to implement, see the proof above")]
unsafe impl RawRwLockFair for BigReader {
    #[inline]
    unsafe fn unlock_shared_fair(&self) {
        // SAFETY: As in `unlock_shared`.
        unsafe { self.own().unlock_shared_fair() }
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self) {
        // SAFETY: As in `unlock_exclusive`.
        self.all().for_each(|door| unsafe { door.unlock_exclusive_fair() });
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.0.is_locked_exclusive(), self.0.is_locked()) {
            (true, _) => "for writing",
            (false, true) => "for reading",
            (false, false) => "free",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const TURNS: u64 = 2000;

    /// Runs `work` on a thread in each lane, all at once.
    fn in_each_lane(work: impl Fn(usize) + Sync) {
        let together = Barrier::new(lane::count());
        thread::scope(|scope| {
            for number in 0..lane::count() {
                let (together, work) = (&together, &work);
                scope.spawn(move || {
                    lane::choose(number);
                    together.wait();
                    work(number);
                });
            }
        });
    }

    #[test]
    fn a_reader_in_any_lane_sees_a_write_whole_and_no_write_is_lost() {
        let lock = RwLock::new([0_u64; 2]);
        in_each_lane(|number| {
            for turn in 0..TURNS {
                if turn % 4 == 0 {
                    let mut pair = lock.write();
                    pair[0] += 1;
                    thread::yield_now();
                    pair[1] += 1;
                    if number % 2 == 0 {
                        RwLockWriteGuard::unlock_fair(pair);
                    }
                } else {
                    let pair = lock.read();
                    assert_eq!(pair[0], pair[1]);
                }
            }
        });
        assert_eq!(lock.into_inner(), [lane::count() as u64 * TURNS.div_ceil(4); 2]);
    }

    #[test]
    fn who_reads_in_any_lane_keeps_writers_out_and_lets_readers_in() {
        for reader in 0..lane::count() {
            let lock = RwLock::new(());
            let (is_held, is_tried) = (Barrier::new(2), Barrier::new(2));
            thread::scope(|scope| {
                scope.spawn(|| {
                    lane::choose(reader);
                    let held = lock.read();
                    is_held.wait();
                    is_tried.wait();
                    drop(held);
                });
                is_held.wait();
                let (writer, other) = (lock.try_write().is_some(), lock.try_read().is_some());
                is_tried.wait();
                assert!(!writer && other, "in lane {reader}");
            });
            assert!(lock.try_write().is_some(), "a try that failed has given every door back");
        }
    }

    #[test]
    fn who_writes_keeps_everybody_out() {
        let lock = RwLock::new(());
        let held = lock.write();
        in_each_lane(|_| assert!(lock.try_read().is_none() && lock.try_write().is_none()));
        drop(held);
        in_each_lane(|_| drop(lock.read()));
        assert!(!lock.is_locked());
    }
}

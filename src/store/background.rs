//! How work in the background takes a shard's lock: the one place where such a hold begins and ends, and its longest is
//! known.
//!
//! Invariant: a hold is charged with the CPU time of its thread from when it has the lock to when it has given it up,
//! so neither waiting for the lock nor a machine that is busy elsewhere counts; what is charged is what this code costs
//! whoever waits for it. The readings cost a hold half a microsecond, which is why requests do not come this way.
//!
//! It does not know what is done under the lock, nor how much of it: `shard` bounds that.

use std::time::Duration;

use super::big_reader::{RwLock, RwLockWriteGuard};
use super::shard::Shard;
use crate::base::clock::ThreadCpu;
use crate::base::metrics::Longest;

/// All holds in the background.
#[derive(Debug, Default)]
pub(super) struct Background {
    longest: Longest,
}

impl Background {
    /// Runs `work` on a shard, whose lock it holds for reading meanwhile.
    pub(super) fn read<R>(&self, lock: &RwLock<Shard>, work: impl FnOnce(&Shard) -> R) -> R {
        let shard = lock.read();
        let cpu = ThreadCpu::begin();
        let result = work(&shard);
        drop(shard);
        self.longest.observe(cpu.elapsed());
        result
    }

    /// Runs `work` on a shard, whose lock it holds for writing meanwhile. Who waits for the lock has it next.
    pub(super) fn write<R>(&self, lock: &RwLock<Shard>, work: impl FnOnce(&mut Shard) -> R) -> R {
        let mut shard = lock.write();
        let cpu = ThreadCpu::begin();
        let result = work(&mut shard);
        RwLockWriteGuard::unlock_fair(shard);
        self.longest.observe(cpu.elapsed());
        result
    }

    /// The longest hold so far.
    pub(super) fn longest_hold(&self) -> Duration {
        self.longest.get()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ahash::RandomState;

    use super::*;

    const WORK: Duration = Duration::from_millis(2);

    /// Keeps this thread busy until it has run for that long.
    fn run_for(duration: Duration) {
        let cpu = ThreadCpu::begin();
        while cpu.elapsed() < duration {}
    }

    #[test]
    fn the_longest_hold_is_that_of_the_work_under_the_lock() {
        let lock = RwLock::new(Shard::new(RandomState::with_seeds(1, 2, 3, 4), Arc::default(), None));
        for writes in [false, true] {
            let background = Background::default();
            assert_eq!(background.longest_hold(), Duration::ZERO);
            run_for(WORK);
            background.read(&lock, |_| assert!(lock.try_write().is_none()));
            background.write(&lock, |_| assert!(lock.try_read().is_none()));
            assert!(background.longest_hold() < WORK, "what is outside of a hold does not count");
            if writes {
                background.write(&lock, |_| run_for(WORK));
            } else {
                background.read(&lock, |_| run_for(WORK));
            }
            background.read(&lock, |_| ());
            assert!(background.longest_hold() >= WORK && lock.try_write().is_some());
        }
    }
}

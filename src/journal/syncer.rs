//! `mt-sync`: in `Everysec` it syncs the segment each second.
//!
//! Invariants: what it calls durable was written before its fsync began, into the file that it synced or an earlier
//! one, which was synced before. While its fsync takes longer than `LATE`, writes are refused until it has returned,
//! so that a loss of power takes no more than the last second and one running fsync. After a failed one it does not
//! try again. It writes no frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Journal, Mode};

/// How old a running fsync may be before writes wait for it.
const LATE: Duration = Duration::from_secs(2);

/// The thread `mt-sync`.
#[derive(Debug)]
pub struct Syncer {
    journal: Arc<Journal>,
}

impl Syncer {
    /// How often `step` is to be called.
    pub const INTERVAL: Duration = Duration::from_secs(1);

    /// Syncs `journal`; `None` when its mode leaves nothing to do.
    pub fn new(journal: Arc<Journal>) -> Option<Syncer> {
        (journal.options.mode == Mode::Everysec).then_some(Syncer { journal })
    }

    /// Makes what was written before the call durable.
    pub fn step(&self) {
        let journal = self.journal.as_ref();
        // One at a time, and none after one has failed: the kernel may call that one a success.
        let syncing = journal.syncing.lock();
        if !journal.post.is_serving() {
            return;
        }
        let (file, written) = {
            // A new segment is put here before anything is written to it, and the one before was synced: so what is
            // written now is in this file or durable.
            let current = journal.current.lock();
            (current.clone(), journal.releases.written())
        };
        let Some(file) = file.filter(|_| written > journal.releases.durable()) else { return };
        journal.lag.begin(Instant::now());
        let synced = journal.sync_file(&file);
        journal.lag.end();
        match synced {
            Ok(()) => {
                journal.durable_up_to(written);
            }
            Err(error) => journal.give_up(&error),
        }
        drop(syncing);
        if journal.space.has_room() {
            journal.space.wake();
        }
    }
}

/// Since when an fsync has been running.
#[derive(Debug)]
pub(super) struct Lag {
    epoch: Instant,
    /// Milliseconds from `epoch` to its beginning, and 1; 0 while none runs.
    began: AtomicU64,
}

impl Lag {
    /// None runs.
    pub(super) fn new(epoch: Instant) -> Lag {
        Lag { epoch, began: AtomicU64::new(0) }
    }

    fn begin(&self, now: Instant) {
        self.began.store(self.millis(now) + 1, Ordering::SeqCst);
    }

    fn end(&self) {
        self.began.store(0, Ordering::SeqCst);
    }

    /// True when writes should wait. The clock is read only while an fsync runs.
    pub(super) fn is_late(&self, now: impl Fn() -> Instant) -> bool {
        let began = self.began.load(Ordering::SeqCst);
        let is_late = |began: u64| u128::from(self.millis(now()).saturating_sub(began)) > LATE.as_millis();
        began.checked_sub(1).is_some_and(is_late)
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_fsync_is_late_after_two_seconds_and_until_it_ends() {
        let start = Instant::now();
        let lag = Lag::new(start);
        let after = |millis| move || start + Duration::from_millis(millis);
        assert!(!lag.is_late(after(10_000)), "none runs");
        lag.begin(start + Duration::from_millis(500));
        assert!(!lag.is_late(after(2500)) && lag.is_late(after(2501)));
        lag.end();
        assert!(!lag.is_late(after(10_000)));
    }
}

//! `mt-sync`: in `Everysec` it syncs the segment each second; in `Always` it prepares the next one, once this
//! one has begun to fill.
//!
//! Invariants: what it calls durable was written before its fsync began, into the file that it synced or an earlier
//! one, which was synced before. While its fsync takes longer than `LATE`, writes are refused until it has returned,
//! so that a loss of power takes no more than the last second and one running fsync. After a failed one it does not
//! try again. It writes no frame.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Journal, Mode};
use crate::base::log;
use crate::persist::DataFolder;
use crate::persist::journal::PreparedSegment;

/// How old a running fsync may be before writes wait for it.
const LATE: Duration = Duration::from_secs(2);

/// The part of a segment after which the next one is prepared: late enough that a server which writes little takes
/// neither the space nor the fsync for it, early enough that one which writes much finds it ready.
const PREPARED_AFTER: u64 = 16;

/// The thread `mt-sync`.
#[derive(Debug)]
pub struct Syncer {
    journal: Arc<Journal>,
    folder: Arc<DataFolder>,
}

impl Syncer {
    /// How often `step` is to be called.
    pub const INTERVAL: Duration = Duration::from_secs(1);

    /// Syncs `journal`, whose segments are in `folder`; `None` when its mode leaves nothing to do.
    pub fn new(journal: Arc<Journal>, folder: Arc<DataFolder>) -> Option<Syncer> {
        matches!(journal.options.mode, Mode::Always | Mode::Everysec).then_some(Syncer { journal, folder })
    }

    /// Does what there is to do.
    pub fn step(&self) {
        match self.journal.options.mode {
            Mode::Everysec => self.sync(),
            Mode::Always => self.prepare(),
            Mode::Os | Mode::Off => {}
        }
    }

    fn sync(&self) {
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

    fn prepare(&self) {
        let journal = self.journal.as_ref();
        if journal.prepared.begin_filling() {
            let filled = self.folder.prepare_segment(journal.options.segment_bytes);
            if let Err(error) = &filled {
                log::warn(format_args!("the next segment of the journal could not be prepared: {error}"));
            }
            journal.prepared.filled(filled.ok());
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

/// The file that is prepared for the next segment: made by `mt-sync`, taken by whoever begins one.
#[derive(Default)]
pub(super) struct Prepared {
    /// True once the segment before it is full enough.
    is_wanted: AtomicBool,
    state: Mutex<Preparation>,
}

#[derive(Default)]
enum Preparation {
    /// There is none, and nobody is at it.
    #[default]
    Absent,
    /// Its name is in use: it is being filled, or becomes a segment.
    Busy,
    /// It can be taken.
    Ready(PreparedSegment),
}

impl Prepared {
    /// Notes how full the segment is that is written: `bytes` of the `segment_bytes` after which it ends.
    pub(super) fn note_filled(&self, bytes: u64, segment_bytes: u64) {
        self.is_wanted.store(bytes >= segment_bytes / PREPARED_AFTER, Ordering::Relaxed);
    }

    /// True when one is to be filled now, by whoever asked.
    fn begin_filling(&self) -> bool {
        let mut state = self.state.lock();
        let begins = matches!(*state, Preparation::Absent) && self.is_wanted.load(Ordering::Relaxed);
        if begins {
            *state = Preparation::Busy;
        }
        begins
    }

    /// Ends what `begin_filling` began.
    fn filled(&self, segment: Option<PreparedSegment>) {
        *self.state.lock() = segment.map_or(Preparation::Absent, Preparation::Ready);
    }

    /// Hands it to `begin`, if it is there. Until `begin` has returned, no other is made under its name.
    pub(super) fn used_by<T>(&self, begin: impl FnOnce(Option<PreparedSegment>) -> T) -> T {
        let taken = {
            let mut state = self.state.lock();
            match std::mem::replace(&mut *state, Preparation::Busy) {
                Preparation::Ready(segment) => Some(segment),
                other => {
                    *state = other;
                    None
                }
            }
        };
        let is_taken = taken.is_some();
        let begun = begin(taken);
        if is_taken {
            self.filled(None);
        }
        begun
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.state.lock() {
            Preparation::Absent => "absent",
            Preparation::Busy => "busy",
            Preparation::Ready(_) => "ready",
        })
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

    #[test]
    fn one_file_is_prepared_at_a_time_and_none_while_one_becomes_a_segment() {
        let prepared = Prepared::default();
        prepared.note_filled(1000, 1000);
        assert!(prepared.begin_filling() && !prepared.begin_filling());
        prepared.used_by(|taken| assert!(taken.is_none(), "it is not ready"));
        assert!(!prepared.begin_filling(), "it is still being filled");
        prepared.filled(None);
        assert!(prepared.begin_filling());
    }

    #[test]
    fn nothing_is_prepared_before_a_part_of_the_segment_is_full() {
        let prepared = Prepared::default();
        assert!(!prepared.begin_filling());
        prepared.note_filled(999, 1000 * PREPARED_AFTER);
        assert!(!prepared.begin_filling());
        prepared.note_filled(1000, 1000 * PREPARED_AFTER);
        assert!(prepared.begin_filling());
    }
}

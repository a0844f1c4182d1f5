//! What the journal counts, for whoever shows it.

use std::time::Duration;

use crate::base::metrics::{Counter, Distribution, Histogram};
use crate::model::Lsn;

/// Bounds of the time that an fsync takes: from a disk with a cache of its own to one that is about to fail.
const FSYNC_BOUNDS: &[Duration; 16] = &[
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Counters, each since the start.
#[derive(Debug)]
pub(super) struct Counters {
    frames: Counter,
    bytes: Counter,
    syncs: Histogram<16>,
    errors: Counter,
    heal_attempts: Counter,
    heals: Counter,
}

/// What the counters and the watermarks say, each at its own moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Frames written: groups, and parts of large ones.
    pub frames: u64,
    /// Bytes of all frames.
    pub bytes: u64,
    /// Calls of fdatasync that have returned.
    pub syncs: u64,
    /// How long they took.
    pub sync_durations: Distribution<16>,
    /// How often the journal was given up, and attempts to begin again that failed.
    pub errors: u64,
    /// How often it was tried to begin again.
    pub heal_attempts: u64,
    /// How often it has begun again.
    pub heals: u64,
    /// The newest LSN that is durable, with all before it.
    pub durable: Lsn,
    /// The newest LSN that is written, with all before it.
    pub written: Lsn,
    /// The newest LSN that was issued.
    pub last: Lsn,
}

impl Counters {
    /// Nothing has happened.
    pub(super) fn new() -> Counters {
        Counters {
            frames: Counter::default(),
            bytes: Counter::default(),
            syncs: Histogram::new(FSYNC_BOUNDS),
            errors: Counter::default(),
            heal_attempts: Counter::default(),
            heals: Counter::default(),
        }
    }

    pub(super) fn note_frame(&self, bytes: u64) {
        self.frames.increment();
        self.bytes.add(bytes);
    }

    pub(super) fn note_sync(&self, took: Duration) {
        self.syncs.observe(took);
    }

    pub(super) fn note_error(&self) {
        self.errors.increment();
    }

    pub(super) fn note_heal_attempt(&self) {
        self.heal_attempts.increment();
    }

    pub(super) fn note_healed(&self) {
        self.heals.increment();
    }

    /// The counters, and beside them the watermarks, which are handed in from the safest to the newest.
    pub(super) fn read(&self, [durable, written, last]: [Lsn; 3]) -> Figures {
        let sync_durations = self.syncs.read();
        Figures {
            frames: self.frames.get(),
            bytes: self.bytes.get(),
            syncs: sync_durations.count(),
            sync_durations,
            errors: self.errors.get(),
            heal_attempts: self.heal_attempts.get(),
            heals: self.heals.get(),
            durable,
            written,
            last,
        }
    }
}

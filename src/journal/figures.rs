//! What the journal counts, for whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters, each since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
    errors: AtomicU64,
    heals: AtomicU64,
}

/// What the counters say, each at its own moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Frames written: groups, and parts of large ones.
    pub frames: u64,
    /// Bytes of all frames.
    pub bytes: u64,
    /// Calls of fdatasync.
    pub syncs: u64,
    /// How often the journal was given up, and attempts to begin again that failed.
    pub errors: u64,
    /// How often it has begun again.
    pub heals: u64,
}

impl Counters {
    pub(super) fn note_frame(&self, bytes: u64) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn note_sync(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_healed(&self) {
        self.heals.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Figures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { frames, bytes, syncs, errors, heals } = self;
        Figures { frames: of(frames), bytes: of(bytes), syncs: of(syncs), errors: of(errors), heals: of(heals) }
    }
}

//! When each entry was last accessed, to a tenth of a second: what whoever evicts the least recently used goes by.
//!
//! Four bytes an entry beside the slab, and only in a store that notes accesses; in one that does not, a look-up costs
//! nothing more. Invariant: who reads an entry notes it under the shard's read lock, by a store that orders nothing, and
//! only when the moment is another one than that of the access before: what is read often is written ten times a second at
//! most, and its cache line stays where it is read. It does not know the time: whoever does moves the moment on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::slab::SlotIndex;

/// The moment with which accesses are noted, the same for all shards: a count that only grows.
#[derive(Debug, Default)]
pub(super) struct Moment(AtomicU32);

impl Moment {
    /// It is this one now.
    pub(super) fn move_to(&self, moment: u32) {
        self.0.store(moment, Ordering::Relaxed);
    }

    /// Which it is.
    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// When the entries of a slab were last accessed, by their slots. What a free slot has means nothing.
#[derive(Debug)]
pub(super) struct Recency {
    now: Arc<Moment>,
    accessed: Vec<AtomicU32>,
}

impl Recency {
    /// That of an empty slab.
    pub(super) fn new(now: Arc<Moment>) -> Recency {
        Recency { now, accessed: Vec::new() }
    }

    /// Bytes of its memory; an empty one has none.
    pub(super) fn bytes(&self) -> usize {
        self.accessed.capacity() * size_of::<AtomicU32>()
    }

    /// The entry in `slot` is accessed.
    pub(super) fn note(&self, slot: SlotIndex) {
        let now = self.now.get();
        if let Some(accessed) = self.accessed.get(slot.number())
            && accessed.load(Ordering::Relaxed) != now
        {
            accessed.store(now, Ordering::Relaxed);
        }
    }

    /// An entry is put into `slot`, which may be new. Growing copies four bytes for each slot of the slab.
    pub(super) fn note_put(&mut self, slot: SlotIndex) {
        if self.accessed.len() <= slot.number() {
            self.accessed.resize_with(slot.number() + 1, AtomicU32::default);
        }
        self.note(slot);
    }

    /// When the entry in `slot` was last accessed.
    pub(super) fn of(&self, slot: SlotIndex) -> u32 {
        self.accessed.get(slot.number()).map_or(0, |accessed| accessed.load(Ordering::Relaxed))
    }
}

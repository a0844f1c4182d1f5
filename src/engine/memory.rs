//! How much memory may be used: what a write that grows is promised, and refused.
//!
//! What counts is what the operating system would end the process for, so it is not added up here: the allocator and the
//! kernel are asked (`base::memory::Meter`), some times a second, by a thread of the server. So everything counts that is
//! in memory: documents and their indexes, the journal's buffer, changes that are kept, bodies on their way, stacks.
//! Between two looks writes are counted: each takes what it adds, under its shard's lock, before it changes anything,
//! so that however many there are, all of them together stay below the limit. A look corrects what was counted.
//!
//! Invariant: what is in use at a look, and what was promised since, is at most the limit when a write is let through that
//! grows. What comes between two looks and is no write (bodies that arrive, at most `bodies_bytes_max`; records on their
//! way to the disk, at most `journal_buffer_bytes`; a table that doubles) is in no promise, and is seen by the next look:
//! that far the limit may be overshot, and a quarter of the machine is left for it by default.
//!
//! Holes: what was removed leaves holes between what is left, and the next document of that size fills one. They count as
//! free, so that memory that is full has room again after deletions wherever they were; but only up to an eighth of the
//! limit, for a process is not ended for what it needs but for what it has. Pages that nobody uses do not count: the
//! allocator gives them to whoever comes next, or back.
//!
//! Cost: a write that grows adds to one counter; one that does not, a read, a deletion and a change of a deadline touch
//! nothing. It does not know who looks, nor what is refused.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::memory::{Meter, Usage};
use crate::model::Refusal;

/// About what an entry takes beside its document: its slot, its place in the table and in the order.
const ENTRY_BYTES: u64 = 64;

/// About what a collection takes before anything is in it.
pub(super) const COLLECTION_BYTES: u64 = 1024;

/// The part of the limit that holes may have before they count.
const HOLES_DIVISOR: u64 = 8;

/// No limit.
const UNLIMITED: u64 = u64::MAX;

/// The limit on memory, and what is in use of it.
pub struct Memory {
    // Constant after construction.
    /// `UNLIMITED` for none.
    limit_bytes: u64,
    meter: Arc<dyn Meter>,
    // With synchronization of its own.
    /// What was in use at the last look, and what was promised since.
    used_bytes: AtomicU64,
    /// Held by whoever looks.
    looking: Mutex<()>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("limit_bytes", &self.limit_bytes()).finish_non_exhaustive()
    }
}

impl Memory {
    /// At most `limit_bytes`, of what `meter` tells; `None` for no limit.
    pub fn new(limit_bytes: Option<u64>, meter: Arc<dyn Meter>) -> Memory {
        let memory = Memory {
            limit_bytes: limit_bytes.unwrap_or(UNLIMITED),
            meter,
            used_bytes: AtomicU64::new(0),
            looking: Mutex::new(()),
        };
        memory.look();
        memory
    }

    /// No limit, and nobody who knows what is in use.
    pub(super) fn unlimited() -> Memory {
        Memory::new(None, Arc::new(Unmetered))
    }

    /// The limit; `None` when there is none.
    pub fn limit_bytes(&self) -> Option<u64> {
        Some(self.limit_bytes).filter(|limit| *limit != UNLIMITED)
    }

    /// What is in use, as far as it was looked at, and what was promised since.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Looks how much is in use, and returns it. Takes some ten to hundred microseconds and a few system calls.
    ///
    /// # Locks
    /// One of its own: two who look at once would each correct what the other has corrected.
    pub fn look(&self) -> u64 {
        let _held = self.looking.lock();
        let before = self.used_bytes();
        let Some(usage) = self.meter.read() else { return before };
        let seen = self.counted(usage);
        // What is promised meanwhile stays promised: it may have been used before the look, or not yet.
        let promised = self.used_bytes.fetch_add(seen.wrapping_sub(before), Ordering::Relaxed).wrapping_sub(before);
        seen.wrapping_add(promised)
    }

    /// What counts of `usage`.
    fn counted(&self, Usage { held, active }: Usage) -> u64 {
        match self.limit_bytes() {
            Some(limit) => held.max(active.saturating_sub(limit / HOLES_DIVISOR)),
            None => held,
        }
    }

    /// Promises `bytes` to a write that grows by them. Wait-free.
    ///
    /// # Errors
    /// They would be more than there may be; nothing was promised.
    pub(super) fn take(&self, bytes: u64) -> Result<(), Refusal> {
        if bytes == 0 || self.limit_bytes == UNLIMITED {
            return Ok(());
        }
        let fits = |used: u64| used.saturating_add(bytes) <= self.limit_bytes;
        // Looked at first, so that those who are refused do not stand in the way of those who are not.
        if fits(self.used_bytes()) {
            if fits(self.used_bytes.fetch_add(bytes, Ordering::Relaxed)) {
                return Ok(());
            }
            self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Err(Refusal::MemoryFull { limit_bytes: self.limit_bytes, used_bytes: self.used_bytes() })
    }
}

/// About what a document of `size_bytes`, key and value together, takes with its entry: the allocator gives it up to an
/// eighth more on average than it asks for.
pub(super) fn document_bytes(size_bytes: usize) -> u64 {
    let size_bytes = size_bytes as u64;
    ENTRY_BYTES + size_bytes + size_bytes / 8
}

/// By how much a document grows that had `before` bytes, if there was one, and has `after`.
pub(super) fn growth(before: Option<usize>, after: usize) -> u64 {
    document_bytes(after).saturating_sub(before.map_or(0, document_bytes))
}

/// Knows nothing.
struct Unmetered;

impl Meter for Unmetered {
    fn read(&self) -> Option<Usage> {
        None
    }
}

#[cfg(test)]
mod tests;

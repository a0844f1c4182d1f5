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
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

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
const UNLIMITED: i64 = i64::MAX;

/// The limit on memory, and what is in use of it.
pub struct Memory {
    // Constant after construction.
    /// `UNLIMITED` for none.
    limit_bytes: i64,
    meter: Arc<dyn Meter>,
    // With synchronization of its own.
    /// What was in use at the last look, and what was promised since, less what was evicted.
    used_bytes: AtomicI64,
    /// Looks so far.
    looks: AtomicU64,
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
            limit_bytes: limit_bytes.map_or(UNLIMITED, signed),
            meter,
            used_bytes: AtomicI64::new(0),
            looks: AtomicU64::new(0),
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
        u64::try_from(self.limit_bytes).ok().filter(|_| self.limit_bytes != UNLIMITED)
    }

    /// What is in use, as far as it was looked at, and what was promised since.
    pub fn used_bytes(&self) -> u64 {
        u64::try_from(self.used_bytes.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Looks how much is in use, and returns it. Takes some ten to hundred microseconds and a few system calls.
    ///
    /// # Locks
    /// One of its own: two who look at once would each correct what the other has corrected.
    pub fn look(&self) -> u64 {
        let _held = self.looking.lock();
        let before = self.used_bytes.load(Ordering::Relaxed);
        let Some(usage) = self.meter.read() else { return self.used_bytes() };
        // What is promised meanwhile stays promised: it may have been used before the look, or not yet.
        self.used_bytes.fetch_add(signed(self.counted(usage)) - before, Ordering::Relaxed);
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.used_bytes()
    }

    /// How often somebody has looked.
    pub(super) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// True when more is in use than may be.
    pub(super) fn is_over(&self) -> bool {
        self.used_bytes.load(Ordering::Relaxed) > self.limit_bytes
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
        let bytes = signed(bytes);
        let fits = |used: i64| used.saturating_add(bytes) <= self.limit_bytes;
        // Looked at first, so that those who are refused do not stand in the way of those who are not.
        if fits(self.used_bytes.load(Ordering::Relaxed)) {
            if fits(self.used_bytes.fetch_add(bytes, Ordering::Relaxed)) {
                return Ok(());
            }
            self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Err(Refusal::MemoryFull { limit_bytes: self.limit_bytes().unwrap_or(u64::MAX), used_bytes: self.used_bytes() })
    }

    /// Promises `bytes` to a write for which `freed` were evicted, and which are counted as free with that. Who has made
    /// as much room as it needs has it, also where more is in use than may be. `None`: it is to evict more.
    pub(super) fn promise(&self, bytes: u64, freed: u64) -> Option<Promise<'_>> {
        match bytes.checked_sub(freed) {
            Some(lacking) => self.take(lacking).ok()?,
            None => self.give_back(freed - bytes),
        }
        Some(Promise { memory: self, bytes: if self.limit_bytes == UNLIMITED { 0 } else { bytes } })
    }

    /// The promise of no byte.
    pub(super) fn promise_nothing(&self) -> Promise<'_> {
        Promise { memory: self, bytes: 0 }
    }

    /// Counts as free what was promised and not used, or evicted.
    pub(super) fn give_back(&self, bytes: u64) {
        if bytes > 0 {
            self.used_bytes.fetch_sub(signed(bytes), Ordering::Relaxed);
        }
    }
}

/// What a write was promised before it was decided. It gives back what it does not need.
#[derive(Debug)]
#[must_use]
pub(super) struct Promise<'m> {
    memory: &'m Memory,
    bytes: u64,
}

impl Promise<'_> {
    /// The write is decided, and grows by `bytes`. Wait-free.
    ///
    /// # Errors
    /// That is more than it was promised, and there is no more.
    pub(super) fn settle(mut self, bytes: u64) -> Result<(), Refusal> {
        self.memory.take(bytes.saturating_sub(self.bytes))?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(())
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

/// Bytes as they are counted, which may be fewer than none for a moment: what is evicted is estimated.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX - 1)
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

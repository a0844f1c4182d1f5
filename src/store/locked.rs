//! One key under its shard's write lock: look, decide, take an LSN, apply.
//!
//! Invariant: between the look and the change nobody else sees or changes the key, and at most one change is made.
//! What it replaces or removes comes out of it after the lock has been released.

use parking_lot::RwLockWriteGuard;

use super::CollectionId;
use super::hashing::ShardHash;
use super::shard::Shard;
use super::slab::SlotIndex;
use crate::base::clock::UnixMillis;
use crate::model::{Deadline, Document, Entry, Lsn};

/// A key whose shard is locked for writing; dropping it changes nothing.
#[derive(Debug)]
pub struct Locked<'s> {
    pub(super) shard: RwLockWriteGuard<'s, Shard>,
    pub(super) id: CollectionId,
    /// LSN of the collection's creation.
    pub(super) created: Lsn,
    pub(super) hash: ShardHash,
    /// Where the key's entry is, live or expired.
    pub(super) slot: Option<SlotIndex>,
}

/// What a condition or a deadline is decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// The live document's version.
    pub version: Lsn,
    /// Its deadline.
    pub deadline: Deadline,
}

impl Locked<'_> {
    /// Version and deadline of the live document; `None` when there is none at `now`.
    pub fn current(&self, now: UnixMillis) -> Option<Current> {
        self.live(now).map(|entry| Current { version: entry.version, deadline: entry.deadline })
    }

    /// The live document, counted; `None` when there is none at `now`.
    pub fn current_entry(&self, now: UnixMillis) -> Option<Entry> {
        self.live(now).cloned()
    }

    /// What the absence of a live document rests on: the newest removal in the shard, the collection's creation,
    /// and the version of an entry that expired.
    pub fn absent_rests_on(&self) -> Lsn {
        let expired = self.entry().map_or(Lsn::ZERO, |entry| entry.version);
        self.shard.last_removal().max(self.created).max(expired)
    }

    /// Writes `document`, which has the key that was locked, and returns what was there before, live or expired.
    ///
    /// # Locks
    /// Released before this returns.
    pub fn put(mut self, document: Document, version: Lsn, deadline: Deadline) -> Option<Entry> {
        let entry = Entry { document, version, deadline };
        match self.slot {
            Some(slot) => {
                debug_assert_eq!(
                    self.shard.get(self.id, slot).document.key_bytes(),
                    entry.document.key_bytes(),
                    "the document has the key that was locked"
                );
                Some(self.shard.replace(self.id, slot, entry))
            }
            None => {
                self.shard.insert(self.id, self.hash, entry);
                None
            }
        }
    }

    /// Removes the entry by the mutation `lsn`, and returns it, live or expired.
    ///
    /// # Locks
    /// Released before this returns.
    pub fn remove(mut self, lsn: Lsn) -> Option<Entry> {
        let (removed, unlinked) = self.shard.remove(self.id, self.hash, self.slot?, lsn);
        drop(self);
        drop(unlinked);
        Some(removed)
    }

    fn entry(&self) -> Option<&Entry> {
        self.slot.map(|slot| self.shard.get(self.id, slot))
    }

    fn live(&self, now: UnixMillis) -> Option<&Entry> {
        self.entry().filter(|entry| !entry.deadline.has_passed(now))
    }
}

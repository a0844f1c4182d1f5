//! One key under its shard's write lock: look, decide, take an LSN, apply.
//!
//! Invariant: between the look and the change nobody else sees or changes the key, and at most one change is made.
//! What it replaces or removes comes out of it after the lock has been released.

use super::CollectionId;
use super::big_reader::RwLockWriteGuard;
use super::hashing::ShardHash;
use super::shard::Shard;
use super::slab::{EntryRef, SlotIndex};
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
    /// The LSN that must survive for both to stay true.
    pub rests_on: Lsn,
}

impl Locked<'_> {
    /// The version of the entry, live or expired; `None` when there is none.
    pub fn version(&self) -> Option<Lsn> {
        self.entry().map(|entry| entry.version)
    }

    /// Bytes of the key and the value that are there, live or expired; `None` when none are.
    pub fn size_bytes(&self) -> Option<usize> {
        self.entry().map(|entry| entry.document.size_bytes())
    }

    /// Version and deadline of the live document; `None` when there is none at `now`, which is asked only where there is
    /// one with a deadline.
    pub fn current(&self, now: impl FnOnce() -> UnixMillis) -> Option<Current> {
        self.live(now).map(|entry| Current {
            version: entry.version,
            deadline: entry.deadline,
            rests_on: self.shard.rests_on(entry),
        })
    }

    /// The live document, counted; `None` when there is none at `now`.
    pub fn current_entry(&self, now: impl FnOnce() -> UnixMillis) -> Option<Entry> {
        self.live(now).map(EntryRef::counted)
    }

    /// What the absence of a live document rests on: the newest removal and the newest change of a deadline in the
    /// shard, the collection's creation, and the version of an entry that expired.
    pub fn absent_rests_on(&self) -> Lsn {
        let expired = self.entry().map_or(Lsn::ZERO, |entry| entry.version);
        self.shard.absences_rest_on().max(self.created).max(expired)
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

    /// Changes the deadline of the entry by the mutation `lsn`; its version stays. Without an entry it does nothing.
    ///
    /// # Locks
    /// Released before this returns.
    pub fn set_deadline(mut self, deadline: Deadline, lsn: Lsn) {
        if let Some(slot) = self.slot {
            self.shard.set_deadline(self.id, slot, deadline, lsn);
        }
    }

    fn entry(&self) -> Option<EntryRef<'_>> {
        self.slot.map(|slot| self.shard.get(self.id, slot))
    }

    fn live(&self, now: impl FnOnce() -> UnixMillis) -> Option<EntryRef<'_>> {
        self.entry().filter(|entry| entry.deadline == Deadline::NEVER || !entry.deadline.has_passed(now()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{collection, document, entry_until};
    use super::super::{ShardIndex, Store};
    use super::*;
    use crate::model::{CollectionName, Key, Scope};

    fn key() -> Key<'static> {
        Key::new("k").unwrap()
    }

    #[test]
    fn a_document_is_absent_from_its_very_deadline_on_and_its_absence_rests_on_its_version() {
        let store = Store::new(1);
        store.load(CollectionId::MAIN, [entry_until("k", 7, Some(100))].into_iter());
        let place = store.place(Scope::Main).unwrap();
        let locked = store.lock(&place, key());
        let deadline = Deadline::at(UnixMillis(100));
        assert_eq!(locked.current(|| UnixMillis(99)), Some(Current { version: Lsn(7), deadline, rests_on: Lsn(7) }));
        assert_eq!(locked.current(|| UnixMillis(100)), None);
        assert_eq!(locked.current_entry(|| UnixMillis(100)), None);
        assert_eq!(locked.absent_rests_on(), Lsn(7));
    }

    #[test]
    fn what_time_it_is_is_asked_only_where_there_is_a_deadline() {
        let store = Store::new(1);
        store.load(CollectionId::MAIN, [entry_until("k", 7, None)].into_iter());
        let place = store.place(Scope::Main).unwrap();
        for (name, version) in [("k", Some(Lsn(7))), ("other", None)] {
            let locked = store.lock(&place, Key::new(name).unwrap());
            let current = locked.current(|| unreachable!("{name} has no deadline"));
            assert_eq!(current.map(|current| current.version), version);
        }
    }

    #[test]
    fn an_expired_entry_that_is_written_or_removed_comes_out() {
        for number in [0, 1] {
            let store = Store::new(1);
            let expired = entry_until("k", 7, Some(100));
            store.load(CollectionId::MAIN, [expired.clone()].into_iter());
            let place = store.place(Scope::Main).unwrap();
            let locked = store.lock(&place, key());
            let out = match number {
                0 => locked.put(document("k"), Lsn(8), Deadline::NEVER),
                _ => locked.remove(Lsn(8)),
            };
            assert_eq!(out, Some(expired));
            assert_eq!(store.lock(&place, key()).current(|| UnixMillis(0)).is_some(), number == 0);
            store.check_invariants();
        }
    }

    #[test]
    fn absence_rests_on_the_newest_removal_in_the_shard() {
        let store = Store::new(1);
        let place = store.place(Scope::Main).unwrap();
        assert_eq!(store.lock(&place, key()).absent_rests_on(), Lsn::ZERO);
        assert_eq!(store.lock(&place, key()).remove(Lsn(3)), None);
        assert_eq!(store.lock(&place, key()).absent_rests_on(), Lsn::ZERO, "nothing was removed");
        store.lock(&place, key()).put(document("k"), Lsn(4), Deadline::NEVER);
        store.lock(&place, key()).remove(Lsn(5));
        assert_eq!(store.lock(&place, Key::new("other").unwrap()).absent_rests_on(), Lsn(5));
    }

    /// What is seen, found or not, may be what a deadline made of it: a crash that takes the deadline back takes it
    /// back.
    #[test]
    fn what_is_there_and_what_is_not_rests_on_the_newest_change_of_a_deadline_in_the_shard() {
        let store = Store::new(1);
        let place = store.place(Scope::Main).unwrap();
        store.lock(&place, key()).put(document("k"), Lsn(4), Deadline::NEVER);
        let deadline = Deadline::at(UnixMillis(100));
        store.lock(&place, key()).set_deadline(deadline, Lsn(6));
        let current = store.lock(&place, key()).current(|| UnixMillis(99));
        assert_eq!(current, Some(Current { version: Lsn(4), deadline, rests_on: Lsn(6) }));
        assert_eq!(store.lock(&place, key()).absent_rests_on(), Lsn(6));
        store.check_invariants();
        store.reap(ShardIndex(0), UnixMillis(100), 1);
        assert_eq!(store.lock(&place, key()).absent_rests_on(), Lsn(6));
        store.lock(&place, key()).set_deadline(Deadline::NEVER, Lsn(7));
        assert_eq!(store.lock(&place, key()).absent_rests_on(), Lsn(6), "there was nothing to change");
    }

    #[test]
    fn absence_in_a_new_collection_rests_on_its_creation() {
        let store = Store::new(1);
        store.create_collection(CollectionName::new("c").unwrap(), 1, || Lsn(9)).unwrap();
        let place = store.place(collection("c")).unwrap();
        assert_eq!(store.lock(&place, key()).absent_rests_on(), Lsn(9));
    }

    #[test]
    fn a_lock_that_is_let_go_changes_nothing() {
        let store = Store::new(1);
        let place = store.place(Scope::Main).unwrap();
        drop(store.lock(&place, key()));
        assert_eq!(store.totals().documents, 0);
        store.check_invariants();
    }
}

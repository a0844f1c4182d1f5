//! Several keys under the write locks of all their shards: look at all, decide, take LSNs, apply all.
//!
//! Invariant: from the first look to the last change nobody else sees or changes any of the keys, so that a batch is
//! applied whole or not at all. Shards are locked in ascending order, each once, whatever keys are in it: two batches
//! that meet wait for each other and never in a ring. What the changes replace or remove is freed after the last lock
//! has been released.

use super::big_reader::RwLockWriteGuard;
use super::hashing::{Address, ShardHash, ShardIndex};
use super::locked::Current;
use super::shard::{Shard, Unlinked};
use super::slab::SlotIndex;
use super::{CollectionId, Place};
use crate::base::clock::UnixMillis;
use crate::model::{Deadline, Document, Entry, Key, Lsn};

/// Why a key's shard is found.
const EVERY_SHARD: &str = "the shards of all keys are locked";

/// Keys whose shards are locked for writing, each named by its number in the list that was locked; a key may be in it
/// more than once, and then sees what was made of it before. Dropping it without a change changes nothing.
#[derive(Debug)]
pub struct LockedMany<'s> {
    // Dropped in this order: the locks first, then what must not be freed under them.
    /// Ascending by number.
    shards: Vec<(ShardIndex, RwLockWriteGuard<'s, Shard>)>,
    out: Vec<(Option<Entry>, Unlinked)>,
    keys: &'s [Key<'s>],
    /// Where each key lives.
    addresses: Vec<Address>,
    id: CollectionId,
    /// LSN of the collection's creation.
    created: Lsn,
}

/// What the changes replaced and removed: to be dropped when no lock is held.
#[derive(Debug)]
#[must_use]
pub struct Replaced {
    _out: Vec<(Option<Entry>, Unlinked)>,
}

/// One of the keys: its shard, its hash inside, and where its entry is.
struct Found<S> {
    shard: S,
    hash: ShardHash,
    slot: Option<SlotIndex>,
}

impl<'s> LockedMany<'s> {
    /// Locks the shards of `keys`, which live at `addresses`, through `lock`.
    pub(super) fn new(
        place: &Place<'_>,
        keys: &'s [Key<'s>],
        addresses: Vec<Address>,
        lock: impl Fn(ShardIndex) -> RwLockWriteGuard<'s, Shard>,
    ) -> LockedMany<'s> {
        let mut indexes: Vec<ShardIndex> = addresses.iter().map(|address| address.shard).collect();
        indexes.sort_unstable();
        indexes.dedup();
        // Allocated before the first lock is taken.
        let (mut shards, out) = (Vec::with_capacity(indexes.len()), Vec::with_capacity(keys.len()));
        shards.extend(indexes.into_iter().map(|shard| (shard, lock(shard))));
        LockedMany { shards, out, keys, addresses, id: place.id(), created: place.created() }
    }

    /// Version and deadline of the live document under a key; `None` when there is none at `now`.
    pub fn current(&self, number: usize, now: UnixMillis) -> Option<Current> {
        let Found { shard, slot, .. } = self.find(number);
        let entry = shard.get(self.id, slot?);
        let is_live = !entry.deadline.has_passed(now);
        is_live.then(|| Current { version: entry.version, deadline: entry.deadline, rests_on: shard.rests_on(entry) })
    }

    /// Bytes of what is under a key, live or expired; see `Locked::size_bytes`.
    pub fn size_bytes(&self, number: usize) -> Option<usize> {
        let Found { shard, slot, .. } = self.find(number);
        slot.map(|slot| shard.get(self.id, slot).document.size_bytes())
    }

    /// What the absence of a live document under a key rests on; see `Locked::absent_rests_on`.
    pub fn absent_rests_on(&self, number: usize) -> Lsn {
        let Found { shard, slot, .. } = self.find(number);
        let expired = slot.map_or(Lsn::ZERO, |slot| shard.get(self.id, slot).version);
        shard.absences_rest_on().max(self.created).max(expired)
    }

    /// Writes `document`, which has the key of that number.
    pub fn put(&mut self, number: usize, document: Document, version: Lsn, deadline: Deadline) {
        let (id, entry) = (self.id, Entry { document, version, deadline });
        let Found { shard, hash, slot } = self.find_mut(number);
        let replaced = match slot {
            Some(slot) => Some(shard.replace(id, slot, entry)),
            None => {
                shard.insert(id, hash, entry);
                None
            }
        };
        self.out.push((replaced, None));
    }

    /// Removes the entry under a key, if there is one, by the mutation `lsn`.
    pub fn remove(&mut self, number: usize, lsn: Lsn) {
        let id = self.id;
        let Found { shard, hash, slot } = self.find_mut(number);
        if let Some(slot) = slot {
            let (removed, unlinked) = shard.remove(id, hash, slot, lsn);
            self.out.push((Some(removed), unlinked));
        }
    }

    /// Changes the deadline of the entry under a key, if there is one, by the mutation `lsn`; its version stays.
    pub fn set_deadline(&mut self, number: usize, deadline: Deadline, lsn: Lsn) {
        let id = self.id;
        let Found { shard, slot, .. } = self.find_mut(number);
        if let Some(slot) = slot {
            shard.set_deadline(id, slot, deadline, lsn);
        }
    }

    /// Releases the locks.
    pub fn unlock(self) -> Replaced {
        Replaced { _out: self.out }
    }

    fn find(&self, number: usize) -> Found<&Shard> {
        let (key, Address { shard, hash }) = self.key(number);
        let shard = self.shards.get(self.position(shard)).map(|(_, shard)| &**shard).expect(EVERY_SHARD);
        Found { shard, hash, slot: shard.find(self.id, hash, key.as_bytes()) }
    }

    fn find_mut(&mut self, number: usize) -> Found<&mut Shard> {
        let (key, Address { shard, hash }) = self.key(number);
        let position = self.position(shard);
        let shard = self.shards.get_mut(position).map(|(_, shard)| &mut **shard).expect(EVERY_SHARD);
        let slot = shard.find(self.id, hash, key.as_bytes());
        Found { shard, hash, slot }
    }

    fn key(&self, number: usize) -> (Key<'s>, Address) {
        let found = self.keys.get(number).copied().zip(self.addresses.get(number).copied());
        found.expect("a number is below that of the keys that were locked")
    }

    fn position(&self, shard: ShardIndex) -> usize {
        self.shards.binary_search_by_key(&shard, |(index, _)| *index).expect(EVERY_SHARD)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::super::Store;
    use super::super::tests::{document, scrambled};
    use super::*;
    use crate::model::Scope;

    #[test]
    fn each_change_of_a_key_sees_the_one_before() {
        let store = Store::new(16);
        let place = store.place(Scope::Main).unwrap();
        let keys = ["a", "b", "a", "a"].map(|key| Key::new(key).unwrap());
        let mut locked = store.lock_all(&place, &keys);
        let at = |locked: &LockedMany<'_>, number| {
            locked.current(number, UnixMillis(9)).map(|current| (current.version.0, current.deadline))
        };
        assert_eq!(at(&locked, 0), None);
        locked.put(0, document("a"), Lsn(1), Deadline::NEVER);
        assert_eq!(at(&locked, 2), Some((1, Deadline::NEVER)));
        locked.set_deadline(2, Deadline::at(UnixMillis(10)), Lsn(2));
        assert_eq!(at(&locked, 3), Some((1, Deadline::at(UnixMillis(10)))));
        locked.remove(3, Lsn(3));
        assert_eq!(at(&locked, 0), None);
        assert_eq!(locked.absent_rests_on(0), Lsn(3));
        assert_eq!(at(&locked, 1), None);
        drop(locked);
        assert_eq!(store.totals().documents, 0);
        store.check_invariants();
    }

    #[test]
    fn no_key_is_no_lock() {
        let store = Store::new(1);
        let place = store.place(Scope::Main).unwrap();
        let locked = store.lock_all(&place, &[]);
        drop(store.lock(&place, Key::new("a").unwrap()));
        drop(locked);
    }

    /// Every batch writes its number under all of its keys: were two not whole, or did they wait in a ring, this would
    /// find two numbers, or no end.
    #[test]
    fn batches_that_meet_are_whole_and_wait_in_no_ring() {
        const KEYS: u64 = 40;
        let store = Store::new(16);
        let lsns = AtomicU64::new(0);
        let names: Vec<String> = (0..KEYS).map(|number| format!("k{number}")).collect();
        thread::scope(|scope| {
            for writer in 0..4_u64 {
                let (store, lsns, names) = (&store, &lsns, &names);
                scope.spawn(move || {
                    for round in 0..500 {
                        // All keys, in an order of its own.
                        let mut order: Vec<u64> = (0..KEYS).collect();
                        order.sort_by_key(|number| scrambled(number ^ (round << 32) ^ (writer << 16)));
                        let keys: Vec<_> =
                            order.iter().map(|number| Key::new(&names[*number as usize]).unwrap()).collect();
                        let place = store.place(Scope::Main).unwrap();
                        let mut locked = store.lock_all(&place, &keys);
                        let versions: Vec<_> = (0..keys.len())
                            .map(|number| locked.current(number, UnixMillis(0)).map(|current| current.version))
                            .collect();
                        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
                        let lsn = Lsn(lsns.fetch_add(1, Ordering::SeqCst) + 1);
                        for (number, key) in keys.iter().enumerate() {
                            locked.put(number, document(key.as_str()), lsn, Deadline::NEVER);
                        }
                    }
                });
            }
        });
        store.check_invariants();
        assert_eq!(store.totals().documents, KEYS);
    }
}

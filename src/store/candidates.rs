//! What may be evicted: some entry at random with the moment of its last access, or those whose deadlines are nearest.
//!
//! Invariant: one shard's lock is held at a time, for reading, for a bounded number of entries; nothing is changed here.
//! Which of them goes, and that its going has a number, is the engine's.

use super::hashing::ShardIndex;
use super::shard::Shard;
use super::slab::SlotIndex;
use super::{CollectionId, Store};
use crate::base::clock::UnixMillis;
use crate::model::{Deadline, Key, Lsn};

/// Slots that are looked at for a taken one, from a random one on.
const SLOTS_WALKED_MAX: usize = 64;

/// An entry that may be evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The smallest of all goes first: the moment of the last access, or the deadline.
    pub rank: u64,
    /// Which collection it is in.
    pub id: CollectionId,
    /// Its key.
    pub key: Box<[u8]>,
    /// The version that it has: with another one it is another document.
    pub version: Lsn,
}

impl Store {
    /// The moment with which accesses are noted from now on; one that is noted never again is `moment` old. Nothing in a
    /// store that notes none.
    pub fn move_to(&self, moment: u32) {
        if let Some(now) = &self.moment {
            now.move_to(moment);
        }
    }

    /// An entry of the collection `id`, about as likely as any other of it, as `random` has it; ranked by its last access.
    /// `None` where there is none, or where most have been removed and nothing else has taken their slots.
    ///
    /// # Locks
    /// One shard after the other, for reading, until one has entries of the collection.
    pub fn sample(&self, id: CollectionId, random: u64) -> Option<Candidate> {
        let (count, slots) = (self.shard_count(), random.rotate_right(32));
        // From a random shard on in random strides, so that no entry of a small collection has more empty shards in front
        // of it than another. An odd stride comes by all shards, which are a power of two.
        let [first, stride] =
            [random, (random >> 16) | 1].map(|some| usize::try_from(some % count as u64).unwrap_or(0));
        (0..count).map(|step| ShardIndex((first + step * stride.max(1)) % count)).find_map(|index| {
            let shard = self.shard(index).read();
            let slot = shard.sample(id, slots, SLOTS_WALKED_MAX)?;
            let entry = shard.get(id, slot);
            let (rank, key) = (u64::from(shard.accessed(id, slot)), entry.document.key_bytes().into());
            Some(Candidate { rank, id, key, version: entry.version })
        })
    }

    /// When the entry under a key was last accessed; `None` when there is none.
    ///
    /// # Locks
    /// The key's shard, for reading.
    pub fn accessed(&self, id: CollectionId, key: Key<'_>) -> Option<u64> {
        self.of_entry(id, key, |shard, slot| u64::from(shard.accessed(id, slot)))
    }

    /// The deadline of the entry under a key; `None` when there is none.
    ///
    /// # Locks
    /// The key's shard, for reading.
    pub fn deadline(&self, id: CollectionId, key: Key<'_>) -> Option<Deadline> {
        self.of_entry(id, key, |shard, slot| shard.get(id, slot).deadline)
    }

    fn of_entry<R>(&self, id: CollectionId, key: Key<'_>, read: impl FnOnce(&Shard, SlotIndex) -> R) -> Option<R> {
        let address = self.hashing.address(id, key.as_bytes());
        let shard = self.shard(address.shard).read();
        let slot = shard.find(id, address.hash, key.as_bytes())?;
        Some(read(&shard, slot))
    }

    /// The entries whose deadlines come next behind `now`, at most `at_most` (up to 16), nearest first, of the collections
    /// that `is_wanted` says.
    ///
    /// # Locks
    /// Each shard in turn, for reading, for at most the square of `at_most` entries.
    pub fn nearest_due(
        &self,
        now: UnixMillis,
        at_most: usize,
        is_wanted: &dyn Fn(CollectionId) -> bool,
    ) -> Vec<Candidate> {
        assert!(at_most <= 16, "a hold looks at no more than ENTRIES_PER_HOLD_MAX entries");
        let mut nearest: Vec<Candidate> = Vec::new();
        for shard in &self.shards {
            let before = match nearest.last().filter(|_| nearest.len() == at_most) {
                Some(last) => Deadline::at(UnixMillis(last.rank)),
                None => Deadline::NEVER,
            };
            let shard = shard.0.read();
            shard.each_due(now, before, at_most, |id, entry| {
                if let (true, Some(moment)) = (is_wanted(id), entry.deadline.moment()) {
                    let (rank, key) = (moment.0, entry.document.key_bytes().into());
                    nearest.push(Candidate { rank, id, key, version: entry.version });
                }
            });
            drop(shard);
            nearest.sort_by_key(|candidate| candidate.rank);
            nearest.truncate(at_most);
        }
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{collection, entry, entry_until, scrambled};
    use super::*;
    use crate::model::CollectionName;

    fn key(candidate: &Candidate) -> &str {
        std::str::from_utf8(&candidate.key).unwrap()
    }

    fn get(store: &Store, key: &str) {
        store.get(store.place(crate::model::Scope::Main).unwrap(), Key::new(key).unwrap(), || UnixMillis(0));
    }

    #[test]
    fn a_read_and_a_write_are_accesses_and_a_listing_is_none() {
        let store = Store::noting_accesses(16);
        let accessed = |name: &str| store.accessed(CollectionId::MAIN, Key::new(name).unwrap());
        store.move_to(3);
        store.load(CollectionId::MAIN, [entry("a", 1), entry("b", 2)].into_iter());
        assert_eq!((accessed("a"), accessed("b"), accessed("c")), (Some(3), Some(3), None));
        store.move_to(5);
        get(&store, "a");
        super::super::tests::sliced(&store, CollectionId::MAIN, 10);
        assert_eq!((accessed("a"), accessed("b")), (Some(5), Some(3)));
        store.move_to(6);
        let place = store.place(crate::model::Scope::Main).unwrap();
        store.lock(&place, Key::new("b").unwrap()).put(entry("b", 3).document, Lsn(3), Deadline::NEVER);
        assert_eq!((accessed("a"), accessed("b")), (Some(5), Some(6)));
        store.check_invariants();
    }

    #[test]
    fn every_entry_is_sampled_as_often_as_any_other() {
        let store = Store::noting_accesses(16);
        store.load(CollectionId::MAIN, (0..1000).map(|number| entry(&format!("{number}"), number)));
        let mut times = vec![0; 1000];
        for random in 0..100_000 {
            let sampled = store.sample(CollectionId::MAIN, scrambled(random + 1)).unwrap();
            times[key(&sampled).parse::<usize>().unwrap()] += 1;
        }
        // Expected 100 each with a standard deviation of 10, and shards that are a little unlike.
        assert!(times.iter().all(|count| (30..250).contains(count)), "{times:?}");
        assert_eq!(store.sample(CollectionId::MAIN.next(), 1), None);
    }

    #[test]
    fn a_collection_of_one_document_is_found_in_whatever_shard_it_is() {
        let store = Store::noting_accesses(16);
        let created = store.create_collection(CollectionName::new("c").unwrap(), 1, || Lsn(1)).unwrap();
        store.load(created.id, [entry("a", 2)].into_iter());
        assert!((0..100).all(|random| store.sample(created.id, scrambled(random)).is_some()));
        assert!(store.place(collection("c")).is_ok());
    }

    #[test]
    fn the_nearest_deadlines_of_all_shards_come_first() {
        let store = Store::new(16);
        store.load(CollectionId::MAIN, (0..500).map(|number| entry_until(&format!("{number}"), number, Some(number))));
        store.load(CollectionId::MAIN, (500..600).map(|number| entry(&format!("{number}"), number)));
        let nearest = store.nearest_due(UnixMillis(99), 16, &|_| true);
        assert_eq!(nearest.iter().map(|candidate| candidate.rank).collect::<Vec<_>>(), (100..116).collect::<Vec<_>>());
        assert_eq!((key(&nearest[0]), nearest[0].version), ("100", Lsn(100)));
        assert_eq!(store.nearest_due(UnixMillis(499), 16, &|_| true), []);
        assert_eq!(store.nearest_due(UnixMillis(0), 16, &|_| false), []);
    }
}

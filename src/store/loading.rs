//! Filling the store before anybody is served from it.
//!
//! What many entries need is cheaper for all of them together than for one after the other: a lock, a place in a table
//! that has grown to its size, and above all a place in the order of the keys. So a store that is loaded goes through
//! three stages, and each type here is one of them: entries are appended (`Loading`), in no order and by several threads;
//! then they can be looked up, and records of the journal change them (`Replaying`); then they are sorted, and the store
//! is one that serves.
//!
//! Invariant: while there is a `Loading` or a `Replaying`, nobody else looks anything up, lists, writes or reaps: that
//! is for whoever holds it to see to. `Store::clear` ends both. Which threads there are is not known here: a step
//! over all shards is handed to a `Spread`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::hashing::Address;
use super::partition::Incoming;
use super::shard::Shard;
use super::{CollectionId, Store};
use crate::base::threads::Spread;
use crate::model::Entry;

/// Entries of one shard that a batch gathers before it takes the shard's lock: enough to share its cost, few enough for
/// all shards' to stay in the processor's cache.
const GATHERED_MAX: usize = 16;

/// A store to which entries are appended.
#[derive(Debug)]
pub struct Loading<'s> {
    store: &'s Store,
}

/// A store to which records are applied.
#[derive(Debug)]
pub struct Replaying<'s> {
    pub(super) store: &'s Store,
}

/// Entries on their way into the store, gathered by shard. Those it still holds go in when it is dropped.
#[derive(Debug)]
pub struct Batch<'s> {
    store: &'s Store,
    /// Where those that are gathered belong.
    id: CollectionId,
    by_shard: Box<[Vec<Incoming>]>,
}

impl Store {
    /// Begins to fill the store. What is in it stays.
    ///
    /// # Locks
    /// Each shard in turn, for writing.
    pub fn begin_loading(&self) -> Loading<'_> {
        self.shards.iter().for_each(|shard| shard.0.write().begin_loading());
        Loading { store: self }
    }

    fn each_shard(&self, spread: Spread<'_>, change: impl Fn(&mut Shard) + Sync) {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(shard) = self.shards.get(next.fetch_add(1, Ordering::Relaxed)) {
                change(&mut shard.0.write());
            }
        };
        spread(&work);
        // Whatever `spread` did: nothing is left.
        work();
    }
}

impl<'s> Loading<'s> {
    /// An empty batch. Each thread that loads has one of its own.
    pub fn batch(&self) -> Batch<'s> {
        let by_shard = self.store.shards.iter().map(|_| Vec::new()).collect();
        Batch { store: self.store, id: CollectionId::MAIN, by_shard }
    }

    /// Makes what was appended be found. Of several entries of one key the newest stays. No batch is left.
    ///
    /// # Locks
    /// Each shard, for writing, one for each thread of `spread`.
    pub fn index(self, spread: Spread<'_>) -> Replaying<'s> {
        self.store.each_shard(spread, |shard| drop(shard.index()));
        Replaying { store: self.store }
    }
}

impl Batch<'_> {
    /// Appends an entry to a collection.
    ///
    /// # Locks
    /// Now and then a shard, for writing, for a few entries.
    pub fn push(&mut self, id: CollectionId, entry: Entry) {
        if self.id != id {
            self.flush();
            self.id = id;
        }
        let Address { shard, hash } = self.store.hashing.address(id, entry.document.key_bytes());
        let bytes = u32::try_from(entry.document.size_bytes()).expect("a key and DOCUMENT_BYTES_CEILING fit a u32");
        let gathered = self.by_shard.get_mut(shard.0).expect("a ShardIndex is below shard_count");
        gathered.push(Incoming { entry, hash, bytes });
        if gathered.len() == GATHERED_MAX {
            self.store.shard(shard).write().append(id, gathered.drain(..));
        }
    }

    fn flush(&mut self) {
        for (shard, gathered) in self.store.shards.iter().zip(&mut self.by_shard) {
            if !gathered.is_empty() {
                shard.0.write().append(self.id, gathered.drain(..));
            }
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Replaying<'_> {
    /// Sorts what is there: the store can serve.
    ///
    /// # Locks
    /// Each shard, for writing, one for each thread of `spread`.
    pub fn finish(self, spread: Spread<'_>) {
        self.store.each_shard(spread, Shard::sort);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::tests::{document, entry, entry_until, shuffled, sliced};
    use super::*;
    use crate::base::clock::UnixMillis;
    use crate::base::threads::alone;
    use crate::model::{CollectionName, Deadline, Key, Lsn, Record, Scope};
    use crate::store::ShardIndex;

    fn on_four_threads(work: &(dyn Fn() + Sync)) {
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    }

    fn versions(store: &Store, id: CollectionId) -> Vec<u64> {
        let mut versions: Vec<_> = sliced(store, id, 10).iter().map(|entry| entry.version.0).collect();
        versions.sort();
        versions
    }

    #[test]
    fn loading_keeps_the_newest_version_whatever_comes_first() {
        let store = Store::new(16);
        let loading = store.begin_loading();
        thread::scope(|scope| {
            for seed in 0..4 {
                let mut batch = loading.batch();
                scope.spawn(move || {
                    for number in shuffled(3000, seed) {
                        let key = format!("k{}", number % 100);
                        batch.push(CollectionId::MAIN, entry_until(&key, number, (number % 2 == 0).then_some(number)));
                    }
                });
            }
        });
        loading.index(&on_four_threads).finish(&on_four_threads);
        assert_eq!(versions(&store, CollectionId::MAIN), (2900..3000).collect::<Vec<_>>());
        store.check_invariants();
    }

    #[test]
    fn one_batch_takes_entries_of_several_collections_in_turn() {
        let store = Store::new(4);
        let name = CollectionName::new("c").unwrap();
        let ids = [CollectionId::MAIN, store.create_collection(name, 1, || Lsn(1)).unwrap().id];
        let loading = store.begin_loading();
        let mut batch = loading.batch();
        for number in 0..200 {
            batch.push(ids[number as usize % 2], entry(&format!("{number}"), number));
        }
        drop(batch);
        loading.index(&alone).finish(&alone);
        store.check_invariants();
        assert_eq!(versions(&store, ids[0]), (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(versions(&store, ids[1]), (1..200).step_by(2).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_loaded_replayed_and_sorted_is_listed_and_reaped() {
        let store = Store::new(1);
        let loading = store.begin_loading();
        let mut batch = loading.batch();
        (1..=500).for_each(|number| batch.push(CollectionId::MAIN, entry(&format!("{number:03}"), number)));
        drop(batch);
        let replaying = loading.index(&alone);
        let scope = Scope::Main;
        for number in 1..=600 {
            let key = format!("{number:03}");
            let (key, new) = (Key::new(&key).unwrap(), document(&key));
            let deadline = Deadline::at(UnixMillis(number));
            replaying.apply(
                Lsn(1000 + number),
                &match number % 3 {
                    0 => Record::Put { scope, document: &new, deadline: Deadline::NEVER },
                    1 => Record::Delete { scope, key },
                    _ => Record::Deadline { scope, key, deadline },
                },
            );
        }
        replaying.finish(&alone);
        store.check_invariants();
        let expected = |lasting: bool| {
            let replaced = (1..=600).filter(|number| number % 3 == 0).map(|number| 1000 + number);
            let due = (1..=500).filter(|number| !lasting && number % 3 == 2);
            let mut expected: Vec<_> = due.chain(replaced).collect();
            expected.sort();
            expected
        };
        assert_eq!(versions(&store, CollectionId::MAIN), expected(false));
        let keys: Vec<_> = sliced(&store, CollectionId::MAIN, 7).iter().map(|it| it.document.clone()).collect();
        assert!(keys.is_sorted_by(|a, b| a.key_bytes() < b.key_bytes()));
        while store.reap(ShardIndex(0), UnixMillis(500), 100).more {}
        assert_eq!(versions(&store, CollectionId::MAIN), expected(true));
        store.check_invariants();
    }

    #[test]
    fn a_store_that_was_cleared_while_it_was_loaded_serves() {
        let store = Store::new(1);
        let loading = store.begin_loading();
        loading.batch().push(CollectionId::MAIN, entry("k", 1));
        store.clear();
        assert_eq!(sliced(&store, CollectionId::MAIN, 1), []);
        store.load(CollectionId::MAIN, [entry("k", 2)].into_iter());
        assert_eq!(versions(&store, CollectionId::MAIN), [2]);
        store.check_invariants();
    }

    #[test]
    fn every_shard_is_sorted_though_no_thread_was_to_be_had() {
        let store = Store::new(8);
        let loading = store.begin_loading();
        let mut batch = loading.batch();
        (1..=100).for_each(|number| batch.push(CollectionId::MAIN, entry(&format!("{number}"), number)));
        drop(batch);
        loading.index(&|_| ()).finish(&|_| ());
        assert_eq!(versions(&store, CollectionId::MAIN), (1..=100).collect::<Vec<_>>());
        store.check_invariants();
    }
}

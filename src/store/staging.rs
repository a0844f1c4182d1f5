//! A generation that takes the place of everything: the main store and all collections, at one moment.
//!
//! Invariant: who reads or writes is either before that moment or behind it. Whoever writes into a named collection holds
//! the catalogue; whoever writes into the main store holds a shard, and all of them are held while places are changed, for a
//! constant time each. The keys of a staged main store lie in the shards where those of the main store do, with the same
//! hashes, so that nothing is moved but the partitions themselves.

use super::catalogue::{CatalogueEntry, CollectionId};
use super::map::Store;
use crate::model::Lsn;

impl Store {
    /// Has what is staged as `generation` take the place of everything; `issue` gives the LSN. What there was before is
    /// invisible from now on, and its memory is given back when what is returned is reclaimed. `None` when there is no
    /// such generation.
    ///
    /// # Locks
    /// The catalogue, for writing, and then all shards in ascending order, for writing, while `issue` runs.
    pub fn replace(&self, generation: Lsn, issue: impl FnOnce() -> Lsn) -> Option<(Lsn, Vec<CollectionId>)> {
        self.catalogue.replace(generation, |exchange| {
            let mut shards: Vec<_> = self.shards.iter().map(|shard| shard.0.write()).collect();
            let lsn = issue();
            shards.iter_mut().for_each(|shard| shard.exchange_main(exchange.staged, exchange.replaced, lsn));
            lsn
        })
    }

    /// Gives a generation up. The memory is given back when what is returned is reclaimed.
    ///
    /// # Locks
    /// The catalogue, for writing.
    pub fn unstage(&self, generation: Lsn) -> Vec<CollectionId> {
        self.catalogue.unstage(generation)
    }

    /// Gives all generations up, and their memory back.
    ///
    /// # Locks
    /// The catalogue, for writing; then each shard in turn, for writing, for a constant time for each collection.
    pub fn unstage_all(&self) {
        let generations = self.catalogue.generations();
        generations.into_iter().flat_map(|generation| self.unstage(generation)).for_each(|id| self.reclaim(id));
    }

    /// Every collection, what is staged included, under its staged name.
    ///
    /// # Locks
    /// The catalogue, for reading, several times.
    pub fn collections_and_staged(&self) -> Vec<CatalogueEntry> {
        let (mut collections, _) = self.collections();
        collections.extend(self.staged());
        collections
    }

    /// What is staged, under its staged names.
    ///
    /// # Locks
    /// The catalogue's, for reading.
    pub fn staged(&self) -> Vec<CatalogueEntry> {
        self.catalogue.staged()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, entry_until, sliced};
    use super::*;
    use crate::base::clock::UnixMillis;
    use crate::model::{CollectionName, OptionChanges, staged_name};
    use crate::store::ShardIndex;

    #[test]
    fn an_exchange_leaves_every_shard_in_order() {
        let store = Store::new(16);
        let until = |number: u64| number.is_multiple_of(3).then_some(number);
        store
            .load(CollectionId::MAIN, (1..=300).map(|number| entry_until(&format!("{number}"), number, until(number))));
        let names = [staged_name(Lsn(301), ""), staged_name(Lsn(301), "c")];
        let ids = names.each_ref().map(|name| {
            let name = CollectionName::stored(name).unwrap();
            store.ensure_collection(name, OptionChanges::NONE, 1, |_| Lsn(301)).unwrap().id
        });
        for id in ids {
            let numbers = 302..=402;
            store.load(id, numbers.map(|number| entry_until(&format!("{number}"), number, until(number))));
        }
        let (lsn, replaced) = store.replace(Lsn(301), || Lsn(403)).unwrap();
        assert_eq!((lsn, store.totals().documents), (Lsn(403), 502));
        store.check_invariants();
        let due: usize = (0..16).map(|shard| store.reap(ShardIndex(shard), UnixMillis(1000), 1000).count).sum();
        assert_eq!(due, 100 + 2 * 34);
        replaced.into_iter().for_each(|id| store.reclaim(id));
        store.check_invariants();
        assert_eq!(store.totals().documents, 2 * 67);
        let first = sliced(&store, CollectionId::MAIN, 10).into_iter().min_by_key(|entry| entry.version);
        assert_eq!(first, Some(entry("302", 302)));
        assert_eq!(store.replace(Lsn(301), || Lsn(404)), None);
    }
}

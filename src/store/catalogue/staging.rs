//! Generations beside everything that there is, each with collections and a main store of its own, and how one of them
//! takes the place of all.
//!
//! Invariant: what is staged is found by its staged name alone. The change of places is one exchange of maps, however
//! many collections there are.

use super::{Catalogue, CatalogueEntry, CollectionId, Collections, State};
use crate::model::{Lsn, staged_name};

/// What the shards are to do when a generation takes the place of everything.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Exchange {
    /// What becomes the main store.
    pub(in crate::store) staged: CollectionId,
    /// What the main store is called from then on, until it is reclaimed.
    pub(in crate::store) replaced: CollectionId,
}

impl Catalogue {
    /// Has `generation` take the place of everything; see `Store::replace`. `exchange` does it in the shards, and gives
    /// the LSN. `None` when there is no such generation.
    pub(in crate::store) fn replace(
        &self,
        generation: Lsn,
        exchange: impl FnOnce(Exchange) -> Lsn,
    ) -> Option<(Lsn, Vec<CollectionId>)> {
        let mut state = self.state.write();
        let State { by_name, staged, last_id, last_change, last_drop } = &mut *state;
        let mut collections = staged.remove(&generation)?;
        let main = collections.remove("")?.id;
        *last_id = last_id.next();
        let replaced = last_id.of_main();
        let lsn = exchange(Exchange { staged: main, replaced });
        (*last_change, *last_drop) = ((*last_change).max(lsn), (*last_drop).max(lsn));
        let before = std::mem::replace(by_name, collections);
        self.tallies.end(main);
        let ids = self.end(&before).chain([replaced]).collect();
        drop(state);
        drop(before);
        Some((lsn, ids))
    }

    /// Forgets `generation`; see `Store::unstage`.
    pub(in crate::store) fn unstage(&self, generation: Lsn) -> Vec<CollectionId> {
        let Some(collections) = self.state.write().staged.remove(&generation) else { return Vec::new() };
        self.end(&collections).collect()
    }

    /// Which generations there are.
    pub(in crate::store) fn generations(&self) -> Vec<Lsn> {
        self.state.read().staged.keys().copied().collect()
    }

    /// What is staged, under its staged names.
    pub(in crate::store) fn staged(&self) -> Vec<CatalogueEntry> {
        let state = self.state.read();
        let named = state.staged.iter().flat_map(|(generation, collections)| {
            collections.iter().map(|(name, collection)| collection.entry(&staged_name(*generation, name)))
        });
        named.collect()
    }

    fn end<'c>(&'c self, collections: &'c Collections) -> impl Iterator<Item = CollectionId> + 'c {
        collections.values().map(|collection| {
            self.tallies.end(collection.id);
            collection.id
        })
    }
}

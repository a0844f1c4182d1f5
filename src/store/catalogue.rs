//! The collections by name with their options, and how a scope becomes a place.
//!
//! Invariants: an id is given once in the life of a process, so what is left of a dropped collection can never show
//! in another one. Whoever writes into a named collection holds the catalogue's read lock, inside its `Place`, until
//! the write is applied, so that no drop and no other options come between. What is staged is found under its staged
//! name and listed nowhere, until it takes the place of everything (`staging`).

mod staging;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::big_reader::{RwLock, RwLockReadGuard};
use super::tally::{Tallies, Tally};
use super::totals::Totals;
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::model::{CollectionName, CollectionOptions, Lsn, OptionChanges, Scope};

/// Names a collection, the main store included, to the shards. Given once in the life of a process and never stored.
/// With `OF_MAIN` it is one whose keys lie where those of the main store do, so that each can take the other's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(u64);

/// One collection, as it was when the catalogue was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// Its name.
    pub name: String,
    /// LSN of its creation.
    pub created: Lsn,
    /// Its options.
    pub options: CollectionOptions,
    /// How much is in it.
    pub totals: Totals,
    /// Its id.
    pub id: CollectionId,
}

/// There is no collection of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectionAbsent {
    /// The newest drop of any collection.
    pub rests_on: Lsn,
}

/// A collection that exists now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: CollectionId,
    /// True when it did not exist before.
    pub created: bool,
    /// True when it did not exist before, or had other options.
    pub changed: bool,
    /// LSN of its creation or of the newest change of its options, now or then.
    pub lsn: Lsn,
    /// Its options from now on.
    pub options: CollectionOptions,
}

/// The collection does not exist, and one more would be more than `collections_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// A collection that does not exist any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It existed until now.
    Existed {
        /// What to reclaim.
        id: CollectionId,
        /// LSN of the drop.
        lsn: Lsn,
    },
    /// It did not exist.
    Absent {
        /// The newest drop of any collection.
        rests_on: Lsn,
    },
}

/// A scope that was found: where documents are read and written.
///
/// # Locks
/// For a named collection it holds the catalogue's read lock as long as it lives. A thread has one at a time and
/// lets it go before it creates or drops a collection.
#[derive(Debug)]
pub struct Place<'s> {
    id: CollectionId,
    created: Lsn,
    options: CollectionOptions,
    /// The newest change of the options, or the creation.
    changed: Lsn,
    _held: Option<RwLockReadGuard<'s, State>>,
}

/// The collections, behind a lock of their own.
#[derive(Debug)]
pub(super) struct Catalogue {
    state: RwLock<State>,
    /// Counts what is in each; begun and ended under `state`.
    tallies: Arc<Tallies>,
}

#[derive(Debug)]
struct State {
    by_name: Collections,
    /// By generation; there the main store has the empty name.
    staged: BTreeMap<Lsn, Collections>,
    last_id: CollectionId,
    /// The newest creation, change of options or drop.
    last_change: Lsn,
    last_drop: Lsn,
}

type Collections = BTreeMap<Box<str>, Collection>;

#[derive(Clone, Debug)]
struct Collection {
    id: CollectionId,
    created: Lsn,
    options: CollectionOptions,
    /// The newest change of the options, or the creation.
    changed: Lsn,
    tally: Arc<Tally>,
}

impl State {
    fn find(&self, name: CollectionName<'_>) -> Option<&Collection> {
        match name.staged() {
            Some((generation, name)) => self.staged.get(&generation)?.get(name),
            None => self.by_name.get(name.as_str()),
        }
    }
}

impl Collection {
    fn entry(&self, name: &str) -> CatalogueEntry {
        CatalogueEntry {
            name: name.to_owned(),
            created: self.created,
            options: self.options,
            totals: self.tally.totals(),
            id: self.id,
        }
    }
}

impl CollectionId {
    /// The main store.
    pub const MAIN: CollectionId = CollectionId(0);

    const OF_MAIN: u64 = 1 << 63;

    /// The id after this one.
    pub(super) fn next(self) -> CollectionId {
        CollectionId(self.0 + 1)
    }

    /// The id as a number, for hashing.
    pub(super) fn number(self) -> u64 {
        if self.0 & CollectionId::OF_MAIN == 0 { self.0 } else { CollectionId::MAIN.0 }
    }

    fn of_main(self) -> CollectionId {
        CollectionId(self.0 | CollectionId::OF_MAIN)
    }
}

impl Place<'_> {
    const MAIN: Place<'static> = Place {
        id: CollectionId::MAIN,
        created: Lsn::ZERO,
        options: CollectionOptions { default_ttl_ms: None, require_conditional: false },
        changed: Lsn::ZERO,
        _held: None,
    };

    /// The collection's id.
    pub fn id(&self) -> CollectionId {
        self.id
    }

    /// LSN of the collection's creation, on which every absence in it rests; 0 for the main store.
    pub fn created(&self) -> Lsn {
        self.created
    }

    /// What is done for every write into it.
    pub fn options(&self) -> CollectionOptions {
        self.options
    }

    /// LSN of the newest change of the options, on which whatever is refused for them rests; 0 for the main store.
    pub fn options_rest_on(&self) -> Lsn {
        self.changed
    }
}

impl Catalogue {
    /// No collections; what will be in them is counted in `tallies`.
    pub(super) fn new(tallies: Arc<Tallies>) -> Catalogue {
        let state = State {
            by_name: Collections::new(),
            staged: BTreeMap::new(),
            last_id: CollectionId::MAIN,
            last_change: Lsn::ZERO,
            last_drop: Lsn::ZERO,
        };
        Catalogue { state: RwLock::new(state), tallies }
    }

    /// Forgets all collections; see `Store::clear`.
    pub(super) fn clear(&self) {
        let mut state = self.state.write();
        let all = state.by_name.values().chain(state.staged.values().flat_map(Collections::values));
        all.for_each(|collection| self.tallies.end(collection.id));
        state.by_name.clear();
        state.staged.clear();
        (state.last_change, state.last_drop) = (Lsn::ZERO, Lsn::ZERO);
    }

    /// Finds a scope; see `Store::place`.
    #[inline]
    pub(super) fn place(&self, scope: Scope<'_>) -> Result<Place<'_>, CollectionAbsent> {
        match scope {
            Scope::Main => Ok(Place::MAIN),
            Scope::Collection(name) => self.place_of(name),
        }
    }

    fn place_of(&self, name: CollectionName<'_>) -> Result<Place<'_>, CollectionAbsent> {
        let state = self.state.read();
        match state.find(name) {
            Some(Collection { id, created, options, changed, .. }) => {
                let (id, created, options, changed) = (*id, *created, *options, *changed);
                Ok(Place { id, created, options, changed, _held: Some(state) })
            }
            None => Err(CollectionAbsent { rests_on: state.last_drop }),
        }
    }

    /// The id of the collection that is probably called `name`, unless somebody has the lock for writing.
    pub(super) fn likely(&self, name: &[u8]) -> Option<CollectionId> {
        let name = std::str::from_utf8(name).ok()?;
        Some(self.state.try_read()?.by_name.get(name)?.id)
    }

    /// What is known of one collection; see `Store::collection`.
    pub(super) fn find(&self, name: CollectionName<'_>) -> Result<CatalogueEntry, CollectionAbsent> {
        let state = self.state.read();
        let found = state.by_name.get(name.as_str()).map(|collection| collection.entry(name.as_str()));
        found.ok_or(CollectionAbsent { rests_on: state.last_drop })
    }

    /// Makes sure that a collection exists with these options; see `Store::ensure_collection`.
    pub(super) fn ensure(
        &self,
        name: CollectionName<'_>,
        changes: OptionChanges,
        collections_max: usize,
        issue: impl FnOnce(CollectionOptions) -> Lsn,
    ) -> Result<Created, TooMany> {
        let mut state = self.state.write();
        let State { by_name, staged, last_id, last_change, .. } = &mut *state;
        // The main store of a generation is none of its collections.
        let (collections, key, there_max) = match name.staged() {
            Some((generation, key)) => (staged.entry(generation).or_default(), key, collections_max.saturating_add(1)),
            None => (by_name, name.as_str(), collections_max),
        };
        let there = collections.len();
        if let Some(collection) = collections.get_mut(key) {
            let options = changes.applied_to(collection.options);
            let is_changed = options != collection.options;
            if is_changed {
                (collection.options, collection.changed) = (options, issue(options));
                *last_change = (*last_change).max(collection.changed);
            }
            return Ok(Created {
                id: collection.id,
                created: false,
                changed: is_changed,
                lsn: collection.changed,
                options,
            });
        }
        if there >= there_max {
            return Err(TooMany);
        }
        let options = changes.applied_to(CollectionOptions::default());
        let lsn = issue(options);
        *last_id = last_id.next();
        *last_change = (*last_change).max(lsn);
        let id = if key.is_empty() { last_id.of_main() } else { *last_id };
        let collection = Collection { id, created: lsn, options, changed: lsn, tally: self.tallies.begin(id) };
        collections.insert(key.into(), collection);
        Ok(Created { id, created: true, changed: true, lsn, options })
    }

    /// Takes a collection out; see `Store::drop_collection`.
    pub(super) fn remove(&self, name: CollectionName<'_>, issue: impl FnOnce() -> Lsn) -> Dropped {
        let mut state = self.state.write();
        let Some(Collection { id, .. }) = state.by_name.remove(name.as_str()) else {
            return Dropped::Absent { rests_on: state.last_drop };
        };
        self.tallies.end(id);
        let lsn = issue();
        state.last_drop = state.last_drop.max(lsn);
        state.last_change = state.last_change.max(lsn);
        Dropped::Existed { id, lsn }
    }

    /// The first collections behind `start` in byte order of their names; see `Store::collections_behind`.
    pub(super) fn list(&self, start: Option<CollectionName<'_>>, at_most: usize) -> (Vec<CatalogueEntry>, Lsn) {
        let mut listed: Vec<CatalogueEntry> = Vec::new();
        loop {
            let wanted = ENTRIES_PER_HOLD_MAX.min(at_most - listed.len());
            listed.reserve(wanted);
            let before = listed.len();
            let last = listed.last().map(|last| last.name.as_str()).or(start.map(CollectionName::as_str));
            let after = last.map_or(Bound::Unbounded, Bound::Excluded);
            let state = self.state.read();
            let slice: Vec<_> = state
                .by_name
                .range::<str, _>((after, Bound::Unbounded))
                .take(wanted)
                .map(|(name, collection)| collection.entry(name))
                .collect();
            let last_change = state.last_change;
            drop(state);
            listed.extend(slice);
            if listed.len() - before < ENTRIES_PER_HOLD_MAX || listed.len() == at_most {
                return (listed, last_change);
            }
        }
    }
}

#[cfg(test)]
mod tests;

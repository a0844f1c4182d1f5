//! The collections by name, and how a scope becomes a place.
//!
//! Invariants: an id is given once in the life of a process, so what is left of a dropped collection can never show
//! in another one. Whoever writes into a named collection holds the catalogue's read lock, inside its `Place`, until
//! the write is applied, so that no drop comes between.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::{RwLock, RwLockReadGuard};

use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::model::{CollectionName, Lsn, Scope};

/// Names a collection, the main store included, to the shards. Given once in the life of a process and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(u64);

/// One collection, as it was when the catalogue was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// Its name.
    pub name: String,
    /// LSN of its creation.
    pub created: Lsn,
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
    /// LSN of its creation, now or then.
    pub lsn: Lsn,
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
    _held: Option<RwLockReadGuard<'s, State>>,
}

/// The collections, behind a lock of their own.
#[derive(Debug)]
pub(super) struct Catalogue {
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    by_name: BTreeMap<Box<str>, Collection>,
    last_id: CollectionId,
    /// The newest creation or drop.
    last_change: Lsn,
    last_drop: Lsn,
}

#[derive(Clone, Copy, Debug)]
struct Collection {
    id: CollectionId,
    created: Lsn,
}

impl CollectionId {
    /// The main store.
    pub const MAIN: CollectionId = CollectionId(0);

    /// The id after this one.
    pub(super) fn next(self) -> CollectionId {
        CollectionId(self.0 + 1)
    }

    /// The id as a number, for hashing.
    pub(super) fn number(self) -> u64 {
        self.0
    }
}

impl Place<'_> {
    /// The collection's id.
    pub fn id(&self) -> CollectionId {
        self.id
    }

    /// LSN of the collection's creation, on which every absence in it rests; 0 for the main store.
    pub fn created(&self) -> Lsn {
        self.created
    }
}

impl Catalogue {
    /// No collections.
    pub(super) fn new() -> Catalogue {
        let state = State {
            by_name: BTreeMap::new(),
            last_id: CollectionId::MAIN,
            last_change: Lsn::ZERO,
            last_drop: Lsn::ZERO,
        };
        Catalogue { state: RwLock::new(state) }
    }

    /// Forgets all collections; see `Store::clear`.
    pub(super) fn clear(&self) {
        let mut state = self.state.write();
        state.by_name.clear();
        (state.last_change, state.last_drop) = (Lsn::ZERO, Lsn::ZERO);
    }

    /// Finds a scope; see `Store::place`.
    pub(super) fn place(&self, scope: Scope<'_>) -> Result<Place<'_>, CollectionAbsent> {
        let name = match scope {
            Scope::Main => return Ok(Place { id: CollectionId::MAIN, created: Lsn::ZERO, _held: None }),
            Scope::Collection(name) => name,
        };
        let state = self.state.read();
        match state.by_name.get(name.as_str()).copied() {
            Some(Collection { id, created }) => Ok(Place { id, created, _held: Some(state) }),
            None => Err(CollectionAbsent { rests_on: state.last_drop }),
        }
    }

    /// Makes sure that a collection exists; see `Store::create_collection`.
    pub(super) fn create(
        &self,
        name: CollectionName<'_>,
        collections_max: usize,
        issue: impl FnOnce() -> Lsn,
    ) -> Result<Created, TooMany> {
        let mut state = self.state.write();
        if let Some(Collection { id, created }) = state.by_name.get(name.as_str()).copied() {
            return Ok(Created { id, created: false, lsn: created });
        }
        if state.by_name.len() >= collections_max {
            return Err(TooMany);
        }
        let (id, lsn) = (state.last_id.next(), issue());
        state.last_id = id;
        state.last_change = state.last_change.max(lsn);
        state.by_name.insert(name.as_str().into(), Collection { id, created: lsn });
        Ok(Created { id, created: true, lsn })
    }

    /// Takes a collection out; see `Store::drop_collection`.
    pub(super) fn remove(&self, name: CollectionName<'_>, issue: impl FnOnce() -> Lsn) -> Dropped {
        let mut state = self.state.write();
        let Some(Collection { id, .. }) = state.by_name.remove(name.as_str()) else {
            return Dropped::Absent { rests_on: state.last_drop };
        };
        let lsn = issue();
        state.last_drop = state.last_drop.max(lsn);
        state.last_change = state.last_change.max(lsn);
        Dropped::Existed { id, lsn }
    }

    /// All collections in byte order of their names; see `Store::collections`.
    pub(super) fn list(&self) -> (Vec<CatalogueEntry>, Lsn) {
        let mut listed: Vec<CatalogueEntry> = Vec::new();
        loop {
            listed.reserve(ENTRIES_PER_HOLD_MAX);
            let before = listed.len();
            let after = listed.last().map_or(Bound::Unbounded, |last| Bound::Excluded(last.name.as_str()));
            let state = self.state.read();
            let slice: Vec<_> = state
                .by_name
                .range::<str, _>((after, Bound::Unbounded))
                .take(ENTRIES_PER_HOLD_MAX)
                .map(|(name, collection)| CatalogueEntry {
                    name: name.to_string(),
                    created: collection.created,
                    id: collection.id,
                })
                .collect();
            let last_change = state.last_change;
            drop(state);
            listed.extend(slice);
            if listed.len() - before < ENTRIES_PER_HOLD_MAX {
                return (listed, last_change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CollectionName<'_> {
        CollectionName::new(text).unwrap()
    }

    fn create(catalogue: &Catalogue, text: &str, lsn: u64) -> Created {
        catalogue.create(name(text), usize::MAX, || Lsn(lsn)).unwrap()
    }

    #[test]
    fn a_collection_is_created_once_and_keeps_its_id() {
        let catalogue = Catalogue::new();
        let first = create(&catalogue, "a", 1);
        assert!(first.created);
        assert_eq!(create(&catalogue, "a", 2), Created { created: false, ..first });
        let place = catalogue.place(Scope::Collection(name("a"))).unwrap();
        assert_eq!((place.id(), place.created()), (first.id, Lsn(1)));
    }

    #[test]
    fn an_id_is_never_given_twice() {
        let catalogue = Catalogue::new();
        let first = create(&catalogue, "a", 1);
        assert_eq!(catalogue.remove(name("a"), || Lsn(2)), Dropped::Existed { id: first.id, lsn: Lsn(2) });
        let second = create(&catalogue, "a", 3);
        assert!(second.id != first.id && second.id != CollectionId::MAIN);
    }

    #[test]
    fn an_absent_collection_rests_on_the_newest_drop() {
        let catalogue = Catalogue::new();
        create(&catalogue, "a", 1);
        assert_eq!(catalogue.remove(name("b"), || Lsn(9)), Dropped::Absent { rests_on: Lsn::ZERO });
        catalogue.remove(name("a"), || Lsn(2));
        create(&catalogue, "b", 3);
        let absent = catalogue.place(Scope::Collection(name("a"))).unwrap_err();
        assert_eq!(absent.rests_on, Lsn(2));
        assert_eq!(catalogue.remove(name("a"), || Lsn(9)), Dropped::Absent { rests_on: Lsn(2) });
        assert_eq!(catalogue.list().1, Lsn(3));
    }

    #[test]
    fn a_place_in_a_named_collection_keeps_changes_of_the_catalogue_out() {
        let catalogue = Catalogue::new();
        create(&catalogue, "a", 1);
        let main = catalogue.place(Scope::Main).unwrap();
        assert!(!catalogue.state.is_locked());
        let place = catalogue.place(Scope::Collection(name("a"))).unwrap();
        assert!(catalogue.state.try_write().is_none());
        drop(place);
        assert!(catalogue.state.try_write().is_some());
        drop(main);
    }

    #[test]
    fn collections_max_bounds_new_collections_only() {
        let catalogue = Catalogue::new();
        create(&catalogue, "a", 1);
        assert_eq!(catalogue.create(name("b"), 1, || Lsn(2)), Err(TooMany));
        assert!(catalogue.create(name("a"), 1, || Lsn(2)).is_ok_and(|a| !a.created));
    }

    #[test]
    fn a_long_list_comes_whole_and_in_byte_order() {
        for count in [0, 1, ENTRIES_PER_HOLD_MAX, ENTRIES_PER_HOLD_MAX * 3 + 1] {
            let catalogue = Catalogue::new();
            for number in (0..count).rev() {
                create(&catalogue, &format!("c{number:04}"), 1 + number as u64);
            }
            let (listed, rests_on) = catalogue.list();
            let names: Vec<_> = listed.into_iter().map(|entry| entry.name).collect();
            assert_eq!(names, (0..count).map(|number| format!("c{number:04}")).collect::<Vec<_>>());
            assert_eq!(rests_on, Lsn(count as u64));
        }
    }
}

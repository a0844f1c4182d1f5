//! Applying the journal's records to what a snapshot holds.
//!
//! A snapshot shows each key as it was at some moment between its start and its end, and the records that are
//! replayed begin before the one and go on past the other. So a record may speak of what the snapshot has already,
//! or of what it has in a later form, and every difference between two keys' moments must come out right:
//!
//! - A put or a deletion applies when the entry is older than it. A key that is not there takes a put, which may be
//!   older than a deletion that the snapshot saw; that deletion's record follows and takes it away again.
//! - A new deadline applies when the entry that it speaks of is there and older. It may be older than the deadline
//!   that the snapshot saw; then that one's record follows. So no entry keeps the LSN of its deadline.
//! - Options apply to a collection that is older. They may be older than those that the snapshot saw; then their record
//!   follows, as that of a deadline.
//! - A collection holds nothing that is older than its creation. What was written into an earlier one of the same
//!   name does not go into it, and a drop that came before its creation leaves it alone.
//!
//! Invariant: records come in the order of their LSNs. It does not know the time: what has expired is a matter for
//! after the replay, because a later record may have given it a later deadline.

use super::catalogue::{Dropped, Place};
use super::loading::Replaying;
use crate::base::fault::{Fault, is_planted};
use crate::model::{CollectionName, CollectionOptions, Deadline, Document, Key, Lsn, Record, Scope};

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It changed something.
    Applied,
    /// The store had it, or something later, or what it speaks of is gone.
    Passed,
}

impl Replaying<'_> {
    /// Applies `record`, which has the number `lsn`: at the start, before anything is served, in the order of the
    /// numbers.
    ///
    /// # Locks
    /// As the mutation that it was.
    pub fn apply(&self, lsn: Lsn, record: &Record<'_>) -> Replayed {
        match *record {
            Record::Put { scope, document, deadline } => self.replay_put(lsn, scope, document, deadline),
            Record::Delete { scope, key } => self.replay_delete(lsn, scope, key),
            Record::Deadline { scope, key, deadline } => self.replay_deadline(lsn, scope, key, deadline),
            Record::CreateCollection { name, options } => self.replay_create(lsn, name, options),
            Record::DropCollection { name } => self.replay_drop(lsn, name),
            Record::Replace { staged } => self.replay_replace(lsn, staged),
        }
    }

    fn replay_put(&self, lsn: Lsn, scope: Scope<'_>, document: &Document, deadline: Deadline) -> Replayed {
        let Some(place) = self.place_older(lsn, scope) else { return Replayed::Passed };
        let locked = self.store.lock(&place, document.key());
        let is_newer = locked.version().is_some_and(|version| version >= lsn);
        if is_newer && !is_planted(Fault::ReplayWithoutVersionCheck) {
            return Replayed::Passed;
        }
        let replaced = locked.put(document.clone(), lsn, deadline);
        drop(replaced);
        Replayed::Applied
    }

    fn replay_delete(&self, lsn: Lsn, scope: Scope<'_>, key: Key<'_>) -> Replayed {
        let Some(place) = self.place_older(lsn, scope) else { return Replayed::Passed };
        let locked = self.store.lock(&place, key);
        if locked.version().is_none_or(|version| version >= lsn) {
            return Replayed::Passed;
        }
        let removed = locked.remove(lsn);
        drop(removed);
        Replayed::Applied
    }

    fn replay_deadline(&self, lsn: Lsn, scope: Scope<'_>, key: Key<'_>, deadline: Deadline) -> Replayed {
        let Some(place) = self.place_older(lsn, scope) else { return Replayed::Passed };
        let locked = self.store.lock(&place, key);
        if locked.version().is_none_or(|version| version >= lsn) {
            return Replayed::Passed;
        }
        locked.set_deadline(deadline, lsn);
        Replayed::Applied
    }

    /// A limit on collections that was lowered since does not lose any.
    fn replay_create(&self, lsn: Lsn, name: CollectionName<'_>, options: CollectionOptions) -> Replayed {
        if self.store.place(Scope::Collection(name)).is_ok_and(|place| place.created() >= lsn) {
            return Replayed::Passed;
        }
        let collection = self.store.ensure_collection(name, options.into(), usize::MAX, |_| lsn);
        let is_changed = collection.expect("usize::MAX collections do not exist").changed;
        if is_changed { Replayed::Applied } else { Replayed::Passed }
    }

    fn replay_drop(&self, lsn: Lsn, name: CollectionName<'_>) -> Replayed {
        if self.place_older(lsn, Scope::Collection(name)).is_none() {
            return Replayed::Passed;
        }
        // Nobody else changes the catalogue while records are replayed.
        if let Dropped::Existed { id, .. } = self.store.drop_collection(name, || lsn) {
            self.store.reclaim(id);
        }
        Replayed::Applied
    }

    /// A snapshot that shows what was staged in its place begins behind the record, so that the record finds the generation
    /// whole: in the snapshot, in the records before it, or in both.
    fn replay_replace(&self, lsn: Lsn, staged: CollectionName<'_>) -> Replayed {
        let replaced = staged.staged().and_then(|(generation, _)| self.store.replace(generation, || lsn));
        let Some((_, ids)) = replaced else { return Replayed::Passed };
        ids.into_iter().for_each(|id| self.store.reclaim(id));
        Replayed::Applied
    }

    /// Where `scope` is, unless it is not there, or began after `lsn`.
    fn place_older(&self, lsn: Lsn, scope: Scope<'_>) -> Option<Place<'_>> {
        self.store.place(scope).ok().filter(|place| place.created() < lsn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{collection, document, entry, entry_until, sliced};
    use super::super::{CollectionId, ShardIndex, Store};
    use super::Replayed::{Applied, Passed};
    use super::*;
    use crate::base::clock::UnixMillis;
    use crate::base::threads::alone;
    use crate::model::Entry;

    fn key() -> Key<'static> {
        Key::new("k").unwrap()
    }

    fn name() -> CollectionName<'static> {
        CollectionName::new("c").unwrap()
    }

    /// A main store that holds `loaded`.
    fn holding(loaded: &[Entry]) -> Store {
        let store = Store::new(1);
        store.load(CollectionId::MAIN, loaded.iter().cloned());
        store
    }

    /// Replays one record.
    fn replay(store: &Store, lsn: u64, record: &Record<'_>) -> Replayed {
        let replaying = store.begin_loading().index(&alone);
        let replayed = replaying.apply(Lsn(lsn), record);
        replaying.finish(&alone);
        store.check_invariants();
        replayed
    }

    fn put(store: &Store, lsn: u64, scope: Scope<'_>) -> Replayed {
        replay(store, lsn, &Record::Put { scope, document: &document("k"), deadline: Deadline::NEVER })
    }

    fn delete(store: &Store, lsn: u64) -> Replayed {
        replay(store, lsn, &Record::Delete { scope: Scope::Main, key: key() })
    }

    fn set_deadline(store: &Store, lsn: u64, until: u64) -> Replayed {
        let deadline = Deadline::at(UnixMillis(until));
        replay(store, lsn, &Record::Deadline { scope: Scope::Main, key: key(), deadline })
    }

    fn main_store(store: &Store) -> Vec<Entry> {
        sliced(store, CollectionId::MAIN, 10)
    }

    #[test]
    fn a_put_applies_where_there_is_nothing_or_something_older() {
        assert_eq!(put(&holding(&[]), 5, Scope::Main), Applied);
        let store = holding(&[entry_until("k", 4, Some(9))]);
        assert_eq!(put(&store, 5, Scope::Main), Applied);
        assert_eq!(main_store(&store), [entry("k", 5)]);
        assert_eq!(put(&store, 5, Scope::Main), Passed);
        assert_eq!(put(&store, 4, Scope::Main), Passed);
        assert_eq!(main_store(&store), [entry("k", 5)]);
    }

    #[test]
    fn a_deletion_applies_to_something_older() {
        assert_eq!(delete(&holding(&[]), 5), Passed);
        let store = holding(&[entry("k", 5)]);
        assert_eq!([delete(&store, 4), delete(&store, 5)], [Passed, Passed]);
        assert_eq!(main_store(&store), [entry("k", 5)]);
        assert_eq!(delete(&store, 6), Applied);
        assert!(main_store(&store).is_empty());
    }

    #[test]
    fn a_deadline_applies_to_something_older_that_may_have_expired_and_never_to_nothing() {
        assert_eq!(set_deadline(&holding(&[]), 5, 100), Passed);
        let store = holding(&[entry_until("k", 5, Some(1))]);
        assert_eq!([set_deadline(&store, 4, 100), set_deadline(&store, 5, 100)], [Passed, Passed]);
        assert_eq!(set_deadline(&store, 6, 100), Applied);
        assert_eq!(main_store(&store), [entry_until("k", 5, Some(100))]);
        assert_eq!(store.reap(ShardIndex(0), UnixMillis(100), 1).count, 1);
    }

    #[test]
    fn a_collection_is_created_once_and_dropped_by_what_came_after_its_creation() {
        let store = Store::new(1);
        let create = |lsn| {
            replay(&store, lsn, &Record::CreateCollection { name: name(), options: CollectionOptions::default() })
        };
        let drop_it = |lsn| replay(&store, lsn, &Record::DropCollection { name: name() });
        assert_eq!(drop_it(4), Passed);
        assert_eq!([create(5), create(6)], [Applied, Passed]);
        assert_eq!(store.place(collection("c")).unwrap().created(), Lsn(5));
        assert_eq!(put(&store, 7, collection("c")), Applied);
        assert_eq!([drop_it(4), drop_it(5)], [Passed, Passed]);
        assert_eq!(store.totals().documents, 1);
        assert_eq!(drop_it(8), Applied);
        assert!(store.place(collection("c")).is_err());
        assert_eq!(store.totals().documents, 0, "its memory was given back");
    }

    #[test]
    fn options_apply_to_a_collection_that_is_older() {
        let store = Store::new(1);
        let with_ttl = |ttl_ms| CollectionOptions { default_ttl_ms: Some(ttl_ms), require_conditional: true };
        store.ensure_collection(name(), with_ttl(1).into(), 1, |_| Lsn(5)).unwrap();
        let set = |lsn, options| replay(&store, lsn, &Record::CreateCollection { name: name(), options });
        assert_eq!([set(4, with_ttl(9)), set(5, with_ttl(9)), set(6, with_ttl(1))], [Passed, Passed, Passed]);
        assert_eq!(set(7, with_ttl(2)), Applied);
        assert_eq!(set(8, CollectionOptions::default()), Applied);
        let place = store.place(collection("c")).unwrap();
        assert_eq!((place.created(), place.options()), (Lsn(5), CollectionOptions::default()));
    }

    #[test]
    fn what_was_written_into_an_earlier_collection_of_the_name_stays_out_of_the_later_one() {
        let store = Store::new(1);
        assert_eq!(put(&store, 3, collection("c")), Passed);
        store.create_collection(name(), 1, || Lsn(5)).unwrap();
        assert_eq!(put(&store, 4, collection("c")), Passed);
        assert_eq!(store.totals().documents, 0);
    }
}

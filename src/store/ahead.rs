//! A look at documents before they are asked for, so that the processor's cache has them when they are.
//!
//! What is known of them is a guess, and nothing comes of it: nothing is changed, nobody is waited for, and what is not
//! there is left out. The way to a document leads from its shard over its partition and the table of that to a slot, and
//! each step may wait for memory; so each is made for all documents before the next one, for all of which the processor
//! waits at once.

use smallvec::SmallVec;

use super::{CollectionId, Place, Store};
use crate::base::limits::LOOK_AHEAD_MAX;
use crate::model::{Hint, Key};

/// What is known of each document so far.
type Ahead<T> = SmallVec<[T; LOOK_AHEAD_MAX]>;

impl Store {
    /// Has the cache fetch the documents that are likely to be meant by the first `LOOK_AHEAD_MAX` of `hints`, so that
    /// look-ups soon after need not wait for memory.
    ///
    /// # Locks
    /// The catalogue, for reading, once for each run of hints at the same named collection; after that the keys' shards,
    /// for reading, several at once. None is waited for, and what is under one that is taken is left out.
    pub fn anticipate(&self, hints: &[Hint<'_>]) {
        let (mut name, mut id) = (None, Some(CollectionId::MAIN));
        let keys = hints.iter().take(LOOK_AHEAD_MAX).filter_map(|hint| {
            if hint.collection != name {
                name = hint.collection;
                id = name.map_or(Some(CollectionId::MAIN), |name| self.catalogue.likely(name));
            }
            Some((id?, hint.key))
        });
        self.look_ahead(&keys.collect::<Ahead<_>>());
    }

    /// As `anticipate` for all of `keys`, some after the other, in any place: before many are locked, so that less of
    /// the time under their locks is spent on waiting for memory.
    pub fn anticipate_all(&self, place: &Place<'_>, keys: &[Key<'_>]) {
        for some in keys.chunks(LOOK_AHEAD_MAX) {
            let keys = some.iter().map(|key| (place.id(), key.as_bytes()));
            self.look_ahead(&keys.collect::<Ahead<_>>());
        }
    }

    /// The locks come first: one taken in between would have the processor wait for what was read before it.
    fn look_ahead(&self, keys: &[(CollectionId, &[u8])]) {
        let held = keys.iter().filter_map(|(id, key)| {
            let address = self.hashing.address(*id, key);
            Some((self.shard(address.shard).try_read()?, *id, address.hash))
        });
        let held: Ahead<_> = held.collect();
        let partitions: Ahead<_> =
            held.iter().filter_map(|(shard, id, hash)| Some((shard.partition(*id)?, *hash))).collect();
        let slots: Ahead<_> =
            partitions.iter().filter_map(|(partition, hash)| Some((partition, partition.likely(*hash)?))).collect();
        slots.iter().for_each(|(partition, slot)| partition.get(*slot).document.prefetch());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, touched};
    use super::*;
    use crate::model::{CollectionName, Lsn, Scope};

    fn hint<'a>(collection: Option<&'a str>, key: &'a [u8]) -> Hint<'a> {
        Hint { collection: collection.map(str::as_bytes), key }
    }

    /// A store with `k` in the main store and in the collections `a` and `b`.
    fn with_three() -> Store {
        let store = Store::new(1);
        let ids = ["a", "b"]
            .map(|name| store.create_collection(CollectionName::new(name).unwrap(), 2, || Lsn(1)).unwrap().id);
        ids.into_iter().chain([CollectionId::MAIN]).for_each(|id| store.load(id, [entry("k", 2)].into_iter()));
        store
    }

    #[test]
    fn a_look_ahead_reaches_for_each_document_once_wherever_it_is() {
        let store = with_three();
        let reached = |hints: &[Hint<'_>]| {
            touched::reset();
            store.anticipate(hints);
            touched::total()
        };
        let (main, a, b) = (hint(None, b"k"), hint(Some("a"), b"k"), hint(Some("b"), b"k"));
        assert_eq!(reached(&[main]), 1);
        assert_eq!(reached(&[a, a, main, b, a]), 5);
        assert_eq!(reached(&[hint(Some("absent"), b"k"), a, hint(None, b"absent"), hint(Some("b"), b"absent")]), 1);
        assert_eq!(reached(&[a; LOOK_AHEAD_MAX + 1]), LOOK_AHEAD_MAX);
        let not_text = Hint { collection: Some(b"a\xff"), key: b"k" };
        assert_eq!(reached(&[not_text, hint(Some(""), b"k"), hint(Some("/1/a"), b"k"), hint(Some("a"), b"\0\xff")]), 0);
    }

    #[test]
    fn looking_ahead_changes_nothing_and_waits_for_nobody() {
        let store = with_three();
        let hints = [hint(None, b"k"), hint(Some("a"), b"k"), hint(None, b"absent"), hint(Some("b"), b"\0no key\xff")];
        store.anticipate(&hints.repeat(LOOK_AHEAD_MAX));
        let place = store.place(Scope::Main).unwrap();
        store.anticipate_all(&place, &[Key::new("k").unwrap(); LOOK_AHEAD_MAX + 1]);
        let locked = store.lock(&place, Key::new("k").unwrap());
        store.anticipate(&hints);
        drop(locked);
        touched::reset();
        let drop_and_look = || {
            store.anticipate(&hints);
            Lsn(3)
        };
        store.drop_collection(CollectionName::new("b").unwrap(), drop_and_look);
        assert_eq!(touched::total(), 1, "of the main store alone while somebody has the catalogue");
        assert_eq!(store.totals().documents, 3, "one of them to be reclaimed");
        store.check_invariants();
    }
}

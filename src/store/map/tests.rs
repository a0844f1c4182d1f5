//! The store as a whole.

use super::super::tests::{collection, entry, entry_until};
use super::*;

fn get(store: &Store, scope: Scope<'_>, key: &str, now: u64) -> Lookup {
    store.get(store.place(scope).unwrap(), Key::new(key).unwrap(), || UnixMillis(now))
}

fn found(entry: Entry) -> Lookup {
    Lookup::Found { rests_on: entry.version, entry }
}

#[test]
fn shards_that_are_no_power_of_two_or_too_many_are_refused() {
    for shards in [0, 3, 131_072] {
        assert!(std::panic::catch_unwind(|| Store::new(shards)).is_err(), "{shards}");
    }
    assert_eq!(Store::new(65_536).shard_count(), 65_536);
}

#[test]
fn the_absence_of_an_expired_document_rests_on_its_version_before_and_after_reaping() {
    let store = Store::new(1);
    store.load(CollectionId::MAIN, [entry_until("k", 7, Some(100))].into_iter());
    assert_eq!(get(&store, Scope::Main, "k", 99), found(entry_until("k", 7, Some(100))));
    assert_eq!(get(&store, Scope::Main, "k", 100), Lookup::Absent { rests_on: Lsn(7) });
    assert_eq!(store.reap(ShardIndex(0), UnixMillis(99), 1), Reaped { count: 0, more: false });
    assert_eq!(store.reap(ShardIndex(0), UnixMillis(100), 1), Reaped { count: 1, more: false });
    assert_eq!(get(&store, Scope::Main, "k", 100), Lookup::Absent { rests_on: Lsn(7) });
    assert_eq!(store.totals(), Totals::default());
    let Expired { reads, swept } = store.expired();
    assert_eq!((reads.get(), swept.get()), (1, 1), "what is gone is not found to have expired");
}

#[test]
fn the_same_key_in_two_collections_is_two_documents() {
    let store = Store::new(16);
    let created = store.create_collection(CollectionName::new("c").unwrap(), 1, || Lsn(1)).unwrap();
    store.load(CollectionId::MAIN, [entry("k", 2)].into_iter());
    assert_eq!(get(&store, collection("c"), "k", 0), Lookup::Absent { rests_on: Lsn(1) });
    store.load(created.id, [entry("k", 3)].into_iter());
    assert_eq!(get(&store, collection("c"), "k", 0), found(entry("k", 3)));
    assert_eq!(get(&store, Scope::Main, "k", 0), found(entry("k", 2)));
}

#[test]
fn a_cleared_store_is_empty_and_gives_no_id_again() {
    let store = Store::new(16);
    let name = CollectionName::new("c").unwrap();
    let first = store.create_collection(name, 1, || Lsn(1)).unwrap();
    for id in [CollectionId::MAIN, first.id] {
        store.load(id, (0..100).map(|number| entry_until(&format!("{number}"), number, Some(number))));
    }
    store.clear();
    assert_eq!((store.totals(), store.collections()), (Totals::default(), (Vec::new(), Lsn::ZERO)));
    store.check_invariants();
    assert_ne!(store.create_collection(name, 1, || Lsn(1)).unwrap().id, first.id);
    store.load(CollectionId::MAIN, [entry("k", 1)].into_iter());
    assert_eq!(get(&store, Scope::Main, "k", 0), found(entry("k", 1)));
}

#[test]
fn a_dropped_collection_is_gone_at_once_and_its_memory_when_reclaimed() {
    let store = Store::new(16);
    let name = CollectionName::new("c").unwrap();
    let first = store.create_collection(name, 1, || Lsn(1)).unwrap();
    store.load(first.id, (0..1000).map(|number| entry_until(&format!("{number}"), number, Some(number))));
    assert_eq!(store.drop_collection(name, || Lsn(1001)), Dropped::Existed { id: first.id, lsn: Lsn(1001) });
    store.create_collection(name, 1, || Lsn(1002)).unwrap();
    assert_eq!(get(&store, collection("c"), "7", 0), Lookup::Absent { rests_on: Lsn(1002) });
    assert_eq!(store.totals().documents, 1000);
    store.reclaim(first.id);
    assert_eq!(store.totals(), Totals::default());
    store.check_invariants();
}

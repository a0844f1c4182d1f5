//! What a shard keeps about its partitions.

use super::super::hashing::Hashing;
use super::super::tests::{entry, entry_until};
use super::*;

fn fixture() -> (Shard, Hashing) {
    let keys = RandomState::with_seeds(1, 2, 3, 4);
    (Shard::new(keys.clone(), Arc::default(), None), Hashing::new(1, keys))
}

fn put(shard: &mut Shard, hashing: &Hashing, id: CollectionId, entry: Entry) {
    let hash = hashing.address(id, entry.document.key_bytes()).hash;
    shard.insert(id, hash, entry);
    shard.check_invariants(|id, key| hashing.address(id, key).hash);
}

#[test]
fn entries_of_all_partitions_are_reaped_in_order_of_their_deadlines() {
    let (mut shard, hashing) = fixture();
    let (one, two) = (CollectionId::MAIN.next(), CollectionId::MAIN.next().next());
    for (id, key, until) in
        [(one, "a", 40), (two, "a", 10), (CollectionId::MAIN, "a", 20), (one, "b", 30), (two, "b", 50)]
    {
        put(&mut shard, &hashing, id, entry_until(key, until, Some(until)));
    }
    let mut reaped = Vec::new();
    while shard.reap(UnixMillis(40), 1, |id, key| hashing.address(id, key).hash, &mut reaped) {
        shard.check_invariants(|id, key| hashing.address(id, key).hash);
    }
    assert_eq!(reaped.iter().map(|(entry, _)| entry.version.0).collect::<Vec<_>>(), [10, 20, 30, 40]);
    assert_eq!(shard.absences_rest_on(), Lsn(40));
    assert_eq!(shard.totals().documents, 1);
}

#[test]
fn a_partition_goes_with_its_last_entry() {
    let (mut shard, hashing) = fixture();
    let id = CollectionId::MAIN.next();
    for id in [CollectionId::MAIN, id] {
        put(&mut shard, &hashing, id, entry("a", 1));
        let hash = hashing.address(id, b"a").hash;
        let slot = shard.find(id, hash, b"a").unwrap();
        let (_, unlinked) = shard.remove(id, hash, slot, Lsn(2));
        assert!(unlinked.is_some());
    }
    assert!(shard.collections.is_empty());
    assert_eq!(shard.absences_rest_on(), Lsn(2));
    shard.check_invariants(|id, key| hashing.address(id, key).hash);
}

#[test]
fn unlinking_a_collection_takes_its_deadlines_and_totals_along() {
    let (mut shard, hashing) = fixture();
    let id = CollectionId::MAIN.next();
    put(&mut shard, &hashing, CollectionId::MAIN, entry("a", 1));
    put(&mut shard, &hashing, id, entry_until("a", 2, Some(5)));
    assert!(shard.is_due(UnixMillis(5)));
    assert!(shard.unlink(id).is_some());
    assert!(!shard.is_due(UnixMillis(5)));
    assert_eq!(shard.totals().documents, 1);
    shard.check_invariants(|id, key| hashing.address(id, key).hash);
    assert!(shard.unlink(id).is_none());
}

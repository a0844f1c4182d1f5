//! Slab and indexes agree, and keys are told apart.

use ahash::RandomState;

use super::super::CollectionId;
use super::super::hashing::Hashing;
use super::super::tests::{entry, entry_until, touched};
use super::*;

struct Fixture {
    hashing: Hashing,
    partition: Partition,
}

impl Fixture {
    fn new() -> Fixture {
        let hashing = Hashing::new(1, RandomState::with_seeds(1, 2, 3, 4));
        Fixture { hashing, partition: Partition::new(None) }
    }

    fn hash(&self, key: &[u8]) -> ShardHash {
        self.hashing.address(CollectionId::MAIN, key).hash
    }

    fn insert(&mut self, entry: Entry) {
        self.partition.insert(self.hash(entry.document.key_bytes()), entry);
    }

    fn find(&self, key: &str) -> Option<SlotIndex> {
        self.partition.find(self.hash(key.as_bytes()), key.as_bytes())
    }

    fn check(&self) {
        self.partition.check_invariants(|key| self.hash(key));
    }
}

#[test]
fn indexes_agree_through_insertions_overwrites_and_removals() {
    let mut fixture = Fixture::new();
    for number in 0..1000 {
        fixture.insert(entry_until(&format!("k{number}"), number, (number % 3 == 0).then_some(number)));
    }
    fixture.check();
    for number in (0..1000).step_by(5) {
        let slot = fixture.find(&format!("k{number}")).unwrap();
        let until = (number % 2 == 0).then_some(5000 - number);
        fixture.partition.replace(slot, entry_until(&format!("k{number}"), 2000 + number, until));
    }
    fixture.check();
    for number in (0..1000).step_by(7) {
        let key = format!("k{number}");
        let slot = fixture.find(&key).unwrap();
        let removed = fixture.partition.remove(fixture.hash(key.as_bytes()), slot);
        assert_eq!(removed.document.key_bytes(), key.as_bytes());
        assert_eq!(fixture.find(&key), None);
    }
    fixture.check();
    assert_eq!(fixture.partition.totals().documents, 1000 - 143);
}

#[test]
fn keys_with_the_same_hash_are_told_apart() {
    let mut fixture = Fixture::new();
    let hash = fixture.hash(b"a");
    for (key, version) in [("a", 1), ("b", 2), ("c", 3)] {
        fixture.partition.insert(hash, entry(key, version));
    }
    for (key, version) in [("a", 1), ("b", 2), ("c", 3)] {
        let slot = fixture.partition.find(hash, key.as_bytes()).unwrap();
        assert_eq!(fixture.partition.get(slot).counted(), entry(key, version));
        let looked_up = fixture.partition.look_up(hash, key.as_bytes());
        assert_eq!(looked_up.map(EntryRef::counted), Some(entry(key, version)));
    }
    assert!(fixture.partition.look_up(hash, b"d").is_none());
}

#[test]
fn the_earliest_deadline_is_due_first() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.partition.earliest_deadline(), Deadline::NEVER);
    for (key, until) in [("a", 30), ("b", 10), ("c", 20)] {
        fixture.insert(entry_until(key, until, Some(until)));
    }
    assert_eq!(fixture.partition.earliest_deadline(), Deadline::at(UnixMillis(10)));
    assert_eq!(fixture.partition.first_due(UnixMillis(9)), None);
    assert_eq!(fixture.partition.first_due(UnixMillis(10)), fixture.find("b"));
}

#[test]
fn growing_the_table_touches_no_document() {
    let mut fixture = Fixture::new();
    let mut most = 0;
    for number in 0..20_000 {
        let entry = entry(&format!("{number}"), number);
        touched::reset();
        fixture.insert(entry);
        most = most.max(touched::total());
    }
    // A binary search over 20,000 keys, and the entry itself.
    assert!(most <= 20, "an insertion touched {most} entries");
}

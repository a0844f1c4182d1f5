//! A table that is rehashed as it is used is a table, and no insertion moves much.

use std::collections::BTreeMap;

use ahash::RandomState;

use super::super::CollectionId;
use super::super::hashing::Hashing;
use super::super::slab::Slab;
use super::super::tests::{entry, scrambled};
use super::*;

/// Entries that fill the smallest table which is not rehashed at once.
const FULL: usize = 2 * BUCKETS_AT_ONCE_MAX / 8 * 7;

/// Slots with the hashes of as many keys.
fn entries(count: usize) -> Vec<TableEntry> {
    let hashing = Hashing::new(1, RandomState::with_seeds(1, 2, 3, 4));
    let mut slab = Slab::default();
    let numbers = (0..count as u64).map(|number| {
        let hash = hashing.address(CollectionId::MAIN, &number.to_le_bytes()).hash;
        TableEntry { hash, slot: slab.insert(entry("k", number)) }
    });
    numbers.collect()
}

fn has(table: &Table, entry: &TableEntry) -> bool {
    table.find(entry.hash, |other| other.slot == entry.slot).is_some()
}

/// Inserts, and says how many of those that were there have moved, in a table or from one to the other.
fn moved_by_insertion(table: &mut Table, entry: TableEntry) -> usize {
    let (before, at) = (table.current.len(), table.current.num_buckets());
    table.insert(entry);
    let stayed = if table.current.num_buckets() == at { before } else { 0 };
    table.current.len() - 1 - stayed
}

#[test]
fn no_insertion_moves_more_entries_than_a_few_however_many_there_are() {
    let entries = entries(200_000);
    let (mut table, mut most, mut rehashes) = (Table::default(), 0, 0);
    for (count, entry) in entries.iter().enumerate() {
        let was_whole = table.old.is_none();
        let moved = moved_by_insertion(&mut table, *entry);
        rehashes += usize::from(was_whole && table.old.is_some());
        if count >= BUCKETS_AT_ONCE_MAX {
            most = most.max(moved);
        }
    }
    assert_eq!(rehashes, 7, "from 2048 buckets to 262,144");
    assert!(most <= BUCKETS_PER_INSERTION, "{most} were moved at once");
    assert!(entries.iter().all(|entry| has(&table, entry)));
}

#[test]
fn every_entry_is_found_and_can_be_changed_and_removed_wherever_it_is() {
    let entries = entries(1900);
    let (first, rest) = entries.split_at(FULL + 1);
    let mut table = Table::default();
    first.iter().for_each(|entry| table.insert(*entry));
    assert!(table.old.is_some());
    for new in rest {
        for (at, entry) in first.iter().enumerate() {
            assert!(has(&table, entry), "{at}");
            assert_eq!(
                table.find_mut(entry.hash, |other| other.slot == entry.slot).map(|it| it.slot),
                Some(entry.slot)
            );
        }
        let in_old = table.old.as_ref().map_or(0, |old| old.table.len());
        assert_eq!(table.len(), table.current.len() + in_old);
        table.insert(*new);
        assert!(table.remove(new.hash, new.slot));
        assert!(!table.remove(new.hash, new.slot) && !has(&table, new));
    }
    assert!(table.old.is_none(), "2048 buckets are empty after 32 insertions");
    assert_eq!(table.len(), first.len());
}

#[test]
fn what_was_filled_by_removed_entries_becomes_no_larger() {
    let entries = entries(1_000_000);
    let mut table = Table::default();
    entries.iter().take(2000).for_each(|entry| table.insert(*entry));
    let buckets = table.current.num_buckets();
    for (gone, new) in entries.iter().zip(entries.iter().skip(2000)) {
        let (before, was_whole) = (table.len(), table.old.is_none());
        assert!(table.remove(gone.hash, gone.slot));
        let moved = moved_by_insertion(&mut table, *new);
        assert!(moved <= BUCKETS_PER_INSERTION || was_whole, "{moved} were moved at once");
        assert_eq!(table.len(), before);
    }
    assert!(table.current.num_buckets() <= 2 * buckets, "{} buckets", table.current.num_buckets());
}

#[test]
fn room_that_is_reserved_lets_nothing_move() {
    let entries = entries(10_000);
    let (first, rest) = entries.split_at(FULL + 1);
    let mut table = Table::default();
    first.iter().for_each(|entry| table.insert(*entry));
    assert!(table.old.is_some());
    table.reserve(rest.len());
    assert!(table.old.is_none());
    let bytes = table.bytes();
    for entry in rest {
        assert_eq!(moved_by_insertion(&mut table, *entry), 0);
    }
    assert_eq!((table.bytes(), table.len()), (bytes, entries.len()));
    assert!(entries.iter().all(|entry| has(&table, entry)));
}

#[test]
fn a_table_agrees_with_its_model() {
    for seed in 0..20_u64 {
        let entries = entries(5000);
        let (mut table, mut model) = (Table::default(), BTreeMap::new());
        for step in 0..20_000_u64 {
            let random = scrambled(seed << 32 | step);
            let at = (random >> 8) as usize % entries.len();
            let chosen = entries[at];
            // It grows for some thousand steps, shrinks for as many, and so on.
            let wants_more = (step / 4000) % 2 == 0;
            if random % 8 < if wants_more { 7 } else { 1 } {
                if model.insert(at, ()).is_none() {
                    table.insert(chosen);
                }
            } else {
                assert_eq!(table.remove(chosen.hash, chosen.slot), model.remove(&at).is_some(), "{seed}, {step}");
            }
            assert_eq!(has(&table, &chosen), model.contains_key(&at), "seed {seed}, step {step}");
        }
        assert_eq!(table.len(), model.len(), "seed {seed}");
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(has(&table, entry), model.contains_key(&at), "seed {seed}, entry {at}");
        }
    }
}

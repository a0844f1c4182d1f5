//! A table that is rehashed as it is used is a table, and no insertion moves much.

use std::collections::BTreeSet;

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

/// A table of as many of `entries` as begin a rehash, and the others.
fn rehashing(entries: &[TableEntry]) -> (Table, &[TableEntry], &[TableEntry]) {
    let (first, rest) = entries.split_at(FULL + 1);
    let mut table = Table::default();
    first.iter().for_each(|entry| table.insert(*entry));
    assert!(table.old.is_some());
    (table, first, rest)
}

/// Inserts, and says how many of those that were there have moved, in a table or from one to the other.
fn moved_by_insertion(table: &mut Table, entry: TableEntry) -> usize {
    let (before, at, was_whole) = (table.current.len(), table.current.num_buckets(), table.old.is_none());
    table.insert(entry);
    let is_new = table.current.num_buckets() != at || (was_whole && table.old.is_some());
    let stayed = if is_new { 0 } else { before };
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
    let (mut table, first, rest) = rehashing(&entries);
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
fn a_table_that_is_full_of_what_has_been_removed_becomes_no_larger() {
    let entries = entries(1_000_000);
    let mut table = Table::default();
    let kept = FULL - 1;
    entries.iter().take(kept).for_each(|entry| table.insert(*entry));
    let (buckets, mut rehashes) = (table.current.num_buckets(), 0);
    for (gone, new) in entries.iter().zip(entries.iter().skip(kept)) {
        let was_whole = table.old.is_none();
        assert!(table.remove(gone.hash, gone.slot));
        let moved = moved_by_insertion(&mut table, *new);
        rehashes += usize::from(was_whole && table.old.is_some());
        assert!(moved <= BUCKETS_PER_INSERTION, "{moved} were moved at once");
        assert_eq!(table.len(), kept);
    }
    assert_eq!(table.current.num_buckets(), 2 * buckets, "it was full of entries once");
    assert!(rehashes >= 2, "and never full of what has been removed");
}

#[test]
fn room_that_is_reserved_lets_nothing_move() {
    let entries = entries(10_000);
    let (mut table, _, rest) = rehashing(&entries);
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
    let entries = entries(5000);
    for seed in 0..20_u64 {
        let (mut table, mut model) = (Table::default(), BTreeSet::new());
        for step in 0..20_000_u64 {
            let random = scrambled(seed << 32 | step);
            let at = (random >> 8) as usize % entries.len();
            let chosen = entries[at];
            // It grows for some thousand steps, shrinks for as many, and so on.
            let wants_more = (step / 4000) % 2 == 0;
            if random % 8 < if wants_more { 7 } else { 1 } {
                if model.insert(at) {
                    table.insert(chosen);
                }
            } else {
                assert_eq!(table.remove(chosen.hash, chosen.slot), model.remove(&at), "seed {seed}, step {step}");
            }
            assert_eq!(has(&table, &chosen), model.contains(&at), "seed {seed}, step {step}");
        }
        assert_eq!(table.len(), model.len(), "seed {seed}");
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(has(&table, entry), model.contains(&at), "seed {seed}, entry {at}");
        }
    }
}

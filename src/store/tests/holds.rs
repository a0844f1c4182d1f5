//! What one hold of a shard's lock may cost, counted in entries touched.

use std::sync::Arc;

use super::*;
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::store::shard::{REAPED_PER_HOLD_MAX, Shard};

const SHARD: ShardIndex = ShardIndex(0);

/// Comparisons of a binary search in two levels: among fewer than 2^10 leaves, then among at most 2^8 slots of one; and
/// the standard library compares once more than the logarithm.
const SEARCH: usize = 11 + 9;

/// One shard with `lasting` entries that stay and `passing` ones that are due at 1000.
fn filled(lasting: u64, passing: u64) -> Store {
    let store = Store::new(1);
    let entries = (0..lasting + passing).map(|number| {
        let key = format!("k{:08}", scrambled(number));
        entry_until(&key, number + 1, (number >= lasting).then_some(1000))
    });
    store.load(CollectionId::MAIN, entries);
    store
}

#[test]
fn reaping_costs_what_expires_and_not_what_is_stored() {
    let touched_by_reaping = |lasting| {
        let store = filled(lasting, 100);
        touched::reset();
        let reaped = store.reap(SHARD, UnixMillis(1000), ENTRIES_PER_HOLD_MAX);
        assert_eq!((reaped.count, reaped.more), (100, false));
        touched::total()
    };
    // Three touches an entry besides the search in the order, whatever else is stored.
    for lasting in [0, 1000, 50_000] {
        let touched = touched_by_reaping(lasting);
        assert!(touched <= 100 * (SEARCH + 5), "{touched} touched beside {lasting} lasting entries");
    }
    let idle = filled(50_000, 0);
    touched::reset();
    assert_eq!(idle.reap(SHARD, UnixMillis(u64::MAX - 1), ENTRIES_PER_HOLD_MAX).count, 0);
    assert_eq!(touched::total(), 0, "nothing is due");
}

#[test]
fn reaping_costs_what_expires_and_not_how_many_collections_there_are() {
    let store = Store::new(1);
    for number in 0..500_u64 {
        let name = format!("c{number}");
        let created = store.create_collection(CollectionName::new(&name).unwrap(), 1000, || Lsn(number + 1)).unwrap();
        let until = if number % 100 == 7 { 1000 } else { 5000 };
        store.load(created.id, (0..10).map(|key| entry_until(&format!("k{key}"), 1000 + key, Some(until))));
    }
    touched::reset();
    let reaped = store.reap(SHARD, UnixMillis(1000), ENTRIES_PER_HOLD_MAX);
    assert_eq!((reaped.count, reaped.more), (50, false));
    assert!(touched::total() <= 50 * (SEARCH + 5), "{} touched", touched::total());
    store.check_invariants();
}

#[test]
fn no_background_hold_touches_more_entries_than_its_bound() {
    let store = filled(50_000, 50_000);
    let mut worst_slice = 0;
    let mut sliced: Vec<Entry> = Vec::new();
    loop {
        let after = sliced.last().cloned();
        let after = after.as_ref().map(|entry| entry.document.key_bytes());
        touched::reset();
        let range = KeyRange { after, ..KeyRange::ALL };
        let end = store.slice(CollectionId::MAIN, SHARD, range, ENTRIES_PER_HOLD_MAX, &mut sliced);
        worst_slice = worst_slice.max(touched::total());
        if end == SliceEnd::Done {
            break;
        }
    }
    assert_eq!(sliced.len(), 100_000);
    // Each twice: to have it fetched, and to count it.
    assert!(worst_slice <= 2 * (ENTRIES_PER_HOLD_MAX + 1) + SEARCH, "a slice touched {worst_slice} entries");

    let mut worst_reap = 0;
    loop {
        touched::reset();
        let reaped = store.reap(SHARD, UnixMillis(1000), REAPED_PER_HOLD_MAX);
        worst_reap = worst_reap.max(touched::total());
        if !reaped.more {
            break;
        }
    }
    assert!(worst_reap <= 2 * ENTRIES_PER_HOLD_MAX, "a reap touched {worst_reap} entries");
    assert_eq!(store.totals().documents, 50_000);
    store.check_invariants();
}

/// Shards that are searched together are held together: here all there are, so that there is one such hold. Each entry is
/// touched twice, to have it fetched and to count it.
#[test]
fn slices_of_several_shards_touch_as_much_together_as_one_hold_may() {
    let store = Store::new(16);
    let entries = (0..50_000).map(|number| entry(&format!("k{:08}", scrambled(number)), number + 1));
    store.load(CollectionId::MAIN, entries);
    for (after, entries_max) in [(None, 16), (Some(&b"k5"[..]), 16), (Some(&b"k5"[..]), 1)] {
        touched::reset();
        let slices = store.slices(CollectionId::MAIN, KeyRange { after, ..KeyRange::ALL }, entries_max);
        assert_eq!(slices.iter().map(|slice| slice.entries.len()).sum::<usize>(), 16 * entries_max);
        let most = 2 * 16 * entries_max + 16 * (SEARCH + 1);
        assert!(touched::total() <= most, "{} entries touched from {after:?}", touched::total());
    }
}

#[test]
fn a_longer_hold_is_refused() {
    let store = filled(1, 0);
    for entries_max in [0, ENTRIES_PER_HOLD_MAX + 1] {
        let slice = || store.slice(CollectionId::MAIN, SHARD, KeyRange::ALL, entries_max, &mut Vec::new());
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(slice)).is_err());
    }
    let reap = || {
        let mut shard = Shard::new(ahash::RandomState::with_seeds(1, 2, 3, 4), Arc::default(), None);
        shard.reap(UnixMillis(0), REAPED_PER_HOLD_MAX + 1, |_, _| unreachable!(), &mut Vec::new())
    };
    assert!(std::panic::catch_unwind(reap).is_err());
}

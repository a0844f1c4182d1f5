//! The live documents of a range of a collection in byte order of their keys: a merge of the shards, slice by slice.
//!
//! Invariants: keys ascend strictly, so each comes at most once; a document that is there from before the first item
//! to after the last comes; an expired one does not. No lock is held between two items. What a document looked like
//! when its slice was taken is what comes, even if it was overwritten or removed since.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fmt;
use std::sync::Arc;

use super::hashing::ShardIndex;
use super::slices::{Slice, SliceEnd};
use super::{CollectionId, Store};
use crate::base::clock::UnixMillis;
use crate::model::{Entry, KeyRange, Listed};

/// Entries that a scan has at hand over all shards, whatever their number: 8192 counted pointers are 200 KB.
const ENTRIES_AT_HAND: usize = 8192;

/// Entries that a scan takes from a shard at a time: a few dozen, fewer where there are thousands of shards, or where
/// few are asked for.
const SLICE_ENTRIES_MAX: usize = 64;
const SLICE_ENTRIES_MIN: usize = 4;

/// A listing in progress; `N` tells the time.
pub struct Scan<N> {
    store: Arc<Store>,
    id: CollectionId,
    /// What the keys begin with.
    prefix: Box<[u8]>,
    now: N,
    slice_entries: usize,
    /// Live entries that may still come.
    at_most: usize,
    shards: Vec<AtHand>,
    /// The next entry of each shard that has one.
    heads: BinaryHeap<Head>,
}

/// What is at hand of one shard.
struct AtHand {
    /// In order, without the one that is a head.
    entries: std::vec::IntoIter<Entry>,
    end: SliceEnd,
}

/// Orders the heap: the greatest is the one with the least key.
struct Head {
    entry: Entry,
    shard: ShardIndex,
}

impl<N: Fn() -> UnixMillis> Scan<N> {
    /// Lists what is in `range` of the collection `id`, the first `at_most` that are live or all; `now` is asked for each
    /// item. Reads
    /// the first slice of each shard.
    ///
    /// When the collection is dropped meanwhile, the listing ends early.
    pub fn new(store: Arc<Store>, id: CollectionId, range: KeyRange<'_>, at_most: Option<usize>, now: N) -> Scan<N> {
        let shard_count = store.shard_count();
        let slice_entries = slice_entries(shard_count, at_most);
        let mut heads = BinaryHeap::new();
        let slices = store.slices(id, range, slice_entries).into_iter().enumerate();
        let shards = slices.map(|(shard, Slice { entries, end })| {
            let mut entries = entries.into_iter();
            heads.extend(entries.next().map(|entry| Head { entry, shard: ShardIndex(shard) }));
            AtHand { entries, end }
        });
        let shards = shards.collect();
        let at_most = at_most.unwrap_or(usize::MAX);
        Scan { store, id, prefix: range.prefix.into(), now, slice_entries, at_most, shards, heads }
    }

    /// The next entry in order of the keys, live or expired.
    fn pull(&mut self) -> Option<Entry> {
        let mut head = self.heads.peek_mut()?;
        let shard = head.shard;
        let at_hand = self.shards.get_mut(shard.0).expect("every head comes from a shard of this store");
        if at_hand.entries.len() == 0 && at_hand.end == SliceEnd::More {
            let rest = KeyRange { prefix: &self.prefix, after: Some(head.entry.document.key_bytes()) };
            let mut entries = Vec::new();
            let end = self.store.slice(self.id, shard, rest, self.slice_entries, &mut entries);
            *at_hand = AtHand { entries: entries.into_iter(), end };
        }
        Some(match at_hand.entries.next() {
            Some(next) => std::mem::replace(&mut head.entry, next),
            None => PeekMut::pop(head).entry,
        })
    }
}

impl<N: Fn() -> UnixMillis> Iterator for Scan<N> {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        let left = self.at_most.checked_sub(1)?;
        let entry = self.pull()?;
        if entry.deadline.has_passed((self.now)()) {
            return Some(Listed::Expired);
        }
        self.at_most = left;
        Some(Listed::Live(entry))
    }
}

/// What a scan takes from each of so many shards at a time. The first keys of a collection are spread over the shards as
/// the hash has it: a few more than the mean of each is enough for nearly all of them.
fn slice_entries(shard_count: usize, at_most: Option<usize>) -> usize {
    let at_hand = ENTRIES_AT_HAND / shard_count;
    let wanted = at_most.map_or(at_hand, |at_most| (at_most / shard_count).saturating_add(SLICE_ENTRIES_MIN));
    wanted.min(at_hand).clamp(SLICE_ENTRIES_MIN, SLICE_ENTRIES_MAX)
}

impl<N> fmt::Debug for Scan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        other.entry.document.key_bytes().cmp(self.entry.document.key_bytes())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use super::super::tests::{collection, document, entry, entry_until, shuffled, touched};
    use super::*;
    use crate::base::clock::{Clock, ManualClock};
    use crate::model::{CollectionName, Deadline, Key, Lsn, Scope};

    fn key_of(number: u64) -> String {
        format!("{number:06}")
    }

    fn filled(shards: usize, count: u64) -> Arc<Store> {
        let store = Store::new(shards);
        let numbers = shuffled(count, 3).into_iter();
        store.load(CollectionId::MAIN, numbers.map(|number| entry(&key_of(number), number)));
        Arc::new(store)
    }

    fn scan(store: &Arc<Store>) -> Scan<impl Fn() -> UnixMillis + use<>> {
        Scan::new(store.clone(), CollectionId::MAIN, KeyRange::ALL, None, || UnixMillis(0))
    }

    fn versions(listed: impl Iterator<Item = Listed>) -> Vec<u64> {
        listed.filter_map(Listed::live).map(|entry| entry.version.0).collect()
    }

    #[test]
    fn a_scan_merges_the_shards_in_byte_order() {
        for shards in [1, 16, 256, 4096] {
            for count in [0, 1, 63, 64, 65, 10_000] {
                let store = filled(shards, count);
                let scanned = versions(scan(&store));
                assert!(scanned == (0..count).collect::<Vec<_>>(), "{shards} shards, {count} entries");
            }
        }
    }

    #[test]
    fn a_scan_of_a_range_ends_where_the_range_does_or_with_the_last_that_was_asked_for() {
        for shards in [1, 16, 256] {
            let store = filled(shards, 10_000);
            let listed = |prefix: &str, after: Option<&str>, at_most| {
                let range = KeyRange { prefix: prefix.as_bytes(), after: after.map(str::as_bytes) };
                versions(Scan::new(store.clone(), CollectionId::MAIN, range, at_most, || UnixMillis(0)))
            };
            assert_eq!(listed("00123", None, None), (1230..1240).collect::<Vec<_>>());
            assert_eq!(listed("001", Some("001997"), None), [1998, 1999]);
            assert_eq!(listed("001", Some("0000"), Some(3)), [1000, 1001, 1002]);
            assert!(listed("001", Some("002"), None).is_empty());
            assert_eq!(listed("", Some("009998"), None), [9999]);
            assert_eq!(listed("", None, Some(1000)), (0..1000).collect::<Vec<_>>());
            assert!(listed("", None, Some(0)).is_empty());
            assert!(listed("1", None, Some(usize::MAX)).is_empty());
        }
    }

    #[test]
    fn a_scan_can_be_sent_to_another_thread() {
        fn assert_send(_: &impl Send) {}
        assert_send(&scan(&filled(1, 0)));
    }

    #[test]
    fn no_key_comes_twice_when_writes_come_between_its_items() {
        let store = filled(4, 5000);
        let place = store.place(Scope::Main).unwrap();
        let put = |number: u64| {
            let key = key_of(number);
            store.lock(&place, Key::new(&key).unwrap()).put(document(&key), Lsn(number), Deadline::NEVER)
        };
        let mut scanned = Vec::new();
        for entry in scan(&store).filter_map(Listed::live) {
            let number = entry.version.0;
            scanned.push(number);
            // Behind: again and anew; ahead: gone, further than what is at hand.
            put(number);
            for ahead in (number..5000).step_by(1000).skip(1).filter(|ahead| ahead % 2 == 0) {
                store.lock(&place, Key::new(&key_of(ahead)).unwrap()).remove(Lsn(10_000 + ahead));
            }
        }
        assert!(scanned == (0..1000).chain((1001..5000).step_by(2)).collect::<Vec<_>>(), "{scanned:?}");
    }

    #[test]
    fn what_expires_during_a_scan_does_not_come_any_more() {
        let store = Arc::new(Store::new(4));
        let numbers = 0..1000;
        store.load(CollectionId::MAIN, numbers.map(|number| entry_until(&key_of(number), number, Some(500))));
        let clock = Arc::new(ManualClock::at(UnixMillis(0)));
        let hands = clock.clone();
        let mut scan = Scan::new(store, CollectionId::MAIN, KeyRange::ALL, None, move || hands.now());
        assert_eq!(versions(scan.by_ref().take(10)), (0..10).collect::<Vec<_>>());
        clock.advance(499);
        assert_eq!(versions(scan.by_ref().take(1)), [10]);
        clock.advance(1);
        assert!(versions(scan).is_empty());
    }

    #[test]
    fn an_item_costs_little_however_many_expired_entries_stand_before_the_next_that_is_live() {
        let store = Arc::new(Store::new(16));
        let until = |number| (number < 20_000).then_some(500);
        store.load(CollectionId::MAIN, (0..20_001).map(|n| entry_until(&key_of(n), n, until(n))));
        let mut scan = Scan::new(store, CollectionId::MAIN, KeyRange::ALL, Some(1), || UnixMillis(500));
        let (mut items, mut most) = (0, 0);
        let live = loop {
            touched::reset();
            let item = scan.next().unwrap();
            most = most.max(touched::total());
            items += 1;
            if let Listed::Live(entry) = item {
                break entry;
            }
        };
        assert_eq!((items, live.version), (20_001, Lsn(20_000)));
        assert_eq!(scan.next(), None);
        // Another slice of one shard, and the search for where it begins.
        assert!(most <= SLICE_ENTRIES_MAX + 25, "an item touched {most} entries");
    }

    #[test]
    fn a_scan_ends_early_when_its_collection_is_dropped() {
        let store = Arc::new(Store::new(4));
        let name = CollectionName::new("c").unwrap();
        let created = store.create_collection(name, 1, || Lsn(1)).unwrap();
        store.load(created.id, (0..5000).map(|number| entry(&key_of(number), number)));
        let mut scan = Scan::new(store.clone(), created.id, KeyRange::ALL, None, || UnixMillis(0));
        assert_eq!(versions(scan.by_ref().take(10)), (0..10).collect::<Vec<_>>());
        store.drop_collection(name, || Lsn(6000));
        store.reclaim(created.id);
        assert!(store.place(collection("c")).is_err());
        assert!(scan.count() < 4 * SLICE_ENTRIES_MAX, "only what was at hand");
    }
}

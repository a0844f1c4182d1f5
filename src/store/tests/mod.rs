//! What the tests of this room share, and the tests that need the whole of it.

mod concurrency;
mod holds;
mod model;
pub(super) mod touched;

use super::{CollectionId, ShardIndex, SliceEnd, Store};
use crate::base::clock::UnixMillis;
use crate::model::{CollectionName, Deadline, Document, Entry, Key, KeyRange, Lsn, Scope};

pub(super) fn document(key: &str) -> Document {
    Document::new(Key::new(key).unwrap(), b"{}")
}

pub(super) fn entry(key: &str, version: u64) -> Entry {
    entry_until(key, version, None)
}

pub(super) fn entry_until(key: &str, version: u64, deadline: Option<u64>) -> Entry {
    let deadline = deadline.map_or(Deadline::NEVER, |millis| Deadline::at(UnixMillis(millis)));
    Entry { document: document(key), version: Lsn(version), deadline }
}

pub(super) fn collection(name: &str) -> Scope<'_> {
    Scope::Collection(CollectionName::new(name).unwrap())
}

/// Every entry of a collection, live or expired, shard by shard, taken in slices of `slice_entries`.
pub(super) fn sliced(store: &Store, id: CollectionId, slice_entries: usize) -> Vec<Entry> {
    let sliced_shard = |shard| {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let last = entries.last().cloned();
            let after = last.as_ref().map(|entry| entry.document.key_bytes());
            if store.slice(id, shard, KeyRange { after, ..KeyRange::ALL }, slice_entries, &mut entries)
                == SliceEnd::Done
            {
                return entries;
            }
        }
    };
    (0..store.shard_count()).map(ShardIndex).flat_map(sliced_shard).collect()
}

/// The numbers below `count` in an order that depends on `seed` only.
pub(super) fn shuffled(count: u64, seed: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..count).collect();
    numbers.sort_by_key(|number| scrambled(*number ^ (seed << 32)));
    numbers
}

/// A number that looks random (the finaliser of MurmurHash3).
pub(super) fn scrambled(number: u64) -> u64 {
    let number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

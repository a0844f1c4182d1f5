//! Slots by the hash of their entry's key: a hash table that is rehashed incrementally, so that no insertion takes longer
//! because there are many entries.
//!
//! Invariant: an entry is in one of two tables. Most of the time there is only `current`. When that is full, a new one takes
//! its place, and each insertion moves the entries of the next `BUCKETS_PER_INSERTION` buckets over, until the old one is
//! empty; which is long before the new one is full. Each hash stands beside its slot, so that none of this touches a
//! document. (Redis rehashes its dictionaries like this.)
//!
//! A table grows at once while it is so small that this takes microseconds, or when it is told how much is to come.

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::hashing::ShardHash;
use super::slab::SlotIndex;

/// Buckets that an insertion goes through while there is an old table: some of them are empty.
const BUCKETS_PER_INSERTION: usize = 64;

/// Buckets of the largest table that grows at once: about ten microseconds.
const BUCKETS_AT_ONCE_MAX: usize = 1024;

/// An entry as the table knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableEntry {
    pub(super) hash: ShardHash,
    pub(super) slot: SlotIndex,
}

const _: () = assert!(size_of::<TableEntry>() == 8);

/// Slots by hash.
#[derive(Debug, Default)]
pub(super) struct Table {
    current: HashTable<TableEntry>,
    /// What is being emptied into it.
    old: Option<Box<Old>>,
}

/// A table that is being emptied.
#[derive(Debug)]
struct Old {
    table: HashTable<TableEntry>,
    /// All buckets before this one are empty.
    next_bucket: usize,
}

impl Table {
    /// Bytes of its memory.
    pub(super) fn bytes(&self) -> usize {
        self.current.allocation_size() + self.old.as_ref().map_or(0, |old| old.table.allocation_size())
    }

    /// The entry with this hash for which `is_it` holds, if there is one; `is_it` is asked of those that may be it.
    #[inline]
    pub(super) fn find(&self, hash: ShardHash, mut is_it: impl FnMut(&TableEntry) -> bool) -> Option<&TableEntry> {
        let found = self.current.find(hash.widened(), &mut is_it);
        match &self.old {
            Some(old) if found.is_none() => old.table.find(hash.widened(), is_it),
            _ => found,
        }
    }

    /// As `find`, of an entry whose slot is to be changed.
    pub(super) fn find_mut(
        &mut self,
        hash: ShardHash,
        mut is_it: impl FnMut(&TableEntry) -> bool,
    ) -> Option<&mut TableEntry> {
        match self.current.find_bucket_index(hash.widened(), &mut is_it) {
            Some(bucket) => self.current.get_bucket_mut(bucket),
            None => self.old.as_mut()?.table.find_mut(hash.widened(), is_it),
        }
    }

    /// Adds an entry that is not there.
    pub(super) fn insert(&mut self, entry: TableEntry) {
        if self.old.is_some() {
            self.rehash_some();
        } else if self.current.len() == self.current.capacity() {
            self.begin_rehash();
        }
        put(&mut self.current, entry);
    }

    /// Takes out the entry of `slot`, whose hash is this. True when it was there.
    pub(super) fn remove(&mut self, hash: ShardHash, slot: SlotIndex) -> bool {
        let tables = [Some(&mut self.current), self.old.as_mut().map(|old| &mut old.table)];
        tables.into_iter().flatten().any(|table| {
            let found = table.find_entry(hash.widened(), |entry| entry.slot == slot);
            found.map(OccupiedEntry::remove).is_ok()
        })
    }

    /// Makes room for so many entries more, at once.
    pub(super) fn reserve(&mut self, additional: usize) {
        let old = self.old.take().map(|old| old.table).unwrap_or_default();
        self.current.reserve(additional + old.len(), |other| other.hash.widened());
        old.into_iter().for_each(|entry| put(&mut self.current, entry));
    }

    /// Puts a table twice as large in the place of one that is full; or one as large, where it is full of the marks of what has
    /// been removed.
    fn begin_rehash(&mut self) {
        let buckets = self.current.num_buckets();
        if buckets <= BUCKETS_AT_ONCE_MAX {
            return;
        }
        let full = buckets / 8 * 7;
        let capacity = if self.current.len() <= full / 2 { full } else { full + 1 };
        let table = std::mem::replace(&mut self.current, HashTable::with_capacity(capacity));
        self.old = Some(Box::new(Old { table, next_bucket: 0 }));
        self.rehash_some();
    }

    /// Moves the entries of the next buckets out of the old table, which goes when there is none behind them.
    fn rehash_some(&mut self) {
        let Table { current, old: Some(old) } = self else { return };
        let end = old.table.num_buckets().min(old.next_bucket + BUCKETS_PER_INSERTION);
        for bucket in old.next_bucket..end {
            if let Ok(entry) = old.table.get_bucket_entry(bucket) {
                put(current, entry.remove().0);
            }
        }
        old.next_bucket = end;
        if end == old.table.num_buckets() {
            self.old = None;
        }
    }
}

fn put(table: &mut HashTable<TableEntry>, entry: TableEntry) {
    table.insert_unique(entry.hash.widened(), entry, |other| other.hash.widened());
}

#[cfg(test)]
impl Table {
    /// Entries in it.
    pub(super) fn len(&self) -> usize {
        self.current.len() + self.old.as_ref().map_or(0, |old| old.table.len())
    }
}

#[cfg(test)]
mod tests;

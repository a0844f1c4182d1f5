//! Slices: the first entries that a shard has of a range, as counted pointers.
//!
//! Invariant: what one hold of locks takes is at most `ENTRIES_PER_HOLD_MAX` entries, and the search for where they begin
//! touches about twenty more in each shard. It does not merge: what the shards have together is `scan`'s.

use smallvec::SmallVec;

use super::big_reader::RwLockReadGuard;
use super::hashing::ShardIndex;
use super::seek::{self, Seek};
use super::shard::Shard;
use super::slab::EntryRef;
use super::{CollectionId, Store};
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::model::{Entry, KeyRange};

/// Shards that are searched together: enough that the waits for memory overlap, little enough that what the searches
/// have seen stays in the cache, and that no lock is held for long.
const SHARDS_AT_ONCE: usize = 16;

/// Whether a slice reached the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceEnd {
    /// There are more entries after the last one.
    More,
    /// There are none.
    Done,
}

/// The first entries of a range in a shard.
#[derive(Debug)]
pub(super) struct Slice {
    /// In byte order of their keys.
    pub(super) entries: Vec<Entry>,
    pub(super) end: SliceEnd,
}

impl Slice {
    /// What `read` appends.
    fn of(read: impl FnOnce(&mut Vec<Entry>) -> SliceEnd) -> Slice {
        let mut entries = Vec::new();
        let end = read(&mut entries);
        Slice { entries, end }
    }
}

impl Store {
    /// Appends to `into` the first entries that one shard has of a range of a collection, expired ones included, at
    /// most `entries_max`, in byte order of their keys. Slices end to end, each of what is behind the one before, hold
    /// every entry that is there during all of them, and no key twice.
    ///
    /// `entries_max` is 1 to `ENTRIES_PER_HOLD_MAX`.
    ///
    /// # Locks
    /// The shard, for reading, while that many pointers are counted.
    pub fn slice(
        &self,
        id: CollectionId,
        shard: ShardIndex,
        range: KeyRange<'_>,
        entries_max: usize,
        into: &mut Vec<Entry>,
    ) -> SliceEnd {
        slice(&self.shard(shard).read(), id, range, entries_max, into)
    }

    /// As `slice`, for work in the background: `longest_background_hold` knows of it.
    ///
    /// # Locks
    /// As `slice`.
    pub fn slice_in_background(
        &self,
        id: CollectionId,
        shard: ShardIndex,
        range: KeyRange<'_>,
        entries_max: usize,
        into: &mut Vec<Entry>,
    ) -> SliceEnd {
        self.background.read(self.shard(shard), |shard| slice(shard, id, range, entries_max, into))
    }

    /// As `slice`, of every shard: one after the other they would wait for memory some thousand times.
    ///
    /// # Locks
    /// Some shards at a time, for reading: those that are free together, and then each of the others by itself.
    pub(super) fn slices(&self, id: CollectionId, range: KeyRange<'_>, entries_max: usize) -> Vec<Slice> {
        let mut slices = Vec::with_capacity(self.shard_count());
        let at_once = (ENTRIES_PER_HOLD_MAX / entries_max.max(1)).clamp(1, SHARDS_AT_ONCE);
        for first in (0..self.shard_count()).step_by(at_once) {
            let shards = (first..self.shard_count().min(first + at_once)).map(ShardIndex);
            let taken = self.slices_of_free(shards.clone(), id, range, entries_max);
            slices.extend(shards.zip(taken).map(|(shard, taken)| {
                taken.unwrap_or_else(|| Slice::of(|into| self.slice(id, shard, range, entries_max, into)))
            }));
        }
        slices
    }

    /// The slices of those of the `shards` whose locks are free.
    fn slices_of_free(
        &self,
        shards: impl Iterator<Item = ShardIndex>,
        id: CollectionId,
        range: KeyRange<'_>,
        entries_max: usize,
    ) -> SmallVec<[Option<Slice>; SHARDS_AT_ONCE]> {
        let free: SmallVec<[Option<RwLockReadGuard<'_, Shard>>; SHARDS_AT_ONCE]> =
            shards.map(|shard| self.shard(shard).try_read()).collect();
        let mut seeks: SmallVec<[Option<Seek<'_>>; SHARDS_AT_ONCE]> =
            free.iter().map(|shard| shard.as_ref()?.seek(id)).collect();
        seek::go_to(&mut seeks, range.start());
        seeks.iter().flatten().for_each(|seek| seek.anticipate(entries_max));
        let slice_at = |seek: &Option<Seek<'_>>| Slice::of(|into| take(seek.as_ref(), range, entries_max, into));
        free.iter().zip(&seeks).map(|(shard, seek)| shard.is_some().then(|| slice_at(seek))).collect()
    }
}

/// As `Store::slice`, of a shard whose lock is held.
fn slice(shard: &Shard, id: CollectionId, range: KeyRange<'_>, entries_max: usize, into: &mut Vec<Entry>) -> SliceEnd {
    let mut seek = shard.seek(id);
    seek::go_to(std::slice::from_mut(&mut seek), range.start());
    if let Some(seek) = &seek {
        seek.anticipate(entries_max);
    }
    take(seek.as_ref(), range, entries_max, into)
}

/// Counts the entries of a range into `into`, from where `seek` stands on; there is none where there are no entries.
fn take(seek: Option<&Seek<'_>>, range: KeyRange<'_>, entries_max: usize, into: &mut Vec<Entry>) -> SliceEnd {
    assert!(
        (1..=ENTRIES_PER_HOLD_MAX).contains(&entries_max),
        "a slice has 1 to {ENTRIES_PER_HOLD_MAX} entries, not {entries_max}"
    );
    let Some(seek) = seek else { return SliceEnd::Done };
    let mut entries = seek.entries().take_while(|entry| range.goes_on_with(entry.document.key_bytes()));
    into.extend(entries.by_ref().take(entries_max).map(EntryRef::counted));
    if entries.next().is_some() { SliceEnd::More } else { SliceEnd::Done }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, shuffled};
    use super::*;
    use crate::model::{Key, Scope};

    fn keys(slices: &[Slice]) -> Vec<Vec<String>> {
        let key = |entry: &Entry| entry.document.key().as_str().to_owned();
        slices.iter().map(|slice| slice.entries.iter().map(key).collect()).collect()
    }

    #[test]
    fn slices_of_all_shards_are_those_of_each_by_itself() {
        let store = Store::new(64);
        store.load(CollectionId::MAIN, shuffled(3000, 9).into_iter().map(|number| entry(&format!("{number:04}"), 1)));
        for entries_max in [1, 7, 16, 32, ENTRIES_PER_HOLD_MAX] {
            for range in [
                KeyRange::ALL,
                KeyRange { prefix: b"12", after: None },
                KeyRange { prefix: b"1", after: Some(b"1501") },
                KeyRange { prefix: b"", after: Some(b"2990") },
                KeyRange { prefix: b"9", after: None },
            ] {
                let together = store.slices(CollectionId::MAIN, range, entries_max);
                let alone = (0..64)
                    .map(ShardIndex)
                    .map(|shard| Slice::of(|into| store.slice(CollectionId::MAIN, shard, range, entries_max, into)));
                let alone: Vec<_> = alone.collect();
                assert_eq!(keys(&together), keys(&alone), "{range:?}");
                assert!(together.iter().zip(&alone).all(|(one, other)| one.end == other.end), "{range:?}");
            }
        }
        assert!(store.slices(CollectionId::MAIN.next(), KeyRange::ALL, 8).iter().all(|slice| slice.entries.is_empty()));
    }

    #[test]
    fn a_shard_that_is_being_written_is_waited_for_by_itself_and_not_left_out() {
        let store = Store::new(4);
        store.load(CollectionId::MAIN, (0..100).map(|number| entry(&format!("{number}"), 1)));
        let place = store.place(Scope::Main).unwrap();
        let locked = store.lock(&place, Key::new("7").unwrap());
        let all = (0..4).map(ShardIndex);
        let of_free = store.slices_of_free(all, CollectionId::MAIN, KeyRange::ALL, ENTRIES_PER_HOLD_MAX);
        assert_eq!(of_free.iter().filter(|slice| slice.is_none()).count(), 1);
        let found: usize = std::thread::scope(|scope| {
            let slices = scope.spawn(|| store.slices(CollectionId::MAIN, KeyRange::ALL, ENTRIES_PER_HOLD_MAX));
            drop(locked);
            slices.join().unwrap().iter().map(|slice| slice.entries.len()).sum()
        });
        assert_eq!(found, 100);
    }
}

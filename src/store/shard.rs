//! What one shard's lock guards: its partitions, which of them expires first, and what absences in it rest on.
//!
//! Invariants: a collection has a partition here only while it has entries here; `due_first` holds the earliest
//! deadline of each partition that has one, so that reaping costs what expires, however many collections there are;
//! `last_removal` is not below the LSN behind any absence, nor `last_deadline_change` below the LSN behind any
//! deadline. Every change of a partition goes through `change`, which keeps them.
//!
//! It does not lock: its callers do. It hands out what it removes, because nothing is freed under a lock.

mod exchange;
mod loading;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ahash::RandomState;

use super::CollectionId;
use super::hashing::ShardHash;
use super::partition::Partition;
use super::recency::Moment;
use super::seek::Seek;
use super::slab::{EntryRef, SlotIndex};
use super::tally::{Tallies, Tally};
use super::totals::Totals;
use crate::base::clock::UnixMillis;
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::model::{Deadline, Entry, Lsn};

/// Entries that one hold of the lock reaps. Taking one out touches up to a dozen others, in the search for its leaf of the
/// order, and changes all indexes, so this is about as long a hold as a slice of `ENTRIES_PER_HOLD_MAX`.
pub(super) const REAPED_PER_HOLD_MAX: usize = ENTRIES_PER_HOLD_MAX / 16;

/// One shard.
#[derive(Debug)]
pub(super) struct Shard {
    /// The main store's partition, here and not in the map because most look-ups end in it.
    main: Partition,
    /// Boxed, so that growing the map moves pointers only.
    collections: HashMap<CollectionId, Box<Named>, RandomState>,
    /// Where a partition finds the tally of its collection.
    tallies: Arc<Tallies>,
    /// What accesses are noted with, where they are.
    moment: Option<Arc<Moment>>,
    due_first: BTreeSet<(Deadline, CollectionId)>,
    last_removal: Lsn,
    /// Of the shard and not of each entry, which would cost eight bytes a document: what a reply rests on may be
    /// newer than what it shows, never older.
    last_deadline_change: Lsn,
    totals: Totals,
    /// About what the slabs and indexes of its partitions take.
    index_bytes: u64,
    stage: Stage,
}

/// What its partitions are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    /// See `loading`.
    Loading,
}

/// The partition of a named collection.
#[derive(Debug)]
pub(super) struct Named {
    partition: Partition,
    /// Counts what is in it among the rest of the collection; `None` when the collection is gone already.
    tally: Option<Arc<Tally>>,
}

/// A partition that is not part of its shard any more; to be dropped when the shard's lock has been released.
pub(super) type Unlinked = Option<Box<Named>>;

impl Shard {
    /// An empty shard; `keys` hash the ids of collections, whose documents are counted in `tallies`. It notes accesses
    /// where there is a `moment`.
    pub(super) fn new(keys: RandomState, tallies: Arc<Tallies>, moment: Option<Arc<Moment>>) -> Shard {
        Shard {
            main: Partition::new(moment.as_ref()),
            collections: HashMap::with_hasher(keys),
            tallies,
            moment,
            due_first: BTreeSet::new(),
            last_removal: Lsn::ZERO,
            last_deadline_change: Lsn::ZERO,
            totals: Totals::default(),
            index_bytes: 0,
            stage: Stage::Serving,
        }
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// About how many bytes slabs and indexes take.
    pub(super) fn index_bytes(&self) -> u64 {
        self.index_bytes
    }

    /// What the absence of a key that is not here rests on: the newest removal here, expiry included, and the newest
    /// change of a deadline, which may have let it expire.
    pub(super) fn absences_rest_on(&self) -> Lsn {
        self.last_removal.max(self.last_deadline_change)
    }

    /// What the sight of `entry`, which is here, rests on: its version and its deadline.
    pub(super) fn rests_on(&self, entry: EntryRef<'_>) -> Lsn {
        entry.version.max(self.last_deadline_change)
    }

    /// What is here of the collection `id`.
    pub(super) fn partition(&self, id: CollectionId) -> Option<&Partition> {
        if id == CollectionId::MAIN {
            Some(&self.main)
        } else {
            self.collections.get(&id).map(|named| &named.partition)
        }
    }

    /// The slot of `key` in the collection `id`.
    pub(super) fn find(&self, id: CollectionId, hash: ShardHash, key: &[u8]) -> Option<SlotIndex> {
        self.partition(id)?.find(hash, key)
    }

    /// The entry of `key` in the collection `id`: as `find` and `get`, in one look.
    pub(super) fn look_up(&self, id: CollectionId, hash: ShardHash, key: &[u8]) -> Option<EntryRef<'_>> {
        self.partition(id)?.look_up(hash, key)
    }

    /// The entry in a slot that `find` named.
    pub(super) fn get(&self, id: CollectionId, slot: SlotIndex) -> EntryRef<'_> {
        self.partition(id).expect("a collection with a slot has a partition").get(slot)
    }

    /// Adds an entry whose key is not there.
    pub(super) fn insert(&mut self, id: CollectionId, hash: ShardHash, entry: Entry) {
        self.change(id, |partition| partition.insert(hash, entry));
    }

    /// Overwrites the entry in a slot, and returns what was there.
    pub(super) fn replace(&mut self, id: CollectionId, slot: SlotIndex, entry: Entry) -> Entry {
        self.change(id, |partition| partition.replace(slot, entry)).0
    }

    /// Removes the entry in a slot, by the mutation `lsn`.
    pub(super) fn remove(&mut self, id: CollectionId, hash: ShardHash, slot: SlotIndex, lsn: Lsn) -> (Entry, Unlinked) {
        self.last_removal = self.last_removal.max(lsn);
        self.change(id, |partition| partition.remove(hash, slot))
    }

    /// Changes the deadline of the entry in a slot, by the mutation `lsn`.
    pub(super) fn set_deadline(&mut self, id: CollectionId, slot: SlotIndex, deadline: Deadline, lsn: Lsn) {
        self.last_deadline_change = self.last_deadline_change.max(lsn);
        self.change(id, |partition| partition.set_deadline(slot, deadline));
    }

    /// True when an entry's deadline has passed at `now`.
    pub(super) fn is_due(&self, now: UnixMillis) -> bool {
        self.due_first.first().is_some_and(|(deadline, _)| deadline.has_passed(now))
    }

    /// Moves into `into` at most `entries_max` entries whose deadline has passed at `now`, earliest deadline first;
    /// `hash` gives the hash of a key. Their absence rests on their versions from now on. True when more are due.
    pub(super) fn reap(
        &mut self,
        now: UnixMillis,
        entries_max: usize,
        hash: impl Fn(CollectionId, &[u8]) -> ShardHash,
        into: &mut Vec<(Entry, Unlinked)>,
    ) -> bool {
        assert!(entries_max <= REAPED_PER_HOLD_MAX, "a hold reaps at most {REAPED_PER_HOLD_MAX} entries");
        self.anticipate_due(now, entries_max);
        for _ in 0..entries_max {
            let Some((_, id)) = self.due_first.first().filter(|(deadline, _)| deadline.has_passed(now)).copied() else {
                return false;
            };
            let (reaped, unlinked) = self.change(id, |partition| {
                let slot = partition.first_due(now).expect("due_first holds the earliest deadline of the partition");
                partition.remove(hash(id, partition.get(slot).document.key_bytes()), slot)
            });
            self.last_removal = self.last_removal.max(reaped.version);
            into.push((reaped, unlinked));
        }
        self.is_due(now)
    }

    /// Takes out a whole collection in constant time.
    pub(super) fn unlink(&mut self, id: CollectionId) -> Unlinked {
        let named = self.collections.remove(&id)?;
        self.due_first.remove(&(named.partition.earliest_deadline(), id));
        self.totals = self.totals.minus(named.partition.totals());
        self.index_bytes -= named.partition.index_bytes();
        Some(named)
    }

    /// The slot of some entry of a collection; see `Slab::taken_near`.
    pub(super) fn sample(&self, id: CollectionId, random: u64, walked_max: usize) -> Option<SlotIndex> {
        self.partition(id)?.sample(random, walked_max)
    }

    /// When the entry in a slot that `find` named was last accessed.
    pub(super) fn accessed(&self, id: CollectionId, slot: SlotIndex) -> u32 {
        self.partition(id).map_or(0, |partition| partition.accessed(slot))
    }

    /// Calls `each` with entries whose deadlines are behind `now` and before `before`: of the `at_most` partitions that
    /// expire first the first `at_most`.
    pub(super) fn each_due(
        &self,
        now: UnixMillis,
        before: Deadline,
        at_most: usize,
        mut each: impl FnMut(CollectionId, EntryRef<'_>),
    ) {
        for (_, id) in self.due_first.range(..(before, CollectionId::MAIN)).take(at_most) {
            if let Some(partition) = self.partition(*id) {
                partition.each_due(now, before, at_most, &mut |entry| each(*id, entry));
            }
        }
    }

    /// Looks for entries of a collection by their keys.
    pub(super) fn seek(&self, id: CollectionId) -> Option<Seek<'_>> {
        self.partition(id).map(Partition::seek)
    }

    /// Has the cache fetch what is needed to reap: waiting for each entry by itself would be most of the time.
    fn anticipate_due(&self, now: UnixMillis, entries_max: usize) {
        if let Some(partition) = self.due_first.first().and_then(|(_, id)| self.partition(*id)) {
            partition.anticipate_due(now, entries_max);
        }
    }

    /// Runs `change` on the partition of a collection, which is created for it and unlinked when it ends up empty.
    fn change<R>(&mut self, id: CollectionId, change: impl FnOnce(&mut Partition) -> R) -> (R, Unlinked) {
        let (stage, moment) = (self.stage, self.moment.as_ref());
        let (partition, tally) = match id {
            CollectionId::MAIN => (&mut self.main, None),
            _ => {
                let begin =
                    || Box::new(Named { partition: stage.empty_partition(moment), tally: self.tallies.find(id) });
                let Named { partition, tally } = &mut **self.collections.entry(id).or_insert_with(begin);
                (partition, tally.as_ref())
            }
        };
        let (totals_before, due_before) = (partition.totals(), partition.earliest_deadline());
        let index_before = partition.index_bytes();
        let result = change(partition);
        let (totals_after, due_after) = (partition.totals(), partition.earliest_deadline());
        self.totals = self.totals.minus(totals_before).plus(totals_after);
        self.index_bytes = self.index_bytes - index_before + partition.index_bytes();
        if let Some(tally) = tally {
            tally.count(totals_before, totals_after);
        }
        if due_before != due_after {
            self.due_first.remove(&(due_before, id));
            if due_after != Deadline::NEVER {
                self.due_first.insert((due_after, id));
            }
        }
        let emptied = partition.len() == 0;
        (result, if emptied { self.take_empty(id) } else { None })
    }

    fn take_empty(&mut self, id: CollectionId) -> Unlinked {
        let emptied = match id {
            CollectionId::MAIN => {
                let partition = std::mem::replace(&mut self.main, self.stage.empty_partition(self.moment.as_ref()));
                Some(Box::new(Named { partition, tally: None }))
            }
            _ => self.collections.remove(&id),
        };
        self.index_bytes -= emptied.as_ref().map_or(0, |named| named.partition.index_bytes());
        emptied
    }
}

#[cfg(test)]
impl Shard {
    /// How much is here of the collection `id`.
    pub(super) fn totals_of(&self, id: CollectionId) -> Totals {
        self.partition(id).map(Partition::totals).unwrap_or_default()
    }

    /// Panics unless every partition is in order and what is kept about them agrees with them.
    pub(super) fn check_invariants(&self, hash: impl Fn(CollectionId, &[u8]) -> ShardHash) {
        let named = self.collections.iter().map(|(id, named)| (*id, &named.partition));
        let (mut totals, mut index_bytes, mut due_first) = (Totals::default(), 0, BTreeSet::new());
        for (id, partition) in named.chain([(CollectionId::MAIN, &self.main)]) {
            partition.check_invariants(|key| hash(id, key));
            let of_partition = partition.totals();
            assert!(of_partition.documents > 0 || id == CollectionId::MAIN, "{id:?} is empty");
            totals = totals.plus(of_partition);
            index_bytes += partition.index_bytes();
            if partition.earliest_deadline() != Deadline::NEVER {
                due_first.insert((partition.earliest_deadline(), id));
            }
        }
        assert_eq!((totals, index_bytes), (self.totals, self.index_bytes));
        assert_eq!(due_first, self.due_first);
    }
}

#[cfg(test)]
mod tests;

//! The entries of one collection in one shard: a slab, and indexes over it by hash, by key and by deadline.
//!
//! Invariant: slab, table and order hold the same slots, and the due index those whose entries have a deadline. While
//! the store is loaded, order and due index are not there; `loading` says how they come.
//! A new partition holds no memory, which is why an emptied one is thrown away whole.

mod loading;

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use super::hashing::ShardHash;
use super::order::Order;
use super::recency::Moment;
use super::seek::Seek;
use super::slab::{EntryRef, Slab, SlotIndex};
use super::table::{Table, TableEntry};
use super::totals::Totals;
use crate::base::clock::UnixMillis;
use crate::model::{Deadline, Entry};

pub(super) use loading::Incoming;

/// Entries with their indexes.
#[derive(Debug)]
pub(super) struct Partition {
    slab: Slab,
    table: Table,
    stage: Stage,
    key_and_value_bytes: u64,
}

/// Which indexes there are besides the table.
#[derive(Debug)]
enum Stage {
    /// Those that are sorted.
    Serving {
        order: Order,
        /// Earliest first; only those that have a deadline.
        due: BTreeSet<(Deadline, SlotIndex)>,
    },
    /// None, nor is the table complete.
    Loading {
        /// What is not in the table yet.
        unindexed: Vec<TableEntry>,
    },
}

/// About what an entry of the due index takes: the nodes of its tree are two thirds full.
const DUE_BYTES: usize = size_of::<(Deadline, SlotIndex)>() * 3 / 2;

impl Partition {
    /// Without entries, in order. It notes accesses, with the moments of `moment`, where there is one.
    pub(super) fn new(moment: Option<&Arc<Moment>>) -> Partition {
        let stage = Stage::Serving { order: Order::default(), due: BTreeSet::new() };
        let slab = moment.map_or_else(Slab::default, |moment| Slab::noting(Arc::clone(moment)));
        Partition { slab, table: Table::default(), stage, key_and_value_bytes: 0 }
    }

    /// Entries in it.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// How much is in it.
    pub(super) fn totals(&self) -> Totals {
        Totals { documents: self.slab.len() as u64, key_and_value_bytes: self.key_and_value_bytes }
    }

    /// About how many bytes slab and indexes take, however much is in them.
    pub(super) fn index_bytes(&self) -> u64 {
        let sorted = match &self.stage {
            Stage::Serving { order, due } => order.bytes(self.slab.len()) + due.len() * DUE_BYTES,
            Stage::Loading { unindexed } => unindexed.capacity() * size_of::<TableEntry>(),
        };
        (self.slab.bytes() + self.table.bytes() + sorted) as u64
    }

    /// The slot of `key`, whose hash is `hash`.
    pub(super) fn find(&self, hash: ShardHash, key: &[u8]) -> Option<SlotIndex> {
        let is_it = |entry: &TableEntry| entry.hash == hash && self.slab.key(entry.slot) == key;
        self.table.find(hash, is_it).map(|entry| entry.slot)
    }

    /// The entry of `key`, whose hash is `hash`. It is accessed.
    pub(super) fn look_up(&self, hash: ShardHash, key: &[u8]) -> Option<EntryRef<'_>> {
        let mut found = None;
        self.table.find(hash, |entry| {
            entry.hash == hash && {
                let there = self.slab.get(entry.slot);
                found = Some((entry.slot, there)).filter(|(_, there)| there.document.key_bytes() == key);
                found.is_some()
            }
        });
        let (slot, entry) = found?;
        self.slab.note_access(slot);
        Some(entry)
    }

    /// The slot of the key with this hash, as far as the hash tells: no entry is looked at.
    pub(super) fn likely(&self, hash: ShardHash) -> Option<SlotIndex> {
        self.table.find(hash, |entry| entry.hash == hash).map(|entry| entry.slot)
    }

    /// The entry in a slot that `find` named.
    pub(super) fn get(&self, slot: SlotIndex) -> EntryRef<'_> {
        self.slab.get(slot)
    }

    /// Adds an entry whose key is not there; `hash` is its key's.
    pub(super) fn insert(&mut self, hash: ShardHash, entry: Entry) {
        let deadline = entry.deadline;
        self.key_and_value_bytes += entry.document.size_bytes() as u64;
        let slot = self.slab.insert(entry);
        self.table.insert(TableEntry { hash, slot });
        if let Stage::Serving { order, .. } = &mut self.stage {
            order.insert(slot, &self.slab);
        }
        self.note_due(deadline, slot);
    }

    /// Puts `entry` where another one of the same key was, and returns that one.
    pub(super) fn replace(&mut self, slot: SlotIndex, entry: Entry) -> Entry {
        let deadline = entry.deadline;
        self.key_and_value_bytes += entry.document.size_bytes() as u64;
        let replaced = self.slab.replace(slot, entry);
        self.key_and_value_bytes -= replaced.document.size_bytes() as u64;
        self.move_due(replaced.deadline, deadline, slot);
        replaced
    }

    /// Changes the deadline of the entry in a slot.
    pub(super) fn set_deadline(&mut self, slot: SlotIndex, deadline: Deadline) {
        let before = self.slab.set_deadline(slot, deadline);
        self.move_due(before, deadline, slot);
    }

    /// Takes out the entry in a slot; `hash` is its key's.
    pub(super) fn remove(&mut self, hash: ShardHash, slot: SlotIndex) -> Entry {
        let was_there = self.table.remove(hash, slot);
        assert!(was_there, "every slot is in the table under its key's hash");
        if let Stage::Serving { order, .. } = &mut self.stage {
            order.remove(slot, &self.slab);
        }
        let removed = self.slab.remove(slot);
        self.forget_due(removed.deadline, slot);
        self.key_and_value_bytes -= removed.document.size_bytes() as u64;
        removed
    }

    /// The earliest deadline of all; `NEVER` when no entry has one, or none is indexed yet.
    pub(super) fn earliest_deadline(&self) -> Deadline {
        self.earliest().map_or(Deadline::NEVER, |(deadline, _)| deadline)
    }

    /// The slot with the earliest deadline, if that has passed at `now`.
    pub(super) fn first_due(&self, now: UnixMillis) -> Option<SlotIndex> {
        self.earliest().filter(|(deadline, _)| deadline.has_passed(now)).map(|(_, slot)| slot)
    }

    /// Has the cache fetch what is needed to take out the first `count` entries that are due at `now`.
    pub(super) fn anticipate_due(&self, now: UnixMillis, count: usize) {
        if let Stage::Serving { due, .. } = &self.stage {
            let due = due.iter().take_while(|(deadline, _)| deadline.has_passed(now));
            due.take(count).for_each(|(_, slot)| self.slab.document(*slot).prefetch_key());
        }
    }

    /// The slot of some entry; see `Slab::taken_near`.
    pub(super) fn sample(&self, random: u64, walked_max: usize) -> Option<SlotIndex> {
        self.slab.taken_near(random, walked_max)
    }

    /// When the entry in a slot was last accessed.
    pub(super) fn accessed(&self, slot: SlotIndex) -> u32 {
        self.slab.accessed(slot)
    }

    /// Calls `each` with the first `at_most` entries whose deadlines are behind `now` and before `before`.
    pub(super) fn each_due(
        &self,
        now: UnixMillis,
        before: Deadline,
        at_most: usize,
        each: &mut dyn FnMut(EntryRef<'_>),
    ) {
        if let Stage::Serving { due, .. } = &self.stage {
            let live = due.range((Bound::Excluded((Deadline::at(now), SlotIndex::LAST)), Bound::Unbounded));
            let nearer = live.take_while(|(deadline, _)| *deadline < before);
            nearer.take(at_most).for_each(|(_, slot)| each(self.slab.get(*slot)));
        }
    }

    /// Looks for entries by their keys.
    ///
    /// # Panics
    /// While the store is loaded.
    pub(super) fn seek(&self) -> Seek<'_> {
        let Stage::Serving { order, .. } = &self.stage else { unreachable!("nobody is served from what is loaded") };
        Seek::new(order, &self.slab)
    }

    fn earliest(&self) -> Option<(Deadline, SlotIndex)> {
        match &self.stage {
            Stage::Serving { due, .. } => due.first().copied(),
            Stage::Loading { .. } => None,
        }
    }

    fn move_due(&mut self, before: Deadline, deadline: Deadline, slot: SlotIndex) {
        if before != deadline {
            self.forget_due(before, slot);
            self.note_due(deadline, slot);
        }
    }

    fn note_due(&mut self, deadline: Deadline, slot: SlotIndex) {
        if let Stage::Serving { due, .. } = &mut self.stage
            && deadline != Deadline::NEVER
        {
            due.insert((deadline, slot));
        }
    }

    fn forget_due(&mut self, deadline: Deadline, slot: SlotIndex) {
        if let Stage::Serving { due, .. } = &mut self.stage
            && deadline != Deadline::NEVER
        {
            let was_there = due.remove(&(deadline, slot));
            assert!(was_there, "every entry with a deadline is in the due index");
        }
    }
}

#[cfg(test)]
impl Partition {
    /// Panics unless the slab and its indexes agree; `hash` gives the hash that a key must be stored under.
    pub(super) fn check_invariants(&self, hash: impl Fn(&[u8]) -> ShardHash) {
        let Stage::Serving { order, due } = &self.stage else { panic!("it is still loaded") };
        self.slab.check_invariants();
        order.check_invariants(&self.slab);
        assert_eq!(self.table.len(), self.slab.len());
        assert_eq!(order.len(), self.slab.len());
        let (mut bytes, mut with_deadline) = (0, 0);
        for slot in self.slab.indexes() {
            let entry = self.slab.get(slot);
            let key = entry.document.key_bytes();
            bytes += entry.document.size_bytes() as u64;
            assert_eq!(self.find(hash(key), key), Some(slot), "the table finds {entry:?}");
            let looked_up = self.look_up(hash(key), key).unwrap();
            assert!(std::ptr::eq(looked_up.document, entry.document), "the table finds {entry:?}");
            if entry.deadline != Deadline::NEVER {
                with_deadline += 1;
                assert!(due.contains(&(entry.deadline, slot)), "the due index holds {entry:?}");
            }
        }
        assert_eq!(bytes, self.key_and_value_bytes);
        assert_eq!(with_deadline, due.len());
    }
}

#[cfg(test)]
mod tests;

//! Entries in numbered slots; a slot's number stays while its entry does, so that indexes hold four bytes an entry.
//!
//! Invariant: a slot is taken or on the free list. Slots lie in chunks, so growing copies at most one small chunk
//! and the time of an insertion does not depend on how many entries there are. The slots of removed entries are used
//! again; their memory goes back when the whole slab goes.
//!
//! Most documents stay until they are removed, so deadlines stand apart, and a chunk has memory for them only up to the
//! last entry in it that ever had one: eight bytes an entry less where nothing expires.

use std::sync::Arc;

use super::recency::{Moment, Recency};
use crate::model::{Deadline, Document, Entry, Lsn};

/// Slots of a chunk: 6 KiB, small enough to copy while the first chunk grows, large enough to be few.
const CHUNK_SLOTS: usize = 256;

/// The number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotIndex(u32);

/// Numbered entries.
#[derive(Debug, Default)]
pub(super) struct Slab {
    /// All but the last are full.
    chunks: Vec<Chunk>,
    /// Head of the list of free slots.
    free: Option<SlotIndex>,
    taken: usize,
    /// Room for deadlines in all chunks together.
    deadline_room: usize,
    /// When each entry was accessed, where that is noted.
    recency: Option<Box<Recency>>,
}

/// An entry where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryRef<'a> {
    /// Key and value.
    pub(super) document: &'a Document,
    /// LSN of the mutation that wrote these bytes.
    pub(super) version: Lsn,
    /// When it stops being there.
    pub(super) deadline: Deadline,
}

#[derive(Debug, Default)]
struct Chunk {
    slots: Vec<Slot>,
    /// By slot; those behind the last have none.
    deadlines: Vec<Deadline>,
}

#[derive(Debug)]
enum Slot {
    Taken { document: Document, version: Lsn },
    Free { next: Option<SlotIndex> },
}

// The counted pointer is never null, and that is the whole mark of a free slot.
const _: () = assert!(size_of::<Slot>() == 24);

impl SlotIndex {
    /// No slot is behind this one.
    pub(super) const LAST: SlotIndex = SlotIndex(u32::MAX);

    /// The number itself.
    pub(super) fn number(self) -> usize {
        self.0 as usize
    }

    fn chunk(self) -> usize {
        self.0 as usize / CHUNK_SLOTS
    }

    fn offset(self) -> usize {
        self.0 as usize % CHUNK_SLOTS
    }
}

impl EntryRef<'_> {
    /// The entry, its document counted.
    pub(super) fn counted(self) -> Entry {
        Entry { document: self.document.clone(), version: self.version, deadline: self.deadline }
    }
}

impl Chunk {
    fn deadline(&self, offset: usize) -> Deadline {
        self.deadlines.get(offset).copied().unwrap_or(Deadline::NEVER)
    }

    fn set_deadline(&mut self, offset: usize, deadline: Deadline) -> Deadline {
        if deadline != Deadline::NEVER && self.deadlines.len() <= offset {
            self.deadlines.resize(offset + 1, Deadline::NEVER);
        }
        match self.deadlines.get_mut(offset) {
            Some(before) => std::mem::replace(before, deadline),
            None => Deadline::NEVER,
        }
    }

    /// Puts `slot` where another one is, and returns that one.
    fn exchange(&mut self, offset: usize, slot: Slot) -> Slot {
        std::mem::replace(self.slots.get_mut(offset).expect("slots are never taken away"), slot)
    }
}

impl Slab {
    /// An empty one that notes accesses, with the moments of `now`.
    pub(super) fn noting(now: Arc<Moment>) -> Slab {
        Slab { recency: Some(Box::new(Recency::new(now))), ..Slab::default() }
    }

    /// Notes that the entry in a slot is accessed, where that is noted.
    pub(super) fn note_access(&self, index: SlotIndex) {
        if let Some(recency) = &self.recency {
            recency.note(index);
        }
    }

    /// When the entry in a slot was last accessed; 0 where that is not noted.
    pub(super) fn accessed(&self, index: SlotIndex) -> u32 {
        self.recency.as_ref().map_or(0, |recency| recency.of(index))
    }

    /// A taken slot: the first from that on which `random` names, if it is among `walked_max`.
    pub(super) fn taken_near(&self, random: u64, walked_max: usize) -> Option<SlotIndex> {
        let count: usize = match self.chunks.as_slice() {
            [] => return None,
            [full @ .., last] => full.len() * CHUNK_SLOTS + last.slots.len(),
        };
        let first = usize::try_from(random % (count as u64).max(1)).ok()?;
        let walked = (0..walked_max.min(count)).map(|offset| (first + offset) % count);
        walked.filter_map(|number| u32::try_from(number).ok().map(SlotIndex)).find(|index| {
            let slot = self.chunks.get(index.chunk()).and_then(|chunk| chunk.slots.get(index.offset()));
            matches!(slot, Some(Slot::Taken { .. }))
        })
    }

    /// Entries in it.
    pub(super) fn len(&self) -> usize {
        self.taken
    }

    /// Bytes of its memory, without the documents.
    pub(super) fn bytes(&self) -> usize {
        let slots = match self.chunks.as_slice() {
            [only] => only.slots.capacity(),
            chunks => chunks.len() * CHUNK_SLOTS,
        };
        let recency = self.recency.as_ref().map_or(0, |recency| recency.bytes());
        let chunks = self.chunks.capacity() * size_of::<Chunk>();
        chunks + slots * size_of::<Slot>() + self.deadline_room * size_of::<Deadline>() + recency
    }

    /// The taken slots.
    pub(super) fn indexes(&self) -> impl Iterator<Item = SlotIndex> {
        let slots = self.chunks.iter().flat_map(|chunk| &chunk.slots).zip(0_u32..);
        slots.filter(|(slot, _)| matches!(slot, Slot::Taken { .. })).map(|(_, index)| SlotIndex(index))
    }

    /// Puts `entry` into a free slot.
    pub(super) fn insert(&mut self, entry: Entry) -> SlotIndex {
        self.taken += 1;
        let Some(index) = self.free else { return self.push(entry) };
        let Entry { document, version, deadline } = entry;
        let chunk = self.chunk_mut(index);
        let freed = chunk.exchange(index.offset(), Slot::Taken { document, version });
        self.set_deadline(index, deadline);
        let Slot::Free { next } = freed else { unreachable!("only free slots are on the free list") };
        self.free = next;
        self.note_put(index);
        index
    }

    /// The entry in a taken slot.
    pub(super) fn get(&self, index: SlotIndex) -> EntryRef<'_> {
        #[cfg(test)]
        super::tests::touched::count();
        let chunk = self.chunks.get(index.chunk());
        match chunk.and_then(|chunk| Some((chunk, chunk.slots.get(index.offset())?))) {
            Some((chunk, Slot::Taken { document, version })) => {
                EntryRef { document, version: *version, deadline: chunk.deadline(index.offset()) }
            }
            _ => unreachable!("indexes hold taken slots only"),
        }
    }

    /// The document in a taken slot.
    pub(super) fn document(&self, index: SlotIndex) -> &Document {
        self.get(index).document
    }

    /// The key of the entry in a taken slot.
    pub(super) fn key(&self, index: SlotIndex) -> &[u8] {
        self.document(index).key_bytes()
    }

    /// Puts `entry` where another one was, and returns that one.
    pub(super) fn replace(&mut self, index: SlotIndex, entry: Entry) -> Entry {
        let Entry { document, version, deadline } = entry;
        let deadline = self.set_deadline(index, deadline);
        self.note_put(index);
        match self.chunk_mut(index).exchange(index.offset(), Slot::Taken { document, version }) {
            Slot::Taken { document, version } => Entry { document, version, deadline },
            Slot::Free { .. } => unreachable!("indexes hold taken slots only"),
        }
    }

    /// Changes the deadline of the entry in a taken slot, and returns the one before.
    pub(super) fn set_deadline(&mut self, index: SlotIndex, deadline: Deadline) -> Deadline {
        let chunk = self.chunk_mut(index);
        let room_before = chunk.deadlines.capacity();
        let before = chunk.set_deadline(index.offset(), deadline);
        let added = chunk.deadlines.capacity() - room_before;
        self.deadline_room += added;
        before
    }

    /// Frees a taken slot.
    pub(super) fn remove(&mut self, index: SlotIndex) -> Entry {
        let next = self.free;
        let chunk = self.chunk_mut(index);
        let deadline = chunk.set_deadline(index.offset(), Deadline::NEVER);
        match chunk.exchange(index.offset(), Slot::Free { next }) {
            Slot::Taken { document, version } => {
                self.free = Some(index);
                self.taken -= 1;
                Entry { document, version, deadline }
            }
            Slot::Free { .. } => unreachable!("indexes hold taken slots only"),
        }
    }

    fn chunk_mut(&mut self, index: SlotIndex) -> &mut Chunk {
        #[cfg(test)]
        super::tests::touched::count();
        self.chunks.get_mut(index.chunk()).expect("chunks are never taken away")
    }

    fn push(&mut self, entry: Entry) -> SlotIndex {
        if self.chunks.last().is_none_or(|chunk| chunk.slots.len() == CHUNK_SLOTS) {
            // The first chunk grows as needed, because many partitions stay tiny.
            let slots = if self.chunks.is_empty() { 1 } else { CHUNK_SLOTS };
            self.chunks.push(Chunk { slots: Vec::with_capacity(slots), deadlines: Vec::new() });
        }
        let before = (self.chunks.len() - 1) * CHUNK_SLOTS;
        let chunk = self.chunks.last_mut().expect("one was pushed if there was none");
        let offset = chunk.slots.len();
        let index = u32::try_from(before + offset).expect("a shard holds fewer than 2^32 entries");
        chunk.slots.push(Slot::Taken { document: entry.document, version: entry.version });
        self.set_deadline(SlotIndex(index), entry.deadline);
        self.note_put(SlotIndex(index));
        SlotIndex(index)
    }

    fn note_put(&mut self, index: SlotIndex) {
        if let Some(recency) = &mut self.recency {
            recency.note_put(index);
        }
    }
}

#[cfg(test)]
impl Slab {
    /// Panics unless every slot is taken or reachable on the free list.
    pub(super) fn check_invariants(&self) {
        let slots: usize = self.chunks.iter().map(|chunk| chunk.slots.len()).sum();
        let taken = self.indexes().count();
        assert_eq!(taken, self.taken);
        let mut free = 0;
        let mut at = self.free;
        while let Some(index) = at {
            free += 1;
            assert!(free <= slots, "the free list is a ring");
            let Slot::Free { next } = &self.chunks[index.chunk()].slots[index.offset()] else {
                panic!("a taken slot is on the free list")
            };
            at = *next;
        }
        assert_eq!(taken + free, slots);
        assert!(self.chunks.iter().rev().skip(1).all(|chunk| chunk.slots.len() == CHUNK_SLOTS));
        assert_eq!(self.deadline_room, self.chunks.iter().map(|chunk| chunk.deadlines.capacity()).sum::<usize>());
        for Chunk { slots, deadlines } in &self.chunks {
            let has_deadline = |offset: usize| deadlines.get(offset).is_some_and(|at| *at != Deadline::NEVER);
            let free = slots.iter().enumerate().filter(|(_, slot)| matches!(slot, Slot::Free { .. }));
            assert!(free.into_iter().all(|(offset, _)| !has_deadline(offset)), "a free slot has a deadline");
            assert!(deadlines.len() <= slots.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, entry_until};
    use super::*;

    #[test]
    fn slots_of_removed_entries_are_used_again() {
        let mut slab = Slab::default();
        let indexes: Vec<_> = (0..1000).map(|number| slab.insert(entry(&format!("{number}"), number))).collect();
        slab.check_invariants();
        for index in &indexes[100..900] {
            slab.remove(*index);
        }
        slab.check_invariants();
        assert_eq!(slab.len(), 200);
        let mut again: Vec<_> = (0..800).map(|number| slab.insert(entry("again", number))).collect();
        again.sort();
        assert_eq!(again, indexes[100..900]);
        assert_eq!(slab.key(indexes[99]), b"99");
        slab.check_invariants();
    }

    #[test]
    fn a_replaced_entry_comes_back_and_keeps_its_slot() {
        let mut slab = Slab::default();
        let index = slab.insert(entry("a", 1));
        assert_eq!(slab.replace(index, entry("a", 2)), entry("a", 1));
        assert_eq!(slab.get(index).counted(), entry("a", 2));
        assert_eq!(slab.len(), 1);
    }
    #[test]
    fn deadlines_take_memory_only_up_to_the_last_entry_that_had_one() {
        let mut slab = Slab::default();
        let indexes: Vec<_> = (0..600).map(|number| slab.insert(entry(&format!("{number}"), number))).collect();
        let room = |slab: &Slab| slab.chunks.iter().map(|chunk| chunk.deadlines.len()).collect::<Vec<_>>();
        assert_eq!(room(&slab), [0, 0, 0]);
        let at = entry_until("300", 300, Some(7)).deadline;
        assert_eq!(slab.set_deadline(indexes[300], at), Deadline::NEVER);
        assert_eq!(room(&slab), [0, 300 - 256 + 1, 0]);
        assert_eq!((slab.get(indexes[300]).deadline, slab.get(indexes[301]).deadline), (at, Deadline::NEVER));
        slab.check_invariants();
        assert_eq!(slab.remove(indexes[300]), entry_until("300", 300, Some(7)));
        slab.check_invariants();
        let again = slab.insert(entry("again", 1));
        assert_eq!((again, slab.get(again).deadline), (indexes[300], Deadline::NEVER));
        let replaced = slab.replace(again, entry_until("again", 2, Some(9)));
        assert_eq!(replaced, entry("again", 1));
        assert_eq!(slab.get(again).counted(), entry_until("again", 2, Some(9)));
        slab.check_invariants();
    }
}

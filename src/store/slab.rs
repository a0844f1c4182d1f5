//! Entries in numbered slots; a slot's number stays while its entry does, so that indexes hold four bytes an entry.
//!
//! Invariant: a slot is taken or on the free list. Slots lie in chunks, so growing copies at most one small chunk
//! and the time of an insertion does not depend on how many entries there are. The slots of removed entries are used
//! again; their memory goes back when the whole slab goes.

use crate::model::{Deadline, Entry};

/// Slots of a chunk: 6 KiB, small enough to copy while the first chunk grows, large enough to be few.
const CHUNK_SLOTS: usize = 256;

/// The number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotIndex(u32);

/// Numbered entries.
#[derive(Debug, Default)]
pub(super) struct Slab {
    /// All but the last are full.
    chunks: Vec<Vec<Slot>>,
    /// Head of the list of free slots.
    free: Option<SlotIndex>,
    taken: usize,
}

#[derive(Debug)]
enum Slot {
    Taken(Entry),
    Free { next: Option<SlotIndex> },
}

// The counted pointer is never null, and that is the whole mark of a free slot.
const _: () = assert!(size_of::<Slot>() == 24);

impl SlotIndex {
    fn chunk(self) -> usize {
        self.0 as usize / CHUNK_SLOTS
    }

    fn offset(self) -> usize {
        self.0 as usize % CHUNK_SLOTS
    }
}

impl Slab {
    /// Entries in it.
    pub(super) fn len(&self) -> usize {
        self.taken
    }

    /// The taken slots.
    pub(super) fn indexes(&self) -> impl Iterator<Item = SlotIndex> {
        let slots = self.chunks.iter().flatten().zip(0_u32..);
        slots.filter(|(slot, _)| matches!(slot, Slot::Taken(_))).map(|(_, index)| SlotIndex(index))
    }

    /// Puts `entry` into a free slot.
    pub(super) fn insert(&mut self, entry: Entry) -> SlotIndex {
        self.taken += 1;
        let Some(index) = self.free else { return self.push(entry) };
        let slot = self.slot_mut(index);
        let Slot::Free { next } = *slot else { unreachable!("only free slots are on the free list") };
        *slot = Slot::Taken(entry);
        self.free = next;
        index
    }

    /// The entry in a taken slot.
    pub(super) fn get(&self, index: SlotIndex) -> &Entry {
        #[cfg(test)]
        super::tests::touched::count();
        match self.chunks.get(index.chunk()).and_then(|chunk| chunk.get(index.offset())) {
            Some(Slot::Taken(entry)) => entry,
            _ => unreachable!("indexes hold taken slots only"),
        }
    }

    /// The key of the entry in a taken slot.
    pub(super) fn key(&self, index: SlotIndex) -> &[u8] {
        self.get(index).document.key_bytes()
    }

    /// Puts `entry` where another one was, and returns that one.
    pub(super) fn replace(&mut self, index: SlotIndex, entry: Entry) -> Entry {
        match std::mem::replace(self.slot_mut(index), Slot::Taken(entry)) {
            Slot::Taken(replaced) => replaced,
            Slot::Free { .. } => unreachable!("indexes hold taken slots only"),
        }
    }

    /// Changes the deadline of the entry in a taken slot, and returns the one before.
    pub(super) fn set_deadline(&mut self, index: SlotIndex, deadline: Deadline) -> Deadline {
        match self.slot_mut(index) {
            Slot::Taken(entry) => std::mem::replace(&mut entry.deadline, deadline),
            Slot::Free { .. } => unreachable!("indexes hold taken slots only"),
        }
    }

    /// Frees a taken slot.
    pub(super) fn remove(&mut self, index: SlotIndex) -> Entry {
        let next = self.free;
        match std::mem::replace(self.slot_mut(index), Slot::Free { next }) {
            Slot::Taken(removed) => {
                self.free = Some(index);
                self.taken -= 1;
                removed
            }
            Slot::Free { .. } => unreachable!("indexes hold taken slots only"),
        }
    }

    fn slot_mut(&mut self, index: SlotIndex) -> &mut Slot {
        #[cfg(test)]
        super::tests::touched::count();
        let slot = self.chunks.get_mut(index.chunk()).and_then(|chunk| chunk.get_mut(index.offset()));
        slot.expect("slots are never taken away")
    }

    fn push(&mut self, entry: Entry) -> SlotIndex {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_SLOTS) {
            // The first chunk grows as needed, because many partitions stay tiny.
            let slots = if self.chunks.is_empty() { 1 } else { CHUNK_SLOTS };
            self.chunks.push(Vec::with_capacity(slots));
        }
        let before = (self.chunks.len() - 1) * CHUNK_SLOTS;
        let chunk = self.chunks.last_mut().expect("one was pushed if there was none");
        let index = u32::try_from(before + chunk.len()).expect("a shard holds fewer than 2^32 entries");
        chunk.push(Slot::Taken(entry));
        SlotIndex(index)
    }
}

#[cfg(test)]
impl Slab {
    /// Panics unless every slot is taken or reachable on the free list.
    pub(super) fn check_invariants(&self) {
        let slots: usize = self.chunks.iter().map(Vec::len).sum();
        let taken = self.chunks.iter().flatten().filter(|slot| matches!(slot, Slot::Taken(_))).count();
        assert_eq!(taken, self.taken);
        let mut free = 0;
        let mut at = self.free;
        while let Some(index) = at {
            free += 1;
            assert!(free <= slots, "the free list is a ring");
            let Slot::Free { next } = &self.chunks[index.chunk()][index.offset()] else {
                panic!("a taken slot is on the free list")
            };
            at = *next;
        }
        assert_eq!(taken + free, slots);
        assert!(self.chunks.iter().rev().skip(1).all(|chunk| chunk.len() == CHUNK_SLOTS));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
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
        assert_eq!(slab.get(index), &entry("a", 2));
        assert_eq!(slab.len(), 1);
    }
}

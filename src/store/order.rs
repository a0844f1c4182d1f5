//! The slots of a slab in byte order of their keys, in two levels: a list of leaves, each a short sorted list.
//!
//! Invariants: keys ascend within a leaf and from leaf to leaf; no leaf is empty or longer than `LEAF_SLOTS_MAX`.
//! So a change moves a few hundred bytes of one leaf, rarely the list of leaves, never everything, and an iteration
//! is resumed by key after any change. Four bytes an entry and little around them: compare 16 and more for a tree
//! that holds pointers. An overwrite keeps its slot, and so never comes here.
//!
//! It keeps no keys but the first eight bytes of each leaf's first: whoever calls passes the slab that has them. Where a range begins is found in `seek`.

use std::cmp::Ordering;

use super::slab::{Slab, SlotIndex};
use super::sorting;

/// Slots of a leaf: 1 KiB. Larger ones cost more moving for each insertion, smaller ones a longer list of leaves.
const LEAF_SLOTS_MAX: usize = 256;

/// Slots by which a leaf grows: what is allocated beyond need is on average half of this, in bytes per 1 KiB leaf.
const LEAF_SLOTS_STEP: usize = 32;

/// Slots sorted by key.
#[derive(Debug, Default)]
pub(super) struct Order {
    leaves: Vec<Leaf>,
}

/// Some slots that follow each other.
#[derive(Debug)]
struct Leaf {
    /// The head of its first key, so that a search among leaves rarely has to look for a document.
    head: Head,
    slots: Vec<SlotIndex>,
}

/// The first eight bytes of a key, which order as keys do but for those that are alike in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head(u64);

impl Head {
    pub(super) fn of(key: &[u8]) -> Head {
        Head(sorting::part(key, 0))
    }
}

impl Leaf {
    /// Of slots in order, of which there is one at least.
    fn new(slots: Vec<SlotIndex>, slab: &Slab) -> Leaf {
        let mut leaf = Leaf { head: Head(0), slots };
        leaf.note_first(slab);
        leaf
    }

    /// Has the head follow the first slot, if there is one.
    fn note_first(&mut self, slab: &Slab) {
        self.head = self.slots.first().map_or(Head(0), |first| Head::of(slab.key(*first)));
    }

    /// Where a key that is not in the leaf belongs. Of keys that ascend each belongs behind the last, and so that one is
    /// looked at first: one document instead of eight, which lie anywhere in memory.
    fn offset_of(&self, key: &[u8], slab: &Slab) -> usize {
        let is_before = |other: &SlotIndex| slab.key(*other) < key;
        if self.slots.last().is_some_and(is_before) {
            return self.slots.len();
        }
        self.slots.partition_point(is_before)
    }

    fn insert(&mut self, offset: usize, slot: SlotIndex, slab: &Slab) {
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact(LEAF_SLOTS_STEP);
        }
        self.slots.insert(offset, slot);
        if offset == 0 {
            self.note_first(slab);
        }
    }
}

impl Order {
    /// Of slots that are in order, each once: as if they had been added one after the other.
    pub(super) fn of_sorted(slots: &[SlotIndex], slab: &Slab) -> Order {
        Order { leaves: slots.chunks(LEAF_SLOTS_MAX).map(|slots| Leaf::new(slots.to_vec(), slab)).collect() }
    }

    /// Adds a slot whose key is not in the order yet.
    pub(super) fn insert(&mut self, slot: SlotIndex, slab: &Slab) {
        let key = slab.key(slot);
        let number = self.leaf_of(key, slab);
        let Some(leaf) = self.leaves.get_mut(number) else {
            self.leaves.push(Leaf::new(vec![slot], slab));
            return;
        };
        let offset = leaf.offset_of(key, slab);
        if leaf.slots.len() < LEAF_SLOTS_MAX {
            leaf.insert(offset, slot, slab);
        } else if offset == LEAF_SLOTS_MAX {
            // Ascending keys leave full leaves behind them.
            self.leaves.insert(number + 1, Leaf::new(vec![slot], slab));
        } else {
            let mut right = Leaf::new(leaf.slots.split_off(LEAF_SLOTS_MAX / 2), slab);
            leaf.slots.shrink_to_fit();
            match offset.checked_sub(LEAF_SLOTS_MAX / 2) {
                Some(offset_in_right) => right.insert(offset_in_right, slot, slab),
                None => leaf.insert(offset, slot, slab),
            }
            self.leaves.insert(number + 1, right);
        }
    }

    /// Takes out a slot that is in the order, before the slab gives it up.
    pub(super) fn remove(&mut self, slot: SlotIndex, slab: &Slab) {
        let key = slab.key(slot);
        let number = self.leaf_of(key, slab);
        let leaf = self.leaves.get_mut(number).expect("a slot in the order has a leaf");
        // The numbers of a leaf lie together: to go through them costs less than to look at the keys of eight documents.
        let offset = leaf.slots.iter().position(|other| *other == slot);
        let offset = offset.expect("the order holds this slot under its key");
        leaf.slots.remove(offset);
        if leaf.slots.is_empty() {
            self.leaves.remove(number);
            return;
        }
        if offset == 0 {
            leaf.note_first(slab);
        }
        if leaf.slots.capacity() - leaf.slots.len() > 2 * LEAF_SLOTS_STEP {
            leaf.slots.shrink_to(leaf.slots.len() + LEAF_SLOTS_STEP);
        }
    }

    /// About how many bytes it takes with `slots` in it: a leaf has room for half a step more, on average.
    pub(super) fn bytes(&self, slots: usize) -> usize {
        let room = slots + self.leaves.len() * LEAF_SLOTS_STEP / 2;
        self.leaves.capacity() * size_of::<Leaf>() + room * size_of::<SlotIndex>()
    }

    /// How many leaves there are.
    pub(super) fn leaf_count(&self) -> usize {
        self.leaves.len()
    }

    /// How the first key of a leaf compares with one that has this head, as far as the heads tell: those that are equal
    /// in them may be in any order.
    pub(super) fn compare_first(&self, leaf: usize, head: Head) -> Ordering {
        self.leaves.get(leaf).map_or(Ordering::Greater, |leaf| leaf.head.cmp(&head))
    }

    /// How many slots a leaf has; none when there is no such leaf.
    pub(super) fn leaf_slots(&self, leaf: usize) -> usize {
        self.leaves.get(leaf).map_or(0, |leaf| leaf.slots.len())
    }

    /// The slot at `offset` in a leaf.
    pub(super) fn slot(&self, leaf: usize, offset: usize) -> Option<SlotIndex> {
        self.leaves.get(leaf)?.slots.get(offset).copied()
    }

    /// The slots from the one at `offset` in a leaf on, in order of their keys.
    pub(super) fn slots_from(&self, leaf: usize, offset: usize) -> impl Iterator<Item = SlotIndex> {
        self.leaves.iter().skip(leaf).flat_map(|leaf| &leaf.slots).skip(offset).copied()
    }

    /// The leaf where `key` is, or would be: the last one that does not begin after it, or the first one. The last of all
    /// is looked at first: keys that ascend belong there.
    fn leaf_of(&self, key: &[u8], slab: &Slab) -> usize {
        let head = Head::of(key);
        let begins_by_key = |leaf: &Leaf| match leaf.head.cmp(&head) {
            Ordering::Less => true,
            Ordering::Equal => leaf.slots.first().is_some_and(|first| slab.key(*first) <= key),
            Ordering::Greater => false,
        };
        if self.leaves.last().is_some_and(begins_by_key) {
            return self.leaves.len() - 1;
        }
        self.leaves.partition_point(begins_by_key).saturating_sub(1)
    }
}

#[cfg(test)]
impl Order {
    /// Slots in it.
    pub(super) fn len(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.slots.len()).sum()
    }

    /// Panics unless the keys ascend strictly, every head is that of the first key behind it, and no leaf is empty, too
    /// long, or mostly spare memory.
    pub(super) fn check_invariants(&self, slab: &Slab) {
        for Leaf { head, slots } in &self.leaves {
            assert!((1..=LEAF_SLOTS_MAX).contains(&slots.len()));
            assert!(slots.capacity() <= slots.len() + 2 * LEAF_SLOTS_STEP);
            assert_eq!(*head, Head::of(slab.key(slots[0])));
        }
        assert!(self.slots_from(0, 0).map(|slot| slab.key(slot)).is_sorted_by(|a, b| a < b));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, shuffled, touched};
    use super::*;

    fn filled(numbers: impl Iterator<Item = u64>) -> (Order, Slab) {
        let (mut order, mut slab) = (Order::default(), Slab::default());
        for number in numbers {
            // Hundreds of keys are alike in their first eight bytes.
            let slot = slab.insert(entry(&format!("key/{number:06}"), number));
            order.insert(slot, &slab);
        }
        order.check_invariants(&slab);
        (order, slab)
    }

    fn slots(order: &Order) -> Vec<SlotIndex> {
        order.slots_from(0, 0).collect()
    }

    fn versions(order: &Order, slab: &Slab) -> Vec<u64> {
        order.slots_from(0, 0).map(|slot| slab.get(slot).version.0).collect()
    }

    #[test]
    fn any_order_of_insertion_gives_the_order_of_the_keys() {
        for numbers in [(0..3000).collect(), (0..3000).rev().collect(), shuffled(3000, 7)] {
            let (order, slab) = filled(numbers.into_iter());
            assert_eq!(versions(&order, &slab), (0..3000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn ascending_keys_fill_their_leaves_and_look_at_few_others() {
        let (mut order, mut slab) = filled(0..10 * LEAF_SLOTS_MAX as u64);
        assert_eq!(order.leaves.len(), 10);
        let slot = slab.insert(entry("key/9", 1));
        touched::reset();
        order.insert(slot, &slab);
        assert!(touched::total() <= 4, "{} touched", touched::total());
    }

    #[test]
    fn removals_leave_neither_empty_leaves_nor_much_spare_memory() {
        let (mut order, mut slab) = filled(shuffled(5000, 11).into_iter());
        for (number, slot) in slots(&order).iter().enumerate() {
            if number % 100 != 0 {
                order.remove(*slot, &slab);
                slab.remove(*slot);
            }
        }
        order.check_invariants(&slab);
        assert_eq!(versions(&order, &slab), (0..5000).step_by(100).collect::<Vec<_>>());
        for slot in slots(&order) {
            order.remove(slot, &slab);
            slab.remove(slot);
        }
        assert!(order.leaves.is_empty());
    }
}

//! The slots of a slab in byte order of their keys, in two levels: a list of leaves, each a short sorted list.
//!
//! Invariants: keys ascend within a leaf and from leaf to leaf; no leaf is empty or longer than `LEAF_SLOTS_MAX`.
//! So a change moves a few hundred bytes of one leaf, rarely the list of leaves, never everything, and an iteration
//! is resumed by key after any change. Four bytes an entry and little around them: compare 16 and more for a tree
//! that holds pointers. An overwrite keeps its slot, and so never comes here.
//!
//! It keeps no keys: whoever calls passes the slab that has them. Where a range begins is found in `seek`.

use super::slab::{Slab, SlotIndex};

/// Slots of a leaf: 1 KiB. Larger ones cost more moving for each insertion, smaller ones a longer list of leaves.
const LEAF_SLOTS_MAX: usize = 256;

/// Slots by which a leaf grows: what is allocated beyond need is on average half of this, in bytes per 1 KiB leaf.
const LEAF_SLOTS_STEP: usize = 32;

/// Slots sorted by key.
#[derive(Debug, Default)]
pub(super) struct Order {
    leaves: Vec<Vec<SlotIndex>>,
}

impl Order {
    /// Of slots that are in order, each once: as if they had been added one after the other.
    pub(super) fn of_sorted(slots: &[SlotIndex]) -> Order {
        Order { leaves: slots.chunks(LEAF_SLOTS_MAX).map(<[SlotIndex]>::to_vec).collect() }
    }

    /// Adds a slot whose key is not in the order yet.
    pub(super) fn insert(&mut self, slot: SlotIndex, slab: &Slab) {
        let key = slab.key(slot);
        let number = self.leaf_of(key, slab);
        let Some(leaf) = self.leaves.get_mut(number) else {
            self.leaves.push(vec![slot]);
            return;
        };
        let offset = leaf.partition_point(|other| slab.key(*other) < key);
        if leaf.len() < LEAF_SLOTS_MAX {
            insert_into(leaf, offset, slot);
        } else if offset == LEAF_SLOTS_MAX {
            // Ascending keys leave full leaves behind them.
            self.leaves.insert(number + 1, vec![slot]);
        } else {
            let mut right = leaf.split_off(LEAF_SLOTS_MAX / 2);
            leaf.shrink_to_fit();
            match offset.checked_sub(LEAF_SLOTS_MAX / 2) {
                Some(offset_in_right) => insert_into(&mut right, offset_in_right, slot),
                None => insert_into(leaf, offset, slot),
            }
            self.leaves.insert(number + 1, right);
        }
    }

    /// Takes out a slot that is in the order, before the slab gives it up.
    pub(super) fn remove(&mut self, slot: SlotIndex, slab: &Slab) {
        let key = slab.key(slot);
        let number = self.leaf_of(key, slab);
        let leaf = self.leaves.get_mut(number).expect("a slot in the order has a leaf");
        let offset = leaf.partition_point(|other| slab.key(*other) < key);
        let removed = leaf.remove(offset);
        assert!(removed == slot, "the order holds another slot under this key");
        if leaf.is_empty() {
            self.leaves.remove(number);
        } else if leaf.capacity() - leaf.len() > 2 * LEAF_SLOTS_STEP {
            leaf.shrink_to(leaf.len() + LEAF_SLOTS_STEP);
        }
    }

    /// How many leaves there are.
    pub(super) fn leaf_count(&self) -> usize {
        self.leaves.len()
    }

    /// How many slots a leaf has; none when there is no such leaf.
    pub(super) fn leaf_slots(&self, leaf: usize) -> usize {
        self.leaves.get(leaf).map_or(0, Vec::len)
    }

    /// The slot at `offset` in a leaf.
    pub(super) fn slot(&self, leaf: usize, offset: usize) -> Option<SlotIndex> {
        self.leaves.get(leaf)?.get(offset).copied()
    }

    /// The slots from the one at `offset` in a leaf on, in order of their keys.
    pub(super) fn slots_from(&self, leaf: usize, offset: usize) -> impl Iterator<Item = SlotIndex> {
        self.leaves.iter().skip(leaf).flatten().skip(offset).copied()
    }

    /// The leaf where `key` is, or would be: the last one that does not begin after it, or the first one.
    fn leaf_of(&self, key: &[u8], slab: &Slab) -> usize {
        let begins_by_key = |leaf: &Vec<SlotIndex>| leaf.first().is_some_and(|first| slab.key(*first) <= key);
        self.leaves.partition_point(begins_by_key).saturating_sub(1)
    }
}

fn insert_into(leaf: &mut Vec<SlotIndex>, offset: usize, slot: SlotIndex) {
    if leaf.len() == leaf.capacity() {
        leaf.reserve_exact(LEAF_SLOTS_STEP);
    }
    leaf.insert(offset, slot);
}

#[cfg(test)]
impl Order {
    /// Slots in it.
    pub(super) fn len(&self) -> usize {
        self.leaves.iter().map(Vec::len).sum()
    }

    /// Panics unless the keys ascend strictly and no leaf is empty, too long, or mostly spare memory.
    pub(super) fn check_invariants(&self, slab: &Slab) {
        assert!(self.leaves.iter().all(|leaf| (1..=LEAF_SLOTS_MAX).contains(&leaf.len())));
        assert!(self.leaves.iter().all(|leaf| leaf.capacity() <= leaf.len() + 2 * LEAF_SLOTS_STEP));
        assert!(self.leaves.iter().flatten().map(|slot| slab.key(*slot)).is_sorted_by(|a, b| a < b));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, shuffled};
    use super::*;

    fn filled(numbers: impl Iterator<Item = u64>) -> (Order, Slab) {
        let (mut order, mut slab) = (Order::default(), Slab::default());
        for number in numbers {
            let slot = slab.insert(entry(&format!("{number:06}"), number));
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
    fn ascending_keys_fill_their_leaves() {
        let (order, _) = filled(0..10 * LEAF_SLOTS_MAX as u64);
        assert_eq!(order.leaves.len(), 10);
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

//! Where a range of keys begins, found in several orders at once.
//!
//! A binary search waits for memory at each of its steps: for a leaf, for the slot that it names, for the document that
//! has the key. Searches in several orders know nothing of each other, and so they go in step: each chooses the key that
//! it wants to see next and has the cache fetch it, and only then does each look at its own. The processor waits for all
//! of them together.
//!
//! Invariant: a search ends where it would end alone. It does not know what keeps the orders as they are meanwhile.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use super::order::{Head, Order};
use super::slab::{EntryRef, Slab};
use crate::model::Document;

/// A search in one order.
#[derive(Debug)]
pub(super) struct Seek<'a> {
    order: &'a Order,
    slab: &'a Slab,
    /// The leaf in which the range begins; `None` while it is looked for.
    leaf: Option<usize>,
    /// Where the first is that is not before the range: among these leaves, or these slots of the leaf, or behind them.
    among: Range<usize>,
    /// What is looked at next.
    pivot: Option<&'a Document>,
}

impl<'a> Seek<'a> {
    /// Stands at the beginning of the order.
    pub(super) fn new(order: &'a Order, slab: &'a Slab) -> Seek<'a> {
        Seek { order, slab, leaf: None, among: 0..0, pivot: None }
    }

    /// The entries from where it stands on, in byte order of their keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = EntryRef<'a>> + use<'a> {
        let slab = self.slab;
        self.order.slots_from(self.leaf.unwrap_or(0), self.among.start).map(|slot| slab.get(slot))
    }

    /// Has the cache fetch the first `count` entries from where it stands.
    pub(super) fn anticipate(&self, count: usize) {
        self.entries().take(count).for_each(|entry| entry.document.prefetch_key());
    }

    /// Chooses what to look at next, on the way to a key with this head; false when it has arrived.
    fn choose(&mut self, head: Head) -> bool {
        while self.leaf.is_none() && !self.among.is_empty() {
            match self.order.compare_first(self.middle(), head) {
                Ordering::Equal => break,
                ordering => self.narrow(ordering.is_lt()),
            }
        }
        if self.among.is_empty() && self.leaf.is_none() {
            // So many leaves begin before the range: it begins in the last of them, or right behind that one.
            let leaf = self.among.start.saturating_sub(1);
            self.leaf = Some(leaf);
            self.among = 0..self.order.leaf_slots(leaf);
        }
        let (leaf, offset) = match self.leaf {
            None => (self.middle(), 0),
            Some(leaf) => (leaf, self.middle()),
        };
        let slot = if self.among.is_empty() { None } else { self.order.slot(leaf, offset) };
        self.pivot = slot.map(|slot| self.slab.document(slot));
        self.pivot.inspect(|document| document.prefetch_key()).is_some()
    }

    /// Looks at what was chosen.
    fn look(&mut self, is_before: impl Fn(&[u8]) -> bool) {
        if let Some(document) = self.pivot.take() {
            self.narrow(is_before(document.key_bytes()));
        }
    }

    /// Goes on behind the middle when that is before the range, and else up to it.
    fn narrow(&mut self, is_before: bool) {
        let middle = self.middle();
        self.among = if is_before { middle + 1..self.among.end } else { self.among.start..middle };
    }

    fn middle(&self) -> usize {
        self.among.start.midpoint(self.among.end)
    }
}

/// Has all `seeks` stand where the keys begin that are not before `start`. Where there is nothing to look in, there is no
/// search.
pub(super) fn go_to(seeks: &mut [Option<Seek<'_>>], start: Bound<&[u8]>) {
    match start {
        Bound::Unbounded => {}
        Bound::Included(first) => go_behind(seeks, Head::of(first), |key| key < first),
        Bound::Excluded(last) => go_behind(seeks, Head::of(last), |key| key <= last),
    }
}

/// Has all go behind the keys that are before the range; `head` is that of the key where it begins.
fn go_behind(seeks: &mut [Option<Seek<'_>>], head: Head, is_before: impl Fn(&[u8]) -> bool) {
    for seek in seeks.iter_mut().flatten() {
        (seek.leaf, seek.among) = (None, 0..seek.order.leaf_count());
    }
    while all_choose(seeks, head) {
        seeks.iter_mut().flatten().for_each(|seek| seek.look(&is_before));
    }
}

/// Has each of `seeks` choose; false when all have arrived.
fn all_choose(seeks: &mut [Option<Seek<'_>>], head: Head) -> bool {
    let mut any = false;
    for seek in seeks.iter_mut().flatten() {
        any |= seek.choose(head);
    }
    any
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, shuffled};
    use super::*;

    /// The even numbers below twice `count`.
    fn filled(count: u64) -> (Order, Slab) {
        let (mut order, mut slab) = (Order::default(), Slab::default());
        for number in shuffled(count, 5) {
            let slot = slab.insert(entry(&format!("key/{:06}", number * 2), number * 2));
            order.insert(slot, &slab);
        }
        (order, slab)
    }

    #[test]
    fn searches_in_step_end_where_each_would_end_alone() {
        let partitions = [0, 1, 2, 255, 256, 257, 3000].map(filled);
        for number in (0..6100).step_by(7).chain([0, 1, 509, 510, 511, 512, 513, 514, 5997, 5998, 5999]) {
            let key = format!("key/{number:06}");
            for (start, first) in [
                (Bound::Included(key.as_bytes()), number + number % 2),
                (Bound::Excluded(key.as_bytes()), number / 2 * 2 + 2),
                (Bound::Unbounded, 0),
            ] {
                let mut seeks: Vec<_> = partitions.iter().map(|(order, slab)| Some(Seek::new(order, slab))).collect();
                go_to(&mut seeks, start);
                for (seek, (order, _)) in seeks.iter().flatten().zip(&partitions) {
                    let found: Vec<_> = seek.entries().take(3).map(|entry| entry.version.0).collect();
                    let end = 2 * order.len() as u64;
                    let expected: Vec<_> = (first..end.max(first)).step_by(2).take(3).collect();
                    assert_eq!(found, expected, "{start:?} among {} entries", order.len());
                }
            }
        }
    }
}

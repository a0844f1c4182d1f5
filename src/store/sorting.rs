//! Puts the slots of a slab in byte order of their keys, all at once.
//!
//! To insert them one by one into the order costs a binary search each, and each comparison of it is a key somewhere in
//! memory. Here each key is read twice, one after the other: once to learn what all of them begin with, once for the
//! eight bytes behind that, which are kept beside the slot. The sort compares those and touches no document. Slots that
//! are alike in these eight bytes are sorted among themselves in the same way, by what follows.
//!
//! Keys hold no NUL, and so one that ends early can be filled up with NULs and still sorts before all that begin with
//! it. Each round goes at least eight bytes further than the one before: the rounds end with the longest key.

use super::slab::{Slab, SlotIndex};
use crate::model::Document;

/// Bytes of a key that are compared at once.
const PART_BYTES: usize = size_of::<u64>();

/// Documents that are asked of the memory ahead of the one that is read.
const AHEAD: usize = 16;

/// A slot, and the part of its key that is compared now.
#[derive(Clone, Copy, Debug)]
struct Keyed {
    /// Big endian, so that it orders as its bytes do.
    part: u64,
    slot: SlotIndex,
}

/// The taken slots of `slab`, whose keys all differ, in byte order of their keys.
pub(super) fn sorted(slab: &Slab) -> Vec<SlotIndex> {
    let mut keyed: Vec<Keyed> = slab.indexes().map(|slot| Keyed { part: 0, slot }).collect();
    sort_from(&mut keyed, 0, slab);
    keyed.into_iter().map(|keyed| keyed.slot).collect()
}

/// Sorts slots whose keys are alike in their first `alike` bytes.
fn sort_from(keyed: &mut [Keyed], alike: usize, slab: &Slab) {
    let Some(begin) = common_prefix(keyed, alike, slab) else { return };
    for_each_key(keyed, slab, |keyed, key| keyed.part = part(key, begin));
    keyed.sort_unstable_by_key(|keyed| keyed.part);
    for run in keyed.chunk_by_mut(|a, b| a.part == b.part) {
        sort_from(run, begin + PART_BYTES, slab);
    }
}

/// How many bytes all the keys have in common, which is at least `alike`; `None` when there are not two of them.
fn common_prefix(keyed: &mut [Keyed], alike: usize, slab: &Slab) -> Option<usize> {
    let [first, _, ..] = keyed else { return None };
    let first = slab.key(first.slot);
    let mut common = first.get(alike..).unwrap_or_default();
    for_each_key(keyed, slab, |_, key| {
        let key = key.get(alike..).unwrap_or_default();
        if !key.starts_with(common) {
            let same = common.iter().zip(key).take_while(|(a, b)| a == b).count();
            common = common.get(..same).unwrap_or_default();
        }
    });
    Some(alike + common.len())
}

/// Calls `each` with every slot and its key, which the cache has been asked for a little before.
fn for_each_key<'s>(keyed: &mut [Keyed], slab: &'s Slab, mut each: impl FnMut(&mut Keyed, &'s [u8])) {
    for at in 0..keyed.len() {
        if let Some(ahead) = keyed.get(at + AHEAD) {
            Document::prefetch_key(slab.document(ahead.slot));
        }
        if let Some(keyed) = keyed.get_mut(at) {
            let key = slab.key(keyed.slot);
            each(keyed, key);
        }
    }
}

/// The `PART_BYTES` of `key` from `begin` on, filled up with NULs where it ends before. Of keys that are alike before
/// `begin`, the one with the smaller part comes first.
pub(super) fn part(key: &[u8], begin: usize) -> u64 {
    let rest = key.get(begin..).unwrap_or_default();
    let part = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut filled = [0; PART_BYTES];
        filled.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        filled
    });
    u64::from_be_bytes(part)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, scrambled};
    use super::*;

    fn sort(keys: &[String]) -> Vec<String> {
        let mut slab = Slab::default();
        for key in keys {
            slab.insert(entry(key, 1));
        }
        let sorted = sorted(&slab);
        sorted.into_iter().map(|slot| String::from_utf8(slab.key(slot).to_vec()).unwrap()).collect()
    }

    #[test]
    fn slots_come_in_byte_order_of_their_keys() {
        let numbers = |count: u64, key: &dyn Fn(u64) -> String| (0..count).map(scrambled).map(key).collect::<Vec<_>>();
        let cases = [
            Vec::new(),
            vec!["one".to_owned()],
            numbers(3000, &|number| format!("key:{:08}", number % 100_000_000)),
            numbers(3000, &|number| format!("user/{:02}/orders/of/this/year/{number}", number % 7)),
            numbers(3000, &|number| format!("{number:x}")),
            (1..1024).map(|length| "a".repeat(length)).collect(),
            (1..40).map(|length| format!("{}b", "a".repeat(length))).collect(),
            ["b", "a", "a/", "a/b", "aa", "é", "日", "~", "aaaaaaaa", "aaaaaaaab", "a\u{1}"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for mut keys in cases {
            keys.sort();
            keys.dedup();
            let expected = keys.clone();
            keys.sort_by_key(|key| scrambled(key.len() as u64 ^ u64::from(key.as_bytes()[key.len() / 2])));
            assert_eq!(sort(&keys), expected);
        }
    }

    #[test]
    fn free_slots_are_left_out() {
        let mut slab = Slab::default();
        let slots: Vec<_> = (0..10).map(|number| slab.insert(entry(&format!("{number}"), 1))).collect();
        slab.remove(slots[4]);
        assert_eq!(sorted(&slab), [&slots[..4], &slots[5..]].concat());
    }
}

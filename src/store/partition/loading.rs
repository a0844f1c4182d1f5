//! A partition that is filled before anybody is served from it, in three steps, each at the cost that many entries have
//! together: entries are appended to the slab; then they enter the table, which is made large enough first and stays in
//! the processor's cache meanwhile; at the end the sorted indexes are made. Records of the journal are replayed between
//! the last two.
//!
//! Invariant: nothing is looked up before the second step, and nothing is listed or reaped before the third. Who keeps it
//! is `store::loading`, by its types.

use std::collections::BTreeSet;

use super::super::hashing::ShardHash;
use super::super::order::Order;
use super::super::sorting;
use super::super::table::TableEntry;
use super::{Partition, Stage};
use crate::model::{Deadline, Entry};

/// An entry that is appended, with what is known of it while its bytes are at hand.
#[derive(Debug)]
pub(in crate::store) struct Incoming {
    pub(in crate::store) entry: Entry,
    /// Its key's.
    pub(in crate::store) hash: ShardHash,
    /// Bytes of its key and its value together.
    pub(in crate::store) bytes: u32,
}

impl Partition {
    /// Gives up the sorted indexes.
    pub(in crate::store) fn begin_loading(&mut self) {
        self.stage = Stage::Loading { unindexed: Vec::new() };
    }

    /// The first step: adds entries whose keys may be there.
    pub(in crate::store) fn append(&mut self, incoming: impl Iterator<Item = Incoming>) {
        let Stage::Loading { unindexed } = &mut self.stage else { unreachable!("only what is loaded is appended to") };
        for Incoming { entry, hash, bytes } in incoming {
            self.key_and_value_bytes += u64::from(bytes);
            unindexed.push(TableEntry { hash, slot: self.slab.insert(entry) });
        }
    }

    /// The second step: puts what was appended into the table. Of several entries of one key it keeps the newest, and of
    /// equals the first; returns the others.
    pub(in crate::store) fn index(&mut self) -> Vec<Entry> {
        let Stage::Loading { unindexed } = &mut self.stage else { unreachable!("only what is loaded is indexed") };
        let unindexed = std::mem::take(unindexed);
        let mut superseded = Vec::new();
        self.table.reserve(unindexed.len());
        for new in unindexed {
            let Partition { slab, table, .. } = self;
            let is_same = |other: &TableEntry| other.hash == new.hash && slab.key(other.slot) == slab.key(new.slot);
            let Some(old) = table.find_mut(new.hash, is_same) else {
                table.insert(new);
                continue;
            };
            let is_newer = slab.get(new.slot).version > slab.get(old.slot).version;
            let passed = if is_newer { std::mem::replace(&mut old.slot, new.slot) } else { new.slot };
            let entry = slab.remove(passed);
            self.key_and_value_bytes -= entry.document.size_bytes() as u64;
            superseded.push(entry);
        }
        superseded
    }

    /// The third step: makes the sorted indexes.
    pub(in crate::store) fn sort(&mut self) {
        let order = Order::of_sorted(&sorting::sorted(&self.slab), &self.slab);
        let deadlines = self.slab.indexes().map(|slot| (self.slab.get(slot).deadline, slot));
        let due: BTreeSet<_> = deadlines.filter(|(deadline, _)| *deadline != Deadline::NEVER).collect();
        self.stage = Stage::Serving { order, due };
    }
}

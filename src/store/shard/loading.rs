//! A shard that is filled before anybody is served from it: the steps of its partitions, and what it keeps about them.
//!
//! Each step goes through all that there is under one hold of the lock. Nobody waits for it: nobody is served.

use std::sync::Arc;

use super::super::CollectionId;
use super::super::partition::{Incoming, Partition};
use super::super::recency::Moment;
use super::{Shard, Stage};
use crate::model::Entry;

impl Stage {
    /// A new partition, which notes accesses where there is a `moment`.
    pub(super) fn empty_partition(self, moment: Option<&Arc<Moment>>) -> Partition {
        let mut partition = Partition::new(moment);
        if self == Stage::Loading {
            partition.begin_loading();
        }
        partition
    }
}

impl Shard {
    /// Gives up the sorted indexes of what is there. Nothing is listed or reaped until `sort`.
    pub(in crate::store) fn begin_loading(&mut self) {
        self.stage = Stage::Loading;
        self.main.begin_loading();
        self.collections.values_mut().for_each(|named| named.partition.begin_loading());
        self.due_first.clear();
        let named = self.collections.values().map(|named| named.partition.index_bytes());
        self.index_bytes = named.sum::<u64>() + self.main.index_bytes();
    }

    /// Adds entries to a collection. Nothing is looked up until `index`.
    pub(in crate::store) fn append(&mut self, id: CollectionId, incoming: impl Iterator<Item = Incoming>) {
        self.change(id, |partition| partition.append(incoming));
    }

    /// Makes what was appended be found; returns what something newer stands in for.
    pub(in crate::store) fn index(&mut self) -> Vec<Entry> {
        let indexed = self.ids().into_iter().flat_map(|id| self.change(id, Partition::index).0);
        indexed.collect()
    }

    /// Makes the sorted indexes.
    pub(in crate::store) fn sort(&mut self) {
        self.stage = Stage::Serving;
        for id in self.ids() {
            self.change(id, Partition::sort);
        }
    }

    fn ids(&self) -> Vec<CollectionId> {
        std::iter::once(CollectionId::MAIN).chain(self.collections.keys().copied()).collect()
    }
}

//! How much is in each collection: counted where it changes, so that to ask costs nothing, however many shards there
//! are.
//!
//! Invariant: a tally is the sum over the partitions that hold it, give or take the changes that are being made. The
//! lock of the tallies is a leaf: it is taken when a partition begins and when a collection comes or goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;
use parking_lot::RwLock;

use super::CollectionId;
use super::totals::Totals;

/// How much is in one collection. It orders nothing: whoever reads it gets what was counted by then.
#[derive(Debug, Default)]
pub(super) struct Tally {
    documents: AtomicU64,
    key_and_value_bytes: AtomicU64,
}

/// The tallies of all collections that exist; the main store has none, because the shards' totals tell.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    of: RwLock<HashMap<CollectionId, Arc<Tally>, RandomState>>,
}

impl Tally {
    /// Counts that a part of it which was `before` is `after` now.
    pub(super) fn count(&self, before: Totals, after: Totals) {
        let change = |counter: &AtomicU64, before: u64, after: u64| {
            if before != after {
                counter.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
            }
        };
        change(&self.documents, before.documents, after.documents);
        change(&self.key_and_value_bytes, before.key_and_value_bytes, after.key_and_value_bytes);
    }

    /// What was counted so far.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            documents: self.documents.load(Ordering::Relaxed),
            key_and_value_bytes: self.key_and_value_bytes.load(Ordering::Relaxed),
        }
    }
}

impl Tallies {
    /// Begins to count the collection `id`.
    pub(super) fn begin(&self, id: CollectionId) -> Arc<Tally> {
        Arc::clone(self.of.write().entry(id).or_default())
    }

    /// The tally of the collection `id`, if it exists.
    pub(super) fn find(&self, id: CollectionId) -> Option<Arc<Tally>> {
        self.of.read().get(&id).cloned()
    }

    /// Forgets the tally of the collection `id`.
    pub(super) fn end(&self, id: CollectionId) {
        let ended = self.of.write().remove(&id);
        drop(ended);
    }
}

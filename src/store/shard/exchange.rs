//! One partition in the place of the main store's: what a shard does when everything is replaced.

use super::super::CollectionId;
use super::{Named, Shard};
use crate::model::{Deadline, Lsn};

impl Shard {
    /// Puts the partition of the collection `staged` in the place of the main store's, which is called `replaced` from now
    /// on, in constant time. All that is here rests on the mutation `lsn`, which did it, and so does what is not.
    pub(in crate::store) fn exchange_main(&mut self, staged: CollectionId, replaced: CollectionId, lsn: Lsn) {
        self.last_removal = self.last_removal.max(lsn);
        self.last_deadline_change = self.last_deadline_change.max(lsn);
        let next = match self.collections.remove(&staged) {
            Some(named) => named.partition,
            None => self.stage.empty_partition(self.moment.as_ref()),
        };
        let (due_before, due_after) = (self.main.earliest_deadline(), next.earliest_deadline());
        self.due_first.remove(&(due_before, CollectionId::MAIN));
        self.due_first.remove(&(due_after, staged));
        let partition = std::mem::replace(&mut self.main, next);
        let is_empty = partition.len() == 0;
        if is_empty {
            self.index_bytes -= partition.index_bytes();
        } else {
            self.collections.insert(replaced, Box::new(Named { partition, tally: None }));
        }
        let due = [(due_before, replaced), (due_after, CollectionId::MAIN)];
        self.due_first.extend(due.into_iter().filter(|(deadline, _)| *deadline != Deadline::NEVER));
    }
}

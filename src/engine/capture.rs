//! Capturing a snapshot: slice by slice, so that no writer waits.
//!
//! Each slice counts pointers to at most `ENTRIES_PER_HOLD_MAX` entries under a shard's read lock and goes on by key
//! after the lock was given up; encoding and writing happen outside. The cut is consistent per key: a document in it
//! is one that was there at some moment between capture start and capture end.

use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::model::{Entry, Lsn, SnapshotReport};
use crate::persist::{CollectionRecord, DataFolder, Error, SnapshotHeader, SnapshotWriter};
use crate::store::{CollectionId, ShardIndex, SliceEnd};

use super::Engine;

impl Engine {
    /// Writes everything that is live into a new snapshot of `folder` and publishes it.
    ///
    /// # Errors
    /// The disk's; the snapshot before is then untouched.
    ///
    /// # Locks
    /// The catalogue, then one shard at a time, for reading, for a bounded number of entries.
    ///
    /// # Durability
    /// When it returns, every write that was acknowledged before it was called survives anything.
    pub fn capture(&self, folder: &DataFolder) -> Result<SnapshotReport, Error> {
        let started = self.clock.now();
        // Read before the catalogue and the first slice: whatever has a number by now is seen by both, because it is
        // numbered and applied under the same lock.
        let next_lsn = self.journal.next();
        let (collections, _) = self.store.collections();
        let records = collections
            .iter()
            .map(|collection| CollectionRecord { name: collection.name.clone(), created: collection.created });
        let mut writer = folder.begin_snapshot(SnapshotHeader {
            next_lsn,
            capture_start: Lsn(next_lsn.0.saturating_sub(1)),
            replay_from: folder.next_segment(),
            captured_at: started,
            collections: records.collect(),
        })?;
        self.capture_collection(&mut writer, None, CollectionId::MAIN)?;
        for (index, collection) in collections.iter().enumerate() {
            self.capture_collection(&mut writer, Some(index), collection.id)?;
        }
        // The counter, not the largest version seen: a deletion leaves no version behind.
        let capture_end = self.journal.last();
        let published = writer.finish(capture_end)?;
        Ok(SnapshotReport {
            documents: published.documents,
            bytes: published.bytes,
            capture_end,
            duration: std::time::Duration::from_millis(self.clock.now().since(started)),
        })
    }

    fn capture_collection(
        &self,
        writer: &mut SnapshotWriter<'_>,
        index: Option<usize>,
        id: CollectionId,
    ) -> Result<(), Error> {
        let mut slice: Vec<Entry> = Vec::with_capacity(ENTRIES_PER_HOLD_MAX);
        for shard in (0..self.store.shard_count()).map(ShardIndex) {
            let mut after: Option<Entry> = None;
            loop {
                let after_key = after.as_ref().map(|entry| entry.document.key_bytes());
                let end = self.store.slice(id, shard, after_key, ENTRIES_PER_HOLD_MAX, &mut slice);
                let now = self.clock.now();
                for entry in slice.iter().filter(|entry| !entry.deadline.has_passed(now)) {
                    writer.push(index, entry)?;
                }
                after = slice.pop();
                slice.clear();
                if end == SliceEnd::Done {
                    break;
                }
            }
        }
        Ok(())
    }
}

//! Capturing a snapshot: slice by slice, so that no writer waits.
//!
//! Each slice counts pointers to at most `ENTRIES_PER_HOLD_MAX` entries under a shard's read lock and goes on by key
//! after the lock was given up; encoding and writing happen outside. The cut is consistent per key: a document in it
//! is one that was there at some moment between capture start and capture end.
//!
//! What happens meanwhile is in the journal from the segment on that begins with the capture, or, without a journal, in
//! the snapshot itself, behind the slices. So the snapshot and these records together are what there was at any moment
//! from the capture's end on; and it gets its name only when they are durable up to there.
//!
//! What has expired and is still there is captured with the rest. Whether a deadline has passed is decided where the
//! document is used, because the time of this thread may be later than the moment that the slice shows, and in between
//! the document may have got a later deadline, whose record means nothing without it.
//!
//! What is staged is captured with the rest. When it takes the place of everything meanwhile, some slices show what was
//! there before and others what came after, and no record tells them apart: the capture is overtaken, and begun anew.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::clock::UnixMillis;
use crate::base::fault::{Fault, is_planted};
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::journal::Tee;
use crate::model::{Entry, KeyRange, Lsn, SnapshotReport};
use crate::persist::{CollectionRecord, DataFolder, Error, SnapshotHeader, SnapshotWriter};
use crate::store::{CollectionId, ShardIndex, SliceEnd};

use super::Engine;

/// A snapshot on its way to the disk; dropped before its end, it leaves nothing behind.
pub struct Capture<'c> {
    engine: &'c Engine,
    writer: SnapshotWriter<'c>,
    /// Keeps the records of the capture, where no journal does.
    tee: Option<Tee<'c>>,
    started: UnixMillis,
    /// How often everything had been replaced when it began.
    replacements: u64,
    /// The main store, then the collections in the order of the header.
    collections: Vec<CollectionId>,
    /// The next slice: of which collection, by its place in `collections`, ...
    collection: usize,
    /// ... of which shard ...
    shard: usize,
    /// ... and behind which entry.
    after: Option<Entry>,
    slice: Vec<Entry>,
}

/// Whether a capture has more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureStep {
    /// Call `step` again.
    More,
    /// Call `finish`.
    Done,
    /// Everything was replaced meanwhile: begin another one.
    Overtaken,
}

impl Engine {
    /// Writes everything that is there into a new snapshot of `folder` and publishes it.
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
        loop {
            let mut capture = self.begin_capture(folder)?;
            loop {
                match capture.step()? {
                    CaptureStep::More => {}
                    CaptureStep::Done => return capture.finish(),
                    CaptureStep::Overtaken => break,
                }
            }
        }
    }

    /// Begins a snapshot of `folder`, which its steps write.
    ///
    /// # Errors
    /// The disk's, or that another one is being written, or that the journal was given up.
    ///
    /// # Locks
    /// The catalogue, for reading.
    pub fn begin_capture<'c>(&'c self, folder: &'c DataFolder) -> Result<Capture<'c>, Error> {
        let started = self.clock.now();
        let replacements = self.replacements.load(Ordering::SeqCst);
        // Before anything is read: whatever is issued from now on is replayed over what is read.
        let mut tee = self.journal.tee();
        let replay_from = self.journal.rotate()?;
        // Read before the catalogue and the first slice: whatever has a number by now is seen by both, because it is
        // numbered and applied under the same lock.
        let next_lsn = self.journal.next();
        let collections = self.store.collections_and_staged();
        let records = collections.iter().map(|collection| CollectionRecord {
            name: collection.name.clone(),
            created: collection.created,
            options: collection.options,
        });
        let writer = folder.begin_snapshot(SnapshotHeader {
            next_lsn,
            capture_start: Lsn(next_lsn.0.saturating_sub(1)),
            replay_from,
            captured_at: started,
            collections: records.collect(),
        })?;
        if let Some(tee) = &mut tee {
            tee.write_to(writer.replay_file()?);
        }
        let named = collections.iter().map(|collection| collection.id);
        Ok(Capture {
            engine: self,
            writer,
            tee,
            started,
            replacements,
            collections: std::iter::once(CollectionId::MAIN).chain(named).collect(),
            collection: 0,
            shard: 0,
            after: None,
            slice: Vec::with_capacity(ENTRIES_PER_HOLD_MAX),
        })
    }
}

impl Capture<'_> {
    /// Reads one slice and writes it.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Locks
    /// One shard, for reading, for a bounded number of entries.
    pub fn step(&mut self) -> Result<CaptureStep, Error> {
        if self.engine.replacements.load(Ordering::SeqCst) != self.replacements {
            return Ok(CaptureStep::Overtaken);
        }
        let Some(id) = self.collections.get(self.collection).copied() else { return Ok(CaptureStep::Done) };
        let after = self.after.as_ref().map(|entry| entry.document.key_bytes());
        let shard = ShardIndex(self.shard);
        let range = KeyRange { after, ..KeyRange::ALL };
        let end = self.engine.store.slice_in_background(id, shard, range, ENTRIES_PER_HOLD_MAX, &mut self.slice);
        for entry in &self.slice {
            // The main store has no place in the header.
            self.writer.push(self.collection.checked_sub(1), entry)?;
        }
        self.after = self.slice.pop().filter(|_| end == SliceEnd::More);
        self.slice.clear();
        if end == SliceEnd::Done {
            self.shard += 1;
            if self.shard == self.engine.store.shard_count() {
                (self.collection, self.shard) = (self.collection + 1, 0);
            }
        }
        Ok(CaptureStep::More)
    }

    /// Completes the snapshot and publishes it. Nothing may be left to read.
    ///
    /// # Errors
    /// The disk's; the snapshot before is then untouched.
    ///
    /// # Durability
    /// When it returns, every write that was acknowledged before the capture began survives anything.
    pub fn finish(self) -> Result<SnapshotReport, Error> {
        assert!(self.collection == self.collections.len(), "a snapshot is finished when everything was read");
        let journal = &self.engine.journal;
        let end = match self.tee {
            Some(tee) => tee.end()?,
            // The counter, not the largest version seen: a deletion leaves no version behind.
            None => journal.last().into(),
        };
        let capture_end = end.lsn;
        let complete = self.writer.complete(end)?;
        if !is_planted(Fault::PublishBeforeDurable) {
            journal.wait_durable(capture_end)?;
        }
        let published = complete.publish()?;
        Ok(SnapshotReport {
            documents: published.documents,
            bytes: published.bytes,
            capture_end,
            duration: Duration::from_millis(self.engine.clock.now().since(self.started)),
        })
    }
}

//! Capturing a snapshot: slice by slice, so that no writer waits.
//!
//! Each slice counts pointers to at most `ENTRIES_PER_HOLD_MAX` entries under a shard's read lock and goes on by key
//! after the lock was given up; encoding and writing happen outside. The cut is consistent per key: a document in it
//! is one that was there at some moment between capture start and capture end.
//!
//! What happens meanwhile is in the journal from the segment on that begins with the capture, or, without a journal, in
//! the snapshot itself, behind the slices; a copy, which is to go elsewhere, has it in itself in any case. So the snapshot and these records together are what there was at any moment
//! from the capture's end on; and it gets its name only when they are durable up to there.
//!
//! What has expired and is still there is captured with the rest. Whether a deadline has passed is decided where the
//! document is used, because the time of this thread may be later than the moment that the slice shows, and in between
//! the document may have got a later deadline, whose record means nothing without it.
//!
//! What is staged is captured with the rest. When it takes the place of everything meanwhile, some slices show what was
//! there before and others what came after, and no record tells them apart: the capture is overtaken, and begun anew.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::clock::UnixMillis;
use crate::base::fault::{Fault, is_planted};
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::journal::Tee;
use crate::model::{Entry, KeyRange, Lsn, SnapshotReport};
use crate::persist::journal::SegmentId;
use crate::persist::{
    CollectionRecord, CompleteSnapshot, DataFolder, Error, Published, SnapshotHeader, SnapshotWriter,
};
use crate::store::{CollectionId, ShardIndex, SliceEnd};

use super::Engine;

/// A snapshot on its way to the disk; dropped before its end, it leaves nothing behind.
pub struct Capture<'c> {
    engine: &'c Engine,
    writer: SnapshotWriter<'c>,
    /// Keeps the records of the capture, where no journal does.
    tee: Option<Tee<'c>>,
    moment: Moment,
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

/// When a capture began.
#[derive(Clone, Copy)]
struct Moment {
    started: UnixMillis,
    /// How often everything had been replaced by then.
    replacements: u64,
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
        read_through(|| self.begin_capture(folder))?.finish()
    }

    /// Writes everything that is there into a copy at the path `to`, which is whole when this returns and has yet to be
    /// given a name.
    ///
    /// # Errors
    /// The disk's; nothing is left behind then.
    ///
    /// # Locks
    /// As `capture`.
    pub fn copy<'c>(
        &'c self,
        folder: &'c DataFolder,
        to: &Path,
    ) -> Result<(CompleteSnapshot<'c>, SnapshotReport), Error> {
        read_through(|| self.begin_copy(folder, to))?.complete()
    }

    /// Begins a snapshot of `folder`, which its steps write.
    ///
    /// # Errors
    /// The disk's, or that another one is being written, or that the journal was given up.
    ///
    /// # Locks
    /// The catalogue, for reading.
    pub fn begin_capture<'c>(&'c self, folder: &'c DataFolder) -> Result<Capture<'c>, Error> {
        let moment = self.moment();
        // Before anything is read: whatever is issued from now on is replayed over what is read.
        let mut tee = self.journal.tee();
        let replay_from = self.journal.rotate()?;
        let (header, collections) = self.header(moment, replay_from);
        let writer = folder.begin_snapshot(header)?;
        if let Some(tee) = &mut tee {
            tee.write_to(writer.replay_file()?);
        }
        Ok(self.capturing(moment, writer, tee, collections))
    }

    /// Begins a copy at the path `to`, which its steps write. It needs no journal behind it, whatever the mode is.
    ///
    /// # Errors
    /// As `begin_capture`.
    ///
    /// # Locks
    /// As `begin_capture`.
    pub fn begin_copy<'c>(&'c self, folder: &'c DataFolder, to: &Path) -> Result<Capture<'c>, Error> {
        let moment = self.moment();
        let target = folder.begin_copy(to.to_owned())?;
        let (tee, replay_from) = self.journal.tee_into(target.replay_file()?)?;
        let (header, collections) = self.header(moment, replay_from);
        Ok(self.capturing(moment, target.begin(header)?, Some(tee), collections))
    }

    /// Call it before anything is read, and before records are kept.
    fn moment(&self) -> Moment {
        Moment { started: self.clock.now(), replacements: self.replacements.load(Ordering::SeqCst) }
    }

    /// What is known when it begins, and the collections in the order in which they are read.
    fn header(&self, Moment { started, .. }: Moment, replay_from: SegmentId) -> (SnapshotHeader, Vec<CollectionId>) {
        // Read before the catalogue and the first slice: whatever has a number by now is seen by both, because it is
        // numbered and applied under the same lock.
        let next_lsn = self.journal.next();
        let collections = self.store.collections_and_staged();
        let records = collections.iter().map(|collection| CollectionRecord {
            name: collection.name.clone(),
            created: collection.created,
            options: collection.options,
        });
        let header = SnapshotHeader {
            next_lsn,
            capture_start: Lsn(next_lsn.0.saturating_sub(1)),
            replay_from,
            captured_at: started,
            collections: records.collect(),
        };
        let named = collections.iter().map(|collection| collection.id);
        (header, std::iter::once(CollectionId::MAIN).chain(named).collect())
    }

    fn capturing<'c>(
        &'c self,
        moment: Moment,
        writer: SnapshotWriter<'c>,
        tee: Option<Tee<'c>>,
        collections: Vec<CollectionId>,
    ) -> Capture<'c> {
        Capture {
            engine: self,
            writer,
            tee,
            moment,
            collections,
            collection: 0,
            shard: 0,
            after: None,
            slice: Vec::with_capacity(ENTRIES_PER_HOLD_MAX),
        }
    }
}

impl<'c> Capture<'c> {
    /// Reads one slice and writes it.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Locks
    /// One shard, for reading, for a bounded number of entries.
    pub fn step(&mut self) -> Result<CaptureStep, Error> {
        if self.engine.replacements.load(Ordering::SeqCst) != self.moment.replacements {
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
        let (complete, report) = self.complete()?;
        complete.publish()?;
        Ok(report)
    }

    /// Completes the file. Nothing may be left to read.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Durability
    /// When it returns, the journal, if there is one, is durable up to the capture's end.
    pub fn complete(self) -> Result<(CompleteSnapshot<'c>, SnapshotReport), Error> {
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
        let Published { documents, bytes, .. } = complete.totals();
        let duration = Duration::from_millis(self.engine.clock.now().since(self.moment.started));
        Ok((complete, SnapshotReport { documents, bytes, capture_end, duration }))
    }
}

/// A capture that has read everything, begun anew as often as it takes.
fn read_through<'c>(begin: impl Fn() -> Result<Capture<'c>, Error>) -> Result<Capture<'c>, Error> {
    loop {
        let mut capture = begin()?;
        loop {
            match capture.step()? {
                CaptureStep::More => {}
                CaptureStep::Done => return Ok(capture),
                CaptureStep::Overtaken => break,
            }
        }
    }
}

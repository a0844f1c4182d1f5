//! A snapshot on its way: where it goes, its blocks, and what becomes of it once it is whole. It is published in its data
//! folder, or it is a copy, which goes elsewhere or to whoever asks.
//!
//! Invariants: one is written at a time; until it is published or kept it leaves nothing behind when it is dropped, and
//! it is neither before it was read back. It knows neither who reads nor where the documents are.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::error::Error;
use super::folder::DataFolder;
use super::journal::SegmentId;
use super::seal::Stamp;
use super::snapshot::{CaptureEnd, REPLAY_TEMPORARY, ReplayFile, SnapshotHeader, SnapshotReader, Totals, Writer};
use crate::base::disk::{Disk, DiskFile};
use crate::base::limits::SNAPSHOT_BLOCK_BYTES;
use crate::model::Entry;

/// The name of a copy in the data folder, until nothing but an open file is left of it.
pub const COPY_TEMPORARY: &str = "copy.mtdb.tmp";

/// What to do about a snapshot that cannot be read back as it was written.
const READ_BACK: &str = "it was not published, and the one before is untouched; look at the disk and the memory";

/// What a snapshot holds that is whole.
pub type Published = Totals;

/// Where a snapshot is going to be written. There is one of a folder at a time.
#[derive(Debug)]
pub struct Target<'a> {
    folder: &'a DataFolder,
    path: PathBuf,
    stamp: Stamp,
}

impl<'a> Target<'a> {
    /// Makes sure that no other is written in `folder` meanwhile.
    pub(super) fn take(folder: &'a DataFolder, path: PathBuf) -> Result<Target<'a>, Error> {
        if folder.snapshot_running().swap(true, Ordering::Acquire) {
            return Err(Error::SnapshotRunning { path });
        }
        // From here on, dropping it clears the flag.
        let stamp = Stamp { database_id: folder.database_id(), salt: 0 };
        let mut target = Target { folder, path, stamp };
        target.stamp = Stamp::random(folder.database_id()).map_err(Error::io(&target.path, "make up a salt for"))?;
        Ok(target)
    }

    /// Begins the file that takes the records of this capture.
    ///
    /// # Errors
    /// The disk's.
    pub fn replay_file(&self) -> Result<ReplayFile, Error> {
        ReplayFile::create(self.disk(), self.folder.path(), self.stamp)
    }

    /// Begins to write.
    ///
    /// # Errors
    /// The disk's.
    pub fn begin(self, header: SnapshotHeader) -> Result<SnapshotWriter<'a>, Error> {
        self.begin_in_blocks(header, SNAPSHOT_BLOCK_BYTES)
    }

    pub(super) fn begin_in_blocks(
        self,
        header: SnapshotHeader,
        block_bytes_max: usize,
    ) -> Result<SnapshotWriter<'a>, Error> {
        let writer = Writer::create(self.disk(), &self.path, self.stamp, &header, block_bytes_max)?;
        Ok(SnapshotWriter { target: self, replay_from: header.replay_from, writer })
    }

    fn disk(&self) -> &'a dyn Disk {
        self.folder.disk().as_ref()
    }
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        // Best effort: what stays in the folder is removed at the next start. After a success the name is gone.
        let _ = self.disk().remove(&self.path);
        let _ = self.disk().remove(&self.folder.path().join(REPLAY_TEMPORARY));
        self.folder.snapshot_running().store(false, Ordering::Release);
    }
}

/// A snapshot being written; dropped before it is complete, it leaves nothing behind.
#[derive(Debug)]
pub struct SnapshotWriter<'a> {
    target: Target<'a>,
    replay_from: SegmentId,
    writer: Writer,
}

impl<'a> SnapshotWriter<'a> {
    /// Adds `entry` of the main store (`None`) or of the collection with that index in the header. Entries should
    /// come grouped by collection: a block holds those of one.
    ///
    /// # Errors
    /// The disk's; the snapshot cannot be finished then.
    pub fn push(&mut self, collection: Option<usize>, entry: &Entry) -> Result<(), Error> {
        self.writer.push(collection, entry)
    }

    /// Begins the file that takes the records of this capture, when no journal keeps them.
    ///
    /// # Errors
    /// The disk's.
    pub fn replay_file(&self) -> Result<ReplayFile, Error> {
        self.target.replay_file()
    }

    /// Completes the file, reads it back from the disk and verifies it. `end` tells the last LSN that had been issued after the last
    /// slice: no entry is newer.
    ///
    /// # Errors
    /// The disk's, or `Damaged` when what is read back is not what was written.
    ///
    /// # Durability
    /// When this returns, the content survives a loss of power; it has no name that a start would look at.
    pub fn complete(self, end: impl Into<CaptureEnd>) -> Result<CompleteSnapshot<'a>, Error> {
        let SnapshotWriter { target, replay_from, writer } = self;
        let totals = writer.finish(end)?;
        SnapshotReader::open(target.disk(), &target.path, READ_BACK)?.verify_and_release()?;
        Ok(CompleteSnapshot { target, replay_from, totals })
    }

    /// `complete` and `publish` in one, for when nothing has to be durable in between.
    ///
    /// # Errors
    /// As those.
    pub fn finish(self, end: impl Into<CaptureEnd>) -> Result<Published, Error> {
        self.complete(end)?.publish()
    }
}

/// A snapshot that is whole, and has yet to get its name; dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub struct CompleteSnapshot<'a> {
    target: Target<'a>,
    replay_from: SegmentId,
    totals: Totals,
}

impl CompleteSnapshot<'_> {
    /// Gives the snapshot its name. The journal must be durable up to the capture end by now: from here on nobody looks
    /// at the segments that the snapshot does not need.
    ///
    /// # Errors
    /// The disk's. The snapshot before has kept its name, unless only the folder's last sync, or IDENTITY after it,
    /// failed: then the new one has it.
    ///
    /// # Durability
    /// When this returns, the snapshot survives a loss of power under its name.
    pub fn publish(self) -> Result<Published, Error> {
        self.target.folder.publish(self.replay_from)?;
        Ok(self.totals)
    }

    /// What it holds.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The file, open for reading, and without a name once this returns: the disk has it back when it is closed.
    ///
    /// # Errors
    /// The disk's.
    pub fn into_file(self) -> Result<Box<dyn DiskFile>, Error> {
        let Target { path, .. } = &self.target;
        self.target.disk().open(path).map_err(Error::io(path, "open"))
    }

    /// Calls a copy `path`, in the folder in which it was written, in place of a file of that name.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Durability
    /// When this returns, the copy survives a loss of power under its name.
    pub fn keep_as(self, path: &Path) -> Result<(), Error> {
        let disk = self.target.disk();
        disk.rename(&self.target.path, path).map_err(Error::io(path, "put in place"))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        disk.sync_folder(folder).map_err(Error::io(folder, "sync"))
    }
}

//! The data folder of a running server, locked, and the one place that changes its files.
//!
//! Invariant: each change is durable when its call returns, and leaves the state before or the state after when it
//! does not return. How a folder is opened is in `opening`.
//! It does not know the store, nor when to do what.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::database_id::DatabaseId;
use super::error::Error;
use super::golang;
use super::identity::{Identity, IdentityFile};
use super::journal::SegmentId;
use super::publish::{self, Before};
use super::repairing::Repairs;
use super::seal::Stamp;
use super::segments::Kept;
use super::snapshot::{CaptureEnd, REPLAY_TEMPORARY, ReplayFile, SnapshotHeader, SnapshotReader, Totals, Writer};
use crate::base::disk::{Disk, DiskLock};
use crate::base::limits::SNAPSHOT_BLOCK_BYTES;
use crate::model::{Entry, Lsn};

/// What to do about a snapshot that cannot be read back as it was written.
const READ_BACK: &str = "it was not published, and the one before is untouched; look at the disk and the memory";

/// A data folder that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    // Constant after construction.
    disk: Arc<dyn Disk>,
    path: PathBuf,
    database_id: DatabaseId,
    /// Held for as long as the folder is used.
    _lock: Box<dyn DiskLock>,
    // Own synchronization. No lock is taken while another is held.
    snapshot_running: AtomicBool,
    import: Mutex<Import>,
    identity: Mutex<IdentityFile>,
    /// What an earlier process was writing, until it is removed or written over.
    unfinished: Mutex<Vec<PathBuf>>,
    /// What a recovery has left to be done.
    repairs: Mutex<Repairs>,
    /// What of the journal the snapshots need.
    kept: Mutex<Kept>,
    /// Whether this process has begun a segment.
    has_segment: AtomicBool,
}

/// What is left to do of an import.
#[derive(Debug)]
pub(super) struct Import {
    /// Whose file has the name database.mtdb.
    before: Before,
    /// Files of the Go server whose documents the next snapshot will hold.
    pending: Vec<PathBuf>,
    /// Whether a snapshot that holds them is durable.
    is_published: bool,
}

impl Import {
    /// No import.
    pub fn none() -> Import {
        Import::of(Before::Ours, Vec::new())
    }

    /// An import of `pending`, and of a database.mtdb when `before` says so.
    pub fn of(before: Before, pending: Vec<PathBuf>) -> Import {
        Import { before, pending, is_published: false }
    }

    fn is_finished(&self) -> bool {
        self.before != Before::Go && self.pending.is_empty()
    }
}

impl DataFolder {
    /// The folder at `path`, which `lock` makes ours.
    pub(super) fn of(
        disk: Arc<dyn Disk>,
        path: &Path,
        lock: Box<dyn DiskLock>,
        identity: IdentityFile,
        import: Import,
        unfinished: Vec<PathBuf>,
        kept: Kept,
    ) -> DataFolder {
        DataFolder {
            disk,
            path: path.to_owned(),
            database_id: identity.database_id(),
            _lock: lock,
            snapshot_running: AtomicBool::new(false),
            import: Mutex::new(import),
            identity: Mutex::new(identity),
            unfinished: Mutex::new(unfinished),
            repairs: Mutex::default(),
            kept: Mutex::new(kept),
            has_segment: AtomicBool::new(false),
        }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are free on the folder's disk; `None` when it does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        self.disk.free_bytes(&self.path).ok()
    }

    /// The first segment of the journal that does not exist yet, as far as IDENTITY knows: what a snapshot is replayed
    /// from that holds everything.
    pub fn next_segment(&self) -> SegmentId {
        SegmentId(self.identity.lock().newest_segment()).next()
    }

    /// Removes what an earlier process was writing and never finished, and says so, a line for each file. Call it
    /// once what was there is loaded, because a start that fails changes nothing, and before the first snapshot, which
    /// writes over it.
    ///
    /// # Errors
    /// The disk's.
    pub fn remove_unfinished(&self) -> Result<Vec<String>, Error> {
        let unfinished = std::mem::take(&mut *self.unfinished.lock());
        let mut notes = Vec::new();
        for path in unfinished {
            // An IDENTITY that was written since has taken its file along.
            if self.disk.exists(&path).map_err(Error::io(&path, "look for"))? {
                self.disk.remove(&path).map_err(Error::io(&path, "remove"))?;
                notes.push(format!("removed {}, which was never finished", path.display()));
            }
        }
        Ok(notes)
    }

    /// Allows LSNs below `to` to be issued; a lower ceiling than the present one changes nothing.
    ///
    /// # Errors
    /// `LsnsExhausted`, or the disk's; the ceiling before still holds.
    ///
    /// # Durability
    /// When this returns, no later start issues an LSN below `to`, unless `record_clean_stop` says so.
    pub fn raise_ceiling(&self, to: Lsn) -> Result<(), Error> {
        self.identity.lock().update(self.disk.as_ref(), |identity| {
            identity.ceiling = identity.ceiling.max(to);
            identity.stopped_cleanly = false;
            identity.journal_closed = false;
        })
    }

    /// Records that `next` is the exact next LSN. None may be issued afterwards before `raise_ceiling`. When a segment
    /// was begun since the folder was opened, the newest one must end with a clean stop by now, and durably.
    ///
    /// # Errors
    /// The disk's; the next start then goes on from the ceiling.
    ///
    /// # Panics
    /// When `next` is above the ceiling: LSNs were issued that nothing allowed.
    ///
    /// # Durability
    /// When this returns, the next start goes on from `next`.
    pub fn record_clean_stop(&self, next: Lsn) -> Result<(), Error> {
        self.identity.lock().update(self.disk.as_ref(), |identity| {
            assert!(next <= identity.ceiling, "LSNs are issued below the ceiling only");
            identity.ceiling = next;
            identity.stopped_cleanly = true;
            identity.journal_closed = self.has_segment.load(Ordering::Acquire);
        })
    }

    /// Begins to write a snapshot beside the present one.
    ///
    /// # Errors
    /// `SnapshotRunning`, or the disk's.
    pub fn begin_snapshot(&self, header: SnapshotHeader) -> Result<SnapshotWriter<'_>, Error> {
        self.begin_snapshot_in_blocks(header, SNAPSHOT_BLOCK_BYTES)
    }

    /// As `begin_snapshot`, with blocks of at most `block_bytes_max` bytes of payload; a test wants several.
    pub fn begin_snapshot_in_blocks(
        &self,
        header: SnapshotHeader,
        block_bytes_max: usize,
    ) -> Result<SnapshotWriter<'_>, Error> {
        let temporary = self.path.join(publish::TEMPORARY);
        if self.snapshot_running.swap(true, Ordering::Acquire) {
            return Err(Error::SnapshotRunning { path: temporary });
        }
        self.unfinished.lock().clear();
        // From here on, dropping it clears the flag.
        let replay_from = header.replay_from;
        let mut snapshot = SnapshotWriter { folder: self, temporary, replay_from, writer: None };
        // A snapshot without an IDENTITY would be refused.
        self.identity.lock().update(self.disk.as_ref(), |_| {})?;
        let stamp = Stamp::random(self.database_id).map_err(Error::io(&snapshot.temporary, "make up a salt for"))?;
        let disk = self.disk.as_ref();
        snapshot.writer = Some(Writer::create(disk, &snapshot.temporary, stamp, &header, block_bytes_max)?);
        Ok(snapshot)
    }

    /// Ends an import after the first snapshot of its documents: the Go server's files get their `.go-original`
    /// names. Does nothing when there was no import, or it is finished.
    ///
    /// # Errors
    /// The disk's, or `OriginalExists`; the next start finishes it.
    ///
    /// # Panics
    /// When no snapshot was published since the folder was opened: the originals are then all there is.
    pub fn finish_import(&self) -> Result<(), Error> {
        let mut import = self.import.lock();
        if import.is_finished() {
            return Ok(());
        }
        assert!(import.is_published, "an import is finished after its first snapshot");
        golang::rename_originals(self.disk.as_ref(), &self.path, &import.pending)?;
        import.pending.clear();
        import.before = Before::Ours;
        drop(import);
        self.settle()
    }

    /// Records that this folder is never to be taken for a new one.
    fn settle(&self) -> Result<(), Error> {
        self.update_identity(|identity| identity.settled = true)
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(super) fn database_id(&self) -> DatabaseId {
        self.database_id
    }

    pub(super) fn update_identity(&self, change: impl FnOnce(&mut Identity)) -> Result<(), Error> {
        self.identity.lock().update(self.disk.as_ref(), change)
    }

    pub(super) fn repairs(&self) -> Repairs {
        *self.repairs.lock()
    }

    /// Leaves `repairs` to be done, and remembers when database.mtdb is no snapshot to keep.
    pub(super) fn set_repairs(&self, repairs: Repairs) {
        if repairs.steps_over_database() {
            self.import.lock().before = Before::Unusable;
            let mut kept = self.kept.lock();
            *kept = kept.without_current();
        }
        *self.repairs.lock() = repairs;
    }

    pub(super) fn kept(&self) -> Kept {
        *self.kept.lock()
    }

    /// Remembers that this process writes a journal.
    pub(super) fn set_has_segment(&self) {
        self.has_segment.store(true, Ordering::Release);
    }

    fn publish(&self, replay_from: SegmentId) -> Result<(), Error> {
        // Without a segment that could be mistaken for one that leads there, there is nothing to say.
        self.update_identity(|identity| {
            identity.off_ahead |= identity.newest_segment > 0 && replay_from.0 > identity.newest_segment;
        })?;
        let mut import = self.import.lock();
        // Once the Go server's file has its other name, the next snapshot finds one of ours.
        let before = if import.is_published { Before::Ours } else { import.before };
        publish::publish(self.disk.as_ref(), &self.path, before)?;
        import.is_published = true;
        let is_finished = import.is_finished();
        drop(import);
        let mut kept = self.kept.lock();
        *kept = kept.after_publishing(replay_from);
        drop(kept);
        if is_finished { self.settle() } else { Ok(()) }
    }
}

/// What a published snapshot holds.
pub type Published = Totals;

/// A snapshot being written; dropped before it is complete, it leaves nothing behind.
#[derive(Debug)]
pub struct SnapshotWriter<'a> {
    folder: &'a DataFolder,
    temporary: PathBuf,
    replay_from: SegmentId,
    /// `None` before the file exists and once it is complete.
    writer: Option<Writer>,
}

impl<'a> SnapshotWriter<'a> {
    /// Adds `entry` of the main store (`None`) or of the collection with that index in the header. Entries should
    /// come grouped by collection: a block holds those of one.
    ///
    /// # Errors
    /// The disk's; the snapshot cannot be finished then.
    pub fn push(&mut self, collection: Option<usize>, entry: &Entry) -> Result<(), Error> {
        self.writer.as_mut().expect("begin_snapshot sets it, only complete takes it").push(collection, entry)
    }

    /// Begins the file that takes the records of this capture, when no journal keeps them.
    ///
    /// # Errors
    /// The disk's.
    pub fn replay_file(&self) -> Result<ReplayFile, Error> {
        let writer = self.writer.as_ref().expect("begin_snapshot sets it, only complete takes it");
        writer.replay_file(self.folder.disk.as_ref(), &self.folder.path)
    }

    /// Completes the file, reads it back and verifies it. `end` tells the last LSN that had been issued after the last
    /// slice: no entry is newer.
    ///
    /// # Errors
    /// The disk's, or `Damaged` when what is read back is not what was written.
    ///
    /// # Durability
    /// When this returns, the content survives a loss of power; it has no name that a start would look at.
    pub fn complete(mut self, end: impl Into<CaptureEnd>) -> Result<CompleteSnapshot<'a>, Error> {
        let writer = self.writer.take().expect("begin_snapshot sets it, only complete takes it");
        let totals = writer.finish(end)?;
        SnapshotReader::open(self.folder.disk.as_ref(), &self.temporary, READ_BACK)?.verify()?;
        Ok(CompleteSnapshot { written: self, totals })
    }

    /// `complete` and `publish` in one, for when nothing has to be durable in between.
    ///
    /// # Errors
    /// As those.
    pub fn finish(self, end: impl Into<CaptureEnd>) -> Result<Published, Error> {
        self.complete(end)?.publish()
    }
}

/// A snapshot that is whole, and has yet to get its name; dropped without `publish`, it leaves nothing behind.
#[derive(Debug)]
pub struct CompleteSnapshot<'a> {
    written: SnapshotWriter<'a>,
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
        self.written.folder.publish(self.written.replay_from)?;
        Ok(self.totals)
    }
}

impl Drop for SnapshotWriter<'_> {
    fn drop(&mut self) {
        // Best effort: what stays is removed at the next start. After a success the name is gone.
        let _ = self.folder.disk.remove(&self.temporary);
        let _ = self.folder.disk.remove(&self.folder.path.join(REPLAY_TEMPORARY));
        self.folder.snapshot_running.store(false, Ordering::Release);
    }
}

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
use super::identity::IdentityFile;
use super::publish::{self, Before};
use super::seal::Stamp;
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
        self.before == Before::Ours && self.pending.is_empty()
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
        }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
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
        })
    }

    /// Records that `next` is the exact next LSN. None may be issued afterwards before `raise_ceiling`.
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
        let mut snapshot = SnapshotWriter { folder: self, temporary, writer: None };
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
        self.identity.lock().update(self.disk.as_ref(), |identity| identity.settled = true)
    }

    fn publish(&self) -> Result<(), Error> {
        let mut import = self.import.lock();
        // Once the Go server's file has its other name, the next snapshot finds one of ours.
        let before = if import.is_published { Before::Ours } else { import.before };
        publish::publish(self.disk.as_ref(), &self.path, before)?;
        import.is_published = true;
        let is_finished = import.is_finished();
        drop(import);
        if is_finished { self.settle() } else { Ok(()) }
    }
}

/// What a published snapshot holds.
pub type Published = Totals;

/// A snapshot being written; dropped without `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct SnapshotWriter<'a> {
    folder: &'a DataFolder,
    temporary: PathBuf,
    /// `None` before the file exists and once it is complete.
    writer: Option<Writer>,
}

impl SnapshotWriter<'_> {
    /// Adds `entry` of the main store (`None`) or of the collection with that index in the header. Entries should
    /// come grouped by collection: a block holds those of one.
    ///
    /// # Errors
    /// The disk's; the snapshot cannot be finished then.
    pub fn push(&mut self, collection: Option<usize>, entry: &Entry) -> Result<(), Error> {
        self.writer.as_mut().expect("begin_snapshot sets it, only finish takes it").push(collection, entry)
    }

    /// Begins the file that takes the records of this capture, when no journal keeps them.
    ///
    /// # Errors
    /// The disk's.
    pub fn replay_file(&self) -> Result<ReplayFile, Error> {
        let writer = self.writer.as_ref().expect("begin_snapshot sets it, only finish takes it");
        writer.replay_file(self.folder.disk.as_ref(), &self.folder.path)
    }

    /// Completes the file, reads it back, verifies it and gives it its name. `end` tells the last LSN that had been
    /// issued after the last slice: no entry is newer.
    ///
    /// # Errors
    /// The disk's, or `Damaged` when what is read back is not what was written. The snapshot before has kept its
    /// name, unless only the folder's last sync, or IDENTITY after it, failed: then the new one has it.
    ///
    /// # Durability
    /// When this returns, the snapshot survives a loss of power under its name.
    pub fn finish(mut self, end: impl Into<CaptureEnd>) -> Result<Published, Error> {
        let writer = self.writer.take().expect("begin_snapshot sets it, only finish takes it");
        let totals = writer.finish(end)?;
        SnapshotReader::open(self.folder.disk.as_ref(), &self.temporary, READ_BACK)?.verify()?;
        self.folder.publish()?;
        Ok(totals)
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

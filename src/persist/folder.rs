//! The data folder of a running server, locked, and the one place that changes its files.
//!
//! Invariant: each change is durable when its call returns, and leaves the state before or the state after when it
//! does not return. How a folder is opened is in `opening`, how a snapshot is written in `writing`.
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
use super::segments::Kept;
use super::snapshot::SnapshotHeader;
use super::writing::{COPY_TEMPORARY, SnapshotWriter, Target};
use crate::base::disk::{Disk, DiskLock};
use crate::base::limits::SNAPSHOT_BLOCK_BYTES;
use crate::model::Lsn;

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
        let target = Target::take(self, self.path.join(publish::TEMPORARY))?;
        self.unfinished.lock().clear();
        // A snapshot without an IDENTITY would be refused.
        self.update_identity(|_| {})?;
        target.begin_in_blocks(header, block_bytes_max)
    }

    /// Begins to write a copy at `path`, which is no part of this folder unless it is in it: it is written over.
    ///
    /// # Errors
    /// `SnapshotRunning`, or the operating system has no randomness to give.
    pub fn begin_copy(&self, path: PathBuf) -> Result<Target<'_>, Error> {
        Target::take(self, path)
    }

    /// Where a copy is written that nobody has given a place.
    pub fn copy_path(&self) -> PathBuf {
        self.path.join(COPY_TEMPORARY)
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

    /// Whether a snapshot or a copy is being written.
    pub(super) fn snapshot_running(&self) -> &AtomicBool {
        &self.snapshot_running
    }

    pub(super) fn publish(&self, replay_from: SegmentId) -> Result<(), Error> {
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

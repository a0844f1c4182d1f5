//! The data folder of a running server: opened once, locked, and the one place that changes its files.
//!
//! Invariant: opening changes nothing before it is decided that the folder can be used, and an existing IDENTITY
//! not even then: it is written before the first LSN is issued (`raise_ceiling`) or the first snapshot begins. So a
//! start that fails, for a damaged block too, leaves the files as they were.
//! Whatever this process sees is made durable before it builds on it: a server that was killed may have left names
//! that a loss of power would still take back.
//! It does not know the store, nor when to do what.

use std::io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::error::Error;
use super::golang::{self, Faults, GoImport};
use super::identity::{DatabaseId, Identity, IdentityFile};
use super::inventory::Inventory;
use super::plan::{self, DatabaseFile, Leftovers, Plan};
use super::publish::{self, Before};
use super::same_content::have_same_content;
use super::snapshot::{SnapshotHeader, SnapshotReader, Stamp, Totals, Writer};
use crate::base::disk::{Disk, DiskLock, LockError};
use crate::base::limits::SNAPSHOT_BLOCK_BYTES;
use crate::model::{Entry, Lsn};

/// The file that is locked.
pub const LOCK: &str = "LOCK";

/// What to do about a snapshot that cannot be read back as it was written.
const READ_BACK: &str = "it was not published, and the one before is untouched; look at the disk and the memory";

/// How to open a data folder.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Of this process; a second one is told.
    pub pid: u32,
    /// Leaves out entries of the Go server that cannot be imported, instead of stopping at the first.
    pub import_skip: bool,
}

/// What a folder holds, and where its numbers go on.
#[derive(Debug)]
pub struct Found {
    /// Which database this is.
    pub database_id: DatabaseId,
    /// The next LSN to issue.
    pub next_lsn: Lsn,
    /// LSNs from `next_lsn` up to below this one may be issued already: none, after opening.
    pub lsn_ceiling: Lsn,
    /// The documents.
    pub content: Content,
    /// What an operator may want to know, one line each.
    pub notes: Vec<String>,
}

/// Where the documents are.
#[derive(Debug)]
pub enum Content {
    /// There are none.
    Empty,
    /// In a snapshot of ours, whose blocks have yet to be read and verified.
    Snapshot(Box<SnapshotReader>),
    /// In files of the Go server; to be followed by a snapshot and `finish_import`.
    Go(GoImport),
}

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
}

/// What is left to do of an import.
#[derive(Debug)]
struct Import {
    /// Whose file has the name database.mtdb.
    before: Before,
    /// Files of the Go server whose documents the next snapshot will hold.
    pending: Vec<PathBuf>,
    /// Whether a snapshot that holds them is durable.
    is_published: bool,
}

impl Import {
    fn is_finished(&self) -> bool {
        self.before == Before::Ours && self.pending.is_empty()
    }
}

impl DataFolder {
    /// Locks the folder at `path`, created when it is missing, and finds out what it holds.
    ///
    /// No LSN may be issued before `raise_ceiling`.
    ///
    /// # Errors
    /// `InUse`; `Refused`, `Foreign`, `IdentityOlder`, `Damaged`, `Newer`, `OriginalExists`, `Import` for what is in
    /// it; or the disk's. Then nothing in the folder was changed but the lock's file.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, options: OpenOptions) -> Result<(DataFolder, Found), Error> {
        disk.create_folder(path).map_err(Error::io(path, "create"))?;
        let lock = lock(disk.as_ref(), path, options.pid)?;
        disk.sync_folder(path).map_err(Error::io(path, "sync"))?;
        let inventory = Inventory::take(disk.as_ref(), path)?;
        if inventory.identity.is_none() {
            sync_above(disk.as_ref(), path)?;
        }
        let plan =
            plan::decide(inventory.found()).map_err(|refused| Error::Refused { folder: path.to_owned(), refused })?;

        let mut notes = Vec::new();
        let mut identity = match inventory.identity {
            Some(identity) => identity,
            None => Identity::fresh(DatabaseId::random().map_err(Error::io(path, "make up an id for"))?),
        };
        let mut import = Import { before: Before::Ours, pending: Vec::new(), is_published: false };
        let content = match plan {
            Plan::Fresh | Plan::Empty => Content::Empty,
            Plan::Load(leftovers) => {
                let snapshot = open_snapshot(disk.as_ref(), path, &inventory, &identity)?;
                finish_renames(disk.as_ref(), path, &inventory, leftovers, &snapshot, &mut notes)?;
                identity.settled = true;
                Content::Snapshot(Box::new(snapshot))
            }
            Plan::Import => {
                let faults = if options.import_skip { Faults::Skip } else { Faults::Stop };
                let files = begin_import(&disk, path, &inventory, faults, &mut notes)?;
                import.pending = inventory.go_files();
                if inventory.database == DatabaseFile::Go {
                    import.before = Before::Go;
                }
                Content::Go(files)
            }
        };
        remove_temporaries(disk.as_ref(), &inventory, &mut notes)?;
        if let Some(Identity { stopped_cleanly: false, ceiling, .. }) = inventory.identity {
            notes.push(format!("the last stop was not a clean one; LSNs go on from {ceiling}"));
        }
        let found = Found {
            database_id: identity.database_id,
            next_lsn: identity.ceiling,
            lsn_ceiling: identity.ceiling,
            content,
            notes,
        };
        let folder = DataFolder {
            database_id: identity.database_id,
            _lock: lock,
            snapshot_running: AtomicBool::new(false),
            import: Mutex::new(import),
            identity: Mutex::new(IdentityFile::new(path, identity, inventory.identity)),
            path: path.to_owned(),
            disk,
        };
        Ok((folder, found))
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
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

    /// Completes the file, reads it back, verifies it and gives it its name. `capture_end` is the last LSN that had
    /// been issued after the last slice: no entry is newer.
    ///
    /// # Errors
    /// The disk's, or `Damaged` when what is read back is not what was written. The snapshot before has kept its
    /// name, unless only the folder's last sync, or IDENTITY after it, failed: then the new one has it.
    ///
    /// # Durability
    /// When this returns, the snapshot survives a loss of power under its name.
    pub fn finish(mut self, capture_end: Lsn) -> Result<Published, Error> {
        let writer = self.writer.take().expect("begin_snapshot sets it, only finish takes it");
        let totals = writer.finish(capture_end)?;
        SnapshotReader::open(self.folder.disk.as_ref(), &self.temporary, READ_BACK)?.verify()?;
        self.folder.publish()?;
        Ok(totals)
    }
}

impl Drop for SnapshotWriter<'_> {
    fn drop(&mut self) {
        // Best effort: what stays is removed at the next start. After a success the name is gone.
        let _ = self.folder.disk.remove(&self.temporary);
        self.folder.snapshot_running.store(false, Ordering::Release);
    }
}

/// Makes the names of the folders above `path` durable: a folder that a loss of power takes back would take the
/// database with it. Which of them an earlier, killed start has created cannot be told, so all are synced.
fn sync_above(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    for folder in path.ancestors().skip(1) {
        match disk.sync_folder(folder) {
            // A folder that cannot be read or written, or knows no sync, is none that we created.
            Err(error) if matches!(error.kind(), PermissionDenied | InvalidInput | ReadOnlyFilesystem) => {}
            synced => synced.map_err(Error::io(folder, "sync"))?,
        }
    }
    Ok(())
}

fn lock(disk: &dyn Disk, folder: &Path, pid: u32) -> Result<Box<dyn DiskLock>, Error> {
    let path = folder.join(LOCK);
    disk.lock(&path, &format!("{pid}\n")).map_err(|error| match error {
        LockError::Io(source) => Error::io(&path, "lock")(source),
        LockError::Held(note) => Error::InUse {
            folder: folder.to_owned(),
            holder: if note.is_empty() { "pid unknown".to_owned() } else { format!("pid {note}") },
        },
    })
}

/// Opens the folder's snapshot and holds it against IDENTITY.
///
/// # Errors
/// `Damaged`, `Newer`, `Foreign`, `IdentityOlder`, or the disk's.
pub(super) fn open_snapshot(
    disk: &dyn Disk,
    folder: &Path,
    inventory: &Inventory,
    identity: &Identity,
) -> Result<SnapshotReader, Error> {
    let path = folder.join(publish::DATABASE);
    let advice = if inventory.previous { plan::GO_BACK } else { "nothing was changed" };
    let snapshot = SnapshotReader::open(disk, &path, advice)?;
    if snapshot.database_id() != identity.database_id {
        return Err(Error::Foreign { path, expected: identity.database_id, found: snapshot.database_id() });
    }
    if snapshot.capture_end() > identity.ceiling {
        let (ceiling, seen) = (identity.ceiling, snapshot.capture_end());
        return Err(Error::IdentityOlder { path: folder.join(super::identity::FILE), ceiling, seen });
    }
    Ok(snapshot)
}

/// Finishes the renames of an import whose snapshot is complete; leaves files that came later alone.
fn finish_renames(
    disk: &dyn Disk,
    folder: &Path,
    inventory: &Inventory,
    leftovers: Leftovers,
    snapshot: &SnapshotReader,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let files = inventory.go_files();
    match leftovers {
        Leftovers::None => {}
        Leftovers::Rename => {
            // The originals step back only from a snapshot that is good to the last byte.
            snapshot.verify()?;
            golang::rename_originals(disk, folder, &files)?;
            notes.push(format!("finished an import: {} files renamed to *.go-original", files.len()));
        }
        Leftovers::Mention => notes.extend(files.iter().map(|file| {
            let file = file.display();
            format!("{file} is a file of the Go server beside an existing database and is not imported")
        })),
    }
    Ok(())
}

/// Decides which files an import reads, and that their later names are free, before anything is changed.
fn begin_import(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    inventory: &Inventory,
    faults: Faults,
    notes: &mut Vec<String>,
) -> Result<GoImport, Error> {
    for file in inventory.go_files() {
        golang::refuse_to_replace(disk.as_ref(), &file, &golang::original(&file))?;
    }
    let database = folder.join(publish::DATABASE);
    let has_database = inventory.database == DatabaseFile::Go;
    if has_database {
        // The import links it to its later name first; ended there, it leaves both, with one content.
        let original = golang::original(&database);
        let exists = disk.exists(&original).map_err(Error::io(&original, "look for"))?;
        if exists && !have_same_content(disk.as_ref(), &database, &original)? {
            return Err(Error::OriginalExists { file: database, original });
        }
    }
    let main = match (&inventory.go_main, has_database) {
        (Some(newer), true) => {
            let (newer, older) = (newer.display(), database.display());
            notes.push(format!("{newer} is imported; {older} is an older state of the Go server and is ignored"));
            inventory.go_main.clone()
        }
        (None, true) => Some(database),
        (main, false) => main.clone(),
    };
    GoImport::of(disk.clone(), main, &inventory.go_collections, faults)
}

fn remove_temporaries(disk: &dyn Disk, inventory: &Inventory, notes: &mut Vec<String>) -> Result<(), Error> {
    for path in &inventory.temporaries {
        disk.remove(path).map_err(Error::io(path, "remove"))?;
        notes.push(format!("removed {}, which was never finished", path.display()));
    }
    Ok(())
}

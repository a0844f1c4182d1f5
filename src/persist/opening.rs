//! Opens a data folder: locks it, finds out what it holds, decides, and prepares what is to be loaded.
//!
//! Invariant: nothing is changed before it is decided that the folder can be used, and an existing IDENTITY not even
//! then: it is written before the first LSN is issued (`raise_ceiling`) or the first snapshot begins. So a start that
//! fails, for a damaged block too, leaves the files as they were; what was never finished goes only after the load.
//! Whatever this process sees it makes durable before it builds on it: a server that was killed may have left names
//! that a loss of power would still take back.

use std::io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
use std::path::Path;
use std::sync::Arc;

use super::database_id::DatabaseId;
use super::error::Error;
use super::folder::{DataFolder, Import};
use super::golang::{self, Faults, GoImport};
use super::identity::{self, Identity, IdentityFile};
use super::inventory::Inventory;
use super::plan::{self, Base, DatabaseFile, Leftovers, Plan, Recovery, SnapshotFound};
use super::publish::{self, Before};
use super::same_content::have_same_content;
use super::snapshot::SnapshotReader;
use crate::base::disk::{Disk, DiskLock, LockError};
use crate::model::Lsn;

/// The file that is locked.
pub const LOCK: &str = "LOCK";

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
        let plan = inventory
            .plan(SnapshotFound::Missing)
            .map_err(|refused| Error::Refused { folder: path.to_owned(), refused })?;

        let mut notes = Vec::new();
        let mut identity = match inventory.identity {
            Some(identity) => identity,
            None => Identity::fresh(DatabaseId::random().map_err(Error::io(path, "make up an id for"))?),
        };
        let mut import = Import::none();
        let content = match plan {
            Plan::Fresh | Plan::Recover(Recovery { base: Base::Nothing, .. }) => Content::Empty,
            Plan::Recover(Recovery { leftovers, .. }) => {
                let snapshot = open_snapshot(disk.as_ref(), path, &inventory, &identity)?;
                finish_renames(disk.as_ref(), path, &inventory, leftovers, &snapshot, &mut notes)?;
                identity.settled = true;
                Content::Snapshot(Box::new(snapshot))
            }
            Plan::Import => {
                let faults = if options.import_skip { Faults::Skip } else { Faults::Stop };
                let files = begin_import(&disk, path, &inventory, faults, &mut notes)?;
                let before = if inventory.database == DatabaseFile::Go { Before::Go } else { Before::Ours };
                import = Import::of(before, inventory.go_files());
                Content::Go(files)
            }
        };
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
        let identity = IdentityFile::new(path, identity, inventory.identity);
        let folder = DataFolder::of(disk, path, lock, identity, import, inventory.temporaries);
        Ok((folder, found))
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
        return Err(Error::IdentityOlder { path: folder.join(identity::FILE), ceiling, seen });
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

//! Opens a data folder: locks it, finds out what it holds, decides, and prepares what is to be loaded.
//!
//! Invariant: nothing is changed before it is decided that the folder can be used, and an existing IDENTITY not even
//! then: it is written before the first LSN is issued (`raise_ceiling`) or the first snapshot begins. So a start that
//! fails, for a damaged block too, leaves the files as they were; what was never finished goes only after the load, and
//! an interrupted write is cut off only then (`finish_repairs`).
//! Whatever this process sees it makes durable before it builds on it: a server that was killed may have left names
//! that a loss of power would still take back.

use std::io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
use std::path::Path;
use std::sync::Arc;

use super::database_id::DatabaseId;
use super::error::Error;
use super::findings::Findings;
use super::folder::{DataFolder, Import};
use super::golang::{self, Faults, GoImport};
use super::identity::{self, Identity, IdentityFile};
use super::inventory::Inventory;
use super::journal::{History, JournalReader, Stretch};
use super::plan::{self, Base, DatabaseFile, Leftovers, Next, Plan, Recovery, SnapshotFound};
use super::publish::{self, Before};
use super::repairing::Repairs;
use super::same_content::have_same_content;
use super::segments::Kept;
use super::snapshot::SnapshotReader;
use crate::base::clock::UnixMillis;
use crate::base::disk::{Disk, DiskLock, LockError};
use crate::base::fault::{Fault, is_planted};
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
    /// The documents as of a snapshot.
    pub content: Content,
    /// What happened since, to be replayed behind it.
    pub journal: JournalReader,
    /// What happened in front of that, as far as the journal goes back; the documents have it.
    pub history: History,
    /// What the next segment of the journal must be. After an import it goes on from the snapshot of that instead.
    pub next_segment: Next,
    /// The last LSN in the documents and the journal.
    pub last_lsn: Lsn,
    /// The latest wall time that the files tell: the clock must not fall behind it.
    pub written_at: UnixMillis,
    /// Whether the last stop was one in order, or there was none.
    pub stopped_cleanly: bool,
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
        let mut findings = Findings::take(disk.as_ref(), path, &inventory, None)?;
        let plan = findings.plan().map_err(|refused| Error::Refused { folder: path.to_owned(), refused })?;

        let identity = match inventory.identity {
            Some(identity) => identity,
            None => Identity::fresh(DatabaseId::random().map_err(Error::io(path, "make up an id for"))?),
        };
        let mut opening = Opening { disk: &disk, path, inventory: &inventory, identity, notes: Vec::new() };
        let (mut import, mut recovery) = (Import::none(), None);
        let content = match plan {
            Plan::Fresh => Content::Empty,
            Plan::Recover(planned) => {
                let content = opening.content(&planned, &mut findings)?;
                recovery = Some(planned);
                content
            }
            Plan::Import => {
                let faults = if options.import_skip { Faults::Skip } else { Faults::Stop };
                let files = begin_import(&disk, path, &inventory, faults, &mut opening.notes)?;
                let before = if inventory.database == DatabaseFile::Go { Before::Go } else { Before::Ours };
                import = Import::of(before, inventory.go_files());
                Content::Go(files)
            }
        };
        if let Some(Identity { stopped_cleanly: false, ceiling, .. }) = inventory.identity {
            opening.notes.push(format!("the last stop was not a clean one; LSNs go on from {ceiling}"));
        }
        let repairs = Repairs::of(recovery.as_ref(), &inventory);
        let kept = Kept::of(&findings.found.journal);
        let identity = opening.identity;
        let found = opening.found(content, recovery);
        let identity = IdentityFile::new(path, identity, inventory.identity);
        let folder = DataFolder::of(disk, path, lock, identity, import, inventory.temporaries, kept);
        folder.set_repairs(repairs);
        Ok((folder, found))
    }

    /// What to load instead, when `damage` has shown in a block of the snapshot that `open` found. Nothing of what was
    /// loaded since may be used.
    ///
    /// # Errors
    /// `damage` itself when there is no journal that could stand in; `Refused` when the journal does not lead to the
    /// state that the snapshot held; or as `open`.
    pub fn fall_back(&self, damage: Error) -> Result<Found, Error> {
        let (disk, path) = (self.disk(), self.path());
        let Error::Damaged { damage: place, .. } = &damage else {
            return Err(damage);
        };
        let inventory = Inventory::take(disk.as_ref(), path)?;
        let lost = place.to_string();
        let mut findings = Findings::take(disk.as_ref(), path, &inventory, Some(&lost))?;
        let Some(identity) = inventory.identity.filter(|_| findings.found.journal.is_there()) else {
            return Err(damage);
        };
        let plan = findings.plan().map_err(|refused| Error::Refused { folder: path.to_owned(), refused })?;
        let Plan::Recover(recovery) = plan else {
            return Err(damage);
        };
        let mut opening = Opening { disk, path, inventory: &inventory, identity, notes: Vec::new() };
        let content = opening.content(&recovery, &mut findings)?;
        self.set_repairs(Repairs::of(Some(&recovery), &inventory));
        Ok(opening.found(content, Some(recovery)))
    }
}

/// What a start would load from the folder at `path`, found out without a lock and without changing anything. With
/// `lost`, database.mtdb is known to be damaged in that way. Beside a running server the files change meanwhile, and
/// what is found may not belong together.
///
/// # Errors
/// As `DataFolder::open`, or `lost` itself when no journal can stand in for the snapshot.
pub fn look(disk: &Arc<dyn Disk>, path: &Path, lost: Option<Error>) -> Result<Found, Error> {
    let inventory = Inventory::take(disk.as_ref(), path)?;
    let what = match &lost {
        Some(Error::Damaged { damage, .. }) => Some(damage.to_string()),
        _ => None,
    };
    let mut findings = Findings::take(disk.as_ref(), path, &inventory, what.as_deref())?;
    if let Some(error) = lost.filter(|_| what.is_none() || !findings.found.journal.is_there()) {
        return Err(error);
    }
    let plan = findings.plan().map_err(|refused| Error::Refused { folder: path.to_owned(), refused })?;
    let identity = inventory.identity.unwrap_or(Identity::fresh(DatabaseId([0; 16])));
    let mut opening = Opening { disk, path, inventory: &inventory, identity, notes: Vec::new() };
    Ok(match plan {
        Plan::Fresh => opening.found(Content::Empty, None),
        Plan::Import => {
            let files = begin_import(disk, path, &inventory, Faults::Stop, &mut opening.notes)?;
            opening.found(Content::Go(files), None)
        }
        Plan::Recover(recovery) => {
            // Nothing is renamed here.
            let recovery = Recovery { leftovers: Leftovers::None, ..recovery };
            let content = opening.content(&recovery, &mut findings)?;
            opening.found(content, Some(recovery))
        }
    })
}

/// An opening whose plan is made.
struct Opening<'a> {
    disk: &'a Arc<dyn Disk>,
    path: &'a Path,
    inventory: &'a Inventory,
    identity: Identity,
    notes: Vec<String>,
}

impl Opening<'_> {
    /// What the plan begins with.
    fn content(&mut self, recovery: &Recovery, findings: &mut Findings) -> Result<Content, Error> {
        let (ceiling, seen) = (self.identity.ceiling, recovery.last_lsn);
        if !recovery.replay.is_empty() && seen >= ceiling {
            return Err(Error::IdentityOlder { path: self.path.join(identity::FILE), ceiling, seen });
        }
        self.notes.extend(recovery.notes.iter().map(|note| format!("{}: {note}", self.path.display())));
        let snapshot = match recovery.base {
            Base::Nothing => None,
            Base::Current => findings.current.take(),
            Base::Previous => findings.previous.take(),
        };
        let Some(snapshot) = snapshot else {
            self.finish_renames(recovery.leftovers, None)?;
            return Ok(Content::Empty);
        };
        self.finish_renames(recovery.leftovers, Some(&snapshot))?;
        self.identity.settled = true;
        Ok(Content::Snapshot(Box::new(snapshot)))
    }

    /// Finishes the renames of an import whose snapshot is complete; leaves files that came later alone.
    fn finish_renames(&mut self, leftovers: Leftovers, snapshot: Option<&SnapshotReader>) -> Result<(), Error> {
        let files = self.inventory.go_files();
        match (leftovers, snapshot) {
            (Leftovers::Rename, Some(snapshot)) => {
                // The originals step back only from a snapshot that is good to the last byte.
                snapshot.verify()?;
                golang::rename_originals(self.disk.as_ref(), self.path, &files)?;
                self.notes.push(format!("finished an import: {} files renamed to *.go-original", files.len()));
            }
            (Leftovers::Mention, _) => self.notes.extend(files.iter().map(|file| {
                let file = file.display();
                format!("{file} is a file of the Go server beside an existing database and is not imported")
            })),
            (Leftovers::None, _) | (Leftovers::Rename, None) => {}
        }
        Ok(())
    }

    fn found(self, content: Content, recovery: Option<Recovery>) -> Found {
        let start = Next::after_snapshot(&SnapshotFound::Missing);
        let recovery = recovery.unwrap_or_else(|| Recovery::without_journal(Base::Nothing, Leftovers::None, start));
        let stretches = recovery.replay.iter().map(|scan| Stretch { id: scan.header.id, end: scan.end }).collect();
        let first = recovery.replay.first().map(|scan| scan.header.clone());
        let captured_at = match &content {
            Content::Snapshot(snapshot) => snapshot.captured_at(),
            Content::Empty | Content::Go(_) => UnixMillis(0),
        };
        Found {
            database_id: self.identity.database_id,
            next_lsn: if is_planted(Fault::ReuseLsn) { recovery.last_lsn.next() } else { self.identity.ceiling },
            lsn_ceiling: self.identity.ceiling,
            content,
            journal: JournalReader::new(Arc::clone(self.disk), self.path, stretches, plan::REPAIR),
            history: History::new(Arc::clone(self.disk), self.path, first),
            next_segment: recovery.next,
            last_lsn: recovery.last_lsn,
            written_at: recovery.written_at.max(captured_at),
            stopped_cleanly: self.inventory.identity.is_none_or(|identity| identity.stopped_cleanly),
            notes: self.notes,
        }
    }
}

/// Makes the names of the folders above `path` durable: a folder that a loss of power takes back would take the
/// database with it. Which of them an earlier, killed start has created cannot be told, so all are synced.
pub(super) fn sync_above(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    for folder in path.ancestors().skip(1) {
        match disk.sync_folder(folder) {
            // A folder that cannot be read or written, or knows no sync, is none that we created.
            Err(error) if matches!(error.kind(), PermissionDenied | InvalidInput | ReadOnlyFilesystem) => {}
            synced => synced.map_err(Error::io(folder, "sync"))?,
        }
    }
    Ok(())
}

/// Locks the folder for process `pid`.
///
/// # Errors
/// `InUse`, or the disk's.
pub(super) fn lock(disk: &dyn Disk, folder: &Path, pid: u32) -> Result<Box<dyn DiskLock>, Error> {
    let path = folder.join(LOCK);
    disk.lock(&path, &format!("{pid}\n")).map_err(|error| match error {
        LockError::Io(source) => Error::io(&path, "lock")(source),
        LockError::Held(note) => Error::InUse {
            folder: folder.to_owned(),
            holder: if note.is_empty() { "pid unknown".to_owned() } else { format!("pid {note}") },
        },
    })
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

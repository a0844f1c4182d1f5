//! What is in a data folder: names, and the first and last bytes of `database.mtdb`. Reads only.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::golang;
use super::identity::{self, Identity};
use super::journal::{self, SegmentId};
use super::plan::{DatabaseFile, FolderFound, Standing};
use super::publish;
use super::snapshot::{END_MAGIC, MAGIC, REPLAY_TEMPORARY};
use super::writing::COPY_TEMPORARY;
use crate::base::disk::Disk;

/// What was found.
#[derive(Debug)]
pub struct Inventory {
    /// What IDENTITY says; `None` when there is none.
    pub identity: Option<Identity>,
    /// What is called database.mtdb.
    pub database: DatabaseFile,
    /// Whether database.mtdb.prev exists.
    pub previous: bool,
    /// Files of ours that were being written.
    pub temporaries: Vec<PathBuf>,
    /// The Go server's main store at its last version.
    pub go_main: Option<PathBuf>,
    /// The Go server's collections, sorted by name.
    pub go_collections: Vec<PathBuf>,
    /// Whether an import has renamed any.
    pub go_originals: bool,
    /// The segments of the journal, by rising id.
    pub segments: Vec<SegmentId>,
}

impl Inventory {
    /// Looks at `folder`.
    ///
    /// # Errors
    /// `Damaged` or `Newer` for IDENTITY, or the disk's.
    pub fn take(disk: &dyn Disk, folder: &Path) -> Result<Inventory, Error> {
        let listed = disk.list(folder).map_err(Error::io(folder, "list"))?;
        let has = |name: &str| listed.iter().any(|entry| !entry.is_folder && entry.name == name);
        let path = |name: &str| has(name).then(|| folder.join(name));

        let temporaries = [
            identity::TEMPORARY,
            publish::TEMPORARY,
            publish::PREVIOUS_TEMPORARY,
            journal::TEMPORARY,
            REPLAY_TEMPORARY,
            COPY_TEMPORARY,
        ];
        let collections = folder.join(golang::COLLECTIONS_FOLDER);
        let in_collections = match listed.iter().any(|it| it.is_folder && it.name == golang::COLLECTIONS_FOLDER) {
            true => disk.list(&collections).map_err(Error::io(&collections, "list"))?,
            false => Vec::new(),
        };
        let is_original = |name: &str| name.ends_with(golang::ORIGINAL_SUFFIX);
        Ok(Inventory {
            identity: path(identity::FILE).map(|path| Identity::read(disk, &path)).transpose()?,
            database: match path(publish::DATABASE) {
                Some(path) => judge(disk, &path)?,
                None => DatabaseFile::Missing,
            },
            previous: has(publish::PREVIOUS),
            temporaries: temporaries.into_iter().filter_map(path).collect(),
            go_main: path(golang::MAIN_FILE),
            go_collections: in_collections
                .iter()
                .filter(|entry| golang::is_collection(entry))
                .map(|entry| collections.join(&entry.name))
                .collect(),
            go_originals: listed.iter().chain(&in_collections).any(|entry| is_original(&entry.name)),
            segments: listed
                .iter()
                .filter(|entry| !entry.is_folder)
                .filter_map(|entry| SegmentId::of_name(&entry.name))
                .collect(),
        })
    }

    /// What the plan depends on, beside the journal.
    pub fn folder(&self) -> FolderFound {
        FolderFound {
            identity: match self.identity {
                None => Standing::Missing,
                Some(Identity { settled: false, .. }) => Standing::Unsettled,
                Some(Identity { settled: true, .. }) => Standing::Settled,
            },
            database: self.database,
            previous: self.previous,
            go_files: !self.go_files().is_empty(),
            go_originals: self.go_originals,
        }
    }

    /// The Go server's files that are surely its own: all but a database.mtdb.
    pub fn go_files(&self) -> Vec<PathBuf> {
        self.go_main.iter().chain(&self.go_collections).cloned().collect()
    }
}

/// Whose the file at `path` is, were it called database.mtdb. Ours bears two marks, at both ends, so that damage to one of them does not make
/// it a file of the Go server.
///
/// # Errors
/// The disk's.
pub fn judge(disk: &dyn Disk, path: &Path) -> Result<DatabaseFile, Error> {
    let file = disk.open(path).map_err(Error::io(path, "open"))?;
    let bytes = file.bytes().map_err(Error::io(path, "read the size of"))?;
    let Some(tail_offset) = bytes.checked_sub(MAGIC.len() as u64) else {
        return Ok(DatabaseFile::Go);
    };
    let (mut head, mut tail) = (MAGIC, END_MAGIC);
    file.read_exact_at(&mut head, 0).map_err(Error::io(path, "read"))?;
    file.read_exact_at(&mut tail, tail_offset).map_err(Error::io(path, "read"))?;
    Ok(if head == MAGIC || tail == END_MAGIC { DatabaseFile::Ours } else { DatabaseFile::Go })
}

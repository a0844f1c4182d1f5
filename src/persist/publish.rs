//! Gives a finished snapshot its name, in an order in which the name is never missing.
//!
//! The old snapshot gets its second name first: a hard link to a temporary name, which is renamed to `.prev`; then
//! the new file is renamed over `database.mtdb`; then the folder is synced. After a loss of power at any point, any
//! subset of these steps may have happened, and each leaves the old or the new snapshot, whole, under the name:
//! the content was synced before, and a rename happens or does not.
//!
//! Over a `database.mtdb` of the Go server the order is stricter, because that file is nowhere else: it is linked to
//! its new name, THEN THE FOLDER IS SYNCED, and only then does our snapshot take the old one.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::golang;
use crate::base::disk::Disk;
use crate::base::fault::{Fault, is_planted};

/// The newest complete snapshot.
pub const DATABASE: &str = "database.mtdb";

/// The one before.
pub const PREVIOUS: &str = "database.mtdb.prev";

/// A snapshot being written.
pub const TEMPORARY: &str = "database.mtdb.tmp";

/// The name on its way to `.prev`.
pub const PREVIOUS_TEMPORARY: &str = "database.mtdb.prev.tmp";

/// What has the name `database.mtdb` before the first snapshot of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A snapshot of ours, or nothing.
    Ours,
    /// A file of the Go server.
    Go,
    /// A snapshot that could not be used; the quarantine has a second name for it.
    Unusable,
}

/// Publishes `folder/database.mtdb.tmp`, which must be complete and synced.
///
/// # Errors
/// The disk's. The name still has the old snapshot, or it has the new one but might lose it with the power.
///
/// # Durability
/// When this returns, the new snapshot has its name over a loss of power.
pub fn publish(disk: &dyn Disk, folder: &Path, before: Before) -> Result<(), Error> {
    let name = |file: &str| -> PathBuf { folder.join(file) };
    let database = name(DATABASE);
    if exists(disk, &database)? {
        match before {
            Before::Ours => keep_as_previous(disk, &database, &name(PREVIOUS_TEMPORARY), &name(PREVIOUS))?,
            Before::Go => keep_as_original(disk, folder, &database)?,
            // The one before that is the good one.
            Before::Unusable => {}
        }
    }
    disk.rename(&name(TEMPORARY), &database).map_err(Error::io(&database, "put in place"))?;
    if is_planted(Fault::SkipFolderSync) {
        return Ok(());
    }
    disk.sync_folder(folder).map_err(Error::io(folder, "sync"))
}

fn keep_as_previous(disk: &dyn Disk, database: &Path, temporary: &Path, previous: &Path) -> Result<(), Error> {
    // One may be left from an attempt that failed between link and rename.
    remove_if_there(disk, temporary)?;
    disk.hard_link(database, temporary).map_err(Error::io(temporary, "link"))?;
    disk.rename(temporary, previous).map_err(Error::io(previous, "put in place"))?;
    // Renaming a name over another name of the same file does nothing, by POSIX: both stay.
    remove_if_there(disk, temporary)
}

fn keep_as_original(disk: &dyn Disk, folder: &Path, database: &Path) -> Result<(), Error> {
    let original = golang::original(database);
    // It may be there from an attempt that ended after this step; opening the folder made sure of its content.
    if !exists(disk, &original)? {
        disk.hard_link(database, &original).map_err(Error::io(&original, "link"))?;
    }
    disk.sync_folder(folder).map_err(Error::io(folder, "sync"))
}

fn remove_if_there(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    match exists(disk, path)? {
        true => disk.remove(path).map_err(Error::io(path, "remove")),
        false => Ok(()),
    }
}

fn exists(disk: &dyn Disk, path: &Path) -> Result<bool, Error> {
    disk.exists(path).map_err(Error::io(path, "look for"))
}

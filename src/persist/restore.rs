//! `memory-tools restore`: makes a data folder of a snapshot that is complete in itself, such as a backup.
//!
//! What comes of it is a database of its own: it has a new id, so that no file of the old one is taken for one of its, and
//! it issues no LSN that the old one may have issued since, so that no ETag and no place in the feed means two things. So
//! the file is written anew, sealed with the new id, and not copied.
//!
//! Invariants: nothing in the folder is changed before the file was read and written anew, both to the last checksum; what
//! was in the folder has another name in it, durably, before its own goes; and whenever a restore ends early, a start
//! finds what was there before, or refuses, or finds what was restored: the new IDENTITY, which says that there is a
//! snapshot, comes before the old snapshot goes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::database_id::DatabaseId;
use super::error::Error;
use super::golang;
use super::identity::{self, Identity, IdentityFile};
use super::journal::SegmentId;
use super::opening::{self, LOCK};
use super::publish;
use super::rewriting::rewrite;
use super::seal::Stamp;
use super::snapshot::SnapshotReader;
use crate::base::clock::UnixMillis;
use crate::base::disk::{Disk, Listed};
use crate::base::limits::{LSN_CEILING_STEP, LSN_MAX, LSNS_PER_SECOND_MAX};
use crate::model::Lsn;

/// What ends the message of a damage.
const ADVICE: &str = "nothing was changed; take another backup";

/// What begins the name of the folder to which is moved what was there; the moment follows.
pub(super) const ASIDE: &str = "before-restore-";

/// What some file systems have at their top.
const LOST_AND_FOUND: &str = "lost+found";

/// Whether a folder may have something in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    /// Then it is refused.
    Refuse,
    /// What is a database's is moved aside.
    SetAside,
}

/// What a restore came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Documents.
    pub documents: u64,
    /// Collections.
    pub collections: usize,
    /// The newest write in it.
    pub capture_end: Lsn,
    /// The next LSN.
    pub next_lsn: Lsn,
    /// Where what was there is now.
    pub set_aside: Option<PathBuf>,
}

/// Makes a data folder at `path` of the snapshot `file`, for process `pid`.
///
/// # Errors
/// `Damaged`, `Newer`, `Incomplete` for the file; `InUse`, `NotEmpty` for the folder; or the disk's.
///
/// # Durability
/// When it returns, the folder survives a loss of power.
pub fn restore(
    disk: &Arc<dyn Disk>,
    file: &Path,
    path: &Path,
    (pid, now): (u32, UnixMillis),
    occupied: Occupied,
) -> Result<Restored, Error> {
    let disk = disk.as_ref();
    let source = SnapshotReader::open(disk, file, ADVICE)?;
    source.verify()?;
    if !source.is_complete_in_itself() {
        return Err(Error::Incomplete { path: file.to_owned(), replay_from: source.replay_from() });
    }
    disk.create_folder(path).map_err(Error::io(path, "create"))?;
    let _lock = opening::lock(disk, path, pid)?;
    opening::sync_above(disk, path)?;
    let listed = disk.list(path).map_err(Error::io(path, "list"))?;
    if occupied == Occupied::Refuse && listed.iter().any(|it| !matches!(it.name.as_str(), LOCK | LOST_AND_FOUND)) {
        return Err(Error::NotEmpty { folder: path.to_owned() });
    }
    let next_lsn = next_lsn(&source, now, ceiling_of(disk, path))?;
    if next_lsn.0 > LSN_MAX {
        return Err(Error::LsnsExhausted { path: path.join(identity::FILE), wanted: next_lsn });
    }

    let temporary = path.join(publish::TEMPORARY);
    let database_id = DatabaseId::random().map_err(Error::io(path, "make up an id for"))?;
    let stamp = Stamp::random(database_id).map_err(Error::io(&temporary, "make up a salt for"))?;
    rewrite(disk, &source, stamp, path, &temporary)?;
    SnapshotReader::open(disk, &temporary, ADVICE)?.verify()?;

    let ours = ours(disk, path, &listed)?;
    let set_aside = if ours.is_empty() { None } else { Some(link_aside(disk, path, &ours, now)?) };
    let identity = Identity { ceiling: next_lsn, stopped_cleanly: true, settled: true, ..Identity::fresh(database_id) };
    IdentityFile::new(path, identity, None).update(disk, |_| {})?;
    for file in ours.iter().filter(|file| *file != Path::new(identity::FILE)) {
        disk.remove(&path.join(file)).map_err(Error::io(&path.join(file), "remove the old name of"))?;
    }
    let database = path.join(publish::DATABASE);
    disk.rename(&temporary, &database).map_err(Error::io(&database, "put in place"))?;
    disk.sync_folder(path).map_err(Error::io(path, "sync"))?;
    Ok(Restored {
        documents: source.documents(),
        collections: source.collections().len(),
        capture_end: source.capture_end(),
        next_lsn,
        set_aside,
    })
}

/// Above whatever the database may have issued since the capture: as many a second as no machine does, and what a
/// server keeps ahead; and not below `known`, the ceiling of what is in the folder.
fn next_lsn(source: &SnapshotReader, now: UnixMillis, known: Option<Lsn>) -> Result<Lsn, Error> {
    let seconds = now.since(source.captured_at()) / 1000 + 1;
    let since = seconds.saturating_mul(LSNS_PER_SECOND_MAX).saturating_add(2 * LSN_CEILING_STEP);
    Ok(Lsn(source.capture_end().0.saturating_add(since)).max(known.unwrap_or(Lsn::ZERO)))
}

/// What the IDENTITY in `folder` says, if there is one that can be read.
fn ceiling_of(disk: &dyn Disk, folder: &Path) -> Option<Lsn> {
    Identity::read(disk, &folder.join(identity::FILE)).ok().map(|identity| identity.ceiling)
}

/// The files in the folder at `path` that belong to a database, of ours or of the Go server, as seen from there. Whatever
/// else is in it stays, and so does the quarantine, of which a start reads nothing, and what was never finished, which a
/// start removes.
fn ours(disk: &dyn Disk, path: &Path, listed: &[Listed]) -> Result<Vec<PathBuf>, Error> {
    let mut ours: Vec<PathBuf> =
        listed.iter().filter(|it| !it.is_folder && is_ours(&it.name)).map(|it| PathBuf::from(&it.name)).collect();
    if listed.iter().any(|it| it.is_folder && it.name == golang::COLLECTIONS_FOLDER) {
        let collections = path.join(golang::COLLECTIONS_FOLDER);
        let within = disk.list(&collections).map_err(Error::io(&collections, "list"))?;
        let names = within.iter().filter(|it| golang::is_collection(it) || it.name.ends_with(golang::ORIGINAL_SUFFIX));
        ours.extend(names.map(|it| Path::new(golang::COLLECTIONS_FOLDER).join(&it.name)));
    }
    Ok(ours)
}

fn is_ours(name: &str) -> bool {
    match name {
        identity::FILE | publish::DATABASE | publish::PREVIOUS | golang::MAIN_FILE => true,
        name => SegmentId::of_name(name).is_some() || name.ends_with(golang::ORIGINAL_SUFFIX),
    }
}

/// Gives each of the `files` a second name in a new folder within the one at `path`, durably; returns that folder.
fn link_aside(disk: &dyn Disk, path: &Path, files: &[PathBuf], now: UnixMillis) -> Result<PathBuf, Error> {
    let name = format!("{ASIDE}{}", now.compact());
    let mut aside = path.join(&name);
    for number in 2_u32.. {
        if !disk.exists(&aside).map_err(Error::io(&aside, "look for"))? {
            break;
        }
        aside = path.join(format!("{name}-{number}"));
    }
    let mut folders = vec![aside.clone()];
    if files.iter().any(|file| file.starts_with(golang::COLLECTIONS_FOLDER)) {
        folders.push(aside.join(golang::COLLECTIONS_FOLDER));
    }
    for folder in &folders {
        disk.create_folder(folder).map_err(Error::io(folder, "create"))?;
    }
    for file in files {
        let copy = aside.join(file);
        disk.hard_link(&path.join(file), &copy).map_err(Error::io(&copy, "link"))?;
    }
    for folder in folders.iter().rev().map(PathBuf::as_path).chain([path]) {
        disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
    }
    Ok(aside)
}

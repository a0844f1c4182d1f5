//! Carries out what a plan has found to be repaired, once everything is loaded and before the first LSN is issued.
//!
//! Invariant: nothing is moved, and nothing is taken away before a copy of it is durable in the quarantine. Each step
//! may be done again: a crash in between leaves a folder for which the same plan is made. Nothing is ever deleted
//! from the quarantine by us.
//! Whatever of the journal was read is made durable here: what this process has seen, a later loss of power must not
//! take back. Why a repair is right is the plan's to know.

use std::io::IoSlice;
use std::path::Path;

use super::error::Error;
use super::folder::DataFolder;
use super::inventory::Inventory;
use super::journal::{self, QUARANTINE, SegmentId};
use super::plan::{Base, Cut, DatabaseFile, Recovery};
use super::publish;
use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;

/// Bytes that are written anew at a time.
const COPY_BYTES: usize = 1 << 20;

/// What is left to do of a recovery.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repairs {
    /// The last segment that was replayed.
    last: Option<SegmentId>,
    cut: Option<Cut>,
    set_aside: Option<SegmentId>,
    /// Whether database.mtdb is there and was not used.
    steps_over_database: bool,
}

impl Repairs {
    /// What `recovery` demands in the folder of `inventory`.
    pub fn of(recovery: Option<&Recovery>, inventory: &Inventory) -> Repairs {
        let Some(Recovery { base, replay, cut, set_aside, .. }) = recovery else {
            return Repairs::default();
        };
        Repairs {
            last: replay.last().map(|scan| scan.header.id),
            cut: *cut,
            set_aside: *set_aside,
            steps_over_database: *base != Base::Current && inventory.database != DatabaseFile::Missing,
        }
    }

    /// Whether database.mtdb is there, and is not what was loaded.
    pub fn steps_over_database(&self) -> bool {
        self.steps_over_database
    }

    fn carry_out(self, disk: &dyn Disk, folder: &Path, now: UnixMillis) -> Result<Vec<String>, Error> {
        let mut notes = Vec::new();
        if self.steps_over_database {
            notes.push(keep_database(disk, folder, now)?);
        }
        if let Some(Cut { id, end, .. }) = self.cut {
            let to = size(disk, folder, id)?;
            let copy = journal::quarantine(disk, folder, id, end, to, now)?;
            journal::cut(disk, folder, id, end)?;
            notes.push(format!("cut {} at byte {end}; the rest is in {}", id.file_name(), copy.display()));
        }
        if let Some(id) = self.set_aside {
            let copy = journal::quarantine(disk, folder, id, 0, size(disk, folder, id)?, now)?;
            notes.push(format!("copied {}, which is to be replaced, to {}", id.file_name(), copy.display()));
        }
        if let Some(id) = self.last {
            write_anew(disk, &folder.join(id.file_name()))?;
        }
        disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
        Ok(notes)
    }
}

/// Makes durable what is read from the file at `path`, whatever has become of it before.
///
/// A sync alone may not do that: after one that failed, the kernel calls the pages clean that it could not write, and
/// serves them to the next process as if they were on the disk. So each byte is written once more, over itself; a loss
/// of power meanwhile leaves what was there.
fn write_anew(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    let file = disk.open_to_change(path).map_err(Error::io(path, "open"))?;
    let bytes = file.bytes().map_err(Error::io(path, "read the size of"))?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut offset = 0;
    while offset < bytes {
        let left = usize::try_from(bytes - offset).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        let part = buffer.get_mut(..left).expect("no more is left than the buffer has");
        file.read_exact_at(part, offset).map_err(Error::io(path, "read"))?;
        file.write_all_at(&[IoSlice::new(part)], offset).map_err(Error::io(path, "write"))?;
        offset += left as u64;
    }
    file.sync_all().map_err(Error::io(path, "sync"))
}

impl DataFolder {
    /// Does what a recovery has left to be done: copies the end of an interrupted write, a segment that is to be
    /// replaced, and a database.mtdb that could not be used to the quarantine, and cuts the first off. Says so, a line
    /// for each. Call it once everything is loaded, and before `begin_segment` or a snapshot.
    ///
    /// # Errors
    /// The disk's; the next start makes the same plan.
    ///
    /// # Durability
    /// When this returns, everything that was replayed survives a loss of power.
    pub fn finish_repairs(&self, now: UnixMillis) -> Result<Vec<String>, Error> {
        let repairs = self.repairs();
        let notes = repairs.carry_out(self.disk().as_ref(), self.path(), now)?;
        self.set_repairs(Repairs { steps_over_database: repairs.steps_over_database, ..Repairs::default() });
        Ok(notes)
    }
}

/// Gives a database.mtdb that was not used a second name in the quarantine: the next snapshot takes its first one.
fn keep_database(disk: &dyn Disk, folder: &Path, now: UnixMillis) -> Result<String, Error> {
    let quarantine = folder.join(QUARANTINE);
    disk.create_folder(&quarantine).map_err(Error::io(&quarantine, "create"))?;
    disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
    let (database, copy) =
        (folder.join(publish::DATABASE), quarantine.join(format!("{}-{}", publish::DATABASE, now.0)));
    if !disk.exists(&copy).map_err(Error::io(&copy, "look for"))? {
        disk.hard_link(&database, &copy).map_err(Error::io(&copy, "link"))?;
    }
    disk.sync_folder(&quarantine).map_err(Error::io(&quarantine, "sync"))?;
    Ok(format!("{}, which could not be used, is also {} from now on", database.display(), copy.display()))
}

fn size(disk: &dyn Disk, folder: &Path, id: SegmentId) -> Result<u64, Error> {
    let path = folder.join(id.file_name());
    let file = disk.open(&path).map_err(Error::io(&path, "open"))?;
    file.bytes().map_err(Error::io(&path, "read the size of"))
}

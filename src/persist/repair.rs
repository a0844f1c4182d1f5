//! `memory-tools repair PATH`: makes a data folder one that a start takes, and says what that gives up.
//!
//! Invariant: before a file is changed, what it held has a name in the quarantine, durably; a file that goes keeps its
//! content under that name. Nothing is given up unless the caller says so, and a folder of which nothing can be kept
//! is not touched. Every step may be done again: a repair that was interrupted is begun anew.
//! What can be kept is decided in `plan::salvage`.

use std::fmt;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::findings::Findings;
use super::identity::{self, Identity, IdentityFile};
use super::inventory::Inventory;
use super::journal::{self, Growth, QUARANTINE, SegmentHeader, SegmentWriter};
use super::opening;
use super::plan::{self, Base, GivenUp, Salvage};
use super::publish;
use super::seal::Stamp;
use super::snapshot::SnapshotReader;
use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::model::Lsn;

/// Bytes that are copied at once.
const COPIED_BYTES: u64 = 1 << 20;

/// Whether a repair may lose anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    /// It does only what loses nothing.
    Refuse,
    /// It gives up what lies behind the first damage.
    Accept,
}

/// What a repair came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A start takes the folder as it is.
    Nothing,
    /// It would lose something, and nothing was changed.
    WouldLose {
        /// Why a start refuses.
        refused: String,
        /// What.
        given_up: GivenUp,
    },
    /// It was done.
    Done {
        /// What was changed, one line each.
        changes: Vec<String>,
        /// What was lost.
        given_up: Option<GivenUp>,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Nothing => f.write_str("nothing to repair\n"),
            Repair::WouldLose { refused, given_up } => {
                writeln!(f, "REFUSED  {refused}")?;
                writeln!(f, "a repair would give up {given_up}")?;
                f.write_str("nothing was changed; --drop-after-damage does it, with copies of everything first\n")
            }
            Repair::Done { changes, given_up } => {
                changes.iter().try_for_each(|change| writeln!(f, "{change}"))?;
                match given_up {
                    Some(given_up) => writeln!(f, "repaired, by giving up {given_up}"),
                    None => f.write_str("repaired, and nothing was lost\n"),
                }
            }
        }
    }
}

/// Repairs the data folder at `path`. It locks it, as process `pid`.
///
/// # Errors
/// `InUse` while a server runs; `Refused`, `Newer`, `Foreign`, `IdentityOlder` or `Damaged` when nothing can be kept, or
/// what to do is not for a program to decide; or the disk's. The copies are then all there is of what was changed.
pub fn repair(disk: &Arc<dyn Disk>, path: &Path, pid: u32, now: UnixMillis, losses: Losses) -> Result<Repair, Error> {
    let disk = disk.as_ref();
    let _lock = opening::lock(disk, path, pid)?;
    let inventory = Inventory::take(disk, path)?;
    let refuse = |refused| Error::Refused { folder: path.to_owned(), refused };
    let mut findings = Findings::take(disk, path, &inventory, None)?;
    // A start reads the blocks of a snapshot as well, and only then knows that it is good.
    match findings.current.as_ref().map(SnapshotReader::verify) {
        Some(Err(Error::Damaged { damage, .. })) if findings.found.journal.is_there() => {
            findings = Findings::take(disk, path, &inventory, Some(&damage.to_string()))?;
        }
        Some(verified) => verified?,
        None => {}
    }
    let salvage = plan::salvage(&findings.found).map_err(refuse)?;
    let (Some(salvage), Some(identity)) = (salvage, inventory.identity) else {
        return Ok(Repair::Nothing);
    };
    let (ceiling, seen) = (identity.ceiling, salvage.last_lsn());
    if seen >= ceiling {
        return Err(Error::IdentityOlder { path: path.join(identity::FILE), ceiling, seen });
    }
    if let (Some(given_up), Losses::Refuse) = (salvage.given_up, losses) {
        let refused = findings.plan().err().map(|refused| format!("{}: {refused}", path.display()));
        return Ok(Repair::WouldLose { refused: refused.unwrap_or_default(), given_up });
    }
    if salvage.base == Base::Previous
        && let Some(previous) = &findings.previous
    {
        previous.verify()?;
    }
    let repairing = Repairing { disk, folder: path, copies: path.join(QUARANTINE).join(format!("repair-{}", now.0)) };
    let changes = repairing.carry_out(&salvage, &inventory, identity, now)?;
    Ok(Repair::Done { changes, given_up: salvage.given_up })
}

/// A repair under way.
struct Repairing<'a> {
    disk: &'a dyn Disk,
    folder: &'a Path,
    /// Where what is changed is kept.
    copies: PathBuf,
}

impl Repairing<'_> {
    fn carry_out(
        &self,
        salvage: &Salvage,
        inventory: &Inventory,
        identity: Identity,
        now: UnixMillis,
    ) -> Result<Vec<String>, Error> {
        let mut changes = Vec::new();
        self.make_folders()?;
        self.copy(identity::FILE)?;
        let takes_database = salvage.base != Base::Current && inventory.database != plan::DatabaseFile::Missing;
        if takes_database {
            self.link(publish::DATABASE)?;
        }
        for id in &salvage.dropped {
            self.link(&id.file_name())?;
        }
        if let Some(cut) = salvage.cut {
            self.copy(&cut.id.file_name())?;
        }
        self.sync(&self.copies)?;

        if salvage.base == Base::Previous {
            self.promote()?;
            changes.push(format!("{} is {} now", publish::PREVIOUS, publish::DATABASE));
        } else if takes_database {
            self.remove(publish::DATABASE)?;
        }
        // From the newest on, so that what is left is a journal at every step.
        for id in salvage.dropped.iter().rev() {
            self.remove(&id.file_name())?;
            changes.push(format!("{} is in {}", id.file_name(), self.copies.display()));
        }
        if let Some(cut) = salvage.cut {
            journal::cut(self.disk, self.folder, cut.id, cut.end)?;
            changes.push(format!("{} ends at byte {}", cut.id.file_name(), cut.end));
        }
        self.sync(self.folder)?;
        self.begin(salvage, identity, now)?;
        changes.push(format!("{} goes on from there", salvage.next.id.file_name()));
        Ok(changes)
    }

    /// Begins a segment behind what is kept. Its first LSN is above all that were given up, so that what they were
    /// known by is no sign of damage any more.
    fn begin(&self, salvage: &Salvage, identity: Identity, now: UnixMillis) -> Result<(), Error> {
        let (id, link) = (salvage.next.id, salvage.next.link);
        let path = self.folder.join(id.file_name());
        let stamp = Stamp::random(identity.database_id).map_err(Error::io(&path, "make up a salt for"))?;
        let (first_lsn, durable_lsn) = (identity.ceiling, Lsn::ZERO);
        let header = SegmentHeader { stamp, id, first_lsn, durable_lsn, created_at: now, link };
        SegmentWriter::create(self.disk, self.folder, &header, Growth::ByFrames)?;
        IdentityFile::new(self.folder, identity, Some(identity)).update(self.disk, |identity| {
            identity.newest_segment = id.0;
            identity.journal_closed = false;
            identity.off_ahead = false;
        })
    }

    /// Gives database.mtdb.prev the name database.mtdb as well.
    fn promote(&self) -> Result<(), Error> {
        let (previous, temporary) = (self.folder.join(publish::PREVIOUS), self.folder.join(publish::TEMPORARY));
        if self.disk.exists(&temporary).map_err(Error::io(&temporary, "look for"))? {
            self.disk.remove(&temporary).map_err(Error::io(&temporary, "remove"))?;
        }
        self.disk.hard_link(&previous, &temporary).map_err(Error::io(&temporary, "link"))?;
        let database = self.folder.join(publish::DATABASE);
        self.disk.rename(&temporary, &database).map_err(Error::io(&database, "put in place"))
    }

    fn make_folders(&self) -> Result<(), Error> {
        self.disk.create_folder(&self.copies).map_err(Error::io(&self.copies, "create"))?;
        self.sync(&self.folder.join(QUARANTINE))?;
        self.sync(self.folder)
    }

    /// A second name for a file that is about to lose its first.
    fn link(&self, name: &str) -> Result<(), Error> {
        let copy = self.copies.join(name);
        self.disk.hard_link(&self.folder.join(name), &copy).map_err(Error::io(&copy, "link"))
    }

    /// A copy of a file that is about to be changed.
    fn copy(&self, name: &str) -> Result<(), Error> {
        let (path, copy) = (self.folder.join(name), self.copies.join(name));
        let source = self.disk.open(&path).map_err(Error::io(&path, "open"))?;
        let bytes = source.bytes().map_err(Error::io(&path, "read the size of"))?;
        let target = self.disk.create(&copy).map_err(Error::io(&copy, "create"))?;
        let mut part = Vec::new();
        let mut offset = 0;
        while offset < bytes {
            part.resize(usize::try_from(COPIED_BYTES.min(bytes - offset)).unwrap_or_default(), 0);
            source.read_exact_at(&mut part, offset).map_err(Error::io(&path, "read"))?;
            target.write_all_at(&[IoSlice::new(&part)], offset).map_err(Error::io(&copy, "write"))?;
            offset += part.len() as u64;
        }
        target.sync_all().map_err(Error::io(&copy, "sync"))
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        self.disk.remove(&path).map_err(Error::io(&path, "remove"))
    }

    fn sync(&self, folder: &Path) -> Result<(), Error> {
        self.disk.sync_folder(folder).map_err(Error::io(folder, "sync"))
    }
}

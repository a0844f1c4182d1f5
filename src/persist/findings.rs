//! Opens what the inventory has listed, as far as a plan depends on it: the snapshots' ends and the segments.
//!
//! Invariant: it reads and changes nothing, and it reads no more of the journal than the base needs that the plan will
//! begin with. What is damaged is a finding; what is foreign, or of a newer version, ends it, because no plan can step
//! over that.

use std::path::Path;

use super::error::Error;
use super::identity::{self, Identity};
use super::inventory::Inventory;
use super::journal;
use super::plan::{self, DatabaseFile, Found, JournalFound, Plan, Refused, SegmentFound, SnapshotFound};
use super::publish;
use super::snapshot::SnapshotReader;
use crate::base::disk::Disk;

/// What was found, with the snapshots that it was read from.
#[derive(Debug)]
pub struct Findings {
    /// For the plan.
    pub found: Found,
    /// database.mtdb, when it is good so far.
    pub current: Option<SnapshotReader>,
    /// database.mtdb.prev, when it is good so far. It is opened only beside a journal.
    pub previous: Option<SnapshotReader>,
}

impl Findings {
    /// Opens what `inventory` has listed in `folder`. With `lost`, database.mtdb is known to be damaged in that way.
    ///
    /// # Errors
    /// `Newer`, `Foreign`, `IdentityOlder`, or the disk's; `Damaged` for a database.mtdb that no journal can stand in
    /// for.
    pub fn take(disk: &dyn Disk, folder: &Path, inventory: &Inventory, lost: Option<&str>) -> Result<Findings, Error> {
        let mut findings = Findings {
            found: Found { folder: inventory.folder(), journal: JournalFound::none() },
            current: None,
            previous: None,
        };
        let journal = &mut findings.found.journal;
        journal.has_files = !inventory.segments.is_empty();
        let Some(identity) = &inventory.identity else {
            // The plan takes no folder of ours without IDENTITY, whatever is in its files.
            return Ok(findings);
        };
        let has_journal = identity.newest_segment > 0 || journal.has_files;
        journal.newest = identity.newest_segment;
        journal.off_ahead = identity.off_ahead;
        journal.closed = (identity.stopped_cleanly && identity.journal_closed).then_some(identity.ceiling);

        let current = match (inventory.database, lost) {
            (DatabaseFile::Missing, _) => Ok(None),
            (_, Some(what)) => Err(what.to_owned()),
            (DatabaseFile::Go, None) => Err("database.mtdb is no snapshot of memory-tools (damaged at byte 0, or \
                                             replaced)"
                .to_owned()),
            (DatabaseFile::Ours, None) => match open_snapshot(disk, folder, inventory, identity) {
                Ok(reader) => Ok(Some(reader)),
                Err(Error::Damaged { damage, .. }) if has_journal => Err(damage.to_string()),
                Err(error) => return Err(error),
            },
        };
        (journal.current, findings.current) = worth(current);
        if has_journal {
            let previous = if inventory.previous { open_previous(disk, folder, identity) } else { Ok(None) };
            (journal.previous, findings.previous) = worth(previous);
            let from = plan::first_needed(journal);
            for id in inventory.segments.iter().copied().filter(|id| *id >= from) {
                let scan = journal::scan(disk, folder, id, identity.database_id)?;
                journal.segments.push(SegmentFound { id, scan });
            }
        }
        Ok(findings)
    }

    /// What to do with the folder.
    ///
    /// # Errors
    /// Why it must not be opened.
    pub fn plan(&self) -> Result<Plan, Refused> {
        plan::decide(&self.found)
    }
}

/// What is to be known of a snapshot that was opened, is not there, or is damaged in this way.
fn worth(opened: Result<Option<SnapshotReader>, String>) -> (SnapshotFound, Option<SnapshotReader>) {
    match opened {
        Ok(None) => (SnapshotFound::Missing, None),
        Err(what) => (SnapshotFound::Damaged { what }, None),
        Ok(Some(reader)) => {
            let (replay_from, capture_end) = (reader.replay_from(), reader.capture_end());
            (SnapshotFound::Good { replay_from, capture_end }, Some(reader))
        }
    }
}

/// Opens the folder's snapshot and holds it against IDENTITY.
///
/// # Errors
/// `Damaged`, `Newer`, `Foreign`, `IdentityOlder`, or the disk's.
pub fn open_snapshot(
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

/// Opens the snapshot before. Nothing that is wrong with it keeps a start from using the newer one.
fn open_previous(disk: &dyn Disk, folder: &Path, identity: &Identity) -> Result<Option<SnapshotReader>, String> {
    let path = folder.join(publish::PREVIOUS);
    match SnapshotReader::open(disk, &path, "") {
        Ok(reader) if reader.database_id() != identity.database_id => {
            Err(format!("{}: belongs to another database", path.display()))
        }
        Ok(reader) => Ok(Some(reader)),
        Err(Error::Damaged { damage, .. }) => Err(damage.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

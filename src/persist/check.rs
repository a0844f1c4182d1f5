//! `memory-tools check PATH`: says what a file or a data folder holds and whether all of it is sound.
//!
//! Invariant: it reads and nothing else, takes no lock, and so may run beside a serving process. A file that is
//! damaged does not end it: every file gets its verdict.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Damage, Error, in_folder};
use super::findings::Findings;
use super::golang::{self, Faults, GoImport};
use super::identity::{self, Identity};
use super::inventory::{self, Inventory};
use super::journal::{self, Link, SegmentId, SegmentScan, Tail};
use super::plan::{Cut, DatabaseFile, Plan, Recovery};
use super::publish;
use super::restore;
use super::snapshot::{REPLAY_TEMPORARY, SnapshotReader};
use super::writing::COPY_TEMPORARY;
use crate::base::disk::{Disk, Listed};
use crate::model::CollectionOptions;

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// One for each file, in the order of a start's interest.
    pub files: Vec<FileReport>,
    /// What a start would refuse, though each file by itself may be sound.
    pub refusals: Vec<String>,
}

/// What one file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// What it holds, in words.
    pub content: String,
    /// Whether it can be used.
    pub verdict: Verdict,
}

/// Whether a file can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every byte that matters was read and holds.
    Sound,
    /// It is damaged, foreign or from a newer version; its content says where.
    Unsound,
    /// It is nothing that a start reads.
    Unread,
}

impl CheckReport {
    /// True when a start would load what is there, and what it could go back to is whole: exit code 0, else 3.
    pub fn is_sound(&self) -> bool {
        self.refusals.is_empty() && self.files.iter().all(|file| file.verdict != Verdict::Unsound)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FileReport { path, content, verdict } in &self.files {
            match verdict {
                Verdict::Sound => writeln!(f, "sound    {}: {content}", path.display())?,
                Verdict::Unsound => writeln!(f, "UNSOUND  {content}")?,
                Verdict::Unread => writeln!(f, "         {}: {content}", path.display())?,
            }
        }
        self.refusals.iter().try_for_each(|refusal| writeln!(f, "REFUSED  {refusal}"))?;
        f.write_str(if self.is_sound() { "everything is sound\n" } else { "not sound: see above\n" })
    }
}

/// Checks the file or the data folder at `path`.
///
/// # Errors
/// The disk's, where it refuses even to say what is there. What it refuses about one file is that file's verdict.
pub fn check(disk: &Arc<dyn Disk>, path: &Path) -> Result<CheckReport, Error> {
    match disk.list(path) {
        Ok(_) => check_folder(disk, path),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Ok(CheckReport { files: vec![check_file(disk, path)], refusals: Vec::new() })
        }
        Err(error) => Err(Error::io(path, "look at")(error)),
    }
}

fn check_folder(disk: &Arc<dyn Disk>, folder: &Path) -> Result<CheckReport, Error> {
    // A damaged IDENTITY gets its verdict below.
    let inventory = Inventory::take(disk.as_ref(), folder).ok();
    let (plan, refusal) = match inventory.as_ref().map(|inventory| would_start(disk.as_ref(), folder, inventory)) {
        Some(Ok(plan)) => (Some(plan), None),
        Some(Err(refusal)) => (None, refusal),
        None => (None, None),
    };
    let identity = inventory.and_then(|inventory| inventory.identity);
    let mut files = Vec::new();
    for listed in disk.list(folder).map_err(Error::io(folder, "list"))? {
        let path = folder.join(&listed.name);
        match listed.name.as_str() {
            identity::FILE | publish::DATABASE | publish::PREVIOUS | golang::MAIN_FILE => {
                files.push(check_file(disk, &path));
            }
            golang::COLLECTIONS_FOLDER if listed.is_folder => {
                let within = disk.list(&path).map_err(Error::io(&path, "list"))?;
                let collections = within.iter().filter(|listed| golang::is_collection(listed));
                files.extend(collections.map(|listed| check_file(disk, &path.join(&listed.name))));
            }
            name => match (SegmentId::of_name(name), &identity) {
                (Some(id), Some(identity)) => {
                    let checked = check_segment(disk.as_ref(), folder, id, identity, plan.as_ref());
                    files.push(report(&path, checked));
                }
                (id, _) => {
                    if let Some(what) = describe(name, id) {
                        let content = format!("{what}, {}", extent(disk.as_ref(), &path, &listed)?);
                        files.push(FileReport { path, content, verdict: Verdict::Unread });
                    }
                }
            },
        }
    }
    Ok(CheckReport { files, refusals: refusal.into_iter().collect() })
}

/// What a start would do; or why it would refuse files that are sound by themselves, unless a file's own verdict says
/// so.
fn would_start(disk: &dyn Disk, folder: &Path, inventory: &Inventory) -> Result<Plan, Option<String>> {
    match Findings::take(disk, folder, inventory, None) {
        Ok(findings) => findings.plan().map_err(|refused| Some(in_folder(folder, &refused))),
        Err(error @ (Error::Foreign { .. } | Error::IdentityOlder { .. })) => Err(Some(error.to_string())),
        Err(_) => Err(None),
    }
}

/// Says what is in a segment. An end that a start would cut off as an interrupted write is no damage.
fn check_segment(
    disk: &dyn Disk,
    folder: &Path,
    id: SegmentId,
    identity: &Identity,
    plan: Option<&Plan>,
) -> Result<String, Error> {
    let scan = journal::scan(disk, folder, id, identity.database_id)?.map_err(damaged)?;
    let SegmentScan { header, end, last_lsn, durable_lsn, frames, records, .. } = &scan;
    let from = match header.link {
        Link::Follows { .. } => format!("goes on from segment {}", id.0.saturating_sub(1)),
        Link::Start { .. } | Link::AfterFailure => format!("goes on from {}", header.link),
    };
    let numbered = match records {
        0 => format!("no record, LSNs go on from {}", header.first_lsn),
        _ => format!("{records} records in {frames} frames, LSNs from {} to {last_lsn}", header.first_lsn),
    };
    let what = format!(
        "segment of database {}: {from}, {numbered}, {end} bytes, durable up to LSN {durable_lsn} at the least{}",
        header.stamp.database_id,
        if scan.clean_stop { ", after a clean stop" } else { "" },
    );
    let (Tail::Bytes(bytes), Some(fault)) = (scan.tail, scan.fault) else {
        return Ok(what);
    };
    match plan {
        Some(Plan::Recover(Recovery { cut: Some(Cut { id: cut, .. }), .. })) if *cut == id => {
            Ok(format!("{what}; then {bytes} bytes of an interrupted write, which a start cuts off"))
        }
        _ => Err(damaged(fault.damage)),
    }
}

fn damaged(damage: Damage) -> Error {
    Error::Damaged { damage: Box::new(damage), advice: String::new() }
}

/// What a file is that a start does not read.
fn describe(name: &str, id: Option<SegmentId>) -> Option<&'static str> {
    match name {
        _ if id.is_some() => Some("a segment of the journal"),
        publish::TEMPORARY | publish::PREVIOUS_TEMPORARY | REPLAY_TEMPORARY | COPY_TEMPORARY | identity::TEMPORARY => {
            Some("being written, or never finished")
        }
        name if name.ends_with(golang::ORIGINAL_SUFFIX) => Some("a file of the Go server, imported"),
        journal::TEMPORARY => Some("a segment of the journal, not yet begun"),
        name if name.starts_with(restore::ASIDE) => Some("what was there before a restore"),
        journal::QUARANTINE => Some("what repairs have put aside"),
        _ => None,
    }
}

/// How much there is of it: a file's bytes, and of a folder those of the files in it.
fn extent(disk: &dyn Disk, path: &Path, listed: &Listed) -> Result<String, Error> {
    if !listed.is_folder {
        return Ok(format!("{} bytes", listed.bytes));
    }
    let within = disk.list(path).map_err(Error::io(path, "list"))?;
    let bytes: u64 = within.iter().map(|listed| listed.bytes).sum();
    Ok(format!("{} files of together {bytes} bytes", within.len()))
}

fn check_file(disk: &Arc<dyn Disk>, path: &Path) -> FileReport {
    let checked = inventory::judge(disk.as_ref(), path).and_then(|content| match content {
        DatabaseFile::Ours => check_snapshot(disk, path),
        _ if path.ends_with(identity::FILE) => check_identity(disk, path),
        _ => check_import(disk, path),
    });
    report(path, checked)
}

fn report(path: &Path, checked: Result<String, Error>) -> FileReport {
    match checked {
        Ok(content) => FileReport { path: path.to_owned(), content, verdict: Verdict::Sound },
        Err(error) => {
            let content = match error {
                Error::Damaged { damage, .. } => damage.to_string(),
                error => error.to_string(),
            };
            FileReport { path: path.to_owned(), content, verdict: Verdict::Unsound }
        }
    }
}

fn check_identity(disk: &Arc<dyn Disk>, path: &Path) -> Result<String, Error> {
    let Identity { database_id, ceiling, stopped_cleanly, settled, newest_segment, .. } =
        Identity::read(disk.as_ref(), path)?;
    let stop = if stopped_cleanly { "after a clean stop" } else { "running, or not stopped cleanly" };
    let snapshot = if settled { "a snapshot has been published" } else { "no snapshot has been published yet" };
    let journal = match newest_segment {
        0 => "no journal has been begun".to_owned(),
        newest => format!("the newest segment of the journal is {newest}"),
    };
    Ok(format!("identity of database {database_id}, LSNs go on from {ceiling}, {stop}, {snapshot}, {journal}"))
}

fn check_snapshot(disk: &Arc<dyn Disk>, path: &Path) -> Result<String, Error> {
    let snapshot = SnapshotReader::open(disk.as_ref(), path, "")?;
    snapshot.verify()?;
    let with_options = snapshot.collections().iter().filter(|record| record.options != CollectionOptions::default());
    Ok(format!(
        "snapshot of database {}: {} documents of {} bytes, {} collections ({} with options), {} blocks, {} bytes, \
         captured at {} ms up to LSN {}",
        snapshot.database_id(),
        snapshot.documents(),
        snapshot.document_bytes(),
        snapshot.collections().len(),
        with_options.count(),
        snapshot.block_count(),
        snapshot.bytes(),
        snapshot.captured_at().0,
        snapshot.capture_end(),
    ))
}

fn check_import(disk: &Arc<dyn Disk>, path: &Path) -> Result<String, Error> {
    let path = path.to_owned();
    let is_collection = path.extension().is_some_and(|extension| extension == "cmtdb");
    let (main, collections) = if is_collection { (None, vec![path]) } else { (Some(path), Vec::new()) };
    let summary = GoImport::of(disk.clone(), main, &collections, Faults::Stop)?.for_each(&mut |_| {})?;
    Ok(format!("file of the Go server with {} documents", summary.documents))
}

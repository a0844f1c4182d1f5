//! Takes the end off a segment that an interrupted write has left, after a copy of it was put aside.
//!
//! Invariant: nothing is taken away before its copy is durable, and nothing is moved: a crash in between leaves a folder
//! that is judged as before. Nothing here is ever deleted.
//! What is to be cut, and whether it may be, is decided elsewhere.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use super::segment::{HEADER_BYTES, SegmentId};
use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::persist::error::Error;

/// The folder, within the data folder, for what is taken out of service.
pub const QUARANTINE: &str = "quarantine";

/// Bytes that are copied at once.
const COPIED_BYTES: u64 = 1 << 20;

/// Copies the bytes `from..to` of segment `id` into the quarantine of `folder`, and returns the copy's path.
///
/// # Errors
/// The disk's.
///
/// # Durability
/// When this returns, the copy survives a loss of power.
pub fn quarantine(
    disk: &dyn Disk,
    folder: &Path,
    id: SegmentId,
    from: u64,
    to: u64,
    now: UnixMillis,
) -> Result<PathBuf, Error> {
    let quarantine = folder.join(QUARANTINE);
    disk.create_folder(&quarantine).map_err(Error::io(&quarantine, "create"))?;
    let source_path = folder.join(id.file_name());
    let copy_path = free_name(disk, &quarantine, &format!("{}-{from}-{}", id.file_name(), now.0))?;
    let source = disk.open(&source_path).map_err(Error::io(&source_path, "open"))?;
    let copy = disk.create(&copy_path).map_err(Error::io(&copy_path, "create"))?;
    let mut part = Vec::new();
    let mut offset = from;
    while offset < to {
        part.resize(usize::try_from(COPIED_BYTES.min(to - offset)).unwrap_or_default(), 0);
        source.read_exact_at(&mut part, offset).map_err(Error::io(&source_path, "read"))?;
        copy.write_all_at(&[IoSlice::new(&part)], offset - from).map_err(Error::io(&copy_path, "write"))?;
        offset += part.len() as u64;
    }
    copy.sync_all().map_err(Error::io(&copy_path, "sync"))?;
    disk.sync_folder(&quarantine).map_err(Error::io(&quarantine, "sync"))?;
    disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
    Ok(copy_path)
}

/// A name in `quarantine` that nothing has: a second copy never takes the place of a first one, which may hold more.
fn free_name(disk: &dyn Disk, quarantine: &Path, stem: &str) -> Result<PathBuf, Error> {
    let mut path = quarantine.join(format!("{stem}.tail"));
    let mut number = 1;
    while disk.exists(&path).map_err(Error::io(&path, "look for"))? {
        number += 1;
        path = quarantine.join(format!("{stem}-{number}.tail"));
    }
    Ok(path)
}

/// Cuts segment `id` in `folder` to `end`, which is behind its last good frame. Done once more, it changes nothing.
///
/// # Errors
/// The disk's.
///
/// # Durability
/// When this returns, the cut survives a loss of power, and so does what stands before it.
pub fn cut(disk: &dyn Disk, folder: &Path, id: SegmentId, end: u64) -> Result<(), Error> {
    assert!(end >= HEADER_BYTES as u64, "a segment keeps its header");
    let path = folder.join(id.file_name());
    let file = disk.open_to_change(&path).map_err(Error::io(&path, "open"))?;
    file.set_bytes(end).map_err(Error::io(&path, "cut"))?;
    file.sync_all().map_err(Error::io(&path, "sync"))
}

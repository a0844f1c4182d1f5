//! The one door to files: everything that reads, writes or renames goes through `Disk`.
//!
//! `RealDisk` is the operating system. Tests put a twin behind the same trait that keeps a live and a durable
//! image and forgets at a crash what was never synced.
//! Invariant: nothing outside this room's `real` calls `std::fs`, but for `proc`, which reads /proc and nothing else,
//! and `socket_file`. It knows nothing of formats.

mod real;

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::Path;

use smallvec::SmallVec;

use super::fault::{Fault, is_planted};
pub use real::RealDisk;

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name within its folder; names that are not UTF-8 are shown lossily.
    pub name: String,
    /// Size in bytes, 0 for folders.
    pub bytes: u64,
    /// True for a folder.
    pub is_folder: bool,
}

/// An open file. Readers may share it; a writer owns it.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` behind what this call wrote before, the first time at the file's start.
    ///
    /// # Errors
    /// The operating system's, or `WriteZero`. How much was written is then unknown.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Writes the `parts` behind one another from `offset` on, in one call, and says how many bytes it took: it may be
    /// fewer than there are. Several threads may write to a file in this way; it moves nothing for `write_all`.
    ///
    /// # Errors
    /// The operating system's.
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;

    /// Writes all of the `parts` behind one another from `offset` on: one call of `write_at`, and more of them as long
    /// as it takes less than there is.
    ///
    /// # Errors
    /// The operating system's, or `WriteZero` when it takes nothing. How much was written is then unknown.
    fn write_all_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut offset = offset;
        let mut copied: SmallVec<[IoSlice<'_>; 16]> = parts.iter().copied().collect();
        let mut rest = copied.as_mut_slice();
        // Steps over empty parts, so that what is left is empty only when nothing is.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match self.write_at(rest, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) if is_planted(Fault::IgnoreShortWrite) => return Ok(()),
                Ok(taken) => {
                    offset = offset.saturating_add(taken as u64);
                    IoSlice::advance_slices(&mut rest, taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Cuts the file to `bytes`, or extends it with zeros (ftruncate).
    ///
    /// # Errors
    /// The operating system's. The size is then unknown.
    fn set_bytes(&self, bytes: u64) -> io::Result<()>;

    /// Fills `into` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before, else the operating system's.
    fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()>;

    /// Size in bytes.
    fn bytes(&self) -> io::Result<u64>;

    /// Makes what was written durable (fdatasync).
    fn sync_data(&self) -> io::Result<()>;

    /// Makes what was written durable, with the file's own metadata (fsync).
    fn sync_all(&self) -> io::Result<()>;

    /// Tells that nobody will read these `bytes` soon, so that what is durable of them need not stay in the system's cache
    /// (posix_fadvise). It is advice: where it is not taken, nothing is wrong; nor is it taken for what the system keeps in one
    /// piece with bytes beyond.
    fn release(&self, bytes: Range<u64>);
}

/// A folder that is locked for this process; dropping it unlocks.
pub trait DiskLock: Send + Sync + fmt::Debug {}

/// Why a folder could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it; with what it wrote into the lock file (its pid).
    Held(String),
    /// The operating system refused.
    Io(io::Error),
}

/// Files and folders by path.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates `path` for writing, emptying what was there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens `path` for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens `path`, which must exist, for reading and writing, and leaves in it what is there.
    fn open_to_change(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Creates `path` and its parents as folders; an existing folder is no error.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Gives `from` the name `to`, replacing what was there, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives the file `from` the second name `to`, which must not exist.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the file `path`.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// True when there is a file at `path`.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The permission bits of `path`; of a symbolic link those of what it leads to.
    fn mode(&self, path: &Path) -> io::Result<u32>;

    /// The user to whom `path` belongs; of a symbolic link that of what it leads to.
    fn owner(&self, path: &Path) -> io::Result<u32>;

    /// What is in the folder `path`, sorted by name. A symbolic link is shown as what it leads to.
    fn list(&self, path: &Path) -> io::Result<Vec<Listed>>;

    /// Bytes that an unprivileged process may still use on the disk that holds `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;

    /// Makes creations, renames, links and removals in the folder `path` durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Locks `path` (created when absent) for this process and writes `note` into it.
    fn lock(&self, path: &Path, note: &str) -> Result<Box<dyn DiskLock>, LockError>;
}

/// Reads a whole file whose size is at most `bytes_max`.
///
/// # Errors
/// `InvalidData` naming both sizes when it is larger; else the disk's.
pub fn read_whole(disk: &dyn Disk, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let bytes = file.bytes()?;
    if bytes > bytes_max {
        let text = format!("{} has {bytes} bytes, at most {bytes_max} are read", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut content = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

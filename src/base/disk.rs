//! The one door to files: everything that reads, writes or renames goes through `Disk`.
//!
//! `RealDisk` is the operating system. Tests put a twin behind the same trait that keeps a live and a durable
//! image and forgets at a crash what was never synced.
//! Invariant: nothing outside this file calls `std::fs`, but for `proc`, which reads /proc and nothing else, and
//! `socket_file`. It knows nothing of formats.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

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
    /// Appends all of `bytes` at the end of what was written so far.
    ///
    /// # Errors
    /// The operating system's, or `WriteZero`. How much was written is then unknown.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

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

    /// What is in the folder `path`, sorted by name. A symbolic link is shown as what it leads to.
    fn list(&self, path: &Path) -> io::Result<Vec<Listed>>;

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

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile(fs::File);

#[derive(Debug)]
struct RealLock {
    // Held for its lock: closing the file releases it.
    _file: fs::File,
}

impl DiskLock for RealLock {}

impl DiskFile for RealFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = fs::File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(fs::File::open(path)?)))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // One that leads nowhere is a name that is taken all the same.
            let metadata = fs::metadata(entry.path()).or_else(|_| entry.metadata())?;
            listed.push(Listed {
                name: entry.file_name().to_string_lossy().into_owned(),
                bytes: if metadata.is_dir() { 0 } else { metadata.len() },
                is_folder: metadata.is_dir(),
            });
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // An empty relative path is the current folder.
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() };
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path, note: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(LockError::Io)?;
                file.write_all(note.as_bytes()).map_err(LockError::Io)?;
                Ok(Box::new(RealLock { _file: file }))
            }
            Err(fs::TryLockError::WouldBlock) => {
                Err(LockError::Held(fs::read_to_string(path).unwrap_or_default().trim().to_owned()))
            }
            Err(fs::TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Go server followed a link called `collections`; an import that took it for a file left its documents out.
    #[test]
    fn a_link_is_listed_as_what_it_leads_to() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        fs::write(path("file"), "four").unwrap();
        for name in ["folder", "file", "nothing"] {
            std::os::unix::fs::symlink(path(name), path(&format!("to-{name}"))).unwrap();
        }
        let listed = RealDisk.list(home.path()).unwrap();
        let find = |name: &str| listed.iter().find(|it| it.name == name).map(|it| (it.bytes, it.is_folder));
        assert_eq!((find("to-folder"), find("to-file")), (Some((0, true)), Some((4, false))));
        assert!(find("to-nothing").is_some_and(|(_, is_folder)| !is_folder));
    }
}

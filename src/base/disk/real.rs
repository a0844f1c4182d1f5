//! The operating system behind `Disk`.
//!
//! Invariant: one call of the trait is one call of the system, but for `write_all` and `create_folder`, which repeat
//! theirs. It retries nothing else and remembers nothing.

use std::fs;
use std::io::{self, IoSlice, Write};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Advice;

use super::{Disk, DiskFile, DiskLock, Listed, LockError};

/// The most parts that one pwritev(2) takes (UIO_MAXIOV).
const PARTS_MAX: usize = 1024;

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

    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let parts = parts.get(..PARTS_MAX).unwrap_or(parts);
        Ok(rustix::io::pwritev(&self.0, parts, offset)?)
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
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

    fn release(&self, bytes: Range<u64>) {
        // A length of zero would mean all the rest of the file.
        if let Some(count) = NonZeroU64::new(bytes.end.saturating_sub(bytes.start)) {
            let _ = rustix::fs::fadvise(&self.0, bytes.start, Some(count), Advice::DontNeed);
        }
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

    fn open_to_change(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(fs::File::options().read(true).write(true).open(path)?)))
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

    fn owner(&self, path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.uid())
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

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
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
    use std::io::IoSliceMut;

    use rustix::io::{Errno, ReadWriteFlags};

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

    #[test]
    fn more_parts_than_one_call_takes_are_written_all_the_same() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let file = RealDisk.create(&path).unwrap();
        let texts: Vec<String> = (0..PARTS_MAX * 2 + 1).map(|number| format!("{number} ")).collect();
        let mut parts: Vec<IoSlice<'_>> = texts.iter().map(|text| IoSlice::new(text.as_bytes())).collect();
        parts.insert(PARTS_MAX, IoSlice::new(b""));
        file.write_all_at(&[], 0).unwrap();
        file.write_all_at(&[IoSlice::new(b"")], 0).unwrap();
        file.write_all_at(&parts, 3).unwrap();
        assert_eq!(fs::read(&path).unwrap(), format!("\0\0\0{}", texts.concat()).into_bytes());
    }

    #[test]
    fn a_file_opened_to_change_keeps_what_is_in_it_until_it_is_cut() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        assert_eq!(RealDisk.open_to_change(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "0123456789").unwrap();
        let file = RealDisk.open_to_change(&path).unwrap();
        file.write_all_at(&[IoSlice::new(b"ab"), IoSlice::new(b"c")], 4).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"0123abc789");
        file.set_bytes(5).unwrap();
        assert_eq!((fs::read(&path).unwrap(), file.bytes().unwrap()), (b"0123a".to_vec(), 5));
        file.set_bytes(7).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"0123a\0\0");
    }

    #[test]
    fn what_is_durable_and_released_leaves_the_cache_and_can_be_read_all_the_same() {
        const PIECE: usize = 1 << 20;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let mut file = RealDisk.create(&path).unwrap();
        file.write_all(&vec![1; 2 * PIECE]).unwrap();
        file.sync_data().unwrap();
        let reader = fs::File::open(&path).unwrap();
        // A read that does not wait finds what is in the cache and nothing else.
        let cached = |at: usize| {
            let mut byte = [0];
            let into = &mut [IoSliceMut::new(&mut byte)];
            rustix::io::preadv2(&reader, into, at as u64, ReadWriteFlags::NOWAIT)
        };
        if cached(0) == Err(Errno::OPNOTSUPP) {
            eprintln!("the file system of {} has no cache to ask for", home.path().display());
            return;
        }
        assert_eq!((cached(0), cached(PIECE)), (Ok(1), Ok(1)));
        file.release(PIECE as u64..PIECE as u64);
        assert_eq!((cached(0), cached(PIECE)), (Ok(1), Ok(1)));
        file.release(0..2 * PIECE as u64);
        assert_eq!((cached(0), cached(PIECE)), (Err(Errno::AGAIN), Err(Errno::AGAIN)));
        let mut byte = [0];
        file.read_exact_at(&mut byte, 0).unwrap();
        assert_eq!(byte, [1]);
    }

    #[test]
    fn the_free_bytes_of_a_folder_are_those_of_its_disk() {
        let home = tempfile::tempdir().unwrap();
        assert!(RealDisk.free_bytes(home.path()).unwrap() > 0);
        let nowhere = home.path().join("nowhere");
        assert_eq!(RealDisk.free_bytes(&nowhere).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}

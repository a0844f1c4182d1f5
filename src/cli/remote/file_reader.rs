//! A file read from its beginning to its end, through the door to the disk.

use std::io::{self, Read};
use std::path::Path;

use crate::base::disk::{Disk, DiskFile};

/// A file that is read forwards.
#[derive(Debug)]
pub struct FileReader {
    file: Box<dyn DiskFile>,
    at: u64,
    bytes: u64,
}

impl FileReader {
    /// The file `path`, as long as it is now.
    ///
    /// # Errors
    /// The disk's, with the path.
    pub fn open(disk: &dyn Disk, path: &Path) -> io::Result<FileReader> {
        let opened = disk.open(path).and_then(|file| Ok((file.bytes()?, file)));
        let (bytes, file) = opened.map_err(|error| at(path, &error))?;
        Ok(FileReader { file, at: 0, bytes })
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Read for FileReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes - self.at).unwrap_or(usize::MAX);
        let count = into.len().min(left);
        let (into, _) = into.split_at_mut(count);
        self.file.read_exact_at(into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// `error` with the path that it is about.
pub fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

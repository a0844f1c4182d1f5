//! A file that has its name only when it is whole.
//!
//! Invariant: until `finish` everything is in `NAME.partial` beside it, and a file that had the name before is untouched.
//! What is left there by a run that did not come to its end is gone on with, or begun anew, as the next one says.

use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};

use super::file_reader::at;
use crate::base::disk::{Disk, DiskFile};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// A file on its way.
#[derive(Debug)]
pub struct Partial<'d> {
    disk: &'d dyn Disk,
    /// What it will be called.
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// Bytes in the file.
    written: u64,
    /// What comes behind them.
    gathered: Vec<u8>,
}

/// Where the file `path` is until it is whole.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

impl<'d> Partial<'d> {
    /// Begins anew.
    ///
    /// # Errors
    /// The disk's, with the path.
    pub fn create(disk: &'d dyn Disk, path: &Path) -> io::Result<Partial<'d>> {
        let file = disk.create(&beside(path)).map_err(|error| at(&beside(path), &error))?;
        Ok(Partial { disk, path: path.to_owned(), file, written: 0, gathered: Vec::new() })
    }

    /// Goes on behind the first `bytes` of what is there; what follows them is cut off.
    ///
    /// # Errors
    /// The disk's, with the path.
    pub fn go_on(disk: &'d dyn Disk, path: &Path, bytes: u64) -> io::Result<Partial<'d>> {
        let opened = disk.open_to_change(&beside(path)).and_then(|file| {
            file.set_bytes(bytes)?;
            Ok(file)
        });
        let file = opened.map_err(|error| at(&beside(path), &error))?;
        Ok(Partial { disk, path: path.to_owned(), file, written: bytes, gathered: Vec::new() })
    }

    /// Gives the file its name, in place of one that had it before.
    ///
    /// # Errors
    /// The disk's, with the path.
    ///
    /// # Durability
    /// What was written is on the disk when this returns, under its name.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let named = self.file.sync_all().and_then(|()| self.disk.rename(&beside(&self.path), &self.path));
        named.and_then(|()| self.disk.sync_folder(folder)).map_err(|error| at(&self.path, &error))
    }
}

impl Write for Partial<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all_at(&[IoSlice::new(&self.gathered)], self.written);
        written.map_err(|error| at(&beside(&self.path), &error))?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }
}

//! Reads a file from front to back by parts of any length, a mebibyte ahead.
//!
//! Invariant: nothing behind `limit` is read, and no length sizes the buffer that was not held against it.
//! It knows bytes, not what they mean.

use std::path::Path;

use crate::base::disk::DiskFile;
use crate::persist::error::Error;

/// Bytes that are read at once, at the least.
const AHEAD_BYTES: usize = 1 << 20;

/// A part of a file in memory.
#[derive(Debug)]
pub(in crate::persist) struct Window<'f> {
    path: &'f Path,
    file: &'f dyn DiskFile,
    limit: u64,
    start: u64,
    buffer: Vec<u8>,
}

impl<'f> Window<'f> {
    /// Of `file`, which is called `path`, up to `limit`.
    pub fn new(path: &'f Path, file: &'f dyn DiskFile, limit: u64) -> Window<'f> {
        Window { path, file, limit, start: 0, buffer: Vec::new() }
    }

    /// The file's path.
    pub fn path(&self) -> &'f Path {
        self.path
    }

    /// Where reading ends.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes from `offset` to the limit.
    pub fn remaining(&self, offset: u64) -> u64 {
        self.limit.saturating_sub(offset)
    }

    /// At most `bytes` from `offset` on: fewer only where the limit comes first.
    ///
    /// # Errors
    /// The disk's.
    pub fn read(&mut self, offset: u64, bytes: usize) -> Result<&[u8], Error> {
        let remaining = usize::try_from(self.remaining(offset)).unwrap_or(usize::MAX);
        let bytes = bytes.min(remaining);
        let end = offset + bytes as u64;
        if offset < self.start || end > self.start + self.buffer.len() as u64 {
            self.move_to(offset, bytes.max(AHEAD_BYTES).min(remaining))?;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.buffer.get(from..from + bytes).expect("the window was moved over these bytes"))
    }

    /// Moves to `bytes` at `offset`, keeping what is there already.
    fn move_to(&mut self, offset: u64, bytes: usize) -> Result<(), Error> {
        let held = self.start..self.start + self.buffer.len() as u64;
        let kept = if held.contains(&offset) {
            self.buffer.drain(..usize::try_from(offset - self.start).unwrap_or(usize::MAX));
            self.buffer.len()
        } else {
            self.buffer.clear();
            0
        };
        self.start = offset;
        // One large part does not stay in memory for all that follow.
        if self.buffer.capacity() > 4 * AHEAD_BYTES.max(bytes) {
            self.buffer.shrink_to(bytes);
        }
        self.buffer.resize(bytes, 0);
        let (_, missing) = self.buffer.split_at_mut_checked(kept).unwrap_or_default();
        let read = self.file.read_exact_at(missing, offset + kept as u64);
        if read.is_err() {
            self.buffer.clear();
        }
        read.map_err(Error::io(self.path, "read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::{Disk, RealDisk};

    #[test]
    fn every_part_is_what_the_file_has_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..3 * AHEAD_BYTES as u32 + 77).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
        RealDisk.create(&path).unwrap().write_all(&content).unwrap();
        let file = RealDisk.open(&path).unwrap();
        let limit = content.len() - 7;
        let mut window = Window::new(&path, file.as_ref(), limit as u64);
        let ahead = AHEAD_BYTES;
        for (offset, bytes) in
            [(0, 10), (5, ahead), (ahead - 3, 56), (ahead, 2 * ahead), (3 * ahead, 100), (limit, 1), (0, limit + 1)]
        {
            let expected = &content[offset..limit.min(offset + bytes)];
            assert!(window.read(offset as u64, bytes).unwrap() == expected, "{bytes} bytes at {offset}");
        }
    }
}

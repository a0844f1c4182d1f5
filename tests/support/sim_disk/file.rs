//! An open file and the folder's lock: void once the process that had them is gone.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::MutexGuard;

use memory_tools::base::disk::{DiskFile, DiskLock};

use super::inode::Inode;
use super::state::{State, Strike};
use super::{ENOSPC, SimDisk};

#[derive(Debug)]
pub(super) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) inode: usize,
    pub(super) boot: u64,
    /// Where `write_all` goes on.
    pub(super) position: usize,
}

impl SimFile {
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.disk.state();
        assert_eq!(state.boot, self.boot, "a file does not outlive its process");
        state
    }

    fn run<T>(&self, name: &'static str, effect: impl FnOnce(&mut Inode) -> io::Result<T>) -> io::Result<T> {
        self.state().run(name, |state| effect(&mut state.inodes[self.inode]))
    }

    fn sync(&self, name: &'static str) -> io::Result<()> {
        let mut state = self.state();
        match state.call(name) {
            Strike::Refuse(error) | Strike::Fail(error) => return Err(error),
            Strike::Lose(error) => {
                state.inodes[self.inode].lose_sync();
                return Err(error);
            }
            Strike::FailAfter(error) => {
                state.inodes[self.inode].sync();
                return Err(error);
            }
            Strike::None | Strike::Short => state.inodes[self.inode].sync(),
        }
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.state().write("write", self.inode, &[IoSlice::new(bytes)], self.position)?;
        self.position += written;
        // The rest would be the next call's, for which there is no room either.
        if written == bytes.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(ENOSPC)) }
    }

    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.state().write("write_at", self.inode, parts, offset)
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        self.run("set_bytes", |inode| {
            inode.resize(bytes);
            Ok(())
        })
    }

    fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.run("read", |inode| {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let bytes = inode.live().get(start..start + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            into.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn bytes(&self) -> io::Result<u64> {
        self.run("size", |inode| Ok(inode.live().len() as u64))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync("sync_data")
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync("sync_all")
    }

    /// Both images are in memory as long as there is the file.
    fn release(&self, _: Range<u64>) {}
}

#[derive(Debug)]
pub(super) struct SimLock {
    pub(super) disk: SimDisk,
    pub(super) boot: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.boot == self.boot {
            state.locked = None;
        }
    }
}

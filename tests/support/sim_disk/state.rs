//! Both images, and what strikes a call: each call is counted, and one may be struck as was planted.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::inode::Inode;
use super::names::{NameChange, Node};
use super::random::Random;
use super::{ENOSPC, Fault, SYNCS};

const EIO: i32 = 5;

#[derive(Debug)]
pub(super) struct State {
    pub(super) inodes: Vec<Inode>,
    pub(super) live: BTreeMap<PathBuf, Node>,
    pub(super) durable: BTreeMap<PathBuf, Node>,
    pub(super) pending: Vec<NameChange>,
    pub(super) calls: u64,
    pub(super) planted: Option<(u64, Fault)>,
    pub(super) struck: Option<&'static str>,
    pub(super) is_stopped: bool,
    /// Counts reboots: a lock or a file of an earlier one is void.
    pub(super) boot: u64,
    pub(super) locked: Option<String>,
    /// Calls that fail until the disk is mended, and with which number.
    pub(super) broken: (&'static [&'static str], i32),
    /// Bytes that all files together may have.
    pub(super) capacity: Option<u64>,
    pub(super) random: Random,
}

/// What a call may do.
pub(super) enum Strike {
    /// Nothing: the process has stopped before.
    Refuse(io::Error),
    /// Fail, without the effect or with a part of it.
    Fail(io::Error),
    /// Fail, but with the effect.
    FailAfter(io::Error),
    /// A sync: fail, and lose what was to be made durable.
    Lose(io::Error),
    /// A write: take a part.
    Short,
    /// As it should.
    None,
}

impl State {
    pub(super) fn reboot(&mut self) {
        self.planted = None;
        self.is_stopped = false;
        self.locked = None;
        self.boot += 1;
    }

    /// Counts a call and strikes it when it is the planted one.
    pub(super) fn call(&mut self, name: &'static str) -> Strike {
        let number = self.calls;
        self.calls += 1;
        if self.is_stopped {
            return Strike::Refuse(io::Error::other("the process has stopped"));
        }
        let is_sync = SYNCS.contains(&name);
        match self.planted {
            Some((at, Fault::LostSync)) if at == number => {
                self.struck = Some(name);
                let error = io::Error::from_raw_os_error(EIO);
                if is_sync { Strike::Lose(error) } else { Strike::Fail(error) }
            }
            Some((at, Fault::Short)) if at == number && name == "write_at" => {
                self.struck = Some(name);
                Strike::Short
            }
            Some((at, Fault::Error(code))) if at == number => {
                self.struck = Some(name);
                Strike::Fail(io::Error::from_raw_os_error(code))
            }
            Some((at, Fault::Stop)) if at == number => {
                self.struck = Some(name);
                self.is_stopped = true;
                let error = io::Error::other("the process stops here");
                if self.random.coin() { Strike::FailAfter(error) } else { Strike::Fail(error) }
            }
            _ if self.broken.0.contains(&name) => Strike::Refuse(io::Error::from_raw_os_error(self.broken.1)),
            _ => Strike::None,
        }
    }

    pub(super) fn used_bytes(&self) -> u64 {
        let mut inodes: Vec<usize> = Vec::new();
        inodes.extend(
            self.live.values().filter_map(|node| if let Node::File(inode) = node { Some(inode) } else { None }),
        );
        inodes.sort_unstable();
        inodes.dedup();
        inodes.into_iter().map(|inode| self.inodes[inode].live().len() as u64).sum()
    }

    /// How many of `bytes` at `offset` of a file there is room for.
    pub(super) fn room(&self, inode: usize, offset: usize, bytes: usize) -> usize {
        let Some(capacity) = self.capacity else { return bytes };
        let free = usize::try_from(capacity.saturating_sub(self.used_bytes())).unwrap_or(usize::MAX);
        bytes.min((self.inodes[inode].live().len().saturating_add(free)).saturating_sub(offset))
    }

    /// Writes what a strike and the room on the disk let through, and says how much it was.
    pub(super) fn write(
        &mut self,
        name: &'static str,
        inode: usize,
        parts: &[IoSlice<'_>],
        offset: usize,
    ) -> io::Result<usize> {
        let mut bytes = Vec::new();
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        let (mut result, wanted) = match self.call(name) {
            Strike::None => (Ok(()), bytes.len()),
            Strike::FailAfter(error) => (Err(error), bytes.len()),
            Strike::Refuse(error) => (Err(error), 0),
            Strike::Fail(error) | Strike::Lose(error) => (Err(error), self.random.below(bytes.len() + 1)),
            Strike::Short => (Ok(()), bytes.len().min(1 + self.random.below(bytes.len().saturating_sub(1)))),
        };
        let written = self.room(inode, offset, wanted);
        if written == 0 && wanted > 0 {
            result = result.and(Err(io::Error::from_raw_os_error(ENOSPC)));
        }
        self.inodes[inode].write(&bytes[..written], offset);
        result.map(|()| written)
    }

    pub(super) fn run<T>(
        &mut self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.call(name) {
            Strike::Refuse(error) | Strike::Fail(error) | Strike::Lose(error) => Err(error),
            Strike::FailAfter(error) => effect(self).and(Err(error)),
            Strike::None | Strike::Short => effect(self),
        }
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<usize> {
        match self.live.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn has_folder(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.live.get(path) == Some(&Node::Folder)
    }

    pub(super) fn change(&mut self, change: NameChange) -> io::Result<()> {
        if !self.has_folder(change.folder()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        change.clone().apply(&mut self.live);
        self.pending.push(change);
        Ok(())
    }

    pub(super) fn new_file(&mut self, path: &Path) -> io::Result<usize> {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.change(NameChange::Set(path.to_owned(), Node::File(inode)))?;
        Ok(inode)
    }
}

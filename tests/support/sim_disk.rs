//! The disk's treacherous twin: files in memory, of which a loss of power keeps only what was synced, and of the rest
//! a random part.
//!
//! There are two images. The live one is what calls see. The durable one is what `sync_data`, `sync_all` and
//! `sync_folder` have promised. Content is durable by file, names by folder: a synced file whose folder was not
//! synced may have no name. A loss of power keeps any subset of the pending changes of names, in their order, and
//! any subset of the 512-byte sectors written since the last sync; a file may have any length in between.
//!
//! A fault can be planted at the N-th call: an error, a write that takes less than it was given, a sync that fails and
//! lets go of what it should have written, or a stop, after which comes a kill, which leaves the live image, or a loss
//! of power. The disk can also be small, read-only, or refuse some calls until it is mended. Every choice comes from
//! the seed.

// Each test that includes this file uses its own part of it.
#![allow(dead_code)]

#[path = "sim_disk/inode.rs"]
mod inode;

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use inode::Inode;
use memory_tools::base::disk::{Disk, DiskFile, DiskLock, Listed, LockError};

const SECTOR_BYTES: usize = 512;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// The calls that change something.
const CHANGES: &[&str] = &[
    "write",
    "write_at",
    "set_bytes",
    "sync_data",
    "sync_all",
    "create",
    "open_to_change",
    "create_folder",
    "rename",
    "hard_link",
    "remove",
    "sync_folder",
    "lock",
];

/// The calls that make files durable.
pub const SYNCS: &[&str] = &["sync_data", "sync_all"];

/// What happens at the call it is planted at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this number of the operating system and has no effect, a write perhaps a part of it.
    Error(i32),
    /// The call may or may not take effect; it and every later one fails until `lose_power` or `kill`.
    Stop,
    /// A sync fails with EIO, and the kernel calls what it should have written clean: a later one succeeds and writes
    /// none of it. Another call fails with EIO.
    LostSync,
    /// A `write_at` takes a part of what it is given and says so. Another call is not struck.
    Short,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    inodes: Vec<Inode>,
    live: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    pending: Vec<NameChange>,
    calls: u64,
    planted: Option<(u64, Fault)>,
    struck: Option<&'static str>,
    is_stopped: bool,
    /// Counts reboots: a lock or a file of an earlier one is void.
    boot: u64,
    locked: Option<String>,
    /// Calls that fail until the disk is mended, and with which number.
    broken: (&'static [&'static str], i32),
    /// Bytes that all files together may have.
    capacity: Option<u64>,
    random: Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(PathBuf, Node),
    Unset(PathBuf),
    Rename { from: PathBuf, to: PathBuf, node: Node },
}

impl NameChange {
    fn folder(&self) -> &Path {
        let (NameChange::Set(path, _) | NameChange::Unset(path) | NameChange::Rename { to: path, .. }) = self;
        path.parent().expect("changes are of names within folders")
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            NameChange::Set(path, node) => drop(names.insert(path, node)),
            NameChange::Unset(path) => drop(names.remove(&path)),
            NameChange::Rename { from, to, node } => {
                if names.get(&from) == Some(&node) {
                    names.remove(&from);
                }
                names.insert(to, node);
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk {
            state: Arc::new(Mutex::new(State {
                inodes: Vec::new(),
                live: BTreeMap::new(),
                durable: BTreeMap::new(),
                pending: Vec::new(),
                calls: 0,
                planted: None,
                struck: None,
                is_stopped: false,
                boot: 0,
                locked: None,
                broken: (&[], 0),
                capacity: None,
                random: Random(seed),
            })),
        }
    }

    /// A file that was always there.
    pub fn place(&self, path: &Path, content: &[u8]) {
        let mut state = self.state();
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            state.live.insert(folder.to_owned(), Node::Folder);
            state.durable.insert(folder.to_owned(), Node::Folder);
        }
        state.inodes.push(Inode::durable(content));
        let node = Node::File(state.inodes.len() - 1);
        state.live.insert(path.to_owned(), node);
        state.durable.insert(path.to_owned(), node);
    }

    /// The live content of a file.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        match state.live.get(path)? {
            Node::File(inode) => Some(state.inodes[*inode].live().to_vec()),
            Node::Folder => None,
        }
    }

    /// Every live file with its content.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let names: Vec<PathBuf> = self.state().live.keys().cloned().collect();
        names.into_iter().filter_map(|path| self.content(&path).map(|content| (path, content))).collect()
    }

    /// Plants `fault` at the call after `calls` more, counted from 0.
    pub fn plant(&self, calls: u64, fault: Fault) {
        let mut state = self.state();
        state.struck = None;
        state.planted = Some((state.calls + calls, fault));
    }

    /// The call that the planted fault has struck, by name.
    pub fn struck(&self) -> Option<&'static str> {
        self.state().struck
    }

    /// The process does nothing more: every call fails until `lose_power` or `kill`.
    pub fn stop(&self) {
        self.state().is_stopped = true;
    }

    /// True when the process does nothing more.
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// From now on `calls` fail with this number of the operating system, without effect.
    pub fn break_calls(&self, calls: &'static [&'static str], code: i32) {
        self.state().broken = (calls, code);
    }

    /// From now on the disk is mounted for reading alone.
    pub fn make_read_only(&self) {
        self.break_calls(CHANGES, EROFS);
    }

    /// Only `bytes` more fit on the disk. What is removed or cut is free again.
    pub fn leave_free(&self, bytes: u64) {
        let mut state = self.state();
        state.capacity = Some(state.used_bytes() + bytes);
    }

    /// From now on the disk is as good and as large as at first; what was planted goes too.
    pub fn mend(&self) {
        let mut state = self.state();
        state.broken = (&[], 0);
        state.capacity = None;
        state.planted = None;
    }

    /// The process was killed: the live image goes on, nothing is durable that was not.
    pub fn kill(&self) {
        let mut state = self.state();
        state.reboot();
    }

    /// The power was lost: what was not synced is kept in part.
    pub fn lose_power(&self, seed: u64) {
        let mut state = self.state();
        state.random = Random(seed);
        let State { pending, durable, inodes, random, .. } = &mut *state;
        // All, none, or each by a coin: the extremes are worth more than their share.
        let keep = random.below(4);
        for change in std::mem::take(pending) {
            if keep == 0 || keep > 1 && random.coin() {
                change.apply(durable);
            }
        }
        inodes.iter_mut().for_each(|inode| inode.lose_power(random));
        // A folder without a name takes what is in it along.
        let kept = durable.clone();
        durable.retain(|path, _| {
            let mut folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            folders.all(|folder| kept.get(folder) == Some(&Node::Folder))
        });
        state.live = state.durable.clone();
        state.reboot();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// What a call may do.
enum Strike {
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
    fn reboot(&mut self) {
        self.planted = None;
        self.is_stopped = false;
        self.locked = None;
        self.boot += 1;
    }

    /// Counts a call and strikes it when it is the planted one.
    fn call(&mut self, name: &'static str) -> Strike {
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

    fn used_bytes(&self) -> u64 {
        let mut inodes: Vec<usize> = Vec::new();
        inodes.extend(
            self.live.values().filter_map(|node| if let Node::File(inode) = node { Some(inode) } else { None }),
        );
        inodes.sort_unstable();
        inodes.dedup();
        inodes.into_iter().map(|inode| self.inodes[inode].live().len() as u64).sum()
    }

    /// How many of `bytes` at `offset` of a file there is room for.
    fn room(&self, inode: usize, offset: usize, bytes: usize) -> usize {
        let Some(capacity) = self.capacity else { return bytes };
        let free = usize::try_from(capacity.saturating_sub(self.used_bytes())).unwrap_or(usize::MAX);
        bytes.min((self.inodes[inode].live().len().saturating_add(free)).saturating_sub(offset))
    }

    /// Writes what a strike and the room on the disk let through, and says how much it was.
    fn write(&mut self, name: &'static str, inode: usize, parts: &[IoSlice<'_>], offset: usize) -> io::Result<usize> {
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

    fn run<T>(&mut self, name: &'static str, effect: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        match self.call(name) {
            Strike::Refuse(error) | Strike::Fail(error) | Strike::Lose(error) => Err(error),
            Strike::FailAfter(error) => effect(self).and(Err(error)),
            Strike::None | Strike::Short => effect(self),
        }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.live.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn has_folder(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.live.get(path) == Some(&Node::Folder)
    }

    fn change(&mut self, change: NameChange) -> io::Result<()> {
        if !self.has_folder(change.folder()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        change.clone().apply(&mut self.live);
        self.pending.push(change);
        Ok(())
    }

    fn new_file(&mut self, path: &Path) -> io::Result<usize> {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.change(NameChange::Set(path.to_owned(), Node::File(inode)))?;
        Ok(inode)
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
    boot: u64,
    /// Where `write_all` goes on.
    position: usize,
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
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    boot: u64,
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

impl SimDisk {
    fn opened(&self, state: &State, inode: usize) -> Box<dyn DiskFile> {
        Box::new(SimFile { disk: self.clone(), inode, boot: state.boot, position: 0 })
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.state().run("create", |state| {
            let inode = match state.file(path) {
                Ok(inode) => inode,
                Err(_) => state.new_file(path)?,
            };
            state.inodes[inode].resize(0);
            Ok(self.opened(state, inode))
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.state().run("open", |state| {
            let inode = state.file(path)?;
            Ok(self.opened(state, inode))
        })
    }

    fn open_to_change(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.state().run("open_to_change", |state| {
            let inode = state.file(path)?;
            Ok(self.opened(state, inode))
        })
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.state().run("free_bytes", |state| match state.live.contains_key(path) || state.has_folder(path) {
            true => Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used_bytes()))),
            false => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.state().run("create_folder", |state| {
            let missing: Vec<&Path> = path.ancestors().take_while(|folder| !state.has_folder(folder)).collect();
            let mut top_down = missing.into_iter().rev();
            top_down.try_for_each(|folder| state.change(NameChange::Set(folder.to_owned(), Node::Folder)))
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().run("rename", |state| {
            let node = Node::File(state.file(from)?);
            if state.live.get(to) == Some(&node) {
                // Two names of one file: POSIX does nothing and calls it a success.
                return Ok(());
            }
            assert_eq!(from.parent(), to.parent(), "the twin renames within a folder only");
            state.change(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), node })
        })
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().run("hard_link", |state| {
            let node = Node::File(state.file(from)?);
            match state.live.contains_key(to) {
                true => Err(io::ErrorKind::AlreadyExists.into()),
                false => state.change(NameChange::Set(to.to_owned(), node)),
            }
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().run("remove", |state| {
            state.file(path)?;
            state.change(NameChange::Unset(path.to_owned()))
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.state().run("exists", |state| Ok(state.live.contains_key(path)))
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        self.state().run("mode", |state| state.file(path).map(|_| 0o600))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        self.state().run("list", |state| {
            if !state.has_folder(path) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let within = state.live.iter().filter(|(name, _)| name.parent() == Some(path));
            let listed = within.map(|(name, node)| Listed {
                name: name.file_name().unwrap().to_string_lossy().into_owned(),
                bytes: if let Node::File(inode) = node { state.inodes[*inode].live().len() as u64 } else { 0 },
                is_folder: *node == Node::Folder,
            });
            Ok(listed.collect())
        })
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.state().run("sync_folder", |state| {
            let (synced, rest) = std::mem::take(&mut state.pending).into_iter().partition(|it| it.folder() == path);
            state.pending = rest;
            let synced: Vec<NameChange> = synced;
            synced.into_iter().for_each(|change| change.apply(&mut state.durable));
            Ok(())
        })
    }

    fn lock(&self, path: &Path, note: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut state = self.state();
        if let Some(holder) = &state.locked {
            return Err(LockError::Held(holder.trim().to_owned()));
        }
        let locked = state.run("lock", |state| {
            if state.file(path).is_err() {
                state.new_file(path)?;
            }
            state.locked = Some(note.to_owned());
            Ok(())
        });
        locked.map_err(LockError::Io)?;
        Ok(Box::new(SimLock { disk: self.clone(), boot: state.boot }))
    }
}

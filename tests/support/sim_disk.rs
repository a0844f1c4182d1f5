//! The disk's treacherous twin: files in memory, of which a loss of power keeps only what was synced, and of the rest
//! a random part.
//!
//! There are two images. The live one is what calls see. The durable one is what `sync_data`, `sync_all` and
//! `sync_folder` have promised. Content is durable by file, names by folder: a synced file whose folder was not
//! synced may have no name. A loss of power keeps any subset of the pending changes of names, in their order, and
//! any subset of the 512-byte sectors written since the last sync; a file may have any length in between.
//!
//! A fault can be planted at the N-th call: an error, a loss of power, or a kill, after which the live image goes on.
//! Every choice comes from the seed.

// Each test that includes this file uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use memory_tools::base::disk::{Disk, DiskFile, DiskLock, Listed, LockError};

const SECTOR_BYTES: usize = 512;

/// What happens at the call it is planted at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this number of the operating system and has no effect, a write perhaps a part of it.
    Error(i32),
    /// The call may or may not take effect; it and every later one fails until `lose_power` or `kill`.
    Stop,
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
    random: Random,
}

#[derive(Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
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

    fn coin(&mut self) -> bool {
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
        state.inodes.push(Inode { live: content.to_vec(), durable: content.to_vec() });
        let node = Node::File(state.inodes.len() - 1);
        state.live.insert(path.to_owned(), node);
        state.durable.insert(path.to_owned(), node);
    }

    /// The live content of a file.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        match state.live.get(path)? {
            Node::File(inode) => Some(state.inodes[*inode].live.clone()),
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
        for inode in inodes.iter_mut().filter(|inode| inode.live != inode.durable) {
            inode.durable = torn(&inode.durable, &inode.live, random);
            inode.live = inode.durable.clone();
        }
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

/// Some sectors of `new` over `old`, at some length between theirs.
fn torn(old: &[u8], new: &[u8], random: &mut Random) -> Vec<u8> {
    let (shorter, longer) = (old.len().min(new.len()), old.len().max(new.len()));
    let bytes = match random.below(4) {
        0 => old.len(),
        1 => new.len(),
        _ => shorter + random.below(longer - shorter + 1),
    };
    let mut kept = vec![0; bytes];
    for (index, sector) in kept.chunks_mut(SECTOR_BYTES).enumerate() {
        let from = if random.coin() { old } else { new };
        let rest = from.get(index * SECTOR_BYTES..).unwrap_or_default();
        let count = rest.len().min(sector.len());
        sector[..count].copy_from_slice(&rest[..count]);
    }
    kept
}

/// What a call may do.
enum Strike {
    /// Nothing: the process has stopped before.
    Refuse(io::Error),
    /// Fail, without the effect or with a part of it.
    Fail(io::Error),
    /// Fail, but with the effect.
    FailAfter(io::Error),
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
        match self.planted {
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
            _ => Strike::None,
        }
    }

    fn run<T>(&mut self, name: &'static str, effect: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        match self.call(name) {
            Strike::Refuse(error) | Strike::Fail(error) => Err(error),
            Strike::FailAfter(error) => effect(self).and(Err(error)),
            Strike::None => effect(self),
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

impl Inode {
    /// Writes `bytes` at `offset`, over zeros where the file ends before.
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if bytes.is_empty() {
            return;
        }
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        self.live[offset..end].copy_from_slice(bytes);
    }
}

impl SimFile {
    fn run<T>(&self, name: &'static str, effect: impl FnOnce(&mut Inode) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        assert_eq!(state.boot, self.boot, "a file does not outlive its process");
        state.run(name, |state| effect(&mut state.inodes[self.inode]))
    }
}

impl DiskFile for SimFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        assert_eq!(state.boot, self.boot, "a file does not outlive its process");
        let (result, written) = match state.call("write") {
            Strike::None => (Ok(()), bytes.len()),
            Strike::FailAfter(error) => (Err(error), bytes.len()),
            Strike::Refuse(error) => (Err(error), 0),
            Strike::Fail(error) => (Err(error), state.random.below(bytes.len() + 1)),
        };
        state.inodes[self.inode].write(&bytes[..written], self.position);
        self.position += written;
        result
    }

    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let mut state = self.disk.state();
        assert_eq!(state.boot, self.boot, "a file does not outlive its process");
        let (result, written) = match state.call("write_at") {
            Strike::None => (Ok(bytes.len()), bytes.len()),
            Strike::FailAfter(error) => (Err(error), bytes.len()),
            Strike::Refuse(error) => (Err(error), 0),
            Strike::Fail(error) => (Err(error), state.random.below(bytes.len() + 1)),
        };
        state.inodes[self.inode].write(&bytes[..written], offset);
        result
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        self.run("set_bytes", |inode| {
            inode.live.resize(bytes, 0);
            Ok(())
        })
    }

    fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.run("read", |inode| {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let bytes = inode.live.get(start..start + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            into.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn bytes(&self) -> io::Result<u64> {
        self.run("size", |inode| Ok(inode.live.len() as u64))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.run("sync_data", |inode| {
            inode.durable.clone_from(&inode.live);
            Ok(())
        })
    }

    fn sync_all(&self) -> io::Result<()> {
        self.run("sync_all", |inode| {
            inode.durable.clone_from(&inode.live);
            Ok(())
        })
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
            state.inodes[inode].live.clear();
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
            true => Ok(u64::MAX),
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
                bytes: if let Node::File(inode) = node { state.inodes[*inode].live.len() as u64 } else { 0 },
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

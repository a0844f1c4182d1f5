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

#[path = "sim_disk/calls.rs"]
mod calls;
#[path = "sim_disk/file.rs"]
mod file;
#[path = "sim_disk/inode.rs"]
mod inode;
#[path = "sim_disk/names.rs"]
mod names;
#[path = "sim_disk/random.rs"]
mod random;
#[path = "sim_disk/state.rs"]
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use inode::Inode;
use names::Node;
use state::State;

pub use random::Random;

const SECTOR_BYTES: usize = 512;

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

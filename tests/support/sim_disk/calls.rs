//! The twin as a `Disk`: what each call does to the images.

use std::io;
use std::path::Path;

use memory_tools::base::disk::{Disk, DiskFile, DiskLock, Listed, LockError};

use super::SimDisk;
use super::file::{SimFile, SimLock};
use super::names::{NameChange, Node};
use super::state::State;

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

    fn owner(&self, path: &Path) -> io::Result<u32> {
        self.state().run("owner", |state| state.file(path).map(|_| 0))
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

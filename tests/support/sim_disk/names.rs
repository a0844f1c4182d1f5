//! Names, live and durable: folders know their files, and what changed since a folder was synced is pending.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Set(PathBuf, Node),
    Unset(PathBuf),
    Rename { from: PathBuf, to: PathBuf, node: Node },
}

impl NameChange {
    pub(super) fn folder(&self) -> &Path {
        let (NameChange::Set(path, _) | NameChange::Unset(path) | NameChange::Rename { to: path, .. }) = self;
        path.parent().expect("changes are of names within folders")
    }

    pub(super) fn apply(self, names: &mut BTreeMap<PathBuf, Node>) {
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

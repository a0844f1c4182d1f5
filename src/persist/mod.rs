//! Bytes on disk: the snapshot, the journal, IDENTITY, the data folder with its lock, the files of the Go server.
//!
//! Takes and yields values; every access to a file goes through `base::disk`. `FORMAT.md` is the grammar of what is
//! written. Invariant: after a crash at any step the folder opens, with the state before the step or the one after
//! it; and a damaged file is named, never served.
//! It does not know that there is a store, and starts no thread.

mod check;
mod database_id;
#[cfg(test)]
mod dump;
mod error;
mod fields;
mod findings;
mod folder;
mod golang;
mod identity;
mod inventory;
pub mod journal;
mod opening;
mod options;
pub mod plan;
mod publish;
mod repair;
mod repairing;
mod restore;
mod rewriting;
mod same_content;
mod seal;
mod segments;
mod snapshot;
mod writing;

pub use check::{CheckReport, FileReport, Verdict, check};
pub use database_id::DatabaseId;
pub use error::{Damage, Error};
pub use folder::DataFolder;
pub use golang::{GoDocument, GoImport, GoSummary};
pub use opening::{Content, Found, LOCK, OpenOptions, look};
pub use plan::{Next, Refused};
pub use publish::DATABASE;
pub use repair::{Losses, Repair, repair};
pub use restore::{Occupied, Restored, restore};
pub use seal::Stamp;
pub use segments::SegmentStart;
pub use snapshot::{Block, CaptureEnd, CollectionRecord, ReplayFile, SnapshotHeader, SnapshotReader, Totals, Writer};
pub use writing::{CompleteSnapshot, Published, SnapshotWriter, Target};

//! The snapshot `database.mtdb`: every live document with its version and deadline, the catalogue, the counter.
//!
//! `FORMAT.md` in this room is its grammar. A file is written front to back and never changed; it is complete when
//! its end mark stands. Invariant: no byte of it is believed before a checksum vouches for it.
//! It takes and yields entries; where they live in memory, and which name a file gets, is not known here.

mod entry;
mod format;
mod reader;
mod seal;
mod writer;

pub use reader::{Block, SnapshotReader};
pub use seal::Stamp;
pub use writer::{Totals, Writer};

pub(super) use format::{END_MAGIC, MAGIC};

use crate::base::clock::UnixMillis;
use crate::model::Lsn;

/// What is known when a snapshot begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The next LSN that was to be issued when the capture began.
    pub next_lsn: Lsn,
    /// The last LSN issued before the first slice: every mutation up to here is in the snapshot.
    pub capture_start: Lsn,
    /// Wall time of the capture.
    pub captured_at: UnixMillis,
    /// Every collection, empty ones included; entries name theirs by its index here.
    pub collections: Vec<CollectionRecord>,
}

/// A collection in the catalogue of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionRecord {
    /// Its name, a valid `CollectionName`.
    pub name: String,
    /// LSN of its creation.
    pub created: Lsn,
}

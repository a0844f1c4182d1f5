//! The snapshot `database.mtdb`: every live document with its version and deadline, the catalogue, the counter.
//!
//! `FORMAT.md` in this room is its grammar. A file is written front to back and never changed; it is complete when
//! its end mark stands. Invariant: no byte of it is believed before a checksum vouches for it.
//! It takes and yields entries; where they live in memory, and which name a file gets, is not known here.

mod entry;
mod footer;
mod format;
mod reader;
mod replay;

mod writer;

pub use reader::{Block, SnapshotReader};
pub use replay::{ReplayFile, TEMPORARY as REPLAY_TEMPORARY};

pub use writer::{CaptureEnd, Totals, Writer};

pub(super) use footer::END_MAGIC;
pub(super) use format::MAGIC;

use crate::base::clock::UnixMillis;
use crate::model::{CollectionOptions, Lsn};
use crate::persist::journal::SegmentId;

/// What is known when a snapshot begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The next LSN that was to be issued when the capture began.
    pub next_lsn: Lsn,
    /// The last LSN issued before the first slice: every mutation up to here is in the snapshot.
    pub capture_start: Lsn,
    /// The first segment of the journal that is not wholly in the snapshot; it need not exist. In files of before
    /// there was a journal it is 0, which says the same as 1.
    pub replay_from: SegmentId,
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
    /// Its options.
    pub options: CollectionOptions,
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::sync::Arc;

    use super::*;
    use crate::base::disk::{Disk, RealDisk, read_whole};
    use crate::model::{Deadline, Document, Entry, Key, Record, Scope};
    use crate::persist::database_id::DatabaseId;
    use crate::persist::dump::dump;
    use crate::persist::journal::{Batch, Frame, FrameKind, encode_record};
    use crate::persist::seal::Stamp;

    fn entry(key: &str, value: &str, version: u64, deadline: Deadline) -> Entry {
        let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
        Entry { document, version: Lsn(version), deadline }
    }

    #[test]
    fn the_example_in_the_format_page_is_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example");
        let options = CollectionOptions { default_ttl_ms: Some(30_000), require_conditional: true };
        let collections = vec![CollectionRecord { name: "c".to_owned(), created: Lsn(2), options }];
        let (next_lsn, capture_start, captured_at) = (Lsn(4), Lsn(3), UnixMillis(2));
        let header = SnapshotHeader { next_lsn, capture_start, replay_from: SegmentId(5), captured_at, collections };
        let stamp = Stamp { database_id: DatabaseId(*b"0123456789abcdef"), salt: 1 };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let mut writer = Writer::create(disk.as_ref(), &path, stamp, &header, 1 << 20).unwrap();
        writer.push(None, &entry("k", "[1]", 1, Deadline::at(UnixMillis(1000)))).unwrap();
        writer.push(Some(0), &entry("q", "{}", 3, Deadline::NEVER)).unwrap();
        let mut payload = Vec::new();
        let record = Record::Delete { scope: Scope::Main, key: Key::new("k").unwrap() };
        assert!(encode_record(&record, Batch::Ends, &mut payload).is_none());
        let mut replay = writer.replay_file(disk.as_ref(), folder.path()).unwrap();
        let (kind, first_lsn, parts) = (FrameKind::Records, Lsn(4), &[IoSlice::new(&payload)]);
        let (durable_lsn, written_at) = (Lsn::ZERO, UnixMillis(3));
        replay.append(&Frame { kind, first_lsn, count: 1, parts, durable_lsn, written_at }).unwrap();
        let totals = writer.finish(CaptureEnd { lsn: Lsn(4), replay: Some(replay) }).unwrap();

        let bytes = read_whole(disk.as_ref(), &path, 4096).unwrap();
        assert_eq!(totals, Totals { bytes: bytes.len() as u64, documents: 2, document_bytes: 7 });
        let dump = dump(&bytes);
        assert!(include_str!("../FORMAT.md").contains(&dump), "FORMAT.md should show\n{dump}");
        let reader = SnapshotReader::open(disk.as_ref(), &path, "").unwrap();
        assert_eq!(reader.collections(), header.collections);
        assert_eq!(reader.read_block(1).unwrap().entries, [entry("q", "{}", 3, Deadline::NEVER)]);
    }
}

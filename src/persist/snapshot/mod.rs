//! The snapshot `database.mtdb`: every live document with its version and deadline, the catalogue, the counter.
//!
//! `FORMAT.md` in this room is its grammar. A file is written front to back and never changed; it is complete when
//! its end mark stands. Invariant: no byte of it is believed before a checksum vouches for it.
//! It takes and yields entries; where they live in memory, and which name a file gets, is not known here.

mod entry;
mod footer;
mod format;
mod reader;

mod writer;

pub use reader::{Block, SnapshotReader};

pub use writer::{Totals, Writer};

pub(super) use footer::END_MAGIC;
pub(super) use format::MAGIC;

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::disk::{Disk, RealDisk, read_whole};
    use crate::model::{Deadline, Document, Entry, Key};
    use crate::persist::database_id::DatabaseId;
    use crate::persist::seal::Stamp;

    fn entry(key: &str, value: &str, version: u64, deadline: Deadline) -> Entry {
        let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
        Entry { document, version: Lsn(version), deadline }
    }

    /// Sixteen bytes a line: offset, bytes.
    fn dump(bytes: &[u8]) -> String {
        let hex = |line: &[u8]| line.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
        let lines = bytes.chunks(16).enumerate().map(|(index, line)| format!("{:04x} {}", index * 16, hex(line)));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_in_the_format_page_is_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example");
        let collections = vec![CollectionRecord { name: "c".to_owned(), created: Lsn(2) }];
        let (next_lsn, capture_start, captured_at) = (Lsn(4), Lsn(3), UnixMillis(2));
        let header = SnapshotHeader { next_lsn, capture_start, captured_at, collections };
        let stamp = Stamp { database_id: DatabaseId(*b"0123456789abcdef"), salt: 1 };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let mut writer = Writer::create(disk.as_ref(), &path, stamp, &header, 1 << 20).unwrap();
        writer.push(None, &entry("k", "[1]", 1, Deadline::at(UnixMillis(1000)))).unwrap();
        writer.push(Some(0), &entry("q", "{}", 3, Deadline::NEVER)).unwrap();
        let totals = writer.finish(Lsn(3)).unwrap();

        let bytes = read_whole(disk.as_ref(), &path, 4096).unwrap();
        assert_eq!(totals, Totals { bytes: bytes.len() as u64, documents: 2, document_bytes: 7 });
        let dump = dump(&bytes);
        assert!(include_str!("../FORMAT.md").contains(&dump), "FORMAT.md should show\n{dump}");
        let reader = SnapshotReader::open(disk.as_ref(), &path, "").unwrap();
        assert_eq!(reader.collections(), header.collections);
        assert_eq!(reader.read_block(1).unwrap().entries, [entry("q", "{}", 3, Deadline::NEVER)]);
    }
}

//! The journal's bytes: segments of frames of records, as `FORMAT.md` in this room has them.
//!
//! Invariant: no byte is believed before a checksum vouches for it, and each checksum knows its file and its place;
//! each segment names the exact end of the one before, so that none can be missing, swapped or shortened unseen.
//! It does not know when to write, who waits for what is written, or what a record does to a store; and it decides
//! nothing about damage: it says what is there.

mod cut;
mod frame;
mod frame_writer;
mod growth;
mod history;
mod open;
mod reader;
mod record;
mod scan;
mod segment;
mod walk;
mod window;
mod writer;

pub use cut::{QUARANTINE, cut, quarantine};
pub use frame::{FrameHead, FrameKind, HEAD_BYTES as FRAME_HEAD_BYTES, PAYLOAD_BYTES_MAX as FRAME_PAYLOAD_BYTES_MAX};
pub use frame_writer::Frame;
pub(super) use frame_writer::FrameWriter;
pub use growth::Growth;
pub use history::History;
pub use reader::{JournalReader, Replayed, Stretch};
pub use record::{Batch, DEADLINE_BYTES, INLINE_BYTES_MAX, encode_record, encode_record_copying, encoded_bytes};
pub use scan::{SegmentFault, SegmentScan, Tail, scan};
pub use segment::{HEADER_BYTES as SEGMENT_HEADER_BYTES, Link, SegmentHeader, SegmentId};
pub(super) use walk::Walk;
pub(super) use window::Window;
pub use writer::{SegmentFile, SegmentWriter, TEMPORARY};

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::base::clock::UnixMillis;
    use crate::base::disk::{RealDisk, read_whole};
    use crate::model::{CollectionName, Deadline, Document, Key, Lsn, Record, Scope};
    use crate::persist::database_id::DatabaseId;
    use crate::persist::dump::dump;
    use crate::persist::seal::Stamp;

    #[test]
    fn the_example_in_the_format_page_is_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp { database_id: DatabaseId(*b"0123456789abcdef"), salt: 1 };
        let link = Link::Follows { end: 168, last_lsn: Lsn(9), chain: 0x0403_0201 };
        let (id, first_lsn, durable_lsn, created_at) = (SegmentId(2), Lsn(10), Lsn(9), UnixMillis(3));
        let header = SegmentHeader { stamp, id, first_lsn, durable_lsn, created_at, link };
        let mut writer = SegmentWriter::create(&RealDisk, folder.path(), &header, Growth::ByFrames).unwrap();

        let document = Document::new(Key::new("k").unwrap(), b"[1]");
        let (scope, deadline) = (Scope::Main, Deadline::at(UnixMillis(1000)));
        let name = CollectionName::new("c").unwrap();
        let mut payload = Vec::new();
        for (record, batch) in [
            (Record::Put { scope, document: &document, deadline }, Batch::GoesOn),
            (Record::Delete { scope: Scope::Collection(name), key: Key::new("q").unwrap() }, Batch::Ends),
            (Record::DropCollection { name }, Batch::Ends),
        ] {
            let rest = encode_record(&record, batch, &mut payload);
            assert!(rest.is_none(), "small values are copied");
        }
        let frame = Frame {
            kind: FrameKind::Records,
            first_lsn: Lsn(10),
            count: 3,
            parts: &[IoSlice::new(&payload)],
            durable_lsn: Lsn(9),
            written_at: UnixMillis(4),
        };
        writer.append(&frame).unwrap();
        let (kind, written_at) = (FrameKind::CleanStop, UnixMillis(5));
        let (first_lsn, durable_lsn) = (Lsn(13), Lsn(12));
        writer.append(&Frame { kind, first_lsn, count: 0, parts: &[], durable_lsn, written_at }).unwrap();

        let bytes = read_whole(&RealDisk, &folder.path().join(id.file_name()), 4096).unwrap();
        let dump = dump(&bytes);
        assert!(include_str!("../FORMAT.md").contains(&dump), "FORMAT.md should show\n{dump}");
        let scan = scan(&RealDisk, folder.path(), id, stamp.database_id).unwrap().unwrap();
        assert_eq!((scan.end, scan.records, scan.last_lsn, scan.clean_stop), (bytes.len() as u64, 3, Lsn(12), true));
    }
}

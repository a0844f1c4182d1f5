//! The journal's bytes: segments of frames of records, as `FORMAT.md` in this room has them.
//!
//! Invariant: no byte is believed before a checksum vouches for it, and each checksum knows its file and its place;
//! each segment names the exact end of the one before, so that none can be missing, swapped or shortened unseen.
//! It does not know when to write, who waits for what is written, or what a record does to a store; and it decides
//! nothing about damage: it says what is there.

mod cut;
mod frame;
mod frame_writer;
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
pub use reader::{JournalReader, Replayed, Stretch};
pub use record::{Batch, DEADLINE_BYTES, INLINE_BYTES_MAX, encode_record, encoded_bytes};
pub use scan::{SegmentFault, SegmentScan, Tail, scan};
pub use segment::{HEADER_BYTES as SEGMENT_HEADER_BYTES, Link, SegmentHeader, SegmentId};
pub use writer::{PREPARED, PreparedSegment, SegmentFile, SegmentWriter, TEMPORARY};

//! The journal's bytes: segments of frames of records, as `FORMAT.md` in this room has them.
//!
//! Invariant: no byte is believed before a checksum vouches for it, and each checksum knows its file and its place;
//! each segment names the exact end of the one before, so that none can be missing, swapped or shortened unseen.
//! It does not know when to write, who waits for what is written, or what a record does to a store; and it decides
//! nothing about damage: it says what is there.

mod frame;
mod scan;
mod segment;

pub use frame::{FrameHead, FrameKind};
pub use scan::{SegmentFault, SegmentScan, Tail};
pub use segment::{Link, SegmentHeader, SegmentId};

//! What a scan of one segment has found.

use super::segment::SegmentHeader;
use crate::base::clock::UnixMillis;
use crate::model::Lsn;
use crate::persist::error::Damage;

/// A segment whose header holds, walked to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentScan {
    /// What its header says.
    pub header: SegmentHeader,
    /// Offset behind the last good frame; behind the header when there is none.
    pub end: u64,
    /// What lies behind `end`.
    pub tail: Tail,
    /// The last LSN up to `end`; without a record, the one before the header's first.
    pub last_lsn: Lsn,
    /// The chain at `end`.
    pub chain: u32,
    /// The highest durable LSN that any head says, the header's and those behind a fault included.
    pub durable_lsn: Lsn,
    /// The latest wall time up to `end`.
    pub written_at: UnixMillis,
    /// Frames up to `end`.
    pub frames: u32,
    /// Records up to `end`.
    pub records: u64,
    /// True when the last frame up to `end` says that the server stopped in order.
    pub clean_stop: bool,
    /// The first frame that does not hold; there is one exactly when `tail` is `Bytes`.
    pub fault: Option<SegmentFault>,
}

/// Where a segment stops being readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFault {
    /// Offset of the frame that does not hold: the scan's `end`.
    pub at: u64,
    /// The first LSN that is not readable, at the least.
    pub next_lsn: Lsn,
    /// How the frame does not hold.
    pub damage: Damage,
    /// Frames behind it whose heads hold.
    pub later_frames: u32,
    /// Records that those heads announce.
    pub later_records: u64,
}

/// What lies behind the last good frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The end of the file.
    Nothing,
    /// Zeros up to the end of the file, which was filled with them in advance: as clean an end as the other.
    Zeros,
    /// As many bytes up to the last that is not zero: an interrupted write, or damage.
    Bytes(u64),
}

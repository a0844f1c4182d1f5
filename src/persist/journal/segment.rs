//! The header of a segment: which one it is, what it goes on from, and what was durable when it began.
//!
//! Invariant: the header is one exact sequence of 112 bytes for what it says; anything else is refused.
//! It turns values into bytes; it does no input or output.

use std::fmt;

use crate::base::clock::UnixMillis;
use crate::model::Lsn;
use crate::persist::fields::{Fields, put_u32, put_u64};
use crate::persist::seal::{Part, Seal, Stamp, put_checksum};

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"\x93MTJN\r\n\x1a";

/// The version this code writes, and the newest it reads.
pub const VERSION: u32 = 1;

/// Bytes of a header, from the magic to its checksum. The first frame begins behind it.
pub const HEADER_BYTES: usize = 112;

const CHECKSUM_AT: usize = HEADER_BYTES - 4;

const NAME_START: &str = "journal-";
const NAME_END: &str = ".mtj";
const NAME_DIGITS: usize = 20;

/// The number of a segment: 1, 2, 3, … in the order of the journal, without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

impl SegmentId {
    /// The segment that a journal begins with.
    pub const FIRST: SegmentId = SegmentId(1);

    /// Its file in the data folder: `journal-00000000000000000042.mtj`.
    pub fn file_name(self) -> String {
        format!("{NAME_START}{:020}{NAME_END}", self.0)
    }

    /// The segment whose file is called `name`; `None` for every other name.
    pub fn of_name(name: &str) -> Option<SegmentId> {
        let digits = name.strip_prefix(NAME_START)?.strip_suffix(NAME_END)?;
        let is_number = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|id| is_number && *id > 0).map(SegmentId)
    }

    /// The one behind it.
    pub fn next(self) -> SegmentId {
        SegmentId(self.0.saturating_add(1))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a segment goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// From no segment: it is the first of a database, or the first behind a snapshot that holds everything before it.
    Start {
        /// The last LSN of that snapshot, 0 without one.
        capture_end: Lsn,
    },
    /// From exactly where the segment with the number before it ends.
    Follows {
        /// Offset behind its last frame.
        end: u64,
        /// The last LSN in it, or before it.
        last_lsn: Lsn,
        /// The chain behind its last frame.
        chain: u32,
    },
    /// The segment with the number before it was given up after a failed write or fsync; only a snapshot leads here.
    AfterFailure,
}

impl Link {
    /// Kind, and the three numbers behind it.
    fn fields(self) -> (u8, u64, u64, u32) {
        match self {
            Link::Start { capture_end } => (1, 0, capture_end.0, 0),
            Link::Follows { end, last_lsn, chain } => (2, end, last_lsn.0, chain),
            Link::AfterFailure => (3, 0, 0, 0),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Link::Start { capture_end: Lsn::ZERO } => write!(f, "a start from nothing"),
            Link::Start { capture_end } => write!(f, "a start behind a snapshot up to LSN {capture_end}"),
            Link::Follows { end, last_lsn, chain } => {
                write!(f, "a segment that ends at byte {end} with LSN {last_lsn} and chain {chain:08x}")
            }
            Link::AfterFailure => write!(f, "a segment that was given up"),
        }
    }
}

/// What the header of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Database and salt.
    pub stamp: Stamp,
    /// Which segment.
    pub id: SegmentId,
    /// No record in it has a smaller LSN. It may be above the last LSN of the segment before.
    pub first_lsn: Lsn,
    /// Everything up to here was durable when the segment was made.
    pub durable_lsn: Lsn,
    /// Wall time of its making.
    pub created_at: UnixMillis,
    /// What it goes on from.
    pub link: Link,
}

impl SegmentHeader {
    /// The header's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        put_u32(&mut out, VERSION);
        put_u32(&mut out, HEADER_BYTES as u32);
        put_checksum(&mut out, crc32c::crc32c);
        out.extend_from_slice(&self.stamp.database_id.0);
        for number in [self.stamp.salt, self.id.0, self.first_lsn.0, self.durable_lsn.0, self.created_at.0] {
            put_u64(&mut out, number);
        }
        let (kind, end, lsn, chain) = self.link.fields();
        out.extend_from_slice(&[kind, 0, 0, 0]);
        put_u64(&mut out, end);
        put_u64(&mut out, lsn);
        put_u32(&mut out, chain);
        put_u64(&mut out, 0);
        put_checksum(&mut out, |bytes| Seal::of(self.stamp).over(Part::SegmentHeader, 0, bytes));
        out
    }

    /// The chain that the first frame goes on from: the header's own checksum.
    pub fn chain(&self) -> u32 {
        let encoded = self.encode();
        let mut checksum = Fields::of(encoded.get(CHECKSUM_AT..).unwrap_or_default());
        checksum.u32().expect("a header ends with its checksum")
    }
}

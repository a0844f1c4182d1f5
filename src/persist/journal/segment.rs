//! The header of a segment: which one it is, what it goes on from, and what was durable when it began.
//!
//! Invariant: the header is one exact sequence of 112 bytes for what it says; anything else is refused.
//! It turns values into bytes and back; it does no input or output.

use std::fmt;

use crate::base::clock::UnixMillis;
use crate::model::Lsn;
use crate::persist::database_id::DatabaseId;
use crate::persist::error::{Fault, Flaw};
use crate::persist::fields::{Fields, put_u32, put_u64};
use crate::persist::seal::{Part, Seal, Stamp, check_sum, put_checksum};

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"\x93MTJN\r\n\x1a";

/// The version this code writes, and the newest it reads.
pub const VERSION: u32 = 1;

/// Bytes of a header, from the magic to its checksum. The first frame begins behind it.
pub const HEADER_BYTES: usize = 112;

/// Magic, version, header length, checksum: the same in every version.
pub const PREFIX_BYTES: usize = 20;

const CHECKSUM_AT: usize = HEADER_BYTES - 4;
const LINK_AT: usize = 76;

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

    fn of_fields(kind: u8, end: u64, lsn: u64, chain: u32) -> Option<Link> {
        let link = match kind {
            1 => Link::Start { capture_end: Lsn(lsn) },
            2 => Link::Follows { end, last_lsn: Lsn(lsn), chain },
            3 => Link::AfterFailure,
            _ => return None,
        };
        // What the kind does not use is 0.
        (link.fields() == (kind, end, lsn, chain)).then_some(link)
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

    /// Reads a header, which is the first `HEADER_BYTES` of its file.
    pub(in crate::persist) fn decode(header: &[u8]) -> Result<SegmentHeader, Fault> {
        decode_prefix(header)?;
        if header.len() < HEADER_BYTES {
            return Err(Flaw::short(0, "a header of 112 bytes").into());
        }
        let stamp_and_numbers = |fields: &mut Fields<'_>| {
            fields.bytes(PREFIX_BYTES)?;
            let stamp = Stamp { database_id: DatabaseId(fields.array()?), salt: fields.u64()? };
            Some((stamp, [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?]))
        };
        let link = |fields: &mut Fields<'_>| {
            let kind = fields.array::<4>()?;
            Some((kind, fields.u64()?, fields.u64()?, fields.u32()?, fields.u64()?))
        };
        let short = || Flaw::short(PREFIX_BYTES, "a whole header");
        let mut fields = Fields::of(header);
        let (stamp, [id, first_lsn, durable_lsn, created_at]) = stamp_and_numbers(&mut fields).ok_or_else(short)?;
        check_sum(header, CHECKSUM_AT, |bytes| Seal::of(stamp).over(Part::SegmentHeader, 0, bytes))?;
        let ([kind, zeros @ ..], end, lsn, chain, reserved) = link(&mut fields).ok_or_else(short)?;
        if zeros != [0; 3] || reserved != 0 {
            return Err(Fault::Newer("a segment header with reserved fields in use".to_owned()));
        }
        let link = Link::of_fields(kind, end, lsn, chain);
        let link =
            link.ok_or_else(|| Flaw::new(LINK_AT, "a link", format!("kind {kind} with {end}, {lsn}, {chain}")))?;
        if id == 0 {
            return Err(Flaw::number(44, "a segment from", SegmentId::FIRST, id).into());
        }
        if durable_lsn >= first_lsn {
            return Err(Flaw::number(60, "a durable LSN below", first_lsn, durable_lsn).into());
        }
        let header = SegmentHeader {
            stamp,
            id: SegmentId(id),
            first_lsn: Lsn(first_lsn),
            durable_lsn: Lsn(durable_lsn),
            created_at: UnixMillis(created_at),
            link,
        };
        Ok(header)
    }
}

/// Checks the part of a header that is the same in every version.
fn decode_prefix(header: &[u8]) -> Result<(), Fault> {
    let mut fields = Fields::of(header);
    let short = || Flaw::short(0, "a prefix of 20 bytes");
    let magic = fields.array::<8>().ok_or_else(short)?;
    if magic != MAGIC {
        return Err(Flaw::new(0, "the magic of a journal segment", format!("{}", magic.escape_ascii())).into());
    }
    let (version, header_bytes) = (fields.u32().ok_or_else(short)?, fields.u32().ok_or_else(short)?);
    if header.len() < PREFIX_BYTES {
        return Err(short().into());
    }
    check_sum(header, PREFIX_BYTES - 4, crc32c::crc32c)?;
    if version > VERSION {
        return Err(Fault::Newer(format!("journal version {version}, newer than {VERSION}")));
    }
    if version == 0 {
        return Err(Flaw::number(8, "a journal version from 1 to", VERSION, version).into());
    }
    if header_bytes != HEADER_BYTES as u32 {
        return Err(Flaw::number(12, "a header length of", HEADER_BYTES, header_bytes).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(link: Link) -> SegmentHeader {
        SegmentHeader {
            stamp: Stamp { database_id: DatabaseId(*b"0123456789abcdef"), salt: 7 },
            id: SegmentId(3),
            first_lsn: Lsn(20),
            durable_lsn: Lsn(19),
            created_at: UnixMillis(1000),
            link,
        }
    }

    fn links() -> [Link; 4] {
        let follows = Link::Follows { end: 1 << 33, last_lsn: Lsn(19), chain: 0x0102_0304 };
        [Link::Start { capture_end: Lsn::ZERO }, Link::Start { capture_end: Lsn(19) }, follows, Link::AfterFailure]
    }

    /// A header with the byte at `at` set, under checksums that hold.
    fn header_with(at: usize, byte: u8) -> Vec<u8> {
        let header = header(Link::AfterFailure);
        let mut bytes = header.encode();
        bytes[at] = byte;
        let prefix = crc32c::crc32c(&bytes[..16]);
        bytes[16..20].copy_from_slice(&prefix.to_le_bytes());
        bytes.truncate(CHECKSUM_AT);
        put_checksum(&mut bytes, |bytes| Seal::of(header.stamp).over(Part::SegmentHeader, 0, bytes));
        bytes
    }

    #[test]
    fn a_header_of_every_link_comes_back() {
        for link in links() {
            let header = header(link);
            let encoded = header.encode();
            assert_eq!(encoded.len(), HEADER_BYTES);
            assert_eq!(SegmentHeader::decode(&encoded).unwrap(), header);
            assert_eq!(header.chain().to_le_bytes(), encoded[CHECKSUM_AT..]);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_missing_byte_of_a_header_is_refused() {
        for link in links() {
            let encoded = header(link).encode();
            for bit in 0..encoded.len() * 8 {
                let mut flipped = encoded.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(matches!(SegmentHeader::decode(&flipped), Err(Fault::Flaw(_))), "bit {bit}");
            }
            for length in 0..encoded.len() {
                assert!(matches!(SegmentHeader::decode(&encoded[..length]), Err(Fault::Flaw(_))), "length {length}");
            }
        }
    }

    #[test]
    fn what_no_writer_writes_is_refused_though_its_checksums_hold() {
        let flaw = |at, byte| match SegmentHeader::decode(&header_with(at, byte)) {
            Err(Fault::Flaw(flaw)) => flaw.at,
            other => panic!("{other:?}"),
        };
        assert_eq!(flaw(8, 0), 8, "a version of 0");
        assert_eq!(flaw(12, 113), 12, "another length");
        assert_eq!(flaw(44, 0), 44, "segment 0");
        assert_eq!(flaw(60, 20), 60, "more durable than there is");
        assert_eq!(flaw(76, 0), 76, "no kind of link");
        assert_eq!(flaw(76, 4), 76, "a kind of link to come");
        assert_eq!(flaw(80, 1), 76, "an end after a failure");
        assert_eq!(flaw(88, 1), 76, "an LSN after a failure");
        assert_eq!(flaw(96, 1), 76, "a chain after a failure");
        let newer = |at, byte| match SegmentHeader::decode(&header_with(at, byte)) {
            Err(Fault::Newer(what)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(newer(8, 2), "journal version 2, newer than 1");
        assert_eq!(newer(77, 1), "a segment header with reserved fields in use");
        assert_eq!(newer(100, 1), "a segment header with reserved fields in use");
    }

    #[test]
    fn names_are_of_twenty_digits_and_nothing_else() {
        let id = SegmentId(42);
        assert_eq!(id.file_name(), "journal-00000000000000000042.mtj");
        for id in [id, SegmentId::FIRST, SegmentId(u64::MAX)] {
            assert_eq!(SegmentId::of_name(&id.file_name()), Some(id));
        }
        for name in [
            "journal-42.mtj",
            "journal-00000000000000000000.mtj",
            "journal-+0000000000000000042.mtj",
            "journal-00000000000000000042.mtj.tmp",
            "journal-99999999999999999999.mtj",
            "journal-000000000000000000042.mtj",
            "journal.tmp",
        ] {
            assert_eq!(SegmentId::of_name(name), None, "{name}");
        }
    }
}

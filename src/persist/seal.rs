//! Checksums that know where they belong: CRC32C over the file's stamp, the part's kind and number, then its bytes.
//!
//! Invariant: a part that is moved within a file, or comes from another file or an older snapshot of the same
//! database, does not validate, because stamp, kind and number differ.

use std::io;

use super::database_id::DatabaseId;
use super::error::Flaw;
use super::fields::{Fields, put_u32};
use crate::base::fault::{Fault, is_planted};

/// What makes a file's checksums its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The database the file belongs to.
    pub database_id: DatabaseId,
    /// Random for each file.
    pub salt: u64,
}

impl Stamp {
    /// For a new file of `database_id`, with the operating system's randomness.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn random(database_id: DatabaseId) -> io::Result<Stamp> {
        let mut salt = [0; 8];
        if !is_planted(Fault::SaltZero) {
            getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
        }
        Ok(Stamp { database_id, salt: u64::from_le_bytes(salt) })
    }
}

/// The kinds of parts that are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Head of a block.
    BlockHead = 1,
    /// Payload of a block.
    BlockPayload = 2,
    /// Head of the replay section.
    Replay = 3,
    /// The footer.
    Footer = 4,
    /// The end mark.
    EndMark = 5,
    /// Header of a segment of the journal.
    SegmentHeader = 6,
    /// Head of a frame.
    FrameHead = 7,
    /// Payload of a frame.
    FramePayload = 8,
}

/// Computes the checksums of one file.
#[derive(Clone, Copy, Debug)]
pub struct Seal {
    stamped: u32,
}

impl Seal {
    /// For the file with this stamp.
    pub fn of(stamp: Stamp) -> Seal {
        let stamped = crc32c::crc32c(&stamp.database_id.0);
        Seal { stamped: crc32c::crc32c_append(stamped, &stamp.salt.to_le_bytes()) }
    }

    /// The checksum of `bytes` as part `part`, number `number` of its kind.
    pub fn over(self, part: Part, number: u32, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(self.begin(part, number), bytes)
    }

    /// The checksum of part `part`, number `number`, before any of its bytes: `crc32c_append` goes on from here, for a
    /// part that does not lie in one piece.
    pub fn begin(self, part: Part, number: u32) -> u32 {
        let place = crc32c::crc32c_append(self.stamped, &[part as u8]);
        crc32c::crc32c_append(place, &number.to_le_bytes())
    }
}

/// Appends the checksum of everything in `out`.
pub(super) fn put_checksum(out: &mut Vec<u8>, checksum: impl FnOnce(&[u8]) -> u32) {
    let sum = checksum(out);
    put_u32(out, sum);
}

/// Holds the checksum that stands at `at` of `part` against the bytes before it.
pub(super) fn check_sum(part: &[u8], at: usize, checksum: impl FnOnce(&[u8]) -> u32) -> Result<(), Flaw> {
    let (covered, rest) = part.split_at_checked(at).ok_or_else(|| Flaw::short(at, "a checksum"))?;
    let found = Fields::of(rest).u32().ok_or_else(|| Flaw::short(at, "a checksum"))?;
    match checksum(covered) {
        expected if expected == found => Ok(()),
        expected => Err(Flaw::checksum(at, expected, found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_elsewhere_have_another_checksum() {
        let stamp = Stamp { database_id: DatabaseId([1; 16]), salt: 7 };
        let here = Seal::of(stamp).over(Part::BlockHead, 3, b"bytes");
        assert_eq!(here, Seal::of(stamp).over(Part::BlockHead, 3, b"bytes"));
        assert_ne!(here, Seal::of(stamp).over(Part::BlockHead, 4, b"bytes"));
        assert_ne!(here, Seal::of(stamp).over(Part::BlockPayload, 3, b"bytes"));
        assert_ne!(here, Seal::of(Stamp { salt: 8, ..stamp }).over(Part::BlockHead, 3, b"bytes"));
        let other = Stamp { database_id: DatabaseId([2; 16]), ..stamp };
        assert_ne!(here, Seal::of(other).over(Part::BlockHead, 3, b"bytes"));
    }
}

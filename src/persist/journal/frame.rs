//! The head of a frame: 56 bytes in front of what one group commit wrote.
//!
//! Invariant: the head is one exact sequence of bytes for what it says, under a checksum of its own; so the length of
//! the payload is never trusted before that checksum holds. The chain runs over the heads from the segment's header
//! on, so a frame that is missing, doubled or of an older run does not validate.
//! It turns values into bytes and back; it does no input or output.

use crate::base::clock::UnixMillis;
use crate::base::limits::{DOCUMENT_BYTES_CEILING, LSN_MAX};
use crate::model::Lsn;
use crate::persist::error::{Fault, Flaw};
use crate::persist::fields::{Fields, put_u32, put_u64};
use crate::persist::seal::{Part, Seal, check_sum, put_checksum};

/// The first bytes of a frame.
pub const MAGIC: [u8; 4] = *b"MTJF";

/// Bytes of a head; the payload follows.
pub const HEAD_BYTES: usize = 56;

/// The largest payload: the largest document twice over, and room for what stands around it.
pub const PAYLOAD_BYTES_MAX: u32 = 2 * DOCUMENT_BYTES_CEILING as u32 + (1 << 20);

const CHECKSUM_AT: usize = HEAD_BYTES - 4;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// It holds records.
    Records = 0,
    /// It holds nothing, and repeats what is durable, so that the group before it does not look torn.
    Mark = 1,
    /// It holds nothing: the server stopped in order, and no record follows.
    CleanStop = 2,
}

/// What the head of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// What it is for.
    pub kind: FrameKind,
    /// Its number in the segment: 0, 1, 2, …
    pub ordinal: u32,
    /// Bytes of the payload.
    pub payload_bytes: u32,
    /// Records in the payload; their LSNs are consecutive.
    pub count: u32,
    /// LSN of the first record; without records the next LSN to be issued.
    pub first_lsn: Lsn,
    /// Everything up to here was durable when the frame was built.
    pub durable_lsn: Lsn,
    /// Wall time of the writing.
    pub written_at: UnixMillis,
    /// Checksum of the payload.
    pub payload_crc: u32,
    /// Checksum over this head and all before it.
    pub chain: u32,
}

impl FrameHead {
    /// The LSN that must follow, or any above it.
    pub fn next_lsn(&self) -> Lsn {
        Lsn(self.first_lsn.0.saturating_add(self.count.into()))
    }

    /// The same head with the chain that goes on from `before`.
    #[must_use]
    pub fn chained(self, before: u32) -> FrameHead {
        FrameHead { chain: crc32c::crc32c_append(before, &self.fields()), ..self }
    }

    /// The head's bytes.
    pub fn encode(&self, seal: Seal) -> Vec<u8> {
        let mut out = self.fields();
        put_u32(&mut out, self.chain);
        put_checksum(&mut out, |bytes| seal.over(Part::FrameHead, self.ordinal, bytes));
        out
    }

    /// What the chain runs over: everything before it.
    fn fields(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[self.kind as u8, 0, 0, 0]);
        put_u32(&mut out, self.ordinal);
        put_u32(&mut out, self.payload_bytes);
        put_u32(&mut out, self.count);
        put_u64(&mut out, self.first_lsn.0);
        put_u64(&mut out, self.durable_lsn.0);
        put_u64(&mut out, self.written_at.0);
        put_u32(&mut out, self.payload_crc);
        out
    }

    /// Reads a head, wherever it was found: its checksum holds under the ordinal that it names. Whether it belongs
    /// behind what was read before is not judged here.
    pub(in crate::persist) fn decode(head: &[u8], seal: Seal) -> Result<FrameHead, Fault> {
        let mut fields = Fields::of(head);
        let short = || Flaw::short(0, "a frame head of 56 bytes");
        let magic = fields.array::<4>().ok_or_else(short)?;
        if magic != MAGIC {
            return Err(Flaw::new(0, "the magic of a frame", format!("{}", magic.escape_ascii())).into());
        }
        if head.len() < HEAD_BYTES {
            return Err(short().into());
        }
        let [kind, zeros @ ..] = fields.array::<4>().ok_or_else(short)?;
        let ordinal = fields.u32().ok_or_else(short)?;
        check_sum(head, CHECKSUM_AT, |bytes| seal.over(Part::FrameHead, ordinal, bytes))?;
        let kind = match kind {
            0 => FrameKind::Records,
            1 => FrameKind::Mark,
            2 => FrameKind::CleanStop,
            _ => return Err(Fault::Newer(format!("a frame of kind {kind}"))),
        };
        if zeros != [0; 3] {
            return Err(Fault::Newer("a frame with reserved fields in use".to_owned()));
        }
        let numbers = |fields: &mut Fields<'_>| {
            let (payload_bytes, count) = (fields.u32()?, fields.u32()?);
            let (first_lsn, durable_lsn) = (Lsn(fields.u64()?), Lsn(fields.u64()?));
            let written_at = UnixMillis(fields.u64()?);
            let (payload_crc, chain) = (fields.u32()?, fields.u32()?);
            Some(FrameHead {
                kind,
                ordinal,
                payload_bytes,
                count,
                first_lsn,
                durable_lsn,
                written_at,
                payload_crc,
                chain,
            })
        };
        let head = numbers(&mut fields).ok_or_else(short)?;
        head.check()?;
        Ok(head)
    }

    /// What holds for every head that a writer makes.
    pub(super) fn check(&self) -> Result<(), Flaw> {
        if self.payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(Flaw::number(12, "a payload length up to", PAYLOAD_BYTES_MAX, self.payload_bytes));
        }
        let has_records = self.kind == FrameKind::Records;
        if has_records != (self.count > 0) || has_records != (self.payload_bytes > 0) {
            let found = format!("{} in {} bytes", self.count, self.payload_bytes);
            return Err(Flaw::new(16, format!("records as {:?} have them", self.kind), found));
        }
        let last_lsn = self.first_lsn.0.saturating_add(u64::from(self.count.saturating_sub(1)));
        if last_lsn > LSN_MAX {
            return Err(Flaw::number(20, "LSNs up to", LSN_MAX, last_lsn));
        }
        if self.durable_lsn >= self.first_lsn {
            return Err(Flaw::number(28, "a durable LSN below", self.first_lsn, self.durable_lsn));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::database_id::DatabaseId;
    use crate::persist::seal::Stamp;

    fn seal() -> Seal {
        Seal::of(Stamp { database_id: DatabaseId([1; 16]), salt: 7 })
    }

    fn head() -> FrameHead {
        let head = FrameHead {
            kind: FrameKind::Records,
            ordinal: 5,
            payload_bytes: 70,
            count: 2,
            first_lsn: Lsn(9),
            durable_lsn: Lsn(8),
            written_at: UnixMillis(1000),
            payload_crc: 0xdead_beef,
            chain: 0,
        };
        head.chained(77)
    }

    #[test]
    fn a_head_of_every_kind_comes_back() {
        for kind in [FrameKind::Records, FrameKind::Mark, FrameKind::CleanStop] {
            let records = if kind == FrameKind::Records { 1 } else { 0 };
            let head = FrameHead { kind, payload_bytes: 70 * records, count: 2 * records, ..head() }.chained(1);
            let encoded = head.encode(seal());
            assert_eq!(encoded.len(), HEAD_BYTES);
            assert_eq!(FrameHead::decode(&encoded, seal()).unwrap(), head);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_missing_byte_of_a_head_is_refused() {
        let encoded = head().encode(seal());
        for bit in 0..encoded.len() * 8 {
            let mut flipped = encoded.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(FrameHead::decode(&flipped, seal()), Err(Fault::Flaw(_))), "bit {bit}");
        }
        for length in 0..encoded.len() {
            assert!(matches!(FrameHead::decode(&encoded[..length], seal()), Err(Fault::Flaw(_))), "length {length}");
        }
    }

    #[test]
    fn the_chain_tells_what_stood_before_and_what_the_head_says() {
        assert_eq!(head().chained(77), head());
        assert_ne!(head().chained(78).chain, head().chain);
        let other = FrameHead { payload_crc: 1, ..head() };
        assert_ne!(other.chained(77).chain, head().chain);
    }

    #[test]
    fn a_head_of_another_file_is_refused() {
        let other = Seal::of(Stamp { database_id: DatabaseId([1; 16]), salt: 8 });
        assert!(FrameHead::decode(&head().encode(other), seal()).is_err());
    }

    #[test]
    fn what_no_writer_writes_is_refused_though_its_checksum_holds() {
        let flaw = |head: FrameHead| match FrameHead::decode(&head.encode(seal()), seal()) {
            Err(Fault::Flaw(flaw)) => flaw.at,
            other => panic!("{other:?}"),
        };
        assert_eq!(flaw(FrameHead { payload_bytes: PAYLOAD_BYTES_MAX + 1, ..head() }), 12);
        assert_eq!(flaw(FrameHead { payload_bytes: 0, ..head() }), 16);
        assert_eq!(flaw(FrameHead { count: 0, ..head() }), 16);
        assert_eq!(flaw(FrameHead { kind: FrameKind::Mark, ..head() }), 16);
        assert_eq!(flaw(FrameHead { kind: FrameKind::CleanStop, count: 0, ..head() }), 16);
        assert_eq!(flaw(FrameHead { durable_lsn: Lsn(9), ..head() }), 28);
        assert_eq!(flaw(FrameHead { first_lsn: Lsn(LSN_MAX), ..head() }), 20);
        for (at, what) in [(4, "a frame of kind 3"), (5, "a frame with reserved fields in use")] {
            let mut bytes = head().encode(seal());
            bytes[at] = 3;
            bytes.truncate(CHECKSUM_AT);
            put_checksum(&mut bytes, |bytes| seal().over(Part::FrameHead, 5, bytes));
            assert!(matches!(FrameHead::decode(&bytes, seal()), Err(Fault::Newer(found)) if found == what));
        }
    }
}

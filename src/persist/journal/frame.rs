//! The head of a frame: 56 bytes in front of what one group commit wrote.
//!
//! Invariant: the head is one exact sequence of bytes for what it says, under a checksum of its own; so the length of
//! the payload is never trusted before that checksum holds. The chain runs over the heads from the segment's header
//! on, so a frame that is missing, doubled or of an older run does not validate.
//! It turns values into bytes; it does no input or output.

use crate::base::clock::UnixMillis;
use crate::model::Lsn;
use crate::persist::fields::{put_u32, put_u64};
use crate::persist::seal::{Part, Seal, put_checksum};

/// The first bytes of a frame.
pub const MAGIC: [u8; 4] = *b"MTJF";

/// Bytes of a head; the payload follows.
pub const HEAD_BYTES: usize = 56;

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
}

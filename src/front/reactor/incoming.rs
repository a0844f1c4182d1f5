//! A request's body as it comes in: by length or in chunks, told apart here and nowhere else.
//!
//! Invariant: not a byte beyond the body's end is taken. It does not keep what it takes off.

use crate::front::framing::Announced;

use super::chunked::{ChunkFault, Decoder, Fed};

/// A body on its way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Incoming {
    /// So many bytes are still to come.
    Length(u64),
    /// In chunks.
    Chunked(Decoder),
}

impl Incoming {
    /// A body that was announced so.
    pub(super) fn new(announced: Announced) -> Incoming {
        match announced {
            Announced::Nothing => Incoming::Length(0),
            Announced::Bytes(bytes) => Incoming::Length(bytes),
            Announced::Chunked => Incoming::Chunked(Decoder::new()),
        }
    }

    /// Bytes that are sure to come, if the peer keeps its word.
    pub(super) fn announced(&self) -> u64 {
        match self {
            Incoming::Length(remaining) => *remaining,
            Incoming::Chunked(decoder) => decoder.remaining(),
        }
    }

    /// Takes from `input` up to the end of one part, of the body, or of the input.
    ///
    /// # Errors
    /// Nothing more can be read.
    pub(super) fn feed<'b>(&mut self, input: &'b [u8]) -> Result<Fed<'b>, ChunkFault> {
        match self {
            Incoming::Chunked(decoder) => decoder.feed(input),
            Incoming::Length(remaining) => {
                let used = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                *remaining -= used as u64;
                Ok(Fed { used, data: input.get(..used).unwrap_or_default(), ended: *remaining == 0 })
            }
        }
    }
}

//! Pieces of text: lent by the document or the patch, or made on the way.

use std::ops::Range;

use super::Cause;

/// A piece of text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span<'t> {
    /// Of the document, of the patch, or of the program.
    Lent(&'t [u8]),
    /// Of the buffer `Made`: where it begins, and how long it is.
    Made(u32, u32),
}

/// The bytes that are made while a document is patched.
#[derive(Debug)]
pub(super) struct Made {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl<'t> Span<'t> {
    pub(super) const EMPTY: Span<'t> = Span::Lent(b"");

    pub(super) fn len(self) -> usize {
        match self {
            Span::Lent(text) => text.len(),
            Span::Made(_, length) => length as usize,
        }
    }

    /// The bytes in `range` of it; `range` lies in it.
    pub(super) fn part(self, range: Range<usize>) -> Span<'t> {
        match self {
            Span::Lent(text) => Span::Lent(text.get(range).unwrap_or_default()),
            // Both are below the length of this span, which is an u32.
            Span::Made(start, _) => Span::Made(start + range.start as u32, range.len() as u32),
        }
    }
}

impl Made {
    /// For a result of at most `bytes_max` bytes and a patch of `patch_bytes`. Copies that double a document come to
    /// twice its size; names and numbers are shorter than the operations that make them, or not much longer.
    pub(super) fn new(bytes_max: usize, patch_bytes: usize) -> Made {
        let bytes_max = bytes_max.saturating_mul(2).saturating_add(patch_bytes.saturating_mul(2));
        Made { bytes: Vec::new(), bytes_max: bytes_max.min(u32::MAX as usize) }
    }

    /// The text of `span`.
    pub(super) fn bytes<'s, 't: 's>(&'s self, span: Span<'t>) -> &'s [u8] {
        match span {
            Span::Lent(text) => text,
            Span::Made(start, length) => {
                self.bytes.get(start as usize..start as usize + length as usize).unwrap_or_default()
            }
        }
    }

    /// Makes sure that `bytes` more may be made.
    ///
    /// # Errors
    /// `TooCostly`.
    pub(super) fn check_room(&self, bytes: usize) -> Result<(), Cause> {
        let is_enough = self.bytes.len().saturating_add(bytes) <= self.bytes_max;
        if is_enough { Ok(()) } else { Err(Cause::TooCostly { bytes_max: self.bytes_max }) }
    }

    /// Keeps what `write` appends.
    ///
    /// # Errors
    /// `TooCostly`, when it was too much.
    pub(super) fn make<'t>(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<Span<'t>, Cause> {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let range = u32::try_from(start).ok().zip(u32::try_from(self.bytes.len() - start).ok());
        match range {
            Some((start, length)) if self.bytes.len() <= self.bytes_max => Ok(Span::Made(start, length)),
            _ => Err(Cause::TooCostly { bytes_max: self.bytes_max }),
        }
    }
}

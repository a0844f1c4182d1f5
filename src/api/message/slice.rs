//! A part of a document's value, by reference.

use std::ops::Range;

use crate::model::Document;

/// Some bytes of a document's value. Keeps the whole document alive.
#[derive(Clone, Debug)]
pub struct DocumentSlice {
    document: Document,
    // A document's length fits a u32, and a piece of a body stays small.
    start: u32,
    length: u32,
}

impl DocumentSlice {
    /// Those bytes of `document`'s value; what lies beyond its end is left out.
    pub fn new(document: Document, range: Range<usize>) -> DocumentSlice {
        let (start, length) = (u32::try_from(range.start), u32::try_from(range.len()));
        let fits = "DOCUMENT_BYTES_CEILING is below u32::MAX";
        DocumentSlice { document, start: start.expect(fits), length: length.expect(fits) }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        let behind = self.document.value().get(self.start as usize..).unwrap_or_default();
        behind.get(..self.length as usize).unwrap_or(behind)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Piece;
    use super::*;
    use crate::model::Key;

    #[test]
    fn a_slice_is_the_bytes_themselves_and_ends_with_the_document() {
        let document = Document::new(Key::new("k").unwrap(), b"[1,22,3]");
        let slice = DocumentSlice::new(document.clone(), 3..5);
        assert!(std::ptr::eq(slice.bytes(), &raw const document.value()[3..5]));
        assert_eq!(DocumentSlice::new(document.clone(), 6..100).bytes(), b"3]");
        assert_eq!(DocumentSlice::new(document, 9..10).bytes(), b"");
    }

    #[test]
    fn a_piece_is_a_word_larger_than_a_vector() {
        assert_eq!(size_of::<Piece>(), size_of::<Vec<u8>>() + size_of::<usize>());
    }
}

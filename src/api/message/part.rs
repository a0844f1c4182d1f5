//! A part of a body that is made while it is sent: bytes, and large documents by reference.
//!
//! Invariant: the pieces are in order and none is empty, so that a part without bytes has no pieces. How large a part
//! grows is up to the stream that fills it.

use std::ops::Range;

use crate::model::{Document, Lsn, Rest};

use super::{DocumentSlice, Piece};

/// Documents up to this size are copied: a piece of its own costs an entry in writev and breaks the bytes around it
/// in two, about as much as copying a page.
const COPIED_BYTES_MAX: usize = 4 << 10;

/// What `clear` keeps of the memory for bytes.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// One part of a body, filled by a `BodyStream` and sent by a front, which reuses it from part to part.
#[derive(Debug, Default)]
pub struct Part {
    pieces: Vec<Piece>,
    length: usize,
    /// Memory for the next piece of bytes.
    spare: Vec<u8>,
    /// The newest LSN that it shows something of.
    newest: Lsn,
}

impl Part {
    /// An empty part; allocates nothing yet.
    pub fn new() -> Part {
        Part::default()
    }

    /// Appends a copy of `bytes`.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        match self.pieces.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Piece::Owned(before)) => before.extend_from_slice(bytes),
            _ => {
                let mut owned = std::mem::take(&mut self.spare);
                owned.extend_from_slice(bytes);
                self.pieces.push(Piece::Owned(owned));
            }
        }
    }

    /// Appends the value of `document`: by reference, unless it is small.
    pub fn push_document(&mut self, document: Document) {
        if document.value().len() <= COPIED_BYTES_MAX {
            self.push_bytes(document.value());
        } else {
            self.length += document.value().len();
            self.pieces.push(Piece::Document(document));
        }
    }

    /// Appends those bytes of the value of `document`: by reference, unless they are few.
    pub fn push_slice(&mut self, document: Document, range: Range<usize>) {
        let slice = DocumentSlice::new(document, range);
        if slice.bytes().len() <= COPIED_BYTES_MAX {
            self.push_bytes(slice.bytes());
        } else {
            self.length += slice.bytes().len();
            self.pieces.push(Piece::Slice(slice));
        }
    }

    /// Notes that what was appended shows something of `lsn`, or of what came before it.
    pub fn show(&mut self, lsn: Lsn) {
        self.newest = self.newest.max(lsn);
    }

    /// What must be durable before this part may leave.
    pub fn rest(&self) -> Rest {
        Rest::Seen(self.newest)
    }

    /// What was appended, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What was appended, in order, to keep.
    pub fn into_pieces(self) -> Vec<Piece> {
        self.pieces
    }

    /// Bytes of all pieces together.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True when there are no bytes in it.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Empties it, lets go of its documents, and keeps some memory for the next part.
    pub fn clear(&mut self) {
        self.length = 0;
        self.newest = Lsn::ZERO;
        for piece in self.pieces.drain(..) {
            if let Piece::Owned(bytes) = piece
                && bytes.capacity() > self.spare.capacity()
            {
                self.spare = bytes;
            }
        }
        self.spare.clear();
        self.spare.shrink_to(KEPT_BYTES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Key;

    fn document(bytes: usize) -> Document {
        Document::new(Key::new("k").unwrap(), "7".repeat(bytes).as_bytes())
    }

    fn text(part: &Part) -> Vec<u8> {
        part.pieces().iter().flat_map(|piece| piece.bytes().to_vec()).collect()
    }

    #[test]
    fn bytes_and_small_documents_are_one_piece() {
        let mut part = Part::new();
        part.push_bytes(b"[");
        part.push_document(document(COPIED_BYTES_MAX));
        part.push_bytes(b"");
        part.push_bytes(b"]");
        assert_eq!((part.pieces().len(), part.len()), (1, COPIED_BYTES_MAX + 2));
        assert_eq!(text(&part), format!("[{}]", "7".repeat(COPIED_BYTES_MAX)).as_bytes());
    }

    #[test]
    fn a_large_document_is_held_by_reference_between_the_bytes_around_it() {
        let large = document(COPIED_BYTES_MAX + 1);
        let mut part = Part::new();
        part.push_bytes(b"[");
        part.push_document(large.clone());
        part.push_bytes(b"]");
        assert_eq!((part.pieces().len(), part.len()), (3, COPIED_BYTES_MAX + 3));
        assert!(std::ptr::eq(part.pieces()[1].bytes(), large.value()), "the same bytes, not a copy");
    }

    #[test]
    fn of_a_slice_that_is_large_the_bytes_are_held_by_reference() {
        let large = document(COPIED_BYTES_MAX + 9);
        let mut part = Part::new();
        part.push_slice(large.clone(), 5..5 + COPIED_BYTES_MAX);
        assert!(matches!(part.pieces(), [Piece::Owned(_)]));
        part.push_slice(large.clone(), 5..6 + COPIED_BYTES_MAX);
        assert!(std::ptr::eq(part.pieces()[1].bytes(), &raw const large.value()[5..6 + COPIED_BYTES_MAX]));
        assert_eq!(part.len(), 2 * COPIED_BYTES_MAX + 1);
    }

    #[test]
    fn a_part_without_bytes_has_no_pieces() {
        let mut part = Part::new();
        part.push_bytes(b"");
        assert!(part.is_empty() && part.pieces().is_empty());
    }

    #[test]
    fn clearing_lets_go_of_the_contents_and_keeps_bounded_memory() {
        let mut part = Part::new();
        part.push_bytes(b"abc");
        let memory = part.pieces()[0].bytes().as_ptr();
        part.push_document(document(COPIED_BYTES_MAX + 1));
        part.show(Lsn(7));
        part.show(Lsn(5));
        assert_eq!(part.rest(), Rest::Seen(Lsn(7)));
        part.clear();
        assert!(part.is_empty() && part.pieces().is_empty() && part.rest() == Rest::NOTHING);
        part.push_bytes(b"d");
        assert_eq!((part.pieces()[0].bytes().as_ptr(), text(&part)), (memory, b"d".to_vec()));
        part.push_bytes(&vec![b'x'; 4 * KEPT_BYTES_MAX]);
        part.clear();
        assert!(part.spare.capacity() <= KEPT_BYTES_MAX);
    }
}

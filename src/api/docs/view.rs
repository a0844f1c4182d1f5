//! What a reader is shown of a document: all of it, the part that `?ptr=` names, or either indented for people.
//!
//! Whatever is shown, version and ETag are the document's. A part keeps its bytes.

use std::ops::Range;

use crate::base::limits::PRETTY_GROWTH_MAX;
use crate::model::Document;
use crate::patch::{Pointer, pretty};

use super::super::message::{DocumentSlice, Piece};
use super::super::problem::{Kind, Problem};
use super::super::query::Query;

/// Parts up to this size are copied: a slow reader of a few bytes should not keep a large document in memory.
const COPIED_BYTES_MAX: usize = 4 << 10;

/// What of a document is asked for.
pub(super) struct View {
    pointer: Option<Pointer<'static>>,
    is_pretty: bool,
}

impl View {
    /// What `?ptr=` and `?pretty` say.
    ///
    /// # Errors
    /// `pointer_invalid`, `parameter_invalid`.
    #[inline]
    pub(super) fn read(query: &Query<'_>) -> Result<View, Problem> {
        if query.is_empty() {
            return Ok(View { pointer: None, is_pretty: false });
        }
        Ok(View { pointer: pointer(query.value("ptr"))?, is_pretty: query.flag("pretty")? })
    }

    /// Where in `document` it is; read once if there is a pointer.
    ///
    /// # Errors
    /// `pointer_not_found`.
    pub(super) fn locate(&self, document: &Document) -> Result<Range<usize>, Problem> {
        let Some(pointer) = &self.pointer else { return Ok(0..document.value().len()) };
        pointer.find(document.value()).ok_or_else(|| {
            Problem::new(Kind::PointerNotFound, "the document is there, and has no value at this pointer")
                .text("pointer", &pointer.to_string())
        })
    }

    /// The bytes at `range`, as `locate` gave it.
    ///
    /// # Errors
    /// `parameter_invalid` when they would be much more than a document of `document_bytes_max` once they are indented.
    pub(super) fn piece(
        &self,
        document: Document,
        range: Range<usize>,
        document_bytes_max: usize,
    ) -> Result<Piece, Problem> {
        let part = document.value().get(range.clone()).unwrap_or_default();
        if self.is_pretty {
            let bytes_max = document_bytes_max.saturating_mul(PRETTY_GROWTH_MAX);
            let indented = pretty(part, bytes_max).map_err(|_| too_wide(bytes_max))?;
            return Ok(Piece::Owned(indented));
        }
        Ok(match part.len() {
            all if all == document.value().len() => Piece::Document(document),
            0..=COPIED_BYTES_MAX => Piece::Owned(part.to_vec()),
            _ => Piece::Slice(DocumentSlice::new(document, range)),
        })
    }
}

/// The pointer that `text`, the value of `?ptr=`, spells.
///
/// # Errors
/// `pointer_invalid`.
pub(super) fn pointer(text: Option<&str>) -> Result<Option<Pointer<'static>>, Problem> {
    text.map(|text| Pointer::parse(text.to_owned())).transpose().map_err(|error| {
        Problem::new(Kind::PointerInvalid, format!("ptr is no JSON pointer: {error}"))
            .hint("write /name/0/other; a slash in a name is ~1, a tilde ~0")
    })
}

fn too_wide(bytes_max: usize) -> Problem {
    let detail = format!("indented, this would have more than {bytes_max} bytes");
    Problem::new(Kind::ParameterInvalid, detail)
        .hint("leave pretty out, or name a part with ptr")
        .size("limit_bytes", bytes_max)
}

#[cfg(test)]
mod tests {
    use super::super::super::routes::{Parameter, parameters};
    use super::*;
    use crate::model::Key;

    const KNOWN: &[Parameter] = &[parameters::PTR, parameters::PRETTY];

    fn shown(query: &str, document: &Document, document_bytes_max: usize) -> Result<Piece, Kind> {
        let query = Query::read(query, KNOWN).map_err(|problem| problem.kind())?;
        let view = View::read(&query).map_err(|problem| problem.kind())?;
        let range = view.locate(document).map_err(|problem| problem.kind())?;
        view.piece(document.clone(), range, document_bytes_max).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_large_part_is_shown_by_reference_and_a_small_one_copied() {
        let large = "7".repeat(COPIED_BYTES_MAX + 1);
        let text = format!("{{\"small\":{},\"large\":{large}}}", "7".repeat(COPIED_BYTES_MAX));
        let document = Document::new(Key::new("k").unwrap(), text.as_bytes());
        assert!(matches!(shown("", &document, 0), Ok(Piece::Document(_))));
        assert!(matches!(shown("ptr=", &document, 0), Ok(Piece::Document(_))));
        assert!(matches!(shown("ptr=/small", &document, 0), Ok(Piece::Owned(_))));
        let Ok(Piece::Slice(slice)) = shown("ptr=/large", &document, 0) else { panic!("not by reference") };
        assert_eq!(slice.bytes(), large.as_bytes());
    }

    #[test]
    fn what_is_indented_is_bounded() {
        let document = Document::new(Key::new("k").unwrap(), b"[[1]]");
        assert_eq!(shown("pretty", &document, 3).unwrap().bytes(), b"[\n  [\n    1\n  ]\n]".as_slice());
        assert_eq!(shown("pretty", &document, 2).map(|_| ()), Err(Kind::ParameterInvalid));
        assert_eq!(shown("pretty&ptr=/0/0", &document, 1).unwrap().bytes(), b"1");
    }
}

//! Patches and pointers, as pure functions of texts.
//!
//! A document is never built: a pointer is followed over its text, and a patch cuts the text only where it changes
//! something. So whatever a patch does not touch keeps its bytes: the spelling of numbers and strings, the order of
//! members, white space. Of two members of one name the last counts, and a removal removes both.
//!
//! Invariant: no recursion and no unbounded memory, whatever stands in the texts. This room knows neither keys nor
//! versions nor HTTP.

mod fault;
mod pointer;

mod entries;
mod names;
mod scan;

mod decimal;
mod equal;

mod tree;

mod merge;

mod arithmetic;
mod operation;
mod perform;

mod pretty;

use crate::base::json::trim;

pub use fault::{Cause, Fault};
pub use pointer::{Index, Pointer, PointerError, Token};
pub use pretty::pretty;

use operation::Dialect;
use tree::Tree;

/// What a patch is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JSON merge patch, RFC 7396.
    Merge,
    /// JSON Patch, RFC 6902.
    JsonPatch,
    /// JSON Patch with further operations, each with a `value`:
    /// - `inc`, `mul`, `min`, `max` compute with the number at `path`. Two integers are computed exactly within 128 bits,
    ///   else as doubles. An absent member counts from 0 (`inc`), is 0 (`mul`), or becomes the value (`min`, `max`).
    /// - `append`, `prepend` put the value at an end of the array at `path`. An absent member becomes an array of it.
    Operations,
}

/// What `patch` makes of `document`: a JSON text of at most `bytes_max` bytes, without white space around it.
///
/// Both texts must have passed `base::json::check` with `limits::JSON_DEPTH_MAX`; then the result passes it, too. On
/// others the result is unspecified, but nothing panics.
///
/// Takes memory for the result, for up to twice of it that is made on the way, for pieces of a hundred bytes or so
/// where the patch touches the document, and for the members of a merge patch.
///
/// # Errors
/// See `Cause`; the document is as it was, whatever operations came before the one that failed.
pub fn apply(kind: Kind, document: &[u8], patch: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let patch = trim(patch);
    let mut tree = Tree::new(document, patch, bytes_max);
    match kind {
        Kind::Merge => merge::merge(&mut tree, patch).map_err(Cause::of_patch)?,
        Kind::JsonPatch => perform::perform(&mut tree, &operation::read(patch, Dialect::Standard)?)?,
        Kind::Operations => perform::perform(&mut tree, &operation::read(patch, Dialect::Extended)?)?,
    }
    tree.finish().map_err(Cause::of_patch)
}

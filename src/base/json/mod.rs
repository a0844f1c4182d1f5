//! JSON as text: the grammar of RFC 8259, spans of members and elements, strings in and out. No values, no numbers, no tree.
//!
//! `check` is the authority on what is JSON and where it stops being it, and `check_members` finds the members of an
//! object as it goes, which is what a line of a body needs. Documents that come alone are validated elsewhere by a SIMD
//! parser; what that one refuses is asked again here, because it also refuses some texts that the grammar allows (lone
//! surrogate escapes, exponents beyond a double) and its offsets are approximate.
//! Invariant: no recursion, so that nesting costs no stack.

mod plain;
mod walk;

mod elements;
mod grammar;
mod members;
mod scanner;
mod string;

pub use elements::{Elements, elements};
pub use grammar::{Malformed, check, check_members, trim};
pub use members::{Member, Members, members};
pub use string::{LoneSurrogate, code_points, escape_into, unescape};

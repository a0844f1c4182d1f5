//! Patches and pointers, as pure functions of texts.
//!
//! A document is never built: a pointer is followed over its text, and a patch cuts the text only where it changes
//! something. So whatever a patch does not touch keeps its bytes: the spelling of numbers and strings, the order of
//! members, white space. Of two members of one name the last counts, and a removal removes both.
//!
//! Invariant: no recursion and no unbounded memory, whatever stands in the texts. This room knows neither keys nor
//! versions nor HTTP.

mod pointer;

mod scan;

pub use pointer::{Index, Pointer, PointerError, Token};

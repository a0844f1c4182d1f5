//! Two kinds of panic: the library's costs a connection, ours ends the process (`base::panics`).
//!
//! Invariant: no panic of the library passes through this file unanswered. It does not know what was being done.

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) use crate::base::panics::or_abort as ours;

/// Runs a call into the library; `None` when it panicked. What it was called on must not be used any further.
pub(super) fn librarys<T>(call: impl FnOnce() -> T) -> Option<T> {
    // Unwind safety: whatever the call took is dropped by the caller, and the library shares nothing between
    // connections.
    catch_unwind(AssertUnwindSafe(call)).ok()
}

//! Two kinds of panic: the library's costs a connection, ours ends the process.
//!
//! Invariant: no panic passes through this file unanswered. It does not know what was being done.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::log;

/// Runs a call into the library; `None` when it panicked. What it was called on must not be used any further.
pub(super) fn librarys<T>(call: impl FnOnce() -> T) -> Option<T> {
    // Unwind safety: whatever the call took is dropped by the caller, and the library shares nothing between
    // connections.
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Runs code of ours; a panic in it is a broken invariant, and aborts the process.
pub(super) fn ours<T>(doing: &str, call: impl FnOnce() -> T) -> T {
    // Unwind safety: nothing is used after a panic.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => value,
        Err(panic) => log::abort(format_args!("a panic while {doing}: {}", text(panic.as_ref()))),
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}

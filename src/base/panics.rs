//! A panic of ours is a broken invariant, and ends the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::log;

/// Runs code of ours; a panic in it aborts the process, with what it said and what was being done.
pub fn or_abort<T>(doing: &str, call: impl FnOnce() -> T) -> T {
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

//! Saying that something could not be tested here, so that it is seen.

use std::io::Write;

/// Says that `what` was not run, and `why`. It goes past the harness, which keeps back what a test prints that passes.
pub fn say(what: &str, why: &str) {
    writeln!(std::io::stderr(), "NOT RUN: {what}: {why}").expect("there is a standard error");
}

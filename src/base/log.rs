//! One line per event on standard error; the only place that writes there while the server runs.
//!
//! A line is `memory-tools: <level> <text>`. Failing to write one is ignored: a closed standard error
//! must not stop a server.

use std::fmt::Arguments;
use std::io::Write;

/// Something an operator may want to know.
pub fn info(text: Arguments<'_>) {
    line("", text);
}

/// Something an operator should look at.
pub fn warn(text: Arguments<'_>) {
    line("warning: ", text);
}

/// Something that failed.
pub fn error(text: Arguments<'_>) {
    line("error: ", text);
}

/// Logs a broken invariant and aborts the process: the files bring the truth back, a half-changed memory does not.
pub fn abort(text: Arguments<'_>) -> ! {
    line("broken invariant, aborting: ", text);
    std::process::abort()
}

fn line(level: &str, text: Arguments<'_>) {
    let line = format!("memory-tools: {level}{text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

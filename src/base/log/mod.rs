//! One line per event on standard error; the only place that writes there while the server runs.
//!
//! An event has a level, a name, a text for people and fields with figures; `line` says how it looks. Failing to write
//! one is ignored: a closed standard error must not stop a server.

mod line;
mod value;

use std::fmt::Arguments;
use std::io::Write;

use super::clock::wall;

use line::Event;

pub use line::Format;
pub use value::{Level, Value};

/// Says that something happened.
///
/// `name` is what kind of event it is, in snake case and the same for good; a field's unit stands in its name, and none
/// is called `time`, `level`, `event` or `message`.
pub fn event(level: Level, name: &'static str, text: Arguments<'_>, fields: &[(&'static str, Value<'_>)]) {
    say(&Event { level, name: Some(name), text, fields });
}

/// Something an operator may want to know.
pub fn info(text: Arguments<'_>) {
    say(&Event { level: Level::Info, name: None, text, fields: &[] });
}

/// Something an operator should look at.
pub fn warn(text: Arguments<'_>) {
    say(&Event { level: Level::Warn, name: None, text, fields: &[] });
}

/// Something that failed.
pub fn error(text: Arguments<'_>) {
    say(&Event { level: Level::Error, name: None, text, fields: &[] });
}

/// Logs a broken invariant and aborts the process: the files bring the truth back, a half-changed memory does not.
pub fn abort(text: Arguments<'_>) -> ! {
    let text = format_args!("broken invariant, aborting: {text}");
    say(&Event { level: Level::Error, name: Some("abort"), text, fields: &[] });
    std::process::abort()
}

fn say(event: &Event<'_>) {
    let line = event.line(Format::Text, wall());
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

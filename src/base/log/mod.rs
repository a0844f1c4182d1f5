//! One line per event on standard error; the only place that writes there while the server runs.
//!
//! An event has a level, a name, a text for people and fields with figures; `line` says how it looks. In a server
//! `write_queued` runs on a thread: there whoever says something never waits for standard error (`queue`), and a flood of
//! one kind is cut down to a count of what was left out (`limit`). Elsewhere each line is written where it is said.
//! Failing to write one is ignored: a closed standard error must not stop a server. It knows no option's name.

mod limit;
mod line;
mod queue;
mod stderr;
mod value;

use std::fmt::Arguments;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use super::clock::{monotonic_micros, wall};

use limit::{Buckets, Floods, Kind};
use line::Event;
use queue::{Next, Queue};

pub use line::Format;
pub use value::{Level, Value};

/// How often `write_queued` looks whether a flood is over.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long the end of the process may wait for whoever reads standard error.
pub const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// The least level that is written.
static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);
/// True for `Format::Json`.
static IS_JSON: AtomicBool = AtomicBool::new(false);
/// True where lines begin with `<N>`.
static HAS_PRIORITIES: AtomicBool = AtomicBool::new(false);

static BUCKETS: Buckets = Buckets::new();
static QUEUE: Queue = Queue::new();
/// True from `open` until `write_queued` has ended.
static IS_QUEUED: AtomicBool = AtomicBool::new(false);

/// How lines look and which are written. Before they are set: text, from `Level::Info` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For people or for programs.
    pub format: Format,
    /// The least level that is written.
    pub level: Level,
    /// True where each line begins with its priority as `<N>`, which a supervisor takes off again (sd-daemon(3)).
    pub has_priorities: bool,
}

impl Options {
    /// As they were set last.
    pub fn current() -> Options {
        let level = LEVEL.load(Ordering::Relaxed);
        Options {
            format: if IS_JSON.load(Ordering::Relaxed) { Format::Json } else { Format::Text },
            level: Level::ALL.iter().copied().find(|known| *known as u8 == level).unwrap_or(Level::Info),
            has_priorities: HAS_PRIORITIES.load(Ordering::Relaxed),
        }
    }

    /// Makes them those of the process.
    pub fn set(self) {
        LEVEL.store(self.level as u8, Ordering::Relaxed);
        IS_JSON.store(self.format == Format::Json, Ordering::Relaxed);
        HAS_PRIORITIES.store(self.has_priorities, Ordering::Relaxed);
    }
}

/// True when events of `level` are written: for who has to go and look for figures.
pub fn is_on(level: Level) -> bool {
    level as u8 >= LEVEL.load(Ordering::Relaxed)
}

/// Says that something happened.
///
/// `name` is what kind of event it is, in snake case and the same for good; a field's unit stands in its name, and none
/// is called `time`, `level`, `event` or `message`. A flood of one name is cut down, and what was left out is counted.
pub fn event(level: Level, name: &'static str, text: Arguments<'_>, fields: &[(&'static str, Value<'_>)]) {
    say(Some(Kind { name, line: 0, level }), &Event { level, name: Some(name), text, fields });
}

/// As `event`, for what comes with every request because the operator has asked for that: however many come, only those
/// are left out for which standard error is too slow.
pub fn each(level: Level, name: &'static str, text: Arguments<'_>, fields: &[(&'static str, Value<'_>)]) {
    say(None, &Event { level, name: Some(name), text, fields });
}

/// Something an operator may want to know.
#[track_caller]
pub fn info(text: Arguments<'_>) {
    say_unnamed(Level::Info, text, Location::caller());
}

/// Something an operator should look at.
#[track_caller]
pub fn warn(text: Arguments<'_>) {
    say_unnamed(Level::Warn, text, Location::caller());
}

/// Something that failed.
#[track_caller]
pub fn error(text: Arguments<'_>) {
    say_unnamed(Level::Error, text, Location::caller());
}

/// Logs a broken invariant and aborts the process: the files bring the truth back, a half-changed memory does not.
pub fn abort(text: Arguments<'_>) -> ! {
    let text = format_args!("broken invariant, aborting: {text}");
    let event = Event { level: Level::Error, name: Some("abort"), text, fields: &[] };
    // It is the last line: what is before it goes out first, if anybody reads it, or the line might find no room.
    flush(FLUSH_PATIENCE);
    say(None, &event);
    if !flush(FLUSH_PATIENCE) {
        stderr::write_if_ready(line_of(&event).as_bytes());
    }
    std::process::abort()
}

/// From now on what is said waits for `write_queued`. Before, and when that has ended, each line is written by whoever
/// says it.
pub fn open() {
    QUEUE.open();
    IS_QUEUED.store(true, Ordering::SeqCst);
}

/// Writes what is said to standard error, from `open` until `close`: what `mt-log` runs.
pub fn write_queued() {
    let mut lines = Vec::new();
    loop {
        match QUEUE.take(&mut lines, LOOK_INTERVAL) {
            Next::Write => stderr::write(&lines),
            Next::Idle => {}
            Next::End => {
                tell_left_out(Floods::All);
                if QUEUE.end() {
                    break;
                }
            }
        }
        tell_left_out(Floods::Due);
    }
    IS_QUEUED.store(false, Ordering::SeqCst);
}

/// Waits until what was said is written; false when nobody reads it within `patience`.
pub fn flush(patience: Duration) -> bool {
    QUEUE.flush(patience)
}

/// Ends `write_queued`, and waits until what was said is written; false when nobody reads it within `patience`.
pub fn close(patience: Duration) -> bool {
    QUEUE.close(patience)
}

fn say_unnamed(level: Level, text: Arguments<'_>, place: &'static Location<'static>) {
    let kind = Kind { name: place.file(), line: place.line(), level };
    say(Some(kind), &Event { level, name: None, text, fields: &[] });
}

/// Says `event`, unless it is one too many of its `kind`.
fn say(kind: Option<Kind>, event: &Event<'_>) {
    if !is_on(event.level) {
        return;
    }
    if !IS_QUEUED.load(Ordering::SeqCst) {
        return stderr::write(line_of(event).as_bytes());
    }
    if kind.is_some_and(|kind| !BUCKETS.admit(kind, monotonic_micros())) || QUEUE.is_full() {
        return;
    }
    let line = line_of(event);
    if !QUEUE.put(line.as_bytes()) {
        stderr::write(line.as_bytes());
    }
}

fn line_of(event: &Event<'_>) -> String {
    let Options { format, has_priorities, .. } = Options::current();
    let line = event.line(format, wall());
    if has_priorities { format!("<{}>{line}", event.level.priority()) } else { line }
}

/// Writes what was left out and is to be told now, past the queue: its writer is the one who calls this.
fn tell_left_out(floods: Floods) {
    for left_out in BUCKETS.take_left_out(floods, monotonic_micros()) {
        let (Kind { name, line, level }, lines) = (left_out.kind, left_out.lines);
        let kind = if line == 0 { name.to_owned() } else { format!("{name}:{line}") };
        let seconds = left_out.micros.div_ceil(1_000_000).max(1);
        write_now(&Event {
            level,
            name: Some("log_left_out"),
            text: format_args!("{lines} lines like this were left out in {seconds} s"),
            fields: &[
                ("kind", Value::from(&kind)),
                ("lines", Value::Said(&lines.into())),
                ("seconds", Value::Said(&seconds.into())),
            ],
        });
    }
    let lines = QUEUE.take_left_out();
    if lines > 0 {
        write_now(&Event {
            level: Level::Warn,
            name: Some("log_overrun"),
            text: format_args!("{lines} lines were left out, standard error was not read fast enough"),
            fields: &[("lines", Value::Said(&lines.into()))],
        });
    }
}

fn write_now(event: &Event<'_>) {
    stderr::write(line_of(event).as_bytes());
}

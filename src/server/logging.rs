//! The log as a server has it: lines as the options want them, a thread that writes them, and a panic that is a line
//! like any other.
//!
//! Invariant: whoever says something goes on, whatever becomes of standard error. There is one in a process.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::env;
use std::io;
use std::panic::{self, PanicHookInfo};
use std::thread::Builder;

use crate::base::log::{self, Level};
use crate::base::panics::or_abort;
use crate::base::proc::standard_error;
use crate::config::Config;

/// Stack of `mt-log`, which writes what others have made.
const STACK_BYTES: usize = 128 * 1024;

/// Lines go over `mt-log` until it is dropped, which waits a moment until all are written.
pub struct Logging {
    _private: (),
}

impl Logging {
    /// Begins to log as `config` says, on `mt-log`.
    ///
    /// # Errors
    /// The operating system's, when it has no thread to give.
    pub fn begin(config: &Config) -> io::Result<Logging> {
        let has_priorities = is_stream_of(env::var("JOURNAL_STREAM").ok().as_deref(), standard_error());
        log::Options { format: config.log_format, level: config.log_level, has_priorities }.set();
        panic::set_hook(Box::new(log_panic));
        log::open();
        let writing = || or_abort("writing the log", log::write_queued);
        Builder::new().name("mt-log".to_owned()).stack_size(STACK_BYTES).spawn(writing)?;
        Ok(Logging { _private: () })
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        // Nothing can be done for lines that nobody reads.
        log::close(log::FLUSH_PATIENCE);
    }
}

/// True when `named`, which is the `DEVICE:FILE` of systemd's journal, is the stream `own`: one that was redirected
/// since is read by somebody else, who would take priorities for text.
fn is_stream_of(named: Option<&str>, own: Option<(u64, u64)>) -> bool {
    let number = |text: &str| text.parse().ok();
    let named = named.and_then(|named| named.split_once(':'));
    named.is_some_and(|(device, file)| number(device).zip(number(file)).is_some_and(|named| own == Some(named)))
}

/// What the panicking thread was and said, and where; with a backtrace where RUST_BACKTRACE asks for one.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let place = panic.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let shown: Option<&dyn std::fmt::Display> = (backtrace.status() == BacktraceStatus::Captured).then_some(&backtrace);
    let text = panic.payload_as_str().unwrap_or("(no text)");
    log::event(
        Level::Error,
        "panic",
        format_args!("thread {thread} panicked at {}: {text}", place.as_deref().unwrap_or("an unknown place")),
        &[
            ("thread", log::Value::Said(&thread.into())),
            ("backtrace", shown.map_or(log::Value::None, log::Value::Shown)),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_for_the_journal_and_for_nobody_else() {
        for (named, own, is_journal) in [
            (Some("8:4711"), Some((8, 4711)), true),
            (Some("8:4711"), Some((8, 4712)), false),
            (Some("8:4711"), Some((9, 4711)), false),
            (Some("8:4711"), None, false),
            (Some("8"), Some((8, 8)), false),
            (Some("8:"), Some((8, 0)), false),
            (Some(":"), Some((0, 0)), false),
            (Some(""), None, false),
            (None, Some((8, 4711)), false),
            (None, None, false),
        ] {
            assert_eq!(is_stream_of(named, own), is_journal, "{named:?} {own:?}");
        }
    }
}

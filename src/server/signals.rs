//! SIGINT and SIGTERM ask for a clean stop, and a second one ends the process at once; SIGHUP asks for a reload.
//! SIGXFSZ asks for nothing: a write beyond the limit on the size of files is refused, and that is enough.
//!
//! Two libraries share the work: ctrlc takes SIGINT on a thread of its own, signal-hook the others on `mt-signal`.
//! Invariant: a stop is never lost behind reloads, however many come while nobody listens.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use signal_hook::consts::{SIGHUP, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::base::log::{self, Level};
use crate::base::panics::or_abort;

/// Exit status of a process that was told twice: without a journal, what was not in a snapshot is lost.
const EXIT_TOLD_TWICE: i32 = 1;

/// Stack of `mt-signal`, which logs a line at most.
const STACK_BYTES: usize = 128 * 1024;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A clean stop, by the signal of this name.
    Stop(&'static str),
    /// To read again what can be read while serving.
    Reload,
}

/// Installs the handlers, once in a process, and returns where signals arrive.
///
/// # Errors
/// The operating system's, as text.
pub fn signals() -> Result<Receiver<Signal>, String> {
    let (told, receive) = unbounded();
    let desk = Desk { told, is_stopping: Arc::default() };
    let fault = |error: &dyn std::fmt::Display| format!("signals cannot be handled: {error}");
    outlive_large_files().map_err(|error| fault(&error))?;
    let interrupted = desk.clone();
    ctrlc::set_handler(move || interrupted.take(Signal::Stop("SIGINT"))).map_err(|error| fault(&error))?;
    let mut signals = Signals::new([SIGTERM, SIGHUP]).map_err(|error| fault(&error))?;
    let take_all = move || {
        for signal in signals.forever() {
            desk.take(if signal == SIGHUP { Signal::Reload } else { Signal::Stop("SIGTERM") });
        }
    };
    let thread = Builder::new().name("mt-signal".to_owned()).stack_size(STACK_BYTES);
    thread.spawn(|| or_abort("waiting for signals", take_all)).map_err(|error| fault(&error))?;
    Ok(receive)
}

/// Has a write beyond the limit on the size of files fail with EFBIG, as trouble of the disk like any other, in place of
/// ending the process with all that is in memory, or without tidying up.
///
/// # Errors
/// The operating system's.
pub fn outlive_large_files() -> io::Result<()> {
    // Nobody looks at the flag.
    flag::register(SIGXFSZ, Arc::default()).map(drop)
}

/// Where both threads hand in what has come.
#[derive(Clone)]
struct Desk {
    told: Sender<Signal>,
    is_stopping: Arc<AtomicBool>,
}

impl Desk {
    /// Passes `signal` on; ends the process when it is the second stop.
    fn take(&self, signal: Signal) {
        match signal {
            Signal::Stop(name) if self.is_stopping.swap(true, Ordering::SeqCst) => {
                let text = format_args!("second signal: exiting at once, without the last snapshot");
                log::event(Level::Warn, "exits_at_once", text, &[("signal", name.into())]);
                log::flush(log::FLUSH_PATIENCE);
                std::process::exit(EXIT_TOLD_TWICE);
            }
            // Whatever still waits to be looked at is a reload that will see what this one asks to be seen, or a stop.
            Signal::Reload if !self.told.is_empty() => {}
            Signal::Stop(_) | Signal::Reload => {
                // Nobody receives any more when the server has failed to start or has stopped: the process ends.
                let _ = self.told.send(signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reloads_that_nobody_has_looked_at_are_one_and_a_stop_comes_behind_them() {
        let (told, receive) = unbounded();
        let desk = Desk { told, is_stopping: Arc::default() };
        for _ in 0..1000 {
            desk.take(Signal::Reload);
        }
        desk.take(Signal::Stop("SIGTERM"));
        desk.take(Signal::Reload);
        assert_eq!(receive.try_iter().collect::<Vec<_>>(), [Signal::Reload, Signal::Stop("SIGTERM")]);
        desk.take(Signal::Reload);
        assert_eq!(receive.try_iter().collect::<Vec<_>>(), [Signal::Reload]);
    }
}

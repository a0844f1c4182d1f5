//! The wait for the next look, which a key, a signal or a reader that is gone may end sooner. No thread waits for it: the
//! handlers of signals write to sockets that are polled with the rest.
//!
//! Invariant: from `begin` on no signal that asks the process to end does so by itself, so that whoever holds a terminal
//! gives it back.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::low_level::pipe;

/// Ctrl-C, which is no signal where keys come as they are.
const INTERRUPT: u8 = 3;

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It is time.
    Due,
    /// The terminal has another size.
    Resized,
    /// Somebody has enough: by `q`, Ctrl-C or a signal, or nobody reads any more.
    Stop,
}

/// What may end a wait.
pub struct Waiting {
    /// Has something to read when a signal has asked for the end.
    stop: UnixStream,
    /// The same of another size.
    resized: UnixStream,
    /// Whether keys are listened to.
    with_keys: bool,
}

impl Waiting {
    /// Listens to signals from now on, and when `with_keys` to standard input.
    ///
    /// # Errors
    /// The operating system's.
    pub fn begin(with_keys: bool) -> io::Result<Waiting> {
        let with_keys = with_keys && io::IsTerminal::is_terminal(&io::stdin());
        Ok(Waiting { stop: told_of(&[SIGINT, SIGTERM, SIGHUP])?, resized: told_of(&[SIGWINCH])?, with_keys })
    }

    /// Waits until `due`, or for what comes before.
    ///
    /// # Errors
    /// The operating system's.
    pub fn until(&self, due: Instant) -> io::Result<Woken> {
        let (keys, out) = (io::stdin(), io::stdout());
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let mut polled = vec![
                PollFd::new(&self.stop, PollFlags::IN),
                PollFd::new(&self.resized, PollFlags::IN),
                PollFd::new(&out, PollFlags::empty()),
            ];
            if self.with_keys {
                polled.push(PollFd::new(&keys, PollFlags::IN));
            }
            match poll(&mut polled, Some(&timespec(left))) {
                Ok(0) => return Ok(Woken::Due),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut happened = polled.iter().map(|polled| !polled.revents().is_empty());
            let [stop, resized, out, key] = std::array::from_fn(|_| happened.next().unwrap_or(false));
            if stop || out || (key && asks_for_the_end()?) {
                return Ok(Woken::Stop);
            }
            if resized {
                // However often it was: the size that counts is the last.
                let _ = (&self.resized).read(&mut [0; 64]);
                return Ok(Woken::Resized);
            }
        }
    }
}

/// Whether the keys that were pressed ask for the end, or none will come any more.
fn asks_for_the_end() -> io::Result<bool> {
    let mut keys = [0; 64];
    let count = rustix::io::read(io::stdin(), &mut keys)?;
    Ok(count == 0 || keys.iter().take(count).any(|key| matches!(key, b'q' | b'Q' | &INTERRUPT)))
}

/// Where something can be read once one of `signals` has come.
fn told_of(signals: &[i32]) -> io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    reader.set_nonblocking(true)?;
    for signal in signals {
        pipe::register(*signal, writer.try_clone()?)?;
    }
    Ok(reader)
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() }
}

//! A flag that is raised once and wakes whoever polls, or waits at a channel.
//!
//! Invariant: once raised it stays, its descriptor stays readable, and its channel stays closed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};

#[derive(Debug)]
pub(super) struct Flag {
    raised: AtomicBool,
    /// For who polls.
    event: OwnedFd,
    /// For who waits at channels: dropping the end that is kept here closes the other.
    kept: Mutex<Option<Sender<()>>>,
    told: Receiver<()>,
}

impl Flag {
    pub(super) fn new() -> io::Result<Flag> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let (keep, told) = crossbeam_channel::bounded(0);
        Ok(Flag { raised: AtomicBool::new(false), event, kept: Mutex::new(Some(keep)), told })
    }

    /// Raises it; once is as good as often.
    pub(super) fn raise(&self) {
        if !self.raised.swap(true, Ordering::SeqCst) {
            // An event counter at 0 takes a 1 without blocking, so that this cannot fail.
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
            self.kept.lock().take();
        }
    }

    /// Nothing ever comes here; it is closed when the flag is raised.
    pub(super) fn told(&self) -> &Receiver<()> {
        &self.told
    }

    pub(super) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }
}

impl AsFd for Flag {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

//! A flag that is raised once and wakes whoever polls.
//!
//! Invariant: once raised it stays, and its descriptor stays readable.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

#[derive(Debug)]
pub(super) struct Flag {
    raised: AtomicBool,
    event: OwnedFd,
}

impl Flag {
    pub(super) fn new() -> io::Result<Flag> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Flag { raised: AtomicBool::new(false), event })
    }

    /// Raises it; once is as good as often.
    pub(super) fn raise(&self) {
        if !self.raised.swap(true, Ordering::SeqCst) {
            // An event counter at 0 takes a 1 without blocking, so that this cannot fail.
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
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

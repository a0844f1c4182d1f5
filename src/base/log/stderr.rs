//! Standard error itself, past the lock that std has for it: a write that nobody reads may last for ever, and must keep
//! nobody else waiting.

use std::io::stderr;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write as write_some};

/// What the kernel takes whole of a pipe that has room at all (PIPE_BUF).
const AT_ONCE_BYTES_MAX: usize = 4096;

/// Writes `bytes`, for as long as that takes. One that is closed loses them.
pub(super) fn write(bytes: &[u8]) {
    let mut left = bytes;
    while !left.is_empty() {
        match write_some(stderr(), left) {
            Ok(count) => left = left.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Somebody who shares it has made it one that does not wait.
            Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&stderr(), PollFlags::OUT)], None)),
            Err(_) => return,
        }
    }
}

/// Writes `bytes`, or the beginning of them, if somebody reads.
pub(super) fn write_if_ready(bytes: &[u8]) {
    let at_once = bytes.get(..AT_ONCE_BYTES_MAX).unwrap_or(bytes);
    if poll(&mut [PollFd::new(&stderr(), PollFlags::OUT)], Some(&Timespec::default())) == Ok(1) {
        let _ = write_some(stderr(), at_once);
    }
}

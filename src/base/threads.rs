//! The one door to threads: rooms that need one ask through `Spawn`; only the server room has an implementation.
//!
//! Invariant: no room but `server` calls `std::thread`; so the list of threads is readable in one place.

use std::io;

/// What a thread runs.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// Starts named threads.
pub trait Spawn: Send + Sync {
    /// Starts `job` on a new thread.
    ///
    /// `name` stays within 15 bytes, so that `top -H` shows it whole. `stack_bytes` is the size of its stack.
    ///
    /// # Errors
    /// Whatever the operating system answers when it has no thread to give.
    fn spawn(&self, name: &str, stack_bytes: usize, job: Job) -> io::Result<()>;
}

/// Calls the work that it is given on each of as many threads as it likes, and returns when every call has.
pub type Spread<'a> = &'a dyn Fn(&(dyn Fn() + Sync));

/// A `Spread` over the calling thread alone.
pub fn alone(work: &(dyn Fn() + Sync)) {
    work();
}

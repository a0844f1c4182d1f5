//! The one door to threads: rooms that need one ask through `Spawn`; only the server room has an implementation.
//!
//! Invariant: no room but `server` calls `std::thread`; so the list of threads is readable in one place.

use std::io;

use rustix::process::{getpriority_process, setpriority_process};

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

/// How far a thread in the background stands behind those that answer requests: of a core that both want it gets a
/// tenth.
const NICENESS_IN_BACKGROUND: i32 = 10;

/// Makes the calling thread stand back where there are not cores enough for all: for work that takes seconds and that
/// nobody waits for. (On Linux a niceness belongs to a thread.) A system that does not allow it loses nothing but that.
pub fn stand_back() {
    if getpriority_process(None).is_ok_and(|niceness| niceness < NICENESS_IN_BACKGROUND) {
        let _ = setpriority_process(None, NICENESS_IN_BACKGROUND);
    }
}

/// Calls the work that it is given on each of as many threads as it likes, and returns when every call has.
pub type Spread<'a> = &'a dyn Fn(&(dyn Fn() + Sync));

/// A `Spread` over the calling thread alone.
pub fn alone(work: &(dyn Fn() + Sync)) {
    work();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_stands_back_stands_back_alone() {
        let before = getpriority_process(None).unwrap();
        let behind = std::thread::spawn(|| {
            stand_back();
            getpriority_process(None).unwrap()
        });
        assert_eq!(behind.join().unwrap(), NICENESS_IN_BACKGROUND.max(before));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}

//! The threads of the process: the front's, which may be stuck in its library, and our own, which are joined.

use std::io;
use std::thread::{Builder, JoinHandle};

use parking_lot::Mutex;

use crate::base::panics::or_abort;
use crate::base::threads::{Job, Spawn};

use super::StartError;

/// Stack of one of our own threads.
const OWN_STACK_BYTES: usize = 512 * 1024;

/// Starts threads; remembers those that a stop waits for.
#[derive(Debug, Default)]
pub struct Threads {
    joined: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Starts a thread that `join` waits for; a panic in it aborts the process at once.
    ///
    /// # Errors
    /// The operating system's.
    pub fn start(&self, name: &str, job: Job) -> Result<(), StartError> {
        let doing = format!("running {name}");
        let job = move || or_abort(&doing, job);
        let thread = Builder::new().name(name.to_owned()).stack_size(OWN_STACK_BYTES).spawn(job);
        self.joined.lock().push(thread.map_err(StartError::Thread)?);
        Ok(())
    }

    /// Waits for the threads that `start` started.
    pub fn join(&self) {
        let threads: Vec<_> = self.joined.lock().drain(..).collect();
        for thread in threads {
            // A panic would have ended the process.
            let _ = thread.join();
        }
    }
}

impl Spawn for Threads {
    fn spawn(&self, name: &str, stack_bytes: usize, job: Job) -> io::Result<()> {
        Builder::new().name(name.to_owned()).stack_size(stack_bytes).spawn(job).map(drop)
    }
}

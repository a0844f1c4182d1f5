//! The threads of the process: the front's, which may be stuck in its library, and our own, which are joined.

use std::io;
use std::thread::{Builder, JoinHandle};

use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::log;
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

/// Raises the soft limit on descriptors to the hard one and returns how many connections it leaves room for beside
/// `kept` others, at most `wanted`. tiny_http needs two for each.
///
/// # Errors
/// There is not even room for one.
pub fn raise_descriptors(wanted: usize, kept: u64) -> Result<usize, StartError> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let Some(descriptors) = current else { return Ok(wanted) };
    let room = usize::try_from(descriptors.saturating_sub(kept) / 2).unwrap_or(usize::MAX);
    if room == 0 {
        return Err(StartError::Descriptors { descriptors, needed: kept + 2 });
    }
    if room < wanted {
        log::warn(format_args!(
            "{descriptors} descriptors leave room for {room} connections, not for the {wanted} of pool_threads; \
             raise the limit (ulimit -n, LimitNOFILE=)"
        ));
    }
    Ok(wanted.min(room))
}

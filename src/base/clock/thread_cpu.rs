//! CPU time of a thread: how long it ran itself, however long the machine kept it from running meanwhile; and of all of
//! the process together.
//!
//! Invariant: two readings that are compared come from one thread, because a `ThreadCpu` cannot leave it.
//! A reading is a system call, a few hundred nanoseconds: nothing for a request, little for work in the background.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A reading of the CPU time of the thread that took it.
#[derive(Debug)]
pub struct ThreadCpu {
    began: Duration,
    began_at: Instant,
    /// Clocks of different threads have nothing to do with each other.
    of_this_thread: PhantomData<*const ()>,
}

impl ThreadCpu {
    /// Reads the clock of this thread.
    pub fn begin() -> ThreadCpu {
        ThreadCpu { began: now(), began_at: Instant::now(), of_this_thread: PhantomData }
    }

    /// How long this thread has run since the reading: never longer than has passed. The clock of a thread on a virtual
    /// machine catches up with what the machine below took from it at some other time, in jumps (of 4,065 µs within 14).
    pub fn elapsed(&self) -> Duration {
        let passed = self.began_at.elapsed();
        now().saturating_sub(self.began).min(passed)
    }
}

/// CPU time of this process so far: of all its threads, in the system on their behalf included.
pub fn process_cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).expect("a process has not run for less than no time")
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("a thread has not run for less than no time")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// A hundred times what the clock's own two readings could take.
    const WORK: Duration = Duration::from_millis(1);

    #[test]
    fn a_process_is_charged_for_what_its_threads_do() {
        let (before, cpu) = (process_cpu(), ThreadCpu::begin());
        while cpu.elapsed() < WORK {}
        assert!(process_cpu() >= before + WORK);
    }

    #[test]
    fn the_thread_that_works_is_charged_and_the_one_that_waits_is_not() {
        let mut charged = Duration::ZERO;
        let (begin, begun) = channel();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let cpu = ThreadCpu::begin();
                begun.recv().unwrap();
                cpu.elapsed()
            });
            let cpu = ThreadCpu::begin();
            while charged < WORK {
                charged = cpu.elapsed();
            }
            begin.send(()).unwrap();
            assert!(waiting.join().unwrap() < charged, "it has slept");
        });
    }
}

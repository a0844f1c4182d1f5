//! What a request costs a server that does something else meanwhile, at a constant rate.
//!
//! The CPU of the threads that serve is told from that of the whole process: what expiry or a snapshot takes by itself
//! is no cost of a request, but what it makes requests wait for in caches and under locks is.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::fleet::Fleet;
use crate::keys::Keys;
use crate::options::Options;
use crate::pace::{Pace, Schedule};
use crate::peers::PACED_SHARE;
use crate::proc;
use crate::run::Run;
use crate::work::Work;

/// How the names of the threads that serve begin.
const SERVING: &str = "mt-http";

/// What requests have cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU of the threads that serve, in microseconds a request.
    pub serving_us: f64,
    /// That of the whole process.
    pub process_us: f64,
}

/// Half of the requests a second that `server` answers in a closed loop; the run that told is appended to `runs`.
///
/// # Errors
/// A wrong answer.
pub fn half_of_saturation(
    options: &Options,
    name: &'static str,
    server: &Server,
    workload: &dyn Work,
    (round, keys): (u32, Keys),
    runs: &mut Vec<Run>,
) -> Result<f64> {
    let session = Session { workload, keys, pace: Pace::Window(1), tally: Tally::new() };
    let run = Run::measure(options, round, name, ("server", server), options.connections, session)?;
    let rate = run.requests_per_second * PACED_SHARE;
    runs.push(run);
    Ok(rate)
}

/// Asks at `rate` until `is_over`, which is told how long it has been. Whoever asks rests in between: on two processors
/// one that did not would have one of them for itself, and work in the background nothing but what the server leaves.
///
/// # Errors
/// A wrong answer, or the server keeps up so badly that nothing is known.
pub fn at_rate(
    options: &Options,
    server: &Server,
    workload: &dyn Work,
    keys: Keys,
    rate: f64,
    is_over: impl Fn(Duration) -> bool,
) -> Result<Cost> {
    let pids = server.pids();
    let outcome = Fleet::open(server.address, options.connections).and_then(|mut fleet| {
        let pace = Pace::Schedule(Schedule::new(Instant::now(), rate).resting());
        let session = Session { workload, keys, pace, tally: Tally::new() };
        let before = serving_cpu_us(pids)?;
        let window = fleet.measure_until(session, Duration::ZERO, is_over, pids)?;
        Ok((window, serving_cpu_us(pids)? - before))
    });
    let (window, serving_us) = server.explain(outcome)?;
    ensure!(window.tally.answered > 0, "nothing was answered in {:?}", window.elapsed);
    let answered = window.tally.answered as f64;
    Ok(Cost { serving_us: serving_us / answered, process_us: window.server_cpu_us as f64 / answered })
}

/// CPU of the threads that serve so far, in microseconds.
fn serving_cpu_us(pids: &[u32]) -> Result<f64> {
    let mut nanoseconds = 0;
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")? {
            let task = task?.path();
            // A thread that ends between the listing and the reading has nothing more to tell.
            let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
            if name.starts_with(SERVING) {
                let told = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
                nanoseconds +=
                    ran_ns(&told).context("/proc/PID/task/TID/schedstat does not tell the time that it ran")?;
            }
        }
    }
    ensure!(nanoseconds > 0, "the server has no threads called {SERVING} that have run");
    Ok(nanoseconds as f64 / 1000.0)
}

/// The first number of a `schedstat`: nanoseconds on a CPU.
fn ran_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// The largest resident size of `pids` while `work` runs, looked at a hundred times a second.
///
/// # Errors
/// Those of `work`, or the process is gone.
pub fn peak_resident<R>(pids: &[u32], work: impl FnOnce() -> Result<R>) -> Result<(R, u64)> {
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| -> Result<u64> {
            let mut peak = proc::resident(pids)?.now;
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
                peak = peak.max(proc::resident(pids)?.now);
            }
            Ok(peak)
        });
        let result = work();
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        let peak = looking.join().map_err(|_| anyhow::anyhow!("the thread that weighs has panicked"))?;
        Ok((result?, peak?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_on_a_cpu_comes_first() {
        assert_eq!(ran_ns("162534 9000 17\n"), Some(162_534));
        assert_eq!(ran_ns(""), None);
    }

    #[test]
    fn a_process_without_threads_that_serve_is_refused() {
        assert!(serving_cpu_us(&[std::process::id()]).is_err());
    }

    #[test]
    fn the_peak_is_not_below_what_was_touched_meanwhile() {
        let pids = [std::process::id()];
        let before = proc::resident(&pids).unwrap().now;
        let touch = || {
            let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
            std::thread::sleep(Duration::from_millis(50));
            Ok(memory.len())
        };
        let (bytes, peak) = peak_resident(&pids, touch).unwrap();
        assert!(peak >= before + bytes as u64 / 2, "{peak} after {before}");
    }
}

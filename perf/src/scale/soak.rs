//! Very many mixed requests on a set of keys that does not grow: neither may memory, descriptors or threads, once
//! everything has been there.
//!
//! How many documents that expire are there at a time follows how many are written a second, so the rate is constant: in a
//! closed loop the machine's hiccups would show in the memory of a server that leaks nothing.

use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::mix::{KEYS, Mix};
use super::{DOCUMENTS, Report};
use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::fleet::Fleet;
use crate::keys::Keys;
use crate::options::Options;
use crate::pace::{Pace, Schedule};
use crate::peers::{PACED_SHARE, program};
use crate::proc;
use crate::progress::Progress;

/// Growth of the resident size over the last half, as a share of it: promised of so many operations as are run by
/// default, and of fewer, which end sooner after everything was first there.
const GROWTH_MAX: f64 = 0.01;
const GROWTH_SHORT_MAX: f64 = 0.05;

/// Requests under way on each connection, while the rate that is reached is looked for.
const DEPTH: usize = 4;

/// The share of the operations that it is looked for with; they write every document that stays, at least.
const LOOKED_FOR_SHARE: u32 = 10;

/// How often the server is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The fewest looks at the last half that tell anything.
const LOOKS_MIN: usize = 10;

/// What was seen of the server's process.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sight {
    seconds: f64,
    resident: f64,
    descriptors: usize,
    threads: usize,
}

/// Runs `--documents` operations.
///
/// # Errors
/// A wrong answer, or the server ended.
pub fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let operations = options.documents;
    ensure!(operations > 2 * KEYS, "the soak takes more than {} operations", 2 * KEYS);
    let server = Server::start(&program::ours(options))?;
    progress.step(&format!("{operations} mixed operations"));
    let is_over = AtomicBool::new(false);
    let mut fleet = Fleet::open(server.address, options.connections)?;
    let sights = std::thread::scope(|scope| {
        let looking = scope.spawn(|| look(&server, &is_over));
        let asked = run(&mut fleet, server.address, operations, progress);
        is_over.store(true, Ordering::SeqCst);
        // While the connections are open.
        let sights = looking.join().map_err(|_| anyhow!("the thread that looks has panicked"))?;
        server.explain(asked)?;
        sights
    })?;
    let half = sights.get(sights.len() / 2..).unwrap_or_default();
    ensure!(half.len() >= LOOKS_MIN, "the soak was over too soon to tell anything; take more operations");
    let more = |of: fn(&Sight) -> usize| [more_at_the_end(half, of)];
    let bound = if operations >= DOCUMENTS { GROWTH_MAX } else { GROWTH_SHORT_MAX };
    let name = format!("soak of {operations} operations, last half");
    let figures = [
        Figure::new(format!("{name}: resident, growth"), "", [growth(half)]).map(|it| it.at_most(Some(bound))),
        Figure::new(format!("{name}: resident"), "MB", half.iter().map(|sight| sight.resident / 1e6)),
        Figure::new(format!("{name}: descriptors more at its end"), "", more(|sight| sight.descriptors))
            .map(|it| it.at_most(Some(0.0))),
        Figure::new(format!("{name}: threads more at its end"), "", more(|sight| sight.threads))
            .map(|it| it.at_most(Some(0.0))),
    ];
    report.figures.extend(figures.into_iter().flatten());
    Ok(())
}

/// Asks for some of the operations as fast as they are answered, then for the others at half of the rate that was reached.
fn run(fleet: &mut Fleet, server: SocketAddr, operations: u32, progress: &Progress) -> Result<()> {
    let mix = Mix { server };
    let mut part = |range: Range<u32>, pace| {
        let before = u64::from(range.start);
        let tell = |answered| progress.detail(&format!("{} of {operations} mixed operations", before + answered));
        fleet.exhaust(Session { workload: &mix, keys: Keys::once(range), pace, tally: Tally::new() }, tell)
    };
    let first = (operations / LOOKED_FOR_SHARE).max(KEYS);
    let begun = Instant::now();
    part(0..first, Pace::Window(DEPTH))?;
    let reached = f64::from(first) / begun.elapsed().as_secs_f64();
    part(first..operations, Pace::Schedule(Schedule::new(Instant::now(), reached * PACED_SHARE).resting()))?;
    Ok(())
}

/// Looks at the server until `is_over`.
fn look(server: &Server, is_over: &AtomicBool) -> Result<Vec<Sight>> {
    let begun = Instant::now();
    let mut sights = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        std::thread::sleep(LOOK);
        let pid = server.pids().first().context("a server has a process")?;
        let count = |what: &str| -> Result<usize> {
            Ok(fs::read_dir(format!("/proc/{pid}/{what}")).context("the process is gone")?.count())
        };
        sights.push(Sight {
            seconds: begun.elapsed().as_secs_f64(),
            resident: proc::resident(server.pids())?.now as f64,
            descriptors: count("fd")?,
            threads: count("task")?,
        });
    }
    Ok(sights)
}

/// By how much the resident size has grown from the first to the last of `sights` on a straight line through them (least
/// squares), as a share of its mean.
fn growth(sights: &[Sight]) -> f64 {
    let count = sights.len() as f64;
    let mean = |of: fn(&Sight) -> f64| sights.iter().map(of).sum::<f64>() / count;
    let (seconds, resident) = (mean(|sight| sight.seconds), mean(|sight| sight.resident));
    let together: f64 = sights.iter().map(|sight| (sight.seconds - seconds) * (sight.resident - resident)).sum();
    let alone: f64 = sights.iter().map(|sight| (sight.seconds - seconds).powi(2)).sum();
    let lasting = sights.last().zip(sights.first()).map_or(0.0, |(last, first)| last.seconds - first.seconds);
    together / alone * lasting / resident
}

/// How many more there were at the least in the second half of `sights` than in the first: what is open for a moment, such as
/// a file under /proc that the server reads each second, is in some of them; what leaks is in all that follow.
fn more_at_the_end(sights: &[Sight], of: fn(&Sight) -> usize) -> f64 {
    let (first, second) = sights.split_at(sights.len() / 2);
    let least = |sights: &[Sight]| sights.iter().map(of).min().unwrap_or(0) as f64;
    least(second) - least(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sights(resident: impl Fn(f64) -> f64) -> Vec<Sight> {
        let sight = |at: u32| {
            let seconds = f64::from(at) / 10.0;
            Sight { seconds, resident: resident(seconds), descriptors: 70, threads: 6 }
        };
        (0..101).map(sight).collect()
    }

    #[test]
    fn growth_is_the_slope_over_the_whole_time_and_a_ripple_is_none() {
        // From 95 to 105 over ten seconds: a tenth of the mean.
        assert!((growth(&sights(|seconds| 95.0 + seconds)) - 0.1).abs() < 1e-9);
        assert!(growth(&sights(|_| 100.0)).abs() < 1e-9);
        assert!(growth(&sights(|seconds| 100.0 + (seconds * 20.0).sin())).abs() < 0.005);
        assert!(growth(&sights(|seconds| 100.0 - seconds)) < -0.1);
    }

    #[test]
    fn a_descriptor_that_stays_open_is_one_more_and_one_that_was_open_for_a_moment_is_not() {
        let mut sights = sights(|_| 100.0);
        for at in [3, 70, 90] {
            sights[at].descriptors += 1;
        }
        assert_eq!(more_at_the_end(&sights, |sight| sight.descriptors), 0.0);
        for sight in &mut sights[45..] {
            sight.descriptors += 1;
        }
        assert_eq!(more_at_the_end(&sights, |sight| sight.descriptors), 1.0);
        assert_eq!(more_at_the_end(&sights, |sight| sight.threads), 0.0);
    }
}

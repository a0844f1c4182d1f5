//! What writers feel of a snapshot: PUTs at a constant rate, half of what the server can do, while one snapshot after
//! another is written, and for as long without; and the longest that a snapshot has kept a lock.
//!
//! A run beside snapshots begins with one and ends with one, so it has all of their stages in it. Its waits are those
//! of the machine as well: on two cores the generator has one, and server and snapshot share the other. The hold of a
//! lock is in CPU time of the thread that holds it, as the server itself measures it, whatever else the machine does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::fleet::{Fleet, Window};
use crate::journal::contestant::{Contestant, Who};
use crate::journal::restart::DOCUMENT_BYTES;
use crate::operator::{self, Snapshot};
use crate::options::Options;
use crate::pace::{Pace, Schedule};
use crate::peers::{self, PACED_SHARE};
use crate::progress::Progress;
use crate::run::{self, Run};
use crate::workload::{self, Workload};

/// The longest that a snapshot may keep a lock, in microseconds of its thread's CPU time.
const HOLD_US_MAX: f64 = 1000.0;

const HOLD: &str = "memory_tools_lock_hold_max_seconds";
const NEWEST: &str = "memory_tools_snapshot_last_success_timestamp_seconds";

/// The runs of a round by their names in results: what the rate is half of, ...
const SATURATION: &str = "PUT of 200 bytes";
/// ... at that rate while snapshots are written, ...
pub const BESIDE: &str = "PUT of 200 bytes, constant rate, beside snapshots";
/// ... and while none is.
pub const ALONE: &str = "PUT of 200 bytes, constant rate";

/// What came of it.
pub struct Report {
    /// All figures, in the order of the table.
    pub figures: Vec<Figure>,
    /// The runs behind them.
    pub runs: Vec<Run>,
}

/// Writes to a server of `--documents` documents, with snapshots and without.
///
/// # Errors
/// The server cannot be started, gave a wrong answer, or could not write a snapshot.
pub fn measure(options: &Options, progress: &Progress, notes: &mut Vec<String>) -> Result<Report> {
    let document = workload::document(DOCUMENT_BYTES)?;
    let who = Who::Everysec;
    let program = who.program(options, None).context("ours is always there")?;
    let contestant = Contestant { who, server: Server::start(&*program)? };
    contestant.fill(&document, options.documents, progress)?;
    let server = &contestant.server;
    let mut bench = Bench { options, server, put: who.writes(server, &document), runs: Vec::new() };
    let mut snapshots = Vec::new();
    for round in 1..=options.rounds {
        let step = |what: &str| progress.step(&format!("round {round} of {}: {what}", options.rounds));
        step(SATURATION);
        let lasting = |duration| move |elapsed| elapsed >= duration;
        bench.run(round, SATURATION, Pace::Window(1), lasting(options.duration))?;
        let rate = bench.newest_rate() * PACED_SHARE;
        step(BESIDE);
        let (elapsed, taken) = bench.beside_snapshots(round, rate)?;
        snapshots.extend(taken);
        step(ALONE);
        let newest = operator::figure(server.address, NEWEST)?;
        bench.run(round, ALONE, Bench::paced(rate), lasting(elapsed))?;
        if operator::figure(server.address, NEWEST)? != newest {
            notes.push(format!("round {round}: the server took a snapshot of its own in the run without one"));
        }
        let paced = bench.runs.iter().filter(|run| run.round == round && run.workload != SATURATION);
        notes.extend(paced.filter_map(|run| peers::lag(run, rate)));
    }
    let hold = operator::figure(server.address, HOLD)?.with_context(|| format!("the server does not tell {HOLD}"))?;
    let figures = figures(options.documents, &bench.runs, &snapshots, hold);
    Ok(Report { figures, runs: bench.runs })
}

/// A server and how it is written to.
struct Bench<'b> {
    options: &'b Options,
    server: &'b Server,
    put: Workload,
    runs: Vec<Run>,
}

impl Bench<'_> {
    /// Writes at `pace` until `is_over`, which is told how long it has been; gives back how long that was.
    fn run(
        &mut self,
        round: u32,
        workload: &'static str,
        pace: Pace,
        is_over: impl Fn(Duration) -> bool,
    ) -> Result<Duration> {
        let window = self.server.explain(self.window(round, pace, is_over))?;
        self.runs.push(Run::of(round, workload, Who::Everysec.name(), &window)?);
        Ok(window.elapsed)
    }

    fn window(&self, round: u32, pace: Pace, is_over: impl Fn(Duration) -> bool) -> Result<Window> {
        let Bench { options, server, put, .. } = self;
        let keys = options.keys_of(round, options.documents);
        let session = Session { workload: put, keys, pace, tally: Tally::new() };
        let mut fleet = Fleet::open(server.address, options.connections)?;
        fleet.measure_until(session, options.warm_up, is_over, server.pids())
    }

    /// Writes `rate` documents a second while one snapshot after another is taken, until the first that ends after the
    /// length of a run.
    fn beside_snapshots(&mut self, round: u32, rate: f64) -> Result<(Duration, Vec<Snapshot>)> {
        let (address, warm_up, duration) = (self.server.address, self.options.warm_up, self.options.duration);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let ordering = scope.spawn(|| {
                // The first begins with the window.
                std::thread::sleep(warm_up);
                let snapshots = snapshots_for(address, duration);
                is_over.store(true, Ordering::SeqCst);
                snapshots
            });
            let elapsed = self.run(round, BESIDE, Bench::paced(rate), |_| is_over.load(Ordering::SeqCst));
            let snapshots = ordering.join().map_err(|_| anyhow!("the thread that orders snapshots has panicked"))?;
            Ok((elapsed?, self.server.explain(snapshots)?))
        })
    }

    fn paced(rate: f64) -> Pace {
        Pace::Schedule(Schedule::new(Instant::now(), rate))
    }

    /// Writes a second of the run that was made last.
    fn newest_rate(&self) -> f64 {
        self.runs.last().map_or(0.0, |run| run.requests_per_second)
    }
}

/// One snapshot after another, for `duration` at least.
fn snapshots_for(server: std::net::SocketAddr, duration: Duration) -> Result<Vec<Snapshot>> {
    let begun = Instant::now();
    let mut snapshots = vec![operator::take_snapshot(server)?];
    while begun.elapsed() < duration {
        snapshots.push(operator::take_snapshot(server)?);
    }
    Ok(snapshots)
}

/// The name of the figure of a PUT beside `count` documents.
fn name(count: u32, what: &str) -> String {
    format!("PUT at half of saturation, {count} documents: {what}")
}

/// The name of the figure of the longest hold.
pub fn hold_name(count: u32) -> String {
    name(count, "longest hold of a lock by a snapshot, CPU")
}

/// `hold` is in seconds.
fn figures(count: u32, runs: &[Run], snapshots: &[Snapshot], hold: f64) -> Vec<Figure> {
    let name = |what: &str| name(count, what);
    let mut figures = Vec::new();
    let both = [(ALONE, "without a snapshot"), (BESIDE, "beside snapshots")];
    let of = |workload| run::select(runs, workload, Who::Everysec.name());
    for (workload, when) in both {
        let rates = of(workload).into_iter().map(|run| run.requests_per_second);
        figures.extend(Figure::new(name(&format!("rate {when}")), "/s", rates));
    }
    for quantile in ["p50", "p99", "p99.9", "max"] {
        for (workload, when) in both {
            let latencies = of(workload).into_iter().map(|run| run.latency_us(quantile));
            figures.extend(Figure::new(name(&format!("{quantile} {when}")), "µs", latencies));
        }
    }
    let seconds = snapshots.iter().map(|snapshot| snapshot.seconds);
    figures.extend(Figure::new(name("a snapshot"), "s", seconds));
    let rates = snapshots.iter().map(|snapshot| snapshot.bytes / snapshot.seconds / 1e6);
    figures.extend(Figure::new(name("a snapshot's rate"), "MB/s", rates));
    let hold = Figure::new(hold_name(count), "µs", [hold * 1e6]);
    figures.extend(hold.map(|hold| hold.at_most(Some(HOLD_US_MAX))));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_stands_beside_the_one_without_a_snapshot_and_only_the_hold_is_judged() {
        let runs = [ALONE, BESIDE].map(|workload| Run::sample(1, workload, "everysec", 5.0));
        let snapshots = [Snapshot { seconds: 2.0, bytes: 5e8 }];
        let figures = figures(7, &runs, &snapshots, 0.000_125);
        let median = |what: &str| {
            let figure = figures.iter().find(|figure| figure.name.split(": ").nth(1) == Some(what)).unwrap();
            figure.summary.median
        };
        assert_eq!((median("p99.9 without a snapshot"), median("p99.9 beside snapshots")), (1500.0, 1500.0));
        assert_eq!((median("a snapshot"), median("a snapshot's rate")), (2.0, 250.0));
        assert_eq!(median("longest hold of a lock by a snapshot, CPU"), 125.0);
        let judged: Vec<_> = figures.iter().filter_map(|figure| figure.verdict()).map(|found| found.word()).collect();
        assert_eq!(judged, ["held"]);
        let missed = super::figures(7, &runs, &snapshots, 0.001_001);
        assert_eq!(missed.last().and_then(Figure::verdict).map(|found| found.word()), Some("MISSED"));
    }
}

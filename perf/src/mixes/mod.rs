//! What a server does under load: seven mixes of requests, each as fast as its clients get answers, and then at a
//! constant rate.
//!
//! All mixes ask the same documents, in turn in each round, so that each finds what the others have left; `asker` knows
//! what that is. After each round a sample is read back.

mod asker;
mod lease;
mod ledger;
pub mod mix;
mod report;
mod requests;
mod target;

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::connection::{Session, Tally};
use crate::fleet::{Fleet, Window};
use crate::keys::Keys;
use crate::loading;
use crate::mixes::asker::{Asker, Books};
use crate::mixes::mix::{LOAD, Mix, Op, READ_BACK, TTL_MS};
use crate::mixes::requests::Requests;
use crate::mixes::target::Target;
use crate::options::Options;
use crate::pace::{Pace, Schedule};
use crate::peers::PACED_SHARE;
use crate::progress::Progress;
use crate::run::Run;

pub use crate::mixes::report::Report;
pub use crate::mixes::requests::DOCUMENT_BYTES_MIN;

/// The server, and what has been written to it.
struct Bench<'a> {
    options: &'a Options,
    target: Target,
    requests: Requests,
    books: Books,
}

/// Runs all rounds.
///
/// # Errors
/// The server cannot be started or found, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let target = Target::new(options)?;
    let requests = Requests::new(target.address, &target.base, options.document_bytes)?;
    let mut bench = Bench { options, target, requests, books: Books::new(options.keys) };
    progress.step(&format!("loading {} documents of {} bytes", options.keys, options.document_bytes));
    bench.exhaust(&LOAD, Keys::once(0..options.keys))?;
    let mut report = Report { runs: Vec::new(), notes: bench.target.notes(), name: bench.target.name };
    for round in 1..=options.rounds {
        let tell = |what: &str| progress.step(&format!("round {round} of {}: {what}", options.rounds));
        for mix in options.mixes() {
            tell(mix.title);
            let saturated = bench.run(round, mix, mix.title, options.saturation())?;
            tell(mix.paced);
            let due = options.rate.unwrap_or(saturated.requests_per_second * PACED_SHARE);
            let paced = bench.run(round, mix, mix.paced, Pace::Schedule(Schedule::new(Instant::now(), due)))?;
            report.runs.extend([saturated, paced]);
        }
        bench.exhaust(&READ_BACK, loading::sample(options.keys))?;
    }
    report.notes.extend(report::behind(&report.runs));
    report.notes.extend(report::limited(&report.runs));
    Ok(report)
}

impl Bench<'_> {
    fn run(&mut self, round: u32, mix: &'static Mix, name: &'static str, pace: Pace) -> Result<Run> {
        let window = self.window(round, mix, pace);
        let run = Run::of(round, name, self.target.name, &self.target.explain(window)?)?;
        let is_known = !self.target.pids.is_empty();
        Ok(if is_known { run } else { Run { server_cpu_us: f64::NAN, switches: f64::NAN, ..run } })
    }

    fn window(&mut self, round: u32, mix: &'static Mix, pace: Pace) -> Result<Window> {
        let Bench { options, target, requests, books } = self;
        let asker = Asker::new(mix, requests, books, options.seed.wrapping_add(u64::from(round)));
        let keys = options.keys_of(round, options.keys);
        let session = Session { workload: &asker, keys, pace, tally: Tally::new() };
        let mut fleet = Fleet::open(target.address, options.connections)?;
        fleet.measure(session, warm_up(mix, options), options.duration, &target.pids)
    }

    /// Asks `mix` for each of `keys`.
    fn exhaust(&mut self, mix: &'static Mix, keys: Keys) -> Result<()> {
        let Bench { options, target, requests, books } = self;
        let asker = Asker::new(mix, requests, books, options.seed);
        target.explain(loading::ask(target.address, &asker, keys, |_| {}).map(drop))
    }
}

/// Before as many documents expire as are written, a mix with a TTL is none.
fn warm_up(mix: &Mix, options: &Options) -> Duration {
    let expires = mix.shares.iter().any(|(op, _)| *op == Op::PutLeased);
    if expires { options.warm_up.max(2 * Duration::from_millis(TTL_MS)) } else { options.warm_up }
}

#[cfg(test)]
mod tests;

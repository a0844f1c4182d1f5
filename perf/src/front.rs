//! What the server costs above its front: CPU per request beside the same front answering a constant.
//!
//! Both servers run throughout; in each round each workload runs on the one and then on the other, so that whatever
//! the machine does to one it does to the other.

use std::fs;

use anyhow::{Context, Result};

use crate::child::{Program, Server};
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::loading;
use crate::options::Options;
use crate::pace::Pace;
use crate::proc::{self, Resident};
use crate::progress::Progress;
use crate::run::{self, Run};
use crate::template::Template;
use crate::workload::{self, Workload};

/// The most that a GET may cost, as a multiple of the front alone.
const GET_RATIO_MAX: f64 = 1.4;

/// The most that a PUT may cost, as a multiple of the front alone.
const PUT_RATIO_MAX: f64 = 2.2;

/// The conditions for which those are promised.
const PROMISED_CONNECTIONS: usize = 64;
const PROMISED_DOCUMENT_BYTES: usize = 1000;

/// Which of the two servers a run was made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The front answering a constant.
    Constant,
    /// The server.
    Real,
}

/// Everything measured here.
pub struct Report {
    /// In the order in which they ran.
    pub runs: Vec<Run>,
    /// Memory of the server after the last run.
    pub resident: Resident,
    promised: bool,
}

/// The server as it is measured everywhere: its data in its scratch folder, no journal, no snapshot during a run.
pub fn server(options: &Options) -> Program {
    let mut arguments = ["--data-dir", "data", "--journal=off", "--enable-snapshots=false"].map(Into::into).to_vec();
    arguments.extend(options.server_arguments.iter().cloned());
    Program::new(options.server.clone(), arguments)
}

/// Runs all rounds.
///
/// # Errors
/// A server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let document = workload::document(options.document_bytes)?;
    let body = tempfile::NamedTempFile::new().context("no scratch file")?;
    fs::write(body.path(), document.zero())?;
    let constant = Program::new(options.constant.clone(), vec!["--body".into(), body.path().into()]);
    let constant = Server::start(&constant)?;
    let mut program = server(options);
    // The front that answers the constant.
    program.arguments.push("--front=pool".into());
    let real = Server::start(&program)?;
    progress.step(&format!("loading {} documents of {} bytes", options.keys, options.document_bytes));
    loading::load(&real, &Workload::put(real.address, &document), options.keys, progress)?;

    let workloads = |of: fn(std::net::SocketAddr, &Template) -> Workload| {
        let constant_one = of(constant.address, &document).answered_for_key_zero();
        [(Side::Constant, &constant, constant_one), (Side::Real, &real, of(real.address, &document))]
    };
    let order: Vec<_> = workloads(Workload::get).into_iter().chain(workloads(Workload::put)).collect();
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for (side, server, workload) in &order {
            progress.step(&format!("round {round} of {}: {}, {}", options.rounds, workload.name, side.name()));
            let keys = options.keys_of(round, options.keys);
            let session = Session { workload, keys, pace: Pace::Window(1), tally: Tally::new() };
            let on = (side.name(), *server);
            runs.push(Run::measure(options, round, workload.name, on, options.connections, session)?);
        }
    }
    let promised = options.connections == PROMISED_CONNECTIONS && options.document_bytes == PROMISED_DOCUMENT_BYTES;
    Ok(Report { runs, resident: proc::resident(real.pids())?, promised })
}

impl Side {
    /// Its name in progress and results.
    pub fn name(self) -> &'static str {
        match self {
            Side::Constant => "constant",
            Side::Real => "server",
        }
    }
}

impl Report {
    /// The rows of the table.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for (workload, bound) in [("GET", GET_RATIO_MAX), ("PUT", PUT_RATIO_MAX)] {
            figures.extend(self.figures_of(workload, self.promised.then_some(bound)));
        }
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        figures.extend(Figure::new("resident after the rounds", "MB", [megabytes(self.resident.now)]));
        figures
    }

    fn figures_of(&self, workload: &str, bound: Option<f64>) -> Vec<Figure> {
        let of = |side: Side| run::select(&self.runs, workload, side.name());
        let figure = |what: &str, unit, side, value: fn(&Run) -> f64| {
            Figure::new(format!("{workload}: {what}"), unit, of(side).into_iter().map(value))
        };
        let mut figures = vec![
            figure("server CPU a request", "µs", Side::Real, |run| run.server_cpu_us),
            figure("the front alone, answering a constant", "µs", Side::Constant, |run| run.server_cpu_us),
            self.ratio(workload, bound),
            figure("requests a second", "/s", Side::Real, |run| run.requests_per_second),
            figure("context switches a request", "", Side::Real, |run| run.switches),
            figure("generator CPU a request", "µs", Side::Real, |run| run.generator_cpu_us),
        ];
        for name in ["p50", "p99", "p99.9", "max"] {
            let values = of(Side::Real).into_iter().map(|run| run.latency_us(name));
            figures.push(Figure::new(format!("{workload}: latency {name}"), "µs", values));
        }
        figures.into_iter().flatten().collect()
    }

    /// Server over front.
    fn ratio(&self, workload: &str, bound: Option<f64>) -> Option<Figure> {
        let of = |side: Side| run::select(&self.runs, workload, side.name());
        let summary = run::ratio(of(Side::Real), of(Side::Constant), |run| run.server_cpu_us)?;
        Some(Figure::of(format!("{workload}: server over front"), "", summary).at_most(bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Summary;

    fn report(promised: bool) -> Report {
        let mut runs = Vec::new();
        for (round, constant, real) in [(1, 10.0, 13.0), (2, 20.0, 26.0), (3, 11.0, 16.5)] {
            runs.push(Run::sample(round, "GET", "constant", constant));
            runs.push(Run::sample(round, "GET", "server", real));
        }
        Report { runs, resident: Resident { now: 12_000_000, peak: 12_000_000 }, promised }
    }

    #[test]
    fn a_ratio_is_that_of_the_medians_and_spreads_over_the_rounds() {
        let ratio = report(true).ratio("GET", Some(GET_RATIO_MAX)).unwrap();
        assert_eq!(ratio.summary, Summary { median: 16.5 / 11.0, low: 1.3, high: 1.5 });
        assert!(report(true).ratio("PUT", None).is_none());
    }

    #[test]
    fn bounds_are_judged_only_under_the_conditions_they_were_promised_for() {
        let judged = |report: Report| report.figures().iter().filter(|figure| figure.verdict().is_some()).count();
        assert_eq!(judged(report(true)), 1);
        assert_eq!(judged(report(false)), 0);
    }
}

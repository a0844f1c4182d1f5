//! What came of it: figures of every mix, and the table that puts those of a mix on one line.

use crate::figure::{Figure, number};
use crate::grid;
use crate::mixes::mix::{MIXES, Mix};
use crate::options::Options;
use crate::peers::PACED_SHARE_KEPT;
use crate::run::{self, Run};
use crate::statistics::Summary;

/// Columns of the table.
const COLUMNS: usize = 10;

/// The share of a core from which on the generator is what limits the two.
const GENERATOR_BUSY: f64 = 0.9;

/// Everything measured.
#[derive(Debug)]
pub struct Report {
    /// In the order in which they ran.
    pub runs: Vec<Run>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// The name of the server in the runs.
    pub name: &'static str,
}

/// A value of a run.
type Value = fn(&Run) -> f64;

/// The values as fast as clients get answers: name, unit, value.
const SATURATED: [(&str, &str, Value); 3] = [
    ("requests a second", "/s", |run| run.requests_per_second),
    ("server CPU a request", "µs", |run| run.server_cpu_us),
    ("generator CPU a request", "µs", |run| run.generator_cpu_us),
];

/// The values at a constant rate.
const PACED: [(&str, &str, Value); 5] = [
    ("requests due a second", "/s", |run| run.due_per_second.unwrap_or(f64::NAN)),
    ("latency p50", "µs", |run| run.latency_us("p50")),
    ("latency p99", "µs", |run| run.latency_us("p99")),
    ("latency p99.9", "µs", |run| run.latency_us("p99.9")),
    ("latency max", "µs", |run| run.latency_us("max")),
];

impl Report {
    /// Every figure, for the stored result; one that could not be measured is left out.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for mix in MIXES {
            for (workload, values) in [(mix.title, &SATURATED[..]), (mix.paced, &PACED[..])] {
                for &(what, unit, value) in values {
                    let summary = self.summary(workload, value);
                    figures.extend(summary.map(|summary| Figure::of(format!("mix {workload}: {what}"), unit, summary)));
                }
            }
        }
        figures
    }

    /// The table, with what it was measured under above and how to read it below.
    pub fn table(&self, options: &Options) -> String {
        let head = [
            "mix",
            "/s",
            "server µs",
            "generator µs",
            "at /s",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "max µs",
            "/s from, to",
        ];
        let mut rows: Vec<[String; COLUMNS]> = vec![head.map(str::to_owned)];
        for mix in MIXES {
            let Some(rate) = self.summary(mix.title, SATURATED[0].2) else { continue };
            let [_, server, generator] = SATURATED.map(|(_, _, value)| self.cell(mix.title, value));
            let [due, p50, p99, p99_9, max] = PACED.map(|(_, _, value)| self.cell(mix.paced, value));
            let spread = format!("{} to {}", number(rate.low), number(rate.high));
            rows.push([
                mix.title.to_owned(),
                number(rate.median),
                server,
                generator,
                due,
                p50,
                p99,
                p99_9,
                max,
                spread,
            ]);
        }
        format!("{}\n{}\n{LEGEND}", self.conditions(options), grid::lines(&rows))
    }

    fn conditions(&self, options: &Options) -> String {
        let server = match options.url {
            Some(address) => format!("the server on {address}"),
            None => format!("front {}, journal {}", options.front.name(), options.journal.name()),
        };
        let pipelined = if options.depth > 1 { format!(", {} pipelined", options.depth) } else { String::new() };
        format!(
            "{server}; {} connections{pipelined}; {} documents of {} bytes, {} keys; medians of {} rounds",
            options.connections,
            options.keys,
            options.document_bytes,
            options.distribution.name(),
            options.rounds
        )
    }

    fn cell(&self, workload: &str, value: Value) -> String {
        self.summary(workload, value).map_or_else(|| "?".to_owned(), |summary| number(summary.median))
    }

    /// Over the rounds; `None` when it is not known in one of them.
    fn summary(&self, workload: &str, value: Value) -> Option<Summary> {
        let values: Vec<f64> = run::select(&self.runs, workload, self.name).into_iter().map(value).collect();
        values.iter().all(|value| value.is_finite()).then(|| Summary::of(values)).flatten()
    }
}

/// Says which mixes fell behind their constant rate, and in which rounds: what was never asked is in no latency.
pub fn behind(runs: &[Run]) -> Vec<String> {
    let is_behind = |run: &&Run| run.due_per_second.is_some_and(|due| run.requests_per_second < due * PACED_SHARE_KEPT);
    let note = |paced: &str| {
        let rounds: Vec<String> = runs
            .iter()
            .filter(|run| run.workload == paced)
            .filter(is_behind)
            .map(|run| run.round.to_string())
            .collect();
        let rounds = (!rounds.is_empty()).then(|| rounds.join(", "))?;
        Some(format!("{paced}: fell behind in round {rounds}; latencies are too low there"))
    };
    MIXES.iter().filter_map(|mix| note(mix.paced)).collect()
}

/// Says at which mixes we were what a server waited for, since we have one thread: it could do more.
pub fn limited(runs: &[Run]) -> Option<String> {
    let is_busy = |mix: &&Mix| {
        let runs = runs.iter().filter(|run| run.workload == mix.title);
        let cores = Summary::of(runs.map(|run| run.generator_cpu_us * run.requests_per_second / 1e6));
        cores.is_some_and(|cores| cores.median >= GENERATOR_BUSY)
    };
    let busy: Vec<&str> = MIXES.iter().filter(is_busy).map(|mix| mix.title).collect();
    (!busy.is_empty()).then(|| {
        let percent = GENERATOR_BUSY * 100.0;
        format!(
            "the generator's one thread was busy for {percent:.0} % of the time or more at saturation, so the server \
                 might do more: {}",
            busy.join("; ")
        )
    })
}

/// What is read below the table.
const LEGEND: &str = "\
/s, server and generator: as many requests as clients that wait for their answers get answered, and the CPU of each.
Latencies: at a constant rate, half of that unless --rate says otherwise, from the moment at which a request was due.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn report(server_cpu_us: f64) -> Report {
        let saturated = Run { requests_per_second: 90_000.0, ..Run::sample(1, "GET", "reactor", server_cpu_us) };
        let paced = Run { due_per_second: Some(45_000.0), ..Run::sample(1, "GET, constant rate", "reactor", 9.0) };
        Report { runs: vec![saturated, paced], notes: Vec::new(), name: "reactor" }
    }

    fn options() -> Options {
        Options { depth: 1, ..Options::default() }
    }

    #[test]
    fn a_mix_is_a_line_of_saturation_and_constant_rate() {
        let table = report(8.0).table(&options());
        let line = table.lines().find(|line| line.starts_with("GET")).unwrap();
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!(cells.join(" "), "GET 90000 8.00 5.00 45000 600 900 1500 4000 90000 to 90000");
        assert!(!table.contains("PATCH"), "{table}");
        assert!(
            table.starts_with("front reactor, journal off; 64 connections; 100000 documents of 1000 bytes"),
            "{table}"
        );
        assert_eq!(report(8.0).figures().len(), 8);
    }

    #[test]
    fn a_mix_that_falls_behind_its_rate_is_noted_with_its_rounds() {
        let run = |round, answered| Run {
            due_per_second: Some(1000.0),
            requests_per_second: answered,
            ..Run::sample(round, "GET, constant rate", "reactor", 9.0)
        };
        let notes = behind(&[run(1, 900.0), run(2, 995.0), run(3, 989.0)]);
        assert_eq!(notes, ["GET, constant rate: fell behind in round 1, 3; latencies are too low there"]);
        assert!(behind(&report(8.0).runs).is_empty());
    }

    #[test]
    fn a_generator_that_is_what_limits_is_noted() {
        let run = |per_second| Run { requests_per_second: per_second, ..Run::sample(1, "GET", "reactor", 5.0) };
        // At 5 µs of the generator each.
        assert_eq!(limited(&[run(179_000.0)]), None);
        let note = limited(&[run(180_000.0), run(190_000.0), run(100_000.0)]).unwrap();
        assert!(note.contains(" 90 % ") && note.ends_with("might do more: GET"), "{note}");
    }

    #[test]
    fn what_is_not_known_is_no_figure() {
        let report = report(f64::NAN);
        assert!(report.table(&options()).contains("GET  90000          ?"), "{}", report.table(&options()));
        assert!(report.figures().iter().all(|figure| !figure.name.contains("server CPU")));
    }
}

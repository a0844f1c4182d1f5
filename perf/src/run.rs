//! One run: a workload on a server for a while, and the figures of it. Rounds of runs become medians and ratios.
//!
//! A ratio is that of the medians over all rounds; its spread is that of the ratios within the rounds.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::child::Server;
use crate::connection::Session;
use crate::fleet::{Fleet, Window};
use crate::options::Options;
use crate::series::{self, Series, Slice};
use crate::statistics::Summary;

/// The quantiles that are kept of every run, by name.
pub const QUANTILES: [(&str, f64); 8] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// The figures of one run.
#[derive(Clone, Debug)]
pub struct Run {
    /// From 1 on.
    pub round: u32,
    /// What was asked.
    pub workload: &'static str,
    /// The server that was asked.
    pub on: &'static str,
    /// Right answers.
    pub requests: u64,
    /// Of them, in a second.
    pub requests_per_second: f64,
    /// CPU time of the server a request.
    pub server_cpu_us: f64,
    /// Ours.
    pub generator_cpu_us: f64,
    /// Context switches of the server a request.
    pub switches: f64,
    /// Bytes of an answer, head and body.
    pub reply_bytes: f64,
    /// By quantile, in the order of `QUANTILES`.
    pub latency_us: [f64; QUANTILES.len()],
    /// Requests a second that were due, on a schedule.
    pub due_per_second: Option<f64>,
    /// Requests that were due by the end of the run and had not gone out: they are in no latency.
    pub unsent: u64,
    /// Latencies over time, on a schedule; empty otherwise.
    pub slices: Vec<Slice>,
}

impl Run {
    /// Has `server`, which is called `on`, answer `session` over so many connections, after a warm-up.
    ///
    /// # Errors
    /// A wrong answer, or the server ended.
    pub fn measure(
        options: &Options,
        round: u32,
        workload: &'static str,
        (on, server): (&'static str, &Server),
        connections: usize,
        session: Session<'_>,
    ) -> Result<Run> {
        let window = Fleet::open(server.address, connections)
            .and_then(|mut fleet| fleet.measure(session, options.warm_up, options.duration, server.pids()));
        Run::of(round, workload, on, &server.explain(window)?)
    }

    /// The figures of `window`.
    ///
    /// # Errors
    /// Nothing was answered in it.
    pub fn of(round: u32, workload: &'static str, on: &'static str, window: &Window) -> Result<Run> {
        let tally = &window.tally;
        ensure!(tally.answered > 0, "no {workload} was answered within a run; use a longer one");
        let per_request = |value: u64| value as f64 / tally.answered as f64;
        Ok(Run {
            round,
            workload,
            on,
            requests: tally.answered,
            requests_per_second: tally.answered as f64 / window.elapsed.as_secs_f64(),
            server_cpu_us: per_request(window.server_cpu_us),
            generator_cpu_us: per_request(window.generator_cpu_us),
            switches: window.switches_per_request,
            reply_bytes: per_request(tally.reply_bytes),
            latency_us: QUANTILES.map(|(_, quantile)| tally.latency_ns.value_at_quantile(quantile) as f64 / 1000.0),
            due_per_second: window.due_per_second,
            unsent: window.unsent,
            slices: tally.series.as_ref().map(Series::slices).unwrap_or_default(),
        })
    }

    /// The latency of a quantile by its name, such as `p99`; not a number for a name that there is not.
    pub fn latency_us(&self, quantile: &str) -> f64 {
        let mut named = QUANTILES.iter().zip(self.latency_us);
        named.find(|((name, _), _)| *name == quantile).map_or(f64::NAN, |(_, value)| value)
    }

    /// For the stored result. What only a schedule has is left out of other runs.
    pub fn json(&self) -> Value {
        let named = QUANTILES.iter().zip(self.latency_us).map(|((name, _), value)| ((*name).to_owned(), json!(value)));
        let mut run = json!({
            "round": self.round,
            "workload": self.workload,
            "on": self.on,
            "requests": self.requests,
            "requests_per_second": self.requests_per_second,
            "server_cpu_us_per_request": self.server_cpu_us,
            "generator_cpu_us_per_request": self.generator_cpu_us,
            "context_switches_per_request": self.switches,
            "reply_bytes": self.reply_bytes,
            "latency_us": named.collect::<serde_json::Map<_, _>>(),
        });
        if let (Some(due), Value::Object(run)) = (self.due_per_second, &mut run) {
            run.insert("due_per_second".to_owned(), json!(due));
            run.insert("unsent".to_owned(), json!(self.unsent));
            run.insert("series".to_owned(), series::json(&self.slices));
        }
        run
    }

    /// A run for tests.
    #[cfg(test)]
    pub fn sample(round: u32, workload: &'static str, on: &'static str, server_cpu_us: f64) -> Run {
        Run {
            round,
            workload,
            on,
            requests: 1000,
            requests_per_second: 50_000.0,
            server_cpu_us,
            generator_cpu_us: 5.0,
            switches: 0.5,
            reply_bytes: 1180.0,
            latency_us: [600.0, 650.0, 700.0, 800.0, 900.0, 1500.0, 2500.0, 4000.0],
            due_per_second: None,
            unsent: 0,
            slices: Vec::new(),
        }
    }
}

/// The runs of a workload on a server, in their order.
pub fn select<'a>(runs: &'a [Run], workload: &str, on: &str) -> Vec<&'a Run> {
    runs.iter().filter(|run| run.workload == workload && run.on == on).collect()
}

/// `value` of the one over that of the other; `None` when there are no runs of one of them.
pub fn ratio(over: Vec<&Run>, under: Vec<&Run>, value: fn(&Run) -> f64) -> Option<Summary> {
    let values = |runs: Vec<&Run>| runs.into_iter().map(value).collect::<Vec<_>>();
    ratio_of(&values(over), &values(under))
}

/// The values of the rounds of the one over those of the other; `None` when there are none of one of them.
pub fn ratio_of(over: &[f64], under: &[f64]) -> Option<Summary> {
    let median = |values: &[f64]| Summary::of(values.iter().copied()).map(|summary| summary.median);
    let median = median(over)? / median(under)?;
    let rounds = Summary::of(over.iter().zip(under).map(|(over, under)| over / under))?;
    Some(Summary { median, ..rounds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_the_medians_and_spreads_over_the_rounds() {
        let mut runs = Vec::new();
        for (round, under, over) in [(1, 10.0, 13.0), (2, 20.0, 26.0), (3, 11.0, 16.5)] {
            runs.push(Run::sample(round, "GET", "nginx", under));
            runs.push(Run::sample(round, "GET", "ours", over));
        }
        let of = |on| select(&runs, "GET", on);
        let summary = ratio(of("ours"), of("nginx"), |run| run.server_cpu_us).unwrap();
        assert_eq!(summary, Summary { median: 16.5 / 11.0, low: 1.3, high: 1.5 });
        assert!(ratio(of("ours"), of("Redis"), |run| run.server_cpu_us).is_none());
        assert!(select(&runs, "PUT", "ours").is_empty());
    }

    #[test]
    fn every_run_is_stored_with_its_round_and_server() {
        let run = Run::sample(1, "GET", "server", 13.0);
        let json = run.json();
        assert_eq!((json["round"].as_u64(), json["on"].as_str()), (Some(1), Some("server")));
        assert_eq!(json["latency_us"]["p99.9"], 1500.0);
        assert_eq!(run.latency_us("p99"), 900.0);
        assert!(run.latency_us("p42").is_nan());
        assert!(json["series"].is_null() && json["due_per_second"].is_null());
    }

    #[test]
    fn a_run_on_a_schedule_is_stored_with_what_was_due_and_its_course() {
        let slice = Slice { answered: 5000, p50_us: 100.0, p99_us: 200.0, p99_9_us: 300.0, max_us: 400.0 };
        let sample = Run::sample(1, "GET", "server", 13.0);
        let json = Run { due_per_second: Some(50_000.0), unsent: 3, slices: vec![slice; 2], ..sample }.json();
        assert_eq!((&json["due_per_second"], &json["unsent"]), (&json!(50_000.0), &json!(3)));
        assert_eq!(json["series"]["p99.9_us"], json!([300.0, 300.0]));
    }
}

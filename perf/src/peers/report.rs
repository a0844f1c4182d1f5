//! What came of it: one figure for each value of each server, one for each ratio, and the table that puts a server's
//! values, the ratio to them and its bound on one line.

use crate::figure::{self, Figure, number};
use crate::grid;
use crate::options::Options;
use crate::peers::case::{CASES, Case, IDLE_ON, Who};
use crate::peers::promise::{IDLE_KIB, PROMISES, Promise, is_promised};
use crate::run::{self, Run};

/// What is read below the table.
const LEGEND: &str = "\
A ratio is Memory Tools over the server of its line, in CPU of the server a request or in latency; of medians, with
the spread of the rounds. Bound: what was promised, and in brackets what is aimed at.
";

/// Columns of the table.
const COLUMNS: usize = 10;

/// Everything measured.
#[derive(Debug)]
pub struct Report {
    /// In the order in which they ran.
    pub runs: Vec<Run>,
    /// Resident bytes of an idle connection, a round and server each.
    pub idle: Vec<(Who, f64)>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// A value of a run.
type Value = fn(&Run) -> f64;

/// The values of a server in the table: name, unit, value.
const VALUES: [(&str, &str, Value); 5] = [
    ("server CPU a request", "µs", |run| run.server_cpu_us),
    ("requests a second", "/s", |run| run.requests_per_second),
    ("latency p50", "µs", |run| run.latency_us("p50")),
    ("latency p99", "µs", |run| run.latency_us("p99")),
    ("generator CPU a request", "µs", |run| run.generator_cpu_us),
];

impl Report {
    /// Every figure, for the stored result.
    pub fn figures(&self, options: &Options) -> Vec<Figure> {
        let mut figures = Vec::new();
        for case in CASES {
            for who in case.on {
                figures.extend(self.values(case, *who));
            }
            let promises = PROMISES.iter().filter(|promise| promise.case == case.name);
            figures.extend(promises.filter_map(|promise| self.ratio(promise, options)));
        }
        figures.extend(IDLE_ON.iter().filter_map(|who| self.idle(*who, options)));
        figures
    }

    /// The table.
    pub fn table(&self, options: &Options) -> String {
        let head = ["", "CPU µs", "/s", "p50 µs", "p99 µs", "generator µs", "ratio", "spread", "bound", "verdict"];
        let mut rows = vec![head.map(str::to_owned)];
        for case in CASES {
            rows.push(heading(&case.title(options)));
            for who in case.on {
                let promise =
                    PROMISES.iter().find(|promise| promise.case == case.name && promise.over == (case.name, *who));
                rows.extend(self.row(case, *who, who.name(), promise, options));
            }
            for promise in PROMISES.iter().filter(|promise| promise.case == case.name && promise.over.0 != case.name) {
                let other = CASES.iter().find(|case| case.name == promise.over.0);
                rows.extend(other.and_then(|other| {
                    let name = format!("{}, {}", promise.over.1.name(), other.title(options));
                    self.row(other, promise.over.1, &name, Some(promise), options)
                }));
            }
        }
        let idle: Vec<Figure> = IDLE_ON.iter().filter_map(|who| self.idle(*who, options)).collect();
        let idle = if idle.is_empty() { String::new() } else { format!("\n{}", figure::table(&idle)) };
        format!("{}{idle}\n{LEGEND}", grid::lines(&rows))
    }

    /// The line of a server, with our ratio to it.
    fn row(
        &self,
        case: &Case,
        who: Who,
        name: &str,
        promise: Option<&Promise>,
        options: &Options,
    ) -> Option<[String; COLUMNS]> {
        let values: Vec<String> = self.values(case, who).iter().map(|value| number(value.summary.median)).collect();
        let [cpu, rate, p50, p99, generator] = <[String; 5]>::try_from(values).ok()?;
        let compared = promise.and_then(|promise| Some((promise, self.ratio(promise, options)?)));
        let ratio =
            compared.as_ref().map(|(promise, figure)| format!("{} {}", promise.by.word(), figure.median_cell()));
        let [spread, bound, verdict] = compared.map(|(_, figure)| figure.verdict_cells()).unwrap_or_default();
        let ratio = ratio.unwrap_or_default();
        Some([format!("  {name}"), cpu, rate, p50, p99, generator, ratio, spread, bound, verdict])
    }

    /// The values of a server in a case, all or none.
    fn values(&self, case: &Case, who: Who) -> Vec<Figure> {
        let runs = run::select(&self.runs, case.name, who.name());
        let figure = |(what, unit, value): (&str, &'static str, Value)| {
            Figure::new(format!("{}: {}, {what}", case.name, who.name()), unit, runs.iter().map(|run| value(run)))
        };
        VALUES.into_iter().filter_map(figure).collect()
    }

    fn ratio(&self, promise: &Promise, options: &Options) -> Option<Figure> {
        let ours = run::select(&self.runs, promise.case, Who::Ours.name());
        let (case, who) = promise.over;
        let summary = run::ratio(ours, run::select(&self.runs, case, who.name()), promise.by.value())?;
        let where_else = if case == promise.case { String::new() } else { format!(" at {case}") };
        let name =
            format!("{}: {} over {}{where_else}, {}", promise.case, Who::Ours.name(), who.name(), promise.by.word());
        let is_promised = is_promised(options);
        let bound = promise.bound.filter(|_| is_promised);
        let aim = promise.aim.filter(|_| is_promised);
        Some(Figure::of(name, "", summary).at_most(bound).aiming_at(aim))
    }

    fn idle(&self, who: Who, options: &Options) -> Option<Figure> {
        let values = self.idle.iter().filter(|(one, _)| *one == who).map(|(_, bytes)| bytes / 1024.0);
        let name = format!("{} idle connections: {}, resident each", options.idle, who.name());
        let figure = Figure::new(name, "KiB", values)?;
        let is_ours = who == Who::Ours && is_promised(options);
        let (bound, aim) = IDLE_KIB;
        Some(figure.at_most(is_ours.then_some(bound)).aiming_at(is_ours.then_some(aim)))
    }
}

fn heading(title: &str) -> [String; COLUMNS] {
    std::array::from_fn(|column| if column == 0 { title.to_owned() } else { String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::case::{GET, GET_BUSY, GET_PACED};

    fn report() -> Report {
        let mut runs = Vec::new();
        for round in 1..=3 {
            runs.push(Run::sample(round, GET, "Memory Tools", 6.0));
            runs.push(Run::sample(round, GET, "nginx", 5.0));
            runs.push(Run::sample(round, GET, "Redis", 10.0));
            runs.push(Run::sample(round, GET_BUSY, "Memory Tools", 7.2));
            runs.push(Run::sample(round, GET_PACED, "Memory Tools", 7.0));
            runs.push(Run::sample(round, GET_PACED, "nginx", 7.0));
        }
        let idle = vec![(Who::Ours, 3.0 * 1024.0), (Who::Nginx, 2048.0), (Who::Ours, 5.0 * 1024.0)];
        Report { runs, idle, notes: Vec::new() }
    }

    #[test]
    fn a_line_holds_a_server_its_ratio_and_the_verdict() {
        let table = report().table(&Options::default());
        let line = |beginning: &str| {
            let line = table.lines().find(|line| line.starts_with(beginning)).unwrap_or_else(|| panic!("{table}"));
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("  Memory Tools  "), "Memory Tools 6.00 50000 600 900 5.00");
        assert_eq!(line("  nginx  "), "nginx 5.00 50000 600 900 5.00 CPU 1.20 ≤ 1.15 [1.00] MISSED");
        assert_eq!(line("  Redis  "), "Redis 10.0 50000 600 900 5.00 CPU 0.600 ≤ 0.800 [0.650] held, aim too");
        assert_eq!(
            line("  Memory Tools, GET"),
            "Memory Tools, GET: 64 connections 6.00 50000 600 900 5.00 CPU 1.20 ≤ 1.30 held"
        );
        assert!(table.contains("p99 1.00"), "{table}");
        assert_eq!(
            line("10000 idle connections: Memory"),
            "10000 idle connections: Memory Tools, resident each 4.00 KiB 3.00 to 5.00 ≤ 6.00 [4.00] KiB held, aim too"
        );
    }

    #[test]
    fn what_did_not_run_is_in_no_line_and_no_figure() {
        let report = report();
        let figures = report.figures(&Options::default());
        assert!(!report.table(&Options::default()).contains("webdis"));
        assert!(figures.iter().all(|figure| !figure.name.contains("webdis")));
        assert_eq!(figures.iter().filter(|figure| figure.verdict().is_some()).count(), 5);
    }

    #[test]
    fn under_other_conditions_nothing_is_judged() {
        let other = Options { connections: 65, ..Options::default() };
        assert!(report().figures(&other).iter().all(|figure| figure.verdict().is_none()));
    }
}

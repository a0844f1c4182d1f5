//! What came of it: a ratio with its interval for each case, and a word for it.

use crate::compare::NAMES;
use crate::compare::case::CASES;
use crate::figure::{Figure, number};
use crate::grid;
use crate::run::{self, Run};
use crate::statistics::{Interval, Summary};

/// What is read below the table.
const LEGEND: &str = "\
CPU of the server a request. The change is this over the other within the rounds (Hodges-Lehmann), with the interval
that holds it in 95 of 100 cases (Wilcoxon's signed-rank test); a verdict needs an interval that leaves out 0.
";

/// Everything measured.
#[derive(Debug)]
pub struct Report {
    /// In the order in which they ran.
    pub runs: Vec<Run>,
}

impl Report {
    /// Every figure, for the stored result.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for case in CASES {
            for name in NAMES {
                let cpu = self.cpu(case.name, name);
                figures.extend(Figure::new(format!("{}: {name}, server CPU a request", case.name), "µs", cpu));
            }
            let ratio = self.ratio(case.name).map(|Interval { estimate, low, high }| {
                let summary = Summary { median: estimate, low, high };
                Figure::of(format!("{}: this over other, 95 % interval", case.name), "", summary)
            });
            figures.extend(ratio);
        }
        figures
    }

    /// The table.
    pub fn table(&self) -> String {
        let head = ["", "this µs", "other µs", "change", "95 % interval", "verdict"];
        let mut rows = vec![head.map(str::to_owned)];
        for case in CASES {
            let [this, other] = NAMES
                .map(|name| Summary::of(self.cpu(case.name, name)).map(|cpu| number(cpu.median)).unwrap_or_default());
            let Some(ratio) = self.ratio(case.name) else { continue };
            let interval = format!("{} to {}", percent(ratio.low), percent(ratio.high));
            rows.push([case.name.into(), this, other, percent(ratio.estimate), interval, verdict(ratio).into()]);
        }
        format!("{}\n{LEGEND}", grid::lines(&rows))
    }

    /// By round.
    fn cpu(&self, case: &str, name: &str) -> Vec<f64> {
        run::select(&self.runs, case, name).into_iter().map(|run| run.server_cpu_us).collect()
    }

    /// This over the other: ratios are multiplied, so their logarithms are what is symmetric.
    fn ratio(&self, case: &str) -> Option<Interval> {
        let [this, other] = NAMES.map(|name| self.cpu(case, name));
        let logarithms = this.iter().zip(&other).map(|(this, other)| (this / other).ln());
        Some(Interval::of(logarithms)?.map(f64::exp))
    }
}

fn percent(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

fn verdict(ratio: Interval) -> &'static str {
    if ratio.high < 1.0 {
        "cheaper"
    } else if ratio.low > 1.0 {
        "DEARER"
    } else {
        "no difference shown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(of_this: [f64; 6]) -> Report {
        let mut runs = Vec::new();
        for (round, this) in (1..).zip(of_this) {
            runs.push(Run::sample(round, "GET", "this", this));
            runs.push(Run::sample(round, "GET", "other", 10.0));
        }
        Report { runs }
    }

    #[test]
    fn a_difference_is_one_only_where_every_round_could_not_be_chance() {
        let word = |of_this| verdict(report(of_this).ratio("GET").unwrap());
        assert_eq!(word([9.0, 9.1, 9.2, 9.3, 9.4, 9.5]), "cheaper");
        assert_eq!(word([11.0, 11.1, 11.2, 11.3, 11.4, 11.5]), "DEARER");
        assert_eq!(word([9.0, 9.1, 9.2, 9.3, 9.4, 10.5]), "no difference shown");
    }

    #[test]
    fn the_table_has_a_line_for_each_case_that_was_run() {
        let table = report([12.0, 12.0, 12.0, 12.0, 12.0, 12.0]).table();
        let line = table.lines().nth(1).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>().join(" "),
            "GET 12.0 10.0 +20.0 % +20.0 % to +20.0 % DEARER"
        );
        assert!(!table.contains("PUT"));
    }
}

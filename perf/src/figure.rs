//! Figures with their bounds, and the one table that shows them.
//!
//! Invariant: a verdict is given exactly where a bound is, and a bound is met by the median alone. A figure does not
//! know how it was measured.

use serde_json::{Value, json};

use crate::grid;
use crate::statistics::Summary;

/// A measured figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is, with the workload first.
    pub name: String,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// Over the rounds.
    pub summary: Summary,
    /// What the median must not pass, where that was promised for the conditions of this run.
    pub bound: Option<f64>,
    /// What we would like it to keep: shown and stored, without a say in the verdict.
    pub aim: Option<f64>,
    /// On which side of both it must be.
    pub side: Side,
}

/// The side of a bound that is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What costs: not above.
    AtMost,
    /// What is got for it: not below.
    AtLeast,
}

impl Side {
    /// True when `value` is on this side of `limit`, or on it.
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Side::AtMost => value <= limit,
            Side::AtLeast => value >= limit,
        }
    }

    /// Its words in JSON.
    fn name(self) -> &'static str {
        match self {
            Side::AtMost => "at most",
            Side::AtLeast => "at least",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Side::AtMost => "≤",
            Side::AtLeast => "≥",
        }
    }
}

/// Whether a bound holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The median is within the bound.
    Held,
    /// It is beyond.
    Missed,
}

impl Verdict {
    /// Its word in the table and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Missed => "MISSED",
        }
    }
}

impl Figure {
    /// A figure without a bound; `None` when nothing was measured.
    pub fn new(name: impl Into<String>, unit: &'static str, values: impl IntoIterator<Item = f64>) -> Option<Figure> {
        Some(Figure::of(name.into(), unit, Summary::of(values)?))
    }

    /// A figure without a bound, already summarised.
    pub fn of(name: String, unit: &'static str, summary: Summary) -> Figure {
        Figure { name, unit, summary, bound: None, aim: None, side: Side::AtMost }
    }

    /// Promises that the median is at most `bound`, if that is a promise under these conditions.
    #[must_use]
    pub fn at_most(mut self, bound: Option<f64>) -> Figure {
        self.bound = bound;
        self.side = Side::AtMost;
        self
    }

    /// Promises that the median is at least `bound`, if that is a promise under these conditions.
    #[must_use]
    pub fn at_least(mut self, bound: Option<f64>) -> Figure {
        self.bound = bound;
        self.side = Side::AtLeast;
        self
    }

    /// Whether the bound holds; `None` without one.
    pub fn verdict(&self) -> Option<Verdict> {
        let bound = self.bound?;
        Some(if self.side.holds(self.summary.median, bound) { Verdict::Held } else { Verdict::Missed })
    }

    /// Names what the median should keep, within the bound.
    #[must_use]
    pub fn aiming_at(mut self, aim: Option<f64>) -> Figure {
        self.aim = aim;
        self
    }

    /// For the stored result.
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "median": self.summary.median,
            "low": self.summary.low,
            "high": self.summary.high,
            "bound": self.bound,
            "bound_is": self.bound.map(|_| self.side.name()),
            "aim": self.aim,
            "verdict": self.verdict().map(Verdict::word),
        })
    }

    /// Its median with its unit.
    pub fn median_cell(&self) -> String {
        format!("{} {}", number(self.summary.median), self.unit).trim_end().to_owned()
    }

    /// Spread, bound with the aim in brackets, and verdict; empty where there is none.
    pub fn verdict_cells(&self) -> [String; 3] {
        let Summary { median, low, high } = self.summary;
        let spread = if low == high { String::new() } else { format!("{} to {}", number(low), number(high)) };
        let bound = self.bound.map(|bound| {
            let aim = self.aim.map(|aim| format!(" [{}]", number(aim))).unwrap_or_default();
            format!("{} {}{aim} {}", self.side.sign(), number(bound), self.unit).trim_end().to_owned()
        });
        let is_at_aim = self.aim.is_some_and(|aim| self.side.holds(median, aim));
        let verdict = self.verdict().map(|verdict| match verdict {
            Verdict::Held if is_at_aim => format!("{}, aim too", verdict.word()),
            _ => verdict.word().to_owned(),
        });
        [spread, bound.unwrap_or_default(), verdict.unwrap_or_default()]
    }
}

/// The table of `figures`, one a line, names to the left and numbers to the right.
pub fn table(figures: &[Figure]) -> String {
    let head = ["figure", "median", "spread", "bound", "verdict"].map(str::to_owned);
    let rows = figures.iter().map(|figure| {
        let [spread, bound, verdict] = figure.verdict_cells();
        [figure.name.clone(), figure.median_cell(), spread, bound, verdict]
    });
    grid::lines(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Three digits where they mean something: `0.123`, `1.31`, `14.2`, `152`, `98231`.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "unknown".to_owned();
    }
    let decimals = match value.abs() {
        below if below < 1.0 => 3,
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(values: [f64; 3]) -> Figure {
        Figure::new("GET: ratio", "", values).unwrap().at_most(Some(1.4))
    }

    #[test]
    fn the_median_alone_decides_and_the_bound_itself_is_within() {
        assert_eq!(ratio([9.0, 1.4, 1.0]).verdict(), Some(Verdict::Held));
        assert_eq!(ratio([1.0, 1.41, 1.5]).verdict(), Some(Verdict::Missed));
        assert_eq!(ratio([1.0, f64::NAN, f64::NAN]).verdict(), Some(Verdict::Missed));
        assert_eq!(ratio([1.0, 1.0, 1.0]).at_most(None).verdict(), None);
    }

    #[test]
    fn the_table_lines_its_columns_up() {
        let cpu = Figure::new("GET: server CPU", "µs", [14.21, 13.9, 15.0]).unwrap();
        let memory = Figure::new("resident", "MB", [261.0]).unwrap().at_most(Some(260.0));
        let expected = "\
figure            median        spread     bound  verdict
GET: server CPU  14.2 µs  13.9 to 15.0
GET: ratio          1.31  1.25 to 1.38    ≤ 1.40  held
resident          261 MB                ≤ 260 MB  MISSED
";
        assert_eq!(table(&[cpu, ratio([1.25, 1.31, 1.38]), memory]), expected);
    }

    #[test]
    fn an_aim_is_shown_beside_the_bound_and_never_decides() {
        let cells = |values| ratio(values).aiming_at(Some(1.2)).verdict_cells();
        assert_eq!(cells([1.0, 1.2, 1.5]), ["1.00 to 1.50", "≤ 1.40 [1.20]", "held, aim too"]);
        assert_eq!(cells([1.3, 1.3, 1.3]), ["", "≤ 1.40 [1.20]", "held"]);
        assert_eq!(cells([1.5, 1.5, 1.5]), ["", "≤ 1.40 [1.20]", "MISSED"]);
        assert_eq!(ratio([1.5, 1.5, 1.5]).at_most(None).aiming_at(Some(1.2)).verdict_cells(), ["", "", ""]);
    }

    #[test]
    fn what_must_be_at_least_is_judged_from_below() {
        let rate = |values| Figure::new("load", "/s", values).unwrap().at_least(Some(2.0)).aiming_at(Some(3.0));
        assert_eq!(rate([1.9]).verdict_cells(), ["", "≥ 2.00 [3.00] /s", "MISSED"]);
        assert_eq!(rate([2.0]).verdict_cells()[2], "held");
        assert_eq!(rate([3.0]).verdict_cells()[2], "held, aim too");
        assert_eq!(rate([f64::NAN]).verdict(), Some(Verdict::Missed));
        assert_eq!(rate([2.0]).json()["bound_is"], "at least");
    }

    #[test]
    fn a_stored_figure_keeps_its_bound_and_verdict() {
        let json = ratio([1.25, 1.5, 1.75]).json();
        assert_eq!(json["median"], 1.5);
        assert_eq!(json["bound"], 1.4);
        assert_eq!(json["verdict"], "MISSED");
    }
}

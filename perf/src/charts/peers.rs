//! What a request costs here and elsewhere, in three charts: how many a second, at what CPU, after how long.

use serde_json::Value;

use crate::charts::axis::{Axis, short};
use crate::charts::bars::{Bar, Bars, Group};
use crate::charts::frame::Frame;
use crate::charts::lines::{Line, Lines, Look, Stroke};
use crate::charts::source::{Source, Stored};
use crate::charts::svg::{Mark, Tone};
use crate::peers::case::{self, Asker, CASES, Case, Load, Who};
use crate::run::QUANTILES;
use crate::statistics::Summary;

/// Requests a second of every server in every closed loop.
pub fn throughput(source: &Source) -> Option<String> {
    let groups = closed_loops(source, "requests a second", |_, _| None);
    let conditions = format!("Longer is better. {} The thin lines are the spread of the rounds.", conditions(source)?);
    let frame = Frame::new("Requests a second, beside others", conditions, source);
    Bars { frame, axis: "requests a second".to_owned(), groups }.draw()
}

/// CPU of every server in every closed loop, with what was promised.
pub fn cpu(source: &Source) -> Option<String> {
    let groups = closed_loops(source, "server CPU a request", cpu_promise);
    let conditions = format!("Shorter is better. {} Dashed: what was promised.", conditions(source)?);
    let frame = Frame::new("Server CPU a request, beside others", conditions, source);
    Bars { frame, axis: "CPU of the server a request, µs".to_owned(), groups }.draw()
}

/// The latencies at constant rates, by quantile.
pub fn latency(source: &Source) -> Option<String> {
    let quantiles = quantiles(source);
    let mut lines = Vec::new();
    for case in CASES {
        let Load::Paced { quarters } = case.load else { continue };
        for who in case.on {
            lines.extend(paced_line(source, case, *who, quarters, &quantiles));
        }
    }
    lines.extend(latency_promise(source, &quantiles));
    let values = lines.iter().flat_map(|line| line.values.iter().map(|(_, value)| *value));
    let up = Axis::logarithmic("latency, ms", values.collect::<Vec<_>>())?;
    let conditions = format!(
        "Lower is better. {} Requests are due at equal distances, at parts of what the slower one can do, and a latency \
         counts from when its request was due.",
        conditions(source)?
    );
    let frame = Frame::new("Latency of GET at constant rates, beside nginx", conditions, source);
    Lines { frame, across: Axis::of_names("latency that so many requests keep", &quantiles)?, up, lines }.draw()
}

/// Under what all of it was measured; `None` unless it was on our default front, which the charts are about.
fn conditions(source: &Source) -> Option<String> {
    source.option_word("front").filter(|front| *front == "reactor")?;
    let option = |name: &str| source.option(name);
    Some(format!(
        "One serving thread each, {} connections, documents of {} bytes, nothing written to disk.",
        option("connections")?,
        option("document_bytes")?
    ))
}

/// True where our generator asks as fast as answers come.
fn is_closed_loop(case: &&Case) -> bool {
    case.by == Asker::Generator && !matches!(case.load, Load::Paced { .. })
}

/// `value` of every server in the closed loops; `promise` is what was promised of ours.
fn closed_loops(source: &Source, value: &str, promise: fn(&Source, &Case) -> Option<(f64, String)>) -> Vec<Group> {
    let groups = CASES.iter().filter(is_closed_loop).map(|case| {
        let (before, after) = (format!("{}: ", case.name), format!(", {value}"));
        let bars = source.figures_between(&before, &after).map(|(name, value)| Bar {
            name: name.to_owned(),
            tone: tone(name),
            value,
            promise: (name == Who::Ours.name()).then(|| promise(source, case)).flatten(),
        });
        Group { name: name(source, case), bars: bars.collect() }
    });
    groups.filter(|group| !group.bars.is_empty()).collect()
}

/// The name of a case, with its numbers.
fn name(source: &Source, case: &Case) -> String {
    let (option, unit) = match case.load {
        Load::Pipelined => ("depth", "pipelined"),
        Load::Busy => ("busy", "connections"),
        Load::Plain | Load::Paced { .. } => return case.name.to_owned(),
    };
    let verb = case.name.split(',').next().unwrap_or(case.name);
    source.option(option).map_or(case.name.to_owned(), |number| format!("{verb}, {number} {unit}"))
}

/// The smallest of the bounds of our CPU in `case`, each of which is a share of what another run takes.
fn cpu_promise(source: &Source, case: &Case) -> Option<(f64, String)> {
    let ours = Who::Ours.name();
    let before = format!("{}: {ours} over ", case.name);
    let bounds = source.figures_between(&before, ", CPU").filter_map(|(over, ratio)| {
        let (who, where_else) = over.split_once(" at ").unwrap_or((over, case.name));
        let of = source.figure(&format!("{where_else}: {who}, server CPU a request"))?;
        let words = if who == ours { where_else } else { who };
        let bound = ratio.bound? * of.median;
        Some((bound, format!("promised ≤ {}, {} of {words}", short(bound), ratio.bound?)))
    });
    bounds.min_by(|one, other| one.0.total_cmp(&other.0))
}

/// The names of the quantiles that the runs at half of saturation have, from left to right.
fn quantiles(source: &Source) -> Vec<&'static str> {
    let runs: Vec<&Value> = source.runs(case::GET_PACED, Who::Ours.name()).collect();
    let has = |run: &&Value, name: &str| run.get("latency_us").is_some_and(|latency| latency.get(name).is_some());
    let names = QUANTILES.iter().map(|(name, _)| *name);
    names.filter(|name| runs.iter().any(|run| has(run, name))).collect()
}

/// The latencies of `who` at a constant rate; `None` when it did not run.
fn paced_line(source: &Source, case: &Case, who: Who, quarters: u32, quantiles: &[&str]) -> Option<Line> {
    let median = |value: &dyn Fn(&Value) -> Option<f64>| {
        let values = source.runs(case.name, who.name()).filter_map(value);
        Summary::of(values).map(|summary| summary.median)
    };
    let rate = median(&|run| run.get("requests_per_second")?.as_f64())?;
    let latency = |quantile: &str| median(&|run| run.get("latency_us")?.get(quantile)?.as_f64());
    let places = (0u32..).map(f64::from).zip(quantiles);
    let values =
        places.map(|(place, quantile)| (place, latency(quantile).map_or(f64::NAN, |us| us / 1000.0))).collect();
    let stroke = match quarters {
        1 => Stroke::Dotted,
        2 => Stroke::Solid,
        _ => Stroke::Dashed,
    };
    let mark = if who == Who::Ours { Mark::Disc } else { Mark::Square };
    let look = Look { tone: tone(who.name()), stroke, mark };
    let name = format!("{}, {} % ({}/s)", who.name(), quarters * 25, short(rate));
    Some(Line { name, look, values, labels: Vec::new() })
}

/// What our p99 at half of saturation must not pass.
fn latency_promise(source: &Source, quantiles: &[&str]) -> Option<Line> {
    let (ours, nginx) = (Who::Ours.name(), Who::Nginx.name());
    let of = |what: &str| source.figure(&format!("{}: {what}", case::GET_PACED));
    let bound = of(&format!("{ours} over {nginx}, p99"))?.bound?;
    let Stored { median, .. } = of(&format!("{nginx}, latency p99"))?;
    let look = Look { tone: Tone::Plain, stroke: Stroke::Promise, mark: Mark::Triangle };
    let place = (0u32..).zip(quantiles).find(|(_, name)| **name == "p99")?.0;
    let values = vec![(f64::from(place), bound * median / 1000.0)];
    Some(Line { name: format!("promised: ≤ {bound} of {nginx} at 50 %"), look, values, labels: Vec::new() })
}

/// The colour of a server, by its name in results.
fn tone(name: &str) -> Tone {
    let known =
        [(Who::Ours, Tone::Ours), (Who::Nginx, Tone::Nginx), (Who::Redis, Tone::Redis), (Who::Webdis, Tone::Webdis)];
    known.into_iter().find(|(who, _)| who.name() == name).map_or(Tone::Plain, |(_, tone)| tone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figure;
    use crate::options::Options;
    use crate::peers::Report;
    use crate::run::Run;
    use crate::store;
    use serde_json::json;

    /// A result as bench-peers stores one, in which every server takes 10 µs a request.
    fn source(front: &str) -> Source {
        let options = Options::parse(["peers".into(), format!("--front={front}").into()]).unwrap().unwrap();
        let each = |round| CASES.iter().flat_map(move |case| case.on.iter().map(move |who| (round, case, who)));
        let runs: Vec<Run> =
            (1..=3).flat_map(each).map(|(round, case, who)| Run::sample(round, case.name, who.name(), 10.0)).collect();
        let report = Report { runs, idle: Vec::new(), notes: Vec::new() };
        let figures: Vec<Value> = report.figures(&options).iter().map(Figure::json).collect();
        let runs: Vec<Value> = report.runs.iter().map(Run::json).collect();
        Source::of("peers", json!({"options": store::shown(&options), "figures": figures, "runs": runs}))
    }

    #[test]
    fn every_server_has_a_bar_in_every_closed_loop() {
        let source = source("reactor");
        let bars: usize = CASES.iter().filter(is_closed_loop).map(|case| case.on.len()).sum();
        for chart in [throughput(&source).unwrap(), cpu(&source).unwrap()] {
            assert_eq!(chart.matches("<rect x=").count(), bars, "{chart}");
            for words in [">GET<", ">GET, 16 pipelined<", ">GET, 2000 connections<", ">PUT<", ">webdis<", ">nginx<"] {
                assert!(chart.contains(words), "{words}: {chart}");
            }
        }
    }

    #[test]
    fn the_smallest_bound_of_a_case_is_what_was_promised() {
        let source = source("reactor");
        let promise = |name: &str| cpu_promise(&source, CASES.iter().find(|case| case.name == name).unwrap());
        assert_eq!(promise(case::GET), Some((8.0, "promised ≤ 8, 0.8 of Redis".to_owned())));
        assert_eq!(promise(case::GET_BUSY), Some((13.0, "promised ≤ 13, 1.3 of GET".to_owned())));
        assert_eq!(promise(case::PUT_PIPELINED), None);
        assert!(cpu(&source).unwrap().contains(">10, promised ≤ 8, 0.8 of Redis<"));
        assert!(!throughput(&source).unwrap().contains("promised"));
    }

    #[test]
    fn latencies_have_a_line_for_each_rate_and_server() {
        let chart = latency(&source("reactor")).unwrap();
        for words in
            [">Memory Tools, 25 % (50k/s)<", ">nginx, 50 % (50k/s)<", ">Memory Tools, 75 % (50k/s)<", ">p99.9<"]
        {
            assert!(chart.contains(words), "{words}: {chart}");
        }
        assert!(chart.contains("promised: ≤ 1.25 of nginx at 50 %: 1.12"), "{chart}");
        assert!(chart.contains("latency, ms, logarithmic scale"), "{chart}");
    }

    #[test]
    fn the_pool_is_not_drawn_in_the_place_of_the_reactor() {
        let pool = source("pool");
        assert!(throughput(&pool).is_none() && cpu(&pool).is_none() && latency(&pool).is_none());
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let empty = Source::of("peers", json!({"options": store::shown(&Options::default())}));
        assert!(throughput(&empty).is_none() && cpu(&empty).is_none() && latency(&empty).is_none());
    }
}

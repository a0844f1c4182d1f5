//! What is written to whom, and what was promised of it.

use crate::figure::{Figure, Side};
use crate::journal::contestant::Who;
use crate::options::Options;
use crate::run::{self, Run};

/// A kind of run: documents overwritten by so many clients, each of which waits for its answer.
#[derive(Debug)]
pub struct Case {
    /// Its name in results.
    pub name: &'static str,
    /// Clients.
    pub connections: usize,
    /// Who is asked, ours first.
    pub on: &'static [Who],
}

const ALWAYS: &[Who] = &[Who::Always, Who::RedisAlways];

/// Every write durable before it is answered: the curve.
pub const CURVE: &[Case] = &[
    Case { name: "always, 1 connection", connections: 1, on: ALWAYS },
    Case { name: "always, 16 connections", connections: 16, on: ALWAYS },
    Case { name: "always, 64 connections", connections: 64, on: ALWAYS },
    Case { name: "always, 256 connections", connections: 256, on: ALWAYS },
];

/// Writes answered before they are durable: what the journal takes of the CPU.
pub const EVERYSEC: &[Case] =
    &[Case { name: "everysec, 64 connections", connections: 64, on: &[Who::Everysec, Who::Off, Who::RedisEverysec] }];

/// Our value over another's.
struct Promise {
    over: Who,
    what: &'static str,
    value: fn(&Run) -> f64,
    side: Side,
    bound: f64,
    aim: Option<f64>,
}

impl Case {
    /// What is promised of it.
    fn promises(&self) -> Vec<Promise> {
        let cpu = |over, bound, aim| {
            let value: fn(&Run) -> f64 = |run| run.server_cpu_us;
            Promise { over, what: "CPU a PUT", value, side: Side::AtMost, bound, aim: Some(aim) }
        };
        if self.on == ALWAYS {
            // One client waits for the disk and nothing else.
            let aim = (self.connections >= 16).then_some(1.5);
            let value: fn(&Run) -> f64 = |run| run.requests_per_second;
            return vec![Promise { over: Who::RedisAlways, what: "/s", value, side: Side::AtLeast, bound: 0.9, aim }];
        }
        vec![cpu(Who::Off, 1.4, 1.25), cpu(Who::RedisEverysec, 1.3, 1.1)]
    }

    /// Every figure of the `runs` of this case.
    pub fn figures(&self, runs: &[Run], options: &Options) -> Vec<Figure> {
        let mut figures = Vec::new();
        for who in self.on {
            let of = run::select(runs, self.name, who.name());
            let figure = |what: &str, unit, value: fn(&Run) -> f64| {
                Figure::new(format!("{}: {}, {what}", self.name, who.name()), unit, of.iter().map(|run| value(run)))
            };
            figures.extend(figure("writes", "/s", |run| run.requests_per_second));
            figures.extend(figure("CPU a write", "µs", |run| run.server_cpu_us));
            figures.extend(figure("p99", "µs", |run| run.latency_us("p99")));
        }
        for promise in self.promises() {
            let ours = self.on.first().map_or("", |who| who.name());
            let other = run::select(runs, self.name, promise.over.name());
            let Some(ratio) = run::ratio(run::select(runs, self.name, ours), other, promise.value) else { continue };
            let name = format!("{}: {ours} over {}, {}", self.name, promise.over.name(), promise.what);
            let is_promised = options.document_bytes == 1000;
            let (bound, aim) = (is_promised.then_some(promise.bound), promise.aim.filter(|_| is_promised));
            let figure = Figure::of(name, "", ratio);
            figures.push(match promise.side {
                Side::AtMost => figure.at_most(bound).aiming_at(aim),
                Side::AtLeast => figure.at_least(bound).aiming_at(aim),
            });
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(case: &Case, ours: f64, other: f64) -> Vec<Run> {
        let of = |who: &Who, value| Run { requests_per_second: value, ..Run::sample(1, case.name, who.name(), value) };
        case.on.iter().enumerate().map(|(at, who)| of(who, if at == 0 { ours } else { other })).collect()
    }

    fn verdicts(figures: &[Figure]) -> Vec<&'static str> {
        figures.iter().filter_map(Figure::verdict).map(|verdict| verdict.word()).collect()
    }

    #[test]
    fn writes_a_second_are_promised_from_below_and_cpu_from_above() {
        let options = Options::default();
        let curve = |ours| verdicts(&CURVE[2].figures(&runs(&CURVE[2], ours, 100.0), &options));
        assert_eq!((curve(90.0), curve(89.0)), (vec!["held"], vec!["MISSED"]));
        let cpu = |ours| verdicts(&EVERYSEC[0].figures(&runs(&EVERYSEC[0], ours, 10.0), &options));
        assert_eq!((cpu(13.0), cpu(13.5)), (vec!["held", "held"], vec!["held", "MISSED"]));
    }

    #[test]
    fn without_redis_and_with_other_documents_nothing_is_judged() {
        let case = &CURVE[0];
        let alone: Vec<Run> = runs(case, 1.0, 1.0).into_iter().filter(|run| run.on == "always").collect();
        assert!(verdicts(&case.figures(&alone, &Options::default())).is_empty());
        let other = Options { document_bytes: 500, ..Options::default() };
        assert!(verdicts(&case.figures(&runs(case, 1.0, 1.0), &other)).is_empty());
    }
}

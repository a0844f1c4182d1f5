//! What durability costs, in two charts: writes a second by how many share an fsync, and what writers feel of a snapshot
//! while it is written.

use serde_json::Value;

use crate::charts::axis::{Axis, short};
use crate::charts::frame::Frame;
use crate::charts::lines::{Line, Lines, Look, Stroke};
use crate::charts::source::{Source, Stored};
use crate::charts::svg::{Mark, Point, Tone};
use crate::journal::Who;
use crate::journal::beside_snapshot::{ALONE, BESIDE, hold_name};

/// Writes a second over connections, every one of them durable before it is answered.
pub fn group_commit(source: &Source) -> Option<String> {
    let (ours, redis) = (writes(source, Who::Always), writes(source, Who::RedisAlways));
    let ratios = curve(source, ": always over Redis always, /s", |ratio| ratio.bound);
    let promise = ratios.iter().zip(&redis).filter(|(ratio, redis)| ratio.0 == redis.0);
    let promise: Vec<Point> = promise.map(|(ratio, redis)| (redis.0, ratio.1 * redis.1)).collect();
    let across = Axis::of_ratios(
        "connections, each with one write under way",
        ours.iter().map(|(connections, _)| *connections),
    )?;
    let up = Axis::linear(
        "durable writes a second",
        [&ours, &redis, &promise].into_iter().flatten().map(|(_, writes)| *writes),
    )?;
    let look = |tone, stroke, mark| Look { tone, stroke, mark };
    let labels = ours.iter().map(|(_, writes)| short(*writes)).collect();
    let lines = vec![
        line("promised: at least 0.9 of Redis", look(Tone::Plain, Stroke::Promise, Mark::None), promise),
        line("Redis, appendfsync always", look(Tone::Redis, Stroke::Solid, Mark::Square), redis),
        Line { labels, ..line("Memory Tools, journal always", look(Tone::Ours, Stroke::Solid, Mark::Disc), ours) },
    ];
    let conditions = format!(
        "Higher is better. Documents of {} bytes; a write is answered when it is on the disk, and those that come \
         meanwhile share the next fsync. One serving thread each, files on the same disk.",
        source.option("document_bytes").map_or("unknown".to_owned(), |bytes| bytes.to_string())
    );
    Lines { frame: Frame::new("Group commit, beside Redis", conditions, source), across, up, lines }.draw()
}

/// The p99.9 of each tenth of a second, beside snapshots and without.
pub fn snapshot(source: &Source) -> Option<String> {
    let round = middle_round(source)?;
    let of = |workload| source.runs(workload, Who::Everysec.name()).find(|run| round_of(run) == Some(round)).map(p999);
    let (beside, alone) = (of(BESIDE)??, of(ALONE)??);
    let both = || beside.iter().chain(&alone);
    let across = Axis::linear("time since the run began, s", both().map(|(at, _)| *at))?;
    let up = Axis::logarithmic("p99.9 of each 100 ms, ms", both().map(|(_, value)| *value))?;
    let lines = vec![
        line("without a snapshot", Look { tone: Tone::Plain, stroke: Stroke::Solid, mark: Mark::None }, alone),
        line("while snapshots are written", Look { tone: Tone::Ours, stroke: Stroke::Solid, mark: Mark::None }, beside),
    ];
    let documents = source.option("documents")?;
    let hold = source.figure(&hold_name(documents as u32)).map_or(String::new(), |hold| {
        let bound = hold.bound.map_or(String::new(), |bound| format!(", promised at most {bound}"));
        format!(" The longest that a snapshot has kept a lock: {:.0} µs of CPU time{bound}.", hold.median)
    });
    let conditions = format!(
        "Lower is better. PUT of 200 bytes over {} documents in everysec, at a constant rate, half of saturation; a \
         latency counts from when its request was due, and stands where it was due. One snapshot follows another.{hold} \
         Round {round}, whose p99.9 is the middle one.",
        documents
    );
    Lines { frame: Frame::new("What writers feel of a snapshot", conditions, source), across, up, lines }.draw()
}

/// Writes a second of `who` by connections, ascending.
fn writes(source: &Source, who: Who) -> Vec<Point> {
    curve(source, &format!(": {}, writes", who.name()), |figure| Some(figure.median))
}

/// `value` of the figures of the curve that end with `after`, by connections, ascending.
fn curve(source: &Source, after: &str, value: fn(Stored) -> Option<f64>) -> Vec<Point> {
    let figures = source.figures_between("always, ", after).filter_map(|(connections, figure)| {
        let connections: u32 = connections.split(' ').next()?.parse().ok()?;
        Some((f64::from(connections), value(figure)?))
    });
    let mut points: Vec<Point> = figures.collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    points
}

/// The round whose p99.9 beside snapshots has as many rounds above it as below, the lower one of two.
fn middle_round(source: &Source) -> Option<u64> {
    let p999 = |run: &Value| run.get("latency_us")?.get("p99.9")?.as_f64();
    let runs = source.runs(BESIDE, Who::Everysec.name());
    let mut rounds: Vec<(f64, u64)> = runs.filter_map(|run| Some((p999(run)?, round_of(run)?))).collect();
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    rounds.get(rounds.len().checked_sub(1)? / 2).map(|(_, round)| *round)
}

fn round_of(run: &Value) -> Option<u64> {
    run.get("round")?.as_u64()
}

/// Seconds and milliseconds: the middle of each slice of a run and its p99.9, not a number where nothing was due that
/// was answered. The last slice is left out, since it is not whole.
fn p999(run: &Value) -> Option<Vec<Point>> {
    let series = run.get("series")?;
    let list = |name: &str| series.get(name)?.as_array();
    let seconds = series.get("slice_ms")?.as_f64()? / 1000.0;
    let (answered, values) = (list("answered")?, list("p99.9_us")?);
    let point = |(at, (answered, value)): (u32, (&Value, &Value))| {
        let milliseconds = value.as_f64().filter(|_| answered.as_u64() != Some(0)).map_or(f64::NAN, |us| us / 1000.0);
        (seconds * (f64::from(at) + 0.5), milliseconds)
    };
    let mut points: Vec<Point> = (0..).zip(answered.iter().zip(values)).map(point).collect();
    points.pop();
    Some(points)
}

fn line(name: &str, look: Look, values: Vec<Point>) -> Line {
    Line { name: name.to_owned(), look, values, labels: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::svg::words_in;
    use crate::figure::Figure;
    use crate::journal::beside_snapshot;
    use crate::journal::case::CURVE;
    use crate::options::Options;
    use crate::run::Run;
    use crate::series::Slice;
    use serde_json::json;

    fn source(figures: &[Figure], runs: &[Run]) -> Source {
        let figures: Vec<Value> = figures.iter().map(Figure::json).collect();
        let runs: Vec<Value> = runs.iter().map(Run::json).collect();
        Source::of("journal", json!({"options": {"documents": 7}, "figures": figures, "runs": runs}))
    }

    #[test]
    fn the_curve_has_ours_redis_and_what_was_promised_at_every_number_of_connections() {
        let mut figures = Vec::new();
        for case in CURVE {
            let of = |who: &Who, per_second| Run {
                requests_per_second: per_second,
                ..Run::sample(1, case.name, who.name(), 5.0)
            };
            let per_second = case.connections as f64 * 1000.0;
            let runs: Vec<Run> =
                case.on.iter().zip([1.5, 1.0]).map(|(who, factor)| of(who, factor * per_second)).collect();
            figures.extend(case.figures(&runs, &Options::default()));
        }
        let source = source(&figures, &[]);
        assert_eq!(
            writes(&source, Who::Always),
            [(1.0, 1500.0), (16.0, 24_000.0), (64.0, 96_000.0), (256.0, 384_000.0)]
        );
        let chart = group_commit(&source).unwrap();
        for words in ["Memory Tools, journal always: 384k", "Redis, appendfsync always: 16k", ">96k<", ">256<"] {
            assert!(chart.contains(words), "{words}: {chart}");
        }
        let promise = chart.lines().rfind(|line| line.contains("line promise")).unwrap();
        assert_eq!(promise.matches(',').count(), 4, "{promise}");
    }

    fn with_slices(round: u32, workload: &'static str, p999: f64) -> Run {
        let mut run = Run::sample(round, workload, Who::Everysec.name(), 5.0);
        run.latency_us[5] = p999;
        let slice = |answered, p99_9_us| Slice { answered, p50_us: 1.0, p99_us: 2.0, p99_9_us, max_us: 9e6 };
        let slices = vec![slice(9, p999), slice(0, 0.0), slice(9, 2.0 * p999), slice(3, 1.0)];
        Run { due_per_second: Some(90.0), slices, ..run }
    }

    #[test]
    fn the_round_in_the_middle_is_shown_over_time() {
        let p999 = [(1, 5000.0), (2, 90_000.0), (3, 20_000.0)];
        let runs: Vec<Run> = p999
            .iter()
            .flat_map(|&(round, p999)| [with_slices(round, BESIDE, p999), with_slices(round, ALONE, 1000.0)])
            .collect();
        let hold = Figure::new(hold_name(7), "µs", [125.0]).unwrap().at_most(Some(1000.0));
        let source = source(&[hold], &runs);
        assert_eq!(middle_round(&source), Some(3));
        let chart = snapshot(&source).unwrap();
        let words = words_in(&chart);
        assert!(words.contains("Round 3,") && words.contains("125 µs of CPU time, promised at most 1000."), "{words}");
        let shown = p999_of(&source, 3);
        assert_eq!((shown[0], shown[2]), ((0.05, 20.0), (0.25, 40.0)));
        assert!(shown[1].1.is_nan() && shown.len() == 3, "{shown:?}");
    }

    fn p999_of(source: &Source, round: u64) -> Vec<Point> {
        let run = source.runs(beside_snapshot::BESIDE, "everysec").find(|run| round_of(run) == Some(round));
        p999(run.unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let empty = source(&[], &[]);
        assert!(group_commit(&empty).is_none() && snapshot(&empty).is_none());
        let without_course = Run::sample(1, BESIDE, "everysec", 1.0);
        assert!(snapshot(&source(&[], &[without_course])).is_none());
    }
}

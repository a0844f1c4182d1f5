//! Latencies over the time of a run, a tenth of a second at a time, so that a stall shows when it was.
//!
//! A latency belongs to the moment from which it counts, not to that of its answer: on a schedule, what was due during
//! a stall shows in the slices of the stall. What was due before the start is in the first slice, what comes after
//! `SLICES_MAX` in the last.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// The length of a slice.
const SLICE: Duration = Duration::from_millis(100);

/// Slices of the longest run that is told apart: a minute. Each takes some thirty kilobytes.
const SLICES_MAX: usize = 600;

/// Latencies, by slice.
#[derive(Debug)]
pub struct Series {
    start: Instant,
    latency_ns: Vec<Histogram<u64>>,
}

/// What was answered of the requests of a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// How many.
    pub answered: u64,
    /// Their median latency; 0 where there is none.
    pub p50_us: f64,
    /// The latency that one in a hundred is above.
    pub p99_us: f64,
    /// One in a thousand.
    pub p99_9_us: f64,
    /// The longest.
    pub max_us: f64,
}

impl Series {
    /// Of a run that starts at `start`.
    pub fn new(start: Instant) -> Series {
        Series { start, latency_ns: Vec::new() }
    }

    /// Counts an answer whose latency ran from `since` on.
    pub fn record(&mut self, since: Instant, nanoseconds: u64) {
        let at = since.saturating_duration_since(self.start).as_nanos() / SLICE.as_nanos();
        let at = usize::try_from(at).unwrap_or(SLICES_MAX).min(SLICES_MAX - 1);
        while self.latency_ns.len() <= at {
            let slice = Histogram::new_with_bounds(1_000, 60_000_000_000, 2).expect("the bounds are in order");
            self.latency_ns.push(slice);
        }
        if let Some(slice) = self.latency_ns.get_mut(at) {
            slice.saturating_record(nanoseconds);
        }
    }

    /// The slices in their order.
    pub fn slices(&self) -> Vec<Slice> {
        self.latency_ns.iter().map(Slice::of).collect()
    }
}

impl Slice {
    fn of(latency_ns: &Histogram<u64>) -> Slice {
        let at = |quantile| latency_ns.value_at_quantile(quantile) as f64 / 1000.0;
        Slice {
            answered: latency_ns.len(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p99_9_us: at(0.999),
            max_us: latency_ns.max() as f64 / 1000.0,
        }
    }
}

/// For the stored result: a list of each value, so that a chart takes the one that it shows.
pub fn json(slices: &[Slice]) -> Value {
    let of = |value: fn(&Slice) -> f64| slices.iter().map(value).collect::<Vec<_>>();
    json!({
        "slice_ms": SLICE.as_millis() as u64,
        "answered": slices.iter().map(|slice| slice.answered).collect::<Vec<_>>(),
        "p50_us": of(|slice| slice.p50_us),
        "p99_us": of(|slice| slice.p99_us),
        "p99.9_us": of(|slice| slice.p99_9_us),
        "max_us": of(|slice| slice.max_us),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_belongs_to_the_slice_in_which_it_was_due() {
        let start = Instant::now();
        let mut series = Series::new(start);
        let mut record = |due_ms, latency_us: u64| {
            series.record(start + Duration::from_millis(due_ms), latency_us * 1000);
        };
        record(10, 100);
        record(99, 300);
        record(310, 50_000);
        if let Some(before) = start.checked_sub(Duration::from_millis(50)) {
            series.record(before, 200_000);
        }
        let slices = series.slices();
        assert_eq!(slices.iter().map(|slice| slice.answered).collect::<Vec<_>>(), [3, 0, 0, 1]);
        assert_eq!(slices[1], Slice { answered: 0, p50_us: 0.0, p99_us: 0.0, p99_9_us: 0.0, max_us: 0.0 });
        assert!((49_000.0..51_000.0).contains(&slices[3].p99_us), "{slices:?}");
        let json = json(&slices);
        assert_eq!((&json["slice_ms"], &json["answered"][3]), (&json!(100), &json!(1)));
        assert_eq!(json["max_us"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn a_run_without_end_ends_in_the_last_slice() {
        let start = Instant::now();
        let mut series = Series::new(start);
        series.record(start + Duration::from_secs(86_400), 1000);
        assert_eq!(series.slices().len(), SLICES_MAX);
    }
}

//! Counting what happens, for whoever watches the process: counters, gauges, and durations: the longest, or how many were
//! how long.
//!
//! Invariant: counting is a few atomic additions, without a lock and without an allocation, so it may stand anywhere.
//! Each number is exact; several of them, read one after the other, are not a cut through one moment.
//! It does not know what is counted: names and help are in the table of whoever shows it (`Family`).

mod alone;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use alone::{Tallies, Tally};
pub use text::{Family, Kind, Samples};

/// A number that only grows, from 0 at the start of the process.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that is what it was set to last; 0 before that.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// It is `value` now.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// What it was set to last.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// The longest of many durations; none before the first.
#[derive(Debug, Default)]
pub struct Longest(AtomicU64);

impl Longest {
    /// One that took `duration`.
    pub fn observe(&self, duration: Duration) {
        // 2^64 nanoseconds are 584 years.
        self.0.fetch_max(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The longest so far.
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// How often something took how long: one counter for each of `N` bounds, and one for what took longer than the last.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    // Constant after construction.
    bounds: &'static [Duration; N],
    // With synchronization of their own.
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    /// Wraps after 584 years of durations.
    nanos: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    /// Nothing was counted; `bounds` ascend.
    pub fn new(bounds: &'static [Duration; N]) -> Histogram<N> {
        assert!(bounds.is_sorted(), "a duration is counted at the first bound that it does not exceed");
        let counts = std::array::from_fn(|_| AtomicU64::new(0));
        Histogram { bounds, counts, beyond: AtomicU64::new(0), nanos: AtomicU64::new(0) }
    }

    /// Counts something that took `duration`.
    pub fn observe(&self, duration: Duration) {
        let holds = |(bound, _): &(&Duration, &AtomicU64)| duration <= **bound;
        let count = self.bounds.iter().zip(&self.counts).find(holds).map_or(&self.beyond, |(_, count)| count);
        count.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted.
    pub fn read(&self) -> Distribution<N> {
        Distribution {
            bounds: self.bounds,
            counts: self.counts.each_ref().map(|count| count.load(Ordering::Relaxed)),
            beyond: self.beyond.load(Ordering::Relaxed),
            sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

/// What a histogram had counted at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution<const N: usize> {
    bounds: &'static [Duration; N],
    /// Of each bound: what took at most that, and more than the bound before it.
    counts: [u64; N],
    beyond: u64,
    sum: Duration,
}

impl<const N: usize> Distribution<N> {
    /// Nothing was counted by these bounds.
    pub fn empty(bounds: &'static [Duration; N]) -> Distribution<N> {
        Distribution { bounds, counts: [0; N], beyond: 0, sum: Duration::ZERO }
    }

    /// Takes in what `other` has counted by the same bounds.
    pub fn add(&mut self, other: &Distribution<N>) {
        assert!(self.bounds == other.bounds, "counts of different bounds say nothing together");
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.beyond += other.beyond;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How often it was, however long it took.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.beyond
    }

    /// All durations together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Each bound with how often it took at most that.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.bounds.iter().zip(self.counts).scan(0, |below, (bound, count)| {
            *below += count;
            Some((*bound, *below))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[Duration; 3] = &[Duration::from_millis(1), Duration::from_millis(10), Duration::from_secs(1)];

    #[test]
    fn a_duration_is_counted_at_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(BOUNDS);
        for micros in [0, 1000, 1001, 10_000, 2_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let read = histogram.read();
        assert_eq!(read.cumulative().map(|(_, count)| count).collect::<Vec<_>>(), [2, 4, 4]);
        assert_eq!((read.count(), read.sum()), (5, Duration::from_micros(2_012_001)));
    }

    #[test]
    fn nothing_is_lost_when_many_threads_count() {
        let (counter, histogram) = (Counter::default(), Histogram::new(BOUNDS));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        counter.increment();
                        histogram.observe(Duration::from_millis(2));
                    }
                });
            }
        });
        assert_eq!((counter.get(), histogram.read().count()), (4000, 4000));
        assert_eq!(histogram.read().sum(), Duration::from_secs(8));
    }

    #[test]
    fn the_longest_of_many_is_kept() {
        let longest = Longest::default();
        assert_eq!(longest.get(), Duration::ZERO);
        for micros in [3, 7, 5] {
            longest.observe(Duration::from_micros(micros));
        }
        assert_eq!(longest.get(), Duration::from_micros(7));
    }

    #[test]
    fn a_gauge_is_what_it_was_set_to_last() {
        let gauge = Gauge::default();
        assert_eq!(gauge.get().to_bits(), 0.0_f64.to_bits());
        gauge.set(7.5);
        gauge.set(-0.25);
        assert_eq!(gauge.get().to_bits(), (-0.25_f64).to_bits());
    }
}

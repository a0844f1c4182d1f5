//! Counting by one thread alone, for what happens so often that even an atomic addition would be felt.
//!
//! Invariant: one thread counts, and whoever likes reads meanwhile: a reading may be a moment old, and never falls. Where
//! two threads count, counts are lost; so whoever holds one of these sees to it that one thread has it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Distribution;

/// A number that only grows, by the hand of one thread.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// So many more.
    #[inline]
    pub fn add(&self, count: u64) {
        // A load and a store cost a tenth of an addition that other threads could take part in.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A `Histogram` that one thread fills.
#[derive(Debug)]
pub struct Tallies<const N: usize> {
    // Constant after construction.
    bounds: &'static [Duration; N],
    // One thread's to write.
    counts: [Tally; N],
    beyond: Tally,
    /// Wraps after 584 years of durations.
    nanos: Tally,
}

impl<const N: usize> Tallies<N> {
    /// Nothing was counted; `bounds` ascend.
    pub fn new(bounds: &'static [Duration; N]) -> Tallies<N> {
        assert!(bounds.is_sorted(), "a duration is counted at the first bound that it does not exceed");
        let counts = std::array::from_fn(|_| Tally::default());
        Tallies { bounds, counts, beyond: Tally::default(), nanos: Tally::default() }
    }

    /// Counts something that took `duration`.
    #[inline]
    pub fn observe(&self, duration: Duration) {
        // Most of what is counted so is short, and stands at the beginning.
        let holds = |(bound, _): &(&Duration, &Tally)| duration <= **bound;
        self.bounds.iter().zip(&self.counts).find(holds).map_or(&self.beyond, |(_, count)| count).add(1);
        self.nanos.add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What was counted.
    pub fn read(&self) -> Distribution<N> {
        Distribution {
            bounds: self.bounds,
            counts: self.counts.each_ref().map(Tally::get),
            beyond: self.beyond.get(),
            sum: Duration::from_nanos(self.nanos.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Histogram;
    use super::*;

    const BOUNDS: &[Duration; 3] = &[Duration::from_millis(1), Duration::from_millis(10), Duration::from_secs(1)];

    #[test]
    fn one_thread_counts_what_many_would_have() {
        let (alone, shared) = (Tallies::new(BOUNDS), Histogram::new(BOUNDS));
        for micros in [0, 1000, 1001, 10_000, 999_999, 1_000_000, 2_000_000] {
            alone.observe(Duration::from_micros(micros));
            shared.observe(Duration::from_micros(micros));
        }
        assert_eq!(alone.read(), shared.read());
    }

    #[test]
    fn what_several_threads_have_counted_adds_up() {
        let [one, other] = [(); 2].map(|()| Tallies::new(BOUNDS));
        one.observe(Duration::from_millis(2));
        other.observe(Duration::from_millis(3));
        other.observe(Duration::from_secs(5));
        let mut both = Distribution::empty(BOUNDS);
        both.add(&one.read());
        both.add(&other.read());
        assert_eq!(both.cumulative().map(|(_, count)| count).collect::<Vec<_>>(), [0, 2, 2]);
        assert_eq!((both.count(), both.sum()), (3, Duration::from_millis(5005)));
    }
}

//! When the next request goes out: as soon as an answer is there (a closed loop), or at set moments whatever the
//! server does (an open one).
//!
//! Invariant: a pace looks only at the clock and at how many requests wait on a connection, never at who is asked, so
//! servers that are compared see the same bursts.

use std::time::{Duration, Instant};

/// When the next request goes out.
#[derive(Clone, Debug)]
pub enum Pace {
    /// Each answer is followed by a request, so that this many are always under way on a connection.
    Window(usize),
    /// So many requests together on a connection, and the next ones when all of them are answered.
    Batch(usize),
    /// Each request at its moment, on any connection without one under way. A moment that finds all of them busy
    /// waits, and the wait counts as latency.
    Schedule(Schedule),
}

impl Pace {
    /// How many requests may follow on a connection on which `under_way` wait for their answers.
    pub fn room(&self, under_way: usize) -> usize {
        match self {
            Pace::Window(depth) => depth.saturating_sub(under_way),
            Pace::Batch(depth) if under_way == 0 => *depth,
            Pace::Schedule(_) if under_way == 0 => 1,
            Pace::Batch(_) | Pace::Schedule(_) => 0,
        }
    }

    /// The moment that the latency of the next request counts from, if there is a request to be made at `now`.
    pub fn moment(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Pace::Window(_) | Pace::Batch(_) => Some(now),
            Pace::Schedule(schedule) => schedule.take(now),
        }
    }

    /// True when a request should go out that no answer will bring about.
    pub fn is_due(&self, now: Instant) -> bool {
        match self {
            Pace::Window(_) | Pace::Batch(_) => false,
            Pace::Schedule(schedule) => schedule.next() <= now,
        }
    }

    /// Requests a second, whatever the server does; `None` where its answers set the pace.
    pub fn per_second(&self) -> Option<f64> {
        match self {
            Pace::Window(_) | Pace::Batch(_) => None,
            Pace::Schedule(schedule) => Some(1e9 / schedule.period_ns),
        }
    }

    /// Requests that should have gone out by `now` and have not.
    pub fn overdue(&self, now: Instant) -> u64 {
        match self {
            Pace::Window(_) | Pace::Batch(_) => 0,
            Pace::Schedule(schedule) => schedule.overdue(now),
        }
    }

    /// How long to sleep for an answer at most. Moments are a few microseconds apart and sleeps end milliseconds
    /// late, so nobody sleeps on a schedule whose latencies count.
    pub fn nap(&self, longest: Duration) -> Duration {
        match self {
            Pace::Window(_) | Pace::Batch(_) => longest,
            Pace::Schedule(schedule) => schedule.nap,
        }
    }
}

/// How long whoever rests sleeps: as short as epoll can.
const REST: Duration = Duration::from_millis(1);

/// Moments at equal distances.
#[derive(Clone, Debug)]
pub struct Schedule {
    start: Instant,
    period_ns: f64,
    taken: u64,
    nap: Duration,
}

impl Schedule {
    /// `per_second` moments a second from `start` on; at least one a second.
    pub fn new(start: Instant, per_second: f64) -> Schedule {
        Schedule { start, period_ns: 1e9 / per_second.max(1.0), taken: 0, nap: Duration::ZERO }
    }

    /// The same moments, of which those of a millisecond may be taken together: whoever asks leaves its processor to the
    /// server meanwhile. For costs; latencies would be those of the sleep.
    #[must_use]
    pub fn resting(self) -> Schedule {
        Schedule { nap: REST, ..self }
    }

    /// The moment that is next to be taken.
    fn next(&self) -> Instant {
        // Computed from the start, so that no rounding adds up: 2^53 ns are a hundred days.
        self.start + Duration::from_nanos((self.period_ns * self.taken as f64) as u64)
    }

    fn overdue(&self, now: Instant) -> u64 {
        // The first moment is the start itself.
        let passed = (now.saturating_duration_since(self.start).as_nanos() as f64 / self.period_ns) as u64 + 1;
        passed.saturating_sub(self.taken)
    }

    fn take(&mut self, now: Instant) -> Option<Instant> {
        let next = self.next();
        (next <= now).then(|| {
            self.taken += 1;
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_refilled_and_a_batch_only_when_it_is_empty() {
        let room = |pace: Pace| [0, 1, 3, 4, 5].map(|under_way| pace.room(under_way));
        assert_eq!(room(Pace::Window(4)), [4, 3, 1, 0, 0]);
        assert_eq!(room(Pace::Batch(4)), [4, 0, 0, 0, 0]);
        assert_eq!(room(Pace::Schedule(Schedule::new(Instant::now(), 1000.0))), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn every_moment_is_taken_once_and_none_before_its_time() {
        let start = Instant::now();
        let mut pace = Pace::Schedule(Schedule::new(start, 1000.0));
        let at = |microseconds| start + Duration::from_micros(microseconds);
        assert!(pace.is_due(start));
        assert_eq!(pace.moment(start), Some(start));
        assert!(!pace.is_due(at(999)));
        assert_eq!(pace.moment(at(999)), None);
        // Two periods late: both moments are there, and latencies count from them, not from now.
        assert_eq!((pace.overdue(at(2500)), pace.per_second()), (2, Some(1000.0)));
        assert_eq!(pace.moment(at(2500)), Some(at(1000)));
        assert_eq!(pace.moment(at(2500)), Some(at(2000)));
        assert_eq!(pace.moment(at(2500)), None);
        assert_eq!(pace.overdue(at(2500)), 0);
    }

    #[test]
    fn who_rests_sleeps_and_misses_no_moment() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 10_000.0);
        let longest = Duration::from_secs(1);
        assert_eq!(Pace::Schedule(schedule.clone()).nap(longest), Duration::ZERO);
        let mut pace = Pace::Schedule(schedule.resting());
        let nap = pace.nap(longest);
        assert!(nap > Duration::ZERO && nap <= Duration::from_millis(1), "{nap:?}");
        let taken = std::iter::from_fn(|| pace.moment(start + nap)).count();
        assert_eq!(taken, 11);
    }

    #[test]
    fn a_schedule_does_not_drift() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 300_000.0);
        let end = start + Duration::from_secs(10);
        let taken = std::iter::from_fn(|| schedule.take(end)).count();
        assert_eq!(taken, 3_000_001);
    }
}

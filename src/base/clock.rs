//! The one door to time: wall-clock milliseconds for deadlines, behind a trait so that tests hold the hands.
//!
//! `SystemClock` is wall clock at start plus monotonic elapsed time, so a step of the wall clock while the
//! process runs neither expires the store nor keeps the dead alive.
//! What it does not know yet: following small skews of the wall clock and the floor across restarts;
//! those rules come with the journal.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This moment plus `millis`; saturates instead of wrapping.
    pub fn plus(self, millis: u64) -> UnixMillis {
        UnixMillis(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this moment, 0 when `earlier` is later.
    pub fn since(self, earlier: UnixMillis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A source of the current time. Implementations never go backwards within a process.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time in unix milliseconds.
    fn now(&self) -> UnixMillis;
}

/// The real clock: wall time at construction plus monotonic elapsed time.
#[derive(Debug)]
pub struct SystemClock {
    started_wall: UnixMillis,
    started: Instant,
}

impl SystemClock {
    /// Reads the wall clock once; a wall clock before 1970 counts as 1970.
    pub fn start() -> SystemClock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        SystemClock {
            started_wall: UnixMillis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.started_wall.plus(elapsed)
    }
}

/// A clock that moves only when it is told to; for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: UnixMillis) -> ManualClock {
        ManualClock { now: AtomicU64::new(now.0) }
    }

    /// Moves the clock forward by `millis`.
    pub fn advance(&self, millis: u64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(UnixMillis(5));
        assert_eq!(clock.now(), UnixMillis(5));
        clock.advance(7);
        assert_eq!(clock.now(), UnixMillis(12));
    }

    #[test]
    fn system_clock_never_goes_backwards() {
        let clock = SystemClock::start();
        let mut last = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }
}

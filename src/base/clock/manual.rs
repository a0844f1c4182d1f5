//! A clock that stands still, for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Clock, UnixMillis};

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

    /// Moves the clock to `now`, backwards too, as a step does that a real clock adopts.
    pub fn step_to(&self, now: UnixMillis) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }

    fn raise_floor(&self, floor: UnixMillis) {
        self.now.fetch_max(floor.0, Ordering::SeqCst);
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
        clock.steer();
        assert_eq!(clock.now(), UnixMillis(12));
        clock.raise_floor(UnixMillis(11));
        assert_eq!(clock.now(), UnixMillis(12));
        clock.raise_floor(UnixMillis(13));
        assert_eq!(clock.now(), UnixMillis(13));
        clock.step_to(UnixMillis(3));
        assert_eq!(clock.now(), UnixMillis(3));
    }
}

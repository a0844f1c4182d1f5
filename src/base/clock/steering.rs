//! How a clock follows the wall clock: a decision from two readings, without touching a clock.
//!
//! A small difference is followed slowly, in both directions. A large one is a step of the wall clock or a glitch,
//! and only time tells which: it is adopted once it has held, a minute when it goes forwards, because believing it
//! too early expires documents, and an hour when it goes backwards, because that lets them live longer.

use super::UnixMillis;

/// Differences up to this many milliseconds are followed slowly; larger ones are steps.
const SLEWED_MS_MAX: i64 = 1000;

/// How far the clock is moved for each second that passes.
const SLEW_MS_PER_SECOND: u64 = 5;

/// How long a step forwards must have held before it is adopted.
const FORWARDS_HELD_MS: u64 = 60 * 1000;

/// How long a step backwards must have held before it is adopted.
const BACKWARDS_HELD_MS: u64 = 60 * 60 * 1000;

/// How far a difference may wander and still be the same step.
const WANDER_MS_MAX: u64 = 1000;

/// What to do to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjust {
    /// Nothing.
    Nothing,
    /// Follow slowly: move by so many milliseconds, without letting it go backwards.
    Slew {
        /// At most 5, either sign.
        ms: i64,
    },
    /// Adopt a step: move by so many milliseconds, backwards too.
    Step {
        /// Either sign.
        ms: i64,
    },
}

/// What was seen of the wall clock so far.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    /// A difference too large to follow slowly, and since when it is there.
    candidate: Option<Candidate>,
    /// When `observe` was called last.
    observed: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    skew: i64,
    since: u64,
}

impl Steering {
    /// Compares `ours` with `wall`, both read at `monotonic_ms`, which never goes backwards. Call it about once a
    /// second.
    pub fn observe(&mut self, ours: UnixMillis, wall: UnixMillis, monotonic_ms: u64) -> Adjust {
        let skew = signed(wall.since(ours)) - signed(ours.since(wall));
        let passed = monotonic_ms - self.observed.replace(monotonic_ms).unwrap_or(monotonic_ms);
        if skew.abs() <= SLEWED_MS_MAX {
            self.candidate = None;
            return slew(skew, passed);
        }
        let candidate = match self.candidate {
            Some(candidate) if candidate.skew.abs_diff(skew) <= WANDER_MS_MAX => candidate,
            _ => Candidate { skew, since: monotonic_ms },
        };
        let held = monotonic_ms - candidate.since;
        if held < if skew > 0 { FORWARDS_HELD_MS } else { BACKWARDS_HELD_MS } {
            self.candidate = Some(candidate);
            return Adjust::Nothing;
        }
        self.candidate = None;
        Adjust::Step { ms: skew }
    }
}

/// A part of `skew`, in proportion to the time that has `passed` since the last one, as if that were at most a second.
fn slew(skew: i64, passed: u64) -> Adjust {
    let most = signed(passed.min(1000) * SLEW_MS_PER_SECOND / 1000);
    match skew.clamp(-most, most) {
        0 => Adjust::Nothing,
        ms => Adjust::Slew { ms },
    }
}

/// A difference in time as a signed number; those of more than 146 million years are as good as that.
fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX / 2).min(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000_000;

    /// A clock and a wall clock that is ahead of it by `skew`, looked at once a second.
    #[derive(Default)]
    struct Bench {
        steering: Steering,
        seconds: u64,
        skew: i64,
    }

    impl Bench {
        fn ahead_by(skew: i64) -> Bench {
            let mut bench = Bench { skew, ..Bench::default() };
            bench.second();
            bench
        }

        /// A second passes; what is adjusted changes the skew.
        fn second(&mut self) -> Adjust {
            self.seconds += 1;
            let ours = UnixMillis(START + self.seconds * 1000);
            let adjust = self.steering.observe(ours, ours.moved(self.skew), self.seconds * 1000);
            match adjust {
                Adjust::Nothing => {}
                Adjust::Slew { ms } | Adjust::Step { ms } => self.skew -= ms,
            }
            adjust
        }

        /// The second at which something is adjusted, and how.
        fn first_adjustment(&mut self, seconds_max: u64) -> Option<(u64, Adjust)> {
            (0..seconds_max).find_map(|_| match self.second() {
                Adjust::Nothing => None,
                adjust => Some((self.seconds, adjust)),
            })
        }
    }

    #[test]
    fn a_small_skew_is_followed_by_five_milliseconds_a_second() {
        for sign in [1, -1] {
            let mut bench = Bench::ahead_by(1000 * sign);
            for second in 1..=200 {
                assert_eq!(bench.second(), Adjust::Slew { ms: 5 * sign });
                assert_eq!(bench.skew, (1000 - 5 * second) * sign);
            }
            assert_eq!(bench.second(), Adjust::Nothing);
        }
        let mut bench = Bench::ahead_by(-7);
        assert_eq!([bench.second(), bench.second()], [Adjust::Slew { ms: -5 }, Adjust::Slew { ms: -2 }]);
    }

    #[test]
    fn looking_more_often_does_not_follow_faster() {
        let mut steering = Steering::default();
        let mut moved = 0;
        for passed in (0..=10_000).step_by(250) {
            let ours = UnixMillis(START + passed);
            if let Adjust::Slew { ms } = steering.observe(ours, ours.plus(900), passed) {
                moved += ms;
            }
        }
        assert!((1..=50).contains(&moved), "{moved} ms in ten seconds");
    }

    #[test]
    fn a_step_forwards_is_adopted_after_a_minute_and_one_backwards_after_an_hour() {
        let found = |skew, seconds_max| {
            let mut bench = Bench::ahead_by(skew);
            (bench.first_adjustment(seconds_max), bench.skew)
        };
        assert_eq!(found(1001, 100), (Some((61, Adjust::Step { ms: 1001 })), 0));
        assert_eq!(found(86_400_000, 100), (Some((61, Adjust::Step { ms: 86_400_000 })), 0));
        assert_eq!(found(-1001, 4000), (Some((3601, Adjust::Step { ms: -1001 })), 0));
        assert_eq!(found(-86_400_000, 4000), (Some((3601, Adjust::Step { ms: -86_400_000 })), 0));
    }

    #[test]
    fn a_glitch_that_passes_moves_nothing() {
        for glitch in [1001, -1001, 86_400_000, -86_400_000] {
            let mut bench = Bench::ahead_by(glitch);
            assert_eq!(bench.first_adjustment(58), None);
            bench.skew = 0;
            assert_eq!(bench.second(), Adjust::Nothing);
            // The next one has to hold on its own.
            bench.skew = glitch;
            assert_eq!(bench.first_adjustment(59), None);
        }
    }

    #[test]
    fn a_step_that_changes_begins_anew() {
        let mut bench = Bench::ahead_by(5000);
        assert_eq!(bench.first_adjustment(50), None);
        bench.skew += 1000;
        assert_eq!(bench.first_adjustment(100), Some((61, Adjust::Step { ms: 6000 })), "it is still the same");
        let mut bench = Bench::ahead_by(5000);
        assert_eq!(bench.first_adjustment(50), None);
        bench.skew += 1001;
        assert_eq!(bench.first_adjustment(100), Some((112, Adjust::Step { ms: 6001 })));
    }

    #[test]
    fn readings_from_the_ends_of_time_are_steps_like_others() {
        for (ours, wall) in [(0, u64::MAX), (u64::MAX, 0)] {
            let mut steering = Steering::default();
            assert_eq!(steering.observe(UnixMillis(ours), UnixMillis(wall), 0), Adjust::Nothing);
            let adjust = steering.observe(UnixMillis(ours), UnixMillis(wall), u64::MAX);
            assert!(matches!(adjust, Adjust::Step { ms } if (ms > 0) == (wall > 0)), "{adjust:?}");
        }
    }
}

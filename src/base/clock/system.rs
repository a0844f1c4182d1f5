//! The real clock: the wall clock at the start, carried on by monotonic time, steered after the wall clock.
//!
//! Invariant: `smooth` never decreases, whatever is slewed; the time is `smooth` plus `stepped`, which only adopted
//! steps and a raised floor change. So a reading that was made before a step can never hold back one made after it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::{Adjust, Clock, Steering, UnixMillis};
use crate::base::log::{self, Level, Value};

/// Where the two kinds of time come from.
pub trait TimeSource: Send + Sync + std::fmt::Debug {
    /// The wall clock: it may go anywhere at any moment.
    fn wall(&self) -> UnixMillis;

    /// Milliseconds since some moment before the first call; never goes backwards.
    fn monotonic_ms(&self) -> u64;
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct HostTime {
    started: Instant,
}

impl TimeSource for HostTime {
    fn wall(&self) -> UnixMillis {
        wall()
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What the wall clock shows, wherever it has gone: for lines that people hold against other machines' lines, and for
/// no deadline. One before 1970 counts as 1970.
pub fn wall() -> UnixMillis {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX))
}

/// Monotonic time that began at the wall clock's and follows it as `Steering` says.
#[derive(Debug)]
pub struct SystemClock<T = HostTime> {
    // Constant after construction.
    source: T,
    /// What the wall clock showed when the monotonic time was 0.
    base: UnixMillis,
    // Each on its own; the invariant needs no order between them.
    /// The sum of what was slewed.
    slewed: AtomicI64,
    /// The sum of what was stepped.
    stepped: AtomicI64,
    /// The latest smooth time that anybody has seen.
    smooth: AtomicU64,
    /// Held while the clock is compared and moved, never while it is read.
    steering: Mutex<Steering>,
}

impl SystemClock {
    /// Begins at what the wall clock shows.
    pub fn start() -> SystemClock {
        SystemClock::over(HostTime { started: Instant::now() })
    }
}

impl<T: TimeSource> SystemClock<T> {
    /// A clock over `source`, which begins at what its wall clock shows.
    pub fn over(source: T) -> SystemClock<T> {
        let base = UnixMillis(source.wall().since(UnixMillis(source.monotonic_ms())));
        SystemClock {
            source,
            base,
            slewed: AtomicI64::new(0),
            stepped: AtomicI64::new(0),
            smooth: AtomicU64::new(0),
            steering: Mutex::new(Steering::default()),
        }
    }

    /// Time without the steps. Writes to shared memory only when a millisecond has begun, so that readers on many
    /// cores do not slow each other.
    fn smooth(&self) -> UnixMillis {
        let slewed = self.slewed.load(Ordering::SeqCst);
        let read = self.base.plus(self.source.monotonic_ms()).moved(slewed).0;
        let latest = self.smooth.load(Ordering::SeqCst);
        if read <= latest {
            return UnixMillis(latest);
        }
        UnixMillis(self.smooth.fetch_max(read, Ordering::SeqCst).max(read))
    }
}

impl<T: TimeSource> Clock for SystemClock<T> {
    fn now(&self) -> UnixMillis {
        self.smooth().moved(self.stepped.load(Ordering::SeqCst))
    }

    fn steer(&self) {
        let mut steering = self.steering.lock();
        let adjust = steering.observe(self.now(), self.source.wall(), self.source.monotonic_ms());
        match adjust {
            Adjust::Nothing => {}
            Adjust::Slew { ms } => {
                self.slewed.fetch_add(ms, Ordering::SeqCst);
            }
            Adjust::Step { ms } => {
                self.stepped.fetch_add(ms, Ordering::SeqCst);
                let direction = if ms > 0 { "forwards" } else { "backwards" };
                let step_ms = ms.unsigned_abs();
                log::event(
                    Level::Warn,
                    "clock_stepped",
                    format_args!(
                        "the wall clock stepped {direction} by {step_ms} ms and has stayed there: deadlines are held \
                         against it from now on"
                    ),
                    &[("direction", Value::Said(&direction.into())), ("step_ms", Value::Said(&step_ms.into()))],
                );
            }
        }
    }

    fn raise_floor(&self, floor: UnixMillis) {
        let _held = self.steering.lock();
        let missing = i64::try_from(floor.since(self.now())).unwrap_or(i64::MAX);
        if missing > 0 {
            self.stepped.fetch_add(missing, Ordering::SeqCst);
            log::event(
                Level::Warn,
                "clock_behind",
                format_args!(
                    "the wall clock is {missing} ms behind what was written before this start: time goes on from there"
                ),
                &[("behind_ms", Value::Said(&missing.unsigned_abs().into()))],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::thread;

    use super::*;

    const START: u64 = 1_800_000_000_000;

    /// Two clocks whose hands a test holds.
    #[derive(Clone, Debug)]
    struct Hands(Arc<(AtomicU64, AtomicU64)>);

    impl Hands {
        fn at(wall: u64, monotonic: u64) -> Hands {
            Hands(Arc::new((AtomicU64::new(wall), AtomicU64::new(monotonic))))
        }

        /// Both go on by `millis`.
        fn pass(&self, millis: u64) {
            self.0.0.fetch_add(millis, Ordering::SeqCst);
            self.0.1.fetch_add(millis, Ordering::SeqCst);
        }

        /// The wall clock alone moves.
        fn step(&self, millis: i64) {
            self.0.0.fetch_add(millis as u64, Ordering::SeqCst);
        }
    }

    impl TimeSource for Hands {
        fn wall(&self) -> UnixMillis {
            UnixMillis(self.0.0.load(Ordering::SeqCst))
        }

        fn monotonic_ms(&self) -> u64 {
            self.0.1.load(Ordering::SeqCst)
        }
    }

    /// So many seconds pass, with a look at the wall clock in each.
    fn steer(hands: &Hands, clock: &SystemClock<Hands>, seconds: u64) {
        for _ in 0..seconds {
            hands.pass(1000);
            let before = clock.now();
            clock.steer();
            assert!(clock.now() >= before || hands.wall() < before, "it goes backwards by a step only");
        }
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

    #[test]
    fn a_clock_begins_at_the_wall_clock_and_runs_without_it() {
        let hands = Hands::at(START, 77);
        let clock = SystemClock::over(hands.clone());
        assert_eq!(clock.now(), UnixMillis(START));
        hands.pass(5);
        hands.step(-1_000_000);
        assert_eq!(clock.now(), UnixMillis(START + 5));
    }

    #[test]
    fn a_clock_that_is_ahead_runs_slower_and_never_backwards() {
        let hands = Hands::at(START, 0);
        let clock = SystemClock::over(hands.clone());
        hands.step(-7);
        hands.pass(1000);
        clock.steer();
        let before = clock.now();
        assert_eq!(before, UnixMillis(START + 1000));
        hands.pass(1000);
        clock.steer();
        // Five milliseconds were taken back, and it stands still while they pass.
        assert_eq!(clock.now(), UnixMillis(START + 2000));
        hands.pass(5);
        assert_eq!(clock.now(), UnixMillis(START + 2000));
        hands.pass(1);
        assert_eq!(clock.now(), UnixMillis(START + 2001));
        steer(&hands, &clock, 3);
        hands.pass(10);
        assert_eq!(clock.now(), hands.wall());
    }

    #[test]
    fn steps_are_adopted_in_both_directions_once_they_have_held() {
        let hands = Hands::at(START, 0);
        let clock = SystemClock::over(hands.clone());
        hands.step(86_400_000);
        steer(&hands, &clock, 60);
        assert_eq!(clock.now(), UnixMillis(START + 60_000));
        steer(&hands, &clock, 1);
        assert_eq!(clock.now(), hands.wall());
        hands.step(-3_600_000);
        steer(&hands, &clock, 3600);
        assert_eq!(clock.now(), hands.wall().plus(3_600_000));
        steer(&hands, &clock, 1);
        assert_eq!(clock.now(), hands.wall());
    }

    #[test]
    fn a_wall_clock_behind_the_floor_is_not_believed_for_an_hour() {
        let hands = Hands::at(START, 0);
        let clock = SystemClock::over(hands.clone());
        clock.raise_floor(UnixMillis(START - 5));
        assert_eq!(clock.now(), UnixMillis(START), "the floor is below");
        clock.raise_floor(UnixMillis(START + 50_000));
        assert_eq!(clock.now(), UnixMillis(START + 50_000));
        steer(&hands, &clock, 3600);
        assert_eq!(clock.now(), hands.wall().plus(50_000));
        steer(&hands, &clock, 1);
        assert_eq!(clock.now(), hands.wall());
    }

    /// Time stands still while all look: so each has seen the time before the clock is slewed, and looks again after.
    /// With hands that ran on, a clock that went back by 5 ms had made up for it before anybody looked.
    #[test]
    fn no_thread_sees_time_go_back_while_the_clock_is_slewed() {
        const READERS: usize = 4;
        const SECONDS: usize = 50;
        let hands = Hands::at(START, 0);
        let clock = SystemClock::over(hands.clone());
        hands.step(-900);
        let together = Barrier::new(READERS + 1);
        let read = || {
            let mut seen = Vec::new();
            for _ in 0..SECONDS {
                together.wait();
                seen.push(clock.now());
                together.wait();
                // The clock is slewed now.
                seen.extend((0..100).map(|_| clock.now()));
                together.wait();
                seen.push(clock.now());
            }
            seen
        };
        thread::scope(|scope| {
            let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
            for _ in 0..SECONDS {
                hands.pass(1000);
                together.wait();
                together.wait();
                clock.steer();
                together.wait();
            }
            for reader in readers {
                let seen = reader.join().unwrap();
                assert!(seen.is_sorted(), "{seen:?}");
            }
        });
        assert!(clock.now().since(hands.wall()) < 900, "it was slewed");
    }
}

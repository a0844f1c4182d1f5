//! The one door to time: wall-clock milliseconds for deadlines, behind a trait so that tests hold the hands.
//!
//! `SystemClock` runs on monotonic time and follows the wall clock with caution, so that a glitch of the wall clock
//! neither expires the store nor keeps the dead alive; `steering` holds the rules. `ThreadCpu` is another kind of time:
//! what a thread's own work took. It knows nothing of deadlines.

mod compact;
mod manual;
mod rfc3339;
mod steering;
mod system;
mod thread_cpu;

use std::fmt;

use rustix::time::{ClockId, clock_gettime};

pub use manual::ManualClock;
pub use rfc3339::push_rfc3339;
pub use steering::{Adjust, Steering};
pub use system::{HostTime, SystemClock, TimeSource, wall};
pub use thread_cpu::{ThreadCpu, process_cpu};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This moment plus `millis`; saturates instead of wrapping.
    pub fn plus(self, millis: u64) -> UnixMillis {
        UnixMillis(self.0.saturating_add(millis))
    }

    /// This moment moved by `millis`, backwards when it is negative; saturates instead of wrapping.
    pub fn moved(self, millis: i64) -> UnixMillis {
        UnixMillis(self.0.saturating_add_signed(millis))
    }

    /// Milliseconds from `earlier` to this moment, 0 when `earlier` is later.
    pub fn since(self, earlier: UnixMillis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Microseconds of the machine's monotonic clock, by which processes on it tell each other moments.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs().saturating_mul(1_000_000).saturating_add(now.tv_nsec.unsigned_abs() / 1000)
}

/// A source of the current time. Within a process it goes backwards only by a step that `steer` adopts.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time in unix milliseconds.
    fn now(&self) -> UnixMillis;

    /// Compares the clock with what it follows, and adjusts it. Call it about once a second.
    fn steer(&self) {}

    /// Moves the clock forward to `floor`, unless it is there already: what was written before this start carries
    /// that time, so it cannot be earlier now. Call it before a deadline is held against the clock.
    fn raise_floor(&self, floor: UnixMillis);
}

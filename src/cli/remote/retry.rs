//! The wait before a lost connection is tried again: longer each time, and never long.

use std::time::Duration;

use crossbeam_channel::after;

/// The wait before the first attempt, and the longest.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// How often in a row an attempt has failed.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: u32,
}

impl Attempts {
    /// One more has failed: says how many have, and how long to wait before the next.
    pub fn fail(&mut self) -> (u32, Duration) {
        let wait = FIRST.saturating_mul(1 << self.failed.min(16)).min(LONGEST);
        self.failed = self.failed.saturating_add(1);
        (self.failed, wait)
    }

    /// One has succeeded: says how many have failed before it.
    pub fn succeed(&mut self) -> u32 {
        std::mem::take(&mut self.failed)
    }
}

/// Waits for `time`.
pub fn pause(time: Duration) {
    // The channel gives its one message then, and is never closed before.
    let _ = after(time).recv();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_begins_anew_behind_a_success() {
        let mut attempts = Attempts::default();
        let mut waits = |count| (0..count).map(|_| attempts.fail().1.as_millis()).collect::<Vec<_>>();
        assert_eq!(waits(7), [250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(waits(40).last(), Some(&8000));
        assert_eq!((attempts.succeed(), attempts.fail()), (47, (1, FIRST)));
    }
}

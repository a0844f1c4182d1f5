//! Group commit, the decisions alone: where a frame ends, and how long the next group is waited for.
//!
//! Both are functions of numbers. They do not know what is in a frame, nor who waits.

use std::time::Duration;

use crate::base::limits::FRAME_TARGET_BYTES;

/// The longest wait for those who were released last.
const LINGER_MAX: Duration = Duration::from_millis(1);

/// True when records of `bytes` that belong together go into a new frame, because the one that is filling holds
/// `filled` bytes already. What belongs together is never parted, so a frame may be larger than the target by itself.
pub(super) fn begins_frame(filled: u64, bytes: u64) -> bool {
    filled > 0 && filled.saturating_add(bytes) > FRAME_TARGET_BYTES
}

/// How the next group is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Linger {
    /// It is complete when so many replies wait.
    pub(super) waiting: usize,
    /// It is written then in any case.
    pub(super) longest: Duration,
}

/// How to wait for the next group after one that released `released` replies while `waiting` others waited already,
/// and whose fsync took `sync`; `None`: not at all.
///
/// Without it, group commit halves the group. Of n clients, those who are released need a moment to come back with
/// their next write; when the next fsync begins without them, it takes only the others along, and from then on two
/// halves take turns, each waiting for the fsync of the other. So the released are waited for: until as many wait as
/// were there before, or for half of what an fsync takes, which is less than they would lose by missing it. A lone
/// client is never waited for: nobody would share its fsync.
pub(super) fn linger(released: usize, waiting: usize, sync: Duration) -> Option<Linger> {
    let waiting = released.saturating_add(waiting);
    let is_shared = released > 0 && waiting > 1;
    is_shared.then(|| Linger { waiting, longest: LINGER_MAX.min(sync / 2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_before_it_grows_beyond_its_target() {
        assert!(!begins_frame(FRAME_TARGET_BYTES - 100, 100));
        assert!(begins_frame(FRAME_TARGET_BYTES - 100, 101));
    }

    #[test]
    fn what_is_larger_than_a_frame_has_one_alone() {
        assert!(!begins_frame(0, 10 * FRAME_TARGET_BYTES), "an empty frame takes anything");
        assert!(begins_frame(1, 10 * FRAME_TARGET_BYTES));
        assert!(begins_frame(10 * FRAME_TARGET_BYTES, 1));
    }

    #[test]
    fn a_lone_client_is_never_waited_for() {
        assert_eq!(linger(1, 0, Duration::from_millis(10)), None);
        assert_eq!(linger(0, 0, Duration::from_millis(10)), None);
        assert_eq!(linger(0, 5, Duration::from_millis(10)), None, "nobody was released who could come back");
    }

    #[test]
    fn those_who_were_released_are_waited_for_beside_those_who_wait() {
        let sync = Duration::from_micros(600);
        assert_eq!(linger(16, 0, sync), Some(Linger { waiting: 16, longest: sync / 2 }));
        assert_eq!(linger(1, 1, sync), Some(Linger { waiting: 2, longest: sync / 2 }));
    }

    #[test]
    fn a_slow_disk_does_not_make_the_wait_long() {
        assert_eq!(linger(2, 0, Duration::from_secs(1)).unwrap().longest, LINGER_MAX);
    }
}

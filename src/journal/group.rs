//! Group commit, the decisions alone: where a frame ends, and how long the next group is waited for.
//!
//! Both are functions of numbers. They do not know what is in a frame, nor who waits.

use std::time::Duration;

use crate::base::limits::FRAME_TARGET_BYTES;

/// The longest share of an fsync that the next group waits.
const SHARE_MAX: Duration = Duration::from_millis(1);

/// What it takes to send one reply, and to read and run what its client asks next, on a machine that has other things
/// to do as well.
const RETURN: Duration = Duration::from_micros(24);

/// The longest wait for all those returns together. What an fsync costs is nothing beside a group that takes longer.
const RETURNS_MAX: Duration = Duration::from_millis(4);

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
/// and whose fsync took `sync`, or which had none; `None`: not at all, but until a front has run all it had.
///
/// Without it, group commit halves the group. Of n clients, those who are released need a moment to come back with
/// their next write; when the next fsync begins without them, it takes only the others along, and from then on two
/// halves take turns, each waiting for the fsync of the other. So the released are waited for, until as many wait as
/// were there before. They come back one after the other, because a front answers them one after the other: so they
/// are given half of what an fsync takes, which is less than they would lose by missing it, and beside that a moment
/// for each, so that a large group stays one.
///
/// Where clients come as they please, the released need not be the next to write, and others come during the fsync.
/// Each of these takes the moment of one of those; so a group stays within twice what comes in one and a half fsyncs,
/// as long as clearly fewer come than one in each such moment.
///
/// A lone client is never waited for: nobody would share its fsync. Nor is anybody where there was no fsync; but what
/// came while the group was written is then written at once, because to sleep and to be woken costs more than that.
pub(super) fn linger(released: usize, waiting: usize, sync: Option<Duration>) -> Option<Linger> {
    let returning = u32::try_from(released.saturating_sub(waiting)).unwrap_or(u32::MAX);
    let returns = RETURN.saturating_mul(returning).min(RETURNS_MAX);
    let longest = sync.map_or(Duration::ZERO, |sync| SHARE_MAX.min(sync / 2) + returns);
    let waiting = released.saturating_add(waiting);
    let is_shared = released > 0 && waiting > 1;
    is_shared.then_some(Linger { waiting, longest })
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

    const SYNC: Option<Duration> = Some(Duration::from_micros(600));

    /// How long is waited.
    fn longest(released: usize, waiting: usize, sync: Duration) -> Duration {
        linger(released, waiting, Some(sync)).unwrap().longest
    }

    #[test]
    fn a_lone_client_is_never_waited_for() {
        assert_eq!(linger(1, 0, SYNC), None);
        assert_eq!(linger(0, 0, SYNC), None);
        assert_eq!(linger(0, 5, SYNC), None, "nobody was released who could come back");
    }

    #[test]
    fn where_nothing_is_synced_nobody_is_waited_for() {
        assert_eq!(linger(16, 4, None), Some(Linger { waiting: 20, longest: Duration::ZERO }));
    }

    #[test]
    fn those_who_were_released_are_waited_for_beside_those_who_wait() {
        for (released, others) in [(16, 0), (1, 1), (40, 24)] {
            assert_eq!(linger(released, others, SYNC).unwrap().waiting, released + others);
        }
    }

    #[test]
    fn many_are_given_the_time_that_it_takes_them_to_return() {
        let sync = Duration::from_micros(600);
        assert_eq!(longest(2, 0, sync), sync / 2 + 2 * RETURN);
        assert_eq!(longest(150, 0, sync), sync / 2 + 150 * RETURN, "the last is answered behind all the others");
    }

    #[test]
    fn who_came_meanwhile_is_not_waited_for_again() {
        let sync = Duration::from_micros(600);
        assert_eq!(longest(30, 20, sync), sync / 2 + 10 * RETURN);
        assert_eq!(longest(30, 40, sync), sync / 2);
    }

    /// Those who come as they please, one in each `apart`: how large their groups become.
    fn group_of_strangers(apart: Duration, sync: Duration) -> u128 {
        let comes_in = |time: Duration| time.as_nanos() / apart.as_nanos();
        (0..1000).fold(1, |group, _| {
            let came = comes_in(sync);
            let (released, waiting) = (usize::try_from(group).unwrap(), usize::try_from(came).unwrap());
            let wait = linger(released, waiting, Some(sync)).map_or(Duration::ZERO, |linger| linger.longest);
            came + comes_in(wait).min(group)
        })
    }

    #[test]
    fn clients_that_never_return_do_not_make_groups_grow() {
        let sync = Duration::from_micros(600);
        for (apart, at_most) in [(4 * RETURN, 10), (2 * RETURN, 25), (RETURN * 4 / 3, 75)] {
            let group = group_of_strangers(apart, sync);
            assert!(group <= at_most, "{group} where one comes in {apart:?}");
        }
    }

    #[test]
    fn neither_a_slow_disk_nor_a_large_group_makes_the_wait_long() {
        assert_eq!(longest(2, 0, Duration::from_secs(1)), SHARE_MAX + 2 * RETURN);
        assert_eq!(longest(usize::MAX, 0, Duration::from_secs(1)), SHARE_MAX + RETURNS_MAX);
    }
}

//! Who waits for what: the policy, the watermarks it compares with, and the replies that wait.
//!
//! Invariants: a reply leaves only when what it rests on is as safe as the mode says. A watermark only rises, and is
//! stored under the lock under which a waiter looks at it before it is kept, so none is missed. Wakers are called
//! outside that lock, in the order of their LSNs.
//! It does not know how bytes become written or durable, nor who asks.

use std::cmp::Ordering as Order;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::base::fault::{Fault, is_planted};
use crate::model::{Lsn, NotDurable, Rest, Waker};

use super::Mode;

/// What must have happened before a reply may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// The frame of this LSN has been handed to the kernel: it survives the end of the process.
    Written(Lsn),
    /// The frame of this LSN has been fsynced: it survives a loss of power.
    Durable(Lsn),
}

/// The policy: what a reply that rests on `rest` needs in `mode`. The only place that says so.
pub(super) fn needs(mode: Mode, rest: Rest) -> Needs {
    match (mode, rest) {
        (Mode::Always, Rest::Seen(_)) if is_planted(Fault::ReadUnreleased) => Needs::Nothing,
        (Mode::Everysec | Mode::Os, _) if is_planted(Fault::ReleaseBeforeWrite) => Needs::Nothing,
        // No reply shows what a crash could take back.
        (Mode::Always, Rest::Written(lsn) | Rest::Seen(lsn)) => Needs::Durable(lsn),
        (Mode::Everysec | Mode::Os, Rest::Written(lsn)) => Needs::Written(lsn),
        (Mode::Everysec | Mode::Os, Rest::Seen(_)) | (Mode::Off, _) => Needs::Nothing,
    }
}

/// How far the journal has come, and the replies that wait for it to come further.
pub(super) struct Releases {
    // Constant after construction.
    mode: Mode,
    // Read without a lock, stored under that of `waiters`.
    written: AtomicU64,
    durable: AtomicU64,
    /// How many wait.
    waiting: AtomicUsize,
    // With its own synchronization. A leaf among the locks.
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    queue: BinaryHeap<Waiter>,
    /// Those that have come, so that of one LSN the first is woken first.
    arrivals: u64,
    /// True while nothing will become written or durable any more.
    has_failed: bool,
}

struct Waiter {
    lsn: Lsn,
    arrival: u64,
    waker: Waker,
}

impl Waiter {
    fn rank(&self) -> (Lsn, u64) {
        (self.lsn, self.arrival)
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Waiter) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Waiter) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    /// The least LSN is the greatest: what `BinaryHeap` gives out first.
    fn cmp(&self, other: &Waiter) -> Order {
        other.rank().cmp(&self.rank())
    }
}

/// Wakers whose time has come, for the caller to call once it holds no lock.
#[must_use]
pub(super) struct Due {
    wakers: Vec<Waker>,
    result: Result<(), NotDurable>,
}

impl Due {
    /// Calls them; returns how many there were.
    pub(super) fn wake(self) -> usize {
        let count = self.wakers.len();
        for waker in self.wakers {
            waker(self.result);
        }
        count
    }
}

impl Releases {
    /// Everything up to `through` is durable.
    pub(super) fn new(mode: Mode, through: Lsn) -> Releases {
        Releases {
            mode,
            written: AtomicU64::new(through.0),
            durable: AtomicU64::new(through.0),
            waiting: AtomicUsize::new(0),
            waiters: Mutex::new(Waiters::default()),
        }
    }

    /// The newest LSN that is written, with all before it.
    pub(super) fn written(&self) -> Lsn {
        Lsn(self.written.load(Ordering::SeqCst))
    }

    /// The newest LSN that is durable, with all before it.
    pub(super) fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::SeqCst))
    }

    /// The newest LSN whose write may be acknowledged, with all before it; the greatest there is when each may at once.
    pub(super) fn acknowledged(&self) -> Lsn {
        match needs(self.mode, Rest::Written(Lsn::ZERO)) {
            Needs::Nothing => Lsn(u64::MAX),
            Needs::Written(_) => self.written(),
            Needs::Durable(_) => self.durable(),
        }
    }

    /// How many replies wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// True when a reply that rests on `rest` may leave now.
    pub(super) fn is_released(&self, rest: Rest) -> bool {
        match needs(self.mode, rest) {
            Needs::Nothing => true,
            Needs::Written(lsn) => lsn <= self.written(),
            Needs::Durable(lsn) => lsn <= self.durable(),
        }
    }

    /// Calls `waker` when a reply that rests on `rest` may leave, or never may; at once when that is known.
    pub(super) fn when_released(&self, rest: Rest, waker: Waker) {
        let known = {
            let mut waiters = self.waiters.lock();
            if self.is_released(rest) {
                Ok(())
            } else if waiters.has_failed {
                Err(NotDurable)
            } else {
                let arrival = waiters.arrivals;
                waiters.arrivals += 1;
                waiters.queue.push(Waiter { lsn: rest.lsn(), arrival, waker });
                self.waiting.store(waiters.queue.len(), Ordering::SeqCst);
                return;
            }
        };
        waker(known);
    }

    /// Everything up to `lsn` is written. Nothing, once `fail` was called.
    pub(super) fn note_written(&self, lsn: Lsn) -> Due {
        self.note(lsn, &[&self.written])
    }

    /// Everything up to `lsn` is durable, and so written. Nothing, once `fail` was called.
    pub(super) fn note_durable(&self, lsn: Lsn) -> Due {
        self.note(lsn, &[&self.written, &self.durable])
    }

    fn note(&self, lsn: Lsn, watermarks: &[&AtomicU64]) -> Due {
        let mut waiters = self.waiters.lock();
        let mut wakers = Vec::new();
        if !waiters.has_failed {
            for watermark in watermarks {
                watermark.fetch_max(lsn.0, Ordering::SeqCst);
            }
            let released = if self.mode == Mode::Always { self.durable() } else { self.written() };
            while waiters.queue.peek().is_some_and(|first| first.lsn <= released) {
                wakers.extend(waiters.queue.pop().map(|waiter| waiter.waker));
            }
            self.waiting.store(waiters.queue.len(), Ordering::SeqCst);
        }
        Due { wakers, result: Ok(()) }
    }

    /// Nothing more becomes written or durable until `restart`: whoever waits is told, whoever comes is told at once.
    pub(super) fn fail(&self) -> Due {
        let mut waiters = self.waiters.lock();
        waiters.has_failed = true;
        self.waiting.store(0, Ordering::SeqCst);
        let queue = std::mem::take(&mut waiters.queue);
        let mut waiting = queue.into_vec();
        waiting.sort_unstable_by_key(Waiter::rank);
        Due { wakers: waiting.into_iter().map(|waiter| waiter.waker).collect(), result: Err(NotDurable) }
    }

    /// Everything up to `through` is durable in another way, and the journal goes on from there.
    pub(super) fn restart(&self, through: Lsn) {
        let mut waiters = self.waiters.lock();
        waiters.has_failed = false;
        self.written.fetch_max(through.0, Ordering::SeqCst);
        self.durable.fetch_max(through.0, Ordering::SeqCst);
    }
}

impl fmt::Debug for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (written, durable, waiting) = (self.written(), self.durable(), self.waiting());
        write!(f, "Releases {{ {:?}, {written:?}, {durable:?}, waiting: {waiting} }}", self.mode)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const MODES: [Mode; 4] = [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off];

    /// Registers a reply for each of `rests`; what is woken arrives with its LSN.
    fn wait_for(releases: &Releases, rests: &[Rest]) -> Receiver<(u64, Result<(), NotDurable>)> {
        let (tell, told) = channel();
        for rest in rests {
            let (tell, lsn) = (tell.clone(), rest.lsn().0);
            releases.when_released(*rest, Box::new(move |result| tell.send((lsn, result)).unwrap()));
        }
        told
    }

    #[test]
    fn what_a_reply_needs_by_mode_and_by_what_it_rests_on() {
        let (written, seen) = (Rest::Written(Lsn(7)), Rest::Seen(Lsn(7)));
        let table = MODES.map(|mode| (needs(mode, written), needs(mode, seen)));
        assert_eq!(
            table,
            [
                (Needs::Durable(Lsn(7)), Needs::Durable(Lsn(7))),
                (Needs::Written(Lsn(7)), Needs::Nothing),
                (Needs::Written(Lsn(7)), Needs::Nothing),
                (Needs::Nothing, Needs::Nothing),
            ]
        );
    }

    #[test]
    fn what_was_there_at_the_start_is_released() {
        for mode in MODES {
            let releases = Releases::new(mode, Lsn(9));
            assert!(releases.is_released(Rest::Written(Lsn(9))) && releases.is_released(Rest::Seen(Lsn(9))));
            assert_eq!(releases.is_released(Rest::Written(Lsn(10))), mode == Mode::Off);
        }
    }

    #[test]
    fn in_always_written_is_not_enough() {
        let releases = Releases::new(Mode::Always, Lsn::ZERO);
        let told = wait_for(&releases, &[Rest::Written(Lsn(1)), Rest::Seen(Lsn(1))]);
        releases.note_written(Lsn(1)).wake();
        assert!(told.try_recv().is_err());
        assert!(!releases.is_released(Rest::Seen(Lsn(1))));
        releases.note_durable(Lsn(1)).wake();
        assert_eq!((told.recv(), told.recv()), (Ok((1, Ok(()))), Ok((1, Ok(())))));
    }

    #[test]
    fn in_everysec_a_write_waits_for_the_kernel_alone() {
        let releases = Releases::new(Mode::Everysec, Lsn::ZERO);
        let told = wait_for(&releases, &[Rest::Written(Lsn(1))]);
        assert!(told.try_recv().is_err());
        releases.note_written(Lsn(1)).wake();
        assert_eq!(told.recv(), Ok((1, Ok(()))));
        assert_eq!(releases.durable(), Lsn::ZERO);
    }

    #[test]
    fn waiters_are_woken_in_the_order_of_their_lsns_and_no_further_than_the_watermark() {
        let releases = Releases::new(Mode::Os, Lsn::ZERO);
        let told = wait_for(&releases, &[5, 3, 9, 4].map(|lsn| Rest::Written(Lsn(lsn))));
        assert_eq!(releases.waiting(), 4);
        let due = releases.note_written(Lsn(5));
        assert_eq!((due.wakers.len(), releases.waiting()), (3, 1));
        due.wake();
        assert_eq!(told.try_iter().map(|(lsn, _)| lsn).collect::<Vec<_>>(), [3, 4, 5]);
        releases.note_durable(Lsn(9)).wake();
        assert_eq!(told.try_recv(), Ok((9, Ok(()))));
    }

    #[test]
    fn a_watermark_never_falls() {
        let releases = Releases::new(Mode::Everysec, Lsn(8));
        releases.note_written(Lsn(20)).wake();
        releases.note_durable(Lsn(12)).wake();
        assert_eq!((releases.written(), releases.durable()), (Lsn(20), Lsn(12)));
        releases.note_durable(Lsn(9)).wake();
        assert_eq!(releases.durable(), Lsn(12));
    }

    #[test]
    fn after_a_failure_nobody_is_released_and_everybody_is_told() {
        for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
            let releases = Releases::new(mode, Lsn(2));
            let told = wait_for(&releases, &[Rest::Written(Lsn(4)), Rest::Written(Lsn(3))]);
            releases.fail().wake();
            let unknown = |lsn| Ok((lsn, Err(NotDurable)));
            assert_eq!((told.try_recv(), told.try_recv()), (unknown(3), unknown(4)));
            // A write that was on its way ends as it may: it releases nobody.
            releases.note_durable(Lsn(4)).wake();
            assert!(!releases.is_released(Rest::Written(Lsn(3))), "{mode:?}");
            let told = wait_for(&releases, &[Rest::Written(Lsn(5)), Rest::Written(Lsn(2))]);
            assert_eq!((told.try_recv(), told.try_recv()), (unknown(5), Ok((2, Ok(())))));
        }
    }

    #[test]
    fn a_restart_releases_everything_and_lets_new_ones_wait() {
        let releases = Releases::new(Mode::Always, Lsn(2));
        releases.fail().wake();
        releases.restart(Lsn(6));
        assert!(releases.is_released(Rest::Written(Lsn(6))));
        let told = wait_for(&releases, &[Rest::Written(Lsn(7))]);
        assert!(told.try_recv().is_err());
        releases.note_durable(Lsn(7)).wake();
        assert_eq!(told.recv(), Ok((7, Ok(()))));
    }

    #[test]
    fn nobody_is_forgotten_between_the_look_and_the_wait() {
        let releases = Arc::new(Releases::new(Mode::Os, Lsn::ZERO));
        let (tell, told) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for lsn in 1..=2000 {
                    releases.note_written(Lsn(lsn)).wake();
                }
            });
            for lsn in 1..=2000 {
                let tell = tell.clone();
                releases.when_released(Rest::Written(Lsn(lsn)), Box::new(move |_| tell.send(lsn).unwrap()));
            }
        });
        assert_eq!(told.try_iter().count(), 2000);
    }

    #[test]
    fn a_waker_may_ask_again() {
        let releases = Arc::new(Releases::new(Mode::Os, Lsn::ZERO));
        let (again, (tell, told)) = (Arc::clone(&releases), channel());
        let waker: Waker = Box::new(move |_| {
            again.when_released(Rest::Written(Lsn(2)), Box::new(move |result| tell.send(result).unwrap()));
        });
        releases.when_released(Rest::Written(Lsn(1)), waker);
        releases.note_written(Lsn(1)).wake();
        releases.note_written(Lsn(2)).wake();
        assert_eq!(told.recv(), Ok(Ok(())));
    }
}

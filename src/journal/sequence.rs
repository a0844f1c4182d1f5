//! The one counter: LSNs are issued below a ceiling that was made durable in advance, so that none is issued twice.
//!
//! Invariant: the next LSN and all that is promised lie below the ceiling. A mutation has its LSNs promised before it
//! takes any lock, so issuing them never waits and never fails. Raising the ceiling costs one small file, written and
//! synced, per 2^23 LSNs. `mt-sync` pays for it: it looks each second, and a second takes fewer than lie between the
//! two marks below. Should it be late all the same, one request raises the ceiling while the others go on; only when no
//! LSN is left do they all wait.
//! It does not know what the ceiling is written into, nor what an LSN is issued for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::health::{Health, Reason};
use crate::base::limits::{LSN_CEILING_STEP, LSN_MAX};
use crate::base::log::{self, Level, Value};
use crate::model::{Lsn, Refusal};

/// When less than this is left below the ceiling, `keep_ahead` raises it.
const RAISE_BELOW: u64 = LSN_CEILING_STEP / 2;

/// When less than this is left, whoever keeps ahead is late: a request tries to raise the ceiling, unless another one is
/// at it.
const LATE_BELOW: u64 = LSN_CEILING_STEP / 8;

/// After a failed try with LSNs left, the next one comes this many LSNs later.
const RETRY_AFTER: u64 = LSN_CEILING_STEP / 256;

/// Makes a ceiling durable before it returns; an error is one line of text.
pub type Raise = Box<dyn Fn(Lsn) -> Result<(), String> + Send + Sync>;

/// Says which LSNs may be issued.
pub struct Sequence {
    /// The next LSN to issue: a copy of `Head`'s, stored under its lock.
    next: AtomicU64,
    /// LSNs of mutations on their way. Those already issued count until the mutation gives its promise back, so a
    /// reader that takes `promised` first and `next` after it counts none too few.
    promised: AtomicU64,
    /// LSNs below it may be issued: it is durable.
    ceiling: AtomicU64,
    /// No try to raise the ceiling before `next` is here, unless there is no other way.
    retry_at: AtomicU64,
    /// Held while the ceiling is raised.
    raising: Mutex<()>,
    raise: Raise,
    health: Arc<Health>,
}

impl Sequence {
    /// A sequence that goes on at `next` under the durable `ceiling`, and raises it through `raise`.
    pub fn new(next: Lsn, ceiling: Lsn, raise: Raise, health: Arc<Health>) -> Sequence {
        Sequence {
            next: AtomicU64::new(next.0.max(1)),
            promised: AtomicU64::new(0),
            ceiling: AtomicU64::new(ceiling.0),
            retry_at: AtomicU64::new(0),
            raising: Mutex::new(()),
            raise,
            health,
        }
    }

    /// Promises `lsns` LSNs, which must be given back. Call it before taking any lock: it may write to the disk.
    ///
    /// # Errors
    /// The ceiling is too near and cannot be raised; nothing is promised then.
    pub(super) fn promise(&self, lsns: u32) -> Result<(), Refusal> {
        self.promised.fetch_add(u64::from(lsns), Ordering::SeqCst);
        // Whoever promises last counts all others; so those who go on from here have room together.
        self.keep_promises().inspect_err(|_| self.give_back(lsns))
    }

    /// Takes a promise of `lsns` back, once all of them that are needed have been issued.
    pub(super) fn give_back(&self, lsns: u32) {
        self.promised.fetch_sub(u64::from(lsns), Ordering::SeqCst);
    }

    /// True while LSNs are promised that may not have been issued yet.
    pub(super) fn is_promised(&self) -> bool {
        self.promised.load(Ordering::SeqCst) > 0
    }

    /// Makes sure that LSNs can be promised.
    ///
    /// # Errors
    /// The ceiling is too near and cannot be raised.
    pub(super) fn prepare(&self) -> Result<(), Refusal> {
        self.promise(1).map(|()| self.give_back(1))
    }

    /// Raises the ceiling before a request has to. Also when writes are refused because it could not be raised: whoever
    /// heeds that this server is not ready sends no write that would. Call it about once a second.
    pub(super) fn keep_ahead(&self) {
        if self.health.holds(Reason::SequenceUnavailable) {
            // What stands in the way still is in the reason that holds, and in the answer to each write.
            let _ = self.prepare();
        } else if self.has_fewer_than(RAISE_BELOW) {
            self.raise_early(RAISE_BELOW);
        }
    }

    /// Notes that the LSNs up to `lsn`, which were promised, have been given out; the caller holds the head's lock.
    pub(super) fn note_issued(&self, lsn: Lsn) {
        if lsn.0 >= self.ceiling.load(Ordering::SeqCst) || lsn.0 > LSN_MAX {
            log::abort(format_args!("LSN {lsn} was issued at or above the durable ceiling"));
        }
        self.next.store(lsn.next().0, Ordering::Release);
    }

    /// The LSN that will be issued next.
    pub(super) fn next(&self) -> Lsn {
        Lsn(self.next.load(Ordering::SeqCst))
    }

    /// The newest LSN that was issued; 0 when none was.
    pub(super) fn last(&self) -> Lsn {
        Lsn(self.next().0.saturating_sub(1))
    }

    /// The first LSN that is neither issued nor promised.
    fn free(&self) -> u64 {
        let promised = self.promised.load(Ordering::SeqCst);
        self.next().0.saturating_add(promised)
    }

    /// LSNs that can still be promised; `None` when more are promised than there are.
    fn left(&self) -> Option<u64> {
        let free = self.free();
        self.ceiling.load(Ordering::SeqCst).checked_sub(free)
    }

    /// True when fewer than `lsns` can still be promised.
    fn has_fewer_than(&self, lsns: u64) -> bool {
        self.left().is_none_or(|left| left < lsns)
    }

    fn keep_promises(&self) -> Result<(), Refusal> {
        match self.left() {
            Some(left) if left >= LATE_BELOW => return Ok(()),
            Some(_) => {
                self.raise_early(LATE_BELOW);
                return Ok(());
            }
            None => {}
        }
        let _held = self.raising.lock();
        if self.left().is_some() {
            return Ok(());
        }
        self.raise_now().map_err(|cause| {
            self.health.raise(Reason::SequenceUnavailable);
            Refusal::SequenceUnavailable { cause }
        })
    }

    /// Raises the ceiling unless `enough` LSNs are left below it by then; a failure is only logged.
    fn raise_early(&self, enough: u64) {
        if self.next().0 < self.retry_at.load(Ordering::SeqCst) {
            return;
        }
        let Some(_held) = self.raising.try_lock() else { return };
        if self.has_fewer_than(enough)
            && let Err(cause) = self.raise_now()
        {
            self.retry_at.store(self.next().0.saturating_add(RETRY_AFTER), Ordering::SeqCst);
            let left = self.left().unwrap_or(0);
            let text = format_args!("the LSN ceiling could not be raised, {left} LSNs are left: {cause}");
            log::event(Level::Warn, "lsn_ceiling_not_raised", text, &[("lsns_left", Value::Said(&left.into()))]);
        }
    }

    /// Raises the ceiling; the caller holds `raising`.
    fn raise_now(&self) -> Result<(), String> {
        let ceiling = Lsn(self.free().saturating_add(LSN_CEILING_STEP));
        (self.raise)(ceiling)?;
        self.ceiling.store(ceiling.0, Ordering::SeqCst);
        self.health.lower(Reason::SequenceUnavailable);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::Head;
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    struct Bench {
        raised: Arc<Mutex<Vec<u64>>>,
        disk_fails: Arc<AtomicBool>,
        health: Arc<Health>,
        sequence: Sequence,
        head: Head,
    }

    impl Bench {
        /// One mutation with one LSN.
        fn issue(&mut self) -> Result<Lsn, Refusal> {
            self.sequence.promise(1)?;
            let lsn = self.head.issue(1, &self.sequence);
            self.sequence.give_back(1);
            Ok(lsn)
        }
    }

    fn bench(next: u64, ceiling: u64) -> Bench {
        let raised = Arc::new(Mutex::new(Vec::new()));
        let disk_fails = Arc::new(AtomicBool::new(false));
        let health = Arc::new(Health::default());
        let (log, fails) = (Arc::clone(&raised), Arc::clone(&disk_fails));
        let raise: Raise = Box::new(move |to| {
            if fails.load(Ordering::SeqCst) {
                return Err("no space".into());
            }
            log.lock().push(to.0);
            Ok(())
        });
        let sequence = Sequence::new(Lsn(next), Lsn(ceiling), raise, Arc::clone(&health));
        let head = Head::new(sequence.next());
        Bench { raised, disk_fails, health, sequence, head }
    }

    fn unavailable() -> Refusal {
        Refusal::SequenceUnavailable { cause: "no space".into() }
    }

    #[test]
    fn lsns_begin_at_one_and_follow_each_other() {
        let mut bench = bench(0, 0);
        assert_eq!((bench.issue(), bench.issue()), (Ok(Lsn(1)), Ok(Lsn(2))));
        assert_eq!((bench.sequence.last(), bench.sequence.next()), (Lsn(2), Lsn(3)));
        assert_eq!(*bench.raised.lock(), [2 + LSN_CEILING_STEP], "once, above what was promised");
    }

    #[test]
    fn what_is_promised_lies_below_the_ceiling_however_much_it_is() {
        let Bench { sequence, raised, mut head, disk_fails, .. } = bench(1, 1);
        sequence.promise(u32::MAX).unwrap();
        assert_eq!(*raised.lock(), [1 + u64::from(u32::MAX) + LSN_CEILING_STEP]);
        assert_eq!(sequence.left(), Some(LSN_CEILING_STEP));
        disk_fails.store(true, Ordering::SeqCst);
        sequence.promise(u32::try_from(LSN_CEILING_STEP).unwrap()).unwrap();
        assert_eq!(sequence.promise(1), Err(unavailable()), "though none was issued yet");
        head.issue(1, &sequence);
        assert_eq!(sequence.promise(1), Err(unavailable()), "and none was given back");
        sequence.give_back(u32::MAX);
        assert_eq!(sequence.promise(1), Ok(()));
    }

    #[test]
    fn a_refused_promise_promises_nothing() {
        let Bench { sequence, disk_fails, .. } = bench(1, 3);
        disk_fails.store(true, Ordering::SeqCst);
        assert_eq!(sequence.promise(3), Err(unavailable()));
        assert_eq!((sequence.promise(2), sequence.left()), (Ok(()), Some(0)));
    }

    #[test]
    fn a_failing_disk_refuses_writes_only_when_every_lsn_is_used_up_and_heals() {
        let mut bench = bench(1, 4);
        bench.disk_fails.store(true, Ordering::SeqCst);
        for lsn in 1..4 {
            assert_eq!(bench.issue(), Ok(Lsn(lsn)));
        }
        assert!(bench.health.is_ready());
        assert_eq!(bench.issue(), Err(unavailable()));
        assert!(bench.health.holds(Reason::SequenceUnavailable));
        bench.sequence.keep_ahead();
        assert!(bench.health.holds(Reason::SequenceUnavailable));
        bench.disk_fails.store(false, Ordering::SeqCst);
        bench.sequence.keep_ahead();
        assert!(bench.health.is_ready(), "without a write");
        bench.sequence.keep_ahead();
        assert_eq!(bench.raised.lock().len(), 1);
        assert_eq!(bench.issue(), Ok(Lsn(4)));
    }

    #[test]
    fn the_ceiling_is_raised_ahead_when_half_of_it_is_left() {
        let mut bench = bench(1, 1 + RAISE_BELOW);
        bench.sequence.keep_ahead();
        assert!(bench.raised.lock().is_empty(), "half is enough");
        bench.issue().unwrap();
        assert!(bench.raised.lock().is_empty(), "the request leaves it to others");
        for _ in 0..5 {
            bench.sequence.keep_ahead();
        }
        assert_eq!(bench.raised.lock().len(), 1);
    }

    #[test]
    fn a_request_raises_the_ceiling_when_nobody_else_has_and_not_for_each_lsn() {
        let mut bench = bench(1, 1 + LATE_BELOW);
        for _ in 0..5 {
            bench.issue().unwrap();
        }
        assert_eq!(bench.raised.lock().len(), 1, "one raise is enough for many");
    }

    /// Raising is a write and two fsyncs: over several ceilings, none of them is on the way of a mutation.
    #[test]
    fn with_somebody_who_keeps_ahead_no_mutation_raises_the_ceiling() {
        let raisers = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&raisers);
        let raise: Raise = Box::new(move |_| {
            seen.lock().push(thread::current().id());
            Ok(())
        });
        let sequence = Sequence::new(Lsn(1), Lsn(1), raise, Arc::new(Health::default()));
        sequence.prepare().unwrap();
        raisers.lock().clear();
        let mut head = Head::new(sequence.next());
        // As many as three million mutations a second would take between two looks.
        let second = 3 << 20;
        for _ in 0..5 * LSN_CEILING_STEP / u64::from(second) {
            sequence.promise(second).unwrap();
            head.issue(second, &sequence);
            sequence.give_back(second);
            thread::scope(|scope| scope.spawn(|| sequence.keep_ahead()).join().unwrap());
        }
        let raisers = raisers.lock();
        assert!(raisers.len() >= 5, "{} ceilings were raised", raisers.len());
        assert!(!raisers.contains(&thread::current().id()));
    }
}

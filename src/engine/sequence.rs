//! The one counter: issues LSNs below a ceiling that was made durable in advance, so that none is issued twice.
//!
//! Invariant: `issue` never waits and never fails, because `reserve` was called before any lock was taken and keeps
//! more room below the ceiling than all requests in flight can use. Raising the ceiling costs one small fsync per
//! 2^24 mutations; the request that crosses the middle of the room pays for it, the others go on.
//! It does not know what the ceiling is written into.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::health::{Health, Reason};
use crate::base::limits::{LSN_CEILING_STEP, LSN_HEADROOM, LSN_MAX};
use crate::base::log;
use crate::model::{Lsn, Refusal};

/// Below this much room a request tries to raise the ceiling, unless another one is at it.
const RAISE_BELOW: u64 = LSN_CEILING_STEP / 2;

/// After a failed try with room left, the next one comes this many LSNs later.
const RETRY_AFTER: u64 = LSN_HEADROOM / 64;

/// Makes a ceiling durable before it returns; an error is one line of text.
pub type Raise = Box<dyn Fn(Lsn) -> Result<(), String> + Send + Sync>;

/// Issues LSNs.
pub struct Sequence {
    /// The next LSN to issue.
    next: AtomicU64,
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
            ceiling: AtomicU64::new(ceiling.0),
            retry_at: AtomicU64::new(0),
            raising: Mutex::new(()),
            raise,
            health,
        }
    }

    /// Makes sure that a request may issue its LSNs. Call it before taking any lock: it may write to the disk.
    ///
    /// # Errors
    /// The ceiling is too near and cannot be raised.
    pub fn reserve(&self) -> Result<(), Refusal> {
        let room = self.room();
        if room >= RAISE_BELOW {
            return Ok(());
        }
        if room >= LSN_HEADROOM {
            self.raise_early();
            return Ok(());
        }
        let _held = self.raising.lock();
        if self.room() >= LSN_HEADROOM {
            return Ok(());
        }
        self.raise_now().map_err(|cause| {
            self.health.raise(Reason::SequenceUnavailable);
            Refusal::SequenceUnavailable { cause }
        })
    }

    /// Tries again when writes are refused because the ceiling could not be raised: whoever heeds that this server is
    /// not ready sends no write that would.
    pub fn recover(&self) {
        if self.health.holds(Reason::SequenceUnavailable) {
            // What stands in the way still is in the reason that holds, and in the answer to each write.
            let _ = self.reserve();
        }
    }

    /// Issues the next LSN. The caller has reserved.
    pub fn issue(&self) -> Lsn {
        let lsn = self.next.fetch_add(1, Ordering::SeqCst);
        if lsn >= self.ceiling.load(Ordering::SeqCst) || lsn > LSN_MAX {
            log::abort(format_args!("LSN {lsn} was issued at or above the durable ceiling"));
        }
        Lsn(lsn)
    }

    /// The LSN that will be issued next.
    pub fn next(&self) -> Lsn {
        Lsn(self.next.load(Ordering::SeqCst))
    }

    /// The newest LSN that was issued; 0 when none was.
    pub fn last(&self) -> Lsn {
        Lsn(self.next.load(Ordering::SeqCst).saturating_sub(1))
    }

    fn room(&self) -> u64 {
        self.ceiling.load(Ordering::SeqCst).saturating_sub(self.next.load(Ordering::SeqCst))
    }

    /// Tries while there is still room; a failure is only logged.
    fn raise_early(&self) {
        if self.next.load(Ordering::SeqCst) < self.retry_at.load(Ordering::SeqCst) {
            return;
        }
        let Some(_held) = self.raising.try_lock() else { return };
        if self.room() < RAISE_BELOW
            && let Err(cause) = self.raise_now()
        {
            self.retry_at.store(self.next.load(Ordering::SeqCst).saturating_add(RETRY_AFTER), Ordering::SeqCst);
            log::warn(format_args!("the LSN ceiling could not be raised, {} LSNs are left: {cause}", self.room()));
        }
    }

    /// Raises the ceiling; the caller holds `raising`.
    fn raise_now(&self) -> Result<(), String> {
        let ceiling = Lsn(self.next.load(Ordering::SeqCst).saturating_add(LSN_CEILING_STEP));
        (self.raise)(ceiling)?;
        self.ceiling.store(ceiling.0, Ordering::SeqCst);
        self.health.lower(Reason::SequenceUnavailable);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    struct Bench {
        raised: Arc<Mutex<Vec<u64>>>,
        disk_fails: Arc<AtomicBool>,
        health: Arc<Health>,
        sequence: Sequence,
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
        Bench { raised, disk_fails, health, sequence }
    }

    #[test]
    fn lsns_begin_at_one_and_follow_each_other() {
        let Bench { sequence, raised, .. } = bench(0, 0);
        sequence.reserve().unwrap();
        assert_eq!((sequence.issue(), sequence.issue()), (Lsn(1), Lsn(2)));
        assert_eq!((sequence.last(), sequence.next()), (Lsn(2), Lsn(3)));
        assert_eq!(*raised.lock(), [1 + LSN_CEILING_STEP]);
    }

    #[test]
    fn an_lsn_is_only_issued_below_a_durable_ceiling() {
        let Bench { sequence, raised, .. } = bench(1, 1 + LSN_HEADROOM);
        for _ in 0..5 {
            sequence.reserve().unwrap();
            let lsn = sequence.issue();
            assert!(raised.lock().last().is_some_and(|ceiling| lsn.0 < *ceiling));
        }
        assert_eq!(raised.lock().len(), 1, "one raise is enough for many");
    }

    #[test]
    fn a_failing_disk_refuses_writes_only_when_the_room_is_used_up_and_heals() {
        let Bench { sequence, disk_fails, health, raised } = bench(1, 1 + LSN_HEADROOM + 2);
        disk_fails.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            sequence.reserve().unwrap();
            sequence.issue();
        }
        assert_eq!(sequence.reserve(), Err(Refusal::SequenceUnavailable { cause: "no space".into() }));
        assert!(health.holds(Reason::SequenceUnavailable));
        sequence.recover();
        assert!(health.holds(Reason::SequenceUnavailable));
        disk_fails.store(false, Ordering::SeqCst);
        sequence.recover();
        assert!(health.is_ready(), "without a write");
        sequence.recover();
        assert_eq!(raised.lock().len(), 1);
        sequence.reserve().unwrap();
    }
}

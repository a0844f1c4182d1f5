//! The feed of changes: what was appended, in order, for those who follow it.
//!
//! A change is left in `Fresh` in the same hold of the head's lock in which it gets its LSN, so they lie there in order.
//! Whoever finds enough of them there, or reads, moves them into the ring, all at once; what the ring has too much is
//! freed then, under no lock. So a write pays for one push, and a reader never stands in the way of writes.
//!
//! Invariant: whatever has its LSN is in one of the two, in order, until the ring has too much. It does not know what may
//! be shown, nor who reads: that is `follow`'s.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::base::limits::ATOMIC_WRITES_MAX;
use crate::model::{Change, ChangeWaker, ChangesGone, Lsn, NotFollowed, Record};

use super::head::Head;
use super::ring::Ring;

/// Changes that are moved into the ring by a write, if nobody has read them before: enough that one write in so many
/// pays for all, few enough that it is soon done.
const COLLECT_AT: usize = 256;

/// Bytes of changes at which they are, too.
const COLLECT_AT_BYTES: usize = 1 << 20;

/// How much the feed of changes keeps, and for how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesLimits {
    /// Changes; 0 turns the feed off.
    pub entries_max: usize,
    /// Bytes of their keys, values and collections' names; 0 turns the feed off.
    pub bytes_max: usize,
    /// Readers at once.
    pub readers_max: usize,
}

/// What the feed has and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangesFigures {
    /// Changes that are kept.
    pub entries: usize,
    /// Bytes of them.
    pub bytes: usize,
    /// Every change behind it is kept.
    pub floor: Lsn,
    /// Readers now.
    pub readers: usize,
    /// Readers that were too slow and lost their place.
    pub readers_lost: u64,
}

/// Changes that have their LSN and are not in the ring yet. Stands behind the head's lock.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    changes: Vec<Change>,
    bytes: usize,
}

impl Fresh {
    /// None, with memory for as many as there usually are.
    pub(super) fn new() -> Fresh {
        Fresh { changes: Vec::with_capacity(COLLECT_AT + ATOMIC_WRITES_MAX), bytes: 0 }
    }

    /// True when there are none.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Adds the changes of consecutive records, the first of which has the LSN `first`. True when it is time to collect.
    pub(super) fn add(&mut self, first: Lsn, changes: impl Iterator<Item = Option<Change>>) -> bool {
        for (lsn, change) in (first.0..).zip(changes) {
            if let Some(mut change) = change {
                change.lsn = Lsn(lsn);
                self.bytes += change.size_bytes();
                self.changes.push(change);
            }
        }
        self.changes.len() >= COLLECT_AT || self.bytes >= COLLECT_AT_BYTES
    }
}

/// The feed.
pub(super) struct Feed {
    limits: ChangesLimits,
    collected: RwLock<Collected>,
    /// Readers that wait, by number.
    waiters: Mutex<HashMap<u64, Waiter>>,
    /// How many wait.
    waiting: AtomicUsize,
    /// Readers that there are.
    readers: AtomicUsize,
    readers_lost: AtomicU64,
    /// The number of the next reader.
    next_reader: AtomicU64,
}

struct Collected {
    ring: Ring,
    /// To be filled while what was filled is collected.
    spare: Fresh,
    /// True once something was replayed into the ring.
    is_refilled: bool,
}

impl Collected {
    /// Nothing that there is lies behind what the ring has and up to `lsn`.
    fn go_on_behind(&mut self, lsn: Lsn, limits: ChangesLimits) {
        if self.is_refilled {
            self.ring.skip(lsn);
        } else {
            self.ring = Ring::new(limits, lsn);
            self.is_refilled = true;
        }
    }
}

struct Waiter {
    position: Lsn,
    waker: ChangeWaker,
}

impl Feed {
    pub(super) fn new(limits: ChangesLimits, floor: Lsn) -> Feed {
        Feed {
            limits,
            collected: RwLock::new(Collected {
                ring: Ring::new(limits, floor),
                spare: Fresh::new(),
                is_refilled: false,
            }),
            waiters: Mutex::default(),
            waiting: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            readers_lost: AtomicU64::new(0),
            next_reader: AtomicU64::new(0),
        }
    }

    /// Bytes of changes that it keeps.
    pub(super) fn bytes_max(&self) -> usize {
        self.limits.bytes_max
    }

    /// What is replayed from here on is all that came behind `lsn`, with which the numbers of a process began: a reader may
    /// have been told that it has everything up to there, also when no change has that number.
    pub(super) fn refill_behind(&self, lsn: Lsn) {
        self.collected.write().go_on_behind(lsn, self.limits);
    }

    /// Adds what is replayed at the start, before the journal begins.
    pub(super) fn refill(&self, lsn: Lsn, record: &Record<'_>) {
        let mut evicted = Vec::new();
        let mut collected = self.collected.write();
        if collected.is_refilled && lsn <= collected.ring.through() {
            return;
        }
        collected.go_on_behind(Lsn(lsn.0.saturating_sub(1)), self.limits);
        match Change::of(lsn, record) {
            Some(change) => collected.ring.push(change, &mut evicted),
            None => collected.ring.pass(lsn),
        }
        drop(collected);
    }

    /// Forgets what was replayed.
    pub(super) fn forget(&self) {
        self.collected.write().is_refilled = false;
    }

    /// What was replayed is all that there is up to `last`, behind which the journal goes on.
    pub(super) fn begin(&self, last: Lsn) {
        let mut collected = self.collected.write();
        if collected.is_refilled {
            collected.ring.skip(last);
        } else {
            collected.ring = Ring::new(self.limits, last);
        }
    }

    /// Moves what is fresh into the ring.
    ///
    /// # Locks
    /// The ring's, then `head`.
    pub(super) fn collect(&self, head: &Mutex<Head>) {
        let mut evicted = Vec::new();
        let mut collected = self.collected.write();
        let mut fresh = std::mem::take(&mut collected.spare);
        let through = {
            let mut head = head.lock();
            std::mem::swap(&mut head.fresh, &mut fresh);
            head.last()
        };
        fresh.bytes = 0;
        for change in fresh.changes.drain(..) {
            collected.ring.push(change, &mut evicted);
        }
        collected.ring.pass(through);
        collected.spare = fresh;
        // Before what was evicted is freed.
        drop(collected);
    }

    /// Wakes whoever has not read up to `shown`.
    pub(super) fn wake(&self, shown: Lsn) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let due: Vec<Waiter> = {
            let mut waiters = self.waiters.lock();
            let due = waiters.extract_if(|_, waiter| waiter.position < shown).map(|(_, waiter)| waiter).collect();
            self.waiting.store(waiters.len(), Ordering::SeqCst);
            due
        };
        for waiter in due {
            (waiter.waker)();
        }
    }

    /// Says whether everything behind `after` is kept; what is newest is `newest`.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn check(&self, after: Lsn, newest: Lsn) -> Result<(), ChangesGone> {
        self.collected.read().ring.check(after, newest)
    }

    /// See `Ring::read`; collects before when the ring has not all up to `until` yet.
    ///
    /// # Errors
    /// Some of them are gone.
    ///
    /// # Locks
    /// As `collect`.
    pub(super) fn read(
        &self,
        head: &Mutex<Head>,
        (after, until): (Lsn, Lsn),
        at_most: usize,
        into: &mut Vec<Change>,
    ) -> Result<Lsn, ChangesGone> {
        if self.collected.read().ring.through() < until {
            self.collect(head);
        }
        let read = self.collected.read().ring.read(after, until, at_most, into);
        read.inspect_err(|_| {
            self.readers_lost.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Counts a reader that comes, and gives its number.
    ///
    /// # Errors
    /// There are as many as there may be: `limit`.
    pub(super) fn admit(&self) -> Result<u64, NotFollowed> {
        let limit = self.limits.readers_max;
        let more = |readers| (readers < limit).then_some(readers + 1);
        match self.readers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more) {
            Ok(_) => Ok(self.next_reader.fetch_add(1, Ordering::Relaxed)),
            Err(_) => Err(NotFollowed::TooMany { limit }),
        }
    }

    /// The reader of this number has gone.
    pub(super) fn dismiss(&self, reader: u64) {
        self.take(reader);
        self.readers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Has `waker` called when more than up to `position` may be shown, in place of the one that the reader gave before.
    pub(super) fn keep(&self, reader: u64, position: Lsn, waker: ChangeWaker) {
        let mut waiters = self.waiters.lock();
        let before = waiters.insert(reader, Waiter { position, waker });
        self.waiting.store(waiters.len(), Ordering::SeqCst);
        drop(waiters);
        drop(before);
    }

    /// The waker of this reader, if it was not called.
    pub(super) fn take(&self, reader: u64) -> Option<ChangeWaker> {
        let mut waiters = self.waiters.lock();
        let waiter = waiters.remove(&reader);
        self.waiting.store(waiters.len(), Ordering::SeqCst);
        waiter.map(|waiter| waiter.waker)
    }

    /// What it has and has done.
    ///
    /// # Locks
    /// As `collect`.
    pub(super) fn figures(&self, head: &Mutex<Head>) -> ChangesFigures {
        self.collect(head);
        let collected = self.collected.read();
        ChangesFigures {
            entries: collected.ring.len(),
            bytes: collected.ring.bytes(),
            floor: collected.ring.floor(),
            readers: self.readers.load(Ordering::SeqCst),
            readers_lost: self.readers_lost.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feed {{ {:?}, {} wait }}", self.limits, self.waiting.load(Ordering::SeqCst))
    }
}

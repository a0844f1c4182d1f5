//! The engine: executes commands on the store, orders mutations, captures and loads snapshots.
//!
//! A mutation takes room in the journal before any lock; then, under the shard's write lock: check the condition,
//! append the record and so take the LSN, apply. What a mutation replaced is handed back and freed outside. Lock
//! order: the catalogue, then one shard (a batch's in ascending order), then the journal's head. It knows neither HTTP
//! nor threads.

mod capture;
mod eviction;
mod execute;
mod load;
mod memory;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::base::clock::{Clock, UnixMillis};
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::journal::Journal;
use crate::model::{Lsn, Refusal};
use crate::store::{CollectionId, Expired, ShardIndex, Store, Totals};

use eviction::Evictor;

pub use capture::{Capture, CaptureStep};
pub use eviction::Eviction;
pub use load::{LoadFault, Loading, Replaying};
pub use memory::Memory;

/// What the engine is told at start.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Shards of the store; a power of two.
    pub shards: usize,
    /// Collections that may exist at once.
    pub collections_max: usize,
}

/// Documents in memory, with everything that happens to them in order.
pub struct Engine {
    store: Arc<Store>,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    collections_max: usize,
    memory: Memory,
    evictor: Evictor,
    /// What moments of access are counted from.
    started: UnixMillis,
    /// True once the last snapshot may begin: a write after that would not be in it. Read under a shard's lock.
    is_sealed: AtomicBool,
    /// Held for reading while the catalogue changes, for writing while `is_sealed` is set.
    catalogue_gate: RwLock<()>,
    /// Dropped, and their memory not given back yet.
    dropped: Mutex<Vec<CollectionId>>,
    /// The generation that is staged; taken before the gate.
    staged: Mutex<Option<Lsn>>,
    /// How often everything was replaced; raised while all shards are held.
    replacements: AtomicU64,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("next", &self.journal.next()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An empty engine; `journal` goes on where an earlier process stopped.
    pub fn new(options: EngineOptions, journal: Arc<Journal>, clock: Arc<dyn Clock>) -> Engine {
        Engine {
            store: Arc::new(Store::new(options.shards)),
            journal,
            clock,
            collections_max: options.collections_max,
            memory: Memory::unlimited(),
            evictor: Evictor::new(Eviction::Off),
            started: UnixMillis(0),
            is_sealed: AtomicBool::new(false),
            catalogue_gate: RwLock::new(()),
            dropped: Mutex::new(Vec::new()),
            staged: Mutex::new(None),
            replacements: AtomicU64::new(0),
        }
    }

    /// The same engine, which keeps to the limit of `memory`, and at it evicts as `eviction` says. What it loads is loaded
    /// whatever its size.
    ///
    /// # Panics
    /// When there is something in it already.
    #[must_use]
    pub fn with_memory(self, memory: Memory, eviction: Eviction) -> Engine {
        assert!(self.store.totals().documents == 0, "what is evicted is chosen before anything is there");
        let store = match eviction {
            Eviction::Lru => Arc::new(Store::noting_accesses(self.store.shard_count())),
            Eviction::Off | Eviction::Ttl => self.store,
        };
        let started = self.clock.now();
        Engine { store, memory, evictor: Evictor::new(eviction), started, ..self }
    }

    /// How much memory is in use, and may be.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Frees every document whose deadline has passed, a bounded number per hold of a lock; returns how many. Gives
    /// up between two holds when `is_stopping` says so.
    ///
    /// # Locks
    /// One shard at a time.
    pub fn reap(&self, is_stopping: &dyn Fn() -> bool) -> u64 {
        let mut count: u64 = 0;
        for shard in 0..self.store.shard_count() {
            loop {
                if is_stopping() {
                    return count;
                }
                let reaped = self.store.reap(ShardIndex(shard), self.clock.now(), ENTRIES_PER_HOLD_MAX);
                count += reaped.count as u64;
                if !reaped.more {
                    break;
                }
            }
        }
        count
    }

    /// Gives back the memory of the collections that were dropped since the last call. Gives up between two of them
    /// when `is_stopping` says so. To free a million documents takes a while, which is why no request does it.
    ///
    /// # Locks
    /// One shard at a time, for a constant time.
    pub fn reclaim(&self, is_stopping: &dyn Fn() -> bool) {
        while !is_stopping() {
            let Some(id) = self.take_dropped() else { return };
            self.store.reclaim(id);
        }
    }

    fn take_dropped(&self) -> Option<CollectionId> {
        self.dropped.lock().pop()
    }

    /// The time that deadlines are held against.
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// Lets the clock follow the wall clock. Call it about once a second.
    pub fn steer_clock(&self) {
        self.clock.steer();
    }

    /// Refuses every write from now on. When it returns, none is on its way any more, and the counter stands still.
    ///
    /// # Locks
    /// The gate of the catalogue, for changes of it that have begun; then each shard in turn, for writes that have.
    /// Both kinds look at the seal before they take an LSN, so none is issued once this has returned.
    pub fn seal(&self) {
        {
            let _held = self.catalogue_gate.write();
            self.is_sealed.store(true, Ordering::SeqCst);
        }
        self.store.wait_for_writers();
    }

    /// Makes sure that LSNs can be issued: at the start, before anybody is served.
    ///
    /// # Errors
    /// The ceiling cannot be made durable.
    pub fn reserve(&self) -> Result<(), Refusal> {
        self.journal.prepare()
    }

    /// How many collections there are.
    pub fn collection_count(&self) -> usize {
        self.store.collections().0.len()
    }

    /// Documents and bytes in the store, expired ones that are not reaped yet included.
    pub fn totals(&self) -> Totals {
        self.store.totals()
    }

    /// Of `totals`, how many documents are in each collection, by name, expired ones that are not reaped yet included; first
    /// in the main store, whose name is empty. What is staged is in none.
    pub fn documents_by_collection(&self, totals: Totals) -> Vec<(String, u64)> {
        let ((listed, _), staged) = (self.store.collections(), self.store.staged());
        let main = totals.documents_outside(listed.iter().chain(&staged));
        let listed = listed.into_iter().map(|collection| (collection.name, collection.totals.documents));
        std::iter::once((String::new(), main)).chain(listed).collect()
    }

    /// About how many bytes the store's indexes take beside the documents.
    pub fn index_bytes(&self) -> u64 {
        self.store.index_bytes()
    }

    /// What has expired so far.
    pub fn expired(&self) -> &Expired {
        self.store.expired()
    }

    /// The longest that work in the background has kept a shard's lock so far, in CPU time of its thread.
    pub fn longest_background_hold(&self) -> Duration {
        self.store.longest_background_hold()
    }

    /// The LSN that will be issued next.
    pub fn next_lsn(&self) -> Lsn {
        self.journal.next()
    }

    fn is_sealed(&self) -> bool {
        self.is_sealed.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use parking_lot::Mutex;

    use super::*;
    use crate::base::health::Health;
    use crate::journal::Sequence;
    use crate::model::{Command, Condition, Deadline, Document, Execute, Expiry, Key, OnAbsent, Scope};

    /// An empty engine without a journal on disk.
    pub(super) fn engine(shards: usize, clock: Arc<dyn Clock>) -> Engine {
        let sequence = Sequence::new(Lsn(1), Lsn(1), Box::new(|_| Ok(())), Arc::new(Health::default()));
        Engine::new(EngineOptions { shards, collections_max: 10 }, Arc::new(Journal::off(sequence)), clock)
    }

    /// Far longer than a seal takes that does not wait, far shorter than a test may take.
    const PATIENCE: Duration = Duration::from_millis(300);

    /// A clock that stops whoever asks it: a write over a document with a deadline does, under its shard's lock, before
    /// it takes an LSN.
    #[derive(Debug)]
    struct Trap {
        asked: Mutex<Sender<()>>,
        go_on: Mutex<Receiver<()>>,
    }

    impl Clock for Trap {
        fn now(&self) -> UnixMillis {
            let _ = self.asked.lock().send(());
            let _ = self.go_on.lock().recv_timeout(PATIENCE);
            UnixMillis(0)
        }

        fn raise_floor(&self, _: UnixMillis) {}
    }

    /// The stop compares the counter with the newest snapshot's right after the seal, and records it as the next LSN:
    /// a write that passed the seal and had no LSN yet was acknowledged, in no snapshot, and its LSN issued again.
    #[test]
    fn no_lsn_is_issued_once_the_seal_has_returned() {
        let ((asked, was_asked), (go_on, may_go_on)) = (channel(), channel());
        let clock = Arc::new(Trap { asked: Mutex::new(asked), go_on: Mutex::new(may_go_on) });
        let engine = engine(1, clock);
        let at_seal = AtomicU64::new(0);
        let put = || Command::Put {
            scope: Scope::Main,
            document: Document::new(Key::new("k").unwrap(), b"1"),
            expiry: Expiry::Set(Deadline::at(UnixMillis(u64::MAX - 1))),
            condition: Condition::default(),
            on_absent: OnAbsent::Create,
        };
        engine.execute(put()).unwrap();
        thread::scope(|scope| {
            let write = scope.spawn(|| engine.execute(put()));
            was_asked.recv().unwrap();
            engine.seal();
            at_seal.store(engine.next_lsn().0, Ordering::SeqCst);
            let _ = go_on.send(());
            assert!(write.join().unwrap().is_ok(), "it had passed the seal before");
        });
        assert_eq!(engine.next_lsn().0, at_seal.into_inner());
    }
}

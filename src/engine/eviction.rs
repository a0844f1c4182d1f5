//! Making room for a write where memory is full: documents go that nobody has asked for in a long time, or whose time is
//! almost over.
//!
//! An eviction is a deletion like any other, with a number, a record and a place in the feed, under the condition that the
//! document is still the one that was chosen. Who writes evicts in place, before it takes a lock, and no more than
//! `EVICTED_PER_WRITE_MAX`; what is too much for other reasons goes in the background (`Engine::evict_excess`). What is
//! evicted counts as free at once; should somebody else still hold it (the feed, a reply), the next look says so, and more
//! goes.
//!
//! `Lru` is approximate: of every collection as many entries are sampled at random as its share of all documents is, and
//! the one goes that nobody has accessed for the longest. Those that were sampled and not chosen stay in a pool, so that
//! each choice is among more than were sampled for it. That is how Redis describes it ("Key eviction", the section
//! "Approximated LRU algorithm"); the test `tests::what_is_evicted_is_among_the_least_recently_used` measures how near to
//! exact it comes: of a third that was evicted, 90 % are among the third that exact LRU would have evicted, and more than
//! 99 % among a quarter more. `Ttl` is exact but for what is written meanwhile: the nearest deadlines of all shards are
//! looked up, `POOLED_MAX` at a time.
//!
//! Invariant: nothing is evicted that the write itself is about, nor what is staged. Locks: the chooser's, and inside it
//! the catalogue's and one shard's, for reading; none of them while a document is removed.

use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;
use parking_lot::Mutex;

use super::Engine;
use super::memory::{Promise, document_bytes};
use crate::base::clock::UnixMillis;
use crate::base::metrics::Counter;
use crate::model::{CollectionName, Condition, Deadline, Effect, Key, Outcome, Refusal, Scope, Tags};
use crate::store::{Candidate, CollectionId, Store};

/// Documents that one write evicts, at most: about a millisecond's work. A write that needs the room of more is refused.
const EVICTED_PER_WRITE_MAX: usize = 512;

/// Documents that are evicted in the background at once.
const EVICTED_AT_ONCE_MAX: usize = 16_384;

/// Candidates in a row that have changed or were accessed since they were chosen, before there are held to be none.
const USELESS_MAX: usize = 64;

/// Entries that are sampled for one eviction, and two for each candidate that lacks.
const SAMPLES: usize = 8;

/// Candidates that are kept.
const POOLED_MAX: usize = 16;

/// Milliseconds of one moment of access.
const MOMENT_MS: u64 = 100;

/// What goes where memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// Nothing: writes that grow are refused.
    Off,
    /// What was accessed the longest ago, about.
    Lru,
    /// What has a deadline, the nearest first; when nothing has, writes that grow are refused.
    Ttl,
}

/// Chooses what goes.
#[derive(Debug)]
pub(super) struct Evictor {
    // Constant after construction.
    eviction: Eviction,
    random: RandomState,
    // With synchronization of their own.
    evicted: Counter,
    drawn: AtomicU64,
    chooser: Mutex<Chooser>,
}

#[derive(Debug, Default)]
struct Chooser {
    roster: Roster,
    /// The look of `Memory` after which the roster was made.
    as_of: Option<u64>,
    /// By rank, the largest first.
    pool: Vec<Candidate>,
}

/// The collections, and how many documents there are in each and in those before it.
#[derive(Debug, Default)]
struct Roster {
    /// By id.
    collections: Vec<(CollectionId, Option<String>, u64)>,
    documents: u64,
}

impl Roster {
    fn of(store: &Store) -> Roster {
        let (named, _) = store.collections();
        let main = store.totals().documents_outside(&named);
        let mut collections = vec![(CollectionId::MAIN, None, main)];
        collections.extend(named.into_iter().map(|found| (found.id, Some(found.name), found.totals.documents)));
        collections.sort_by_key(|(id, ..)| *id);
        let mut documents: u64 = 0;
        for (_, _, count) in &mut collections {
            documents += *count;
            *count = documents;
        }
        Roster { collections, documents }
    }

    /// The collection in which the document of that number is.
    fn holding(&self, number: u64) -> Option<CollectionId> {
        let index = self.collections.partition_point(|(_, _, up_to)| *up_to <= number);
        self.collections.get(index).map(|(id, ..)| *id)
    }

    /// The name of a collection; `None` for one that is not in it.
    fn name_of(&self, id: CollectionId) -> Option<Option<&str>> {
        let index = self.collections.binary_search_by_key(&id, |(id, ..)| *id).ok()?;
        self.collections.get(index).map(|(_, name, _)| name.as_deref())
    }
}

/// A document that is to go.
struct Chosen {
    /// `None` for the main store.
    collection: Option<String>,
    candidate: Candidate,
}

fn scope_of(collection: Option<&str>) -> Option<Scope<'_>> {
    match collection {
        None => Some(Scope::Main),
        Some(name) => CollectionName::stored(name).ok().map(Scope::Collection),
    }
}

fn key_of(candidate: &Candidate) -> Option<Key<'_>> {
    Key::new(std::str::from_utf8(&candidate.key).ok()?).ok()
}

impl Evictor {
    pub(super) fn new(eviction: Eviction) -> Evictor {
        Evictor {
            eviction,
            random: RandomState::new(),
            evicted: Counter::default(),
            drawn: AtomicU64::new(0),
            chooser: Mutex::default(),
        }
    }

    fn random(&self) -> u64 {
        self.random.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed))
    }
}

impl Engine {
    /// Documents that were evicted.
    pub fn evicted(&self) -> u64 {
        self.evictor.evicted.get()
    }

    /// Looks how much memory is in use, and what time it is for accesses; returns what is in use. About ten times a
    /// second.
    pub fn look_at_memory(&self) -> u64 {
        let elapsed = self.clock.now().since(self.started) / MOMENT_MS;
        self.store.move_to(u32::try_from(elapsed).unwrap_or(u32::MAX));
        self.memory.look()
    }

    /// Evicts what is in use above the limit, a bounded number of documents. Gives up between two of them when
    /// `is_stopping` says so.
    ///
    /// # Locks
    /// As a deletion.
    pub fn evict_excess(&self, is_stopping: &dyn Fn() -> bool) {
        for _ in 0..EVICTED_AT_ONCE_MAX {
            if !self.memory.is_over() || is_stopping() {
                return;
            }
            // A journal that takes nothing now is tried again after the next look.
            let Ok(Some(freed)) = self.evict_one(&|_, _| false) else { return };
            self.memory.give_back(freed);
        }
    }

    /// Promises up to `bytes` to a write, where documents are evicted for it: none that `is_spared` says. A write that
    /// needs more than it was promised is refused when it is decided.
    ///
    /// # Errors
    /// Those of a deletion.
    ///
    /// # Locks
    /// As a deletion; none may be held.
    pub(super) fn promise(
        &self,
        bytes: u64,
        is_spared: &dyn Fn(Scope<'_>, Key<'_>) -> bool,
    ) -> Result<Promise<'_>, Refusal> {
        if self.evictor.eviction == Eviction::Off {
            return Ok(self.memory.promise_nothing());
        }
        let mut freed = 0;
        for _ in 0..EVICTED_PER_WRITE_MAX {
            if let Some(promise) = self.memory.promise(bytes, freed) {
                return Ok(promise);
            }
            match self.evict_one(is_spared) {
                Ok(Some(evicted)) => freed += evicted,
                Ok(None) => break,
                Err(refusal) => {
                    self.memory.give_back(freed);
                    return Err(refusal);
                }
            }
        }
        Ok(self.memory.promise(bytes, freed).unwrap_or_else(|| {
            self.memory.give_back(freed);
            self.memory.promise_nothing()
        }))
    }

    /// Evicts a document and returns what that frees; `None` when there is none to evict.
    fn evict_one(&self, is_spared: &dyn Fn(Scope<'_>, Key<'_>) -> bool) -> Result<Option<u64>, Refusal> {
        for _ in 0..USELESS_MAX {
            let Some(Chosen { collection, candidate }) = self.choose(is_spared) else { return Ok(None) };
            let (Some(scope), Some(key)) = (scope_of(collection.as_deref()), key_of(&candidate)) else { continue };
            let Candidate { id, rank, version, .. } = candidate;
            let is_as_chosen = || match self.evictor.eviction {
                Eviction::Off => false,
                Eviction::Lru => self.store.accessed(id, key) == Some(rank),
                Eviction::Ttl => self.store.deadline(id, key) == Some(Deadline::at(UnixMillis(rank))),
            };
            if !is_as_chosen() {
                continue;
            }
            let condition = Condition { if_match: Some(Tags::Listed(vec![version])), if_none_match: None };
            let removed = self.delete(scope, key, &condition)?;
            if let Outcome { effect: Effect::Removed(entry), .. } = removed {
                self.evictor.evicted.increment();
                return Ok(Some(document_bytes(entry.document.size_bytes())));
            }
        }
        Ok(None)
    }

    /// The candidate that goes first of those that are not spared.
    fn choose(&self, is_spared: &dyn Fn(Scope<'_>, Key<'_>) -> bool) -> Option<Chosen> {
        let mut chooser = self.evictor.chooser.lock();
        let Chooser { roster, as_of, pool } = &mut *chooser;
        let looks = self.memory.looks();
        if *as_of != Some(looks) {
            (*roster, *as_of) = (Roster::of(&self.store), Some(looks));
        }
        match self.evictor.eviction {
            Eviction::Off => return None,
            Eviction::Lru => self.sample_into(pool, roster),
            Eviction::Ttl if pool.is_empty() => {
                let is_wanted = |id| roster.name_of(id).is_some();
                *pool = self.store.nearest_due(self.clock.now(), POOLED_MAX, &is_wanted);
                pool.reverse();
            }
            Eviction::Ttl => {}
        }
        // A collection that was dropped is in no roster.
        pool.retain(|candidate| roster.name_of(candidate.id).is_some());
        let may_go = |candidate: &Candidate| {
            let scope = roster.name_of(candidate.id).and_then(scope_of);
            scope.zip(key_of(candidate)).is_some_and(|(scope, key)| !is_spared(scope, key))
        };
        let candidate = pool.remove(pool.iter().rposition(may_go)?);
        let collection = roster.name_of(candidate.id)?.map(str::to_owned);
        Some(Chosen { collection, candidate })
    }

    fn sample_into(&self, pool: &mut Vec<Candidate>, roster: &Roster) {
        // Where there are few documents, all of them are to be among the candidates.
        let lacking = POOLED_MAX.saturating_sub(pool.len());
        for _ in 0..SAMPLES + 2 * lacking {
            let number = self.evictor.random() % roster.documents.max(1);
            let sampled = roster.holding(number).and_then(|id| self.store.sample(id, self.evictor.random()));
            if let Some(sampled) = sampled
                && !pool.iter().any(|known| (known.id, &known.key) == (sampled.id, &sampled.key))
            {
                pool.push(sampled);
            }
        }
        pool.sort_by_key(|candidate| std::cmp::Reverse(candidate.rank));
        let surplus = pool.len().saturating_sub(POOLED_MAX);
        pool.drain(..surplus);
    }
}

#[cfg(test)]
mod tests;

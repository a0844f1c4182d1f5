//! The store: shards behind locks, and the catalogue beside them.
//!
//! Invariant: no method but `lock_all` and `replace` holds more than one shard's lock (but `anticipate` and `slices`, which
//! wait for none with it), nor goes through all that a shard has under one hold; and documents are freed when no lock is held.

use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;

use super::background::Background;
use super::big_reader::RwLock;
use super::catalogue::{Catalogue, CatalogueEntry, CollectionAbsent, CollectionId, Created, Dropped, Place, TooMany};
use super::expired::Expired;
use super::hashing::{Hashing, ShardIndex};
use super::locked::Locked;
use super::many::LockedMany;
use super::recency::Moment;
use super::shard::{REAPED_PER_HOLD_MAX, Shard};
use super::tally::Tallies;
use super::totals::Totals;
use crate::base::clock::UnixMillis;
#[cfg(test)]
use crate::base::threads::alone;
use crate::model::{CollectionName, CollectionOptions, Deadline, Entry, Key, Lsn, OptionChanges, Scope};

/// Documents in memory, in the main store and in named collections.
#[derive(Debug)]
pub struct Store {
    // Constant after construction.
    pub(super) hashing: Hashing,
    // With locks of their own; the catalogue's is taken before a shard's.
    pub(super) catalogue: Catalogue,
    tallies: Arc<Tallies>,
    /// What accesses are noted with, where they are.
    pub(super) moment: Option<Arc<Moment>>,
    pub(super) shards: Box<[LockedShard]>,
    // With synchronization of its own.
    pub(super) background: Background,
    expired: Expired,
}

/// On cache lines of its own, so that taking one lock does not slow its neighbour's.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct LockedShard(pub(super) RwLock<Shard>);

const _: () = assert!(size_of::<LockedShard>() == 576, "`Store::new` says so");

/// What is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A live document.
    Found {
        /// The document, counted.
        entry: Entry,
        /// The LSN that must survive for its version and its deadline to stay true.
        rests_on: Lsn,
    },
    /// None.
    Absent {
        /// The LSN that must survive for the absence to stay true.
        rests_on: Lsn,
    },
}

/// What was reaped of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Entries taken out.
    pub count: usize,
    /// True when more entries of the shard are due.
    pub more: bool,
}

impl Store {
    /// An empty store with `shards` shards, a power of two up to 65,536. Keys are spread by a hash with random keys.
    ///
    /// More shards let more threads write at once, and cost 576 bytes each.
    pub fn new(shards: usize) -> Store {
        Store::with(shards, RandomState::new(), None)
    }

    /// As `new`, one that notes when each entry was last accessed: four bytes more an entry, or up to eight.
    pub fn noting_accesses(shards: usize) -> Store {
        Store::with(shards, RandomState::new(), Some(Arc::default()))
    }

    /// As `new`, with hash keys of the caller's choice, so that a run can be repeated.
    #[cfg(test)]
    pub(super) fn with_hash_keys(shards: usize, keys: RandomState) -> Store {
        Store::with(shards, keys, None)
    }

    fn with(shards: usize, keys: RandomState, moment: Option<Arc<Moment>>) -> Store {
        let tallies = Arc::<Tallies>::default();
        let shard = || LockedShard(RwLock::new(Shard::new(keys.clone(), Arc::clone(&tallies), moment.clone())));
        Store {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            hashing: Hashing::new(shards, keys),
            catalogue: Catalogue::new(Arc::clone(&tallies)),
            tallies,
            moment,
            background: Background::default(),
            expired: Expired::default(),
        }
    }

    /// How many shards there are.
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Finds a scope.
    ///
    /// # Errors
    /// There is no such collection.
    ///
    /// # Locks
    /// Takes the catalogue's lock for reading; the `Place` of a named collection keeps it.
    #[inline]
    pub fn place<'s>(&'s self, scope: Scope<'_>) -> Result<Place<'s>, CollectionAbsent> {
        self.catalogue.place(scope)
    }

    /// The live document under `key`, or what its absence rests on. `now` is asked only for one that has a deadline.
    ///
    /// # Locks
    /// The key's shard, for reading, while a pointer is counted.
    pub fn get(&self, place: Place<'_>, key: Key<'_>, now: impl FnOnce() -> UnixMillis) -> Lookup {
        let address = self.hashing.address(place.id(), key.as_bytes());
        let shard = self.shard(address.shard).read();
        match shard.look_up(place.id(), address.hash, key.as_bytes()) {
            Some(entry) if entry.deadline == Deadline::NEVER || !entry.deadline.has_passed(now()) => {
                Lookup::Found { rests_on: shard.rests_on(entry), entry: entry.counted() }
            }
            expired => {
                if expired.is_some() {
                    self.expired.reads.increment();
                }
                let version = expired.map_or(Lsn::ZERO, |entry| entry.version);
                Lookup::Absent { rests_on: shard.absences_rest_on().max(place.created()).max(version) }
            }
        }
    }

    /// Locks the shard of `key` for writing and looks the key up.
    ///
    /// # Locks
    /// The key's shard, for writing, as long as the `Locked` lives; and the place cannot go before it.
    pub fn lock<'s>(&'s self, place: &'s Place<'_>, key: Key<'_>) -> Locked<'s> {
        let address = self.hashing.address(place.id(), key.as_bytes());
        let shard = self.shard(address.shard).write();
        let slot = shard.find(place.id(), address.hash, key.as_bytes());
        Locked { shard, id: place.id(), created: place.created(), hash: address.hash, slot }
    }

    /// Locks the shards of all `keys` for writing, for changes that are made together or not at all.
    ///
    /// # Locks
    /// The shards in ascending order, each once, for writing, as long as the `LockedMany` lives; and the place cannot
    /// go before it.
    pub fn lock_all<'s>(&'s self, place: &'s Place<'_>, keys: &'s [Key<'s>]) -> LockedMany<'s> {
        let addresses = keys.iter().map(|key| self.hashing.address(place.id(), key.as_bytes()));
        LockedMany::new(place, keys, addresses.collect(), |shard| self.shard(shard).write())
    }

    /// Makes sure that a collection exists, whatever its options are; `issue` gives the LSN when it has to be created.
    ///
    /// # Errors
    /// It does not exist and there are `collections_max` already.
    ///
    /// # Locks
    /// The catalogue, for writing, while `issue` runs. Waits for every `Place` of a named collection.
    pub fn create_collection(
        &self,
        name: CollectionName<'_>,
        collections_max: usize,
        issue: impl FnOnce() -> Lsn,
    ) -> Result<Created, TooMany> {
        self.ensure_collection(name, OptionChanges::NONE, collections_max, |_| issue())
    }

    /// Makes sure that a collection exists and that its options are what `changes` make of them; `issue` gives the LSN
    /// when it has to be created or its options have to change, and is told what they are then.
    ///
    /// # Errors
    /// It does not exist and there are `collections_max` already.
    ///
    /// # Locks
    /// The catalogue, for writing, while `issue` runs. Waits for every `Place` of a named collection.
    pub fn ensure_collection(
        &self,
        name: CollectionName<'_>,
        changes: OptionChanges,
        collections_max: usize,
        issue: impl FnOnce(CollectionOptions) -> Lsn,
    ) -> Result<Created, TooMany> {
        self.catalogue.ensure(name, changes, collections_max, issue)
    }

    /// Drops a collection; `issue` gives the LSN when it existed. Its documents are invisible from now on, and their
    /// memory is given back by `reclaim`.
    ///
    /// # Locks
    /// The catalogue, for writing, while `issue` runs. Waits for every `Place` of a named collection.
    pub fn drop_collection(&self, name: CollectionName<'_>, issue: impl FnOnce() -> Lsn) -> Dropped {
        self.catalogue.remove(name, issue)
    }

    /// Gives back the memory of a dropped collection.
    ///
    /// # Locks
    /// Each shard in turn, for writing, for a constant time; what it held is freed after that.
    pub fn reclaim(&self, id: CollectionId) {
        for shard in &self.shards {
            let unlinked = shard.0.write().unlink(id);
            drop(unlinked);
        }
    }

    /// What is known of one collection.
    ///
    /// # Errors
    /// There is no such collection.
    ///
    /// # Locks
    /// The catalogue, for reading.
    pub fn collection(&self, name: CollectionName<'_>) -> Result<CatalogueEntry, CollectionAbsent> {
        self.catalogue.find(name)
    }

    /// The collections in byte order of their names, and the LSN of the newest creation, change of options or drop.
    ///
    /// A collection that exists during the whole call is listed; one that comes or goes meanwhile may be.
    ///
    /// # Locks
    /// The catalogue, for reading, a bounded number of names at a time.
    pub fn collections(&self) -> (Vec<CatalogueEntry>, Lsn) {
        self.catalogue.list(None, usize::MAX)
    }

    /// As `collections`, the first `at_most` of those whose names come after `start`.
    ///
    /// # Locks
    /// The catalogue, for reading, a bounded number of names at a time.
    pub fn collections_behind(&self, start: Option<CollectionName<'_>>, at_most: usize) -> (Vec<CatalogueEntry>, Lsn) {
        self.catalogue.list(start, at_most)
    }

    /// Takes out of one shard at most `entries_max` entries whose deadline has passed at `now`, and frees them.
    ///
    /// # Locks
    /// The shard, for reading while it looks whether anything is due, then for writing while a few entries at a time
    /// are taken out. Who waits for the lock gets it in between, and nothing is freed under it.
    pub fn reap(&self, shard: ShardIndex, now: UnixMillis, entries_max: usize) -> Reaped {
        let lock = self.shard(shard);
        let mut count = 0;
        let mut more = lock.read().is_due(now);
        while more && count < entries_max {
            let mut reaped = Vec::with_capacity(REAPED_PER_HOLD_MAX);
            let hash = |id, key: &[u8]| self.hashing.address(id, key).hash;
            let entries_max = REAPED_PER_HOLD_MAX.min(entries_max - count);
            more = self.background.write(lock, |shard| shard.reap(now, entries_max, hash, &mut reaped));
            count += reaped.len();
        }
        self.expired.swept.add(count as u64);
        Reaped { count, more }
    }

    /// What has expired so far.
    pub fn expired(&self) -> &Expired {
        &self.expired
    }

    /// Throws everything away: when it shows, before anything is served, that what was loaded cannot be used.
    ///
    /// # Locks
    /// The catalogue, then each shard in turn, for writing.
    pub fn clear(&self) {
        self.catalogue.clear();
        for shard in &self.shards {
            let thrown_away = std::mem::replace(
                &mut *shard.0.write(),
                Shard::new(self.hashing.keys(), Arc::clone(&self.tallies), self.moment.clone()),
            );
            drop(thrown_away);
        }
    }

    /// The longest that work in the background (a snapshot's slices, reaping) has kept a shard's lock so far, in CPU
    /// time of its thread. That of requests is not known.
    pub fn longest_background_hold(&self) -> Duration {
        self.background.longest_hold()
    }

    /// How much there is. Exact when nothing is written meanwhile.
    ///
    /// # Locks
    /// Each shard in turn, for reading, for a constant time.
    pub fn totals(&self) -> Totals {
        self.shards.iter().map(|shard| shard.0.read().totals()).fold(Totals::default(), Totals::plus)
    }

    /// About how many bytes slabs and indexes take beside the documents, counted where they change.
    ///
    /// # Locks
    /// Each shard in turn, for reading, for a constant time.
    pub fn index_bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.0.read().index_bytes()).sum()
    }

    /// Returns when every `Locked` that there was at the call is gone.
    ///
    /// # Locks
    /// Each shard in turn, for reading, for no time.
    pub fn wait_for_writers(&self) {
        self.shards.iter().for_each(|shard| drop(shard.0.read()));
    }

    pub(super) fn shard(&self, index: ShardIndex) -> &RwLock<Shard> {
        &self.shards.get(index.0).expect("a ShardIndex is below shard_count").0
    }
}

#[cfg(test)]
impl Store {
    /// Puts entries into a collection, unless it has the same or a newer version of them.
    pub(super) fn load(&self, id: CollectionId, entries: impl Iterator<Item = Entry>) {
        let loading = self.begin_loading();
        let mut batch = loading.batch();
        entries.for_each(|entry| batch.push(id, entry));
        drop(batch);
        loading.index(&alone).finish(&alone);
    }

    /// Panics unless every shard is in order and every entry is in its key's shard.
    pub(super) fn check_invariants(&self) {
        for (number, shard) in self.shards.iter().enumerate() {
            shard.0.read().check_invariants(|id, key| {
                let address = self.hashing.address(id, key);
                assert_eq!(address.shard, ShardIndex(number));
                address.hash
            });
        }
        for collection in self.collections().0 {
            let of_shards = self.shards.iter().map(|shard| shard.0.read().totals_of(collection.id));
            assert_eq!(of_shards.fold(Totals::default(), Totals::plus), collection.totals, "{collection:?}");
        }
    }
}

#[cfg(test)]
mod tests;

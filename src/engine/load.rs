//! Loading what the data folder holds, before anybody is served, in the stages of `store::Loading`.
//!
//! First the documents: a snapshot's blocks are taken by any number of threads, each the next one until none is left or
//! one is bad. Then the records of what happened since, in order. Only after the last of them is it known which
//! documents have expired: a record may have given one a later deadline. Then they are reaped, as at any time.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::base::clock::UnixMillis;
use crate::base::fault::{Fault, is_planted};
use crate::base::threads::Spread;
use crate::model::{CollectionName, CollectionOptions, Deadline, Entry, Lsn, Record, Refusal};
use crate::persist::{Error, GoImport, GoSummary, SnapshotReader};
use crate::store::{self, Batch, CollectionId, Replayed};

use super::Engine;

/// Why the Go server's files could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadFault {
    /// The files.
    #[error(transparent)]
    Files(#[from] Error),
    /// No LSNs to be had.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// An engine to which documents are loaded.
#[derive(Debug)]
pub struct Loading<'e> {
    engine: &'e Engine,
    store: store::Loading<'e>,
}

/// An engine to which records are applied.
#[derive(Debug)]
pub struct Replaying<'e> {
    engine: &'e Engine,
    store: store::Replaying<'e>,
}

/// A snapshot on its way into the store.
struct Blocks<'l> {
    engine: &'l Engine,
    store: &'l store::Loading<'l>,
    reader: &'l SnapshotReader,
    /// By number in the file.
    collections: Vec<CollectionId>,
    next: AtomicUsize,
    /// The first failure; the others stop when they see it.
    failure: Mutex<Option<Error>>,
}

impl Engine {
    /// Begins to load. Nothing may be asked of the engine, but how much it has, until `Replaying::finish` has returned.
    pub fn begin_loading(&self) -> Loading<'_> {
        Loading { engine: self, store: self.store.begin_loading() }
    }

    /// Throws away what was loaded: it cannot be used, and something else is loaded instead.
    pub fn clear(&self) {
        self.journal.forget_replayed();
        self.store.clear();
    }

    /// Says that time had come to `moment` when what is loaded was written: the clock does not fall behind it. Call it
    /// before what has expired is reaped.
    pub fn note_written_at(&self, moment: UnixMillis) {
        self.clock.raise_floor(moment);
    }

    /// The id of the collection `name`, which is created when it is not there. A limit on collections that was
    /// lowered since does not lose any.
    fn load_collection(&self, name: &str, created: Lsn, options: CollectionOptions) -> CollectionId {
        let name = CollectionName::stored(name).expect("persist yields only names that keep the rules");
        let collection = self.store.ensure_collection(name, options.into(), usize::MAX, |_| created);
        collection.expect("usize::MAX collections do not exist").id
    }
}

impl<'e> Loading<'e> {
    /// Loads the blocks of `reader`, creating its collections.
    ///
    /// # Errors
    /// The first block that could not be read. What was loaded is then of no use.
    pub fn load(&self, reader: &SnapshotReader, spread: Spread<'_>) -> Result<(), Error> {
        let engine = self.engine;
        let collections = reader
            .collections()
            .iter()
            .map(|record| engine.load_collection(&record.name, record.created, record.options))
            .collect();
        let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
        let blocks = Blocks { engine, store: &self.store, reader, collections, next, failure };
        spread(&|| blocks.work());
        // Whatever `spread` did: no block is left.
        blocks.work();
        blocks.failure.into_inner().map_or(Ok(()), Err)
    }

    /// Loads the Go server's files, giving each collection and each document an LSN.
    ///
    /// # Errors
    /// What the import does not understand, with file and offset, before an LSN is reserved and so before anything
    /// is written; or no LSNs to be had.
    pub fn load_go(&self, import: &GoImport) -> Result<GoSummary, LoadFault> {
        // Read twice, once in a database's life: the first time only to know that the second one will go through.
        import.for_each(&mut |_| {})?;
        for name in import.collections() {
            self.engine.load_collection(name, self.engine.journal.number()?, CollectionOptions::default());
        }
        let mut refused = None;
        let mut batch = self.store.batch();
        let summary = import.for_each(&mut |found| {
            let version = match self.engine.journal.number() {
                Ok(version) => version,
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                    return;
                }
            };
            let id = found.collection.map_or(CollectionId::MAIN, |name| {
                self.engine.load_collection(name, Lsn::ZERO, CollectionOptions::default())
            });
            let entry = Entry { document: found.document, version, deadline: Deadline::NEVER };
            batch.push(id, entry);
        })?;
        match refused {
            Some(refusal) => Err(LoadFault::Refused(refusal)),
            None => Ok(summary),
        }
    }

    /// Goes on to the records of what happened since.
    pub fn index(self, spread: Spread<'_>) -> Replaying<'e> {
        Replaying { engine: self.engine, store: self.store.index(spread) }
    }
}

impl Replaying<'_> {
    /// Applies a record to what was loaded, in the order of the LSNs.
    pub fn apply(&self, lsn: Lsn, record: &Record<'_>) -> Replayed {
        self.engine.journal.note_replayed(lsn, record);
        self.store.apply(lsn, record)
    }

    /// Tells only the feed of changes of a record: the documents have it. In the order of the LSNs, before all that are
    /// applied.
    pub fn recall(&self, lsn: Lsn, record: &Record<'_>) {
        self.engine.journal.note_replayed(lsn, record);
    }

    /// Tells the feed of changes of a segment of the journal, no record of which has an LSN below `first_lsn`, before it is
    /// told of the first of them.
    pub fn begin_segment(&self, first_lsn: Lsn) {
        self.engine.journal.note_segment(first_lsn);
    }

    /// Forgets what was recalled: not all of it could be.
    pub fn forget_recalled(&self) {
        self.engine.journal.forget_replayed();
    }

    /// Bytes of changes that can be recalled at most; 0 when nobody may follow them.
    pub fn recalled_bytes_max(&self) -> u64 {
        self.engine.journal.changes_bytes_max()
    }

    /// Ends the load: the engine can serve. What was staged when the process before ended is forgotten.
    pub fn finish(self, spread: Spread<'_>) {
        self.engine.store.unstage_all();
        self.store.finish(spread);
    }
}

impl Blocks<'_> {
    /// Loads blocks until none is left or one is bad.
    fn work(&self) {
        let (mut batch, mut buffer) = (self.store.batch(), Vec::new());
        while self.failure.lock().is_none() {
            let block = self.next.fetch_add(1, Ordering::SeqCst);
            if block >= self.reader.block_count() {
                return;
            }
            if let Err(error) = self.load(block, &mut buffer, &mut batch) {
                self.failure.lock().get_or_insert(error);
            }
        }
    }

    fn load(&self, number: usize, buffer: &mut Vec<u8>, batch: &mut Batch<'_>) -> Result<(), Error> {
        let collection = self.reader.collection_of(number).map(|index| self.collections.get(index).copied());
        let id = collection.flatten().unwrap_or(CollectionId::MAIN);
        self.reader.each_of_block(number, buffer, |entry| {
            if !is_planted(Fault::ExpireBeforeReplay) || !entry.deadline.has_passed(self.engine.clock.now()) {
                batch.push(id, entry);
            }
        })
    }
}

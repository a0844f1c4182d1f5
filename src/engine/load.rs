//! Loading what the data folder holds, before anybody is served.
//!
//! A snapshot loads in parallel: any number of threads call `Loader::work`, each takes the next block until none is
//! left or one is bad. Then come the records of what happened since, in order, through `Engine::replay`. Only after
//! the last of them is it known which documents have expired: a record may have given one a later deadline. Then they
//! are reaped, as at any time.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::base::clock::UnixMillis;
use crate::base::fault::{Fault, is_planted};
use crate::model::{CollectionName, Deadline, Entry, Lsn, Record, Refusal};
use crate::persist::{Error, GoImport, GoSummary, SnapshotReader};
use crate::store::{CollectionId, Replayed};

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

/// A snapshot on its way into the store.
pub struct Loader<'e> {
    engine: &'e Engine,
    reader: &'e SnapshotReader,
    /// By number in the file.
    collections: Vec<CollectionId>,
    next_block: AtomicUsize,
    /// The first failure; the others stop when they see it.
    failure: Mutex<Option<Error>>,
}

impl Engine {
    /// Prepares to load `reader` into this empty engine: creates its collections.
    pub fn loader<'e>(&'e self, reader: &'e SnapshotReader) -> Loader<'e> {
        let collections =
            reader.collections().iter().map(|record| self.load_collection(&record.name, record.created)).collect();
        Loader { engine: self, reader, collections, next_block: AtomicUsize::new(0), failure: Mutex::new(None) }
    }

    /// Applies a record of the journal to what was loaded: in the order of the LSNs, before anybody is served.
    pub fn replay(&self, lsn: Lsn, record: &Record<'_>) -> Replayed {
        self.store.replay(lsn, record)
    }

    /// Throws away what was loaded: it cannot be used, and something else is loaded instead.
    pub fn clear(&self) {
        self.store.clear();
    }

    /// Says that time had come to `moment` when what is loaded was written: the clock does not fall behind it. Call it
    /// before what has expired is reaped.
    pub fn note_written_at(&self, moment: UnixMillis) {
        self.clock.raise_floor(moment);
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
            self.load_collection(name, self.journal.number()?);
        }
        let mut refused = None;
        let summary = import.for_each(&mut |found| {
            let version = match self.journal.number() {
                Ok(version) => version,
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                    return;
                }
            };
            let id = found.collection.map_or(CollectionId::MAIN, |name| self.load_collection(name, Lsn::ZERO));
            let entry = Entry { document: found.document, version, deadline: Deadline::NEVER };
            self.store.load(id, std::iter::once(entry));
        })?;
        match refused {
            Some(refusal) => Err(LoadFault::Refused(refusal)),
            None => Ok(summary),
        }
    }

    /// The id of the collection `name`, which is created when it is not there. A limit on collections that was
    /// lowered since does not lose any.
    fn load_collection(&self, name: &str, created: Lsn) -> CollectionId {
        let name = CollectionName::new(name).expect("persist yields only names that keep the rules");
        let collection = self.store.create_collection(name, usize::MAX, || created);
        collection.expect("usize::MAX collections do not exist").id
    }
}

impl Loader<'_> {
    /// Loads blocks until none is left. Call it from as many threads as there are cores.
    pub fn work(&self) {
        while self.failure.lock().is_none() {
            let block = self.next_block.fetch_add(1, Ordering::SeqCst);
            if block >= self.reader.block_count() {
                return;
            }
            if let Err(error) = self.load_block(block) {
                self.failure.lock().get_or_insert(error);
                return;
            }
        }
    }

    fn load_block(&self, number: usize) -> Result<(), Error> {
        let block = self.reader.read_block(number)?;
        let collection = block.collection.map(|index| self.collections.get(index).copied());
        let id = collection.flatten().unwrap_or(CollectionId::MAIN);
        let mut entries = block.entries;
        if is_planted(Fault::ExpireBeforeReplay) {
            let now = self.engine.clock.now();
            entries.retain(|entry| !entry.deadline.has_passed(now));
        }
        self.engine.store.load(id, entries.into_iter());
        Ok(())
    }

    /// Ends the load, once every worker has returned.
    ///
    /// # Errors
    /// The first block that could not be read.
    pub fn finish(self) -> Result<(), Error> {
        match self.failure.into_inner() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

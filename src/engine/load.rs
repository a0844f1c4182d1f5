//! Loading what the data folder holds, before anybody is served.
//!
//! A snapshot loads in parallel: any number of threads call `Loader::work`, each takes the next block until none is
//! left or one is bad. Documents whose deadline has passed are left out.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::model::{CollectionName, Deadline, Entry, Lsn, Refusal};
use crate::persist::{Error, GoImport, GoSummary, SnapshotReader};
use crate::store::CollectionId;

use super::Engine;

/// What a load brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Documents that are there now.
    pub documents: u64,
    /// Documents that had expired while the server was down.
    pub expired: u64,
}

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
    documents: AtomicU64,
    expired: AtomicU64,
    /// The first failure; the others stop when they see it.
    failure: Mutex<Option<Error>>,
}

impl Engine {
    /// Prepares to load `reader` into this empty engine: creates its collections.
    pub fn loader<'e>(&'e self, reader: &'e SnapshotReader) -> Loader<'e> {
        let collections =
            reader.collections().iter().map(|record| self.load_collection(&record.name, record.created)).collect();
        Loader {
            engine: self,
            reader,
            collections,
            next_block: AtomicUsize::new(0),
            documents: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            failure: Mutex::new(None),
        }
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
        let now = self.engine.clock.now();
        let total = block.entries.len() as u64;
        let mut live = 0;
        self.engine
            .store
            .load(id, block.entries.into_iter().filter(|entry| !entry.deadline.has_passed(now)).inspect(|_| live += 1));
        self.documents.fetch_add(live, Ordering::SeqCst);
        self.expired.fetch_add(total - live, Ordering::SeqCst);
        Ok(())
    }

    /// What was loaded, once every worker has returned.
    ///
    /// # Errors
    /// The first block that could not be read.
    pub fn finish(self) -> Result<LoadReport, Error> {
        match self.failure.into_inner() {
            Some(error) => Err(error),
            None => Ok(LoadReport { documents: self.documents.into_inner(), expired: self.expired.into_inner() }),
        }
    }
}

//! What has changed, as a reader of the feed is told, and the seam through which it asks.

use std::sync::Arc;

use super::{Deadline, Document, Lsn, Record, Scope};

/// One change, to keep: its texts are counted, so that a copy of it allocates nothing.
///
/// Expiry is none: what is told of a document has its deadline, and every reader can tell when it has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order of all changes.
    pub lsn: Lsn,
    /// The name of the collection; `None` for the main store.
    pub collection: Option<Arc<str>>,
    /// What was done.
    pub deed: Deed,
}

/// What a change has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The document is there, with this deadline. Its version is the LSN of the change.
    Put {
        /// Key and value.
        document: Document,
        /// Its deadline.
        deadline: Deadline,
    },
    /// The document is not there any more.
    Delete {
        /// Its key.
        key: Arc<str>,
    },
    /// The document has another deadline.
    Deadline {
        /// Its key.
        key: Arc<str>,
        /// From now on.
        deadline: Deadline,
    },
    /// The collection is not there any more, nor what was in it.
    Drop,
    /// Everything is another, in all collections: what there is has to be read anew.
    Replace,
}

impl Change {
    /// What the feed tells of `record`, which has the number `lsn`; `None` when that is nothing: the creation of a
    /// collection, other options of it, or what is only staged.
    pub fn of(lsn: Lsn, record: &Record<'_>) -> Option<Change> {
        let (scope, deed) = match record {
            Record::Put { scope, document, deadline } => {
                (*scope, Deed::Put { document: (*document).clone(), deadline: *deadline })
            }
            Record::Delete { scope, key } => (*scope, Deed::Delete { key: key.as_str().into() }),
            Record::Deadline { scope, key, deadline } => {
                (*scope, Deed::Deadline { key: key.as_str().into(), deadline: *deadline })
            }
            Record::CreateCollection { .. } => return None,
            Record::DropCollection { name } => (Scope::Collection(*name), Deed::Drop),
            Record::Replace { .. } => (Scope::Main, Deed::Replace),
        };
        let collection = match scope {
            Scope::Main => None,
            Scope::Collection(name) if name.staged().is_some() => return None,
            Scope::Collection(name) => Some(name.as_str().into()),
        };
        Some(Change { lsn, collection, deed })
    }

    /// The key that it is about; `None` for the drop of a collection and for a new everything.
    pub fn key(&self) -> Option<&str> {
        match &self.deed {
            Deed::Put { document, .. } => Some(document.key().as_str()),
            Deed::Delete { key } | Deed::Deadline { key, .. } => Some(key),
            Deed::Drop | Deed::Replace => None,
        }
    }

    /// Takes the deadline from `record`, which it was made of when that was not known yet.
    pub fn settle(&mut self, record: &Record<'_>) {
        if let Deed::Put { deadline, .. } | Deed::Deadline { deadline, .. } = &mut self.deed
            && let Record::Put { deadline: settled, .. } | Record::Deadline { deadline: settled, .. } = record
        {
            *deadline = *settled;
        }
    }

    /// Bytes of its key, its value and the name of its collection.
    pub fn size_bytes(&self) -> usize {
        let of_deed = match &self.deed {
            Deed::Put { document, .. } => document.size_bytes(),
            Deed::Delete { key } | Deed::Deadline { key, .. } => key.len(),
            Deed::Drop | Deed::Replace => 0,
        };
        of_deed + self.collection.as_ref().map_or(0, |name| name.len())
    }
}

/// Changes behind an LSN that a reader asks for are not kept, or it is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesGone {
    /// Every change behind it is kept.
    pub floor: Lsn,
    /// The newest LSN.
    pub newest: Lsn,
}

/// Why nobody begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFollowed {
    /// No changes are kept.
    Off,
    /// Not all that were asked for.
    Gone(ChangesGone),
    /// There are as many readers as there may be.
    TooMany {
        /// `changes_connections_max`.
        limit: usize,
    },
}

/// Told once, from any thread, when there is more to read. Never blocks.
pub type ChangeWaker = Box<dyn FnOnce() + Send>;

/// The newest changes of all, in the order of their LSNs.
pub trait Changes: Send + Sync {
    /// Begins to read behind `after`, exclusive; without it, behind what may be shown now.
    ///
    /// # Errors
    /// The feed is off, has too many readers, or does not keep everything behind `after`.
    fn follow(self: Arc<Self>, after: Option<Lsn>) -> Result<Box<dyn Follow>, NotFollowed>;
}

/// One reader of the changes. It is shown nothing that the end of the process could take back, unless the journal is off.
pub trait Follow: Send {
    /// Everything up to here has been read.
    fn position(&self) -> Lsn;

    /// Appends the next changes to `into`, at most `at_most`, and moves behind them. Waits for nothing: none, when there
    /// are none now.
    ///
    /// # Errors
    /// The reader was too slow: changes that come next are gone.
    fn read(&mut self, at_most: usize, into: &mut Vec<Change>) -> Result<(), ChangesGone>;

    /// Calls `waker` once when there is more to read, at once when there is, in place of the one that was given before.
    /// Dropped with the reader.
    fn when_changed(&mut self, waker: ChangeWaker);
}

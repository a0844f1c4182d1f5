//! What the store answers.

use super::{CollectionOptions, CollectionSummary, Deadline, Document, Entry, Lsn, Rest};

/// The answer to a command, with the LSN it rests on.
#[derive(Debug)]
pub struct Outcome {
    /// What must survive for this answer to stay true.
    pub rest: Rest,
    /// What happened, or what was found.
    pub effect: Effect,
}

/// What a command did or found.
pub enum Effect {
    /// The document that was asked for.
    Found(Entry),
    /// No live document under that key.
    Absent,
    /// No such collection.
    CollectionAbsent,
    /// The document was written.
    Written {
        /// Its new version.
        version: Lsn,
        /// Its deadline from now on.
        deadline: Deadline,
        /// What it replaced; `None` when it was created. Dropped by the caller, outside every lock.
        replaced: Option<Document>,
    },
    /// The document was removed; this is what it was.
    Removed(Entry),
    /// The document has another deadline.
    DeadlineSet {
        /// Its version, which is what it was.
        version: Lsn,
        /// Its deadline from now on.
        deadline: Deadline,
    },
    /// All changes of a batch were made; what each of them did, in their order.
    Batched(Vec<Written>),
    /// No change of a batch was made, because of one of them.
    BatchRefused {
        /// Which, counted from 0.
        index: usize,
        /// Why.
        why: BatchRefusal,
    },
    /// The condition does not hold for the version that is there (`None`: nothing is).
    ConditionFailed {
        /// The version that the condition was held against.
        current: Option<Lsn>,
    },
    /// The collection has it that a write carries a condition, and this one has none.
    ConditionRequired,
    /// The collection exists now, with the options that were asked for.
    CollectionEnsured {
        /// True when it did not exist before.
        created: bool,
        /// Its options from now on.
        options: CollectionOptions,
    },
    /// The collection that was asked for.
    Collection(Box<CollectionSummary>),
    /// The collection does not exist any more.
    CollectionDropped {
        /// True when it did exist before.
        existed: bool,
    },
    /// A generation has begun.
    Staged {
        /// Which.
        generation: Lsn,
    },
    /// There is a generation already.
    StagedAlready,
    /// The generation is everything that there is.
    Replaced,
    /// There is no such generation, or none any more.
    Unstaged,
    /// In byte order of their names.
    Collections(Vec<CollectionSummary>),
    /// The documents of a collection.
    Scanned(Box<dyn Entries>),
}

/// What comes next of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A document that is there.
    Live(Entry),
    /// One whose deadline has passed and whose memory was not given back yet: nobody is shown it. It comes because there
    /// may be millions of them side by side, and whoever lists can stop between any two.
    Expired,
}

impl Listed {
    /// The document that is there.
    pub fn live(self) -> Option<Entry> {
        match self {
            Listed::Live(entry) => Some(entry),
            Listed::Expired => None,
        }
    }
}

/// Documents in byte order of their keys, each key at most once. Reads on as it is pulled, some dozen entries at most;
/// holds no lock between two items.
pub trait Entries: Iterator<Item = Listed> + Send {
    /// The newest LSN that must survive for all to stay true that was given so far: what is there, and what is not.
    fn rests_on(&self) -> Lsn;
}

/// What one change of a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The document was written.
    Put {
        /// Its new version.
        version: Lsn,
        /// Its deadline from now on.
        deadline: Deadline,
        /// True when there was none before.
        created: bool,
    },
    /// The document was removed.
    Removed,
    /// The document has another deadline.
    DeadlineSet {
        /// Its version.
        version: Lsn,
        /// Its deadline from now on.
        deadline: Deadline,
    },
}

/// Why one change of a batch, and so the batch, was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchRefusal {
    /// Its condition does not hold.
    ConditionFailed {
        /// The version in the store that the condition was held against; `None` when there is none, or when the batch
        /// itself would have written the document before.
        current: Option<Lsn>,
    },
    /// There is no document to remove, or whose deadline to change.
    Absent,
    /// The changes are more than one batch may append. It is the first with which they are.
    TooLarge {
        /// Bytes that all of them would append.
        bytes: usize,
        /// `ATOMIC_BYTES_MAX`.
        bytes_max: usize,
    },
    /// The collection has it that a write carries a condition, and this one has none.
    ConditionRequired,
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Effect::Found(entry) => f.debug_tuple("Found").field(entry).finish(),
            Effect::Absent => f.write_str("Absent"),
            Effect::CollectionAbsent => f.write_str("CollectionAbsent"),
            Effect::Written { version, deadline, replaced } => {
                write!(f, "Written {{ {version:?}, {deadline:?}, replaced: {} }}", replaced.is_some())
            }
            Effect::Removed(entry) => f.debug_tuple("Removed").field(entry).finish(),
            Effect::DeadlineSet { version, deadline } => write!(f, "DeadlineSet {{ {version:?}, {deadline:?} }}"),
            Effect::Batched(written) => f.debug_tuple("Batched").field(written).finish(),
            Effect::BatchRefused { index, why } => write!(f, "BatchRefused {{ index: {index}, {why:?} }}"),
            Effect::ConditionFailed { current } => write!(f, "ConditionFailed {{ {current:?} }}"),
            Effect::ConditionRequired => f.write_str("ConditionRequired"),
            Effect::CollectionEnsured { created, options } => {
                write!(f, "CollectionEnsured {{ created: {created}, {options:?} }}")
            }
            Effect::Collection(summary) => f.debug_tuple("Collection").field(summary).finish(),
            Effect::CollectionDropped { existed } => write!(f, "CollectionDropped {{ existed: {existed} }}"),
            Effect::Collections(summaries) => f.debug_tuple("Collections").field(summaries).finish(),
            Effect::Staged { generation } => write!(f, "Staged {{ generation: {generation:?} }}"),
            Effect::StagedAlready => f.write_str("StagedAlready"),
            Effect::Replaced => f.write_str("Replaced"),
            Effect::Unstaged => f.write_str("Unstaged"),
            Effect::Scanned(_) => f.write_str("Scanned(..)"),
        }
    }
}

/// Why the store could not take a command at all: the world's fault, not the client's; or it is not for who asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// LSNs cannot be reserved because IDENTITY cannot be written; reads go on.
    #[error("writes are refused: the file IDENTITY cannot be written: {cause}")]
    SequenceUnavailable {
        /// The operating system's answer.
        cause: String,
    },
    /// The journal has no room now: its buffer is full, or the disk is late. Worth another try when there is room
    /// (`Durability::when_room`).
    #[error("the journal has no room for another write")]
    JournalBusy,
    /// The disk refuses the journal; reads go on.
    #[error("writes are refused: the journal cannot be written: {cause}")]
    JournalUnavailable {
        /// What failed, with the operating system's answer.
        cause: String,
    },
    /// The server is stopping: its last snapshot has begun, and a write would not be in it.
    #[error("the server is stopping and takes no more writes")]
    Stopping,
    /// One more collection would be too many.
    #[error("there are {limit} collections already, as many as collections_max allows")]
    TooManyCollections {
        /// `collections_max`.
        limit: usize,
    },
    /// There is no memory for a write that grows; what does not grow goes on.
    #[error(
        "writes that grow are refused: {used_bytes} bytes of memory are in use, and memory_bytes_max allows {limit_bytes}"
    )]
    MemoryFull {
        /// What may be in use.
        limit_bytes: u64,
        /// What is.
        used_bytes: u64,
    },
    /// Whoever asks may do less than this.
    #[error("{detail}")]
    RoleLacking {
        /// What this needs, and what there is.
        detail: String,
    },
    /// Whoever asks does not reach there.
    #[error("{detail}")]
    OutOfReach {
        /// How far the reach is.
        detail: String,
    },
}

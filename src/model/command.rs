//! What can be asked of the store.

use super::{CollectionName, Deadline, Document, Key, KeyRange, Lsn, OptionChanges, Scope};

/// One request to the store, whatever protocol it came over.
#[derive(Debug)]
pub enum Command<'a> {
    /// Read one document.
    Get {
        /// Where.
        scope: Scope<'a>,
        /// Which.
        key: Key<'a>,
    },
    /// Write one document.
    Put {
        /// Where.
        scope: Scope<'a>,
        /// Key and validated value.
        document: Document,
        /// What becomes of the deadline.
        expiry: Expiry,
        /// What must hold.
        condition: Condition,
        /// What to do when the collection does not exist.
        on_absent: OnAbsent,
    },
    /// Remove one document.
    Delete {
        /// Where.
        scope: Scope<'a>,
        /// Which.
        key: Key<'a>,
        /// What must hold.
        condition: Condition,
    },
    /// Change the deadline of one document; its bytes and its version stay.
    SetDeadline {
        /// Where.
        scope: Scope<'a>,
        /// Which.
        key: Key<'a>,
        /// From now on.
        deadline: Deadline,
        /// What must hold.
        condition: Condition,
    },
    /// Make several changes, all of them or none, at one moment. At most `ATOMIC_WRITES_MAX`; more than
    /// `ATOMIC_BYTES_MAX` bytes of them are refused.
    Batch {
        /// Where.
        scope: Scope<'a>,
        /// What to change, in this order: each sees what the ones before it made.
        writes: Vec<BatchWrite<'a>>,
    },
    /// The live documents of a range, in byte order of the keys.
    Scan {
        /// Where.
        scope: Scope<'a>,
        /// Which keys.
        range: KeyRange<'a>,
        /// The first so many of them; `None` for all. A listing of few keys costs little.
        at_most: Option<usize>,
    },
    /// Make sure that a collection exists, with these options; a new one has the default for those that stay.
    CreateCollection {
        /// Its name.
        name: CollectionName<'a>,
        /// Its options.
        options: OptionChanges,
    },
    /// Its options and figures.
    DescribeCollection {
        /// Its name.
        name: CollectionName<'a>,
    },
    /// Remove a collection with its documents.
    DropCollection {
        /// Its name.
        name: CollectionName<'a>,
    },
    /// Begin a generation beside everything that there is: documents and collections are put under their `staged_name`.
    /// There is one at a time, and it does not outlast the process.
    Stage,
    /// Have a generation take the place of everything, at one moment.
    Replace {
        /// Which.
        generation: Lsn,
    },
    /// Give a generation up. Never refused.
    Unstage {
        /// Which.
        generation: Lsn,
    },
    /// Collections with their figures, in byte order of their names.
    ListCollections {
        /// Those behind this name, which need not exist; `None` for those from the first on.
        after: Option<CollectionName<'a>>,
        /// The first so many of them; `None` for all.
        at_most: Option<usize>,
    },
}

/// One change of a batch; as the command of the same name.
#[derive(Clone, Debug)]
pub enum BatchWrite<'a> {
    /// Write one document.
    Put {
        /// Key and validated value.
        document: Document,
        /// What becomes of the deadline.
        expiry: Expiry,
        /// What must hold.
        condition: Condition,
    },
    /// Remove one document, which must be there.
    Delete {
        /// Which.
        key: Key<'a>,
        /// What must hold.
        condition: Condition,
    },
    /// Change the deadline of one document, which must be there.
    SetDeadline {
        /// Which.
        key: Key<'a>,
        /// From now on.
        deadline: Deadline,
        /// What must hold.
        condition: Condition,
    },
}

impl BatchWrite<'_> {
    /// Which document it changes.
    pub fn key(&self) -> Key<'_> {
        match self {
            BatchWrite::Put { document, .. } => document.key(),
            BatchWrite::Delete { key, .. } | BatchWrite::SetDeadline { key, .. } => *key,
        }
    }

    /// What must hold.
    pub fn condition(&self) -> &Condition {
        match self {
            BatchWrite::Put { condition, .. }
            | BatchWrite::Delete { condition, .. }
            | BatchWrite::SetDeadline { condition, .. } => condition,
        }
    }
}

/// What a write does when its collection does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAbsent {
    /// Create it.
    Create,
    /// Leave everything as it is.
    Refuse,
}

/// What a write does to the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The collection's default; never, where it has none.
    Default,
    /// The deadline of the document that is replaced; the default, when there is none.
    Keep,
    /// This one.
    Set(Deadline),
}

impl Expiry {
    /// The deadline that a document gets; `replaced` is the one of the document that it replaces, if there is one, and
    /// `default` the collection's for a write at this moment.
    pub fn deadline(self, replaced: Option<Deadline>, default: Deadline) -> Deadline {
        match self {
            Expiry::Set(deadline) => deadline,
            Expiry::Keep => replaced.unwrap_or(default),
            Expiry::Default => default,
        }
    }
}

/// What must hold for a write to be applied, decided under the shard's lock (RFC 9110 §13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The document exists and its version is among these.
    pub if_match: Option<Tags>,
    /// The document does not exist, or its version is not among these.
    pub if_none_match: Option<Tags>,
}

/// Versions that a condition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any version of an existing document.
    Any,
    /// These. Tags that can be no version of ours are left out: they match nothing.
    Listed(Vec<Lsn>),
}

impl Tags {
    /// True when `version` is named; `None` stands for an absent document, which nothing names.
    pub fn name(&self, version: Option<Lsn>) -> bool {
        match (self, version) {
            (_, None) => false,
            (Tags::Any, Some(_)) => true,
            (Tags::Listed(listed), Some(version)) => listed.contains(&version),
        }
    }
}

impl Condition {
    /// True when there is none: it holds for whatever is there.
    pub fn is_none(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// True when the condition holds for a document of `version` (`None`: absent).
    pub fn holds(&self, version: Option<Lsn>) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.name(version))
            && self.if_none_match.as_ref().is_none_or(|tags| !tags.name(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_as_rfc_9110_has_them() {
        let listed = |version| Some(Tags::Listed(vec![Lsn(version)]));
        let holds = |if_match, if_none_match, version| Condition { if_match, if_none_match }.holds(version);
        assert!(holds(None, None, None) && holds(None, None, Some(Lsn(1))));
        assert!(holds(Some(Tags::Any), None, Some(Lsn(1))) && !holds(Some(Tags::Any), None, None));
        assert!(holds(None, Some(Tags::Any), None) && !holds(None, Some(Tags::Any), Some(Lsn(1))));
        assert!(holds(listed(7), None, Some(Lsn(7))) && !holds(listed(7), None, Some(Lsn(8))));
        assert!(holds(None, listed(7), Some(Lsn(8))) && !holds(None, listed(7), Some(Lsn(7))));
        assert!(!holds(listed(7), None, None) && holds(None, listed(7), None));
    }
}

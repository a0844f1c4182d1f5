//! What a mutation did, as the journal keeps it and as replay applies it.

use super::{CollectionName, CollectionOptions, Deadline, Document, Key, Scope};

/// One change. It carries results, never intentions: a patch is the whole new document, a deadline is absolute. So
/// applying it twice, in LSN order, is the same as applying it once.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// The document is there, with this deadline.
    Put {
        /// Where.
        scope: Scope<'a>,
        /// Key and value.
        document: &'a Document,
        /// Its deadline.
        deadline: Deadline,
    },
    /// The document is not there any more.
    Delete {
        /// Where.
        scope: Scope<'a>,
        /// Which.
        key: Key<'a>,
    },
    /// The deadline of the document is another; its bytes and its version stay.
    Deadline {
        /// Where.
        scope: Scope<'a>,
        /// Which.
        key: Key<'a>,
        /// From now on.
        deadline: Deadline,
    },
    /// The collection exists, with these options, whatever they were before.
    CreateCollection {
        /// Its name.
        name: CollectionName<'a>,
        /// Its options.
        options: CollectionOptions,
    },
    /// The collection does not exist any more, nor what was in it.
    DropCollection {
        /// Its name.
        name: CollectionName<'a>,
    },
    /// Everything is what was staged: the main store, and the collections with their options. What there was before, in
    /// any of them, is not there any more.
    Replace {
        /// The staged name of the main store.
        staged: CollectionName<'a>,
    },
}

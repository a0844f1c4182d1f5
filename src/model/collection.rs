//! Names of collections, and which store a command speaks of; what a collection does for the writes into it.

use super::{Deadline, Lsn};
use crate::base::clock::UnixMillis;
use crate::base::limits::{COLLECTION_NAME_BYTES_MAX, LSN_MAX};

/// A collection's name: 1 to 128 bytes of UTF-8 without `/` or NUL. Orders by bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName<'a>(&'a str);

/// Why a text is not the name of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It has no bytes.
    #[error("the name of a collection has at least one byte")]
    Empty,
    /// It has more than `COLLECTION_NAME_BYTES_MAX` bytes.
    #[error("the name of a collection has at most {COLLECTION_NAME_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// It holds a slash or a NUL.
    #[error("the name of a collection holds neither '/' nor NUL, this one has one at byte {offset}")]
    Forbidden {
        /// Where.
        offset: usize,
    },
}

impl<'a> CollectionName<'a> {
    /// Checks that `text` can name a collection.
    ///
    /// # Errors
    /// Names the rule that it breaks.
    pub fn new(text: &'a str) -> Result<CollectionName<'a>, NameFault> {
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if text.len() > COLLECTION_NAME_BYTES_MAX {
            return Err(NameFault::TooLong { bytes: text.len() });
        }
        match text.bytes().position(|byte| byte == 0 || byte == b'/') {
            Some(offset) => Err(NameFault::Forbidden { offset }),
            None => Ok(CollectionName(text)),
        }
    }

    /// As `new`, and takes what `staged_name` gives as well: what is in memory and on disk, and what no client names.
    ///
    /// # Errors
    /// As `new`.
    pub fn stored(text: &'a str) -> Result<CollectionName<'a>, NameFault> {
        match CollectionName(text).staged() {
            Some((_, "")) => Ok(CollectionName(text)),
            Some((_, name)) => CollectionName::new(name).map(|_| CollectionName(text)),
            None => CollectionName::new(text),
        }
    }

    /// Of a staged collection the generation and the name that it is to have, which is empty for the main store.
    pub fn staged(self) -> Option<(Lsn, &'a str)> {
        let (digits, name) = self.0.strip_prefix('/')?.split_once('/')?;
        let generation = digits.parse().ok().map(Lsn)?;
        // One spelling for each.
        (generation.0 <= LSN_MAX && generation.0.to_string() == digits).then_some((generation, name))
    }

    /// The name as text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// True for the names that the resource API creates: `[A-Za-z0-9_.-]`, not starting with a dot.
    pub fn is_plain(self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        !self.0.starts_with('.') && self.0.bytes().all(is_plain)
    }
}

/// The name under which `name`, empty for the main store, is staged in a generation: until that takes the place of all
/// there is, nobody sees it.
pub fn staged_name(generation: Lsn, name: &str) -> String {
    format!("/{generation}/{name}")
}

/// Which documents a command speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The main store.
    Main,
    /// A named collection.
    Collection(CollectionName<'a>),
}

/// What a collection does for every write into it. The main store has the default options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectionOptions {
    /// The time to live of a document that is written without a word about its deadline: 1 to `TTL_MS_MAX`
    /// milliseconds; `None`: it stays.
    pub default_ttl_ms: Option<u64>,
    /// True when a write must carry a condition.
    pub require_conditional: bool,
}

/// The options that are to become others; those that are `None` stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionChanges {
    /// `Some(None)`: no time to live any more.
    pub default_ttl_ms: Option<Option<u64>>,
    /// Whether a write must carry a condition.
    pub require_conditional: Option<bool>,
}

/// A collection with its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionSummary {
    /// Its name.
    pub name: String,
    /// LSN of its creation.
    pub created: Lsn,
    /// Its options.
    pub options: CollectionOptions,
    /// Documents in it, those included that have expired and are not freed yet.
    pub documents: u64,
    /// Bytes of their keys and values.
    pub key_and_value_bytes: u64,
}

impl CollectionOptions {
    /// The deadline of a document that is written at `now`, which is asked only where there is one, without a word about
    /// it.
    pub fn default_deadline(self, now: impl FnOnce() -> UnixMillis) -> Deadline {
        self.default_ttl_ms.map_or(Deadline::NEVER, |ttl_ms| Deadline::at(now().plus(ttl_ms)))
    }
}

impl OptionChanges {
    /// Everything stays as it is.
    pub const NONE: OptionChanges = OptionChanges { default_ttl_ms: None, require_conditional: None };

    /// What becomes of `options`.
    pub fn applied_to(self, options: CollectionOptions) -> CollectionOptions {
        CollectionOptions {
            default_ttl_ms: self.default_ttl_ms.unwrap_or(options.default_ttl_ms),
            require_conditional: self.require_conditional.unwrap_or(options.require_conditional),
        }
    }
}

impl From<CollectionOptions> for OptionChanges {
    /// Whatever they were, these are the options from now on.
    fn from(options: CollectionOptions) -> OptionChanges {
        let CollectionOptions { default_ttl_ms, require_conditional } = options;
        OptionChanges { default_ttl_ms: Some(default_ttl_ms), require_conditional: Some(require_conditional) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::STAGED_NAME_BYTES_MAX;

    #[test]
    fn names_are_bounded_and_free_of_slash_and_nul() {
        assert!(CollectionName::new("users").is_ok_and(CollectionName::is_plain));
        assert!(CollectionName::new("a b").is_ok_and(|name| !name.is_plain()));
        assert!(CollectionName::new(".a").is_ok_and(|name| !name.is_plain()));
        assert_eq!(CollectionName::new(""), Err(NameFault::Empty));
        assert_eq!(CollectionName::new("a/b"), Err(NameFault::Forbidden { offset: 1 }));
        assert_eq!(CollectionName::new("a\0"), Err(NameFault::Forbidden { offset: 1 }));
        let long = "x".repeat(COLLECTION_NAME_BYTES_MAX + 1);
        assert_eq!(CollectionName::new(&long), Err(NameFault::TooLong { bytes: COLLECTION_NAME_BYTES_MAX + 1 }));
    }

    #[test]
    fn a_staged_name_is_no_name_to_a_client_and_has_one_spelling() {
        let longest = "x".repeat(COLLECTION_NAME_BYTES_MAX);
        for (name, generation) in [("", 1), ("users", 7), (longest.as_str(), LSN_MAX)] {
            let staged = staged_name(Lsn(generation), name);
            assert!(CollectionName::new(&staged).is_err());
            let stored = CollectionName::stored(&staged).unwrap();
            assert_eq!(stored.staged(), Some((Lsn(generation), name)));
            assert!(staged.len() <= STAGED_NAME_BYTES_MAX);
        }
        assert_eq!(CollectionName::stored("users").unwrap().staged(), None);
        for text in
            ["/", "//", "/x/", "/01/a", "/+1/a", "/-1/a", "/1", "/1/a/b", "/1/a\0", "/99999999999999999/a", "a/1/"]
        {
            assert!(CollectionName::stored(text).is_err(), "{text}");
        }
    }

    #[test]
    fn changes_of_options_leave_the_others_as_they_are() {
        let options = CollectionOptions { default_ttl_ms: Some(5), require_conditional: true };
        assert_eq!(OptionChanges::NONE.applied_to(options), options);
        let no_ttl = OptionChanges { default_ttl_ms: Some(None), ..OptionChanges::NONE };
        assert_eq!(no_ttl.applied_to(options), CollectionOptions { default_ttl_ms: None, ..options });
        assert_eq!(OptionChanges::from(options).applied_to(CollectionOptions::default()), options);
    }

    #[test]
    fn a_default_deadline_is_reckoned_from_the_write() {
        let options = CollectionOptions { default_ttl_ms: Some(5), ..CollectionOptions::default() };
        assert_eq!(options.default_deadline(|| UnixMillis(10)), Deadline::at(UnixMillis(15)));
        assert_eq!(CollectionOptions::default().default_deadline(|| UnixMillis(10)), Deadline::NEVER);
    }
}

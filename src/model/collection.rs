//! Names of collections, and which store a command speaks of.

use crate::base::limits::COLLECTION_NAME_BYTES_MAX;

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

/// Which documents a command speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The main store.
    Main,
    /// A named collection.
    Collection(CollectionName<'a>),
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

//! Keys of documents.

use crate::base::limits::KEY_BYTES_MAX;
use crate::base::scan::holds;

/// A document's key: 1 to 1024 bytes of UTF-8 without NUL. Orders by bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a>(&'a str);

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It has no bytes.
    #[error("a key has at least one byte")]
    Empty,
    /// It has more than `KEY_BYTES_MAX` bytes.
    #[error("a key has at most {KEY_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// It holds a NUL.
    #[error("a key holds no NUL, this one has one at byte {offset}")]
    Nul {
        /// Where.
        offset: usize,
    },
}

impl<'a> Key<'a> {
    /// Checks that `text` is a key.
    ///
    /// # Errors
    /// Names the rule that it breaks.
    #[inline]
    pub fn new(text: &'a str) -> Result<Key<'a>, KeyFault> {
        if text.is_empty() {
            return Err(KeyFault::Empty);
        }
        if text.len() > KEY_BYTES_MAX {
            return Err(KeyFault::TooLong { bytes: text.len() });
        }
        if holds(text.as_bytes(), 0) {
            return Err(KeyFault::Nul { offset: text.bytes().take_while(|byte| *byte != 0).count() });
        }
        Ok(Key(text))
    }

    /// A key that was one before: read back from where only keys go.
    pub(super) fn known(text: &'a str) -> Key<'a> {
        Key(text)
    }

    /// The key as text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The key as bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded_and_free_of_nul() {
        assert_eq!(Key::new("a/b").map(Key::as_str), Ok("a/b"));
        assert_eq!(Key::new(""), Err(KeyFault::Empty));
        assert_eq!(Key::new("a\0"), Err(KeyFault::Nul { offset: 1 }));
        let long = "x".repeat(KEY_BYTES_MAX + 1);
        assert!(Key::new(&long[1..]).is_ok());
        assert_eq!(Key::new(&long), Err(KeyFault::TooLong { bytes: KEY_BYTES_MAX + 1 }));
    }
}

//! Documents: immutable bytes under a key, counted by reference.

use std::fmt;

use triomphe::{Arc, HeaderSlice};

use super::{Key, Lsn};
use crate::base::cache;
use crate::base::clock::UnixMillis;

/// Lines of a document that are asked for ahead: whoever copies the rest is recognized by the processor itself.
const PREFETCHED_LINES: usize = 4;

/// What stands before the bytes: the count, then the length of the key.
const COUNT_BYTES: usize = size_of::<usize>();

/// A document with its key, in one counted allocation.
///
/// Cloning counts a reference and copies nothing. The value is the JSON text as it was sent, without the white space
/// around it; whoever constructs a document has validated it.
///
/// The pointer carries the length, so that only ten bytes stand before the key. With the length there too it was 24,
/// which put 100 bytes under a key of 12 into blocks of 160 instead of 128.
#[derive(Clone)]
pub struct Document {
    /// Header: length of the key. Slice: the key, then the value.
    bytes: Arc<HeaderSlice<u16, [u8]>>,
}

impl Document {
    /// Puts `key` and the validated JSON text `value` together. Costs one copy of both.
    pub fn new(key: Key<'_>, value: &[u8]) -> Document {
        let mut joined = Vec::with_capacity(key.as_bytes().len() + value.len());
        joined.extend_from_slice(key.as_bytes());
        joined.extend_from_slice(value);
        Document::from_joined(key, &joined)
    }

    /// As `new`, of `joined`, which is `key` and right behind it the value: saves the copy that puts them together.
    ///
    /// # Panics
    /// When `joined` does not begin with `key`.
    pub fn from_joined(key: Key<'_>, joined: &[u8]) -> Document {
        assert!(joined.starts_with(key.as_bytes()), "a joined document begins with its key");
        let key_bytes = u16::try_from(key.as_bytes().len()).expect("KEY_BYTES_MAX fits a u16");
        Document { bytes: Arc::from_header_and_slice(key_bytes, joined) }
    }

    /// The key.
    pub fn key(&self) -> Key<'_> {
        Key::known(std::str::from_utf8(self.key_bytes()).expect("built from a Key, which is UTF-8"))
    }

    /// The key as bytes, without the checks of `key`: what maps and sorted orders compare.
    pub fn key_bytes(&self) -> &[u8] {
        self.bytes.slice.split_at(self.key_length()).0
    }

    /// The JSON text.
    pub fn value(&self) -> &[u8] {
        self.bytes.slice.split_at(self.key_length()).1
    }

    /// Bytes of key and value together.
    pub fn size_bytes(&self) -> usize {
        self.bytes.slice.len()
    }

    /// Asks the processor's cache for the key and the beginning of the value, and looks at neither.
    pub fn prefetch(&self) {
        cache::prefetch(self.address(), PREFETCHED_LINES);
    }

    /// Asks the processor's cache for the beginning of the key, and looks at nothing.
    pub fn prefetch_key(&self) {
        cache::prefetch(self.address(), 1);
    }

    fn key_length(&self) -> usize {
        usize::from(self.bytes.header)
    }

    /// Where the allocation begins: nothing is read to tell.
    fn address(&self) -> *const u8 {
        Arc::as_ptr(&self.bytes).cast::<u8>().wrapping_sub(COUNT_BYTES)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.key().as_str(), String::from_utf8_lossy(self.value()))
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.key_bytes() == other.key_bytes() && self.value() == other.value()
    }
}

impl Eq for Document {}

/// When a document stops being there: an absolute time, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// It stays.
    pub const NEVER: Deadline = Deadline(u64::MAX);

    /// Gone at `moment`: invisible from that millisecond on.
    pub fn at(moment: UnixMillis) -> Deadline {
        Deadline(moment.0)
    }

    /// The moment, unless it is never.
    pub fn moment(self) -> Option<UnixMillis> {
        (self != Deadline::NEVER).then_some(UnixMillis(self.0))
    }

    /// True when a document with this deadline is invisible at `now`.
    pub fn has_passed(self, now: UnixMillis) -> bool {
        self.moment().is_some_and(|moment| moment <= now)
    }
}

/// A document as it stands in the store: with its version and deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key and value.
    pub document: Document,
    /// LSN of the mutation that wrote these bytes.
    pub version: Lsn,
    /// When it stops being there.
    pub deadline: Deadline,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_value_come_back_as_they_went_in() {
        let document = Document::new(Key::new("clé/日本").unwrap(), b"{\"a\": 1.0}");
        assert_eq!(document.key().as_str(), "clé/日本");
        assert_eq!(document.value(), b"{\"a\": 1.0}");
        assert_eq!(document.clone(), document);
    }

    #[test]
    fn a_document_of_joined_bytes_is_that_of_its_parts() {
        let key = Key::new("clé").unwrap();
        let document = Document::from_joined(key, "clé{}".as_bytes());
        assert_eq!(document, Document::new(key, b"{}"));
        assert_eq!(document.key(), key);
        assert!(std::panic::catch_unwind(|| Document::from_joined(key, b"cle{}")).is_err());
    }

    #[test]
    fn a_deadline_has_passed_at_its_very_millisecond() {
        let deadline = Deadline::at(UnixMillis(1000));
        assert!(!deadline.has_passed(UnixMillis(999)));
        assert!(deadline.has_passed(UnixMillis(1000)));
        assert!(!Deadline::NEVER.has_passed(UnixMillis(u64::MAX)));
    }
}

//! Which keys of a collection a listing is about.

use std::ops::Bound;

/// The keys that begin with a prefix and come after a key, in byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// What the keys begin with; every key begins with nothing.
    pub prefix: &'a [u8],
    /// The keys come after this one, which need not exist, nor begin with the prefix.
    pub after: Option<&'a [u8]>,
}

impl<'a> KeyRange<'a> {
    /// Every key.
    pub const ALL: KeyRange<'static> = KeyRange { prefix: b"", after: None };

    /// What is left of the range behind `key`, which is in it.
    pub fn behind(self, key: &'a [u8]) -> KeyRange<'a> {
        KeyRange { after: Some(key), ..self }
    }

    /// Where the range begins: from here on, its keys are those that come first, up to the first one that has not the
    /// prefix.
    pub fn start(self) -> Bound<&'a [u8]> {
        match self.after {
            Some(after) if after >= self.prefix => Bound::Excluded(after),
            _ if self.prefix.is_empty() => Bound::Unbounded,
            _ => Bound::Included(self.prefix),
        }
    }

    /// True when `key`, which does not come before `start`, is in the range.
    pub fn goes_on_with(self, key: &[u8]) -> bool {
        key.starts_with(self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn from_its_start_on_a_range_is_what_has_the_prefix_and_comes_after_the_key() {
        let words: Vec<&[u8]> = vec![b"", b"a", b"a/", b"a/b", b"a/b/", b"ab", b"b", b"\xff", b"\xff\xff", b"a\xff"];
        let keys: BTreeSet<&[u8]> = words.iter().copied().filter(|word| !word.is_empty()).collect();
        for prefix in &words {
            for after in std::iter::once(None).chain(words.iter().copied().map(Some)) {
                let range = KeyRange { prefix, after };
                let from_start = keys.range::<[u8], _>((range.start(), Bound::Unbounded));
                let found: Vec<_> = from_start.take_while(|key| range.goes_on_with(key)).collect();
                let is_in = |key: &&&[u8]| key.starts_with(prefix) && after.is_none_or(|after| **key > after);
                assert_eq!(found, keys.iter().filter(is_in).collect::<Vec<_>>(), "{range:?}");
            }
        }
    }
}

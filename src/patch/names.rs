//! The members of an object by name: each name once, with its last value.

use std::borrow::Cow;

use crate::base::json::code_points;

use super::entries::Entries;
use super::scan::Brackets;

/// One member, as written.
#[derive(Clone, Debug)]
pub(super) struct Named<'a> {
    /// The code points of its name.
    points: Cow<'a, [u8]>,
    /// Its name, quotes and escapes included.
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// How many members were written before it.
    pub(super) number: usize,
}

/// The members of an object, ordered by the code points of their names.
#[derive(Clone, Debug)]
pub(super) struct Names<'a>(Vec<Named<'a>>);

impl<'a> Names<'a> {
    /// The members of `text`, without white space around it; `None` when it is not an object.
    ///
    /// Takes memory for each member, so `text` should be the smaller one of two.
    pub(super) fn of(text: &'a [u8]) -> Option<Names<'a>> {
        let entries = Entries::of_value(text).filter(|_| Brackets::of(text) == Some(Brackets::Object))?;
        let inner = entries.text();
        let part = |range| inner.get(range).unwrap_or_default();
        let mut members: Vec<Named<'a>> = entries
            .enumerate()
            .map(|(number, entry)| Named {
                points: code_points(part(entry.name.clone())),
                name: part(entry.name),
                value: part(entry.value),
                number,
            })
            .collect();
        members.sort_by(|one, other| one.points.cmp(&other.points));
        members.dedup_by(|later, kept| {
            let is_same = later.points == kept.points;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        Some(Names(members))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where the name `token` stands in their order.
    pub(super) fn position(&self, token: &[u8]) -> Option<usize> {
        let points = code_points(token);
        self.0.binary_search_by(|named| (*named.points).cmp(&*points)).ok()
    }

    /// The member called `token`.
    pub(super) fn get(&self, token: &[u8]) -> Option<&Named<'a>> {
        self.0.get(self.position(token)?)
    }

    /// The members in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Named<'a>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_once_with_its_last_value() {
        let names = Names::of(br#"{"b":1,"\u0061" : 2,"b":3,"c":4,"\u0062":5}"#).unwrap();
        let members: Vec<_> = names.iter().map(|named| (named.name, named.value, named.number)).collect();
        assert_eq!(
            members,
            [(br#""\u0061""#.as_slice(), b"2".as_slice(), 1), (br#""\u0062""#, b"5", 4), (br#""c""#, b"4", 3),]
        );
        assert_eq!(names.position(b"\"a\""), Some(0));
        assert_eq!(names.position(b"\"\\u0063\""), Some(2));
        assert_eq!(names.position(b"\"d\""), None);
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn what_is_not_an_object_has_no_names() {
        for text in ["[]", "1", "\"{\""] {
            assert!(Names::of(text.as_bytes()).is_none(), "{text}");
        }
    }
}

//! The entries of an object or an array, as spans of the text between its brackets.
//!
//! Unlike `base::json::members`, the walk also takes a run of entries that was cut out of its object, and it says where
//! the white space around an entry belongs.
//!
//! The texts must have passed `base::json::check`. On others the spans are unspecified, but they lie in the text, every
//! step moves on, and nothing panics.

use std::ops::Range;

use super::scan::{Brackets, past_space, past_string, past_value};

/// One member or element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// From behind the comma or bracket before it to the comma or the end behind it, white space included.
    pub(super) whole: Range<usize>,
    /// The name as written, quotes included; empty in an array.
    pub(super) name: Range<usize>,
    /// The value as written, without white space around it.
    pub(super) value: Range<usize>,
}

/// Walks the entries in the order in which they are written.
#[derive(Clone, Debug)]
pub(super) struct Entries<'a> {
    text: &'a [u8],
    at: usize,
    brackets: Brackets,
    is_over: bool,
}

impl<'a> Entries<'a> {
    /// The entries of `run`: what stands between the brackets, or some entries of it with the commas between them.
    pub(super) fn of_run(run: &'a [u8], brackets: Brackets) -> Entries<'a> {
        Entries { text: run, at: 0, brackets, is_over: false }
    }

    /// The entries of the object or array `text`, which has no white space around it. Their spans are of `inside(text)`.
    pub(super) fn of_value(text: &'a [u8]) -> Option<Entries<'a>> {
        Brackets::of(text).map(|brackets| Entries::of_run(inside(text), brackets))
    }

    /// The text that the spans are of.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    fn entry(&mut self) -> Option<Entry> {
        let start = self.at;
        let mut at = past_space(self.text, start);
        let mut name = at..at;
        if self.brackets == Brackets::Object {
            if self.text.get(at) != Some(&b'"') {
                return None;
            }
            name.end = past_string(self.text, at);
            at = past_space(self.text, name.end);
            at = past_space(self.text, at + 1);
        }
        let value = at..past_value(self.text, at);
        if value.is_empty() {
            return None;
        }
        let end = past_space(self.text, value.end);
        self.at = end + 1;
        self.is_over = self.text.get(end) != Some(&b',');
        Some(Entry { whole: start..end, name, value })
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.is_over {
            return None;
        }
        let entry = self.entry();
        self.is_over |= entry.is_none();
        entry
    }
}

/// What stands between the brackets of `text`.
pub(super) fn inside(text: &[u8]) -> &[u8] {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(&str, &str, &str)> {
        let entries = Entries::of_value(text.as_bytes()).unwrap();
        let inner = std::str::from_utf8(entries.text()).unwrap();
        entries.map(|entry| (&inner[entry.whole], &inner[entry.name], &inner[entry.value])).collect()
    }

    #[test]
    fn entries_come_as_written_with_the_white_space_around_them() {
        assert_eq!(entries("{}"), []);
        assert_eq!(entries("[ \n]"), []);
        assert_eq!(entries("{\"a\":1}"), [("\"a\":1", "\"a\"", "1")]);
        assert_eq!(
            entries(r#"{ "a,}\"" : [1, "]"] ,"b":-1.5e3	, "c":{"d":"}"} }"#),
            [
                (r#" "a,}\"" : [1, "]"] "#, r#""a,}\"""#, r#"[1, "]"]"#),
                ("\"b\":-1.5e3\t", "\"b\"", "-1.5e3"),
                (r#" "c":{"d":"}"} "#, "\"c\"", r#"{"d":"}"}"#),
            ]
        );
        assert_eq!(
            entries("[ 1,[] , \"x\\\\\"]"),
            [(" 1", "", "1"), ("[] ", "", "[]"), (" \"x\\\\\"", "", "\"x\\\\\"")]
        );
    }

    #[test]
    fn a_run_that_was_cut_out_is_walked_to_its_end() {
        let run = br#""a":1, "b":[2]"#;
        let names: Vec<&[u8]> = Entries::of_run(run, Brackets::Object).map(|entry| &run[entry.name]).collect();
        assert_eq!(names, [b"\"a\"", b"\"b\""]);
    }

    #[test]
    fn what_is_not_enclosed_has_no_entries() {
        for text in ["1", "\"[\"", "null", ""] {
            assert!(Entries::of_value(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn an_unchecked_text_ends_the_walk_without_a_panic() {
        let pieces = ["{", "[", "}", "]", "\"", "\\", ":", ",", "1", " ", "\"a\""];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let text = format!("{first}{second}{third}");
                    for brackets in [Brackets::Object, Brackets::Array] {
                        for entry in Entries::of_run(text.as_bytes(), brackets) {
                            assert!(entry.whole.end <= text.len() && entry.value.end <= text.len(), "{text}");
                        }
                    }
                }
            }
        }
    }
}

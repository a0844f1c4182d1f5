//! Steps over the text of a JSON value: past white space, past a string, past a value.
//!
//! A step never looks into a value: nested ones are passed by counting brackets, strings by their next quote. The text
//! must have passed `base::json::check`. On others a step may end anywhere in the text, but nothing panics.

use memchr::memchr2;

/// What encloses the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brackets {
    /// `{` and `}`, around members.
    Object,
    /// `[` and `]`, around elements.
    Array,
}

impl Brackets {
    /// Those that begin the value `text`; `None` for a scalar.
    pub(super) fn of(text: &[u8]) -> Option<Brackets> {
        match text.first() {
            Some(b'{') => Some(Brackets::Object),
            Some(b'[') => Some(Brackets::Array),
            _ => None,
        }
    }

    pub(super) fn opening(self) -> u8 {
        match self {
            Brackets::Object => b'{',
            Brackets::Array => b'[',
        }
    }

    pub(super) fn closing(self) -> u8 {
        match self {
            Brackets::Object => b'}',
            Brackets::Array => b']',
        }
    }
}

/// Whether `byte` is white space (RFC 8259 §2).
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first place from `at` on that is not white space.
pub(super) fn past_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at.min(text.len())
}

/// The place behind the string that begins at `at`.
pub(super) fn past_string(text: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        match text.get(at) {
            Some(b'"') => return at + 1,
            _ => at += 2,
        }
    }
    text.len()
}

/// The place behind the value that begins at `at`; `at` itself when none begins there.
pub(super) fn past_value(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'"') => past_string(text, at),
        Some(b'{' | b'[') => past_nested(text, at),
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || is_space(*byte);
            let scalar = text.get(at..).unwrap_or_default();
            scalar.iter().position(ends).map_or(text.len(), |length| at + length)
        }
    }
}

/// The place behind the object or array that begins at `at`.
fn past_nested(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = past_string(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// How many arrays and objects enclose the innermost value of `text`, itself included; none for a scalar.
pub(super) fn height(text: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = past_string(text, at);
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ends_right_behind_the_value() {
        for (text, length) in [
            ("\"a\\\"]b\",1", 7),
            ("[1,[\"]\"],{\"a\":[]}] ,2", 18),
            ("-1.5e3\t,", 6),
            ("true}", 4),
            ("null", 4),
            ("{}{}", 2),
            ("]", 0),
            ("", 0),
        ] {
            assert_eq!(past_value(text.as_bytes(), 0), length, "{text}");
        }
        assert_eq!(past_space(b" \t\r\n\x0b", 0), 4);
    }

    #[test]
    fn height_counts_brackets_but_not_those_in_strings() {
        for (text, expected) in [("1", 0), ("\"[[\"", 0), ("[]", 1), ("{\"a\":[1,{}],\"b\":[\"{{{{\"]}", 3)] {
            assert_eq!(height(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn an_unchecked_text_is_passed_without_a_panic() {
        for text in ["[", "{\"", "\"", "\"\\", "[\"\\", "[}", "\"a"] {
            assert_eq!(past_value(text.as_bytes(), 0), text.len(), "{text}");
            past_value(text.as_bytes(), text.len() + 1);
            past_space(text.as_bytes(), text.len() + 1);
        }
    }
}

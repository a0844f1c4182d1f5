//! Whether a text is a JSON value, which byte of it says no, and what members it has.

use std::fmt;

use super::members::Member;
use super::scanner::Scanner;

/// Where and why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Offset in bytes of the first byte that cannot be there; the length of the text when it ends too early.
    pub offset: usize,
    /// What was wrong there, as a clause: "expected a value".
    pub reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

/// The text without the white space (RFC 8259 §2) around it.
pub fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Checks that `text` is exactly one JSON value with optional white space around it, nested at most `depth_max` deep.
///
/// # Errors
/// The offset of the first byte that is not JSON, and why.
pub fn check(text: &[u8], depth_max: usize) -> Result<(), Malformed> {
    check_members(text, depth_max, |_| ()).map(|_| ())
}

/// As `check`, and in the same pass gives `take` each member of the object that `text` is, in the order in which they
/// are written. True when it is one. What was taken of a text with a fault is to be forgotten.
///
/// # Errors
/// As `check`.
pub fn check_members<'a>(text: &'a [u8], depth_max: usize, take: impl FnMut(Member<'a>)) -> Result<bool, Malformed> {
    let mut scanner = Scanner::over(text, depth_max);
    let verdict = scanner.document(take);
    if verdict.is_ok() && scanner.is_ascii() {
        return verdict;
    }
    match std::str::from_utf8(text) {
        // What the grammar finds before the first bad byte is the more useful answer, and it is the same whatever
        // stands behind.
        Err(bad) if verdict.is_ok() || verdict.is_err_and(|fault| fault.offset >= bad.valid_up_to()) => {
            Err(Malformed { offset: bad.valid_up_to(), reason: "invalid UTF-8" })
        }
        _ => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &[u8]) -> Option<(usize, &'static str)> {
        check(text, 8).err().map(|fault| (fault.offset, fault.reason))
    }

    #[test]
    fn every_kind_of_value_is_accepted_with_white_space_around() {
        for text in [
            "null",
            " true ",
            "\tfalse\r\n",
            "0",
            "-0",
            "10.25e-7",
            "1E+400",
            "123456789012345678901234567890",
            "\"\"",
            "\"\\u00e9\\ud800 \\\" \\/\"",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1,[2,{\"a\":[]}]]",
            "{\"a\":1,\"a\":2}",
            "\"é\u{7f}\"",
        ] {
            assert_eq!(verdict(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_first_byte_that_is_not_json_is_named() {
        for (text, offset, reason) in [
            ("", 0, "unexpected end of the text"),
            ("  ", 2, "unexpected end of the text"),
            ("[1,", 3, "unexpected end of the text"),
            ("[1,]", 3, "expected a value"),
            ("[1 2]", 3, "expected ',' or ']'"),
            ("{\"a\":1,}", 7, "expected a member name in quotes"),
            ("{\"a\" 1}", 5, "expected ':'"),
            ("{\"a\":1]", 6, "expected ',' or '}'"),
            ("{\"a\":1}x", 7, "unexpected byte after the value"),
            ("01", 1, "a number has no leading zero"),
            ("1.", 2, "unexpected end of the text"),
            ("1.x", 2, "expected a digit"),
            ("+1", 0, "expected a value"),
            ("-", 1, "unexpected end of the text"),
            ("nul1", 3, "expected true, false or null"),
            ("\"a\nb\"", 2, "a control character in a string must be escaped"),
            ("\"\\x\"", 2, "unknown escape"),
            ("\"\\u12g4\"", 5, "expected four hexadecimal digits"),
            ("\"abc", 4, "unexpected end of the text"),
            ("\u{feff}1", 0, "expected a value"),
            ("[[[[[[[[[", 8, "nested too deeply"),
        ] {
            assert_eq!(verdict(text.as_bytes()), Some((offset, reason)), "{text}");
        }
    }

    #[test]
    fn invalid_utf8_is_named_unless_the_grammar_fails_before_it() {
        assert_eq!(verdict(b"\"a\xffb\""), Some((2, "invalid UTF-8")));
        assert_eq!(verdict(b"[1 \"\xff\"]"), Some((3, "expected ',' or ']'")));
    }

    /// What is not ASCII is found eight bytes at a time, and a string may end anywhere in them.
    #[test]
    fn invalid_utf8_is_found_wherever_it_stands_in_a_string() {
        for length in 1..40 {
            let valid = format!("\"{}\"", "é".repeat(length));
            assert_eq!(verdict(valid.as_bytes()), None);
            for at in 0..length {
                let mut text = vec![b'a'; length + 2];
                (text[0], text[at + 1], text[length + 1]) = (b'"', 0xe9, b'"');
                assert_eq!(verdict(&text), Some((at + 1, "invalid UTF-8")), "{at} of {length}");
            }
        }
    }

    #[test]
    fn the_end_of_a_string_and_what_must_be_escaped_are_found_wherever_they_stand() {
        for length in 0..40 {
            let plain = "~".repeat(length);
            assert_eq!(verdict(format!("[\"{plain}\",1]").as_bytes()), None, "{length}");
            assert_eq!(verdict(format!("[\"{plain}\\n\",1]").as_bytes()), None, "{length}");
            assert_eq!(verdict(format!("\"{plain}").as_bytes()), Some((length + 1, "unexpected end of the text")));
            for (byte, is_wrong) in
                [('\0', true), ('\n', true), ('\u{1f}', true), (' ', false), ('!', false), ('#', false)]
            {
                let reason = "a control character in a string must be escaped";
                let expected = is_wrong.then_some((length + 1, reason));
                assert_eq!(verdict(format!("\"{plain}{byte}{plain}\"").as_bytes()), expected, "{byte:?} at {length}");
            }
        }
    }

    #[test]
    fn members_are_those_of_the_outermost_object_as_they_are_written() {
        let members = |text: &'static str| {
            let mut found = Vec::new();
            let is_object = check_members(text.as_bytes(), 8, |member| found.push(member));
            (is_object, found)
        };
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#" { "a" : [1, {"b":"},\""}] , "c\"":-1.50, "d":"x" , "a":{"e":{}} } "#,
            r#"{"":null,"é":"\u00e9"}"#,
        ] {
            let expected: Vec<_> = super::super::members(text.as_bytes()).unwrap().collect();
            assert_eq!(members(text), (Ok(true), expected), "{text}");
        }
        for text in ["[]", "[{\"a\":1}]", "1", "\"{\"", "null"] {
            assert_eq!(members(text), (Ok(false), vec![]), "{text}");
        }
        for text in ["{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\":1}}", "{\"a\":[}"] {
            assert!(members(text).0.is_err(), "{text}");
        }
    }

    #[test]
    fn trimming_takes_only_the_white_space_of_json() {
        assert_eq!(trim(b" \t\r\n{} \n"), b"{}");
        assert_eq!(trim(b"  "), b"");
        assert_eq!(trim("\u{a0}1".as_bytes()), "\u{a0}1".as_bytes());
    }
}

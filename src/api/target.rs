//! The request target: path and query, percent-decoded exactly once, never normalised.

use std::borrow::Cow;
use std::fmt::Display;

use crate::base::scan::holds;

use super::problem::{Kind, Problem};

/// A target in origin form, split; nothing decoded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Everything before the first `?`.
    pub path: &'a str,
    /// Everything after it; empty when there is none.
    pub query: &'a str,
}

impl<'a> Target<'a> {
    /// Splits `target` at its first question mark.
    pub fn split(target: &'a str) -> Target<'a> {
        // Most have none.
        if !holds(target.as_bytes(), b'?') {
            return Target { path: target, query: "" };
        }
        let (path, query) = match memchr::memchr(b'?', target.as_bytes()) {
            Some(at) => (target.get(..at), target.get(at + 1..)),
            None => (Some(target), Some("")),
        };
        Target { path: path.unwrap_or_default(), query: query.unwrap_or_default() }
    }
}

/// Why a percent-encoded text could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeFault {
    /// A `%` without two hexadecimal digits behind it, at this byte of the encoded text.
    Escape(usize),
    /// The decoded bytes are not UTF-8; the first bad one is this byte of the decoded text.
    Utf8(usize),
}

/// How `+` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// As itself: in a path.
    Literal,
    /// As a space: in a query.
    Space,
}

/// Decodes percent escapes once.
///
/// # Errors
/// The first escape that is none, or the first byte that is not UTF-8.
// Most have none, which is told by what the call would take.
#[inline(always)]
pub fn decode(text: &str, plus: Plus) -> Result<Cow<'_, str>, DecodeFault> {
    let is_plain = match plus {
        Plus::Literal => !holds(text.as_bytes(), b'%'),
        Plus::Space => !holds(text.as_bytes(), b'%') && !holds(text.as_bytes(), b'+'),
    };
    if is_plain { Ok(Cow::Borrowed(text)) } else { decode_escaped(text, plus).map(Cow::Owned) }
}

#[inline(never)]
fn decode_escaped(text: &str, plus: Plus) -> Result<String, DecodeFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'+' if plus == Plus::Space => bytes.push(b' '),
            b'%' => {
                let fault = DecodeFault::Escape(text.len() - behind.len() - 1);
                let (digits, behind) = behind.split_at_checked(2).ok_or(fault)?;
                bytes.push(hex_pair(digits).ok_or(fault)?);
                rest = behind;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|error| DecodeFault::Utf8(error.utf8_error().valid_up_to()))
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (high, low) = (digit(digits.first()?)?, digit(digits.get(1)?)?);
    Some(high << 4 | low)
}

/// Decodes a part of the target, or says to the client what is wrong with it.
///
/// # Errors
/// `percent_escape_invalid` or `utf8_invalid`, naming `what` and the place.
#[inline(always)]
pub fn decode_or_problem(text: &str, plus: Plus, what: impl Display) -> Result<Cow<'_, str>, Problem> {
    decode(text, plus).map_err(|fault| problem_of(fault, &what))
}

#[cold]
fn problem_of(fault: DecodeFault, what: &dyn Display) -> Problem {
    match fault {
        DecodeFault::Escape(offset) => Problem::new(
            Kind::PercentEscapeInvalid,
            format!("{what} holds a '%' without two hexadecimal digits behind it, at byte {offset}"),
        )
        .hint("write a percent sign as %25"),
        DecodeFault::Utf8(offset) => Problem::new(
            Kind::Utf8Invalid,
            format!("{what} is not UTF-8 once its percent escapes are decoded: the fault is at byte {offset}"),
        ),
    }
}

/// The name-value pairs of a query, in order, not decoded; pairs without `=` have an empty value.
pub fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Appends `text` percent-encoded: everything but unreserved characters and those in `also_plain`.
pub fn encode_into(out: &mut String, text: &str, also_plain: &[u8]) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also_plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_exactly_once() {
        for (text, plus, decoded) in [
            ("plain", Plus::Literal, "plain"),
            ("a%2Fb", Plus::Literal, "a/b"),
            ("%252F", Plus::Literal, "%2F"),
            ("a+b", Plus::Literal, "a+b"),
            ("a+b%2B", Plus::Space, "a b+"),
            ("cl%C3%A9/é", Plus::Literal, "clé/é"),
            ("../.%00", Plus::Literal, "../.\0"),
        ] {
            assert_eq!(decode(text, plus).as_deref(), Ok(decoded), "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_is_named_by_its_place() {
        for (text, fault) in [
            ("a%", DecodeFault::Escape(1)),
            ("a%2", DecodeFault::Escape(1)),
            ("%20%zz", DecodeFault::Escape(3)),
            ("%+1", DecodeFault::Escape(0)),
            ("%é1", DecodeFault::Escape(0)),
            ("a%ff", DecodeFault::Utf8(1)),
            ("%c3", DecodeFault::Utf8(0)),
        ] {
            assert_eq!(decode(text, Plus::Literal), Err(fault), "{text}");
        }
    }

    #[test]
    fn encoding_is_undone_by_decoding() {
        for text in ["a/b c+d%é\"\r\n", "", "..", "日本"] {
            let mut encoded = String::new();
            encode_into(&mut encoded, text, b"/");
            assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(decode(&encoded, Plus::Literal).as_deref(), Ok(text));
        }
    }

    #[test]
    fn queries_split_into_pairs() {
        let found: Vec<_> = pairs("a=1&b&&c=x=y&=z").collect();
        assert_eq!(found, [("a", "1"), ("b", ""), ("c", "x=y"), ("", "z")]);
        assert_eq!(pairs("").count(), 0);
    }
}

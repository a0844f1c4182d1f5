//! Strings between their JSON spelling and their characters.

use std::borrow::Cow;

use super::plain::is_plain;
use crate::base::scan::holds;

/// A string holds half of a surrogate pair: legal JSON, but not a sequence of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoneSurrogate {
    /// Offset in bytes of its escape in the token.
    pub offset: usize,
}

/// The characters of a string token (quotes included) that has passed `check`.
///
/// # Errors
/// When it escapes half of a surrogate pair.
pub fn unescape(token: &[u8]) -> Result<Cow<'_, str>, LoneSurrogate> {
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    if !holds(inner, b'\\') {
        return Ok(std::str::from_utf8(inner).map_or_else(|_| String::from_utf8_lossy(inner), Cow::Borrowed));
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut at = 0;
    while let Some(byte) = inner.get(at) {
        if *byte != b'\\' {
            text.push(*byte);
            at += 1;
            continue;
        }
        let (character, length) = escape_at(inner, at).ok_or(LoneSurrogate { offset: at + 1 })?;
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        at += length;
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&text).into_owned()))
}

/// The code points of a string token (quotes included) that has passed `check`, as UTF-8 in which half of a surrogate
/// pair that stands alone is written like any other code point. So every string that JSON can spell has one form, and
/// two forms compare as their code points do.
pub fn code_points(token: &[u8]) -> Cow<'_, [u8]> {
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    if !holds(inner, b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut points = Vec::with_capacity(inner.len());
    let mut at = 0;
    while let Some(byte) = inner.get(at) {
        if *byte != b'\\' {
            points.push(*byte);
            at += 1;
        } else if let Some((character, length)) = escape_at(inner, at) {
            points.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            at += length;
        } else {
            let half = hex_at(inner, at + 2).unwrap_or_default();
            points.extend([0xe0 | half >> 12, 0x80 | half >> 6 & 0x3f, 0x80 | half & 0x3f].map(|byte| byte as u8));
            at += 6;
        }
    }
    Cow::Owned(points)
}

/// The character that the escape at `at` stands for, and how many bytes spell it.
fn escape_at(inner: &[u8], at: usize) -> Option<(char, usize)> {
    let simple = |character| Some((character, 2));
    match inner.get(at + 1)? {
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => {
            let high = hex_at(inner, at + 2)?;
            if !(0xd800..0xe000).contains(&high) {
                return Some((char::from_u32(high)?, 6));
            }
            let follows = inner.get(at + 6..at + 8)? == b"\\u";
            let low = hex_at(inner, at + 8)?;
            let is_pair = follows && high < 0xdc00 && (0xdc00..0xe000).contains(&low);
            is_pair.then(|| char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)))?.map(|pair| (pair, 12))
        }
        other => simple(char::from(*other)),
    }
}

fn hex_at(inner: &[u8], at: usize) -> Option<u32> {
    let digits = std::str::from_utf8(inner.get(at..at + 4)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// Appends `text` as a JSON string, quotes included. Escapes only what must be: quotes, backslashes, controls.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape_inner_into(out, text);
    out.push(b'"');
}

fn escape_inner_into(out: &mut Vec<u8>, text: &str) {
    // Most texts need no escape at all.
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        escape_into(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_become_characters() {
        for (token, text) in [
            (r#""""#, ""),
            (r#""plain é""#, "plain é"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e9\u65E5x""#, "é日x"),
            (r#""\ud83d\ude00""#, "😀"),
        ] {
            assert_eq!(unescape(token.as_bytes()).unwrap(), text, "{token}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_named() {
        for (token, offset) in [
            (r#""a\ud800""#, 2),
            (r#""\udc00\ud800""#, 1),
            (r#""\ud800\ud800""#, 1),
            (r#""\ud800x\udc00""#, 1),
            (r#""\ud800\n12345""#, 1),
        ] {
            assert_eq!(unescape(token.as_bytes()), Err(LoneSurrogate { offset }), "{token}");
        }
    }

    #[test]
    fn every_spelling_of_a_string_has_the_same_code_points() {
        for (token, points) in [
            (r#""plain é""#, "plain é".as_bytes()),
            (r#""\u0061\/\n\ud83d\ude00""#, "a/\n😀".as_bytes()),
            (r#""\uD800x""#, b"\xed\xa0\x80x"),
            (r#""\udfff\ud83d\ude00""#, b"\xed\xbf\xbf\xf0\x9f\x98\x80"),
        ] {
            assert_eq!(*code_points(token.as_bytes()), *points, "{token}");
        }
    }

    #[test]
    fn escaping_and_unescaping_agree() {
        for text in ["", "a\"b\\c", "\0\u{1}\u{1f}\n\r\t", "é日😀\u{7f}"] {
            assert_eq!(unescape(escaped(text).as_bytes()).unwrap(), text);
            assert_eq!(crate::base::json::check(escaped(text).as_bytes(), 1), Ok(()));
        }
    }
}

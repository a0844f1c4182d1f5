//! One pass over a text, deciding whether it is a JSON value and naming the first byte that says no.

use std::fmt;

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
    if let Err(error) = std::str::from_utf8(text) {
        // Grammar first: a fault before the bad byte is the more useful answer.
        let valid = text.get(..error.valid_up_to()).unwrap_or_default();
        return match Scanner::over(valid, depth_max).document() {
            Err(fault) if fault.offset < valid.len() => Err(fault),
            _ => Err(Malformed { offset: valid.len(), reason: "invalid UTF-8" }),
        };
    }
    Scanner::over(text, depth_max).document()
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth_max: usize,
    /// The closing byte of each open array or object.
    open: Vec<u8>,
}

/// What the grammar allows at this point.
enum Next {
    /// A value.
    Value,
    /// A value, or the end of the array just opened.
    ValueOrEnd,
    /// A member name.
    Name,
    /// A member name, or the end of the object just opened.
    NameOrEnd,
    /// A comma or the end of the innermost array or object; nothing more when none is open.
    CommaOrEnd,
}

impl<'a> Scanner<'a> {
    fn over(text: &'a [u8], depth_max: usize) -> Scanner<'a> {
        Scanner { text, at: 0, depth_max, open: Vec::new() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fault<T>(&self, reason: &'static str) -> Result<T, Malformed> {
        let reason = if self.at >= self.text.len() { "unexpected end of the text" } else { reason };
        Err(Malformed { offset: self.at, reason })
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn document(mut self) -> Result<(), Malformed> {
        let mut next = Next::Value;
        loop {
            self.skip_space();
            if matches!(next, Next::CommaOrEnd) && self.open.is_empty() {
                return if self.at == self.text.len() { Ok(()) } else { self.fault("unexpected byte after the value") };
            }
            next = self.step(next)?;
        }
    }

    fn step(&mut self, next: Next) -> Result<Next, Malformed> {
        match next {
            Next::ValueOrEnd if self.peek() == Some(b']') => self.close(),
            Next::NameOrEnd if self.peek() == Some(b'}') => self.close(),
            Next::Value | Next::ValueOrEnd => self.value(),
            Next::Name | Next::NameOrEnd => self.name(),
            Next::CommaOrEnd => self.comma_or_end(),
        }
    }

    fn close(&mut self) -> Result<Next, Malformed> {
        self.at += 1;
        self.open.pop();
        Ok(Next::CommaOrEnd)
    }

    fn comma_or_end(&mut self) -> Result<Next, Malformed> {
        let closing = self.open.last().copied();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(if closing == Some(b'}') { Next::Name } else { Next::Value })
            }
            byte if byte.is_some() && byte == closing => self.close(),
            _ if closing == Some(b'}') => self.fault("expected ',' or '}'"),
            _ => self.fault("expected ',' or ']'"),
        }
    }

    fn name(&mut self) -> Result<Next, Malformed> {
        if self.peek() != Some(b'"') {
            return self.fault("expected a member name in quotes");
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.fault("expected ':'");
        }
        self.at += 1;
        Ok(Next::Value)
    }

    fn value(&mut self) -> Result<Next, Malformed> {
        match self.peek() {
            Some(b'{') => return self.enter(b'}', Next::NameOrEnd),
            Some(b'[') => return self.enter(b']', Next::ValueOrEnd),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => return self.fault("expected a value"),
        }
        Ok(Next::CommaOrEnd)
    }

    fn enter(&mut self, closing: u8, inside: Next) -> Result<Next, Malformed> {
        if self.open.len() == self.depth_max {
            return self.fault("nested too deeply");
        }
        self.open.push(closing);
        self.at += 1;
        Ok(inside)
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Malformed> {
        for expected in word {
            if self.peek() != Some(*expected) {
                return self.fault("expected true, false or null");
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fault("expected a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.fault("a number has no leading zero");
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return self.fault("a control character in a string must be escaped"),
                Some(_) => self.at += 1,
                None => return self.fault("unterminated string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return self.fault("expected four hexadecimal digits");
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.fault("unknown escape"),
        }
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

    #[test]
    fn trimming_takes_only_the_white_space_of_json() {
        assert_eq!(trim(b" \t\r\n{} \n"), b"{}");
        assert_eq!(trim(b"  "), b"");
        assert_eq!(trim("\u{a0}1".as_bytes()), "\u{a0}1".as_bytes());
    }
}

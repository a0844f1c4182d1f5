//! One pass over a text by the grammar of RFC 8259, up to the first byte that is not JSON.
//!
//! Invariants: no byte is looked at by the grammar twice, and nothing is allocated unless arrays and objects are nested
//! deeply. It takes bytes above 127 in a string as they come, and only notes that there were some: whether they are UTF-8
//! is asked elsewhere, of the whole text at once.

use smallvec::SmallVec;

use super::grammar::Malformed;
use super::members::Member;
use super::plain::skip_plain;

/// Levels of nesting for which nothing is allocated.
const USUAL_DEPTH: usize = 32;

/// A place in a text that was JSON so far.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth_max: usize,
    /// The closing byte of each open array or object.
    open: SmallVec<[u8; USUAL_DEPTH]>,
    /// True when a string had a byte above 127.
    has_high: bool,
}

impl<'a> Scanner<'a> {
    /// Stands before `text`, which may be nested `depth_max` deep.
    pub(super) fn over(text: &'a [u8], depth_max: usize) -> Scanner<'a> {
        Scanner { text, at: 0, depth_max, open: SmallVec::new(), has_high: false }
    }

    /// True when no byte above 127 was passed over. It may be false when one stands right behind a string.
    pub(super) fn is_ascii(&self) -> bool {
        !self.has_high
    }

    /// Passes over the one value that the text is to be, and gives `take` its members. True when it is an object.
    pub(super) fn document(&mut self, take: impl FnMut(Member<'a>)) -> Result<bool, Malformed> {
        self.skip_space();
        let is_object = self.peek() == Some(b'{');
        if is_object {
            self.members(take)?
        } else {
            self.value()?
        }
        self.skip_space();
        if self.at == self.text.len() { Ok(is_object) } else { self.fault("unexpected byte after the value") }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn span(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    #[cold]
    fn fault<T>(&self, reason: &'static str) -> Result<T, Malformed> {
        let reason = if self.at >= self.text.len() { "unexpected end of the text" } else { reason };
        Err(Malformed { offset: self.at, reason })
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The object that begins here, member by member.
    fn members(&mut self, mut take: impl FnMut(Member<'a>)) -> Result<(), Malformed> {
        self.enter(b'}')?;
        if self.is_left(b'}') {
            return Ok(());
        }
        loop {
            let name_offset = self.at;
            let name = self.name()?;
            let value_offset = self.at;
            self.value()?;
            take(Member { name, name_offset, value: self.span(value_offset), value_offset });
            if self.is_left_behind_value(b'}')? {
                return Ok(());
            }
        }
    }

    /// Passes over the value that begins here.
    fn value(&mut self) -> Result<(), Malformed> {
        let depth = self.open.len();
        loop {
            if self.begins_another()? {
                continue;
            }
            loop {
                let closing = match self.open.last() {
                    Some(closing) if self.open.len() > depth => *closing,
                    _ => return Ok(()),
                };
                if !self.is_left_behind_value(closing)? {
                    break;
                }
            }
            if self.open.last() == Some(&b'}') {
                self.name()?;
            }
        }
    }

    /// Passes over the value that begins here, or up to the first value in it: then true.
    fn begins_another(&mut self) -> Result<bool, Malformed> {
        match self.peek() {
            Some(b'{') => {
                self.enter(b'}')?;
                if self.is_left(b'}') {
                    return Ok(false);
                }
                self.name()?;
                return Ok(true);
            }
            Some(b'[') => {
                self.enter(b']')?;
                return Ok(!self.is_left(b']'));
            }
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => return self.fault("expected a value"),
        }
        Ok(false)
    }

    fn enter(&mut self, closing: u8) -> Result<(), Malformed> {
        if self.open.len() == self.depth_max {
            return self.fault("nested too deeply");
        }
        self.open.push(closing);
        self.at += 1;
        Ok(())
    }

    /// Goes on to what comes first in what was entered, and leaves it when that is its end: then true.
    fn is_left(&mut self, closing: u8) -> bool {
        self.skip_space();
        let is_end = self.peek() == Some(closing);
        if is_end {
            self.at += 1;
            self.open.pop();
        }
        is_end
    }

    /// Goes on behind a value to the next in the same array or object, and leaves that when this was the last: then true.
    fn is_left_behind_value(&mut self, closing: u8) -> Result<bool, Malformed> {
        if self.is_left(closing) {
            return Ok(true);
        }
        if self.peek() != Some(b',') {
            return self.fault(if closing == b'}' { "expected ',' or '}'" } else { "expected ',' or ']'" });
        }
        self.at += 1;
        self.skip_space();
        Ok(false)
    }

    /// Passes over the name that begins here, up to its value; gives the name.
    #[inline(always)]
    fn name(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return self.fault("expected a member name in quotes");
        }
        self.string()?;
        let name = self.span(start);
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.fault("expected ':'");
        }
        self.at += 1;
        self.skip_space();
        Ok(name)
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

    /// Passes over the string that begins here. It is a part of `value`, as `name` is: there are so many short strings that
    /// two calls for each would be a fourth of all instructions.
    #[inline(always)]
    fn string(&mut self) -> Result<(), Malformed> {
        self.at = skip_plain(self.text, self.at + 1, &mut self.has_high);
        if self.peek() != Some(b'"') {
            return self.escapes();
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over the rest of a string, from a byte on that does not stand for itself.
    #[cold]
    #[inline(never)]
    fn escapes(&mut self) -> Result<(), Malformed> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return self.fault("a control character in a string must be escaped"),
                None => return self.fault("unterminated string"),
            }
            self.at = skip_plain(self.text, self.at, &mut self.has_high);
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

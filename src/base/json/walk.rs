//! Steps over the text of a value that has passed `check`: to a byte, past a string, past a value.
//!
//! Invariant: on a text that was not checked a step may end anywhere, but nothing panics.

use memchr::memchr2;

/// A place in a text.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Walk<'a> {
    /// Stands behind the bracket `open` with which `text` begins; `None` when it begins otherwise.
    pub(super) fn into(text: &'a [u8], open: u8) -> Option<Walk<'a>> {
        let mut walk = Walk { text, at: 0 };
        let first = walk.skip_space()?;
        walk.at += 1;
        (first == open).then_some(walk)
    }

    /// Moves to the first byte from here on that satisfies `wanted`.
    pub(super) fn seek(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let found = self.text.get(self.at..)?.iter().position(|byte| wanted(*byte))?;
        self.at += found;
        self.text.get(self.at).copied()
    }

    /// Moves to the first byte from here on that is not white space.
    pub(super) fn skip_space(&mut self) -> Option<u8> {
        self.seek(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// Moves past the string that begins here.
    pub(super) fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += memchr2(b'"', b'\\', self.text.get(self.at..)?)?;
            match self.text.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 2,
            }
        }
    }

    /// Moves past the value that begins here, to the comma or the bracket `close` behind it, and gives its span, the
    /// white space behind it included.
    pub(super) fn skip_value(&mut self, close: u8) -> Option<&'a [u8]> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.seek(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b','))? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                byte if depth == 0 && (byte == b',' || byte == close) => return self.text.get(start..self.at),
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
        }
    }
}

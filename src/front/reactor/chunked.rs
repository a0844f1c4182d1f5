//! The chunked transfer coding, taken off as bytes arrive (RFC 9112 §7.1), to the letter.
//!
//! ```text
//!   Size ─► (; Extension) ─► SizeEnd ─► Data ─► DataCr ─► DataLf ─► Size …
//!   Size of zero ─► SizeEnd ─► Trailer ─► (Name ─► Value ─► ValueEnd) ─► Trailer … ─► TrailerEnd ─► Done
//! ```
//!
//! Invariant: what it accepts has one reading. Extensions and trailers are checked for syntax and thrown away, both
//! within bounds; a bare CR or LF, a sign, white space around a size or a size beyond 64 bits ends it.
//! It does not copy, and knows no limit on the whole body: that is its caller's.

use crate::front::octets::{FIELD_VALUE, TOKEN};

/// Hexadecimal digits of a chunk's size: as many as 64 bits have, leading zeros included.
const SIZE_DIGITS_MAX: u8 = 16;

/// Bytes of all extensions of a body. Nobody sends any; a body is not to be mostly extensions.
const EXTENSION_BYTES_MAX: u32 = 4 << 10;

/// Bytes of the trailer section.
const TRAILER_BYTES_MAX: u32 = 8 << 10;

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkFault {
    /// The coding is broken.
    Malformed,
    /// A size is beyond 64 bits.
    TooLarge,
}

/// What came of some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fed<'b> {
    /// Bytes of the input that were used.
    pub(super) used: usize,
    /// A part of the body, possibly empty.
    pub(super) data: &'b [u8],
    /// True when the body has ended.
    pub(super) ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a size with so many digits.
    Size { digits: u8 },
    /// In white space that an extension must follow.
    Gap,
    /// Before the name of an extension.
    Extension,
    /// In the name of an extension.
    ExtensionName,
    /// In white space behind the name of an extension.
    ExtensionGap,
    /// Before the value of an extension.
    ExtensionEquals,
    /// In the value of an extension, a token.
    ExtensionValue,
    /// In the value of an extension, a quoted string.
    Quoted,
    /// Behind a backslash in a quoted string.
    Escaped,
    /// Behind a quoted string.
    Unquoted,
    /// Behind the CR of a size line.
    SizeEnd,
    /// In a chunk's data.
    Data,
    /// Behind a chunk's data.
    DataCr,
    /// Behind the CR that follows a chunk's data.
    DataLf,
    /// At the start of a trailer line.
    Trailer,
    /// In a trailer's name.
    Name,
    /// In a trailer's value.
    Value,
    /// Behind the CR of a trailer line.
    ValueEnd,
    /// Behind the last CR.
    TrailerEnd,
    /// Behind everything.
    Done,
}

/// A chunked body on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder {
    state: State,
    /// The size being read, then what remains of the chunk.
    remaining: u64,
    extension_bytes: u32,
    trailer_bytes: u32,
}

impl Decoder {
    /// At the start of a body.
    pub(super) fn new() -> Decoder {
        Decoder { state: State::Size { digits: 0 }, remaining: 0, extension_bytes: 0, trailer_bytes: 0 }
    }

    /// Takes from `input` up to the end of one part of data, of the body, or of the input.
    ///
    /// # Errors
    /// Nothing more can be read.
    pub(super) fn feed<'b>(&mut self, input: &'b [u8]) -> Result<Fed<'b>, ChunkFault> {
        let mut used = 0;
        while let Some(rest) = input.get(used..)
            && let Some(byte) = rest.first()
        {
            if self.state == State::Done {
                break;
            }
            if self.state == State::Data {
                let length = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(rest.len());
                self.remaining -= length as u64;
                if self.remaining == 0 {
                    self.state = State::DataCr;
                }
                return Ok(Fed { used: used + length, data: rest.get(..length).unwrap_or_default(), ended: false });
            }
            self.state = self.step(*byte)?;
            used += 1;
        }
        Ok(Fed { used, data: &[], ended: self.state == State::Done })
    }

    /// Bytes of the present chunk that are still to come.
    pub(super) fn remaining(&self) -> u64 {
        if self.state == State::Data { self.remaining } else { 0 }
    }

    fn step(&mut self, byte: u8) -> Result<State, ChunkFault> {
        match (self.state, byte) {
            (State::Size { digits }, _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (State::Size { digits: 1.. } | State::ExtensionName | State::ExtensionValue | State::Unquoted, b'\r') => {
                Ok(State::SizeEnd)
            }
            (
                State::Size { digits: 1.. }
                | State::Gap
                | State::ExtensionName
                | State::ExtensionGap
                | State::ExtensionValue
                | State::Unquoted,
                b';',
            ) => self.extension(State::Extension),
            (State::Size { digits: 1.. } | State::Gap | State::ExtensionValue | State::Unquoted, b' ' | b'\t') => {
                self.extension(State::Gap)
            }
            (State::ExtensionName | State::ExtensionGap, b' ' | b'\t') => self.extension(State::ExtensionGap),
            (State::ExtensionName | State::ExtensionGap, b'=') => self.extension(State::ExtensionEquals),
            (State::Extension | State::ExtensionEquals, b' ' | b'\t') => self.extension(self.state),
            (State::Extension | State::ExtensionName, _) if TOKEN.has(byte) => self.extension(State::ExtensionName),
            (State::ExtensionEquals, b'"') => self.extension(State::Quoted),
            (State::ExtensionEquals | State::ExtensionValue, _) if TOKEN.has(byte) => {
                self.extension(State::ExtensionValue)
            }
            (State::Quoted, b'"') => self.extension(State::Unquoted),
            (State::Quoted, b'\\') => self.extension(State::Escaped),
            (State::Quoted | State::Escaped, _) if FIELD_VALUE.has(byte) => self.extension(State::Quoted),
            (State::SizeEnd, b'\n') if self.remaining == 0 => Ok(State::Trailer),
            (State::SizeEnd, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size { digits: 0 }),
            (State::Trailer, b'\r') => Ok(State::TrailerEnd),
            (State::Trailer | State::Name, _) if TOKEN.has(byte) => self.trailer(State::Name),
            (State::Name, b':') => self.trailer(State::Value),
            (State::Value, b'\r') => Ok(State::ValueEnd),
            (State::Value, _) if FIELD_VALUE.has(byte) => self.trailer(State::Value),
            (State::ValueEnd, b'\n') => Ok(State::Trailer),
            (State::TrailerEnd, b'\n') => Ok(State::Done),
            _ => Err(ChunkFault::Malformed),
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<State, ChunkFault> {
        if digits == SIZE_DIGITS_MAX {
            return Err(ChunkFault::TooLarge);
        }
        let value = char::from(byte).to_digit(16).ok_or(ChunkFault::Malformed)?;
        // Sixteen digits fill 64 bits exactly.
        self.remaining = self.remaining << 4 | u64::from(value);
        Ok(State::Size { digits: digits + 1 })
    }

    fn extension(&mut self, state: State) -> Result<State, ChunkFault> {
        self.extension_bytes += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX { Err(ChunkFault::Malformed) } else { Ok(state) }
    }

    fn trailer(&mut self, state: State) -> Result<State, ChunkFault> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES_MAX { Err(ChunkFault::Malformed) } else { Ok(state) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, and what follows it.
    type Decoded = (Vec<u8>, Vec<u8>);

    /// `None` while the body has not ended.
    fn decode(pieces: &[&[u8]]) -> Result<Option<Decoded>, ChunkFault> {
        let mut decoder = Decoder::new();
        let (mut body, mut behind, mut ended) = (Vec::new(), Vec::new(), false);
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() && !ended {
                let fed = decoder.feed(rest)?;
                body.extend_from_slice(fed.data);
                rest = &rest[fed.used..];
                ended = fed.ended;
            }
            behind.extend_from_slice(rest);
        }
        Ok(ended.then_some((body, behind)))
    }

    #[test]
    fn a_body_is_taken_off_however_it_is_cut() {
        let sent: &[u8] =
            b"5\r\nhello\r\n00A;x=\"a;\\\"b\"\r\n, all of y\r\n2 \t;z\r\nou\r\n0\r\nEtag: 1\r\nX:\r\n\r\nGET";
        let whole = Ok(Some((b"hello, all of you".to_vec(), b"GET".to_vec())));
        assert_eq!(decode(&[sent]), whole);
        assert_eq!(decode(&sent.chunks(1).collect::<Vec<_>>()), whole);
        for cut in 0..sent.len() {
            assert_eq!(decode(&[&sent[..cut], &sent[cut..]]), whole);
        }
        for end in 0..sent.len() - 3 {
            assert_eq!(decode(&[&sent[..end]]), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_has_two_readings_is_malformed() {
        for sent in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "1 \r\n",
            "1\n",
            "1\r\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na\r0",
            "1;\n\r\n",
            "1;a\rb\r\n",
            "1;\"\r\n\"\r\n",
            "1;\0\r\n",
            "0\r\n\n",
            "0\r\n x: y\r\n\r\n",
            "0\r\nx\r\n\r\n",
            "0\r\nx : y\r\n\r\n",
            "0\r\nx: \0\r\n\r\n",
            "0\r\n: y\r\n\r\n",
            "0\r\nx: y\n\r\n",
            "0\r\nx: y\r\n folded\r\n\r\n",
        ] {
            assert_eq!(decode(&[sent.as_bytes()]), Err(ChunkFault::Malformed), "{sent:?}");
        }
    }

    #[test]
    fn a_size_may_fill_64_bits_and_not_more() {
        assert_eq!(decode(&[b"ffffffffffffffff\r\nab"]), Ok(None));
        assert_eq!(decode(&[b"11111111111111111\r\n"]), Err(ChunkFault::TooLarge));
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let long = "x".repeat(TRAILER_BYTES_MAX as usize);
        assert_eq!(decode(&[format!("0;{long}\r\n\r\n").as_bytes()]), Err(ChunkFault::Malformed));
        assert_eq!(decode(&[format!("0\r\nx:{long}\r\n\r\n").as_bytes()]), Err(ChunkFault::Malformed));
        let many = "1;abcdefghijklmno\r\nx\r\n".repeat(EXTENSION_BYTES_MAX as usize / 16 + 1);
        assert_eq!(decode(&[many.as_bytes()]), Err(ChunkFault::Malformed));
    }
}

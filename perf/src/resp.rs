//! Reads replies of a Redis server from a buffer: RESP 2, the kinds that GET and SET are answered with.
//!
//! As `http`, it finds the end of a reply without doubt or refuses it: arrays and numbers answer nothing that we ask.
//! It knows nothing of sockets and does not judge what a reply says.

use std::borrow::Cow;
use std::fmt;

use crate::reply::{Kind, Reply};

/// Bytes of a line beyond which we stop waiting for its end.
const LINE_BYTES_MAX: usize = 16 << 10;

/// Why bytes are not the beginning of a reply that we can delimit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The first byte is not that of a kind that we ask for.
    Kind,
    /// A length that is no plain number.
    Length,
    /// A string that does not end where its length says.
    End,
    /// A line that does not end within `LINE_BYTES_MAX`.
    EndlessLine,
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Malformed::Kind => "a reply of a kind that was not asked for",
            Malformed::Length => "a length that is not a plain number",
            Malformed::End => "a string that does not end where its length says",
            Malformed::EndlessLine => "a line that does not end",
        })
    }
}

impl std::error::Error for Malformed {}

/// Finds the reply at the start of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// The bytes cannot become a reply that we can delimit, whatever follows.
pub fn parse(bytes: &[u8]) -> Result<Option<Reply<'_>>, Malformed> {
    let Some((&sign, after)) = bytes.split_first() else { return Ok(None) };
    if !matches!(sign, b'$' | b'+' | b'-') {
        return Err(Malformed::Kind);
    }
    let Some(end) = after.iter().position(|&byte| byte == b'\n') else {
        return if bytes.len() > LINE_BYTES_MAX { Err(Malformed::EndlessLine) } else { Ok(None) };
    };
    let line = after.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Malformed::End)?;
    let line_bytes = end + 2;
    let reply =
        |kind, body, bytes| Ok(Some(Reply { kind, version: None, body: Cow::Borrowed(body), closes: false, bytes }));
    match sign {
        b'+' => reply(Kind::Simple, line, line_bytes),
        b'-' => reply(Kind::Error, line, line_bytes),
        _ if line == b"-1" => reply(Kind::Nothing, b"", line_bytes),
        _ => {
            let length = number(line).ok_or(Malformed::Length)?;
            let rest = bytes.get(line_bytes..).unwrap_or_default();
            match (rest.get(..length), rest.get(length..length + 2)) {
                (Some(body), Some(b"\r\n")) => reply(Kind::Bulk, body, line_bytes + length + 2),
                (Some(_), Some(_)) => Err(Malformed::End),
                _ => Ok(None),
            }
        }
    }
}

/// A number of one to nine digits and nothing else: more would be no length that we ever ask for.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_and_its_end_known() {
        for (bytes, kind, body) in [
            (&b"$4\r\nnull\r\n"[..], Kind::Bulk, &b"null"[..]),
            (b"$6\r\n\"\r\n+\"\n\r\n", Kind::Bulk, b"\"\r\n+\"\n"),
            (b"$0\r\n\r\n", Kind::Bulk, b""),
            (b"$-1\r\n", Kind::Nothing, b""),
            (b"+OK\r\n", Kind::Simple, b"OK"),
            (b"-ERR unknown\r\n", Kind::Error, b"ERR unknown"),
        ] {
            let two = [bytes, b"$9\r\n"].concat();
            assert_eq!(
                parse(&two),
                Ok(Some(Reply { kind, version: None, body: body.into(), closes: false, bytes: bytes.len() }))
            );
            for end in 0..bytes.len() {
                assert_eq!(parse(&bytes[..end]), Ok(None), "first {end} bytes of {}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn what_cannot_be_delimited_is_refused() {
        for (bytes, expected) in [
            (&b":1\r\n"[..], Malformed::Kind),
            (b"*1\r\n$1\r\na\r\n", Malformed::Kind),
            (b"HTTP/1.1 200 OK\r\n", Malformed::Kind),
            (b"$+4\r\nnull\r\n", Malformed::Length),
            (b"$-2\r\n", Malformed::Length),
            (b"$\r\n", Malformed::Length),
            (b"$10000000000\r\n", Malformed::Length),
            (b"$3\r\nnull\r\n", Malformed::End),
            (b"+OK\n", Malformed::End),
        ] {
            assert_eq!(parse(bytes), Err(expected), "{}", bytes.escape_ascii());
        }
        assert_eq!(parse(&[b'+'; LINE_BYTES_MAX + 1]), Err(Malformed::EndlessLine));
    }
}

//! Reads replies of an HTTP/1.1 server from a buffer: status line, length, ETag, whether the connection closes.
//!
//! Only what the generator needs to find the end of a reply without doubt. A reply it cannot delimit exactly (no
//! length, two lengths, a coding that it does not know) is an error and never a guess: a wrong guess would pass as a fast server. It knows
//! nothing of sockets and does not judge what a reply says.

use std::borrow::Cow;
use std::fmt;

use crate::chunked;
use crate::reply::{Kind, Reply};

/// Bytes of a head beyond which we stop waiting for its end.
pub const HEAD_BYTES_MAX: usize = 16 << 10;

/// Why bytes are not the beginning of a reply that we can delimit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The first line is not `HTTP/1.1` and a status of three digits.
    StatusLine,
    /// A field without a colon.
    Field,
    /// A Content-Length that is no plain number, or more than one.
    Length,
    /// Neither a Content-Length nor chunks where one of them is needed.
    Undelimited,
    /// A chunk that does not begin or end as one.
    Chunk,
    /// The head does not end within `HEAD_BYTES_MAX`.
    EndlessHead,
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Malformed::StatusLine => "a status line that is not HTTP/1.1",
            Malformed::Field => "a header line without a colon",
            Malformed::Length => "a Content-Length that is not one plain number",
            Malformed::Undelimited => "a reply without a Content-Length or chunks",
            Malformed::Chunk => "a chunk that does not begin or end as one",
            Malformed::EndlessHead => "a head that does not end",
        })
    }
}

impl std::error::Error for Malformed {}

/// Finds the reply at the start of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// The bytes cannot become a reply that we can delimit, whatever follows.
pub fn parse(bytes: &[u8]) -> Result<Option<Reply<'_>>, Malformed> {
    let mut lines = Lines { rest: bytes };
    let Some(first) = lines.next() else { return incomplete(bytes) };
    let status = status_of(first)?;
    let mut length = None;
    let mut version = None;
    let (mut is_chunked, mut closes) = (false, false);
    loop {
        let Some(line) = lines.next() else { return incomplete(bytes) };
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&byte| byte == b':').ok_or(Malformed::Field)?;
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            if length.is_some() {
                return Err(Malformed::Length);
            }
            length = Some(number(value).ok_or(Malformed::Length)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Malformed::Undelimited);
            }
            is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"etag") {
            version = version_of(value);
        } else if name.eq_ignore_ascii_case(b"connection") {
            closes |= value.eq_ignore_ascii_case(b"close");
        }
    }
    let head_bytes = bytes.len() - lines.rest.len();
    let found = match (status, length, is_chunked) {
        (204 | 304, _, _) => Some((Cow::Borrowed(&b""[..]), 0)),
        (_, Some(length), false) => lines.rest.get(..length).map(|body| (Cow::Borrowed(body), length)),
        (_, None, true) => chunked::body(lines.rest)?.map(|(body, length)| (Cow::Owned(body), length)),
        (_, Some(_), true) => return Err(Malformed::Length),
        (_, None, false) => return Err(Malformed::Undelimited),
    };
    Ok(found.map(|(body, length)| Reply {
        kind: Kind::Status(status),
        version,
        body,
        closes,
        bytes: head_bytes + length,
    }))
}

fn incomplete(bytes: &[u8]) -> Result<Option<Reply<'_>>, Malformed> {
    if bytes.len() > HEAD_BYTES_MAX { Err(Malformed::EndlessHead) } else { Ok(None) }
}

fn status_of(line: &[u8]) -> Result<u16, Malformed> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or(Malformed::StatusLine)?;
    let (digits, after) = rest.split_at_checked(3).ok_or(Malformed::StatusLine)?;
    if !after.is_empty() && !after.starts_with(b" ") {
        return Err(Malformed::StatusLine);
    }
    number(digits).and_then(|status| u16::try_from(status).ok()).ok_or(Malformed::StatusLine)
}

/// The number in an ETag of ours; `None` for one of another kind.
fn version_of(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()?.parse().ok()
}

/// A number of one to nine digits and nothing else: more would be no length that we ever ask for.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

/// Lines that end in CRLF, without it; what follows the last one stays in `rest`.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'\n')?;
        let (line, rest) = self.rest.split_at_checked(end + 1)?;
        self.rest = rest;
        let line = line.strip_suffix(b"\n")?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"712\"\r\ncontent-length: 4\r\n\r\nnull";

    #[test]
    fn a_whole_reply_is_found_and_its_end_known() {
        let two = [REPLY, b"HTTP/1.1 404 Not"].concat();
        let reply = parse(&two).unwrap().unwrap();
        assert_eq!(
            reply,
            Reply {
                kind: Kind::Status(200),
                version: Some(712),
                body: b"null"[..].into(),
                closes: false,
                bytes: REPLY.len()
            }
        );
    }

    #[test]
    fn every_prefix_of_a_reply_is_incomplete() {
        for end in 0..REPLY.len() {
            assert_eq!(parse(&REPLY[..end]), Ok(None), "first {end} bytes");
        }
    }

    #[test]
    fn a_status_without_a_body_needs_no_length() {
        let reply = parse(b"HTTP/1.1 204 No Content\r\nConnection: Close\r\n\r\n").unwrap().unwrap();
        assert_eq!((reply.kind, &*reply.body, reply.closes), (Kind::Status(204), &b""[..], true));
    }

    #[test]
    fn a_reply_in_chunks_is_put_together_and_no_part_of_it_is_one() {
        let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nnu\r\n2\r\nll\r\n0\r\n\r\n";
        let reply = parse(whole).unwrap().unwrap();
        assert_eq!((&*reply.body, reply.bytes, reply.version), (&b"null"[..], whole.len(), None));
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Ok(None), "first {end} bytes");
        }
    }

    #[test]
    fn what_cannot_be_delimited_is_refused() {
        let cases: [(&[u8], Malformed); 13] = [
            (b"HTTP/1.0 200 OK\r\n", Malformed::StatusLine),
            (b"HTTP/1.1 2000\r\n", Malformed::StatusLine),
            (b"HTTP/1.1 20\r\n", Malformed::StatusLine),
            (b"HTTP/1.1 2x0 OK\r\n", Malformed::StatusLine),
            (b"null\r\n", Malformed::StatusLine),
            (b"HTTP/1.1 200 OK\r\nserver\r\n", Malformed::Field),
            (b"HTTP/1.1 200 OK\r\nContent-Length: +4\r\n", Malformed::Length),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n", Malformed::Length),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n", Malformed::Length),
            (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n", Malformed::Length),
            (b"HTTP/1.1 200 OK\r\n\r\nnull", Malformed::Undelimited),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", Malformed::Undelimited),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", Malformed::Length),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse(bytes), Err(expected), "{}", bytes.escape_ascii());
        }
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; HEAD_BYTES_MAX]].concat();
        assert_eq!(parse(&endless), Err(Malformed::EndlessHead));
    }
}

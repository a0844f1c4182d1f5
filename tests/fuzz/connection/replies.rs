//! A strict reader of what the server sends: it takes one spelling where RFC 9112 allows its readers several.

use std::fmt;

use memory_tools::api::message::Method;
use memory_tools::front::reply::reason;

use super::double::NUMBER;

/// A reply as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The request that it says it answers; none when the front gave it.
    pub number: Option<usize>,
    /// True when it says that the connection ends behind it.
    pub close: bool,
    pub body: Vec<u8>,
}

impl Reply {
    /// What must not depend on how fast a conversation goes: status, number, the first line of the body, its bytes. Of
    /// a head with two faults it may: the one that is seen first is named.
    pub fn outcome(&self) -> Option<(u16, Option<usize>, String, usize)> {
        let is_refusal = self.number.is_none() && self.close && self.status != 503;
        (!is_refusal).then(|| (self.status, self.number, self.line(), self.body.len()))
    }

    fn line(&self) -> String {
        let line = self.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
        line.iter().take(80).map(|byte| char::from(*byte)).collect()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reply { status, number, close, body } = self;
        write!(f, "{status}, number {number:?}, close {close}, {} bytes: {:?}", body.len(), self.line())
    }
}

/// What stands next in the bytes that came.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// `100 Continue`, of so many bytes.
    Continue(usize),
    /// A reply, of so many bytes.
    Reply(Reply, usize),
    /// A reply that is not whole yet.
    Part,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Nothing,
    Length(usize),
    Chunks,
    /// With the connection.
    Close,
}

/// Reads what stands at the start of `bytes`, the reply to a request of `method`, if that is known. `has_ended` says
/// that nothing follows.
///
/// # Panics
/// On what a strict reader would not take.
pub fn next(bytes: &[u8], method: Option<Method>, has_ended: bool) -> Next {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Next::Part };
    let (head, rest) = bytes.split_at(end + 4);
    if head.starts_with(b"HTTP/1.1 100 ") {
        assert_eq!(head, b"HTTP/1.1 100 Continue\r\n\r\n");
        return Next::Continue(head.len());
    }
    let mut lines = std::str::from_utf8(&head[..end]).expect("heads are text").split("\r\n");
    let status = status_of(lines.next().unwrap_or_default());
    let fields: Vec<(&str, &str)> = lines.map(field_of).collect();
    let framing = framing_of(status, &fields, method);
    let Some((body, used)) = body_of(rest, framing, has_ended) else { return Next::Part };
    let close = match value_of(&fields, "Connection") {
        Some("close") => true,
        None | Some("keep-alive") => false,
        Some(other) => panic!("Connection: {other}"),
    };
    assert!(close || framing != Framing::Close, "a body has no end");
    assert!(value_of(&fields, "Date").is_some(), "there is no date");
    let number = value_of(&fields, NUMBER).map(|number| number.parse().expect("a number"));
    Next::Reply(Reply { status, number, close, body }, head.len() + used)
}

fn status_of(line: &str) -> u16 {
    let text = line.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("no status line: {line:?}"));
    let (status, phrase) = text.split_once(' ').unwrap_or_else(|| panic!("no status line: {line:?}"));
    let status = status.parse().unwrap_or_else(|_| panic!("no status: {line:?}"));
    assert!((200..600).contains(&status) && phrase == reason(status) && !phrase.is_empty(), "{line:?}");
    status
}

fn field_of(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}"));
    assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{line:?}");
    assert!(!value.bytes().any(|byte| byte.is_ascii_control()), "{line:?}");
    (name, value)
}

fn value_of<'h>(fields: &[(&str, &'h str)], name: &str) -> Option<&'h str> {
    let mut values = fields.iter().filter(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let value = values.next();
    assert!(values.next().is_none(), "{name} comes twice");
    value
}

fn framing_of(status: u16, fields: &[(&str, &str)], method: Option<Method>) -> Framing {
    let length = value_of(fields, "Content-Length").map(|length| length.parse().expect("a length"));
    let encoding = value_of(fields, "Transfer-Encoding");
    match (length, encoding) {
        _ if matches!(status, 204 | 304) => {
            assert!(length.is_none() && encoding.is_none(), "{status} has no body to frame");
            Framing::Nothing
        }
        (Some(_), Some(_)) => panic!("a length and an encoding"),
        _ if method == Some(Method::Head) => Framing::Nothing,
        (Some(length), None) => Framing::Length(length),
        (None, Some("chunked")) => Framing::Chunks,
        (None, Some(other)) => panic!("Transfer-Encoding: {other}"),
        (None, None) => Framing::Close,
    }
}

/// The body, and the bytes it took.
fn body_of(rest: &[u8], framing: Framing, has_ended: bool) -> Option<(Vec<u8>, usize)> {
    match framing {
        Framing::Nothing => Some((Vec::new(), 0)),
        Framing::Length(length) => rest.get(..length).map(|body| (body.to_vec(), length)),
        Framing::Close => has_ended.then(|| (rest.to_vec(), rest.len())),
        Framing::Chunks => chunks_of(rest),
    }
}

fn chunks_of(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let digits = find(&rest[at..], b"\r\n")?;
        let text = std::str::from_utf8(&rest[at..at + digits]).expect("a size is text");
        assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "no size: {text:?}");
        assert!(text == "0" || !text.starts_with('0'), "a size with zeros before it: {text:?}");
        let size = usize::from_str_radix(text, 16).expect("a size");
        at += digits + 2;
        let data = rest.get(at..at + size)?;
        body.extend_from_slice(data);
        at += size;
        let end = rest.get(at..at + 2)?;
        assert_eq!(end, b"\r\n", "behind a chunk");
        at += 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

//! A whole reply in a buffer, whatever protocol it came in.

use std::borrow::Cow;
use std::fmt;

/// What a reply says that it is, apart from its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HTTP: the status code.
    Status(u16),
    /// RESP: a string of announced length.
    Bulk,
    /// RESP: there is no such string.
    Nothing,
    /// RESP: a line that says that all went well.
    Simple,
    /// RESP: a line that says what went wrong.
    Error,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Status(status) => write!(out, "status {status}"),
            Kind::Bulk => out.write_str("a bulk string"),
            Kind::Nothing => out.write_str("no such string"),
            Kind::Simple => out.write_str("a simple string"),
            Kind::Error => out.write_str("an error"),
        }
    }
}

/// A whole reply at the start of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What it is.
    pub kind: Kind,
    /// HTTP: the number in its ETag.
    pub version: Option<u64>,
    /// The body; put together when it came in chunks.
    pub body: Cow<'a, [u8]>,
    /// True when the server says that it closes the connection after this reply.
    pub closes: bool,
    /// Bytes of head and body together: where the next reply begins.
    pub bytes: usize,
}

impl Reply<'_> {
    /// What it is and how its body begins, for a message.
    pub fn shown(&self) -> String {
        let beginning = self.body.get(..self.body.len().min(160)).unwrap_or_default().escape_ascii();
        format!("{}, {} bytes: {beginning}", self.kind, self.body.len())
    }
}

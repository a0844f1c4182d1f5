//! Where a request ends and whether it may run: RFC 9110 and RFC 9112 held against a head that is already split
//! into lines.
//!
//! Invariant: a head that passes has exactly one reading. Whatever two implementations could read differently
//! (lengths, encodings, folds, hosts) is a fault, and after a fault nothing more of the connection is read.
//! It does not know who split the head, nor what the target means. `tests/corpus` holds the whole of it against the
//! clauses.

mod fault;
mod fields;

use super::{authority, octets};

use fields::Codings;

pub use fault::Fault;
pub use fields::Said;

/// Bytes of a request line besides method and target: two spaces, the version, CR, LF.
const LINE_OVERHEAD_BYTES: usize = 12;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the target. A key of 1024 bytes has at most 3072 when every byte is percent-encoded.
    pub target_bytes_max: usize,
    /// Bytes of the request line and all fields, line ends included.
    pub head_bytes_max: usize,
    /// Number of fields.
    pub header_count_max: usize,
}

/// A request line.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The target, as sent.
    pub target: &'a str,
    /// Major and minor version.
    pub version: (u8, u8),
}

/// The versions that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no chunked framing, closes unless asked to keep alive.
    Http10,
    /// HTTP/1.1
    Http11,
}

/// How the end of a request's body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// There is no body.
    Nothing,
    /// It has this many bytes, at least one.
    Bytes(u64),
    /// It is chunked.
    Chunked,
}

/// What a sound head says about its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing<'a> {
    /// Its version.
    pub version: Version,
    /// The target in origin form, or `*`.
    pub target: &'a str,
    /// Its body.
    pub body: Announced,
    /// True when the client wants to send more requests over this connection.
    pub is_persistent: bool,
    /// True when the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// Reads the framing out of a request line and its fields, in order of arrival.
///
/// # Errors
/// The first fault found; the connection cannot be used any further.
pub fn check<'a, 'f>(
    line: &RequestLine<'a>,
    fields: impl Iterator<Item = (&'f str, &'f [u8])>,
    limits: &HeadLimits,
) -> Result<Framing<'a>, Fault> {
    let line = CheckedLine::new(line, limits)?;
    let said = Said::of(fields, line.bytes, limits)?;
    line.with(&said, limits)
}

/// A request line that may stand in front of fields.
#[derive(Clone, Copy, Debug)]
pub struct CheckedLine<'a> {
    version: Version,
    target: &'a str,
    /// Its size.
    pub bytes: usize,
}

impl<'a> CheckedLine<'a> {
    /// Checks `line`.
    ///
    /// # Errors
    /// The first fault found.
    pub fn new(line: &RequestLine<'a>, limits: &HeadLimits) -> Result<CheckedLine<'a>, Fault> {
        let version = match line.version {
            (1, 0) => Version::Http10,
            (1, 1) => Version::Http11,
            _ => return Err(Fault::Version),
        };
        if !is_token(line.method) {
            return Err(Fault::Method);
        }
        if line.method == "CONNECT" {
            return Err(Fault::Connect);
        }
        if line.target.len() > limits.target_bytes_max {
            return Err(Fault::TargetTooLong { bytes: line.target.len(), limit: limits.target_bytes_max });
        }
        let target = origin_form(line)?;
        Ok(CheckedLine { version, target, bytes: line.method.len() + line.target.len() + LINE_OVERHEAD_BYTES })
    }

    /// As `new`, of a line of HTTP/1.1 whose method is known here and whose target holds what a target may hold, when that
    /// is a path: it has `bytes`. That this gives nothing means nothing.
    pub fn plain(target: &'a str, bytes: usize, limits: &HeadLimits) -> Option<CheckedLine<'a>> {
        let is_plain = target.starts_with('/') && target.len() <= limits.target_bytes_max;
        is_plain.then_some(CheckedLine { version: Version::Http11, target, bytes })
    }

    /// What the line and the fields behind it say together.
    ///
    /// # Errors
    /// What either may say alone, and both may not.
    pub fn with(self, said: &Said, limits: &HeadLimits) -> Result<Framing<'a>, Fault> {
        let CheckedLine { version, target, bytes } = self;
        if bytes + said.bytes > limits.head_bytes_max {
            return Err(Fault::HeadTooLarge { limit: limits.head_bytes_max });
        }
        if version == Version::Http11 && !said.host {
            return Err(Fault::HostMissing);
        }
        let body = match (said.length, said.codings) {
            (Some(_), Some(_)) => return Err(Fault::LengthAndEncoding),
            (None, Some(_)) if version == Version::Http10 => return Err(Fault::EncodingOnHttp10),
            (None, Some(Codings::Chunked)) => Announced::Chunked,
            (None, Some(Codings::ChunkedOverUnknown)) => return Err(Fault::CodingUnknown),
            (None, Some(Codings::Unknown | Codings::Endless)) => return Err(Fault::Encoding),
            (None | Some(0), None) => Announced::Nothing,
            (Some(bytes), None) => Announced::Bytes(bytes),
        };
        let is_persistent = match version {
            Version::Http11 => !said.close,
            Version::Http10 => said.keep_alive && !said.close,
        };
        let expects_continue = said.expects_continue && version == Version::Http11 && body != Announced::Nothing;
        Ok(Framing { version, target, body, is_persistent, expects_continue })
    }
}

/// The target's path and query (RFC 9112 §3.2): an http URL gives up its scheme and authority. A URL with a query and
/// no path is refused: its origin form has a slash that was not sent.
fn origin_form<'a>(line: &RequestLine<'a>) -> Result<&'a str, Fault> {
    let target = line.target;
    if !octets::are_of_target(target.as_bytes()) {
        return Err(Fault::Target);
    }
    if target.starts_with('/') || (target == "*" && line.method == "OPTIONS") {
        return Ok(target);
    }
    let after_scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .and_then(|scheme| target.get(scheme.len()..))
        .ok_or(Fault::Target)?;
    let (authority, path) = match after_scheme.find('/') {
        Some(at) => after_scheme.split_at(at),
        None => (after_scheme, "/"),
    };
    // A user in front of the host is none of its characters (RFC 9110 §4.2.4).
    let is_sound = !authority.is_empty() && authority::is_host_and_port(authority.as_bytes());
    if is_sound { Ok(path) } else { Err(Fault::Target) }
}

/// True for a token of RFC 9110 §5.6.2.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && octets::TOKEN.has_all(text.as_bytes())
}

#[cfg(test)]
#[path = "framing/table.rs"]
mod tests;

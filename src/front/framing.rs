//! Where a request ends and whether it may run: RFC 9110 and RFC 9112 held against a head that is already split
//! into lines.
//!
//! Invariant: a head that passes has exactly one reading. Whatever two implementations could read differently
//! (lengths, encodings, folds, hosts) is a fault, and after a fault nothing more of the connection is read.
//! It does not know who split the head, nor what the target means. `tests/corpus` holds the whole of it against the
//! clauses.

use super::{authority, octets};

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

/// Why a request is refused before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Neither HTTP/1.0 nor HTTP/1.1.
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    /// The head did not come in time; found only by fronts that keep the time of heads.
    #[error("the head did not arrive within read_timeout")]
    HeadTimeout,
    /// The peer closed its side within the head; found only by fronts that see that.
    #[error("the connection ended within the head")]
    HeadIncomplete,
    /// The method fills the head; found only by fronts that read heads themselves.
    #[error("the request's method has more than {limit} bytes, as many as head_bytes_max allows for the whole head")]
    MethodTooLong {
        /// `head_bytes_max`.
        limit: usize,
    },
    /// What stands in a version's place is none.
    #[error("the request line does not end in HTTP/1.1")]
    VersionMalformed,
    /// A line that does not end in CR LF.
    #[error("a line of the head does not end in CR LF")]
    LineEnd,
    /// The method is not a token.
    #[error("the method is not a token")]
    Method,
    /// A tunnel is asked for (RFC 9110 §9.3.6).
    #[error("CONNECT is not implemented: this is no proxy")]
    Connect,
    /// The target is neither a path nor an http URL.
    #[error("the request target is neither a path nor an http URL, or holds a control character or a '#'")]
    Target,
    /// The target is too long.
    #[error("the request target has {bytes} bytes, at most {limit} are read")]
    TargetTooLong {
        /// Its size.
        bytes: usize,
        /// `target_bytes_max`.
        limit: usize,
    },
    /// Too many fields.
    #[error("the request has more than {limit} header fields, as many as header_count_max allows")]
    TooManyFields {
        /// `header_count_max`.
        limit: usize,
    },
    /// The head is too large.
    #[error("the request's head has more than {limit} bytes, as many as head_bytes_max allows")]
    HeadTooLarge {
        /// `head_bytes_max`.
        limit: usize,
    },
    /// A field's name is not a token.
    #[error("the name of a header field is not a token")]
    FieldName,
    /// A field's value holds a control character; a folded line is one.
    #[error("the value of a header field holds a control character or a line fold")]
    FieldValue,
    /// A Content-Length that is not one plain number.
    #[error("Content-Length is not one plain decimal number")]
    Length,
    /// More than one Content-Length.
    #[error("Content-Length is given more than once")]
    LengthRepeated,
    /// A Content-Length beyond 64 bits.
    #[error("Content-Length is larger than any body can be")]
    LengthTooLarge,
    /// Both ways of framing at once.
    #[error("Content-Length and Transfer-Encoding exclude each other")]
    LengthAndEncoding,
    /// A Transfer-Encoding that does not end in `chunked`, or has it twice: the body's end cannot be found.
    #[error("Transfer-Encoding does not end in chunked, given once and without parameters")]
    Encoding,
    /// A coding under `chunked` (RFC 9112 §6.1).
    #[error("the only Transfer-Encoding understood is chunked alone")]
    CodingUnknown,
    /// An upgrade is asked for with a chunked body; found only by fronts that cannot ignore the wish.
    #[error("a request that asks for an upgrade has no chunked body")]
    ChunkedUpgrade,
    /// A Transfer-Encoding on HTTP/1.0.
    #[error("HTTP/1.0 knows no Transfer-Encoding")]
    EncodingOnHttp10,
    /// No Host on HTTP/1.1.
    #[error("an HTTP/1.1 request has a Host field")]
    HostMissing,
    /// More than one Host.
    #[error("Host is given more than once")]
    HostRepeated,
    /// A Host that is none.
    #[error("Host is not a host with an optional port")]
    Host,
    /// An expectation other than `100-continue`.
    #[error("the only expectation understood is 100-continue")]
    Expectation,
}

impl Fault {
    /// The status of its answer.
    pub fn status(self) -> u16 {
        match self {
            Fault::Version => 505,
            Fault::TargetTooLong { .. } => 414,
            Fault::TooManyFields { .. } | Fault::HeadTooLarge { .. } => 431,
            Fault::LengthTooLarge => 413,
            Fault::HeadTimeout => 408,
            Fault::Expectation => 417,
            Fault::Connect | Fault::CodingUnknown | Fault::MethodTooLong { .. } => 501,
            Fault::HeadIncomplete
            | Fault::VersionMalformed
            | Fault::LineEnd
            | Fault::Method
            | Fault::Target
            | Fault::FieldName
            | Fault::FieldValue
            | Fault::Length
            | Fault::LengthRepeated
            | Fault::LengthAndEncoding
            | Fault::Encoding
            | Fault::ChunkedUpgrade
            | Fault::EncodingOnHttp10
            | Fault::HostMissing
            | Fault::HostRepeated
            | Fault::Host => 400,
        }
    }

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Fault::Version => "http_version_not_supported",
            Fault::HeadTimeout => "head_timeout",
            Fault::HeadIncomplete => "head_incomplete",
            Fault::VersionMalformed => "http_version_malformed",
            Fault::LineEnd => "line_end_malformed",
            Fault::Method => "method_malformed",
            Fault::Connect | Fault::MethodTooLong { .. } => "method_not_implemented",
            Fault::Target => "target_malformed",
            Fault::TargetTooLong { .. } => "target_too_long",
            Fault::TooManyFields { .. } => "too_many_header_fields",
            Fault::HeadTooLarge { .. } => "head_too_large",
            Fault::FieldName | Fault::FieldValue => "header_malformed",
            Fault::Length | Fault::LengthRepeated => "content_length_malformed",
            Fault::LengthTooLarge => "body_too_large",
            Fault::LengthAndEncoding => "framing_ambiguous",
            Fault::CodingUnknown => "transfer_coding_unknown",
            Fault::Encoding | Fault::ChunkedUpgrade | Fault::EncodingOnHttp10 => "transfer_encoding_unsupported",
            Fault::HostMissing | Fault::HostRepeated | Fault::Host => "host_malformed",
            Fault::Expectation => "expectation_unsupported",
        }
    }
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
    let seen = gather(line, fields, limits)?;
    if version == Version::Http11 && !seen.host {
        return Err(Fault::HostMissing);
    }
    let body = match (seen.length, seen.codings) {
        (Some(_), Some(_)) => return Err(Fault::LengthAndEncoding),
        (None, Some(_)) if version == Version::Http10 => return Err(Fault::EncodingOnHttp10),
        (None, Some(Codings::Chunked)) => Announced::Chunked,
        (None, Some(Codings::ChunkedOverUnknown)) => return Err(Fault::CodingUnknown),
        (None, Some(Codings::Unknown | Codings::Endless)) => return Err(Fault::Encoding),
        (None | Some(0), None) => Announced::Nothing,
        (Some(bytes), None) => Announced::Bytes(bytes),
    };
    let is_persistent = match version {
        Version::Http11 => !seen.close,
        Version::Http10 => seen.keep_alive && !seen.close,
    };
    let expects_continue = seen.expects_continue && version == Version::Http11 && body != Announced::Nothing;
    Ok(Framing { version, target, body, is_persistent, expects_continue })
}

/// What the fields that matter for framing say together.
#[derive(Default)]
struct Seen {
    length: Option<u64>,
    codings: Option<Codings>,
    host: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

/// The list of transfer codings so far, over all fields of that name (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codings {
    /// `chunked` and nothing else.
    Chunked,
    /// `chunked` last, codings that we do not understand under it.
    ChunkedOverUnknown,
    /// Codings that we do not understand; `chunked` may still follow.
    Unknown,
    /// Whatever follows, the body has no end: something over `chunked`, or what is no coding.
    Endless,
}

impl Codings {
    /// The list with one member more. An empty member is no coding: we know of nobody who sends one in good faith.
    fn and(before: Option<Codings>, coding: &[u8]) -> Codings {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        let name = coding.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_coding = std::str::from_utf8(name).is_ok_and(is_token) && !name.eq_ignore_ascii_case(b"chunked");
        match before {
            None if is_chunked => Codings::Chunked,
            Some(Codings::Unknown) if is_chunked => Codings::ChunkedOverUnknown,
            None | Some(Codings::Unknown) if is_coding => Codings::Unknown,
            _ => Codings::Endless,
        }
    }
}

/// Bytes that a line costs besides its name and value: colon, space, CR, LF.
const FIELD_OVERHEAD_BYTES: usize = 4;

/// Bytes of a request line besides method and target: two spaces, the version, CR, LF.
const LINE_OVERHEAD_BYTES: usize = 12;

fn gather<'f>(
    line: &RequestLine<'_>,
    fields: impl Iterator<Item = (&'f str, &'f [u8])>,
    limits: &HeadLimits,
) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    let mut count = 0;
    let mut bytes = line.method.len() + line.target.len() + LINE_OVERHEAD_BYTES;
    for (name, value) in fields {
        count += 1;
        if count > limits.header_count_max {
            return Err(Fault::TooManyFields { limit: limits.header_count_max });
        }
        bytes += name.len() + value.len() + FIELD_OVERHEAD_BYTES;
        if bytes > limits.head_bytes_max {
            return Err(Fault::HeadTooLarge { limit: limits.head_bytes_max });
        }
        if !is_token(name) {
            return Err(Fault::FieldName);
        }
        if !octets::FIELD_VALUE.has_all(value) {
            return Err(Fault::FieldValue);
        }
        take(&mut seen, name, value)?;
    }
    Ok(seen)
}

/// Adds one field to what is known.
fn take(seen: &mut Seen, name: &str, value: &[u8]) -> Result<(), Fault> {
    if name.eq_ignore_ascii_case("Content-Length") {
        if seen.length.is_some() {
            return Err(Fault::LengthRepeated);
        }
        seen.length = Some(length(value)?);
    } else if name.eq_ignore_ascii_case("Transfer-Encoding") {
        for coding in members(value) {
            seen.codings = Some(Codings::and(seen.codings, coding));
        }
    } else if name.eq_ignore_ascii_case("Host") {
        if seen.host {
            return Err(Fault::HostRepeated);
        }
        // Empty is a host without a name (RFC 9110 §7.2).
        if !authority::is_host_and_port(value) {
            return Err(Fault::Host);
        }
        seen.host = true;
    } else if name.eq_ignore_ascii_case("Connection") {
        for option in members(value) {
            seen.close |= option.eq_ignore_ascii_case(b"close");
            seen.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    } else if name.eq_ignore_ascii_case("Expect") {
        for expectation in members(value).filter(|expectation| !expectation.is_empty()) {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(Fault::Expectation);
            }
            seen.expects_continue = true;
        }
    }
    Ok(())
}

/// The members of a list, empty ones included (RFC 9110 §5.6.1).
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// One or more digits, nothing else; the sum is checked against 64 bits.
fn length(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Fault::Length);
    }
    value
        .iter()
        .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(*digit - b'0')))
        .ok_or(Fault::LengthTooLarge)
}

/// The target's path and query (RFC 9112 §3.2): an http URL gives up its scheme and authority. A URL with a query and
/// no path is refused: its origin form has a slash that was not sent.
fn origin_form<'a>(line: &RequestLine<'a>) -> Result<&'a str, Fault> {
    let target = line.target;
    if !octets::TARGET.has_all(target.as_bytes()) {
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
#[path = "framing_table.rs"]
mod tests;

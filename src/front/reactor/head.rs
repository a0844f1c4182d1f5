//! The head of a request, split into lines by httparse and held against RFC 9112 by `framing`.
//!
//! Invariant: a head that passes was read the strict way: lines end in CR LF, and what httparse lets pass besides
//! (bare LF) is a fault. It does not buffer, and does not know what follows a head.

use std::mem::MaybeUninit;

use httparse::{Header, Request, Status};

use crate::api::message::Headers;
use crate::front::framing::{self, Fault, Framing, HeadLimits, RequestLine};

/// Fields of a head that are split on the stack. More are split once again, with room for all that are allowed.
const FIELDS_ON_STACK: usize = 32;

/// A sound head.
pub(super) struct Head<'b> {
    /// The method's name.
    pub(super) method: &'b str,
    /// Where the message ends, and how.
    pub(super) framing: Framing<'b>,
    /// Bytes of the head, its empty line included.
    pub(super) bytes: usize,
}

/// The fields of a head, for lookup by name.
pub(super) struct Fields<'h>(&'h [Header<'h>]);

impl Headers for Fields<'_> {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for field in self.0 {
            // A value that is no text is nothing that a handler could compare with.
            if field.name.eq_ignore_ascii_case(name)
                && let Ok(value) = std::str::from_utf8(field.value)
            {
                each(value);
            }
        }
    }
}

/// Reads the head at the start of `bytes` and gives it to `then`; `None` while it is not whole.
///
/// # Errors
/// What is wrong with it, as soon as that is sure; nothing behind it can be read then.
pub(super) fn read<'b, R>(
    bytes: &'b [u8],
    limits: &HeadLimits,
    then: impl FnOnce(Head<'b>, &Fields<'_>) -> R,
) -> Result<Option<R>, Fault> {
    // What is beyond the limit is not looked at, so that the limit and not what stands there is the fault.
    let bytes = bytes.get(..limits.head_bytes_max).unwrap_or(bytes);
    let mut few = [const { MaybeUninit::uninit() }; FIELDS_ON_STACK];
    let few = few.get_mut(..limits.header_count_max.min(FIELDS_ON_STACK)).unwrap_or_default();
    let mut request = Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, few);
    if status != Err(httparse::Error::TooManyHeaders) || limits.header_count_max <= FIELDS_ON_STACK {
        return finish(bytes, limits, &request, status, then);
    }
    let mut many = Vec::new();
    many.resize_with(limits.header_count_max, MaybeUninit::uninit);
    let mut request = Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut many);
    finish(bytes, limits, &request, status, then)
}

/// True when the request whose head begins so asks for a head alone: a refusal then has no body.
pub(super) fn is_for_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HEAD ")
}

fn finish<'b, R>(
    bytes: &'b [u8],
    limits: &HeadLimits,
    request: &Request<'_, 'b>,
    status: httparse::Result<usize>,
    then: impl FnOnce(Head<'b>, &Fields<'_>) -> R,
) -> Result<Option<R>, Fault> {
    let length = match status {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return partial(bytes, limits).map(|()| None),
        Err(error) => return Err(fault(error, bytes, limits)),
    };
    check_line_ends(bytes.get(..length).unwrap_or_default())?;
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Fault::Target);
    };
    let line = RequestLine { method, target, version: (1, minor) };
    let fields = request.headers.iter().map(|field| (field.name, field.value));
    let framing = framing::check(&line, fields, limits)?;
    Ok(Some(then(Head { method, framing, bytes: length }, &Fields(request.headers))))
}

/// Decides whether more may be waited for.
fn partial(bytes: &[u8], limits: &HeadLimits) -> Result<(), Fault> {
    check_line_ends(bytes)?;
    let line = RequestText::of(bytes);
    line.check_target(limits)?;
    if bytes.len() < limits.head_bytes_max {
        return Ok(());
    }
    Err(match line {
        RequestText { target: None, .. } => Fault::MethodTooLong { limit: limits.head_bytes_max },
        RequestText { target: Some(target), rest: None, .. } => {
            Fault::TargetTooLong { bytes: target.len(), limit: limits.target_bytes_max }
        }
        RequestText { rest: Some(_), .. } => Fault::HeadTooLarge { limit: limits.head_bytes_max },
    })
}

/// A request line as far as it has come, cut at its first two spaces.
struct RequestText<'b> {
    method: &'b [u8],
    target: Option<&'b [u8]>,
    /// What stands behind the target, up to the end of the line.
    rest: Option<&'b [u8]>,
}

impl<'b> RequestText<'b> {
    fn of(bytes: &'b [u8]) -> RequestText<'b> {
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        RequestText { method: parts.next().unwrap_or_default(), target: parts.next(), rest: parts.next() }
    }

    fn check_target(&self, limits: &HeadLimits) -> Result<(), Fault> {
        let (bytes, limit) = (self.target.map_or(0, <[u8]>::len), limits.target_bytes_max);
        if bytes > limit { Err(Fault::TargetTooLong { bytes, limit }) } else { Ok(()) }
    }
}

/// Every LF stands behind a CR.
fn check_line_ends(bytes: &[u8]) -> Result<(), Fault> {
    let is_bare = |at: usize| at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r');
    if memchr::memchr_iter(b'\n', bytes).any(is_bare) { Err(Fault::LineEnd) } else { Ok(()) }
}

/// What httparse's word means here.
fn fault(error: httparse::Error, bytes: &[u8], limits: &HeadLimits) -> Fault {
    let line = RequestText::of(bytes);
    if let Err(fault) = line.check_target(limits) {
        return fault;
    }
    match error {
        httparse::Error::HeaderName => Fault::FieldName,
        httparse::Error::HeaderValue => Fault::FieldValue,
        httparse::Error::TooManyHeaders => Fault::TooManyFields { limit: limits.header_count_max },
        httparse::Error::NewLine => Fault::LineEnd,
        httparse::Error::Version if line.rest.is_some_and(is_version) => Fault::Version,
        httparse::Error::Version => Fault::VersionMalformed,
        httparse::Error::Token | httparse::Error::Status => {
            let is_token = std::str::from_utf8(line.method).is_ok_and(framing::is_token);
            if is_token { Fault::Target } else { Fault::Method }
        }
    }
}

/// True for a version of HTTP, whichever (RFC 9112 §2.3).
fn is_version(text: &[u8]) -> bool {
    matches!(text, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

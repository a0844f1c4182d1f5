//! The head of a request, split into lines by httparse and held against RFC 9112 by `framing`.
//!
//! Invariants: a head that passes was read the strict way: lines end in CR LF, and what httparse lets pass besides
//! (bare LF) is a fault. Where the fields are known from an earlier head (`sections`), only the line is read, and what
//! comes of it is what would have come of the whole. It does not buffer, and does not know what follows a head.

use std::mem::MaybeUninit;

use httparse::{Header, Request, Status};

use crate::api::message::{Headers, Method};
use crate::front::framing::{self, CheckedLine, Fault, Framing, HeadLimits, RequestLine, Said};
use crate::front::octets;

use super::sections::{Content, Initials, Sections};

/// Fields of a head that are split on the stack. More are split once again, with room for all that are allowed.
const FIELDS_ON_STACK: usize = 32;

/// A sound head.
pub struct Head<'b> {
    /// The method.
    pub method: Method,
    /// Where the message ends, and how.
    pub framing: Framing<'b>,
    /// Bytes of the head, its empty line included.
    pub bytes: usize,
}

/// The fields of a head, for lookup by name.
pub enum Fields<'h> {
    /// As they were split.
    Split(&'h [Header<'h>]),
    /// A section that is known, and what its names begin with. It is split only when one of them is looked up.
    Known(&'h [u8], Initials),
}

impl Headers for Fields<'_> {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        let mut split;
        let fields = match *self {
            Fields::Split(fields) => fields,
            Fields::Known(section, _) => {
                split = [httparse::EMPTY_HEADER; FIELDS_ON_STACK];
                match httparse::parse_headers(section, &mut split) {
                    Ok(Status::Complete((_, fields))) => fields,
                    _ => unreachable!("a section is known because it was split before, and found sound"),
                }
            }
        };
        for field in fields {
            // A value that is no text is nothing that a handler could compare with.
            if field.name.eq_ignore_ascii_case(name)
                && let Ok(value) = std::str::from_utf8(field.value)
            {
                each(value);
            }
        }
    }

    fn may_hold(&self, start: &str) -> bool {
        match self {
            Fields::Split(fields) => Initials::of(fields.iter().map(|field| field.name)).may_hold(start),
            Fields::Known(_, initials) => initials.may_hold(start),
        }
    }
}

/// Reads the head at the start of `bytes` and gives it to `then`; `None` while it is not whole.
///
/// # Errors
/// What is wrong with it, as soon as that is sure; nothing behind it can be read then.
pub fn read<'b, R>(
    bytes: &'b [u8],
    limits: &HeadLimits,
    sections: &Sections,
    then: impl FnOnce(Head<'b>, &Fields<'_>) -> R,
) -> Result<Option<R>, Fault> {
    if let Some((head, fields)) = read_known(bytes, limits, sections) {
        return Ok(Some(then(head, &fields)));
    }
    let bytes = within(bytes, limits);
    let mut few = [const { MaybeUninit::uninit() }; FIELDS_ON_STACK];
    let few = few.get_mut(..limits.header_count_max.min(FIELDS_ON_STACK)).unwrap_or_default();
    let mut request = Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, few);
    if status != Err(httparse::Error::TooManyHeaders) || limits.header_count_max <= FIELDS_ON_STACK {
        return finish(bytes, limits, sections, &request, status, then);
    }
    let mut many = Vec::new();
    many.resize_with(limits.header_count_max, MaybeUninit::uninit);
    let mut request = Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut many);
    finish(bytes, limits, sections, &request, status, then)
}

/// True when `bytes`, a head whose last part is `fresh`, may read differently than without that part: it is looked at once
/// a line and at its limits, not once a byte, or a long one that comes in bytes would be read as often as it has bytes.
pub(super) fn may_tell_more(bytes: &[u8], fresh: &[u8], limits: &HeadLimits) -> bool {
    if memchr::memchr(b'\n', fresh).is_some() || bytes.len() >= limits.head_bytes_max {
        return true;
    }
    // A target may be too long before its line ends.
    let is_in_target = bytes.len() > limits.target_bytes_max && memchr::memchr(b'\n', bytes).is_none();
    is_in_target && memchr::memchr(b' ', bytes).is_some_and(|at| bytes.len() - at > limits.target_bytes_max)
}

/// True when the request whose head begins so asks for a head alone: a refusal then has no body.
pub(super) fn is_for_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HEAD ")
}

fn finish<'b, R>(
    bytes: &'b [u8],
    limits: &HeadLimits,
    sections: &Sections,
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
    let line = CheckedLine::new(&RequestLine { method, target, version: (1, minor) }, limits)?;
    let fields = &*request.headers;
    let said = Said::of(fields.iter().map(|field| (field.name, field.value)), line.bytes, limits)?;
    let framing = line.with(&said, limits)?;
    if fields.len() <= FIELDS_ON_STACK
        && let Some(section) = section_of(bytes.get(..length).unwrap_or_default())
    {
        sections.keep(section, Content { said, initials: Initials::of(fields.iter().map(|field| field.name)) });
    }
    Ok(Some(then(Head { method: Method::from_name(method), framing, bytes: length }, &Fields::Split(fields))))
}

/// Reads the head at the start of `bytes` when its line is as plain as nearly all are and its fields are known. That
/// this gives nothing means nothing.
pub(super) fn read_known<'b>(
    bytes: &'b [u8],
    limits: &HeadLimits,
    sections: &Sections,
) -> Option<(Head<'b>, Fields<'b>)> {
    let bytes = within(bytes, limits);
    let (method, behind) = match bytes {
        [b'G', b'E', b'T', b' ', behind @ ..] => (Method::Get, behind),
        [b'P', b'U', b'T', b' ', behind @ ..] => (Method::Put, behind),
        [b'H', b'E', b'A', b'D', b' ', behind @ ..] => (Method::Head, behind),
        [b'P', b'O', b'S', b'T', b' ', behind @ ..] => (Method::Post, behind),
        [b'P', b'A', b'T', b'C', b'H', b' ', behind @ ..] => (Method::Patch, behind),
        [b'D', b'E', b'L', b'E', b'T', b'E', b' ', behind @ ..] => (Method::Delete, behind),
        _ => return None,
    };
    let (target, behind) = octets::split_target(behind)?;
    let behind = behind.strip_prefix(b" HTTP/1.1\r\n")?;
    let line = CheckedLine::plain(target, bytes.len() - behind.len(), limits)?;
    let (section, Content { said, initials }) = sections.find(behind)?;
    let head = Head { method, bytes: line.bytes + section.len(), framing: line.with(&said, limits).ok()? };
    Some((head, Fields::Known(section, initials)))
}

/// As much of `bytes` as is looked at: what is beyond the limit is not, so that the limit and not what stands there is the
/// fault.
fn within<'b>(bytes: &'b [u8], limits: &HeadLimits) -> &'b [u8] {
    bytes.get(..limits.head_bytes_max).unwrap_or(bytes)
}

/// What stands behind the request line of a sound head.
fn section_of(head: &[u8]) -> Option<&[u8]> {
    head.get(memchr::memchr(b'\n', head)? + 1..)
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { target_bytes_max: 64, head_bytes_max: 512, header_count_max: 8 };

    /// The length at which a head that comes byte by byte is refused, and how often it was looked at until then.
    fn refused_at(head: &str, is_looked_at: impl Fn(&[u8], &[u8]) -> bool) -> (Option<usize>, usize) {
        let mut looks = 0;
        let at = (1..=head.len()).find(|length| {
            let (bytes, fresh) = (&head.as_bytes()[..*length], &head.as_bytes()[length - 1..*length]);
            is_looked_at(bytes, fresh) && {
                looks += 1;
                read(bytes, &LIMITS, &Sections::default(), |_, _| ()).is_err()
            }
        });
        (at, looks)
    }

    #[test]
    fn a_field_is_missed_by_the_first_letter_of_its_name_in_any_case() {
        for (field, may_hold) in
            [("if-match: *", true), ("IF-None-Match: *", true), ("Im: x", true), ("Accept: If-", false)]
        {
            let head = format!("GET / HTTP/1.1\r\nHost: If-\r\n{field}\r\n\r\n");
            let sections = Sections::default();
            // The second time its fields are known.
            for _ in 0..2 {
                let held = read(head.as_bytes(), &LIMITS, &sections, |_, fields| fields.may_hold("If-"));
                assert_eq!(held, Ok(Some(may_hold)), "{field}");
            }
        }
    }

    /// All that `head` is found to be.
    fn reading(head: &[u8], sections: &Sections) -> Result<Option<String>, Fault> {
        read(head, &LIMITS, sections, |head, fields| {
            let mut found = format!("{:?} {:?} {} bytes", head.method, head.framing, head.bytes);
            for name in ["Host", "CONTENT-LENGTH", "if-match", "Expect", "x"] {
                fields.each(name, &mut |value| found.push_str(&format!(" {name}={value}")));
            }
            found
        })
    }

    /// One octet is changed at a time, whichever and wherever, in heads whose fields are known.
    #[test]
    fn what_is_known_of_fields_changes_no_reading() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(63));
        let mut known = 0;
        for head in [
            "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: x:80\r\nIf-Match: \"1\",  *\r\nx: \r\nx:\ty \r\n\r\nGET",
            "PUT http://h/a HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n12345",
            "POST /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            long.as_str(),
        ] {
            let sections = Sections::default();
            for at in 0..head.len() {
                for octet in 0..=255 {
                    // What was kept of the one before may have replaced what is kept of this.
                    assert!(reading(head.as_bytes(), &sections).is_ok_and(|found| found.is_some()), "{head}");
                    let mut changed = head.as_bytes().to_vec();
                    changed[at] = octet;
                    known += usize::from(read_known(&changed, &LIMITS, &sections).is_some());
                    let anew = reading(&changed, &Sections::default());
                    assert_eq!(reading(&changed, &sections), anew, "{:?}", String::from_utf8_lossy(&changed));
                }
            }
        }
        assert!(known > 5_000, "{known} were known");
    }

    #[test]
    fn a_head_beyond_a_limit_is_refused_at_the_byte_that_shows_it_and_not_looked_at_before() {
        let long = "a".repeat(600);
        for head in [
            format!("GET /{long}"),
            format!("GET http://x/{long}"),
            long.clone(),
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}"),
            format!("GET /{} HTTP/1.1\r\n{long}", "a".repeat(63)),
        ] {
            let (at, looks) = refused_at(&head, |bytes, fresh| may_tell_more(bytes, fresh, &LIMITS));
            assert!(at.is_some(), "{head}");
            assert_eq!(at, refused_at(&head, |_, _| true).0, "{head}");
            assert!(looks <= 16, "{looks} times: {head}");
        }
    }
}

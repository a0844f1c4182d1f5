//! An obvious reading of RFC 9110 and RFC 9112, as a subject: it has the whole input at once, copies freely, and
//! shares no code with the server.
//!
//! It proves the rows before a front is held against them, and two readings that differ show a mistake in one of them.
//! It answers as the handler of the rows does.

mod chunks;
mod head;

use super::BODY_BYTES_MAX;
use super::delivery::{End, Outcome, Slice, Subject, Then};

/// The limits that the rows are written for.
pub const TARGET_BYTES_MAX: usize = 8 << 10;
/// Bytes of a head, and of a trailer section.
pub const HEAD_BYTES_MAX: usize = 32 << 10;
/// Fields of a head.
pub const HEADER_COUNT_MAX: usize = 100;
/// A body that nobody wants is read past up to this size.
const READ_PAST_BYTES_MAX: u64 = 64 << 10;

/// The subject.
pub struct Reference;

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// It is not whole yet.
    Partial,
    /// It is refused with this status.
    Refused(u16),
}

/// How the end of a body is known.
#[derive(Clone, Copy)]
enum Length {
    Known(u64),
    Chunked,
}

/// What was read, and what is behind it.
type Reading<'a, T> = Result<(T, &'a [u8]), Stop>;

impl Subject for Reference {
    fn deliver(&mut self, slices: &[Slice<'_>], then: Then) -> Outcome {
        let input: Vec<u8> = slices.iter().flat_map(|slice| slice.bytes).copied().collect();
        let mut outcome = Outcome { output: Vec::new(), end: End::StillOpen, asked: Vec::new(), ran: Vec::new() };
        let mut rest = input.as_slice();
        while outcome.end == End::StillOpen {
            match exchange(rest, &mut outcome) {
                Ok(((), behind)) => rest = behind,
                Err(Stop::Refused(status)) => {
                    reply(&mut outcome, status, b"", true, rest.starts_with(b"HEAD "));
                    outcome.end = End::Closed;
                }
                Err(Stop::Partial) => {
                    let has_begun = !rest.iter().all(|byte| b"\r\n".contains(byte));
                    match then {
                        Then::Reads => break,
                        Then::HalfCloses if has_begun => reply(&mut outcome, 400, b"", true, false),
                        Then::FallsSilent if has_begun => reply(&mut outcome, 408, b"", true, false),
                        Then::HalfCloses | Then::FallsSilent => {}
                    }
                    outcome.end = End::Closed;
                }
            }
        }
        outcome
    }
}

/// One request and its answer.
fn exchange<'a>(input: &'a [u8], outcome: &mut Outcome) -> Reading<'a, ()> {
    let (head, body) = head::head(input)?;
    let method = match head.method {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE") => known,
        _ => "OTHER",
    };
    let what = format!("{method} {}", head.target);
    outcome.asked.push(what.clone().into_bytes());
    let refusal = match method {
        "OTHER" => Some(501),
        "TRACE" => Some(405),
        _ => None,
    };
    let is_taken = head.target.starts_with("/take") && refusal.is_none();
    if is_taken && matches!(head.length, Length::Known(length) if length > BODY_BYTES_MAX as u64) {
        return Err(Stop::Refused(413));
    }
    let is_long = matches!(head.length, Length::Known(length) if length > READ_PAST_BYTES_MAX);
    let is_left = !is_taken && (is_long || head.expects_continue);
    if is_taken && head.expects_continue {
        outcome.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    let (content, rest) = if is_left { (Vec::new(), body) } else { content(head.length, body)? };
    let closes = !head.persists || is_left;
    if is_taken && content.len() > BODY_BYTES_MAX {
        return Err(Stop::Refused(413));
    }
    if let Some(status) = refusal {
        reply(outcome, status, b"", closes, false);
    } else {
        let mut ran = what.into_bytes();
        if is_taken && !content.is_empty() {
            ran.push(b' ');
            ran.extend(content);
        }
        let answer = [ran.as_slice(), b"\n"].concat();
        outcome.ran.push(ran);
        reply(outcome, 200, &answer, closes, method == "HEAD");
    }
    if closes {
        outcome.end = End::Closed;
    }
    Ok(((), rest))
}

fn reply(outcome: &mut Outcome, status: u16, body: &[u8], closes: bool, is_bodiless: bool) {
    let connection = if closes { "Connection: close\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status} \r\n{connection}Content-Length: {}\r\n\r\n", body.len());
    outcome.output.extend_from_slice(head.as_bytes());
    if !is_bodiless {
        outcome.output.extend_from_slice(body);
    }
}

/// A line up to its CRLF, in which neither a CR nor an LF stands alone.
fn line(input: &[u8]) -> Reading<'_, &[u8]> {
    let Some(end) = input.iter().position(|byte| b"\r\n".contains(byte)) else { return Err(Stop::Partial) };
    let (line, rest) = input.split_at(end);
    match rest {
        [b'\r', b'\n', behind @ ..] => Ok((line, behind)),
        [b'\r'] => Err(Stop::Partial),
        _ => Err(Stop::Refused(400)),
    }
}

/// Fields up to the empty line; names as sent, values trimmed.
fn fields(input: &[u8], bytes_max: usize) -> Reading<'_, Vec<(&str, &[u8])>> {
    let mut fields = Vec::new();
    let mut rest = input;
    loop {
        let (line, behind) = line(rest)?;
        rest = behind;
        if line.is_empty() {
            return Ok((fields, rest));
        }
        if fields.len() == HEADER_COUNT_MAX || input.len() - rest.len() > bytes_max {
            return Err(Stop::Refused(431));
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Stop::Refused(400))?;
        let (name, value) = line.split_at(colon);
        let name = std::str::from_utf8(name).map_err(|_| Stop::Refused(400))?;
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        if !is_token(name) || line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(Stop::Refused(400));
        }
        fields.push((name, value));
    }
}

fn content(length: Length, input: &[u8]) -> Reading<'_, Vec<u8>> {
    match length {
        Length::Known(length) => {
            let length = usize::try_from(length).expect("at most what is read past");
            let (content, rest) = input.split_at_checked(length).ok_or(Stop::Partial)?;
            Ok((content.to_vec(), rest))
        }
        Length::Chunked => chunks::chunked(input),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char))
}

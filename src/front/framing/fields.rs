//! What the fields of a head say about its message, together and whatever the request line is.
//!
//! Invariant: a list of fields that passes says one thing about the body's length and one about the host. It does not
//! know the request line but for its size, nor the version, which decides whether what is said may be said.

use super::{Fault, HeadLimits, is_token};
use crate::front::{authority, octets};

/// What fields say together: a function of them alone, so that the same fields need not be read twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Their size.
    pub(super) bytes: usize,
    pub(super) length: Option<u64>,
    pub(super) codings: Option<Codings>,
    pub(super) host: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
}

/// The list of transfer codings so far, over all fields of that name (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codings {
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

impl Said {
    /// Reads fields in order of arrival, behind a request line of `line_bytes`.
    ///
    /// # Errors
    /// The first fault found.
    pub fn of<'f>(
        fields: impl Iterator<Item = (&'f str, &'f [u8])>,
        line_bytes: usize,
        limits: &HeadLimits,
    ) -> Result<Said, Fault> {
        let mut said = Said::default();
        let mut count = 0;
        for (name, value) in fields {
            count += 1;
            if count > limits.header_count_max {
                return Err(Fault::TooManyFields { limit: limits.header_count_max });
            }
            said.bytes += name.len() + value.len() + FIELD_OVERHEAD_BYTES;
            if line_bytes + said.bytes > limits.head_bytes_max {
                return Err(Fault::HeadTooLarge { limit: limits.head_bytes_max });
            }
            if !is_token(name) {
                return Err(Fault::FieldName);
            }
            if !octets::FIELD_VALUE.has_all(value) {
                return Err(Fault::FieldValue);
            }
            take(&mut said, name, value)?;
        }
        Ok(said)
    }
}

/// Adds one field to what is known.
fn take(said: &mut Said, name: &str, value: &[u8]) -> Result<(), Fault> {
    if name.eq_ignore_ascii_case("Content-Length") {
        if said.length.is_some() {
            return Err(Fault::LengthRepeated);
        }
        said.length = Some(length(value)?);
    } else if name.eq_ignore_ascii_case("Transfer-Encoding") {
        for coding in members(value) {
            said.codings = Some(Codings::and(said.codings, coding));
        }
    } else if name.eq_ignore_ascii_case("Host") {
        if said.host {
            return Err(Fault::HostRepeated);
        }
        // Empty is a host without a name (RFC 9110 §7.2).
        if !authority::is_host_and_port(value) {
            return Err(Fault::Host);
        }
        said.host = true;
    } else if name.eq_ignore_ascii_case("Connection") {
        for option in members(value) {
            said.close |= option.eq_ignore_ascii_case(b"close");
            said.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    } else if name.eq_ignore_ascii_case("Expect") {
        for expectation in members(value).filter(|expectation| !expectation.is_empty()) {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(Fault::Expectation);
            }
            said.expects_continue = true;
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

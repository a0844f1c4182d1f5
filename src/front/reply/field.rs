//! One header field of a reply, as bytes.
//!
//! Invariant: a field ends its own line and no other, whatever its value holds. It does not know the other fields.

use crate::api::message::{Field, Value};
use crate::api::timestamp;

/// Appends a field: its line, or both where it is two.
// A call costs more than most fields do.
#[inline(always)]
pub fn push_field(out: &mut Vec<u8>, field: &Field) {
    match field {
        Field::Json => out.extend_from_slice(b"Content-Type: application/json\r\n"),
        Field::NoCache => out.extend_from_slice(b"Cache-Control: no-cache\r\n"),
        Field::EntityTag(version) => {
            out.extend_from_slice(b"ETag: \"");
            push_number(out, *version);
            out.extend_from_slice(b"\"\r\n");
        }
        Field::Expiry { ttl_ms, at } => {
            out.extend_from_slice(b"MT-TTL: ");
            push_seconds(out, *ttl_ms);
            out.extend_from_slice(b"\r\nMT-Expires-At: ");
            timestamp::push(out, *at);
            out.extend_from_slice(b"\r\n");
        }
        Field::Named(name, value) => {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            push_value(out, value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Appends a text that nearly always has `LIKELY` octets: then it is copied without a call.
#[inline(always)]
pub(super) fn push_likely<const LIKELY: usize>(out: &mut Vec<u8>, text: &str) {
    match <&[u8; LIKELY]>::try_from(text.as_bytes()) {
        Ok(text) => out.extend_from_slice(text),
        Err(_) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Decimal digits, without the machinery of `fmt`: a GET writes two of these.
pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Control characters are left out: a value must never end its line.
fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Static(text) => out.extend_from_slice(text.as_bytes()),
        Value::Text(text) => out.extend(text.bytes().filter(|byte| !byte.is_ascii_control())),
        Value::Number(number) => push_number(out, *number),
    }
}

/// Seconds with three decimals.
fn push_seconds(out: &mut Vec<u8>, millis: u64) {
    push_number(out, millis / 1000);
    out.push(b'.');
    for digit in [millis % 1000 / 100, millis % 100 / 10, millis % 10] {
        push_number(out, digit);
    }
}

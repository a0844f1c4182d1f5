//! The seed's envelope, frozen: `{"success":…,"message":…,"data":…}` out, `{"key","value","ttl_seconds"}` in.
//!
//! Messages are escaped as Go's encoder does it (`<`, `>`, `&` and the two Unicode line separators too), because old
//! clients may compare them; documents and keys in `data` are not.

use std::borrow::Cow;

use crate::base::json;

use super::message::{Piece, Response, Value};

/// Content-Type of every envelope.
pub const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// The envelope's first member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// `true`
    Yes,
    /// `false`
    No,
}

/// A complete envelope without data.
pub fn message(success: Success, text: &str) -> Vec<u8> {
    let mut body = open(success, text);
    body.extend_from_slice(b"}\n");
    body
}

/// A complete envelope with `data`, which is JSON already.
pub fn with_data(text: &str, data: &[u8]) -> Vec<u8> {
    let mut body = open_data(text);
    body.extend_from_slice(data);
    body.extend_from_slice(b"}\n");
    body
}

/// The beginning of a successful envelope up to and including `"data":`.
pub fn open_data(text: &str) -> Vec<u8> {
    let mut body = open(Success::Yes, text);
    body.extend_from_slice(b",\"data\":");
    body
}

fn open(success: Success, text: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(text.len() + 64);
    body.extend_from_slice(match success {
        Success::Yes => b"{\"success\":true,\"message\":".as_slice(),
        Success::No => b"{\"success\":false,\"message\":",
    });
    escape_as_go_into(&mut body, text);
    body
}

/// A reply whose body is an envelope.
pub fn reply(status: u16, body: Vec<u8>) -> Response {
    Response::new(status).with("Content-Type", Value::Static(CONTENT_TYPE)).with_piece(Piece::Owned(body))
}

/// Appends `text` as a JSON string with the escapes of Go's encoder.
pub fn escape_as_go_into(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    json::escape_into(out, text);
    let needs_more = |character| matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if !text.contains(needs_more) {
        return;
    }
    let escaped = String::from_utf8_lossy(&out.split_off(start)).into_owned();
    for character in escaped.chars() {
        if needs_more(character) {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The body of the seed's two set endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetBody<'a> {
    /// `key`, empty when absent or null.
    pub key: Cow<'a, str>,
    /// `value` as written; `None` when absent.
    pub value: Option<&'a [u8]>,
    /// `ttl_seconds`, 0 when it is negative; `None` when absent or null.
    pub ttl_seconds: Option<u64>,
}

/// Why a body is not one that a set endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASetBody;

/// Reads the body of a set endpoint from `text`, which has passed validation as JSON.
///
/// Member names match without regard to case, the last of two wins, as Go's decoder has it.
///
/// # Errors
/// When it is neither an object nor null, has another member, or a member of the wrong type.
pub fn read_set_body(text: &[u8]) -> Result<SetBody<'_>, NotASetBody> {
    let mut body = SetBody { key: Cow::Borrowed(""), value: None, ttl_seconds: None };
    if json::trim(text) == b"null" {
        return Ok(body);
    }
    for member in json::members(text).ok_or(NotASetBody)? {
        let name = json::unescape(member.name).map_err(|_| NotASetBody)?;
        match fold(&name).as_str() {
            "key" => match member.value.first() {
                Some(b'"') => body.key = json::unescape(member.value).map_err(|_| NotASetBody)?,
                Some(b'n') => {}
                _ => return Err(NotASetBody),
            },
            "value" => body.value = Some(member.value),
            "ttl_seconds" => body.ttl_seconds = read_ttl(member.value, body.ttl_seconds)?,
            _ => return Err(NotASetBody),
        }
    }
    Ok(body)
}

/// `null` leaves what an earlier member set; a number must be a 64-bit integer without fraction or exponent.
fn read_ttl(value: &[u8], before: Option<u64>) -> Result<Option<u64>, NotASetBody> {
    if value == b"null" {
        return Ok(before);
    }
    let text = std::str::from_utf8(value).map_err(|_| NotASetBody)?;
    let seconds: i64 = text.parse().map_err(|_| NotASetBody)?;
    Ok(Some(u64::try_from(seconds).unwrap_or(0)))
}

/// Unicode's simple case folding as far as the three member names need it (the Kelvin sign and the long s fold to
/// letters in them).
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_escaped_as_go_does_it() {
        assert_eq!(
            message(Success::No, "<a> & \"b\"\u{2028}\n"),
            b"{\"success\":false,\"message\":\"\\u003ca\\u003e \\u0026 \\\"b\\\"\\u2028\\n\"}\n"
        );
    }

    #[test]
    fn the_last_member_wins_whatever_its_case() {
        let body = read_set_body(br#"{"key":"a","KEY":"b","Value":1,"value":{"x": 2},"TTL_Seconds":5}"#).unwrap();
        assert_eq!(body, SetBody { key: "b".into(), value: Some(b"{\"x\": 2}"), ttl_seconds: Some(5) });
        assert_eq!(read_set_body("{\"\u{212a}ey\":\"k\"}".as_bytes()).unwrap().key, "k");
    }

    #[test]
    fn null_leaves_what_was_there_and_is_a_value() {
        let body = read_set_body(br#"{"key":"a","key":null,"value":null,"ttl_seconds":7,"ttl_seconds":null}"#).unwrap();
        assert_eq!(body, SetBody { key: "a".into(), value: Some(b"null"), ttl_seconds: Some(7) });
        assert_eq!(read_set_body(b" null ").unwrap().key, "");
    }

    #[test]
    fn wrong_types_and_other_members_are_refused() {
        for text in [
            r#"[]"#,
            r#""x""#,
            r#"{"key":5}"#,
            r#"{"key":"k","extra":1}"#,
            r#"{"ttl_seconds":1.5}"#,
            r#"{"ttl_seconds":1e3}"#,
            r#"{"ttl_seconds":"5"}"#,
            r#"{"ttl_seconds":9223372036854775808}"#,
            r#"{"key":"\ud800"}"#,
        ] {
            assert_eq!(read_set_body(text.as_bytes()), Err(NotASetBody), "{text}");
        }
        assert_eq!(read_set_body(br#"{"ttl_seconds":-5}"#).unwrap().ttl_seconds, Some(0));
        assert_eq!(read_set_body(br#"{"ttl_seconds":0}"#).unwrap().ttl_seconds, Some(0));
    }
}

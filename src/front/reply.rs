//! A response as bytes: status line, fields and, when it is small, the whole body in one buffer, so that one write
//! sends it.
//!
//! Invariant: the head says exactly how the body that follows ends (RFC 9112 §6.3): a length, chunks, the end of the
//! connection, or that there is none. It does not write to sockets and knows no clock; the date is an argument.

mod field;

use crate::api::message::{Response, ResponseBody};

use super::framing::Version;

use field::{push_likely, push_number};

pub use field::push_field;

/// Bodies up to this size are copied behind the head: copying 16 KiB costs about what one more write does.
pub const INLINE_BYTES_MAX: usize = 16 << 10;

/// Bytes of a date, as the fronts write it.
const DATE_BYTES: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

/// Bytes of most heads.
const HEAD_BYTES: usize = 384;

/// What a head must know besides the response.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// The version that the request came in.
    pub version: Version,
    /// True when the connection ends after this reply.
    pub close: bool,
    /// The value of the `Date` field.
    pub date: &'a str,
}

/// What remains to be sent once the buffer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Nothing: the buffer held it all.
    Nothing,
    /// The response's pieces, by reference.
    Pieces,
    /// The response's stream, in chunks.
    Chunks,
    /// The response's stream as it is; its end is the end of the connection.
    UntilClose,
}

/// Appends the head of `response`, and its body when that is small, to `out`.
pub fn begin(out: &mut Vec<u8>, response: &Response, manner: Manner<'_>) -> Remaining {
    let is_sent = !response.head_only && !response.is_bodiless();
    let is_stream = matches!(response.body, ResponseBody::Stream(_));
    // Without chunks, the end of a stream is the end of the connection.
    let is_endless = is_stream && is_sent && manner.version == Version::Http10;
    let length = response.body_length().unwrap_or(0);
    // Room for all that most replies have, asked for once.
    out.reserve(HEAD_BYTES + length.min(INLINE_BYTES_MAX));
    match response.status {
        200 => out.extend_from_slice(b"HTTP/1.1 200 OK\r\nDate: "),
        status => {
            out.extend_from_slice(b"HTTP/1.1 ");
            push_number(out, u64::from(status));
            out.push(b' ');
            out.extend_from_slice(reason(status).as_bytes());
            out.extend_from_slice(b"\r\nDate: ");
        }
    }
    push_likely::<DATE_BYTES>(out, manner.date);
    out.extend_from_slice(b"\r\n");
    for field in &response.headers {
        push_field(out, field);
    }
    match (manner.close || is_endless, manner.version) {
        (true, _) => out.extend_from_slice(b"Connection: close\r\n"),
        (false, Version::Http10) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        (false, Version::Http11) => {}
    }
    match &response.body {
        ResponseBody::Pieces(pieces) if !response.is_bodiless() => {
            out.extend_from_slice(b"Content-Length: ");
            push_number(out, length as u64);
            out.extend_from_slice(b"\r\n\r\n");
            match is_sent {
                true if length > INLINE_BYTES_MAX => return Remaining::Pieces,
                true => pieces.iter().for_each(|piece| out.extend_from_slice(piece.bytes())),
                false => {}
            }
            Remaining::Nothing
        }
        ResponseBody::Stream(_) if is_sent && !is_endless => {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            Remaining::Chunks
        }
        ResponseBody::Pieces(_) | ResponseBody::Stream(_) => {
            out.extend_from_slice(b"\r\n");
            if is_endless { Remaining::UntilClose } else { Remaining::Nothing }
        }
    }
}

/// Appends what comes before the data of a chunk (RFC 9112 §7.1). `length` is not 0, which would be the end.
pub fn begin_chunk(out: &mut Vec<u8>, length: usize) {
    debug_assert!(length > 0, "an empty chunk ends the body");
    let digits = length.checked_ilog(16).unwrap_or(0) + 1;
    for place in (0..digits).rev() {
        let digit = u8::try_from(length >> (4 * place) & 15).unwrap_or_default();
        out.push(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends what comes behind the data of a chunk.
pub fn end_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

/// Appends what comes behind the last chunk: the end of the body, without trailers.
pub fn end_chunks(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

/// The reason phrase of a status; empty for one that we never send.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::message::{BodyStream, Field, Part, Piece, Pulled, Value};
    use crate::base::clock::UnixMillis;
    use crate::model::{Document, Key};

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const KEEP: Manner<'_> = Manner { version: Version::Http11, close: false, date: DATE };
    const CLOSE: Manner<'_> = Manner { version: Version::Http11, close: true, date: DATE };
    const OLD: Manner<'_> = Manner { version: Version::Http10, close: false, date: DATE };

    struct Nothing;

    impl BodyStream for Nothing {
        fn pull(&mut self, _: &mut Part) -> Pulled {
            Pulled::Ended
        }
    }

    fn streamed() -> Response {
        let mut response = Response::new(200);
        response.body = ResponseBody::Stream(Box::new(Nothing));
        response
    }

    #[track_caller]
    fn check(response: &Response, manner: Manner<'_>, remaining: Remaining, expected: &str) {
        let mut out = Vec::new();
        assert_eq!(begin(&mut out, response, manner), remaining);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_document_goes_out_as_one_buffer() {
        let document = Document::new(Key::new("k").unwrap(), b"{\"a\":1}");
        let response = Response::new(200)
            .with_field(Field::Json)
            .with_field(Field::EntityTag(18_446_744_073_709_551_615))
            .with_field(Field::Expiry { ttl_ms: 61_007, at: UnixMillis(1_795_374_000_007) })
            .with("Age", Value::Number(0))
            .with_piece(Piece::Document(document))
            .with_piece(Piece::Static(b"\n"));
        check(
            &response,
            KEEP,
            Remaining::Nothing,
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n\
             ETag: \"18446744073709551615\"\r\nMT-TTL: 61.007\r\n\
             MT-Expires-At: 2026-11-22T19:00:00.007Z\r\nAge: 0\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n",
        );
    }

    #[test]
    fn what_becomes_of_the_connection_is_said_where_it_is_not_the_default() {
        let head = "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        let response = Response::new(404);
        let expected = |field: &str| format!("{head}{field}Content-Length: 0\r\n\r\n");
        check(&response, KEEP, Remaining::Nothing, &expected(""));
        check(&response, CLOSE, Remaining::Nothing, &expected("Connection: close\r\n"));
        check(&response, OLD, Remaining::Nothing, &expected("Connection: keep-alive\r\n"));
        let old_and_closed = Manner { close: true, ..OLD };
        check(&response, old_and_closed, Remaining::Nothing, &expected("Connection: close\r\n"));
    }

    #[test]
    fn a_head_reply_measures_the_body_and_does_not_send_it() {
        let mut response = Response::new(200).with_piece(Piece::Static(b"12345"));
        response.head_only = true;
        let head = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        check(&response, KEEP, Remaining::Nothing, &format!("{head}Content-Length: 5\r\n\r\n"));
        let mut response = streamed();
        response.head_only = true;
        check(&response, KEEP, Remaining::Nothing, &format!("{head}\r\n"));
        check(&response, OLD, Remaining::Nothing, &format!("{head}Connection: keep-alive\r\n\r\n"));
    }

    #[test]
    fn statuses_without_a_body_have_neither_body_nor_length() {
        for (status, line) in [(204, "204 No Content"), (304, "304 Not Modified")] {
            let response = Response::new(status).with_piece(Piece::Static(b"never sent"));
            let expected = format!("HTTP/1.1 {line}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
            check(&response, KEEP, Remaining::Nothing, &expected);
        }
    }

    #[test]
    fn a_large_body_is_left_to_be_written_by_reference() {
        for (length, remaining) in [(INLINE_BYTES_MAX, Remaining::Nothing), (INLINE_BYTES_MAX + 1, Remaining::Pieces)] {
            let response = Response::new(200).with_piece(Piece::Owned(vec![b'x'; length]));
            let mut out = Vec::new();
            assert_eq!(begin(&mut out, &response, KEEP), remaining);
            let head = format!(
                "HTTP/1.1 200 OK\r\nDate: {DATE}\r\nContent-Length: {length}\r\n\r\n{}",
                if remaining == Remaining::Nothing { "x".repeat(length) } else { String::new() }
            );
            assert_eq!(out, head.as_bytes());
        }
    }

    #[test]
    fn a_stream_is_chunked_on_http_11_and_ends_with_the_connection_on_http_10() {
        let head = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        check(&streamed(), KEEP, Remaining::Chunks, &format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
        check(&streamed(), OLD, Remaining::UntilClose, &format!("{head}Connection: close\r\n\r\n"));
    }

    #[test]
    fn a_chunk_carries_its_size_in_hexadecimal() {
        for (length, head) in
            [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0xabc0, "abc0\r\n"), (usize::MAX, "ffffffffffffffff\r\n")]
        {
            let mut out = Vec::new();
            begin_chunk(&mut out, length);
            assert_eq!(String::from_utf8(out).unwrap(), head);
        }
    }

    #[test]
    fn a_value_cannot_end_its_line() {
        let response = Response::new(201).with("Location", Value::Text("/a\r\nSet-Cookie: b\0\u{7f}é".to_owned()));
        check(
            &response,
            KEEP,
            Remaining::Nothing,
            "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nLocation: /aSet-Cookie: bé\r\n\
             Content-Length: 0\r\n\r\n",
        );
    }
}

//! Reading and validating a request's body.
//!
//! A body is pulled into one buffer per thread, validated on a scratch copy (simd-json parses in place and changes
//! what it parses) and only then copied into a document. A large body is validated in place by the grammar, which
//! needs no memory. Buffers are reused from request to request and given back when one body has blown them up.

use std::cell::RefCell;
use std::io::{ErrorKind, Read};

use simd_json::{Buffers, Tape};

use crate::base::json;
use crate::base::limits::JSON_DEPTH_MAX;

use super::message::RequestBody;
use super::problem::{Kind, Problem};

/// Buffers over this size are not kept between requests: a thread must not hold on to the largest body it ever saw.
const KEPT_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Texts over this size are left to the grammar. simd-json takes up to 32 times the size of a text (four copies, and
/// 28 bytes for each of its commas, braces and numbers): 290 MB for an array of zeros of 16 MiB. Buffers of that size
/// are not kept, and with fresh ones it is slower: 444 MB/s to the grammar's 536 at 100 KB, 125 to 447 at 16 MiB.
const FAST_TEXT_BYTES_MAX: usize = 64 * 1024;

/// How much is asked of a stream at once when its length was not announced.
const STREAM_STEP_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// How large a body may be, and what to tell those whose body is larger.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Bytes of the document: the limit that is told.
    pub document_bytes_max: usize,
    /// Bytes that may stand around it in the body.
    pub around_bytes_max: usize,
    /// The config key behind it.
    pub option: &'static str,
}

impl Limit {
    fn body_bytes_max(self) -> usize {
        self.document_bytes_max.saturating_add(self.around_bytes_max)
    }

    /// The 413 that names the limit, the size where it is known, and the config key.
    pub fn too_large(self, bytes: Option<usize>) -> Problem {
        let Limit { document_bytes_max, option, .. } = self;
        let size = bytes.map_or("more".to_owned(), |bytes| bytes.to_string());
        let detail = format!("at most {document_bytes_max} bytes are accepted ({option}), these are {size}");
        let problem = Problem::new(Kind::DocumentTooLarge, detail)
            .hint(format!("the option {option} sets the limit"))
            .size("limit_bytes", document_bytes_max);
        match bytes {
            Some(bytes) => problem.size("size_bytes", bytes),
            None => problem,
        }
    }
}

struct Scratch {
    body: Vec<u8>,
    copy: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch {
            body: Vec::new(),
            copy: Vec::new(),
            buffers: Buffers::with_max_depth(STREAM_STEP_BYTES, JSON_DEPTH_MAX),
            tape: Tape(Vec::new()),
        }
    }
}

/// Reads the whole of `body`, validates it as one JSON value, and gives `then` its text without outer white space.
///
/// `limit` bounds the body as it is sent.
///
/// # Errors
/// `document_too_large` (without reading, when the length was announced), `body_timeout`, `body_incomplete`,
/// `json_invalid` with the offset, `length_required`.
pub fn with_json<R>(
    body: RequestBody<'_>,
    limit: Limit,
    then: impl FnOnce(&[u8]) -> Result<R, Problem>,
) -> Result<R, Problem> {
    SCRATCH.with_borrow_mut(|scratch| {
        let result = match body {
            RequestBody::Bytes(bytes) => check_size(bytes.len(), limit)
                .and_then(|()| scratch.validate(bytes))
                .and_then(|()| then(json::trim(bytes))),
            RequestBody::Stream { reader, length } => {
                let mut bytes = std::mem::take(&mut scratch.body);
                bytes.clear();
                let result = read_into(&mut bytes, reader, length, limit)
                    .and_then(|()| scratch.validate(&bytes))
                    .and_then(|()| check_whole(&bytes, length))
                    .and_then(|()| then(json::trim(&bytes)));
                scratch.body = bytes;
                result
            }
        };
        if scratch.largest_bytes() > KEPT_BUFFER_BYTES_MAX {
            *scratch = Scratch::new();
        }
        result
    })
}

impl Scratch {
    /// Size of the largest buffer. The parser's own are smaller than the copy or than the tape, for which it makes
    /// room for all that it has found, except the list of what it found when the text is not even UTF-8.
    fn largest_bytes(&self) -> usize {
        let tape = self.tape.0.capacity().saturating_mul(size_of::<simd_json::Node<'_>>());
        self.body.capacity().max(self.copy.capacity()).max(tape)
    }

    /// Decides whether `text` is JSON: quickly when simd-json says yes; what it refuses is asked of the grammar,
    /// because it refuses some legal texts too, and because its offsets are approximate.
    fn validate(&mut self, text: &[u8]) -> Result<(), Problem> {
        if text.len() <= FAST_TEXT_BYTES_MAX && self.is_accepted(text) {
            return Ok(());
        }
        json::check(text, JSON_DEPTH_MAX).map_err(|fault| {
            let problem = Problem::new(Kind::JsonInvalid, fault.to_string()).size("offset", fault.offset);
            match fault.reason {
                "nested too deeply" => problem.hint(format!("at most {JSON_DEPTH_MAX} levels are accepted")),
                _ => problem,
            }
        })
    }

    /// True when simd-json takes `text` for JSON.
    fn is_accepted(&mut self, text: &[u8]) -> bool {
        self.copy.clear();
        self.copy.extend_from_slice(text);
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let is_accepted = simd_json::fill_tape(&mut self.copy, &mut self.buffers, &mut tape).is_ok();
        self.tape = tape.reset();
        is_accepted
    }
}

fn check_size(bytes: usize, limit: Limit) -> Result<(), Problem> {
    if bytes <= limit.body_bytes_max() {
        return Ok(());
    }
    Err(limit.too_large(Some(bytes)))
}

/// A front may take a peer that went away within a chunk for the end of the body. Every JSON text shows by its last
/// byte that it is whole, except a number: what is left of one is one.
fn check_whole(text: &[u8], length: Option<u64>) -> Result<(), Problem> {
    if length.is_some() || !text.last().is_some_and(u8::is_ascii_digit) {
        return Ok(());
    }
    Err(Problem::new(Kind::LengthRequired, "a number that comes in chunks could have been cut short")
        .hint("send it with a Content-Length, or with a line end behind it"))
}

fn read_into(bytes: &mut Vec<u8>, reader: &mut dyn Read, length: Option<u64>, limit: Limit) -> Result<(), Problem> {
    if let Some(length) = length {
        let announced = usize::try_from(length).unwrap_or(usize::MAX);
        check_size(announced, limit).map_err(Problem::closing)?;
        bytes.reserve(announced.min(STREAM_STEP_BYTES * 64));
    }
    let bytes_max = limit.body_bytes_max();
    // One byte more than allowed shows that a body without an announced length is too large.
    let most = length.unwrap_or(u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1));
    match reader.take(most).read_to_end(bytes) {
        Ok(_) if bytes.len() > bytes_max => Err(limit.too_large(None).closing()),
        Ok(_) if length.is_some_and(|length| u64::try_from(bytes.len()) != Ok(length)) => {
            let detail = format!("{} of the announced {most} bytes arrived", bytes.len());
            Err(Problem::new(Kind::BodyIncomplete, detail).closing())
        }
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            Err(Problem::new(Kind::BodyTimeout, format!("{} bytes of the body had arrived", bytes.len())).closing())
        }
        Err(error) => Err(Problem::new(Kind::BodyIncomplete, format!("the body could not be read: {error}")).closing()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::ResponseBody;
    use super::*;

    fn limit(document_bytes_max: usize) -> Limit {
        Limit { document_bytes_max, around_bytes_max: 0, option: "document_bytes_max" }
    }

    fn verdict(text: &[u8]) -> Result<Vec<u8>, Problem> {
        with_json(RequestBody::Bytes(text), limit(4096), |text| Ok(text.to_vec()))
    }

    fn streamed(text: &[u8], length: Option<u64>, bytes_max: usize) -> Result<Vec<u8>, Problem> {
        let mut reader = text;
        let body = RequestBody::Stream { reader: &mut reader, length };
        with_json(body, limit(bytes_max), |text| Ok(text.to_vec()))
    }

    #[test]
    fn a_value_is_passed_on_as_written_without_outer_white_space() {
        assert_eq!(verdict(b" {\"a\" : 1.0}\n").unwrap(), b"{\"a\" : 1.0}");
        assert_eq!(streamed(b"[1, 2 ]", Some(7), 7).unwrap(), b"[1, 2 ]");
        assert_eq!(streamed(b"[1, 2 ]", None, 7).unwrap(), b"[1, 2 ]");
    }

    #[test]
    fn legal_texts_that_the_fast_parser_refuses_are_accepted() {
        for text in ["1e400", "\"\\ud800\"", "[1e99999999999999999999]", "-1E-99999", "123456789012345678901234567890"]
        {
            assert_eq!(verdict(text.as_bytes()).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn the_offset_of_the_fault_is_exact() {
        for (text, offset) in [("", 0), ("[1,]", 3), ("{\"a\":\"b\\x\"}", 8), ("{} x", 3), ("[\"\u{1}\"]", 2)] {
            let response = verdict(text.as_bytes()).unwrap_err().into_response();
            let ResponseBody::Pieces(pieces) = response.body else { panic!("not pieces") };
            let body = String::from_utf8(pieces[0].bytes().to_vec()).unwrap();
            assert!(body.ends_with(&format!("\"offset\":{offset}}}\n")), "{text}: {body}");
        }
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused_without_reading() {
        struct Untouchable;
        impl Read for Untouchable {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("the body was read")
            }
        }
        let body = RequestBody::Stream { reader: &mut Untouchable, length: Some(u64::MAX) };
        let problem = with_json(body, limit(10), |_| Ok(())).unwrap_err();
        assert_eq!(problem.kind(), Kind::DocumentTooLarge);
    }

    #[test]
    fn a_body_without_a_length_is_cut_off_at_the_limit() {
        assert_eq!(streamed(b"[1,2,3]", None, 6).unwrap_err().kind(), Kind::DocumentTooLarge);
    }

    #[test]
    fn a_body_that_ends_early_is_incomplete() {
        assert_eq!(streamed(b"[1", Some(7), 100).unwrap_err().kind(), Kind::BodyIncomplete);
    }

    #[test]
    fn nesting_is_accepted_to_its_limit_and_not_beyond() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(verdict(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(verdict(nested(JSON_DEPTH_MAX + 1).as_bytes()).unwrap_err().kind(), Kind::JsonInvalid);
    }

    /// Only the body's own bytes were looked at, so that each thread kept up to 24 times as much for what the parser
    /// had found in them.
    #[test]
    fn what_is_kept_between_requests_is_bounded_whatever_stood_in_the_body() {
        for (dense, bytes) in [("0,", 2_000), ("0,", 65_000), ("0,", 2_000_000), ("[],", 60_000)] {
            let text = format!("[{}0]", dense.repeat(bytes / dense.len() - 1));
            let mut reader = text.as_bytes();
            let body = RequestBody::Stream { reader: &mut reader, length: Some(text.len() as u64) };
            with_json(body, limit(4 << 20), |_| Ok(())).unwrap();
            SCRATCH.with_borrow(|scratch| {
                let tape = scratch.tape.0.capacity() * size_of::<simd_json::Node<'_>>();
                let kept = scratch.body.capacity() + scratch.copy.capacity() + tape;
                assert!(kept <= 3 * KEPT_BUFFER_BYTES_MAX, "{kept} bytes after {bytes} of {dense:?}");
            });
        }
    }

    #[test]
    fn a_large_text_is_validated_without_copies() {
        let mut scratch = Scratch::new();
        let text = format!("[{}0]", "0,".repeat(1 << 20));
        scratch.validate(text.as_bytes()).unwrap();
        assert_eq!(scratch.largest_bytes(), 0);
        assert!(scratch.validate(&text.as_bytes()[1..]).is_err());
    }
}

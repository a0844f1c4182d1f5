//! Validating a request's body, and the wording of what can be wrong with one.
//!
//! A front gathers the body; here it is validated on a scratch copy (simd-json parses in place and changes what it
//! parses) and only then copied into a document. A large body is validated in place by the grammar, which needs no
//! memory, and so is a line, whose members it finds in the same pass. Buffers are reused from request to request and
//! given back when one body has blown them up.

use std::cell::RefCell;

use simd_json::{Buffers, Tape};

use crate::base::json::{self, Malformed, Member};
use crate::base::limits::JSON_DEPTH_MAX;

use super::call::Otherwise;
use super::message::{BodyFault, RequestBody};
use super::problem::{Kind, Problem};

/// Buffers over this size are not kept between requests: a thread must not hold on to the largest body it ever saw.
const KEPT_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Texts over this size are left to the grammar. simd-json takes up to 32 times the size of a text (four copies, and
/// 28 bytes for each of its commas, braces and numbers): 290 MB for an array of zeros of 16 MiB. Buffers of that size
/// are not kept, and with fresh ones it is slower: 444 MB/s to the grammar's 536 at 100 KB, 125 to 447 at 16 MiB.
const FAST_TEXT_BYTES_MAX: usize = 64 * 1024;

/// The size of text that the parser's buffers are made for at first.
const EXPECTED_TEXT_BYTES: usize = 16 * 1024;

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
    /// The config key behind it; `None` when it is fixed.
    pub option: Option<&'static str>,
}

impl Limit {
    /// Bytes of the body with all that stands around the document.
    pub fn body_bytes_max(self) -> usize {
        self.document_bytes_max.saturating_add(self.around_bytes_max)
    }

    /// The 413 that names the limit, the size where it is known, and the config key.
    pub fn too_large(self, bytes: Option<usize>) -> Problem {
        let Limit { document_bytes_max, option, .. } = self;
        let size = bytes.map_or("more".to_owned(), |bytes| bytes.to_string());
        let problem = match option {
            Some(option) => Problem::new(
                Kind::DocumentTooLarge,
                format!("at most {document_bytes_max} bytes are accepted ({option}), these are {size}"),
            )
            .hint(format!("the option {option} sets the limit")),
            None => Problem::new(
                Kind::BodyTooLarge,
                format!("at most {document_bytes_max} bytes are accepted here, these are {size}"),
            )
            .hint("send it in parts"),
        };
        let problem = problem.size("limit_bytes", document_bytes_max);
        match bytes {
            Some(bytes) => problem.size("size_bytes", bytes),
            None => problem,
        }
    }
}

struct Scratch {
    copy: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch {
            copy: Vec::new(),
            buffers: Buffers::with_max_depth(EXPECTED_TEXT_BYTES, JSON_DEPTH_MAX),
            tape: Tape(Vec::new()),
        }
    }
}

/// Validates `body` as one JSON value, and gives `then` its text without outer white space. A body that is not here yet
/// is asked for, so whatever else can be wrong with a request is checked before.
///
/// `limit` bounds the body as it is sent.
///
/// # Errors
/// `Gather`; `document_too_large` (without gathering, when the length was announced), `json_invalid` with the offset,
/// and what became of a body that will never be whole.
pub fn with_json<R>(
    body: RequestBody<'_>,
    limit: Limit,
    then: impl FnOnce(&[u8]) -> Result<R, Problem>,
) -> Result<R, Otherwise> {
    let text = match body {
        RequestBody::Bytes(text) => text,
        RequestBody::Awaited { length } => {
            if let Some(length) = length {
                check_size(usize::try_from(length).unwrap_or(usize::MAX), limit)?;
            }
            return Err(Otherwise::Gather { bytes_max: limit.body_bytes_max() });
        }
        RequestBody::Failed(fault) => return Err(problem_of(fault, limit).into()),
    };
    check_size(text.len(), limit)?;
    validate(text)?;
    Ok(then(json::trim(text))?)
}

fn check_size(bytes: usize, limit: Limit) -> Result<(), Problem> {
    if bytes <= limit.body_bytes_max() {
        return Ok(());
    }
    Err(limit.too_large(Some(bytes)))
}

/// What is said of a body that will never be whole.
pub fn problem_of(fault: BodyFault, limit: Limit) -> Problem {
    match fault {
        BodyFault::TooLarge => limit.too_large(None),
        BodyFault::Stalled { bytes } => {
            Problem::new(Kind::BodyTimeout, format!("{bytes} bytes of the body had arrived"))
        }
        BodyFault::Incomplete { bytes, length: Some(length) } => {
            Problem::new(Kind::BodyIncomplete, format!("{bytes} of the announced {length} bytes arrived"))
        }
        BodyFault::Incomplete { bytes, length: None } => Problem::new(
            Kind::BodyIncomplete,
            format!("the connection ended after {bytes} bytes, before the last chunk"),
        ),
        BodyFault::Malformed => {
            Problem::new(Kind::BodyMalformed, "a chunk is not framed as RFC 9112 section 7.1 has it")
                .hint("send the body with a Content-Length")
        }
        BodyFault::Crowded => {
            Problem::new(Kind::TooManyBodies, "the bodies that are arriving take as much memory as they may")
                .hint("try again when others have arrived, or raise bodies_bytes_max")
        }
        BodyFault::EndUnclear => {
            Problem::new(Kind::LengthRequired, "a number that comes in chunks could have been cut short")
                .hint("send it with a Content-Length, or with a line end behind it")
        }
    }
}

/// Decides whether `text` is JSON, with this thread's buffers.
///
/// # Errors
/// `json_invalid` with the offset.
pub fn validate(text: &[u8]) -> Result<(), Problem> {
    SCRATCH.with_borrow_mut(|scratch| {
        let result = scratch.validate(text);
        if scratch.largest_bytes() > KEPT_BUFFER_BYTES_MAX {
            *scratch = Scratch::new();
        }
        result
    })
}

/// Validates `line` as one JSON value, and in the same pass gives `take` its members. True when it is an object. What was
/// taken before an error is to be forgotten.
///
/// Of a short line every member is needed, and then this costs a fourth of what `validate` and a walk behind it do.
///
/// # Errors
/// As `validate`.
pub fn read_members<'l>(line: &'l [u8], take: impl FnMut(Member<'l>)) -> Result<bool, Problem> {
    json::check_members(line, JSON_DEPTH_MAX, take).map_err(malformed)
}

#[cold]
fn malformed(fault: Malformed) -> Problem {
    let problem = Problem::new(Kind::JsonInvalid, fault.to_string()).size("offset", fault.offset);
    match fault.reason {
        "nested too deeply" => problem.hint(format!("at most {JSON_DEPTH_MAX} levels are accepted")),
        _ => problem,
    }
}

impl Scratch {
    /// Size of the largest buffer. The parser's own are smaller than the copy or than the tape, for which it makes
    /// room for all that it has found, except the list of what it found when the text is not even UTF-8.
    fn largest_bytes(&self) -> usize {
        let tape = self.tape.0.capacity().saturating_mul(size_of::<simd_json::Node<'_>>());
        self.copy.capacity().max(tape)
    }

    /// Decides whether `text` is JSON: quickly when simd-json says yes; what it refuses is asked of the grammar,
    /// because it refuses some legal texts too, and because its offsets are approximate.
    fn validate(&mut self, text: &[u8]) -> Result<(), Problem> {
        if text.len() <= FAST_TEXT_BYTES_MAX && self.is_accepted(text) {
            return Ok(());
        }
        json::check(text, JSON_DEPTH_MAX).map_err(malformed)
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

#[cfg(test)]
mod tests {
    use super::super::message::ResponseBody;
    use super::*;

    fn limit(document_bytes_max: usize) -> Limit {
        Limit { document_bytes_max, around_bytes_max: 0, option: Some("document_bytes_max") }
    }

    fn problem(otherwise: Otherwise) -> Problem {
        let Otherwise::Problem(problem) = otherwise else { panic!("not a problem") };
        problem
    }

    fn verdict(text: &[u8]) -> Result<Vec<u8>, Problem> {
        with_json(RequestBody::Bytes(text), limit(4096), |text| Ok(text.to_vec())).map_err(problem)
    }

    /// The most that is asked for of a body that is not here, or what is wrong with it already.
    fn asked(length: Option<u64>, limit: Limit) -> Result<usize, Kind> {
        match with_json(RequestBody::Awaited { length }, limit, |_| Ok(())) {
            Err(Otherwise::Gather { bytes_max }) => Ok(bytes_max),
            Err(otherwise) => Err(problem(otherwise).kind()),
            Ok(()) => panic!("there is no body yet"),
        }
    }

    fn text_of(problem: Problem) -> (u16, String) {
        let response = problem.into_response();
        let ResponseBody::Pieces(pieces) = response.body else { panic!("not pieces") };
        (response.status, String::from_utf8(pieces[0].bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_value_is_passed_on_as_written_without_outer_white_space() {
        assert_eq!(verdict(b" {\"a\" : 1.0}\n").unwrap(), b"{\"a\" : 1.0}");
    }

    #[test]
    fn a_body_that_is_not_here_is_asked_for_up_to_the_limit() {
        let limit = Limit { around_bytes_max: 5, ..limit(10) };
        for length in [None, Some(1), Some(15)] {
            assert_eq!(asked(length, limit), Ok(15));
        }
        for length in [16, u64::MAX] {
            assert_eq!(asked(Some(length), limit), Err(Kind::DocumentTooLarge), "{length}");
        }
    }

    #[test]
    fn a_fixed_limit_names_no_option() {
        let fixed = Limit { option: None, ..limit(10) };
        assert_eq!(asked(Some(11), fixed), Err(Kind::BodyTooLarge));
        let (status, text) = text_of(fixed.too_large(Some(11)));
        assert!(status == 413 && text.contains("at most 10 bytes are accepted here, these are 11"), "{text}");
    }

    #[test]
    fn what_becomes_of_a_body_is_said_with_its_figures() {
        for (fault, status, words) in [
            (BodyFault::TooLarge, 413, "at most 10 bytes are accepted (document_bytes_max), these are more"),
            (BodyFault::Stalled { bytes: 7 }, 408, "7 bytes of the body had arrived"),
            (BodyFault::Incomplete { bytes: 7, length: Some(9) }, 400, "7 of the announced 9 bytes arrived"),
            (BodyFault::Incomplete { bytes: 7, length: None }, 400, "after 7 bytes, before the last chunk"),
            (BodyFault::Malformed, 400, "\"code\":\"body_malformed\""),
            (BodyFault::Crowded, 503, "\"code\":\"too_many_bodies\""),
            (BodyFault::EndUnclear, 411, "\"code\":\"length_required\""),
        ] {
            let otherwise = with_json(RequestBody::Failed(fault), limit(10), |_| Ok(())).unwrap_err();
            let (seen, text) = text_of(problem(otherwise));
            assert!(seen == status && text.contains(words), "{fault:?}: {seen} {text}");
        }
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
            let (_, body) = text_of(verdict(text.as_bytes()).unwrap_err());
            assert!(body.ends_with(&format!("\"offset\":{offset}}}\n")), "{text}: {body}");
        }
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
            assert!(with_json(RequestBody::Bytes(text.as_bytes()), limit(4 << 20), |_| Ok(())).is_ok());
            SCRATCH.with_borrow(|scratch| {
                let tape = scratch.tape.0.capacity() * size_of::<simd_json::Node<'_>>();
                let kept = scratch.copy.capacity() + tape;
                assert!(kept <= 2 * KEPT_BUFFER_BYTES_MAX, "{kept} bytes after {bytes} of {dense:?}");
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

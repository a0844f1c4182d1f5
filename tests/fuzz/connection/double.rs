//! A handler that numbers its requests, answers in every way there is, and knows what it has answered.
//!
//! The letters of a target choose: `l` large and by reference, `t` a stream, `n` status 204, `c` the last of its
//! connection, `r5` resting on LSN 5, `g` wants the body whole, `i` part by part, `b` part by part up to a part with a
//! `!`, `w` comes later. Every reply says its number.
//! It asserts that requests come one at a time, and that a body which was asked for comes whole or is said to have
//! failed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use memory_tools::api::Handle;
use memory_tools::api::message::{
    Answer, BodyFault, BodyStream, Deliver, Finished, Intake, Method, Part, Piece, Pulled, Request, RequestBody,
    Response, ResponseBody, Taken, Value,
};
use memory_tools::model::{Document, Key, Lsn, Rest};

/// The field with a reply's number.
pub const NUMBER: &str = "MT-Number";

/// Bytes of a body that is gathered.
pub const GATHER_BYTES_MAX: usize = 100;

/// Bytes of a large body: more than what is copied behind its head.
pub const LARGE_BYTES: usize = 20_000;

/// Large parts of a stream.
const STREAM_DOCUMENTS: usize = 2;

/// Bytes of a large part of a stream: more than what is copied into a part.
pub const STREAM_DOCUMENT_BYTES: usize = 5_000;

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub target: String,
    /// True when the peer waits for 100 Continue.
    pub expects: bool,
    /// True when its body was not here when it was first asked.
    pub was_awaited: bool,
    /// True when the body was asked for.
    pub wants_body: bool,
    /// True when the body was no longer wanted, before its end.
    pub is_broken_off: bool,
    /// True when the reply was to come later.
    pub is_later: bool,
    /// True when it was said that there will be no reply.
    pub is_forgotten: bool,
    /// The reply, once it was made.
    pub made: Option<Made>,
}

/// A reply that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub status: u16,
    pub rest: Lsn,
    /// Its body: this text, then so many times `x`.
    pub text: String,
    pub fill: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Gather(usize),
    Intake(usize),
    Later(usize),
}

struct State {
    asked: Vec<Asked>,
    /// What is in progress.
    open: Open,
    later: VecDeque<(usize, Deliver)>,
    /// True when the connection was closed, whatever was in progress.
    is_closed: bool,
}

/// The handler.
#[derive(Clone)]
pub struct Double(Arc<Mutex<State>>);

impl Double {
    pub fn new() -> Double {
        let state = State { asked: Vec::new(), open: Open::Nothing, later: VecDeque::new(), is_closed: false };
        Double(Arc::new(Mutex::new(state)))
    }

    /// How many requests it was asked.
    pub fn count(&self) -> usize {
        self.with(|state| state.asked.len())
    }

    /// The request `number`.
    pub fn asked(&self, number: usize) -> Option<Asked> {
        self.with(|state| state.asked.get(number).cloned())
    }

    /// Makes the first reply that was to come later; false when there is none.
    pub fn make(&self) -> bool {
        let Some((number, deliver)) = self.with(|state| state.later.pop_front()) else { return false };
        self.with(|state| state.open = Open::Nothing);
        deliver(self.reply(number, 200, ""));
        true
    }

    /// Lets go of the first reply that was to come later.
    pub fn forget(&self) {
        let dropped = self.with(|state| {
            let (number, deliver) = state.later.pop_front()?;
            state.open = Open::Nothing;
            state.asked[number].is_forgotten = true;
            Some(deliver)
        });
        drop(dropped);
    }

    /// The connection is closed: nothing that is in progress will end.
    pub fn close(&self) {
        self.with(|state| state.is_closed = true);
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the reply to `number`.
    fn reply(&self, number: usize, status: u16, what: &str) -> Response {
        self.with(|state| {
            let asked = &mut state.asked[number];
            let (response, made) = made(asked, number, status, what);
            let before = asked.made.replace(made);
            assert!(before.is_none(), "request {number} was answered twice");
            response
        })
    }

    fn reply_to_body(&self, number: usize, bytes: &[u8]) -> Response {
        let print = bytes.iter().fold(7_u32, |print, byte| print.wrapping_mul(31).wrapping_add(u32::from(*byte)));
        self.reply(number, 200, &format!("{} bytes {print:x} ", bytes.len()))
    }

    fn reply_to_fault(&self, number: usize, fault: BodyFault) -> Response {
        let (status, what) = match fault {
            BodyFault::TooLarge => (413, "too large "),
            BodyFault::Stalled { .. } => (408, "stalled "),
            BodyFault::Incomplete { .. } => (400, "incomplete "),
            BodyFault::Malformed => (400, "malformed "),
            BodyFault::EndUnclear => panic!("only the pool says so"),
        };
        self.reply(number, status, what)
    }

    /// Takes note of a request; gives its number, the same when it is asked again with the body that it wanted.
    fn note(&self, request: &Request<'_>) -> usize {
        let mut expects = false;
        request.headers.each("expect", &mut |_| expects = true);
        let was_awaited = matches!(request.body, RequestBody::Awaited { .. });
        self.with(|state| {
            assert!(!state.is_closed, "asked for a connection that is closed");
            if let Open::Gather(number) = state.open {
                let first = &state.asked[number];
                assert_eq!((request.method, request.target), (first.method, first.target.as_str()), "another request");
                assert!(!was_awaited, "asked again without the body");
                state.open = Open::Nothing;
                return number;
            }
            assert_eq!(state.open, Open::Nothing, "asked before that was over");
            assert!(!matches!(request.body, RequestBody::Failed(_)), "a body failed that nobody wanted");
            state.asked.push(Asked {
                method: request.method,
                target: request.target.to_owned(),
                expects,
                was_awaited,
                wants_body: false,
                is_broken_off: false,
                is_later: false,
                is_forgotten: false,
                made: None,
            });
            state.asked.len() - 1
        })
    }
}

impl Handle for Double {
    fn handle(&self, request: Request<'_>) -> Answer {
        let number = self.note(&request);
        let has = |letter| request.target.contains(letter);
        if has('w') && !matches!(request.body, RequestBody::Failed(_)) {
            self.with(|state| {
                state.asked[number].is_later = true;
                state.open = Open::Later(number);
            });
            let double = self.clone();
            return Answer::Later(Box::new(move |deliver| {
                double.with(|state| state.later.push_back((number, deliver)));
            }));
        }
        if (has('i') || has('b')) && !matches!(request.body, RequestBody::Failed(_)) {
            self.with(|state| {
                state.asked[number].wants_body = true;
                state.open = Open::Intake(number);
            });
            let sum = Sum { number, double: self.clone(), bytes: Vec::new(), breaks: has('b'), is_over: false };
            return Answer::Stream(Box::new(sum));
        }
        if !has('g') {
            return Answer::Reply(self.reply(number, 200, ""));
        }
        match request.body {
            RequestBody::Bytes(bytes) if bytes.len() > GATHER_BYTES_MAX => {
                Answer::Reply(self.reply(number, 413, "too large "))
            }
            RequestBody::Bytes(bytes) => Answer::Reply(self.reply_to_body(number, bytes)),
            RequestBody::Failed(fault) => Answer::Reply(self.reply_to_fault(number, fault)),
            RequestBody::Awaited { length } if length.is_some_and(|length| length > GATHER_BYTES_MAX as u64) => {
                Answer::Reply(self.reply(number, 413, "too large "))
            }
            RequestBody::Awaited { .. } => {
                self.with(|state| {
                    state.asked[number].wants_body = true;
                    state.open = Open::Gather(number);
                });
                Answer::Gather { bytes_max: GATHER_BYTES_MAX }
            }
        }
    }
}

/// A body that is taken part by part.
struct Sum {
    number: usize,
    double: Double,
    bytes: Vec<u8>,
    breaks: bool,
    is_over: bool,
}

impl Sum {
    fn end(&mut self) {
        assert!(!self.is_over, "a body that was over goes on");
        self.is_over = true;
        self.double.with(|state| {
            assert_eq!(state.open, Open::Intake(self.number));
            state.open = Open::Nothing;
        });
    }
}

impl Intake for Sum {
    fn take(&mut self, part: &[u8]) -> Taken {
        assert!(!part.is_empty() && !self.is_over);
        if self.breaks && part.contains(&b'!') {
            self.end();
            self.double.with(|state| state.asked[self.number].is_broken_off = true);
            return Taken::Done(self.double.reply(self.number, 422, "broken off "));
        }
        self.bytes.extend_from_slice(part);
        Taken::More
    }

    fn finish(mut self: Box<Self>, end: Result<(), BodyFault>) -> Finished {
        self.end();
        Finished::Reply(match end {
            Ok(()) => self.double.reply_to_body(self.number, &self.bytes),
            Err(fault) => self.double.reply_to_fault(self.number, fault),
        })
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        let is_told = self.is_over || self.double.with(|state| state.is_closed);
        assert!(is_told || std::thread::panicking(), "request {} was not told how its body ended", self.number);
    }
}

/// The reply that `asked` wants, and what is to be seen of it.
fn made(asked: &Asked, number: usize, status: u16, what: &str) -> (Response, Made) {
    let has = |letter| asked.target.contains(letter);
    let status = if has('n') { 204 } else { status };
    let rest = Lsn(asked.target.split_once('r').map_or(0, |(_, rest)| {
        rest.bytes().take(1).filter(u8::is_ascii_digit).map(|digit| u64::from(digit - b'0')).sum()
    }));
    let text = format!("{number} {what}\n");
    let mut response = Response::new(status).with(NUMBER, Value::Number(number as u64));
    let mut fill = 0;
    if has('t') {
        fill = STREAM_DOCUMENTS * STREAM_DOCUMENT_BYTES;
        let text = text.clone().into_bytes();
        response.body = ResponseBody::Stream(Box::new(Parts { text: Some(text), turn: 0 }));
    } else {
        response = response.with_piece(Piece::Owned(text.clone().into_bytes()));
        if has('l') {
            fill = LARGE_BYTES;
            response = response.with_piece(Piece::Document(filled(LARGE_BYTES)));
        }
    }
    response.head_only = asked.method == Method::Head;
    response.close = has('c');
    response.rest = Rest::Written(rest);
    (response, Made { status, rest, text, fill })
}

/// The text, then documents, with nothing between them.
struct Parts {
    text: Option<Vec<u8>>,
    turn: usize,
}

impl BodyStream for Parts {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        assert!(part.is_empty());
        self.turn += 1;
        if self.turn.is_multiple_of(2) {
            match self.text.take() {
                Some(text) => part.push_bytes(&text),
                None => part.push_document(filled(STREAM_DOCUMENT_BYTES)),
            }
        }
        if self.turn <= 2 * (1 + STREAM_DOCUMENTS) { Pulled::More } else { Pulled::Ended }
    }
}

/// A document of so many times `x`.
fn filled(bytes: usize) -> Document {
    static DOCUMENTS: OnceLock<[Document; 2]> = OnceLock::new();
    let sizes = [LARGE_BYTES, STREAM_DOCUMENT_BYTES];
    let documents = DOCUMENTS
        .get_or_init(|| sizes.map(|size| Document::new(Key::new("k").expect("a key"), "x".repeat(size).as_bytes())));
    documents[usize::from(bytes != LARGE_BYTES)].clone()
}

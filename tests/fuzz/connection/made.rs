//! The double's replies: what they are made of, and what is to be seen of them.

use std::sync::OnceLock;
use std::time::Duration;

use memory_tools::api::message::{BodyStream, Method, Part, Piece, Pulled, Response, ResponseBody, Value, Wake};
use memory_tools::model::{Document, Key, Lsn, Rest};

use super::double::{Asked, Double, NUMBER};

/// Bytes of a large body: more than what is copied behind its head.
pub const LARGE_BYTES: usize = 20_000;

/// Large parts of a stream.
const STREAM_DOCUMENTS: usize = 2;

/// How long a stream waits, if nobody wakes it.
const WAIT: Duration = Duration::from_millis(50);

/// Bytes of a large part of a stream: more than what is copied into a part.
pub const STREAM_DOCUMENT_BYTES: usize = 5_000;

/// A reply that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub status: u16,
    pub rest: Lsn,
    /// Its body: this text, then so many times `x`.
    pub text: String,
    pub fill: usize,
    /// True when it may end before that, where it waits.
    pub waits: bool,
}

/// The reply that `asked` wants, and what is to be seen of it.
pub fn made(asked: &Asked, number: usize, status: u16, what: &str, double: Double) -> (Response, Made) {
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
        response.body = ResponseBody::Stream(Box::new(Parts { text: Some(text), turn: 0, waits: has('v'), double }));
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
    (response, Made { status, rest, text, fill, waits: has('t') && has('v') })
}

/// The text, then documents, with nothing between them.
struct Parts {
    text: Option<Vec<u8>>,
    turn: usize,
    waits: bool,
    double: Double,
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
        match self.turn <= 2 * (1 + STREAM_DOCUMENTS) {
            true if self.waits => Pulled::Waits,
            true => Pulled::More,
            false => Pulled::Ended,
        }
    }

    fn when_ready(&mut self, wake: Wake) -> Duration {
        assert!(self.waits, "it never waits");
        self.double.wait(wake);
        WAIT
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

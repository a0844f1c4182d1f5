//! Plain requests and responses: what fronts hand in and get back. No type of an HTTP library passes here.
//!
//! What is large passes in parts, in both directions, so that it need not fit in memory: outgoing parts are pulled,
//! incoming ones pushed. No type here blocks. Header values keep their kind until a front writes them, so that a
//! reply allocates no text for them.

mod answer;
mod field;
mod intake;
mod part;
mod slice;
mod stream;
mod work;

use smallvec::SmallVec;

use crate::model::{Document, Rest};

pub use answer::{Answer, Deliver, Later};
pub use field::{Field, Value};
pub use intake::{Finished, Intake, Taken};
pub use part::Part;
pub use slice::DocumentSlice;
pub use stream::{BodyStream, Nothing, Pulled, Wake};
pub use work::{Step, Work};

/// A request's method. Names are case-sensitive (RFC 9110 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `TRACE`: known, and allowed nowhere.
    Trace,
    /// Any other token.
    Other,
}

impl Method {
    /// The method of that name.
    pub fn from_name(name: &str) -> Method {
        match name {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            "TRACE" => Method::Trace,
            _ => Method::Other,
        }
    }

    /// Its name; `OTHER` for what we do not know.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Other => "OTHER",
        }
    }
}

/// Field lookup by name, without regard to case.
pub trait Headers {
    /// Calls `each` with the value of every field called `name`, in order.
    fn each(&self, name: &str, each: &mut dyn FnMut(&str));

    /// False only when no field's name begins with `start`: one quick look instead of one for each such name.
    fn may_hold(&self, _start: &str) -> bool {
        true
    }
}

/// A request, as a front understood it. Framing has been checked; nothing else has.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The target in origin form, as sent: path and query, not decoded.
    pub target: &'a str,
    /// The header fields.
    pub headers: &'a dyn Headers,
    /// The body.
    pub body: RequestBody<'a>,
}

/// A request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody<'a> {
    /// Here, whole; empty when there is none.
    Bytes(&'a [u8]),
    /// Announced, and not here yet. A handler that wants it says so (`Answer::Gather`, `Answer::Stream`).
    Awaited {
        /// What was announced in bytes; `None` for a chunked body.
        length: Option<u64>,
    },
    /// It was wanted, and will never be whole. The connection is closed behind the reply.
    Failed(BodyFault),
}

/// Why a body will never be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It is larger than the `bytes_max` that was asked for. Only for a body without an announced length, which a
    /// handler could not know.
    TooLarge,
    /// It came too slowly.
    Stalled {
        /// Bytes that had come.
        bytes: u64,
    },
    /// The peer went away before the end.
    Incomplete {
        /// Bytes that had come.
        bytes: u64,
        /// What was announced; `None` for a chunked body.
        length: Option<u64>,
    },
    /// Its chunks are not framed as RFC 9112 §7.1 has it.
    Malformed,
    /// With what is held of it, the bodies that are arriving take more memory than they may (`Intake::held_bytes`). Said
    /// to an intake only.
    Crowded,
    /// The front cannot tell the end of this chunked body from a peer that went away. Only the pool says so.
    EndUnclear,
}

/// A reply, for a front to write.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Fields besides those of framing (`Content-Length`, `Transfer-Encoding`, `Connection`) and `Date`, which are
    /// the front's.
    pub headers: SmallVec<[Field; 4]>,
    /// The body that a GET would get; with `head_only` it is measured but not sent.
    pub body: ResponseBody,
    /// True for the answer to a HEAD.
    pub head_only: bool,
    /// True when the connection must not be used again, whatever was read of the request: after a refused head.
    pub close: bool,
    /// What must be durable before this reply may leave.
    pub rest: Rest,
}

/// A reply's body.
pub enum ResponseBody {
    /// Pieces one after another; their lengths add up to the Content-Length.
    Pieces(SmallVec<[Piece; 1]>),
    /// Pulled while it is sent, with chunked framing.
    Stream(Box<dyn BodyStream>),
}

/// A piece of a body.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Fixed bytes.
    Static(&'static [u8]),
    /// Bytes made for this reply.
    Owned(Vec<u8>),
    /// A document's value, by reference.
    Document(Document),
    /// A part of a document's value, by reference.
    Slice(DocumentSlice),
}

impl Piece {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Piece::Static(bytes) => bytes,
            Piece::Owned(bytes) => bytes,
            Piece::Document(document) => document.value(),
            Piece::Slice(slice) => slice.bytes(),
        }
    }
}

impl Response {
    /// A reply with `status` and no fields and no body yet.
    pub fn new(status: u16) -> Response {
        Response {
            status,
            headers: SmallVec::new(),
            body: ResponseBody::Pieces(SmallVec::new()),
            head_only: false,
            close: false,
            rest: Rest::NOTHING,
        }
    }

    /// A reply whose body is the JSON text `body`.
    pub fn json(status: u16, body: Vec<u8>) -> Response {
        let mut response = Response::new(status);
        response.push_field(Field::Json);
        response.push_piece(Piece::Owned(body));
        response
    }

    /// The answer to a HEAD without a length, where finding that out would take as long as the body.
    #[must_use]
    pub fn unmeasured(mut self) -> Response {
        self.body = ResponseBody::Stream(Box::new(Nothing));
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Response {
        self.push(name, value);
        self
    }

    /// As `with`, in place: a response is large, and moving it costs more than what is added.
    pub fn push(&mut self, name: &'static str, value: Value) {
        self.push_field(Field::Named(name, value));
    }

    /// As `with`, of a field of any kind.
    #[must_use]
    pub fn with_field(mut self, field: Field) -> Response {
        self.push_field(field);
        self
    }

    /// As `with_field`, in place.
    #[inline]
    pub fn push_field(&mut self, field: Field) {
        self.headers.push(field);
    }

    /// Adds a piece to the body.
    #[must_use]
    pub fn with_piece(mut self, piece: Piece) -> Response {
        self.push_piece(piece);
        self
    }

    /// As `with_piece`, in place.
    #[inline]
    pub fn push_piece(&mut self, piece: Piece) {
        if let ResponseBody::Pieces(pieces) = &mut self.body {
            pieces.push(piece);
        }
    }

    /// Names what the reply rests on.
    #[must_use]
    pub fn resting_on(mut self, rest: Rest) -> Response {
        self.rest = rest;
        self
    }

    /// Length of the body in bytes; `None` for a stream.
    #[inline]
    pub fn body_length(&self) -> Option<usize> {
        match &self.body {
            ResponseBody::Pieces(pieces) => Some(pieces.iter().map(|piece| piece.bytes().len()).sum()),
            ResponseBody::Stream(_) => None,
        }
    }

    /// True when the status forbids a body and its length (RFC 9110 §8.6, §15.3.5, §15.4.5).
    pub fn is_bodiless(&self) -> bool {
        matches!(self.status, 204 | 304)
    }
}

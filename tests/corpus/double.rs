//! The handler behind a front: it says what it was asked and what it ran.
//!
//! It is the only file here that knows the seam between fronts and api.

use std::sync::Mutex;

use memory_tools::api::Handle;
use memory_tools::api::message::{Answer, BodyFault, Method, Piece, Request, RequestBody, Response};

use super::BODY_BYTES_MAX;

/// Takes the body on `/take`, at most `BODY_BYTES_MAX` of it; leaves it unread on any other path. Answers with method,
/// target and body. What is not among the methods that it knows is a 501 (RFC 9110 §9.1), and TRACE a 405.
#[derive(Default)]
pub struct Double {
    asked: Mutex<Vec<Vec<u8>>>,
    ran: Mutex<Vec<Vec<u8>>>,
}

impl Double {
    /// What it was asked and what it ran since the last time that somebody took it.
    pub fn take_log(&self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        (std::mem::take(&mut self.asked.lock().unwrap()), std::mem::take(&mut self.ran.lock().unwrap()))
    }

    fn run(&self, head: Vec<u8>, body: &[u8]) -> Response {
        let mut what = head;
        if !body.is_empty() {
            what.push(b' ');
            what.extend_from_slice(body);
        }
        self.ran.lock().unwrap().push(what.clone());
        what.push(b'\n');
        Response::new(200).with_piece(Piece::Owned(what))
    }

    fn answer(&self, request: Request<'_>) -> Answer {
        let head = format!("{} {}", request.method.name(), request.target).into_bytes();
        self.asked.lock().unwrap().push(head.clone());
        match request.method {
            Method::Other => return Answer::Reply(Response::new(501)),
            Method::Trace => return Answer::Reply(Response::new(405)),
            _ => {}
        }
        if !request.target.starts_with("/take") {
            return Answer::Reply(self.run(head, b""));
        }
        let response = match request.body {
            RequestBody::Bytes(bytes) if bytes.len() > BODY_BYTES_MAX => refusal(413),
            RequestBody::Bytes(bytes) => self.run(head, bytes),
            RequestBody::Awaited { length: Some(length) } if length > BODY_BYTES_MAX as u64 => refusal(413),
            RequestBody::Awaited { .. } => return Answer::Gather { bytes_max: BODY_BYTES_MAX },
            RequestBody::Failed(BodyFault::TooLarge) => refusal(413),
            RequestBody::Failed(BodyFault::Stalled { .. }) => refusal(408),
            RequestBody::Failed(BodyFault::EndUnclear) => refusal(411),
            RequestBody::Failed(BodyFault::Crowded) => refusal(503),
            RequestBody::Failed(BodyFault::Incomplete { .. } | BodyFault::Malformed) => refusal(400),
        };
        Answer::Reply(response)
    }
}

fn refusal(status: u16) -> Response {
    let mut response = Response::new(status);
    response.close = true;
    response
}

impl Handle for Double {
    fn handle(&self, request: Request<'_>) -> Answer {
        let head_only = request.method == Method::Head;
        let mut answer = self.answer(request);
        if let Answer::Reply(response) = &mut answer {
            response.head_only = head_only;
        }
        answer
    }
}

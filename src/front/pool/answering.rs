//! The way from a request to its reply: the handler is asked, gets the body as it wants it, and is waited for. The
//! threads of the pool may block, so all of it happens in place.
//!
//! Invariant: the handler is asked at most twice, and nothing is read of a body that it did not want.

use std::ops::ControlFlow;

use crate::api::Handle;
use crate::api::message::{Answer, Headers, Intake, Later, Method, Request, RequestBody, Response};
use crate::base::log;
use crate::front::problem::{self, Unavailable};

use super::body::Body;
use super::panics;

/// How much of a body an intake gets at once.
const PART_BYTES: usize = 16 << 10;

/// What does not change from one asking to the next.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) method: Method,
    pub(super) target: &'a str,
    pub(super) headers: &'a dyn Headers,
}

/// Has `handler` answer. `buffer` holds the body if that has ended, else nothing; a body that is wanted whole is
/// gathered there.
pub(super) fn reply_to(handler: &dyn Handle, head: Head<'_>, buffer: &mut Vec<u8>, body: &mut Body<'_>) -> Response {
    let answer = if body.has_ended() {
        ask(handler, head, RequestBody::Bytes(buffer))
    } else {
        match ask(handler, head, RequestBody::Awaited { length: body.length() }) {
            Answer::Gather { bytes_max } => {
                let gathered = body.gather(buffer, bytes_max);
                ask(handler, head, gathered.map_or_else(RequestBody::Failed, |()| RequestBody::Bytes(buffer)))
            }
            answer => answer,
        }
    };
    match answer {
        Answer::Reply(response) => response,
        Answer::Stream(intake) => feed(intake, buffer, body),
        Answer::Later(later) => wait(later, head.method),
        Answer::Gather { .. } => log::abort(format_args!("the handler of {} wants a body that it has", head.target)),
    }
}

fn ask(handler: &dyn Handle, head: Head<'_>, body: RequestBody<'_>) -> Answer {
    let Head { method, target, headers } = head;
    panics::ours("answering a request", || handler.handle(Request { method, target, headers, body }))
}

/// Gives `intake` what is `here`, then the rest of `body` as it comes.
fn feed(mut intake: Box<dyn Intake>, here: &[u8], body: &mut Body<'_>) -> Response {
    let mut take = |part: &[u8]| panics::ours("taking a body", || intake.take(part));
    if !here.is_empty()
        && let ControlFlow::Break(response) = take(here)
    {
        return response;
    }
    let mut buffer = [0; PART_BYTES];
    let end = loop {
        let part = match body.read_part(&mut buffer) {
            Ok([]) => break Ok(()),
            Ok(part) => part,
            Err(fault) => break Err(fault),
        };
        if let ControlFlow::Break(response) = take(part) {
            return response;
        }
    };
    panics::ours("taking the end of a body", || intake.finish(end))
}

/// Waits for the reply, however long that takes. When there will be none, what was asked may have been done or not.
fn wait(later: Later, method: Method) -> Response {
    let (deliver, delivered) = crossbeam_channel::bounded(1);
    let deliver = Box::new(move |response| {
        // Somebody listens, and there is room.
        let _ = deliver.send(response);
    });
    panics::ours("beginning what a reply waits for", || later(deliver));
    delivered.recv().unwrap_or_else(|_| {
        let mut unknown = problem::of_unavailable(Unavailable::OutcomeUnknown);
        unknown.head_only = method == Method::Head;
        unknown
    })
}

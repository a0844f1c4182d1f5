//! One request and its answer.
//!
//! Invariant: framing is checked before anything else looks at the request, the answer leaves only when what it
//! rests on may be seen, and after a body that was not read to its end the connection is closed.

use std::cell::RefCell;
use std::io::{self, Read};

use tiny_http::Request;

use crate::api::message::{self, Method, RequestBody, Response, ResponseBody};
use crate::front::date::DateCache;
use crate::front::framing::{self, Announced, Fault, Framing, RequestLine, Version};
use crate::front::problem::{self, Unavailable};
use crate::front::reply::{self, Manner};

use super::body::Body;
use super::mark::Place;
use super::steps::Steps;
use super::{Shared, delivery, fields, panics};

/// Bodies up to this size are in memory when the library hands a request out, unless the client expects a
/// `100 Continue`.
const HERE_ALREADY_BYTES: u64 = 1024;

/// A body that nobody wanted is read past when it is announced to be no longer than this, so that an answer such as a
/// 400 does not cost its client the connection.
const READ_PAST_BYTES_MAX: u64 = 64 << 10;

/// A buffer that grew for a stream gives its memory back down to this.
const BUFFER_KEPT_BYTES: usize = 64 << 10;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It may bring another request.
    Next,
    /// It is over.
    Close,
}

/// The buffers of one worker, reused from request to request.
#[derive(Default)]
pub(super) struct Exchange {
    target: String,
    small_body: Vec<u8>,
    out: Vec<u8>,
    date: DateCache,
}

/// What of the framing is still needed once the request is handed on.
#[derive(Clone, Copy)]
struct Terms {
    version: Version,
    body: Announced,
    is_persistent: bool,
    expects_continue: bool,
}

/// An answer, and how far the request's body was read for it.
struct Answered {
    response: Response,
    taken: u64,
    has_ended: bool,
}

impl Exchange {
    /// Answers `request`, or refuses it.
    pub(super) fn answer(&mut self, shared: &Shared, steps: &Steps, request: Request) -> Then {
        let terms = match check(&request, shared) {
            Ok(framing) => {
                self.target.clear();
                self.target.push_str(framing.target);
                Terms {
                    version: framing.version,
                    body: framing.body,
                    is_persistent: framing.is_persistent,
                    expects_continue: framing.expects_continue,
                }
            }
            Err(fault) => return self.refuse(shared, steps, request, fault),
        };
        let request = RefCell::new(request);
        let Ok(mut answered) = self.handle(shared, steps, &request, terms) else {
            return Then::Close;
        };
        answered.response = released(shared, answered.response);
        let close = answered.response.close
            || !answered.has_ended
            || !terms.is_persistent
            || steps.retires()
            || shared.stopping.is_raised();
        self.send(shared, steps, request.into_inner(), terms.version, close, answered)
    }

    fn refuse(&mut self, shared: &Shared, steps: &Steps, request: Request, fault: Fault) -> Then {
        let mut response = problem::of_fault(fault);
        response.head_only = *request.method() == tiny_http::Method::Head;
        let answered = Answered { response, taken: 0, has_ended: false };
        self.send(shared, steps, request, Version::Http11, true, answered)
    }

    /// Has the request answered.
    ///
    /// # Errors
    /// The body's, when it was to be here already and is not, or does not come to its end before a stream.
    fn handle(
        &mut self,
        shared: &Shared,
        steps: &Steps,
        request: &RefCell<Request>,
        terms: Terms,
    ) -> io::Result<Answered> {
        let length = match terms.body {
            Announced::Nothing => Some(0),
            Announced::Bytes(bytes) => Some(bytes),
            Announced::Chunked => None,
        };
        let mut body = Body::new(request, steps, length, shared.options.read_timeout);
        self.small_body.clear();
        if length.is_some_and(|bytes| bytes <= HERE_ALREADY_BYTES) && !terms.expects_continue {
            body.read_to_end(&mut self.small_body)?;
        }
        let method = Method::from_name(request.borrow().method().as_str());
        let response = {
            let body = if body.has_ended() {
                RequestBody::Bytes(&self.small_body)
            } else {
                RequestBody::Stream { reader: &mut body, length }
            };
            let headers = &fields::Lookup(request);
            let request = message::Request { method, target: &self.target, headers, body };
            panics::ours("answering a request", || shared.seams.handler.handle(request))
        };
        let is_short = length.is_some_and(|bytes| bytes <= READ_PAST_BYTES_MAX);
        if matches!(response.body, ResponseBody::Stream(_)) {
            // A stream does not go out by the library's way of answering, the only one that leaves a body unread.
            io::copy(&mut body, &mut io::sink())?;
        } else if is_short && !body.has_ended() && !response.close && !terms.expects_continue {
            // When it does not come, the connection is closed behind the answer.
            let _ = io::copy(&mut body, &mut io::sink());
        }
        Ok(Answered { response, taken: body.taken(), has_ended: body.has_ended() })
    }

    /// Sends the answer: with one write where that is possible, else through the library.
    fn send(
        &mut self,
        shared: &Shared,
        steps: &Steps,
        request: Request,
        version: Version,
        close: bool,
        answered: Answered,
    ) -> Then {
        let Answered { response, taken, .. } = answered;
        if delivery::would_drain(&request, taken) {
            // The library answers first and then reads what is left of the body, which may take long.
            steps.enter(Place::Leaving);
            delivery::respond(request, &response);
            return Then::Close;
        }
        let date = self.date.at(shared.seams.clock.now());
        self.out.clear();
        let remaining = reply::begin(&mut self.out, &response, Manner { version, close, date });
        let sent = delivery::send(request, response, remaining, &mut self.out, shared.options.write_timeout);
        self.out.clear();
        self.out.shrink_to(BUFFER_KEPT_BYTES);
        match sent {
            Ok(()) if !close && remaining != reply::Remaining::UntilClose => Then::Next,
            Ok(()) | Err(_) => Then::Close,
        }
    }
}

fn check<'a>(request: &'a Request, shared: &Shared) -> Result<Framing<'a>, Fault> {
    let version = request.http_version();
    let line =
        RequestLine { method: request.method().as_str(), target: request.url(), version: (version.0, version.1) };
    let framing = framing::check(&line, fields::pairs(request.headers()), &shared.options.limits)?;
    if framing.body == Announced::Chunked && delivery::is_upgrade(request) {
        return Err(Fault::ChunkedUpgrade);
    }
    Ok(framing)
}

/// Waits until `response` may leave; what may not, or not within `write_timeout`, becomes a 503.
fn released(shared: &Shared, response: Response) -> Response {
    let durability = &shared.seams.durability;
    if durability.is_released(response.rest) {
        return response;
    }
    let (tell, told) = crossbeam_channel::bounded(1);
    let waker = Box::new(move |outcome| {
        // Nobody listens any more when the wait has timed out.
        let _ = tell.send(outcome);
    });
    durability.when_durable(response.rest, waker);
    match told.recv_timeout(shared.options.write_timeout) {
        Ok(Ok(())) => response,
        Ok(Err(_)) | Err(_) => {
            let mut unknown = problem::of_unavailable(Unavailable::OutcomeUnknown);
            unknown.head_only = response.head_only;
            unknown.close = response.close;
            unknown
        }
    }
}

//! One request and its answer.
//!
//! Invariant: framing is checked before anything else looks at the request, the answer leaves only when what it
//! rests on may be seen, and after a body that was not read to its end the connection is closed.

use std::cell::RefCell;
use std::io::{self, Read};

use tiny_http::Request;

use super::answering::{Handler, Head, reply_to};
use super::body::Body;
use super::mark::Place;
use super::pausing::may_leave;
use super::steps::Steps;
use super::{Shared, delivery, fields};
use crate::api::message::{Method, Response, ResponseBody};
use crate::front::date::DateCache;
use crate::front::framing::{self, Announced, Fault, Framing, RequestLine, Version};
use crate::front::problem::{self, Unavailable};
use crate::front::reply::{self, Manner};
use crate::front::requests::{Ended, Origin, Recorder};

/// Bodies up to this size are in memory when the library hands a request out, unless the client expects a
/// `100 Continue`.
const HERE_ALREADY_BYTES: u64 = 1024;

/// A body that nobody wanted is read past when it is announced to be no longer than this, so that an answer such as a
/// 400 does not cost its client the connection.
const READ_PAST_BYTES_MAX: u64 = 64 << 10;

/// A buffer that grew for one body gives its memory back down to this.
const BUFFER_KEPT_BYTES: usize = 64 << 10;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It may bring another request.
    Next,
    /// It is over.
    Close,
}

/// The buffers of one worker, reused from request to request, and its hand in the counting.
pub(super) struct Exchange {
    recorder: Recorder,
    target: String,
    body: Vec<u8>,
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
    origin: Origin,
}

/// An answer, and how far the request's body was read for it.
struct Answered {
    response: Response,
    taken: u64,
    has_ended: bool,
}

impl Exchange {
    /// Without anything in its buffers.
    pub(super) fn new(recorder: Recorder) -> Exchange {
        Exchange { recorder, target: String::new(), body: Vec::new(), out: Vec::new(), date: DateCache::default() }
    }

    /// Answers `request`, or refuses it.
    pub(super) fn answer(&mut self, shared: &Shared, steps: &Steps, request: Request) -> Then {
        let came = self.recorder.now();
        let peer = request.remote_addr().map(|peer| peer.ip().to_canonical());
        let mut terms = match check(&request, shared) {
            Ok(framing) => {
                self.target.clear();
                self.target.push_str(framing.target);
                Terms {
                    version: framing.version,
                    body: framing.body,
                    is_persistent: framing.is_persistent,
                    expects_continue: framing.expects_continue,
                    origin: self.recorder.begin(
                        Method::from_name(request.method().as_str()),
                        shared.seams.handler.route_of(framing.target),
                        framing.target,
                        came,
                    ),
                }
            }
            Err(fault) => return self.refuse(shared, steps, request, Origin::unknown(came), fault),
        };
        let request = RefCell::new(request);
        let answered = self.handle(shared, steps, &request, terms);
        give_back(&mut self.body);
        let Ok(mut answered) = answered else {
            self.recorder.count(terms.origin, Ended::Gone, 0, peer);
            return Then::Close;
        };
        terms.origin.request_bytes = answered.taken;
        terms.origin.is_stream = matches!(answered.response.body, ResponseBody::Stream(_));
        terms.origin.answered = Some(self.recorder.now());
        answered.response = released(shared, answered.response);
        let close = answered.response.close
            || !answered.has_ended
            || !terms.is_persistent
            || steps.retires()
            || shared.stopping.is_raised();
        let ended = Ended::With(answered.response.status);
        let bytes = answered.response.body_length().unwrap_or(0) as u64;
        let then = self.send(shared, steps, request.into_inner(), terms.version, close, answered);
        self.recorder.count(terms.origin, ended, bytes, peer);
        then
    }

    fn refuse(&mut self, shared: &Shared, steps: &Steps, request: Request, origin: Origin, fault: Fault) -> Then {
        let mut response = problem::of_fault(fault);
        response.head_only = *request.method() == tiny_http::Method::Head;
        let ended = Ended::With(response.status);
        let bytes = response.body_length().unwrap_or(0) as u64;
        let peer = request.remote_addr().map(|peer| peer.ip().to_canonical());
        let answered = Answered { response, taken: 0, has_ended: false };
        let then = self.send(shared, steps, request, Version::Http11, true, answered);
        self.recorder.count(origin, ended, bytes, peer);
        then
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
        if length.is_some_and(|bytes| bytes <= HERE_ALREADY_BYTES) && !terms.expects_continue {
            body.read_to_end(&mut self.body)?;
        }
        let method = terms.origin.method;
        let head = Head { method, target: &self.target, headers: &fields::Lookup(request) };
        let handler = Handler {
            handler: shared.seams.handler.as_ref(),
            durability: shared.seams.durability.as_ref(),
            write_timeout: shared.options.write_timeout,
        };
        let response = reply_to(handler, head, &mut self.body, &mut body);
        let is_short = length.is_some_and(|bytes| bytes <= READ_PAST_BYTES_MAX);
        if matches!(response.body, ResponseBody::Stream(_)) {
            // A stream does not go out by the library's way of answering, the only one that leaves a body unread.
            io::copy(&mut body, &mut io::sink())?;
        } else if is_short && !body.has_ended() && !body.has_failed() && !terms.expects_continue {
            // When it does not come, the connection is closed behind the answer.
            let _ = io::copy(&mut body, &mut io::sink());
        }
        self.recorder.received(usize::try_from(body.taken()).unwrap_or(usize::MAX));
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
        let sent = delivery::send(shared, &self.recorder, request, response, remaining, &mut self.out);
        give_back(&mut self.out);
        match sent {
            Ok(()) if !close && remaining != reply::Remaining::UntilClose => Then::Next,
            Ok(()) | Err(_) => Then::Close,
        }
    }
}

/// Empties `buffer`. A thread must not hold on to the largest body it ever saw.
fn give_back(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(BUFFER_KEPT_BYTES);
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
    if may_leave(shared, response.rest) {
        return response;
    }
    let mut unknown = problem::in_place_of(&response, Unavailable::OutcomeUnknown);
    unknown.head_only = response.head_only;
    unknown.close = response.close;
    unknown
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;

    use super::*;
    use crate::api::Handle;
    use crate::api::message::{Answer, Piece, Request, RequestBody};
    use crate::base::clock::{ManualClock, UnixMillis};
    use crate::base::health::Health;
    use crate::base::threads::{Job, Spawn};
    use crate::front::Seams;
    use crate::front::pool::PoolOptions;
    use crate::front::pool::mark::Mark;
    use crate::model::{Durability, Rest, RoomWaker, Waker};

    /// Everything that a pool stands on: gathers, echoes, and keeps nothing back.
    struct Ground;

    impl Handle for Ground {
        fn handle(&self, request: Request<'_>) -> Answer {
            match request.body {
                RequestBody::Awaited { .. } => Answer::Gather { bytes_max: usize::MAX },
                RequestBody::Bytes(bytes) => Answer::Reply(Response::new(200).with_piece(Piece::Owned(bytes.to_vec()))),
                RequestBody::Failed(fault) => panic!("{fault:?}"),
            }
        }
    }

    impl Durability for Ground {
        fn is_released(&self, _: Rest) -> bool {
            true
        }

        fn when_durable(&self, _: Rest, waker: Waker) {
            waker(Ok(()));
        }

        fn hurry(&self) {}

        fn when_room(&self, waker: RoomWaker) {
            waker();
        }
    }

    impl Spawn for Ground {
        fn spawn(&self, _: &str, _: usize, _: Job) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    fn put(body: &'static str) -> tiny_http::Request {
        let host = tiny_http::Header::from_str("Host", "x").unwrap();
        let request = tiny_http::TestRequest::new().with_method(tiny_http::Method::Put).with_path("/a");
        request.with_header(host).with_body(body).into()
    }

    /// A worker lives as long as the process, and there are hundreds of them.
    #[test]
    fn what_is_kept_between_requests_is_bounded_whatever_stood_in_the_body() {
        let ground = Arc::new(Ground);
        let seams = Seams {
            handler: ground.clone(),
            durability: ground.clone(),
            health: Arc::new(Health::default()),
            counters: Arc::default(),
            clock: Arc::new(ManualClock::at(UnixMillis(0))),
            spawn: ground,
        };
        let options = PoolOptions::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let shared = Arc::new(Shared::new(options, seams, crossbeam_channel::never()).unwrap());
        let steps = Steps::new(shared.clone(), Arc::new(Mark::default()));
        let mut exchange = Exchange::new(shared.seams.counters.requests.recorder());
        let sizes = [10, 2000, 2_000_000, 10];
        for bytes in sizes {
            let body = "x".repeat(bytes).leak();
            assert_eq!(exchange.answer(&shared, &steps, put(body)), Then::Next, "{bytes} bytes");
            for kept in [exchange.body.capacity(), exchange.out.capacity()] {
                assert!(kept <= BUFFER_KEPT_BYTES, "{kept} bytes kept of {bytes}");
            }
        }
        assert_eq!(shared.seams.counters.requests.read().received, sizes.iter().sum::<usize>() as u64);
    }
}

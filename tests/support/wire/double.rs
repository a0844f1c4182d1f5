//! A handler whose answers the path of the request decides.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use crossbeam_channel::{Receiver, Sender};
use memory_tools::api::Handle;
use memory_tools::api::message::{
    Answer, BodyFault, BodyStream, Deliver, Field, Finished, Intake, Method, Part, Piece, Pulled, Request, RequestBody,
    Response, ResponseBody, Taken,
};
use memory_tools::model::{Document, Key, Lsn, Rest};

use super::PATIENCE;
use super::feed::{Channel, Feed};
use super::pauses::Pauses;
use super::steps::{Steps, StepsLog};

/// Answers by path, and counts what it was asked.
///
/// `/echo` gives back the body, `/gather?N` too if it has at most N bytes, `/intake` counts what it is given and breaks
/// off at a part with "stop" in it, and answers "stop/parts" with a stream (see `pauses`), `/ignore` and `/forget` do not want the
/// body, `/big?N` has N bytes, `/parts` is a stream, `/resting?N` is one of N parts of which each rests on something, `/stream?N` is one of N bytes, `/library?N` is one of N times the
/// same document of `LIBRARY_BYTES`, `/slow` has its thread wait for the gate, `/later` has another thread wait for it
/// (with `?parts` for a stream), `/lost` never delivers, `/lsn/N` rests on N
/// (with `?M` for M bytes), `/again` is as `/echo`, and `/again-unread` does
/// not want the body; both find no room while `is_full` holds. `/work?N` is answered after N steps (see `steps`), `/feed` is a
/// stream that waits (see `feed`).
/// Anything else says its target.
pub struct Double {
    /// True while there is no room.
    pub is_full: Arc<AtomicBool>,
    /// What `/feed` says.
    pub feed: Arc<Channel>,
    /// What becomes of `/work`.
    pub steps: Arc<StepsLog>,
    /// How often somebody found none.
    pub turned_back: AtomicUsize,
    /// Requests that reached the handler; one that is asked again with its body is the same.
    pub handled: AtomicUsize,
    /// Targets in order.
    pub targets: Mutex<Vec<String>>,
    /// Threads that asked.
    pub threads: Mutex<HashSet<ThreadId>>,
    /// Opens `/slow` and `/later`, one message per request.
    pub gate: (Sender<()>, Receiver<()>),
    /// What became of bodies that will never be whole.
    pub faults: Arc<Mutex<Vec<BodyFault>>>,
    /// Bytes of `/stream` and `/library` that were made.
    pub pulled: Arc<AtomicUsize>,
    /// Streams of these that were dropped, at their end or before.
    pub dropped: Arc<AtomicUsize>,
    library: Document,
}

impl Default for Double {
    fn default() -> Double {
        Double {
            is_full: Arc::default(),
            feed: Arc::default(),
            steps: Arc::default(),
            turned_back: AtomicUsize::new(0),
            handled: AtomicUsize::new(0),
            targets: Mutex::default(),
            threads: Mutex::default(),
            gate: crossbeam_channel::unbounded(),
            faults: Arc::default(),
            pulled: Arc::default(),
            dropped: Arc::default(),
            library: Document::new(Key::new("k").unwrap(), "8".repeat(LIBRARY_BYTES).as_bytes()),
        }
    }
}

/// Parts as bytes, and at last a document that is too large to be copied.
struct Parts(VecDeque<&'static str>);

impl BodyStream for Parts {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        match self.0.pop_front() {
            Some("document") => part.push_document(large_document()),
            Some(bytes) => part.push_bytes(bytes.as_bytes()),
            None => return Pulled::Ended,
        }
        Pulled::More
    }
}

/// Parts with their numbers, from 1; each rests on ten times its number.
struct Resting {
    made: u64,
    count: u64,
}

impl BodyStream for Resting {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        self.made += 1;
        part.push_bytes(format!("part {} ", self.made).as_bytes());
        part.show(Lsn(10 * self.made));
        if self.made < self.count { Pulled::More } else { Pulled::Ended }
    }
}

/// A stream of `/parts`.
fn stream_of_parts() -> Response {
    let mut response = Response::new(200);
    response.body = ResponseBody::Stream(Box::new(Parts(["one ", "", "two ", "document"].into())));
    response
}

/// The body of `/parts`.
pub fn parts() -> String {
    format!("one two {}", String::from_utf8(large_document().value().to_vec()).unwrap())
}

/// Bytes of a document of `/library`.
pub const LIBRARY_BYTES: usize = 4 << 20;

/// Counts what was made of it.
struct Counted {
    left: usize,
    /// What each part is; without one, some KiB of text.
    document: Option<Document>,
    pulled: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl BodyStream for Counted {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        if self.left == 0 {
            return Pulled::Ended;
        }
        match &self.document {
            Some(document) => part.push_document(document.clone()),
            None => part.push_bytes(&[b's'; 16 << 10][..self.left.min(16 << 10)]),
        }
        self.left -= part.len();
        self.pulled.fetch_add(part.len(), Ordering::SeqCst);
        Pulled::More
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// What ends `/parts`.
pub fn large_document() -> Document {
    Document::new(Key::new("k").unwrap(), "7".repeat(100_000).as_bytes())
}

/// Counts, and notes how it ended.
struct Count {
    bytes: usize,
    faults: Arc<Mutex<Vec<BodyFault>>>,
    pauses: Pauses,
    /// Has its reply take work.
    work: Option<Steps>,
}

impl Intake for Count {
    fn take(&mut self, part: &[u8]) -> Taken {
        self.bytes += part.len();
        if part.windows(4).any(|window| window == b"stop") {
            if part.ends_with(b"/parts") {
                return Taken::Done(stream_of_parts());
            }
            return Taken::Done(text(422, format!("stopped after {} bytes\n", self.bytes)));
        }
        self.pauses.behind(part)
    }

    fn finish(self: Box<Self>, end: Result<(), BodyFault>) -> Finished {
        match (end, self.work) {
            (Ok(()), Some(work)) => Finished::Work(Box::new(work)),
            (Ok(()), None) => Finished::Reply(text(200, format!("{} bytes\n", self.bytes))),
            (Err(fault), _) => Finished::Reply(failed(&self.faults, fault)),
        }
    }

    fn give_up(self: Box<Self>) -> Option<Response> {
        self.pauses.are_noted().then(|| text(503, format!("no room behind {} bytes\n", self.bytes)))
    }
}

fn text(status: u16, text: String) -> Response {
    Response::new(status).with_piece(Piece::Owned(text.into_bytes()))
}

fn failed(faults: &Mutex<Vec<BodyFault>>, fault: BodyFault) -> Response {
    faults.lock().unwrap().push(fault);
    let status = match fault {
        BodyFault::TooLarge => 413,
        BodyFault::EndUnclear => 411,
        BodyFault::Malformed => 400,
        BodyFault::Crowded => 503,
        BodyFault::Stalled { .. } | BodyFault::Incomplete { .. } => 408,
    };
    text(status, format!("{fault:?}\n"))
}

impl Handle for Double {
    fn handle(&self, request: Request<'_>) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
        let bytes_max = match path {
            "/echo" | "/again" => Some(usize::MAX),
            "/gather" => Some(query.parse().unwrap()),
            _ => None,
        };
        if let (Some(bytes_max), RequestBody::Awaited { .. }) = (bytes_max, request.body) {
            return Answer::Gather { bytes_max };
        }
        let is_full = matches!(path, "/again" | "/again-unread") && self.is_full.load(Ordering::SeqCst);
        if is_full && !matches!(request.body, RequestBody::Failed(_)) {
            self.turned_back.fetch_add(1, Ordering::SeqCst);
            return Answer::Again;
        }
        self.handled.fetch_add(1, Ordering::SeqCst);
        self.targets.lock().unwrap().push(request.target.to_owned());
        self.threads.lock().unwrap().insert(std::thread::current().id());
        let mut response = match path {
            "/echo" | "/gather" | "/again" => match request.body {
                RequestBody::Bytes(bytes) => Response::new(200).with_piece(Piece::Owned(bytes.to_vec())),
                RequestBody::Failed(fault) => failed(&self.faults, fault),
                RequestBody::Awaited { .. } => unreachable!("it was gathered"),
            },
            "/intake" => return Answer::Stream(Box::new(self.count(query))),
            "/later" => {
                let gate = self.gate.1.clone();
                let make: fn() -> Response = if query == "parts" { stream_of_parts } else { later };
                return Answer::Later(Box::new(move |deliver| deliver_later(gate, make, deliver)));
            }
            "/work" => return Answer::Work(Box::new(Steps::of(query, self.steps.clone(), self.is_full.clone()))),
            "/lost" => return Answer::Later(Box::new(drop)),
            "/ignore" => Response::new(413).with_piece(Piece::Static(b"not read\n")),
            "/big" => Response::new(200).with_piece(Piece::Owned(vec![b'x'; query.parse().unwrap()])),
            "/parts" => stream_of_parts(),
            "/feed" => {
                let mut response = Response::new(200);
                response.body = ResponseBody::Stream(Box::new(Feed::of(query, self.feed.clone())));
                response
            }
            "/resting" => {
                let mut response = Response::new(200);
                let count = query.parse().unwrap();
                response.body = ResponseBody::Stream(Box::new(Resting { made: 0, count }));
                response
            }
            "/stream" => self.counted(query.parse().unwrap(), None),
            "/library" => self.counted(query.parse::<usize>().unwrap() * LIBRARY_BYTES, Some(self.library.clone())),
            "/slow" => {
                let _ = self.gate.1.recv_timeout(PATIENCE);
                Response::new(200).with_piece(Piece::Static(b"slow\n"))
            }
            "/forget" => Response::new(200),
            "/none" => Response::new(204),
            _ => {
                let mut hosts = 0;
                request.headers.each("hOsT", &mut |_| hosts += 1);
                let line = format!("{} {} {hosts}\n", request.method.name(), request.target);
                text(200, line).with_field(Field::EntityTag(7))
            }
        };
        if let Some(lsn) = path.strip_prefix("/lsn/") {
            if let Ok(bytes) = query.parse() {
                response = Response::new(200).with_piece(Piece::Owned(vec![b'x'; bytes]));
            }
            response = response.resting_on(Rest::Written(Lsn(lsn.parse().unwrap())));
        }
        response.head_only = request.method == Method::Head;
        Answer::Reply(response)
    }
}

/// Delivers from another thread when the gate opens.
fn deliver_later(gate: Receiver<()>, make: fn() -> Response, deliver: Deliver) {
    std::thread::spawn(move || {
        let _ = gate.recv_timeout(PATIENCE);
        deliver(make());
    });
}

/// The reply of `/later`. It rests on 10.
fn later() -> Response {
    text(200, "later\n".to_owned()).resting_on(Rest::Written(Lsn(10)))
}

impl Double {
    /// Requests that reached the handler.
    pub fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    /// Targets of these, in order.
    pub fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }

    /// Why bodies were not whole, in order.
    pub fn faults(&self) -> Vec<BodyFault> {
        self.faults.lock().unwrap().clone()
    }

    /// Lets `count` requests of `/slow` or `/later` go on.
    pub fn open_gate(&self, count: usize) {
        (0..count).for_each(|_| self.gate.0.send(()).unwrap());
    }

    fn count(&self, how: &str) -> Count {
        let work = how.contains("work").then(|| Steps::of("3", self.steps.clone(), self.is_full.clone()));
        let pauses = Pauses::of(how, self.steps.clone(), self.is_full.clone());
        Count { bytes: 0, faults: self.faults.clone(), pauses, work }
    }

    fn counted(&self, left: usize, document: Option<Document>) -> Response {
        let mut response = Response::new(200);
        let (pulled, dropped) = (self.pulled.clone(), self.dropped.clone());
        response.body = ResponseBody::Stream(Box::new(Counted { left, document, pulled, dropped }));
        response
    }
}

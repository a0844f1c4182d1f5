//! What requests come to: how many by method, route and status, and by route how long they took.
//!
//! A request begins when its thread takes notice of its last byte of head: a reactor's thread with all that its poll
//! reports together, so that waiting for one another is part of it. It ends when the last byte of its reply is on its
//! way to the socket: in the buffer from which it is sent, or, of what is sent by reference or made while it is sent, in
//! the queue for it. Waiting for a body, for the journal or for room is part of it; how fast the peer reads is not, unless
//! the reply is a stream, which is made no faster. What a front refuses by itself counts too, without a route.
//!
//! Invariants: whoever counts shares no line of memory with another thread that does, and takes no lock; a count never
//! falls, also when the thread that made it has ended. It does not know where the figures are shown.

mod lane;
mod status;
mod telling;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ahash::RandomState;
use parking_lot::Mutex;

use crate::api::RouteNumber;
use crate::api::message::Method;
use crate::base::metrics::Distribution;

use lane::Lane;
use telling::Done;

pub use lane::BOUNDS;
pub use status::Ended;
pub use telling::Telling;

/// What all requests of a front came to.
#[derive(Debug, Default)]
pub struct Requests {
    // Constant after construction.
    telling: Telling,
    hashing: RandomState,
    // With a lock of its own.
    lanes: Mutex<Lanes>,
}

#[derive(Debug, Default)]
struct Lanes {
    /// Of all threads that ever counted, those that ended included.
    all: Vec<Arc<Lane>>,
    /// Those among them that no thread counts in now.
    free: Vec<Arc<Lane>>,
}

/// Nanoseconds since a recorder began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// In milliseconds.
    pub fn millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// How long after `earlier` it is.
    fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// What is known of a request before it has ended.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub route: RouteNumber,
    /// Which path of the route, as far as that is told; 0 when nothing is.
    pub path_hash: u64,
    /// Bytes of its head, and of as much of its body as has come.
    pub request_bytes: u64,
    /// When it came.
    pub came: Moment,
    /// When its body was here, where that came later.
    pub whole: Option<Moment>,
    /// When there was a reply, where that has to wait or is a stream.
    pub answered: Option<Moment>,
    /// True when the reply is made while it is sent.
    pub is_stream: bool,
}

impl Origin {
    /// Of a head that was never understood, of which the last came at `came`.
    pub fn unknown(came: Moment) -> Origin {
        Origin::of(Method::Other, RouteNumber::NONE, came)
    }

    /// Of a head that came at `came`.
    pub fn of(method: Method, route: RouteNumber, came: Moment) -> Origin {
        Origin { method, route, path_hash: 0, request_bytes: 0, came, whole: None, answered: None, is_stream: false }
    }
}

/// One thread's hand in the counting. It stays on its thread.
#[derive(Debug)]
pub struct Recorder {
    // Constant after construction.
    began: Instant,
    lane: Arc<Lane>,
    home: Arc<Requests>,
    // This thread's own.
    latest: Cell<Moment>,
}

impl Requests {
    /// Nothing was counted; what `telling` says is told in the log.
    pub fn telling(telling: Telling) -> Requests {
        Requests { telling, ..Requests::default() }
    }

    /// A hand for one more thread, which gives its place back when it is dropped.
    ///
    /// # Locks
    /// That of the list of threads, for no time.
    pub fn recorder(self: &Arc<Requests>) -> Recorder {
        let mut lanes = self.lanes.lock();
        let lane = lanes.free.pop().unwrap_or_else(|| {
            let lane = Arc::new(Lane::default());
            lanes.all.push(Arc::clone(&lane));
            lane
        });
        Recorder { began: Instant::now(), lane, home: Arc::clone(self), latest: Cell::default() }
    }

    /// What was counted so far, by all threads together.
    ///
    /// # Locks
    /// That of the list of threads, while it is read; who counts does not take it.
    pub fn read(&self) -> Counted {
        let mut counted = Counted::default();
        for lane in &self.lanes.lock().all {
            lane.add_to(&mut counted);
        }
        counted
    }
}

impl Recorder {
    /// Reads the clock.
    #[inline]
    pub fn now(&self) -> Moment {
        // 2^64 nanoseconds are 584 years.
        let now = Moment(u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        self.latest.set(now);
        now
    }

    /// What the clock has said last: the end of the request before, or whatever came after that.
    pub fn latest(&self) -> Moment {
        self.latest.get()
    }

    /// What is known of a request from its head on, which came at `came`.
    #[inline]
    pub fn begin(&self, method: Method, route: RouteNumber, target: &str, came: Moment) -> Origin {
        let Telling { each, slow_after } = self.home.telling;
        let path_hash = if each || slow_after.is_some() {
            let path = memchr::memchr(b'?', target.as_bytes()).and_then(|end| target.get(..end)).unwrap_or(target);
            self.home.hashing.hash_one(path)
        } else {
            0
        };
        Origin { path_hash, ..Origin::of(method, route, came) }
    }

    /// Counts a request that ended now, with so many bytes in the body of its reply, and tells of it where that is
    /// wanted. Reads the clock.
    #[inline]
    pub fn count(&self, origin: Origin, ended: Ended, reply_bytes: u64, peer: Option<IpAddr>) {
        let at = self.now();
        let took = at.since(origin.came);
        self.lane.count(origin, ended, took);
        if self.home.telling.may_tell(took) {
            self.home.telling.tell(&Done { origin, ended, at, reply_bytes, peer });
        }
    }

    /// Counts bytes that have come from peers.
    #[inline]
    pub fn received(&self, bytes: usize) {
        self.lane.received.add(bytes as u64);
    }

    /// Counts bytes that were given to the operating system for peers.
    #[inline]
    pub fn sent(&self, bytes: usize) {
        self.lane.sent.add(bytes as u64);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.home.lanes.lock().free.push(Arc::clone(&self.lane));
    }
}

/// What was counted, at a moment.
#[derive(Debug, Default)]
pub struct Counted {
    /// Requests by route, method and status; those that there were.
    pub requests: BTreeMap<(RouteNumber, &'static str, &'static str), u64>,
    /// How long they took, by route.
    pub durations: BTreeMap<RouteNumber, Distribution<{ BOUNDS.len() }>>,
    /// Bytes that have come.
    pub received: u64,
    /// Bytes that were sent.
    pub sent: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(method: Method, route: RouteNumber) -> Origin {
        Origin::of(method, route, Moment::default())
    }

    #[test]
    fn what_several_threads_counted_is_added_up_and_outlives_them() {
        let requests = Arc::new(Requests::default());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let recorder = requests.recorder();
                    for _ in 0..100 {
                        recorder.count(origin(Method::Get, RouteNumber::UNKNOWN), Ended::With(404), 0, None);
                        recorder.received(3);
                        recorder.sent(5);
                    }
                });
            }
        });
        let counted = requests.read();
        assert_eq!(counted.requests, BTreeMap::from([((RouteNumber::UNKNOWN, "GET", "404"), 300)]));
        let durations: Vec<_> = counted.durations.iter().map(|(route, took)| (*route, took.count())).collect();
        assert_eq!(durations, [(RouteNumber::UNKNOWN, 300)]);
        assert_eq!((counted.received, counted.sent), (900, 1500));
    }

    #[test]
    fn a_thread_that_has_ended_leaves_its_place_to_the_next() {
        let requests = Arc::new(Requests::default());
        for _ in 0..10 {
            requests.recorder().count(origin(Method::Put, RouteNumber::UNKNOWN), Ended::With(204), 0, None);
        }
        assert_eq!(requests.lanes.lock().all.len(), 1);
        assert_eq!(requests.read().requests.values().sum::<u64>(), 10);
    }

    #[test]
    fn a_request_without_a_head_has_neither_method_nor_route() {
        let requests = Arc::new(Requests::default());
        let recorder = requests.recorder();
        recorder.count(Origin::unknown(recorder.now()), Ended::With(431), 0, None);
        recorder.count(origin(Method::Other, RouteNumber::UNKNOWN), Ended::With(599), 0, None);
        recorder.count(origin(Method::Get, RouteNumber::UNKNOWN), Ended::Gone, 0, None);
        let counted: Vec<_> =
            requests.read().requests.into_keys().map(|(at, method, status)| (at.label(), method, status)).collect();
        assert_eq!(counted, [("unknown", "GET", "gone"), ("unknown", "OTHER", "other"), ("none", "none", "431")]);
    }

    #[test]
    fn a_request_takes_from_when_it_came_until_it_is_counted() {
        let requests = Arc::new(Requests::default());
        let recorder = requests.recorder();
        let came = recorder.now();
        let mut seen = came;
        while seen.0 < came.0 + 1_000_000 {
            seen = recorder.now();
        }
        recorder.count(Origin { came, ..origin(Method::Get, RouteNumber::UNKNOWN) }, Ended::With(200), 0, None);
        let counted = requests.read();
        let took = counted.durations[&RouteNumber::UNKNOWN].sum();
        assert!(took >= Duration::from_millis(1), "{took:?}");
        assert!(recorder.latest() > seen, "the end of one is the beginning of the next");
    }
}

//! The simple front: a fixed pool of OS threads pulls requests from tiny_http, one connection per thread, answered
//! in place.
//!
//! ```text
//!   mt-accept ── poll(listener, wake, those being turned away)
//!       │  a thread is free: tiny_http takes the connection, a channel hands it over
//!       │  none is free:     503 with Retry-After, half-closed, drained, closed
//!       └─ watch: a thread that has been inside the library for too long is lost, and replaced up to a bound
//!   mt-http-N ─ requests one after another: framing::check, Handle, Durability, one write
//! ```
//!
//! `threads` is the connection cap. Threads start when they are first needed and stay.
//! Invariant: no request runs whose framing has two readings; every request that began is answered, or its
//! connection is closed; a panic of ours aborts, one of the library's costs one connection.
//! It does not know what is asked, who answers, or where the bytes of an answer come from.
//!
//! # What this front cannot give
//!
//! The library (the pinned fork of tiny_http) keeps the socket to itself, so that there is one timeout for each
//! read and one for each write, set on the listening socket before listen(2) and inherited from it:
//!
//! - Head, idle time and the pauses within a body share `socket_timeout`. A peer that sends a byte within each
//!   keeps its thread: in a body until `read_timeout`, in a head until the watch counts the thread as lost.
//! - The head is split before we see it. A header line has no bound while it is read; `head_bytes_max` and
//!   `header_count_max` refuse it afterwards. Lines are trimmed first, so that a folded line which itself looks
//!   like a field is read as one, and what Unicode calls white space around a framing field is not seen. Field
//!   names of other characters than letters, digits, `-` and `_` are refused, tabs inside values too.
//! - An idle connection that reaches the timeout, and a client that half-closes, get a 400 that nobody asked for.
//! - The size line of a chunk is read leniently and without a bound: a request that is hidden in its extension, behind
//!   a bare LF or a quoted CR LF, runs, which is smuggling behind a proxy that reads the line otherwise. Trailers are
//!   an error, and a peer that goes away in the middle of a chunk looks like the end of the body: whoever reads a
//!   chunked body must know its end from its content, as a JSON text does unless it is a bare number. So one that
//!   ends in a digit is refused with `BodyFault::EndUnclear`. A peer that goes away or stalls in the frame of a chunk
//!   looks like a malformed one.
//! - A short body that nobody wanted is read past. A reply before a longer one was read cannot say
//!   `Connection: close`, and the library then reads the rest of the announced length, however long, before its
//!   thread is free. A `100 Continue` carries a Content-Length of 0, and HTTP/1.0 clients get one too.
//! - `GET / HTTP/2.0` and the preface of HTTP/2 block their thread inside the library for ever; so the watch.
//! - `Connection: upgrade` turns off the library's decoding: such a request with a chunked body is refused.
//! - A peer that goes away while its reply is being made, or while its stream waits, is noticed when there is something
//!   to send.
//! - Threads that wait in the library cannot be woken: idle connections end with the process, not with `drain`.
//! - The bytes of a head are the library's: what is counted as received is bodies alone, and a reply that the library
//!   words itself is not counted as sent.
//! - It needs unwinding: with `panic = "abort"` the library's own panics would end the process.

mod acceptor;
mod answering;
mod body;
mod delivery;
mod exchange;
mod fields;
mod listener;
mod lost;
mod mark;
mod panics;
mod pausing;
mod steps;
mod turned_away;
mod wake;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use super::framing::HeadLimits;
use super::{Counters, Drained, Endpoint, Front, Seams};

pub use listener::{Bound, bind};

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Where to listen. An unspecified IPv6 address takes IPv4 as well.
    pub address: SocketAddr,
    /// Threads, and so connections at once. Each has a stack and two descriptors.
    pub threads: usize,
    /// How long one read may wait for a peer, idle connections included. Half of it is what one write may wait,
    /// because the library tries a failed write twice.
    pub socket_timeout: Duration,
    /// How long the whole of a body may take, checked between reads.
    pub read_timeout: Duration,
    /// How long a write may wait for room, a reply to become durable, and a peer may take for what one buffer holds;
    /// also a bound on each write when it is below `socket_timeout`.
    pub write_timeout: Duration,
    /// How large a head may be.
    pub limits: HeadLimits,
    /// Threads lost to the library that are replaced. One more raises `Reason::ThreadsLost`.
    pub lost_threads_max: usize,
    /// Descriptors that connections leave to files. A connection that would take one of the last is turned away.
    pub descriptors_kept: u64,
    /// Stack of a thread in bytes; the kernel gives pages only as they are touched.
    pub stack_bytes: usize,
}

impl PoolOptions {
    /// The defaults, on `address`.
    pub fn at(address: SocketAddr) -> PoolOptions {
        PoolOptions {
            address,
            threads: 512,
            socket_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            limits: HeadLimits { target_bytes_max: 8 << 10, head_bytes_max: 32 << 10, header_count_max: 100 },
            lost_threads_max: 64,
            descriptors_kept: 32,
            stack_bytes: 512 << 10,
        }
    }
}

/// Counters of a pool's threads, for metrics. Read without a lock; each is exact, together they are not a cut.
#[derive(Debug, Default)]
pub struct ThreadCounters {
    /// Threads that exist now.
    pub threads: AtomicUsize,
    /// Threads that are lost now.
    pub threads_lost: AtomicUsize,
    /// Panics of the library that cost a connection.
    pub library_panics: AtomicU64,
}

/// A running pool. Dropping it stops nothing.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    address: SocketAddr,
}

/// How long no request may be in progress and none may begin before a drain calls itself finished. A request that
/// is already in the kernel's buffer has its thread woken within this time.
const SETTLE: Duration = Duration::from_millis(50);

/// How often a drain looks when nobody reports a finished request.
const DRAIN_LOOK: Duration = Duration::from_millis(5);

impl Pool {
    fn start(shared: Arc<Shared>, address: SocketAddr, acceptor: impl FnOnce() + Send + 'static) -> io::Result<Pool> {
        let stack_bytes = shared.options.stack_bytes;
        shared.seams.spawn.spawn("mt-accept", stack_bytes, Box::new(move || panics::ours("accepting", acceptor)))?;
        Ok(Pool { shared, address })
    }

    /// Where it listens, with the port that the kernel chose for port 0.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The counters of its threads.
    pub fn thread_counters(&self) -> &ThreadCounters {
        &self.shared.thread_counters
    }
}

impl Front for Pool {
    fn endpoints(&self) -> Vec<Endpoint> {
        vec![Endpoint::Tcp(self.address)]
    }

    fn counters(&self) -> &Counters {
        &self.shared.seams.counters
    }

    fn stop_accepting(&self) {
        self.shared.stopping.raise();
    }

    fn drain(&self, limit: Duration) -> Drained {
        self.stop_accepting();
        let started = Instant::now();
        let mut quiet_since: Option<(Instant, u64)> = None;
        let finished = loop {
            let now = Instant::now();
            let activity = self.shared.activity();
            quiet_since = match (activity, quiet_since) {
                (None, _) => None,
                (Some(steps), Some((since, before))) if before == steps => Some((since, before)),
                (Some(steps), _) => Some((now, steps)),
            };
            if quiet_since.is_some_and(|(since, _)| now.duration_since(since) >= SETTLE) {
                break true;
            }
            if now.duration_since(started) >= limit {
                break false;
            }
            // Either somebody reports a finished request, or it is time to look again.
            let _ = self.shared.finished.1.recv_timeout(DRAIN_LOOK);
        };
        Drained { finished, open: self.shared.seams.counters.connections_open.load(Ordering::Relaxed) }
    }
}

/// A connection as the library hands it out: its requests, until one cannot be read.
type Connection = Box<dyn Iterator<Item = tiny_http::Request> + Send>;

/// What acceptor, workers and handle share.
struct Shared {
    // Constant after construction.
    options: PoolOptions,
    seams: Seams,
    // With synchronization of their own.
    thread_counters: ThreadCounters,
    stopping: wake::Flag,
    lost: lost::LostThreads,
    /// Workers that wait for a connection, less the connections that are on their way to one.
    free: AtomicIsize,
    connections: Receiver<Connection>,
    finished: (Sender<()>, Receiver<()>),
    /// One per living worker.
    marks: Mutex<Vec<Arc<mark::Mark>>>,
}

impl Shared {
    fn new(options: PoolOptions, seams: Seams, connections: Receiver<Connection>) -> io::Result<Shared> {
        Ok(Shared {
            lost: lost::LostThreads::new(options.lost_threads_max, Arc::clone(&seams.health)),
            options,
            seams,
            thread_counters: ThreadCounters::default(),
            stopping: wake::Flag::new()?,
            free: AtomicIsize::new(0),
            connections,
            finished: crossbeam_channel::bounded(1),
            marks: Mutex::new(Vec::new()),
        })
    }

    /// How many steps all workers have taken together, or `None` while a request is in progress.
    fn activity(&self) -> Option<u64> {
        if !self.connections.is_empty() {
            return None;
        }
        let marks = self.marks.lock();
        marks.iter().try_fold(0_u64, |steps, mark| {
            let reading = mark.read();
            (!reading.place.is_in_progress()).then(|| steps.wrapping_add(reading.steps))
        })
    }
}

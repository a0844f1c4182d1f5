//! The front for many connections: a few threads, each with sockets, timers and buffers of its own.
//!
//! ```text
//!   mt-http-N ── poll ─┬─ doors: its own listening sockets (SO_REUSEPORT), who is let in, who is told 503
//!                      ├─ connections: transport ─► session ─► Handle ─► outbox ─► transport
//!                      ├─ mailbox: replies that became durable, replies from other threads, news for streams that wait
//!                      ├─ work in steps: a few each time around, behind the turns of all
//!                      └─ wheel: heads, bodies, silence and readers that took too long
//! ```
//!
//! `session` is the protocol without a socket, `outbox` the replies in order, `connection` drives both over a
//! `transport`. Nothing is shared between threads but counters, the handler and `Durability`.
//! Invariants: no thread waits anywhere but in its poll; no request runs whose framing has two readings; replies
//! leave in the order of their requests, and only when what they rest on is released; whatever a connection makes
//! the server hold is bounded by an option. It does not know what is asked, nor who answers.

mod ahead;
mod chunked;
mod connection;
pub mod context;
mod door;
pub mod head;
mod incoming;
mod listener;
pub mod mail;
pub mod outbox;
pub mod sections;
pub mod session;
mod shared;
mod thread;
mod tls;
mod tools;
mod transport;
mod wheel;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};
use parking_lot::Mutex;

use crate::base::socket_file::SocketFile;
use crate::base::{lane, panics};

use super::{Counters, Drained, Endpoint, Front, Seams};

use context::Rules;
use door::{Door, Listener};
use listener::Sockets;
use mail::Mailbox;
use shared::Shared;
use thread::{Thread, WAKE};

pub use listener::Listening;
pub use thread::REFUSED_MAX;

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct ReactorOptions {
    /// Threads, at least one.
    pub threads: usize,
    /// Connections at once, over all threads.
    pub connections_max: usize,
    /// Connections at once from one IP address; 0 is as many as there are.
    pub connections_per_address_max: usize,
    /// The limits of each connection.
    pub rules: Rules,
    /// Stack of a thread in bytes.
    pub stack_bytes: usize,
}

/// Serves what arrives at `listening`, from now on and on threads of its own.
///
/// # Errors
/// The operating system's, when it has no thread or descriptor.
pub fn serve(options: ReactorOptions, listening: Vec<Listening>, seams: Seams) -> io::Result<Reactor> {
    let mut doors: Vec<Vec<Door>> = (0..options.threads.max(1)).map(|_| Vec::new()).collect();
    let (mut endpoints, mut files) = (Vec::new(), Vec::new());
    for Listening { endpoint, sockets, file, tls } in listening {
        endpoints.push(endpoint);
        files.extend(file);
        let listeners: Vec<Listener> = match sockets {
            Sockets::Tcp(sockets) => sockets.into_iter().map(Listener::from).collect(),
            Sockets::Unix(sockets) => sockets.into_iter().map(Listener::from).collect(),
        };
        doors.iter_mut().zip(listeners).for_each(|(doors, socket)| doors.push(Door::new(socket, tls.clone())));
    }
    let shared = Shared::new(options, seams);
    let mut reactor = Reactor { shared, wakers: Vec::new(), endpoints, files: Mutex::new(files) };
    let mut threads = Vec::new();
    for doors in doors {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let wake = Arc::clone(&waker);
        let mailbox = Mailbox::new(Arc::new(move || {
            // An event counter that is full wakes already.
            let _ = wake.wake();
        }));
        threads.push(Thread::new(Arc::clone(&reactor.shared), poll, doors, mailbox)?);
        reactor.wakers.push(waker);
    }
    for (number, thread) in threads.into_iter().enumerate() {
        let job = Box::new(move || {
            lane::choose(number);
            panics::or_abort("serving connections", || thread.run());
        });
        let Shared { seams, options, .. } = &*reactor.shared;
        reactor.shared.threads.fetch_add(1, Ordering::AcqRel);
        if let Err(error) = seams.spawn.spawn(&format!("mt-http-{number}"), options.stack_bytes, job) {
            reactor.abandon();
            return Err(error);
        }
    }
    Ok(reactor)
}

/// How often a drain looks when no thread reports.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A running reactor. Dropping it stops nothing.
pub struct Reactor {
    shared: Arc<Shared>,
    /// One per thread.
    wakers: Vec<Arc<Waker>>,
    endpoints: Vec<Endpoint>,
    /// Of Unix sockets that are listened on.
    files: Mutex<Vec<SocketFile>>,
}

impl Reactor {
    fn wake(&self) {
        for waker in &self.wakers {
            // As above: what is full wakes.
            let _ = waker.wake();
        }
    }

    /// Has the threads end, whatever they are doing.
    fn abandon(&self) {
        self.shared.is_abandoned.store(true, Ordering::Release);
        self.stop_accepting();
    }
}

impl Front for Reactor {
    fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.clone()
    }

    fn counters(&self) -> &Counters {
        &self.shared.seams.counters
    }

    fn stop_accepting(&self) {
        self.files.lock().clear();
        self.shared.is_draining.store(true, Ordering::Release);
        self.wake();
    }

    fn drain(&self, limit: Duration) -> Drained {
        self.stop_accepting();
        let until = Instant::now() + limit;
        let Shared { threads, ended, .. } = &*self.shared;
        let finished = loop {
            if threads.load(Ordering::Acquire) == 0 {
                break true;
            }
            // Where two drain at once, one message may be for both: look again soon.
            let soon = until.min(Instant::now() + DRAIN_LOOK);
            if ended.1.recv_deadline(soon).is_err() && Instant::now() >= until {
                break threads.load(Ordering::Acquire) == 0;
            }
        };
        let open = self.shared.seams.counters.connections_open.load(Ordering::Acquire);
        if !finished {
            self.abandon();
        }
        Drained { finished, open }
    }
}

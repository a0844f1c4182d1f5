//! The front for many connections: a few threads, each with sockets, timers and buffers of its own.
//!
//! ```text
//!   mt-http-N ── poll ─┬─ doors: its own listening sockets (SO_REUSEPORT), who is let in, who is told 503
//!                      ├─ connections: transport ─► session ─► Handle ─► outbox ─► transport
//!                      ├─ mailbox: replies that became durable, replies from other threads
//!                      └─ wheel: heads, bodies, silence and readers that took too long
//! ```
//!
//! `session` is the protocol without a socket, `outbox` the replies in order, `connection` drives both over a
//! `transport`. Nothing is shared between threads but counters, the handler and `Durability`.
//! Invariants: no thread waits anywhere but in its poll; no request runs whose framing has two readings; replies
//! leave in the order of their requests, and only when what they rest on is released; whatever a connection makes
//! the server hold is bounded by an option. It does not know what is asked, nor who answers.

mod chunked;
mod connection;
pub mod context;
mod door;
mod head;
mod incoming;
mod listener;
pub mod mail;
pub mod outbox;
pub mod session;
mod shared;
mod thread;
mod transport;
mod wheel;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};

use crate::base::panics;

use super::{BindError, Drained, Endpoint, Front, Seams};

use context::Rules;
use door::{Door, Listener};
use mail::Mailbox;
use shared::Shared;
use thread::{Thread, WAKE};

pub use shared::Counters;

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct ReactorOptions {
    /// Where to listen.
    pub addresses: Vec<SocketAddr>,
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

/// Listening sockets that nobody serves yet.
#[derive(Debug)]
pub struct Bound {
    /// For each thread its sockets.
    sockets: Vec<Vec<std::net::TcpListener>>,
    endpoints: Vec<Endpoint>,
    options: ReactorOptions,
}

/// Listens on `options.addresses`. Connections wait until `serve`.
///
/// # Errors
/// Names the address and what the operating system says.
pub fn bind(options: ReactorOptions) -> Result<Bound, BindError> {
    let threads = options.threads.max(1);
    let mut sockets: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
    let mut endpoints = Vec::new();
    for address in &options.addresses {
        let failed = |cause| BindError { endpoint: Endpoint::Tcp(*address), cause };
        let listening = listener::listen(*address, threads).map_err(failed)?;
        if let Some(first) = listening.first() {
            endpoints.push(Endpoint::Tcp(first.local_addr().map_err(failed)?));
        }
        for (of_thread, socket) in sockets.iter_mut().zip(listening) {
            of_thread.push(socket);
        }
    }
    Ok(Bound { sockets, endpoints, options })
}

impl Bound {
    /// Where it listens, with the ports that the kernel chose for port 0.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Serves what arrives, from now on and on threads of its own.
    ///
    /// # Errors
    /// The operating system's, when it has no thread or descriptor.
    pub fn serve(self, seams: Seams) -> io::Result<Reactor> {
        let shared = Shared::new(self.options, seams);
        let mut reactor = Reactor { shared, wakers: Vec::new(), endpoints: self.endpoints };
        let mut threads = Vec::new();
        for sockets in self.sockets {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
            let doors =
                sockets.into_iter().map(|socket| Door::new(Listener::Tcp(mio::net::TcpListener::from_std(socket))));
            let wake = Arc::clone(&waker);
            let mailbox = Mailbox::new(Arc::new(move || {
                // An event counter that is full wakes already.
                let _ = wake.wake();
            }));
            threads.push(Thread::new(Arc::clone(&reactor.shared), poll, doors.collect(), mailbox)?);
            reactor.wakers.push(waker);
        }
        for (number, thread) in threads.into_iter().enumerate() {
            let job = Box::new(move || panics::or_abort("serving connections", || thread.run()));
            let Shared { seams, options, .. } = &*reactor.shared;
            if let Err(error) = seams.spawn.spawn(&format!("mt-http-{number}"), options.stack_bytes, job) {
                reactor.abandon();
                return Err(error);
            }
        }
        Ok(reactor)
    }
}

/// A running reactor. Dropping it stops nothing.
pub struct Reactor {
    shared: Arc<Shared>,
    /// One per thread.
    wakers: Vec<Arc<Waker>>,
    endpoints: Vec<Endpoint>,
}

impl Reactor {
    /// Its counters.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

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

    fn stop_accepting(&self) {
        self.shared.is_draining.store(true, Ordering::Release);
        self.wake();
    }

    fn drain(&self, limit: Duration) -> Drained {
        self.stop_accepting();
        let until = Instant::now() + limit;
        let (_, drained) = &self.shared.drained;
        let finished = self.wakers.iter().all(|_| drained.recv_deadline(until).is_ok());
        let open = self.shared.counters.connections_open.load(Ordering::Acquire);
        if !finished {
            self.abandon();
        }
        Drained { finished, open }
    }
}

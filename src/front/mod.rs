//! Sockets on one side, plain requests and responses on the other.
//!
//! What the fronts share stands here: `framing` decides whether a head may run and where its message ends, `reply`
//! turns a response into bytes, `problem` words the refusals that a front has to give by itself, `unix` listens
//! on a path, `tls` holds the certificate. Each front is a folder of its own.
//! Invariant: a front only moves bytes. It does not know documents, routes, nor who answers: it holds a
//! `Handle`, and asks a `Durability` before a reply leaves.

pub mod authority;
pub mod counters;
pub mod date;
pub mod endpoint;
pub mod framing;
pub mod octets;
pub mod problem;
pub mod reply;
pub mod requests;
pub mod tcp;
pub mod tls;
pub mod unix;

pub mod pool;
pub mod reactor;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::api::Handle;
use crate::base::clock::Clock;
use crate::base::health::Health;
use crate::base::threads::Spawn;
use crate::model::Durability;

pub use counters::Counters;
pub use endpoint::Endpoint;
pub use tls::Tls;

/// What a front serves and stands on.
#[derive(Clone)]
pub struct Seams {
    /// Who answers.
    pub handler: Arc<dyn Handle>,
    /// Who says when a reply may leave.
    pub durability: Arc<dyn Durability>,
    /// Where to say that it cannot serve as it should.
    pub health: Arc<Health>,
    /// Where it counts; nobody else does.
    pub counters: Arc<Counters>,
    /// The time for the `Date` field.
    pub clock: Arc<dyn Clock>,
    /// Who starts threads.
    pub spawn: Arc<dyn Spawn>,
}

/// Why there is nothing to listen on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {endpoint}: {cause}")]
pub struct BindError {
    /// Where.
    pub endpoint: Endpoint,
    /// The operating system's answer; `AddrInUse` when somebody else listens there.
    pub cause: io::Error,
}

/// What was still there when a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// True when no request was in progress.
    pub finished: bool,
    /// Connections that were still open: idle ones, and those of requests that did not finish.
    pub open: usize,
}

/// A running front. Dropping it stops nothing.
pub trait Front: Send + Sync {
    /// Where it listens, with the ports that the kernel chose for port 0.
    fn endpoints(&self) -> Vec<Endpoint>;

    /// Its counters.
    fn counters(&self) -> &Counters;

    /// Takes no new connection from now on; those that wait in the backlog are told 503. A connection ends behind the
    /// reply to the last request that has come over it.
    fn stop_accepting(&self);

    /// Stops accepting and waits until no request is in progress, at most `limit`.
    fn drain(&self, limit: Duration) -> Drained;
}

//! Sockets on one side, plain requests and responses on the other.
//!
//! What the fronts share stands here: `framing` decides whether a head may run and where its message ends, `reply`
//! turns a response into bytes, `problem` words the refusals that a front has to give by itself. Each front is a
//! folder of its own.
//! Invariant: a front only moves bytes. It does not know documents, routes, nor who answers: it holds a
//! `Handle`, and asks a `Durability` before a reply leaves.

pub mod date;
pub mod framing;
pub mod problem;
pub mod reply;

pub mod pool;

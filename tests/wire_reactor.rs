//! The reactor over real sockets: the facts of both fronts, and what only a front of our own can hold.

#[path = "wire/mod.rs"]
mod common;
#[path = "support/wire.rs"]
mod wire;

use wire::Side;

common::over!(Side::Reactor);

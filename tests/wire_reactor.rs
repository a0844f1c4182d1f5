//! The reactor over real sockets: the facts of both fronts, and what only a front of our own can hold.

#[path = "wire/mod.rs"]
mod common;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/wire.rs"]
mod wire;

#[path = "wire/reactor/bodies.rs"]
mod bodies;
#[path = "wire/reactor/counting.rs"]
mod counting;
#[path = "wire/reactor/deadlines.rs"]
mod deadlines;
#[path = "wire/reactor/ending.rs"]
mod ending;
#[path = "wire/reactor/feeds.rs"]
mod feeds;
#[path = "wire/reactor/limits.rs"]
mod limits;
#[path = "wire/reactor/parking.rs"]
mod parking;
#[path = "wire/reactor/pauses.rs"]
mod pauses;
#[path = "wire/reactor/pipelining.rs"]
mod pipelining;
#[path = "wire/reactor/rounds.rs"]
mod rounds;
#[path = "wire/reactor/session.rs"]
mod session;
#[path = "wire/reactor/streams.rs"]
mod streams;
#[path = "wire/reactor/work.rs"]
mod work;

use wire::Side;

common::over!(Side::Reactor);

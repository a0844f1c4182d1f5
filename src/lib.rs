//! Memory Tools: JSON documents in memory, over HTTP. `src/README.md` is the map of the house.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic, clippy::todo)
)]

pub mod base;
pub mod model;
pub mod patch;

pub mod access;
pub mod config;

pub mod journal;
pub mod persist;
pub mod store;

pub mod api;
pub mod engine;

pub mod cli;
pub mod client;
pub mod front;
pub mod server;

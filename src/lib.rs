//! Memory Tools: JSON documents in memory, over HTTP. `src/README.md` is the map of the house.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic, clippy::todo)
)]

pub mod base;
pub mod model;

pub mod config;

pub mod store;
pub mod persist;

pub mod api;

pub mod front;

pub mod cli;

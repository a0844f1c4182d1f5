//! The ground floor: clock, disk, threads, limits, health, JSON text. It knows nothing of documents.
//!
//! Invariant: whatever touches the operating system (time, files, threads) has exactly one door here,
//! so that a test can put a treacherous twin behind it.

pub mod cache;
pub mod clock;
pub mod disk;
pub mod duration;
pub mod fault;
pub mod health;
pub mod json;
pub mod lane;
pub mod limits;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod nearest;
pub mod panics;
pub mod proc;
pub mod pulse;
pub mod scan;
pub mod socket_file;
pub mod threads;

//! What several test files share. Each file uses a part of it.
#![allow(dead_code)]

pub mod delivery;
pub mod described;
pub mod dice;
pub mod door;
pub mod exposition;
pub mod history;
pub mod http;
pub mod ledger;
pub mod left_out;
pub mod marked;
pub mod memory;
pub mod process;
pub mod remote;
pub mod reply;
pub mod scenario;
pub mod spelled;

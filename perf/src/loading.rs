//! Asking for very many documents as fast as it goes, without a measurement: to load them, and to read a sample back.
//!
//! Invariant: whoever loads is told of the first wrong answer, and a sample is compared to the byte, so that no figure
//! comes from documents that are not there.

use std::net::SocketAddr;

use anyhow::Result;

use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::fleet::Fleet;
use crate::keys::Keys;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::work::Work;
use crate::workload::Workload;

/// Connections that ask.
pub const CONNECTIONS: usize = 4;

/// Requests under way on each.
pub const DEPTH: usize = 32;

/// One document in so many is read back.
const SAMPLE: usize = 97;

/// Puts documents `0..count` into the server by `put`.
///
/// # Errors
/// A wrong answer, or the server ended.
pub fn load(server: &Server, put: &Workload, count: u32, progress: &Progress) -> Result<Tally> {
    let tell = |answered| progress.detail(&format!("loading documents: {answered} of {count}"));
    server.explain(ask(server.address, put, Keys::once(0..count), tell))
}

/// Reads a sample of the documents `0..count` by `get`.
///
/// # Errors
/// A wrong answer, or the server ended.
pub fn read_back(server: &Server, get: &dyn Work, count: u32) -> Result<()> {
    server.explain(ask(server.address, get, sample(count), |_| {}).map(drop))
}

/// The keys of a sample of `0..count`.
pub fn sample(count: u32) -> Keys {
    Keys::sparse(0..count, SAMPLE)
}

/// Asks for all of `keys`; `tell` hears now and then how many were answered.
///
/// # Errors
/// A wrong answer, or nobody answers.
pub fn ask(server: SocketAddr, workload: &dyn Work, keys: Keys, tell: impl FnMut(u64)) -> Result<Tally> {
    let session = Session { workload, keys, pace: Pace::Window(DEPTH), tally: Tally::new() };
    Fleet::open(server, CONNECTIONS)?.exhaust(session, tell)
}

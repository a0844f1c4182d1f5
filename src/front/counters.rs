//! How the connections of a front have fared, and what their requests came to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use super::requests::Requests;

/// Counters of a front, for metrics. Read without a lock; each is exact, together they are not a cut.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that are served now.
    pub connections_open: AtomicUsize,
    /// Connections that were served.
    pub connections_accepted: AtomicU64,
    /// Connections that were told to come again, or dropped at the door.
    pub connections_refused: AtomicU64,
    /// Times that accepting one failed in the operating system or in a library.
    pub accept_errors: AtomicU64,
    /// What was asked over them.
    pub requests: Arc<Requests>,
}

//! The seam to whoever watches a running server.

use std::time::Duration;

use crate::base::clock::UnixMillis;

use super::Lsn;

/// What a running server counts.
pub trait Figures: Send + Sync {
    /// Appends all of it to `out`, as text in Prometheus' exposition format 0.0.4. Never waits for a disk.
    fn show(&self, out: &mut String);

    /// What matters most of it, for people. Never waits for a disk.
    fn stats(&self) -> Stats;
}

/// How a server stands, each figure at its own moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Since it was started.
    pub uptime: Duration,
    /// Documents in memory, expired ones that are not freed yet included.
    pub documents: u64,
    /// Bytes of their keys and values.
    pub key_and_value_bytes: u64,
    /// About what the store's tables and indexes take beside those.
    pub index_bytes: u64,
    /// Collections beside the main store.
    pub collections: usize,
    /// The LSN that will be issued next.
    pub next_lsn: Lsn,
    /// What an acknowledged write survives, by the name that the configuration has for it.
    pub journal_mode: &'static str,
    /// The journal; `None` while there is none.
    pub journal: Option<JournalStats>,
    /// When the newest snapshot was published, or that which was loaded was captured; `None` before the first.
    pub snapshot_at: Option<UnixMillis>,
    /// Bytes of memory in use, as they are held against the limit.
    pub memory_used_bytes: u64,
    /// The limit; `None` when there is none.
    pub memory_limit_bytes: Option<u64>,
    /// Bytes of the process that are in memory, where the system says so.
    pub resident_bytes: Option<u64>,
}

/// How a journal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalStats {
    /// Whether it takes writes: serving, degraded, healing.
    pub state: &'static str,
    /// The newest LSN that survives the end of the process, with all before it.
    pub written: Lsn,
    /// The newest LSN that survives a loss of power, with all before it.
    pub durable: Lsn,
}

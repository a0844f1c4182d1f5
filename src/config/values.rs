//! The configuration as the rest of the house sees it: typed values, within their ranges.

use std::path::PathBuf;
use std::time::Duration;

use crate::access::Tokens;
use crate::base::log::{Format, Level};

use super::choice::{AccessLog, Eviction, Front, Journal, OnJournalError};
use super::listen::{Host, Listen};
use super::listen_on::ListenOn;
use super::memory_max::MemoryMax;

/// Every option's value. Fields are named as their options; the table says what each means and costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The one address to listen on, unless `listen` has any; `endpoints` says which holds.
    pub port: Listen,
    /// Where to listen; empty when `port` says it.
    pub listen: Vec<ListenOn>,
    /// The certificate chain for TLS; without one there is no TLS.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key.
    pub tls_key: Option<PathBuf>,
    /// The tokens of which requests need one, unless `tokens_file` has them; empty for none.
    pub tokens: Tokens,
    /// The file with the tokens.
    pub tokens_file: Option<PathBuf>,
    /// The origins whose web pages may read answers; `*` alone for every one, empty for none.
    pub cors_origins: Vec<String>,
    /// The folder that holds the data.
    pub data_dir: PathBuf,
    /// Which front serves the sockets.
    pub front: Front,
    /// Threads of the reactor front; 0 is one per core.
    pub reactor_threads: usize,
    /// Connections of the reactor front at once.
    pub connections_max: usize,
    /// Connections of one peer's address in the reactor front; 0 is no bound.
    pub connections_per_address_max: usize,
    /// Requests of one connection of the reactor front that may wait for their replies to leave.
    pub pipelined_requests_max: usize,
    /// Bytes of a streamed reply that one connection of the reactor front may hold.
    pub stream_buffer_bytes: usize,
    /// Bytes of finished replies that one connection of the reactor front may hold before it runs another request.
    pub unsent_bytes_max: usize,
    /// Bytes of bodies that are still arriving or wait for room, over all connections of the reactor front.
    pub bodies_bytes_max: usize,
    /// Threads of the pool front, which is its cap on connections.
    pub pool_threads: usize,
    /// The one timeout of a socket in the pool front; see `pool_receive_timeout` and `pool_send_timeout`.
    pub pool_socket_timeout: Duration,
    /// Threads that the pool may lose to the HTTP library and replace.
    pub pool_lost_threads_max: usize,
    /// Bound on reading one request's body, whole; in the reactor front a bound on its head, and the part of the
    /// bound on its body that does not depend on its length.
    pub read_timeout: Duration,
    /// Bound on one write of a reply.
    pub write_timeout: Duration,
    /// The slowest that a body or the reading of a reply may be in the reactor front.
    pub transfer_bytes_per_second_min: usize,
    /// Bound on the silence between two requests of a connection.
    pub idle_timeout: Duration,
    /// How long a shutdown waits for requests in progress.
    pub shutdown_timeout: Duration,
    /// Whether each request is told in the log.
    pub access_log: AccessLog,
    /// Milliseconds after which a request is told in the log as a slow one; 0 for none.
    pub slow_request_ms: usize,
    /// What an acknowledged write survives.
    pub journal: Journal,
    /// Bytes of records that may be on their way to the disk.
    pub journal_buffer_bytes: usize,
    /// Bytes of a segment of the journal above which a new one is begun.
    pub journal_segment_bytes: usize,
    /// What the server does when the disk refuses the journal.
    pub on_journal_error: OnJournalError,
    /// Whether snapshots are taken on schedule.
    pub enable_snapshots: bool,
    /// Time between two scheduled snapshots.
    pub snapshot_interval: Duration,
    /// Where copies are put on schedule, if anywhere.
    pub backup_folder: Option<PathBuf>,
    /// Between two of them.
    pub backup_interval: Duration,
    /// How many of them are kept.
    pub backup_keep: usize,
    /// How often expired documents are reaped.
    pub ttl_clean_interval: Duration,
    /// Shards of the store; a power of two.
    pub shards: usize,
    /// Memory that may be used before writes that grow are refused.
    pub memory_bytes_max: MemoryMax,
    /// What goes where memory is full.
    pub eviction: Eviction,
    /// Bytes of one document.
    pub document_bytes_max: usize,
    /// Operations of one bulk.
    pub bulk_operations_max: usize,
    /// Bytes of one bulk.
    pub bulk_bytes_max: usize,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Header fields of a request.
    pub header_count_max: usize,
    /// Collections that may exist at once.
    pub collections_max: usize,
    /// Changes that the feed keeps; 0 turns it off.
    pub changes_entries_max: usize,
    /// Bytes of changes that the feed keeps; 0 turns it off.
    pub changes_bytes_max: usize,
    /// Readers of the feed at once.
    pub changes_connections_max: usize,
    /// How lines of the log look.
    pub log_format: Format,
    /// The least level that the log has.
    pub log_level: Level,
}

impl Config {
    /// Nothing filled in yet; only `load` makes one, and fills every field from the table's defaults.
    pub(super) fn unfilled() -> Config {
        Config {
            port: Listen { host: Host::Every, port: 0 },
            listen: Vec::new(),
            tls_cert: None,
            tls_key: None,
            tokens: Tokens::default(),
            tokens_file: None,
            cors_origins: Vec::new(),
            data_dir: PathBuf::new(),
            front: Front::Pool,
            reactor_threads: 0,
            connections_max: 0,
            connections_per_address_max: 0,
            pipelined_requests_max: 0,
            stream_buffer_bytes: 0,
            unsent_bytes_max: 0,
            bodies_bytes_max: 0,
            pool_threads: 0,
            pool_socket_timeout: Duration::ZERO,
            pool_lost_threads_max: 0,
            read_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
            transfer_bytes_per_second_min: 0,
            idle_timeout: Duration::ZERO,
            shutdown_timeout: Duration::ZERO,
            access_log: AccessLog::Off,
            slow_request_ms: 0,
            journal: Journal::Off,
            journal_buffer_bytes: 0,
            journal_segment_bytes: 0,
            on_journal_error: OnJournalError::Degrade,
            enable_snapshots: false,
            snapshot_interval: Duration::ZERO,
            backup_folder: None,
            backup_interval: Duration::ZERO,
            backup_keep: 0,
            ttl_clean_interval: Duration::ZERO,
            shards: 0,
            memory_bytes_max: MemoryMax::Off,
            eviction: Eviction::Off,
            document_bytes_max: 0,
            bulk_operations_max: 0,
            bulk_bytes_max: 0,
            head_bytes_max: 0,
            header_count_max: 0,
            collections_max: 0,
            changes_entries_max: 0,
            changes_bytes_max: 0,
            changes_connections_max: 0,
            log_format: Format::Text,
            log_level: Level::Info,
        }
    }

    /// Where to listen, at least one place: what `listen` names, else what `port` does.
    pub fn endpoints(&self) -> Vec<ListenOn> {
        if self.listen.is_empty() { vec![ListenOn::Tcp(self.port.clone())] } else { self.listen.clone() }
    }

    /// The option that says where to listen.
    pub fn endpoints_option(&self) -> &'static str {
        if self.listen.is_empty() { "port" } else { "listen" }
    }

    /// True when everybody is let in.
    pub fn asks_for_no_token(&self) -> bool {
        self.tokens.is_empty() && self.tokens_file.is_none()
    }

    /// The option that bounds the connections of the chosen front, and its value.
    pub fn connections(&self) -> (&'static str, usize) {
        match self.front {
            Front::Reactor => ("connections_max", self.connections_max),
            Front::Pool => ("pool_threads", self.pool_threads),
        }
    }

    /// How long a receive may stall in the pool front: in a head, between two requests, within a body. The library
    /// gives a socket one such timeout, so the smaller of the two options that ask for one.
    pub fn pool_receive_timeout(&self) -> Duration {
        self.pool_socket_timeout.min(self.idle_timeout)
    }

    /// How long a send may stall in the pool front.
    pub fn pool_send_timeout(&self) -> Duration {
        self.pool_socket_timeout.min(self.write_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_timeout_rules_a_socket_of_the_pool() {
        let seconds = Duration::from_secs;
        let timeouts = |socket, idle, write| {
            let config = Config {
                pool_socket_timeout: seconds(socket),
                idle_timeout: seconds(idle),
                write_timeout: seconds(write),
                ..Config::unfilled()
            };
            (config.pool_receive_timeout().as_secs(), config.pool_send_timeout().as_secs())
        };
        assert_eq!(timeouts(30, 120, 10), (30, 10));
        assert_eq!(timeouts(30, 15, 60), (15, 30));
    }
}

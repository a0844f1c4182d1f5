//! The table of options, in the order in which every list shows them. Add an option here and its field in `values`.

use std::time::Duration;

use crate::base::limits::{DOCUMENT_BYTES_CEILING, REQUESTS_IN_FLIGHT_MAX};

use super::option::{Kind, OptionSpec};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Threads that the pool may have. Each is a connection, and each may run a request.
const POOL_THREADS_CEILING: usize = 16_384;

const _: () = assert!(POOL_THREADS_CEILING as u64 <= REQUESTS_IN_FLIGHT_MAX);

/// Every option.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "port",
        kind: Kind::Address(|config| &mut config.port),
        default: "127.0.0.1:8080",
        unit: "address",
        meaning: "The address to listen on. \":8080\" is every interface of the machine; \"127.0.0.1:8080\", \
                  \"[::1]:8080\" and \"localhost:8080\" are one. Port 0 takes a free one.",
        cost: "Whoever reaches the address can read and write everything: there are no passwords.",
        if_unsure: "Stay on loopback and put a proxy in front.",
    },
    OptionSpec {
        name: "data_dir",
        kind: Kind::Folder(|config| &mut config.data_dir),
        default: "./data",
        unit: "folder",
        meaning: "The folder of the snapshot and its companions, created when absent, locked while the server runs. \
                  A relative path starts at the working directory.",
        cost: "A snapshot needs room for the new file and the two before it.",
        if_unsure: "Give an absolute path on a local disk.",
    },
    OptionSpec {
        name: "front",
        kind: Kind::Front(|config| &mut config.front),
        default: "pool",
        unit: "name",
        meaning: "Which front serves the sockets. \"pool\" is a fixed pool of threads over tiny_http.",
        cost: "The pool spends one thread per connection.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "pool_threads",
        kind: Kind::Count(1, POOL_THREADS_CEILING, |config| &mut config.pool_threads),
        default: "512",
        unit: "threads",
        meaning: "Threads of the pool front. Each serves one connection, so this is also its cap on connections: the \
                  next one is told 503 and closed.",
        cost: "Larger: memory for each thread, and a file descriptor or two for each connection. Smaller: clients are \
               refused sooner.",
        if_unsure: "Twice the connections that you expect.",
    },
    OptionSpec {
        name: "pool_socket_timeout",
        kind: Kind::Span(Duration::from_millis(10), DAY, |config| &mut config.pool_socket_timeout),
        default: "30s",
        unit: "duration",
        meaning: "The one timeout that a socket has in the pool front: for each receive, be it in a head, between two \
                  requests or within a body, and for each send.",
        cost: "Larger: a silent client holds a thread longer. Smaller: keep-alive connections end sooner, and slow \
               networks are cut off.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "pool_lost_threads_max",
        kind: Kind::Count(0, POOL_THREADS_CEILING, |config| &mut config.pool_lost_threads_max),
        default: "64",
        unit: "threads",
        meaning: "Threads that the pool replaces after the HTTP library has lost them for good (an HTTP/2 preface \
                  does that). Past it, /readyz says 503.",
        cost: "Larger: a hostile client can hold more memory before you notice. Smaller: it makes the server unready \
               sooner.",
        if_unsure: "Leave it, and restart the server when /readyz names lost threads.",
    },
    OptionSpec {
        name: "read_timeout",
        kind: Kind::Span(MILLISECOND, DAY, |config| &mut config.read_timeout),
        default: "5s",
        unit: "duration",
        meaning: "How long the reading of one request's body may take from its first byte to its last. In the pool \
                  front the head is bounded by pool_socket_timeout alone.",
        cost: "Larger: a trickling client holds a thread longer. Smaller: large documents over slow lines are refused.",
        if_unsure: "Leave it; raise it for large documents over slow lines.",
    },
    OptionSpec {
        name: "write_timeout",
        kind: Kind::Span(MILLISECOND, DAY, |config| &mut config.write_timeout),
        default: "10s",
        unit: "duration",
        meaning: "How long one send of a reply may stall. In the pool front it counts where it is smaller than \
                  pool_socket_timeout, and bounds each send, not the whole reply.",
        cost: "Larger: a client that does not read holds a thread and its reply longer. Smaller: slow readers are cut \
               off.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "idle_timeout",
        kind: Kind::Span(MILLISECOND, DAY, |config| &mut config.idle_timeout),
        default: "2m",
        unit: "duration",
        meaning: "How long a connection may be silent between two requests. Kept for config files of the Go server: \
                  the pool front cannot tell idle from slow, so it lowers pool_socket_timeout (for every receive) \
                  where it is smaller.",
        cost: "Larger: idle connections hold threads longer. Smaller: clients connect anew more often.",
        if_unsure: "Leave it, and set pool_socket_timeout.",
    },
    OptionSpec {
        name: "shutdown_timeout",
        kind: Kind::Span(Duration::ZERO, HOUR, |config| &mut config.shutdown_timeout),
        default: "10s",
        unit: "duration",
        meaning: "How long a shutdown waits for requests in progress before its final snapshot.",
        cost: "Larger: stopping can take longer. Smaller: requests in progress may get no answer; 0s waits for none.",
        if_unsure: "Leave it; give your supervisor more than this plus the time of a snapshot.",
    },
    OptionSpec {
        name: "enable_snapshots",
        kind: Kind::Switch(|config| &mut config.enable_snapshots),
        default: "true",
        unit: "switch",
        meaning: "Whether snapshots are taken every snapshot_interval. Off stops only these: one is still taken at \
                  shutdown and whenever it is asked for.",
        cost: "Off: everything since the last snapshot is lost in a crash. On: a core and the disk are busy while one \
               is written; nobody waits for it.",
        if_unsure: "Leave it on.",
    },
    OptionSpec {
        name: "snapshot_interval",
        kind: Kind::Span(Duration::from_millis(100), Duration::from_secs(8760 * 60 * 60), |config| {
            &mut config.snapshot_interval
        }),
        default: "5m",
        unit: "duration",
        meaning: "Time between two scheduled snapshots: what a crash can lose.",
        cost: "Larger: a crash loses more. Smaller: all documents are written to the disk more often.",
        if_unsure: "As long as you can afford to lose.",
    },
    OptionSpec {
        name: "ttl_clean_interval",
        kind: Kind::Span(MILLISECOND, DAY, |config| &mut config.ttl_clean_interval),
        default: "1s",
        unit: "duration",
        meaning: "How often expired documents are looked for and their memory freed. They are invisible from their \
                  deadline on, whatever this says.",
        cost: "Larger: memory of expired documents is held longer. Smaller: more wake-ups; each costs what has \
               expired, not what is stored.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "shards",
        kind: Kind::PowerOfTwo(1, 65_536, |config| &mut config.shards),
        default: "256",
        unit: "shards",
        meaning: "Parts of the store, each behind its own lock. A power of two; never on disk, so it may change at \
                  any start.",
        cost: "Larger: some memory for each, and listings that merge more parts. Smaller: writers meet more often, \
               and the growth of one part takes longer.",
        if_unsure: "Leave it; 1024 beyond ten million documents.",
    },
    OptionSpec {
        name: "document_bytes_max",
        kind: Kind::Size(1, DOCUMENT_BYTES_CEILING, |config| &mut config.document_bytes_max),
        default: "50MiB",
        unit: "bytes",
        meaning: "The largest document that is accepted; a larger one is a 413. The Go server took 50 MiB.",
        cost: "Larger: one request can take that much memory, several times over while it is validated, on each \
               thread. Smaller: clients must split their documents.",
        if_unsure: "A little above your largest document.",
    },
    OptionSpec {
        name: "head_bytes_max",
        kind: Kind::Size(1 << 10, 1 << 20, |config| &mut config.head_bytes_max),
        default: "32KiB",
        unit: "bytes",
        meaning: "Bytes of a request's line and header fields together; more is a 431 (a 414 for a target alone). The \
                  pool front sees a head only after the library has read it whole.",
        cost: "Larger: more memory per request. Smaller: clients with large cookies or tokens are refused.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "header_count_max",
        kind: Kind::Count(8, 10_000, |config| &mut config.header_count_max),
        default: "100",
        unit: "fields",
        meaning: "Header fields of a request; more is a 431.",
        cost: "Larger: more work per request. Smaller: requests through several proxies may be refused.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "collections_max",
        kind: Kind::Count(1, 1_000_000, |config| &mut config.collections_max),
        default: "10000",
        unit: "collections",
        meaning: "Collections that may exist at once; creating one more is refused.",
        cost: "Larger: a client that invents names can fill the memory. Smaller: it is told sooner.",
        if_unsure: "Leave it.",
    },
];

/// The option called `name`.
pub fn option(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Spelled};

    fn defaults() -> Config {
        let mut config = Config::unfilled();
        for option in OPTIONS {
            option.fill(&mut config, &Spelled::Word(option.default)).unwrap();
        }
        config
    }

    /// A value of that kind which is nobody's default.
    fn other_value(kind: &Kind) -> Option<&'static str> {
        match kind {
            Kind::Address(_) => Some(":9999"),
            Kind::Span(..) => Some("7s"),
            Kind::Count(..) => Some("77"),
            Kind::PowerOfTwo(..) => Some("8"),
            Kind::Size(..) => Some("7777"),
            Kind::Switch(_) => Some("false"),
            Kind::Folder(_) => Some("elsewhere"),
            Kind::Front(_) => None,
        }
    }

    #[test]
    fn each_option_fills_the_field_of_its_name_and_no_other() {
        let before = format!("{:#?}", defaults());
        for option in OPTIONS {
            let Some(text) = other_value(&option.kind) else { continue };
            let mut config = defaults();
            option.fill(&mut config, &Spelled::Word(text)).unwrap();
            let after = format!("{config:#?}");
            let field = |dump: &str| {
                let mut name = String::new();
                // Fields of the struct itself are indented by four spaces; what is deeper belongs to the last of them.
                dump.lines()
                    .map(|line| {
                        let outer = line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '}']));
                        name = outer.and_then(|rest| rest.split(':').next()).unwrap_or(&name).to_owned();
                        (name.clone(), line.to_owned())
                    })
                    .collect::<Vec<_>>()
            };
            let old = field(&before);
            let changed: Vec<_> = field(&after).into_iter().filter(|line| !old.contains(line)).collect();
            assert!(!changed.is_empty(), "{} changes nothing", option.name);
            assert!(changed.iter().all(|(name, _)| name == option.name), "{}: {changed:?}", option.name);
        }
    }

    #[test]
    fn every_field_has_its_option() {
        let dump = format!("{:#?}", defaults());
        let fields: Vec<&str> = dump
            .lines()
            .filter_map(|line| line.strip_prefix("    ")?.split_once(':').map(|(name, _)| name))
            .filter(|name| !name.starts_with(' '))
            .collect();
        assert_eq!(fields, OPTIONS.iter().map(|option| option.name).collect::<Vec<_>>());
    }

    #[test]
    fn every_default_is_in_its_shortest_form() {
        let mut config = Config::unfilled();
        for option in OPTIONS {
            assert_eq!(option.fill(&mut config, &Spelled::Word(option.default)), Ok(option.default_json()));
        }
    }

    #[test]
    fn every_option_says_what_it_means_and_costs() {
        for option in OPTIONS {
            for text in [option.meaning, option.cost, option.if_unsure] {
                assert!(text.ends_with('.') && !text.contains("  ") && !text.contains('|'), "{}: {text}", option.name);
            }
            let is_sized =
                matches!(option.kind, Kind::Span(..) | Kind::Count(..) | Kind::PowerOfTwo(..) | Kind::Size(..));
            assert_eq!(
                is_sized,
                option.cost.contains("Larger: ") && option.cost.contains("maller: "),
                "{}",
                option.name
            );
        }
    }
}

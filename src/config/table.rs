//! The table of options, in the order in which every list shows them. Add an option here and its field in `values`.

use std::time::Duration;

use crate::base::limits::{DOCUMENT_BYTES_CEILING, JOURNAL_BUFFER_BYTES_MIN};
use crate::base::log::{Format, Level};

use super::choice::{AccessLog, Eviction, Front, Journal, OnJournalError, named, names};
use super::option::{Kind, OptionSpec};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Threads that the pool may have. Each is a connection, and each may run a request.
const POOL_THREADS_CEILING: usize = 16_384;

/// Threads that the reactor may have. Each runs one request at a time.
const REACTOR_THREADS_CEILING: usize = 1024;

/// Connections that the reactor may be told to hold; more than a machine has descriptors for is cut down at the start.
const CONNECTIONS_CEILING: usize = 1 << 20;

/// Every option.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "port",
        kind: Kind::Address(|config| &mut config.port),
        default: "127.0.0.1:8080",
        unit: "address",
        meaning: "The address to listen on. \":8080\" is every interface of the machine; \"127.0.0.1:8080\", \
                  \"[::1]:8080\" and \"localhost:8080\" are one. Port 0 takes a free one.",
        cost: "Whoever reaches the address can read and write everything, unless there are tokens.",
        if_unsure: "Stay on loopback; else make tokens, and put TLS or a proxy in front.",
    },
    OptionSpec {
        name: "listen",
        kind: Kind::Endpoints(|config| &mut config.listen),
        default: "",
        unit: "addresses",
        meaning: "Where to listen, in place of port: an array of addresses as port takes them and of Unix sockets, \
                  such as [\"127.0.0.1:8080\", \"unix:/run/memory-tools.sock\"]; variable and flag take them with \
                  commas between. \"?mode=0660\" behind a path sets who may connect, 0600 unless given. Empty: what \
                  port says. Of the two the later source's holds; one source with both is an error. The pool front \
                  takes one TCP address.",
        cost: "As for port; a Unix socket is reached by whoever its mode lets write.",
        if_unsure: "Leave it empty; a proxy on the same machine is best reached over a Unix socket.",
    },
    OptionSpec {
        name: "tls_cert",
        kind: Kind::File(|config| &mut config.tls_cert),
        default: "",
        unit: "file",
        meaning: "The certificate, with its chain, for TLS: PEM, read at the start and again on a reload. With it the \
                  reactor front speaks TLS, and nothing else, on every TCP address; Unix sockets stay plain. The pool \
                  front has no TLS.",
        cost: "Each new connection costs a handshake, each byte its encryption.",
        if_unsure: "Leave it empty on loopback or behind a proxy.",
    },
    OptionSpec {
        name: "tls_key",
        kind: Kind::File(|config| &mut config.tls_key),
        default: "",
        unit: "file",
        meaning: "The private key of tls_cert, PEM, read when that is; neither goes without the other.",
        cost: "Whoever reads the file can be taken for this server.",
        if_unsure: "Leave it empty; else give a file that only the server's user may read.",
    },
    OptionSpec {
        name: "tokens",
        kind: Kind::Tokens(|config| &mut config.tokens),
        default: "",
        unit: "tokens",
        meaning: "The tokens of which every request needs one, but for health, the welcome page and the description: \
                  objects with name, role (read, write, admin), sha256, and where it reaches less than everything \
                  collection (null: the main store) and prefix. memory-tools token new makes one. None: nobody is \
                  asked. Read again on a reload.",
        cost: "About a microsecond a request, and 20 ns for each token.",
        if_unsure: "Leave it empty on loopback; else use tokens_file.",
    },
    OptionSpec {
        name: "tokens_file",
        kind: Kind::File(|config| &mut config.tokens_file),
        default: "",
        unit: "file",
        meaning: "A file with the tokens, in place of the option tokens: a JSON array, or an object on each line. It \
                  belongs to root or to the server's user, no other user may read it, and no group may write it. Read \
                  again when tokens is.",
        cost: "Whoever changes the file lets in whom they like; who reads it learns names and digests, no token.",
        if_unsure: "Give one as soon as others than this machine's users reach the server.",
    },
    OptionSpec {
        name: "cors_origins",
        kind: Kind::Origins(|config| &mut config.cors_origins),
        default: "",
        unit: "origins",
        meaning: "Web pages of other origins that may read what is answered: an array of origins, such as \
                  [\"https://app.example\", \"http://localhost:3000\"], each a scheme, a host and, where it is not the \
                  scheme's own, a port; variable and flag take them with commas between. \"*\" alone is every origin. \
                  Empty: none, and no answer says a word about it. Preflights need no token.",
        cost: "Scripts of those pages can do what their tokens permit; without tokens, everything that reaches the \
               server from the browser's place in the network.",
        if_unsure: "Leave it empty; else name the origins, and make tokens before you say \"*\".",
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
        kind: Kind::Word(names::<Front>, |config, word| named(word).map(|front| config.front = front)),
        default: "reactor",
        unit: "name",
        meaning: "Which front serves the sockets. \"reactor\" is a few threads, each with connections of its own, that \
                  never wait for one of them; \"pool\" is a fixed pool of threads over tiny_http, one per connection.",
        cost: "The pool takes a thread per connection, several times the CPU per request, and cannot tell slow clients \
               from idle ones.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "reactor_threads",
        kind: Kind::Count(0, REACTOR_THREADS_CEILING, |config| &mut config.reactor_threads),
        default: "0",
        unit: "threads",
        meaning: "Threads of the reactor front, each with its own listeners and its own connections. 0 is one per core.",
        cost: "Larger: more than there are cores only take turns. Smaller: cores are left to others.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "connections_max",
        kind: Kind::Count(1, CONNECTIONS_CEILING, |config| &mut config.connections_max),
        default: "16384",
        unit: "connections",
        meaning: "Connections that the reactor front holds at once, over all its threads; the next one is told 503 \
                  and closed. The pool front has pool_threads.",
        cost: "Larger: a descriptor and a few KiB for each. Smaller: clients are refused sooner.",
        if_unsure: "Leave it; twice the connections that you expect if those are more than 8000.",
    },
    OptionSpec {
        name: "connections_per_address_max",
        kind: Kind::Count(0, CONNECTIONS_CEILING, |config| &mut config.connections_per_address_max),
        default: "0",
        unit: "connections",
        meaning: "Connections that the reactor front holds for one address of a peer; the next one is told 503 and \
                  closed. 0 is no bound. Unix sockets are not counted.",
        cost: "Larger: one peer can take more of connections_max. Smaller: many clients behind one proxy or router \
               are refused.",
        if_unsure: "Leave it at 0, which is right behind a proxy; 256 when strangers connect directly.",
    },
    OptionSpec {
        name: "pipelined_requests_max",
        kind: Kind::Count(1, 10_000, |config| &mut config.pipelined_requests_max),
        default: "128",
        unit: "requests",
        meaning: "Requests of one connection that the reactor front takes before the reply to the first of them has \
                  left; the others wait in the kernel.",
        cost: "Larger: more memory for a connection whose replies wait. Smaller: deep pipelines wait sooner.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "stream_buffer_bytes",
        kind: Kind::Size(4 << 10, 64 << 20, |config| &mut config.stream_buffer_bytes),
        default: "256KiB",
        unit: "bytes",
        meaning: "Bytes of a streamed reply (a listing, an export) that a connection of the reactor front may hold \
                  unsent; the stream waits until its reader has taken some.",
        cost: "Larger: more memory for each slow reader of a stream. Smaller: more turns for the same stream.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "unsent_bytes_max",
        kind: Kind::Size(4 << 10, 1 << 30, |config| &mut config.unsent_bytes_max),
        default: "1MiB",
        unit: "bytes",
        meaning: "Bytes of finished replies that a connection of the reactor front may hold unsent before no further \
                  request of it is run. One reply may be larger than that.",
        cost: "Larger: a client that does not read holds more memory. Smaller: pipelines with large replies wait \
               sooner.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "bodies_bytes_max",
        kind: Kind::Size(1, 1 << 40, |config| &mut config.bodies_bytes_max),
        default: "1GiB",
        unit: "bytes",
        meaning: "Memory for bodies that are still arriving at the reactor front, or wait for room in the journal, and for \
                  the results of bulks that are still arriving. Each of its threads has an equal share for its own \
                  connections, with room for one document at least; a body that would go past the share is a 503. At \
                  least document_bytes_max.",
        cost: "Larger: many slow uploads can take that much memory. Smaller: uploads at the same time are refused \
               sooner.",
        if_unsure: "Leave it; less on a machine with less than 4 GiB.",
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
        meaning: "How long the reading of a request may take. Reactor front: its head from first byte to last, then \
                  its body, which has in addition its bytes divided by transfer_bytes_per_second_min. Pool front: its \
                  body from first byte to last; the head is bounded by pool_socket_timeout alone.",
        cost: "Larger: a trickling client holds a connection longer. Smaller: large documents over slow lines are \
               refused.",
        if_unsure: "Leave it; raise it for large documents over slow lines.",
    },
    OptionSpec {
        name: "write_timeout",
        kind: Kind::Span(MILLISECOND, DAY, |config| &mut config.write_timeout),
        default: "10s",
        unit: "duration",
        meaning: "How long the sending of a reply may take. Reactor front: what is unsent, which has in addition its \
                  bytes divided by transfer_bytes_per_second_min, and any pause in which nothing of it is taken. Pool \
                  front: each send, not the whole reply, where this is smaller than pool_socket_timeout. In both also \
                  how long a write waits for room in the journal, and a reply until what it says is durable; then \
                  either is a 503.",
        cost: "Larger: a client that does not read holds a connection and its reply longer. Smaller: slow readers are \
               cut off.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "transfer_bytes_per_second_min",
        kind: Kind::Size(1, 1 << 30, |config| &mut config.transfer_bytes_per_second_min),
        default: "1KiB",
        unit: "bytes per second",
        meaning: "The slowest that a body may come and a reply may be read in the reactor front, counted over the \
                  whole of it: read_timeout or write_timeout, plus its bytes divided by this. The pool front does not \
                  count it.",
        cost: "Larger: slow lines are cut off. Smaller: a client that trickles holds its connection longer.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "idle_timeout",
        kind: Kind::Span(MILLISECOND, DAY, |config| &mut config.idle_timeout),
        default: "2m",
        unit: "duration",
        meaning: "How long a connection may be silent between two requests; then the reactor front closes it. The \
                  pool front cannot tell idle from slow, so there it lowers pool_socket_timeout (for every receive) \
                  where it is smaller.",
        cost: "Larger: idle connections are held longer, in the pool front with a thread each. Smaller: clients \
               connect anew more often.",
        if_unsure: "Leave it; in the pool front set pool_socket_timeout.",
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
        name: "access_log",
        kind: Kind::Word(names::<AccessLog>, |config, word| named(word).map(|choice| config.access_log = choice)),
        default: "off",
        unit: "name",
        meaning: "Whether each request has its line in the log: method, template of the route, a number in place of the \
                  path (the same for the same path until the next start), status, bytes, milliseconds, address.",
        cost: "\"on\": a line is written for each request, by the thread that answers it. \"off\": what was asked is \
               known from /metrics alone.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "slow_request_ms",
        kind: Kind::Count(0, 86_400_000, |config| &mut config.slow_request_ms),
        default: "1000",
        unit: "milliseconds",
        meaning: "From how many milliseconds on a request is told in the log as a slow one, with where its time went: \
                  waiting for its body, being handled, waiting until its reply could leave. A stream is slow when it \
                  begins late; how long its reader takes does not count. 0 is never.",
        cost: "Larger: fewer lines. Smaller: more of them, uploads over slow lines among them.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "journal",
        kind: Kind::Word(names::<Journal>, |config, word| named(word).map(|journal| config.journal = journal)),
        default: "everysec",
        unit: "name",
        meaning: "What an acknowledged write survives. \"always\": power loss on a disk that honours flush; \"everysec\": \
                  the end of the process, and power loss but for the last second and one running fsync; \"os\": the end \
                  of the process; \"off\": a clean stop, and otherwise only what is in the last snapshot.",
        cost: "\"always\": a write waits for an fsync, which many share. \"everysec\" and \"os\": a write waits until it is \
               handed to the kernel. \"off\": nothing, but what it loses.",
        if_unsure: "\"everysec\".",
    },
    OptionSpec {
        name: "journal_buffer_bytes",
        kind: Kind::Size(JOURNAL_BUFFER_BYTES_MIN, 4 << 30, |config| &mut config.journal_buffer_bytes),
        default: "128MiB",
        unit: "bytes",
        meaning: "Bytes of writes that may be on their way to the disk: half of them is written while the other half \
                  fills. A write that finds no room waits, up to write_timeout, and is then a 503. At least twice the \
                  largest document.",
        cost: "Larger: more memory while the disk is slow. Smaller: a short stall of the disk is felt sooner.",
        if_unsure: "Leave it; it takes memory only as far as it is used.",
    },
    OptionSpec {
        name: "journal_segment_bytes",
        kind: Kind::Size(1 << 20, 4 << 30, |config| &mut config.journal_segment_bytes),
        default: "64MiB",
        unit: "bytes",
        meaning: "Bytes of one file of the journal above which the next is begun. Files that no snapshot needs are removed \
                  whole.",
        cost: "Larger: space is given back in larger steps. Smaller: more files, and an fsync of file and folder for \
               each.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "on_journal_error",
        kind: Kind::Word(names::<OnJournalError>, |config, word| {
            named(word).map(|choice| config.on_journal_error = choice)
        }),
        default: "degrade",
        unit: "name",
        meaning: "What the server does when the disk refuses the journal. \"degrade\": writes are a 503, reads go on, and \
                  a new journal with a full snapshot is tried until the disk takes it; \"exit\": the process ends with \
                  exit code 1.",
        cost: "\"degrade\": clients must handle a server that reads and does not write. \"exit\": reads stop too, and a \
               restart finds only what the disk had taken.",
        if_unsure: "Leave it, unless something else takes over when this process ends.",
    },
    OptionSpec {
        name: "enable_snapshots",
        kind: Kind::Switch(|config| &mut config.enable_snapshots),
        default: "true",
        unit: "switch",
        meaning: "Whether snapshots are taken every snapshot_interval. Off stops only these: one is still taken at \
                  shutdown, when the journal has outgrown the last one, and whenever it is asked for.",
        cost: "Off: a start after a crash has more of the journal to read; without a journal, everything since the last \
               snapshot is lost. On: a core and the disk are busy while one is written; nobody waits for it.",
        if_unsure: "Leave it on.",
    },
    OptionSpec {
        name: "snapshot_interval",
        kind: Kind::Span(Duration::from_millis(100), Duration::from_secs(8760 * 60 * 60), |config| {
            &mut config.snapshot_interval
        }),
        default: "5m",
        unit: "duration",
        meaning: "Time between two scheduled snapshots: what a start after a crash has to read of the journal, or what a \
                  crash loses when the journal is off.",
        cost: "Larger: a longer start after a crash. Smaller: all documents are written to the disk more often.",
        if_unsure: "Leave it; without a journal, as long as you can afford to lose.",
    },
    OptionSpec {
        name: "backup_folder",
        kind: Kind::FolderOrNone(|config| &mut config.backup_folder),
        default: "",
        unit: "folder",
        meaning: "Where copies of everything are put on schedule, each a file that restore takes, called \
                  memory-tools-20261123T150407Z.mtdb; created when absent. Empty: none are made.",
        cost: "Room for backup_keep copies and one more; each is written and read back like a snapshot.",
        if_unsure: "Give a folder on another disk than data_dir.",
    },
    OptionSpec {
        name: "backup_interval",
        kind: Kind::Span(Duration::from_secs(1), Duration::from_secs(8760 * 60 * 60), |config| {
            &mut config.backup_interval
        }),
        default: "24h",
        unit: "duration",
        meaning: "Time between two of these copies, over restarts, too: it counts from the newest in the folder.",
        cost: "Larger: more is lost with the data folder's disk. Smaller: more is written.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "backup_keep",
        kind: Kind::Count(1, 10_000, |config| &mut config.backup_keep),
        default: "7",
        unit: "copies",
        meaning: "How many of these copies are kept: beyond that the oldest goes once a new one is whole. Files of other \
                  names are never removed.",
        cost: "Larger: more room, each is as large as a snapshot. Smaller: less far back.",
        if_unsure: "Leave it.",
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
        cost: "Larger: some memory for each, and listings that merge more parts. Smaller: writers meet more often.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "memory_bytes_max",
        kind: Kind::Memory(|config| &mut config.memory_bytes_max),
        default: "75%",
        unit: "bytes",
        meaning: "Memory that the server may use: a size, or a share of what the machine has or, where that is less, the \
                  control group that the server is in. At the limit writes that grow are a 507; reads, deletes, changes \
                  of deadlines and writes that do not grow go on. \"off\" or 0 is no limit. What is loaded at the start \
                  is loaded whatever its size.",
        cost: "Larger: less is left for the holes between documents, for bodies that arrive at the same time and for \
               the kernel's cache; without a limit the kernel ends the process when there is no more. Smaller: writes are \
               refused sooner.",
        if_unsure: "Leave it; less where other programs on the machine need more than a quarter of it.",
    },
    OptionSpec {
        name: "eviction",
        kind: Kind::Word(names::<Eviction>, |config, word| named(word).map(|choice| config.eviction = choice)),
        default: "off",
        unit: "choice",
        meaning: "What goes at memory_bytes_max, so that writes that grow are taken: \"off\" is nothing; \"lru\" is what was \
                  read or written the longest ago, by sampling; \"ttl\" is what has a deadline, the nearest first, and when \
                  nothing has, writes that grow are a 507. An eviction is a deletion: in the journal, and in the changes.",
        cost: "\"lru\": four to eight bytes a document, and documents go that nobody deleted. \"ttl\": documents go before \
               their time. Either: a write at the limit takes some microseconds longer, and a document that needs the room \
               of more than 512 others is a 507.",
        if_unsure: "\"off\" for data, \"lru\" for a cache.",
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
        name: "bulk_operations_max",
        kind: Kind::Count(1, 100_000_000, |config| &mut config.bulk_operations_max),
        default: "100000",
        unit: "operations",
        meaning: "Operations that one request to :bulk may carry; one more ends it with a 413, and those before it are \
                  done.",
        cost: "Larger: more memory for the results, which are held to the end: a key and 13 bytes each. Smaller: large \
               loads take more requests.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "bulk_bytes_max",
        kind: Kind::Size(1 << 10, 1 << 40, |config| &mut config.bulk_bytes_max),
        default: "256MiB",
        unit: "bytes",
        meaning: "Bytes of the body of one request to :bulk; more is a 413. It is carried out while it is read and takes \
                  no memory but for one line.",
        cost: "Larger: one request can write that much. Smaller: large loads take more requests.",
        if_unsure: "Leave it.",
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
    OptionSpec {
        name: "changes_entries_max",
        kind: Kind::Count(0, 10_000_000, |config| &mut config.changes_entries_max),
        default: "100000",
        unit: "changes",
        meaning: "The newest changes that /v1/changes keeps in memory, for readers that fall behind or come back. 0 turns \
                  the feed off.",
        cost: "Larger: about 60 bytes for each, and documents stay in memory that were replaced or removed. Smaller: a \
               reader that is away for a while has to read everything anew.",
        if_unsure: "Leave it; 0 when nobody follows changes.",
    },
    OptionSpec {
        name: "changes_bytes_max",
        kind: Kind::Size(0, 1 << 40, |config| &mut config.changes_bytes_max),
        default: "64MiB",
        unit: "bytes",
        meaning: "Bytes of the keys and values of the changes that are kept. A larger document is not kept at all: \
                  readers that have not seen its change are told that it is gone. 0 turns the feed off.",
        cost: "Larger: replaced and removed documents can hold that much memory. Smaller: readers fall behind sooner.",
        if_unsure: "Leave it; several times your largest document.",
    },
    OptionSpec {
        name: "changes_connections_max",
        kind: Kind::Count(1, CONNECTIONS_CEILING, |config| &mut config.changes_connections_max),
        default: "64",
        unit: "connections",
        meaning: "Requests for /v1/changes that may be open at once; the next one is a 429. In the pool front each \
                  occupies one of pool_threads.",
        cost: "Larger: each change is told that many times. Smaller: readers are refused sooner.",
        if_unsure: "Leave it.",
    },
    OptionSpec {
        name: "log_format",
        kind: Kind::Word(names::<Format>, |config, word| named(word).map(|format| config.log_format = format)),
        default: "text",
        unit: "name",
        meaning: "How the lines of the log on standard error look. \"text\" is a sentence with figures behind it, for \
                  people; \"json\" an object with time, level, event, message and the figures, for programs, and the \
                  greeting on standard output is one of these lines too.",
        cost: "\"text\": no time, which whoever collects the lines adds. \"json\": twice as long.",
        if_unsure: "Leave it; \"json\" where the lines are collected by something that reads JSON.",
    },
    OptionSpec {
        name: "log_level",
        kind: Kind::Word(names::<Level>, |config, word| named(word).map(|level| config.log_level = level)),
        default: "info",
        unit: "name",
        meaning: "The least level of what is logged, out of debug, info, warning and error. Calls of an admin and what \
                  begins and ends are info, what clears up in the background is debug.",
        cost: "Lower: more lines, though no more than 10 a second of one kind. Higher: what was done by whom is not \
               told.",
        if_unsure: "Leave it.",
    },
];

/// The option called `name`.
pub fn option(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.name == name)
}

#[cfg(test)]
mod tests;

//! Every fixed limit, with its unit in its name and its reason above it.
//!
//! Limits that an operator may choose live in the config table; those here are part of the formats or of the
//! contract, and changing one is a change of either. Relations between limits are asserted at compile time.

/// Bytes of a key. Part of the HTTP contract; fits the u16 of the snapshot format with room to spare.
pub const KEY_BYTES_MAX: usize = 1024;

/// Bytes of the name of a collection. Part of the HTTP contract.
pub const COLLECTION_NAME_BYTES_MAX: usize = 128;

/// Bytes of the name under which a collection is staged until it takes the place of all others: two slashes and the
/// sixteen digits of an LSN before its own.
pub const STAGED_NAME_BYTES_MAX: usize = COLLECTION_NAME_BYTES_MAX + 18;

/// Bytes of a request's target: a key of 1024 bytes with each byte escaped to three, twice over for a name and
/// parameters, rounded up.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a head that the target leaves to the rest of it.
pub const TARGET_ROOM_IN_HEAD: usize = 256;

/// Nesting of arrays and objects in a document. Bounds every walker, ours and the library's.
pub const JSON_DEPTH_MAX: usize = 1024;

/// What the seed's set endpoints may send around a document: a key of 1024 bytes with each byte escaped to six, the
/// member names, and white space.
pub const ENVELOPE_BYTES_MAX: usize = 8 * 1024;

/// The largest `document_bytes_max` that may be configured: a length must fit the u32 of the snapshot format,
/// and simd-json reads at most 4 GiB; 1 GiB leaves room for the envelope around it.
pub const DOCUMENT_BYTES_CEILING: usize = 1 << 30;

/// Bytes of an answer, and of a body to send, that the client on the command line holds in memory: a document of the
/// largest size that can be configured.
pub const ANSWER_BYTES_MAX: u64 = DOCUMENT_BYTES_CEILING as u64;

/// Bytes of a line of an answer, of which the client holds one at a time: the largest document, twice as long where it
/// is a string, with its collection and its key, each byte of which may be escaped, and the rest of the line around it.
pub const ANSWER_LINE_BYTES_MAX: u64 = 2 * ANSWER_BYTES_MAX + 16 * 1024;

/// Items of one page of a listing. Part of the HTTP contract.
pub const PAGE_ITEMS_MAX: usize = 1000;

/// Items of a page when nobody says how many.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

/// Keys that one request may ask for at once. Part of the HTTP contract.
pub const KEY_LIST_MAX: usize = 1000;

/// Bytes of such a request: each key with each byte escaped to six, rounded up.
pub const KEY_LIST_BYTES_MAX: usize = 8 << 20;

/// Bytes of a text in a line of the log: more than any of ours needs; one that a client has a hand in is cut there.
pub const LOG_TEXT_BYTES_MAX: usize = 8 * 1024;

/// Lines of one kind that the log takes each second of a flood: with two hundred bytes a line, a flood that nobody looks
/// at for a day takes 170 MB.
pub const LOG_LINES_PER_SECOND_MAX: u64 = 10;

/// Lines of one kind that the log takes at once, after a silence: what somebody reads in a minute.
pub const LOG_LINES_BURST_MAX: u64 = 100;

/// Bytes of lines that wait for standard error to take them: some thousand lines, more than a burst of every kind that
/// there is.
pub const LOG_QUEUE_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(4 * LOG_TEXT_BYTES_MAX < LOG_QUEUE_BYTES_MAX);

/// How far in the future a deadline may lie: 100 years of 365.25 days. Further is taken for a mistake in units.
pub const TTL_MS_MAX: u64 = 36_525 * 24 * 60 * 60 * 1000;

/// How many times `document_bytes_max` a document may have once it is indented for people. Deep nesting could make it a
/// thousand times as large; what people read stays below four.
pub const PRETTY_GROWTH_MAX: usize = 8;

/// LSNs made durable in advance per write of IDENTITY. At a million writes a second, one small fsync every 16 s.
pub const LSN_CEILING_STEP: u64 = 1 << 24;

/// LSNs that no server issues more of in a second, over any time: a restored database goes on so far above what its backup
/// holds, for each second since. 2^22 in a second for a year are 1.5 % of all there are.
pub const LSNS_PER_SECOND_MAX: u64 = 1 << 22;

/// LSNs stay exact in JSON readers that use doubles.
pub const LSN_MAX: u64 = (1 << 53) - 1;

/// Documents that one request counts. At about 200 ns each it takes some 20 ms, in steps.
pub const COUNT_MAX: usize = 100_000;

/// Writes of one atomic batch: what they append is one piece of the journal, and what they lock is held together.
pub const ATOMIC_WRITES_MAX: usize = 1000;

/// Bytes that the writes of one atomic batch append together.
pub const ATOMIC_BYTES_MAX: usize = 8 << 20;

/// Bytes of the body of an atomic bulk: those of its writes with room for the names of members, and for escapes.
pub const ATOMIC_BODY_BYTES_MAX: usize = 2 * ATOMIC_BYTES_MAX;

/// Operations of one patch. Each may read the whole document again.
pub const PATCH_OPERATIONS_MAX: usize = 1000;

/// Bytes that one patch may read and copy, all operations together: about a second of one core. A thousand operations
/// on a document of 1 MB fit; what is beyond is better sent as a merge patch, which reads each object once.
pub const PATCH_WORK_BYTES_MAX: usize = 1 << 30;

/// How often a patch may read its texts in any case, so that the largest documents can be patched, too.
pub const PATCH_PASSES_MIN: usize = 16;

/// How often a patch is made anew because others write the document in between. Each time somebody else got on, so that
/// even among a hundred writers who begin together hardly anybody is refused; who is, holds a document that is better
/// split.
pub const PATCH_TRIES_MAX: usize = 1000;

/// Entries that one hold of a shard's lock may touch in the background (snapshot slices, listings, reaping).
/// At about 100 ns each (a cache miss) this keeps a hold near 25 µs, far below the promised millisecond. The test
/// `store::tests::holds::no_background_hold_touches_more_entries_than_its_bound` counts what is touched;
/// `memory_tools_lock_hold_max_seconds` tells how long it took.
pub const ENTRIES_PER_HOLD_MAX: usize = 256;

/// Bytes of one block of a snapshot before a new one begins; a single larger document has a block of its own.
pub const SNAPSHOT_BLOCK_BYTES: usize = 1 << 20;

/// Below so many bytes of journal, no snapshot is taken because of it: a replay of them takes no time.
pub const OUTGROWING_JOURNAL_BYTES_MIN: u64 = 64 << 20;

/// Bytes written to a snapshot between two calls of fdatasync, so that no other file's fsync queues behind gigabytes.
pub const SNAPSHOT_SYNC_BYTES: u64 = 8 << 20;

/// Bytes of a frame of the journal above which a new one is begun: large enough that its head and its checksum cost
/// nothing, small enough that a reader holds one whole.
pub const FRAME_TARGET_BYTES: u64 = 4 << 20;

/// The smallest buffer of the journal.
pub const JOURNAL_BUFFER_BYTES_MIN: usize = 16 << 20;

/// Places that one server listens on. Each costs every thread of a front a descriptor.
pub const ENDPOINTS_MAX: usize = 16;

/// Origins whose pages may read answers. Each request from a page is compared with all of them.
pub const ORIGINS_MAX: usize = 64;

/// Bytes of the path of a Unix socket: the kernel's 108, one of which ends it.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Bytes of a config file. A larger one is a mistake.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a file with a certificate chain or a private key. A larger one is a mistake.
pub const CERTIFICATE_BYTES_MAX: u64 = 1 << 20;

/// Tokens of one server. Each is compared with what is presented, at about 20 ns: who has more callers than that keeps
/// them in a proxy.
pub const TOKENS_MAX: usize = 256;

/// Bytes of the name of a token, which stands in log lines.
pub const TOKEN_NAME_BYTES_MAX: usize = 64;

/// Bytes of the file with the tokens: each with a name, a collection and a prefix, each byte of which may be escaped to
/// six, rounded up.
pub const TOKENS_BYTES_MAX: u64 = 2 << 20;

/// GETs of one connection whose documents are fetched into the processor's cache together, before they run: enough that
/// the waits for memory overlap, little enough to stay in the cache until then.
pub const LOOK_AHEAD_MAX: usize = 16;

const _: () = assert!(
    TOKENS_MAX * (6 * (TOKEN_NAME_BYTES_MAX + COLLECTION_NAME_BYTES_MAX + KEY_BYTES_MAX) + 256)
        <= TOKENS_BYTES_MAX as usize
);
const _: () = assert!(ATOMIC_BYTES_MAX <= JOURNAL_BUFFER_BYTES_MIN / 2);
const _: () = assert!((ATOMIC_WRITES_MAX as u64) < LSN_CEILING_STEP / 2);
const _: () = assert!(KEY_LIST_MAX * (6 * KEY_BYTES_MAX + 3) <= KEY_LIST_BYTES_MAX);
const _: () = assert!(KEY_BYTES_MAX <= u16::MAX as usize);
const _: () = assert!(STAGED_NAME_BYTES_MAX <= u8::MAX as usize);
const _: () = assert!(LSN_MAX < 10_u64.pow(16));
const _: () = assert!(DOCUMENT_BYTES_CEILING < u32::MAX as usize / 2);

//! The corpus of raw requests: what comes over a connection, and what must come back, as the RFCs have it.
//!
//! The rows are in `rows/`, and `README.md` beside them says how one reads and what was decided where a clause leaves
//! a choice. Whatever takes bytes and gives bytes can be held against them: it implements `Subject`, over a socket or
//! without any.
//! Invariant: a row says what the clauses say, never what some code happens to do. Nobody here knows what a document is.

pub mod check;
pub mod clauses;
pub mod delivery;
pub mod double;
pub mod pool;
pub mod reactor;
pub mod reference;
pub mod reply;
pub mod row;
pub mod sockets;
pub mod verdict;

#[allow(dead_code)]
#[path = "../support/dice.rs"]
pub mod dice;
#[path = "../support/wire.rs"]
pub mod wire;

use row::Row;

/// Bytes of a body that the handler takes.
pub const BODY_BYTES_MAX: usize = 64;

/// The files of rows, each with the name it has in messages.
const FILES: &[(&str, &str)] = &[
    ("framing", include_str!("rows/framing.txt")),
    ("smuggling", include_str!("rows/smuggling.txt")),
    ("targets", include_str!("rows/targets.txt")),
    ("fields", include_str!("rows/fields.txt")),
    ("hosts", include_str!("rows/hosts.txt")),
    ("versions", include_str!("rows/versions.txt")),
    ("methods", include_str!("rows/methods.txt")),
    ("chunks", include_str!("rows/chunks.txt")),
    ("trailers", include_str!("rows/trailers.txt")),
    ("line_ends", include_str!("rows/line_ends.txt")),
    ("control_bytes", include_str!("rows/control_bytes.txt")),
    ("oversize", include_str!("rows/oversize.txt")),
    ("connections", include_str!("rows/connections.txt")),
    ("expect", include_str!("rows/expect.txt")),
    ("incomplete", include_str!("rows/incomplete.txt")),
];

/// Every row, in the order of the files.
///
/// # Panics
/// With file and line, when a row is not written as it must be.
pub fn rows() -> Vec<Row> {
    let files = FILES.iter().map(|(file, text)| row::parse(file, text));
    files.collect::<Result<Vec<_>, _>>().unwrap_or_else(|fault| panic!("{fault}")).concat()
}

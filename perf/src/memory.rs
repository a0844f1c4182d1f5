//! What a million documents of 100 bytes take in memory, loaded over HTTP as a client would.
//!
//! Resident memory is read right after the last answer, before anything is given back; then a sample of the
//! documents is read and compared to the byte, so that nothing was saved by losing them.

use anyhow::Result;

use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::fleet::Fleet;
use crate::front::{self, LOADING};
use crate::keys::Keys;
use crate::options::Options;
use crate::pace::Pace;
use crate::proc;
use crate::progress::Progress;
use crate::workload::{self, Workload};

/// The promise, in millions of bytes, and for how many documents it was made.
const RESIDENT_MB_MAX: f64 = 260.0;
const PROMISED_DOCUMENTS: u32 = 1_000_000;

/// Size of each document.
const DOCUMENT_BYTES: usize = 100;

/// One document in so many is read back.
const SAMPLE: usize = 97;

/// Loads the documents and reads the memory.
///
/// # Errors
/// The server cannot be started, gave a wrong answer, or lost a document.
pub fn measure(options: &Options, progress: &Progress) -> Result<Vec<Figure>> {
    let count = options.memory_documents;
    let document = workload::document(DOCUMENT_BYTES)?;
    let server = Server::start(&front::server(options))?;
    let empty = proc::resident(server.pids())?;
    progress.step(&format!("loading {count} documents of {DOCUMENT_BYTES} bytes"));
    let started = std::time::Instant::now();
    let loaded = front::load(&server, &Workload::put(server.address, &document), count, progress)?;
    let rate = loaded.answered as f64 / started.elapsed().as_secs_f64();
    let full = proc::resident(server.pids())?;

    progress.step("reading a sample of them back");
    let get = Workload::get(server.address, &document);
    let (connections, depth) = LOADING;
    let keys = Keys::sparse(0..count, SAMPLE);
    let session = Session { workload: &get, keys, pace: Pace::Window(depth), tally: Tally::new() };
    server.explain(Fleet::open(server.address, connections).and_then(|mut fleet| fleet.exhaust(session, |_| {})))?;

    let promised = (count == PROMISED_DOCUMENTS).then_some(RESIDENT_MB_MAX);
    let megabytes = |bytes: u64| [bytes as f64 / 1e6];
    let per_document = full.now.saturating_sub(empty.now) as f64 / f64::from(count);
    let figures = [
        Figure::new(format!("memory: {count} documents of {DOCUMENT_BYTES} bytes"), "MB", megabytes(full.now))
            .map(|figure| figure.at_most(promised)),
        Figure::new("memory: its peak while loading", "MB", megabytes(full.peak)),
        Figure::new("memory: empty", "MB", megabytes(empty.now)),
        Figure::new("memory: a document, with its key", "B", [per_document]),
        Figure::new("memory: pipelined PUTs a second while loading", "/s", [rate]),
    ];
    Ok(figures.into_iter().flatten().collect())
}

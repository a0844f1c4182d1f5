//! What documents take in memory, loaded over HTTP as a client would; and the promise for a million of 100 bytes.
//!
//! Resident memory is read right after the last answer, before anything is given back; then a sample of the
//! documents is read and compared to the byte, so that nothing was saved by losing them.

use anyhow::Result;

use crate::child::{Program, Server};
use crate::figure::Figure;
use crate::front;
use crate::loading;
use crate::options::Options;
use crate::proc::{self, Resident};
use crate::progress::Progress;
use crate::workload::{self, Workload};

/// The promise: resident bytes of the whole server, a document, for so many documents of that size.
pub const PROMISED_BYTES_EACH: f64 = 260.0;
/// See `PROMISED_BYTES_EACH`.
pub const PROMISED_FOR_BYTES: usize = 100;
const PROMISED_DOCUMENTS: u32 = 1_000_000;

/// What was weighed.
pub struct Weight {
    /// Documents.
    pub count: u32,
    /// Without any.
    pub empty: Resident,
    /// With all of them.
    pub full: Resident,
    /// How many came in a second.
    pub per_second: f64,
}

impl Weight {
    /// Resident bytes that a document adds.
    pub fn per_document(&self) -> f64 {
        self.full.now.saturating_sub(self.empty.now) as f64 / f64::from(self.count)
    }
}

/// Loads the documents and reads the memory.
///
/// # Errors
/// The server cannot be started, gave a wrong answer, or lost a document.
pub fn measure(options: &Options, progress: &Progress) -> Result<Vec<Figure>> {
    let count = options.memory_documents;
    let weight = weigh(&front::server(options), PROMISED_FOR_BYTES, count, progress)?;
    let bound = PROMISED_BYTES_EACH * f64::from(count) / 1e6;
    let promised = (count == PROMISED_DOCUMENTS).then_some(bound);
    let megabytes = |bytes: u64| [bytes as f64 / 1e6];
    let figures = [
        Figure::new(
            format!("memory: {count} documents of {PROMISED_FOR_BYTES} bytes"),
            "MB",
            megabytes(weight.full.now),
        )
        .map(|figure| figure.at_most(promised)),
        Figure::new("memory: its peak while loading", "MB", megabytes(weight.full.peak)),
        Figure::new("memory: empty", "MB", megabytes(weight.empty.now)),
        Figure::new("memory: a document, with its key", "B", [weight.per_document()]),
        Figure::new("memory: pipelined PUTs a second while loading", "/s", [weight.per_second]),
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// Loads `count` documents of `size` bytes into a fresh server of `program`, and reads a sample of them back.
///
/// # Errors
/// The server cannot be started, gave a wrong answer, or lost a document.
pub fn weigh(program: &Program, size: usize, count: u32, progress: &Progress) -> Result<Weight> {
    let document = workload::document(size)?;
    let server = Server::start(program)?;
    let empty = proc::resident(server.pids())?;
    progress.step(&format!("loading {count} documents of {size} bytes"));
    let started = std::time::Instant::now();
    let loaded = loading::load(&server, &Workload::put(server.address, &document), count, progress)?;
    let per_second = loaded.answered as f64 / started.elapsed().as_secs_f64();
    let full = proc::resident(server.pids())?;

    progress.step("reading a sample of them back");
    loading::read_back(&server, &Workload::get(server.address, &document), count)?;
    Ok(Weight { count, empty, full, per_second })
}

//! What stays as it is however much there is, and what memory it takes: the bounds of reach.
//!
//! Everything that compares runs on one machine in turn, within each round where there are rounds. A bound is judged at
//! the size for which it was promised only, which is what is measured unless `--documents` says otherwise.

mod cores;
mod cost;
mod expiry;
mod growth;
mod memory;
mod mix;
mod sized;
mod snapshot;
mod soak;

use anyhow::Result;

use crate::child::Server;
use crate::figure::Figure;
use crate::loading;
use crate::options::Options;
use crate::peers::program;
use crate::progress::Progress;
use crate::run::Run;
use crate::workload::{self, Workload};

/// Documents where there are very many, unless somebody says otherwise, and operations of the soak.
pub const DOCUMENTS: u32 = 10_000_000;

/// The packages whose versions are told.
pub const PACKAGES: [&str; 1] = ["redis-server"];

/// Of them, one in so many where memory is weighed and where documents expire.
const SHARE: u32 = 10;

/// Size of the small documents.
const DOCUMENT_BYTES: usize = 100;

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Resident size beside Redis, beside the documents, and after overwrites.
    Memory,
    /// What a request costs among very many documents, and what an insertion does.
    Growth,
    /// Very many documents that are due together.
    Expiry,
    /// A snapshot of very many documents.
    Snapshot,
    /// Two threads beside one, without a front.
    Cores,
    /// Very many mixed requests.
    Soak,
}

impl Part {
    /// In their order.
    pub const ALL: [Part; 6] = [Part::Memory, Part::Growth, Part::Snapshot, Part::Expiry, Part::Cores, Part::Soak];

    /// Its name on our command line.
    pub fn name(self) -> &'static str {
        match self {
            Part::Memory => "memory",
            Part::Growth => "growth",
            Part::Expiry => "expiry",
            Part::Snapshot => "snapshot",
            Part::Cores => "cores",
            Part::Soak => "soak",
        }
    }
}

/// Everything measured.
#[derive(Debug, Default)]
pub struct Report {
    /// All figures, in the order of the table.
    pub figures: Vec<Figure>,
    /// The runs behind them.
    pub runs: Vec<Run>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Runs everything that is asked for, part by part.
///
/// # Errors
/// A server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let mut report = Report::default();
    let is_asked = |part| options.scale.is_empty() || options.scale.contains(&part);
    if is_asked(Part::Memory) {
        memory::measure(options, progress, &mut report)?;
    }
    if is_asked(Part::Growth) || is_asked(Part::Snapshot) {
        let large = filled(options, options.documents, progress)?;
        if is_asked(Part::Growth) {
            growth::measure(options, &large, progress, &mut report)?;
        }
        if is_asked(Part::Snapshot) {
            snapshot::measure(options, &large, progress, &mut report)?;
        }
    }
    if is_asked(Part::Growth) {
        growth::insertion(options, progress, &mut report)?;
    }
    if is_asked(Part::Expiry) {
        expiry::measure(options, progress, &mut report)?;
    }
    if is_asked(Part::Cores) {
        cores::measure(options, progress, &mut report)?;
    }
    if is_asked(Part::Soak) {
        soak::measure(options, progress, &mut report)?;
    }
    Ok(report)
}

/// A server with `count` small documents.
fn filled(options: &Options, count: u32, progress: &Progress) -> Result<Server> {
    let document = workload::document(DOCUMENT_BYTES)?;
    let server = Server::start(&program::ours(options))?;
    progress.step(&format!("loading {count} documents of {DOCUMENT_BYTES} bytes"));
    loading::load(&server, &Workload::put(server.address, &document), count, progress)?;
    Ok(server)
}

/// Documents where one in `SHARE` of all is taken.
fn share(options: &Options) -> u32 {
    options.documents.div_ceil(SHARE)
}

/// `bound` where it was promised.
fn promised(options: &Options, bound: f64) -> Option<f64> {
    (options.documents >= DOCUMENTS).then_some(bound)
}

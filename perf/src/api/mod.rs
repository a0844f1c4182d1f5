//! What the document API costs beyond a plain GET and PUT: patches, revalidation, parts of large documents, listings of
//! many documents, bulks.
//!
//! Each server has one thread that serves and no journal; what is compared runs on one server, in turn, in every round.
//! Each kind of change is made once to every document before it is measured, and a sample is read back.

mod bulk;
mod listing;
mod promise;
mod shelf;
mod validation;

use anyhow::Result;

use crate::api::shelf::{Asked, Shelves};
use crate::child::{Program, Server};
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::loading;
use crate::options::Options;
use crate::pace::Pace;
use crate::peers::program;
use crate::progress::Progress;
use crate::run::Run;

/// Everything measured.
#[derive(Debug)]
pub struct Report {
    /// All figures, in the order of the table.
    pub figures: Vec<Figure>,
    /// The runs behind them.
    pub runs: Vec<Run>,
}

/// Runs everything, part by part.
///
/// # Errors
/// A server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let mut report = requests(options, progress)?;
    report.figures.extend(bulk::measure(options, progress)?);
    let listing = listing::measure(options, progress)?;
    report.figures.extend(listing.figures);
    report.runs.extend(listing.runs);
    Ok(report)
}

/// What one request costs beside another.
fn requests(options: &Options, progress: &Progress) -> Result<Report> {
    let shelves = Shelves::new(options)?;
    let server = Server::start(&server(options))?;
    for shelf in shelves.all() {
        progress.step(&format!("loading {} documents of {} bytes", shelf.count, shelf.loaded.len()));
        loading::load(&server, &shelf.put(server.address), shelf.count, progress)?;
        if let Some(change) = shelf.change {
            progress.step(&format!("changing each of them once: {}", change.name()));
            loading::load(&server, &shelves.workload(change, server.address), shelf.count, progress)?;
        }
        loading::read_back(&server, &shelf.get(server.address), shelf.count)?;
    }
    let (mut runs, mut validations) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        for asked in Asked::ALL {
            progress.step(&format!("round {round} of {}: {}", options.rounds, asked.name()));
            let workload = shelves.workload(asked, server.address);
            let keys = options.keys_of(round, shelves.of(asked).count);
            let session = Session { workload: &workload, keys, pace: Pace::Window(1), tally: Tally::new() };
            runs.push(Run::measure(options, round, asked.name(), ("server", &server), options.connections, session)?);
        }
        validations.push(validation::microseconds(options, shelves.of(Asked::Part).loaded.zero())?);
    }
    Ok(Report { figures: promise::figures(&runs, &validations, options), runs })
}

/// Without a journal, with one thread that serves.
fn server(options: &Options) -> Program {
    program::ours(options)
}

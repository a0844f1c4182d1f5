//! This server beside another build of it: does a change make a request cheaper or dearer, and how sure is that?
//!
//! Both run throughout, with and without a journal, each with one thread that serves, and take turns; who goes first
//! changes from round to round. The answer is not a difference of two medians but an interval for the ratio within
//! the rounds (`statistics::Interval`), so that a busy machine makes the answer vague instead of wrong.

mod case;
mod report;

use anyhow::Result;

use crate::compare::case::{CASES, Case, MODES};
use crate::connection::{Session, Tally};
use crate::journal::Contestant;
use crate::options::Options;
use crate::progress::Progress;
use crate::run::Run;
use crate::template::Template;
use crate::workload;

pub use crate::compare::report::Report;

/// The names of the two in tables and results.
pub const NAMES: [&str; 2] = ["this", "other"];

/// Runs all rounds.
///
/// # Errors
/// A server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let document = workload::document(options.document_bytes)?;
    let other = Options { server: options.other.clone(), ..options.clone() };
    let [this, other] = [start(options, &document, progress)?, start(&other, &document, progress)?];
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for case in CASES {
            let mut pair = [(NAMES[0], &this), (NAMES[1], &other)];
            if round % 2 == 0 {
                pair.reverse();
            }
            for (name, servers) in pair {
                progress.step(&format!("round {round} of {}: {}, {name}", options.rounds, case.name));
                for server in servers.iter().filter(|server| server.who == case.mode) {
                    runs.push(run(options, round, case, name, server, &document)?);
                }
            }
        }
    }
    Ok(Report { runs })
}

/// One build's servers, a filled one for each mode.
fn start(options: &Options, document: &Template, progress: &Progress) -> Result<Vec<Contestant>> {
    let mut servers = Vec::new();
    for mode in MODES {
        servers.extend(Contestant::filled(mode, options, document, progress)?);
    }
    Ok(servers)
}

fn run(
    options: &Options,
    round: u32,
    case: &'static Case,
    name: &'static str,
    contestant: &Contestant,
    document: &Template,
) -> Result<Run> {
    let Contestant { who, server } = contestant;
    let workload = if case.is_write { who.writes(server, document) } else { who.reads(server, document) };
    let keys = options.keys_of(round, options.keys);
    let session = Session { workload: &workload, keys, pace: case.pace(options), tally: Tally::new() };
    Run::measure(options, round, case.name, (name, server), options.connections, session)
}

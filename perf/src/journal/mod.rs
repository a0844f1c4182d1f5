//! What durability costs and how fast it is redeemed: the server with its journal beside Redis with its log, on the
//! same disk, in one run.
//!
//! Within a part all servers run throughout, each with one thread that serves, and take turns in each round. No log is
//! begun anew meanwhile; ours takes a snapshot when its journal has outgrown the newest, and bears the cost. Without
//! Redis ours is measured alone, with a note.

pub mod beside_snapshot;
pub mod case;
mod contestant;
mod restart;
mod syncs;

use anyhow::Result;

use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::journal::case::{CURVE, Case, EVERYSEC};
use crate::options::Options;
use crate::pace::Pace;
use crate::peers::program;
use crate::progress::Progress;
use crate::run::Run;
use crate::template::Template;
use crate::workload;

pub use crate::journal::contestant::{Contestant, Who};

/// The package of Debian that the other comes from.
pub const PACKAGES: [&str; 1] = ["redis-server"];

/// Everything measured.
#[derive(Debug)]
pub struct Report {
    /// All figures, in the order of the table.
    pub figures: Vec<Figure>,
    /// The runs behind those of writes.
    pub runs: Vec<Run>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Runs everything, part by part.
///
/// # Errors
/// A server cannot be started, gave a wrong answer, or has lost a document.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let document = workload::document(options.document_bytes)?;
    let mut report = Report { figures: Vec::new(), runs: Vec::new(), notes: Vec::new() };
    if program::find("redis-server").is_none() {
        report.notes.push("Redis is left out: it is not installed (apt-get install redis-server)".to_owned());
    }
    for cases in [CURVE, EVERYSEC] {
        let runs = writes(cases, options, &document, progress)?;
        report.figures.extend(cases.iter().flat_map(|case| case.figures(&runs, options)));
        report.runs.extend(runs);
    }
    report.figures.extend(syncs::measure(options, &document, progress, &mut report.notes)?);
    report.figures.extend(restart::from_snapshot(options, progress)?);
    report.figures.extend(restart::from_journal(options, &document, progress)?);
    let beside = beside_snapshot::measure(options, progress, &mut report.notes)?;
    report.figures.extend(beside.figures);
    report.runs.extend(beside.runs);
    Ok(report)
}

/// Runs `cases` on all servers that one of them names.
fn writes(cases: &'static [Case], options: &Options, document: &Template, progress: &Progress) -> Result<Vec<Run>> {
    let mut contestants: Vec<Contestant> = Vec::new();
    let mut asked: Vec<Who> = Vec::new();
    for who in cases.iter().flat_map(|case| case.on) {
        if !asked.contains(who) {
            asked.push(*who);
            contestants.extend(Contestant::filled(*who, options, document, progress)?);
        }
    }
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for case in cases {
            for Contestant { who, server } in contestants.iter().filter(|one| case.on.contains(&one.who)) {
                progress.step(&format!("round {round} of {}: {}, {}", options.rounds, case.name, who.name()));
                let workload = who.writes(server, document);
                let keys = options.keys_of(round, options.keys);
                let session = Session { workload: &workload, keys, pace: Pace::Window(1), tally: Tally::new() };
                runs.push(Run::measure(options, round, case.name, (who.name(), server), case.connections, session)?);
            }
        }
    }
    Ok(runs)
}

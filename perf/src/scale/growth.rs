//! What a request costs among very many documents, beside the same among few; and the longest insertion on the way
//! there, which is more than the longest that it keeps a lock for.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{DOCUMENT_BYTES, Report, filled, promised};
use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::options::Options;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::run::{self, Run};
use crate::workload::{self, Workload};

/// Documents of the small server.
const FEW: u32 = 10_000;

/// A request among very many over one among few.
const OVER_FEW: f64 = 1.25;

/// Microseconds of CPU that an insertion may keep a lock.
const HOLD_US_MAX: f64 = 1000.0;

/// Compares GET and PUT among those of `large` with those among few.
///
/// # Errors
/// The small server cannot be started, or an answer was wrong.
pub fn measure(options: &Options, large: &Server, progress: &Progress, report: &mut Report) -> Result<()> {
    let document = workload::document(DOCUMENT_BYTES)?;
    let few = FEW.min(options.documents);
    let small = filled(options, few, progress)?;
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for of in [Workload::get, Workload::put] {
            for (on, server, count) in [("few", &small, few), ("many", large, options.documents)] {
                let workload = of(server.address, &document);
                progress.step(&format!("round {round} of {}: {} among {count}", options.rounds, workload.name));
                let keys = options.keys_of(round, count);
                let session = Session { workload: &workload, keys, pace: Pace::Window(1), tally: Tally::new() };
                let on = (on, server);
                runs.push(Run::measure(options, round, workload.name, on, options.connections, session)?);
            }
        }
    }
    for name in ["GET", "PUT"] {
        for (on, count) in [("few", few), ("many", options.documents)] {
            let values = run::select(&runs, name, on).into_iter().map(|run| run.server_cpu_us);
            report.figures.extend(Figure::new(format!("{name} among {count}: server CPU"), "µs", values));
        }
        let of = |on| run::select(&runs, name, on);
        let ratio = run::ratio(of("many"), of("few"), |run| run.server_cpu_us);
        let name = format!("{name} among {} over among {few}", options.documents);
        let figure = ratio.map(|ratio| Figure::of(name, "", ratio).at_most(promised(options, OVER_FEW)));
        report.figures.extend(figure);
    }
    report.runs.append(&mut runs);
    Ok(())
}

/// Grows an engine from nothing to `--documents` in one thread of another process, in each round.
///
/// The bound is on what recurs: of the insertions that take longest there is one for each shard, since what the store does
/// now and then every shard does. A single one may have met whatever else the machine does, as steps through plain memory do.
///
/// # Errors
/// The program cannot be run.
pub fn insertion(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let (mut of_each_shard, mut of_all, mut of_steps) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        progress.step(&format!(
            "round {round} of {}: inserting {} documents in process",
            options.rounds, options.documents
        ));
        let told = tell(options, "--insert", &options.documents.to_string())?;
        let [each_shard, all, steps] = told[..] else { bail!("{} numbers instead of three", told.len()) };
        of_each_shard.push(each_shard);
        of_all.push(all);
        of_steps.push(steps);
    }
    let figures = [
        Figure::new("growth: longest insertion of each shard, CPU of its thread", "µs", of_each_shard)
            .map(|it| it.at_most(promised(options, HOLD_US_MAX))),
        Figure::new("growth: longest insertion of all", "µs", of_all),
        Figure::new("the longest of as many steps through plain memory", "µs", of_steps),
    ];
    report.figures.extend(figures.into_iter().flatten());
    Ok(())
}

/// The numbers that the program which knows the engine prints.
///
/// # Errors
/// It cannot be run, or prints something else.
pub fn tell(options: &Options, what: &str, value: &str) -> Result<Vec<f64>> {
    let program = &options.constant;
    let output = Command::new(program).args([what, value]).output();
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} {what}: {}", program.display(), said.trim());
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_ascii_whitespace().map(|word| word.parse().with_context(|| format!("{word} is no number"))).collect()
}

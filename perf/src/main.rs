//! Measures a Memory Tools server from outside: starts it, loads it, asks it, and compares what it took with what was
//! promised. `perf/README.md` says what each figure proves.
//!
//! Invariant: a figure is shown only when every answer behind it was right; otherwise the run fails as a whole.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic, clippy::todo)
)]

mod options;

mod front;
mod memory;
mod startup;

mod connection;
mod fleet;
mod http;
mod keys;
mod template;
mod workload;

mod child;
mod machine;
mod proc;

mod figure;
mod progress;
mod statistics;
mod store;

use std::process::ExitCode;

use anyhow::Result;

use crate::figure::Verdict;
use crate::options::{HELP, Options, Part};
use crate::proc::MachineTime;
use crate::progress::Progress;
use crate::store::Noise;

fn main() -> ExitCode {
    let outcome = match Options::parse(std::env::args_os().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => run(&options),
        Err(error) => Err(error.context("wrong use; --help shows the options")),
    };
    match outcome {
        Ok(Verdict::Held) => ExitCode::SUCCESS,
        Ok(Verdict::Missed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("memory-tools-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Measures what `options` ask for, prints the table, stores the result.
///
/// # Errors
/// Something could not be measured.
fn run(options: &Options) -> Result<Verdict> {
    let progress = Progress::new();
    let before = MachineTime::read()?;
    let load_before = proc::load_average();
    let mut figures = Vec::new();
    let mut runs = Vec::new();
    if options.measures(Part::Ready) {
        figures.extend(startup::measure(options, &progress)?);
    }
    if options.measures(Part::Front) {
        let report = front::measure(options, &progress)?;
        figures.extend(report.figures());
        runs.extend(report.runs.iter().map(front::Run::json));
    }
    if options.measures(Part::Memory) {
        figures.extend(memory::measure(options, &progress)?);
    }
    progress.done();
    let steal_percent = MachineTime::read()?.steal_percent_since(&before);
    print!("{}", figure::table(&figures));
    let load = load_before.map_or("unknown".to_owned(), |load| load.to_string());
    println!("load of this machine before: {load}; time stolen from it meanwhile: {steal_percent:.1} %");
    let noise = Noise { load_before, steal_percent };
    println!("stored as {}", store::store(options, &figures, runs, noise)?.display());
    let missed = figures.iter().any(|figure| figure.verdict() == Some(Verdict::Missed));
    Ok(if missed { Verdict::Missed } else { Verdict::Held })
}

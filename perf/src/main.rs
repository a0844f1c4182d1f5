//! Measures a Memory Tools server from outside: starts it, loads it, asks it, and compares what it took with what was
//! promised. `perf/README.md` says what each figure proves.
//!
//! Invariant: a figure is shown only when every answer behind it was right; otherwise the run fails as a whole.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic, clippy::todo)
)]

mod options;

mod api;
mod bare;
mod charts;
mod compare;
mod front;
mod journal;
mod memory;
mod mixes;
mod peers;
mod scale;
mod sizes;
mod startup;

mod chunked;
mod connection;
mod fleet;
mod http;
mod keys;
mod pace;
mod reply;
mod resp;
mod template;
mod work;
mod workload;

mod child;
mod descriptors;
mod listener;
mod machine;
mod operator;
mod proc;

mod figure;
mod grid;
mod layout;
mod loading;
mod progress;
mod run;
mod series;
mod statistics;
mod store;

use std::process::ExitCode;

use anyhow::{Error, Result};

use crate::figure::Verdict;
use crate::options::{HELP, Mode, Options, Part};
use crate::proc::MachineTime;
use crate::progress::Progress;
use crate::run::Run;
use crate::store::{Findings, Noise};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == bare::COMMAND).is_some() {
        return match bare::run(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
    }
    if arguments.next_if(|first| first == charts::COMMAND).is_some() {
        return match charts::run(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
    }
    let options = match Options::parse(arguments) {
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => Ok(options),
        Err(error) => Err(error.context("wrong use; --help shows the options")),
    };
    match options.and_then(|options| Ok((options.mode, run(&options)?))) {
        Ok(
            (Mode::Peers | Mode::Journal | Mode::Api | Mode::Compare, _) | (Mode::Alone | Mode::Scale, Verdict::Held),
        ) => ExitCode::SUCCESS,
        Ok((Mode::Alone | Mode::Scale, Verdict::Missed)) => ExitCode::from(1),
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("memory-tools-bench: {error:#}");
    ExitCode::from(2)
}

/// Measures what `options` ask for, prints the table, stores the result.
///
/// # Errors
/// Something could not be measured.
fn run(options: &Options) -> Result<Verdict> {
    let connections_max = descriptors::raise();
    let progress = Progress::new();
    let before = MachineTime::read()?;
    let load_before = proc::load_average();
    let (table, findings) = match options.mode {
        Mode::Alone => alone(options, &progress)?,
        Mode::Peers => beside_others(options, connections_max, &progress)?,
        Mode::Journal => durably(options, &progress)?,
        Mode::Api => over_its_api(options, &progress)?,
        Mode::Scale => however_much(options, &progress)?,
        Mode::Compare => beside_itself(options, &progress)?,
    };
    progress.done();
    let steal_percent = MachineTime::read()?.steal_percent_since(&before);
    print!("{table}");
    for note in &findings.notes {
        println!("note: {note}");
    }
    let load = load_before.map_or("unknown".to_owned(), |load| load.to_string());
    println!("load of this machine before: {load}; time stolen from it meanwhile: {steal_percent:.1} %");
    let noise = Noise { load_before, steal_percent };
    println!("stored as {}", store::store(options, &findings, noise)?.display());
    match charts::draw(&options.results) {
        Ok(drawn) => println!("charts beside it: {} drawn anew", drawn.written.len()),
        Err(error) => println!("note: the charts beside it are not drawn anew: {error:#}"),
    }
    let missed = findings.figures.iter().any(|figure| figure.verdict() == Some(Verdict::Missed));
    Ok(if missed { Verdict::Missed } else { Verdict::Held })
}

/// What the server promises by itself.
fn alone(options: &Options, progress: &Progress) -> Result<(String, Findings)> {
    let (mut figures, mut runs, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut table = String::new();
    if options.measures(Part::Mixes) {
        let report = mixes::measure(options, progress)?;
        table = report.table(options);
        figures.extend(report.figures());
        runs.extend(report.runs.iter().map(Run::json));
        notes.extend(report.notes);
    }
    let rest = figures.len();
    if options.measures(Part::Ready) {
        figures.extend(startup::measure(options, progress)?);
    }
    if options.measures(Part::Front) {
        let report = front::measure(options, progress)?;
        figures.extend(report.figures());
        runs.extend(report.runs.iter().map(Run::json));
    }
    if options.measures(Part::Memory) {
        figures.extend(memory::measure(options, progress)?);
        figures.extend(sizes::measure(options, progress)?);
    }
    if let Some(rest) = figures.get(rest..).filter(|rest| !rest.is_empty()) {
        table.push_str(&format!("\n{}", figure::table(rest)));
    }
    Ok((table, Findings { figures, runs, notes, peers: Vec::new() }))
}

/// What it promises beside others.
fn beside_others(options: &Options, connections_max: u64, progress: &Progress) -> Result<(String, Findings)> {
    let report = peers::measure(options, connections_max, progress)?;
    let table = report.table(options);
    let findings = Findings {
        figures: report.figures(options),
        runs: report.runs.iter().map(Run::json).collect(),
        peers: [&peers::PACKAGES[..], &peers::CLIENT_PACKAGES]
            .concat()
            .into_iter()
            .map(|package| (package, machine::package_version(package)))
            .collect(),
        notes: report.notes,
    };
    Ok((table, findings))
}

/// What it promises of its document API.
fn over_its_api(options: &Options, progress: &Progress) -> Result<(String, Findings)> {
    let api::Report { figures, runs } = api::measure(options, progress)?;
    let table = figure::table(&figures);
    Ok((table, Findings { figures, runs: runs.iter().map(Run::json).collect(), notes: Vec::new(), peers: Vec::new() }))
}

/// What it promises of memory and of very many documents.
fn however_much(options: &Options, progress: &Progress) -> Result<(String, Findings)> {
    let scale::Report { figures, runs, notes } = scale::measure(options, progress)?;
    let table = figure::table(&figures);
    let peers = scale::PACKAGES.map(|package| (package, machine::package_version(package))).to_vec();
    Ok((table, Findings { figures, runs: runs.iter().map(Run::json).collect(), notes, peers }))
}

/// What it promises with its journal.
fn durably(options: &Options, progress: &Progress) -> Result<(String, Findings)> {
    let journal::Report { figures, runs, notes } = journal::measure(options, progress)?;
    let table = figure::table(&figures);
    let peers = journal::PACKAGES.map(|package| (package, machine::package_version(package))).to_vec();
    Ok((table, Findings { figures, runs: runs.iter().map(Run::json).collect(), notes, peers }))
}

/// Whether it got cheaper.
fn beside_itself(options: &Options, progress: &Progress) -> Result<(String, Findings)> {
    let report = compare::measure(options, progress)?;
    let runs = report.runs.iter().map(Run::json).collect();
    Ok((report.table(), Findings { figures: report.figures(), runs, notes: Vec::new(), peers: Vec::new() }))
}

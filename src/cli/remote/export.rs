//! `export`: every document as a line, into a file or to standard output.
//!
//! Memory is a line, however much there is. When the connection is lost it goes on behind the last whole line, so that
//! each is written once. Invariant: a file has its name only when the server has said that this was the end.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use serde_json::Value;

use super::super::exit::Finished;
use super::action::{Exporting, Stream};
use super::fault::Fault;
use super::file_reader::FileReader;
use super::partial::{Partial, beside};
use super::progress::{Measure, Progress};
use super::retry::{Attempts, pause};
use super::tally::Tally;
use crate::base::disk::Disk;
use crate::base::limits::ANSWER_LINE_BYTES_MAX;
use crate::client::{Answer, Client, Request};

/// Attempts in a row that may bring nothing before it is given up.
const ATTEMPTS_MAX: u32 = 5;

/// Bytes that are read or written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes what there is to where `exporting` says.
///
/// # Errors
/// `Output` for what cannot be written, and all that a server may say.
pub fn export(client: &Client, exporting: &Exporting, disk: &dyn Disk, out: &mut dyn Write) -> Result<Finished, Fault> {
    let mut tally = Tally::default();
    match &exporting.to {
        Stream::Standard => {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
            fetch(client, exporting, &mut tally, &mut out)?;
            out.flush().map_err(Fault::Output)?;
            Ok(Finished::said(summary(exporting, &tally)))
        }
        Stream::File(path) => {
            let mut partial = if exporting.goes_on {
                tally = what_is_there(disk, path)?;
                Partial::go_on(disk, path, tally.bytes)
            } else {
                Partial::create(disk, path)
            }
            .map_err(Fault::Output)?;
            let fetched = fetch(client, exporting, &mut tally, &mut partial);
            let flushed = partial.flush().map_err(Fault::Output);
            fetched.and(flushed).map_err(|fault| left(fault, path, &tally))?;
            partial.finish().map_err(Fault::Output)?;
            Ok(Finished::done(summary(exporting, &tally)))
        }
    }
}

/// Gets what comes behind `tally`, over as many connections as it takes.
fn fetch(client: &Client, exporting: &Exporting, tally: &mut Tally, out: &mut dyn Write) -> Result<(), Fault> {
    let progress = progress(client, exporting);
    let mut attempts = Attempts::default();
    loop {
        let before = tally.bytes;
        let Err(fault) = fetch_once(client, exporting, tally, out, &progress) else { return Ok(()) };
        if tally.bytes > before {
            attempts.succeed();
        }
        let (failed, wait) = attempts.fail();
        if !fault.may_pass() || tally.bytes == 0 || failed > ATTEMPTS_MAX {
            return Err(fault);
        }
        progress.warn(format_args!("{}; going on in {} ms", fault.text(), wait.as_millis()));
        pause(wait);
    }
}

fn fetch_once(
    client: &Client,
    exporting: &Exporting,
    tally: &mut Tally,
    out: &mut dyn Write,
    progress: &Progress,
) -> Result<(), Fault> {
    let cursor = tally.cursor();
    let cursor = cursor.as_deref().map(|cursor| ("cursor", cursor));
    let collection = exporting.collection.as_deref().map(|name| ("collection", name));
    let query = collection.into_iter().chain(cursor).collect();
    let mut lines = match client.lines(&Request::get("/v1/export", query))? {
        Answer::Lines(lines) => lines,
        Answer::Refused(reply) => return Err(Fault::Refused(reply)),
    };
    while let Some(line) = lines.read()? {
        tally.count(line)?;
        out.write_all(line).and_then(|()| out.write_all(b"\n")).map_err(Fault::Output)?;
        progress.at(tally.bytes, tally.documents);
    }
    Ok(())
}

/// A bar as long as there are documents, or without an end where only some are asked for; the server is asked only
/// where one is seen.
fn progress(client: &Client, exporting: &Exporting) -> Progress {
    let counting = Progress::new(Measure::Documents, None);
    if exporting.is_quiet || !counting.is_shown() {
        return Progress::hidden();
    }
    if exporting.collection.is_some() {
        return counting;
    }
    let stats = client.send(&Request::get("/v1/stats", Vec::new())).ok();
    let stats = stats.and_then(|reply| serde_json::from_slice::<Value>(&reply.body).ok());
    match stats.as_ref().and_then(|stats| stats.get("documents")).and_then(Value::as_u64) {
        Some(documents) => Progress::new(Measure::Documents, Some(documents)),
        None => counting,
    }
}

/// The whole lines that an earlier run has left.
fn what_is_there(disk: &dyn Disk, path: &Path) -> Result<Tally, Fault> {
    let mut tally = Tally::default();
    let file = FileReader::open(disk, &beside(path)).map_err(Fault::Output)?;
    let mut lines = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.by_ref().take(ANSWER_LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(Fault::Output)?;
        match line.pop() {
            Some(b'\n') => tally.count(&line).map_err(|_| Fault::NoExport(beside(path)))?,
            _ => return Ok(tally),
        }
    }
}

/// What is to be done with what has come.
fn left(fault: Fault, path: &Path, tally: &Tally) -> Fault {
    let behind =
        format!("; {} holds {} documents, and --continue goes on behind them", beside(path).display(), tally.documents);
    Fault::Within { fault: Box::new(fault), before: String::new(), behind }
}

fn summary(exporting: &Exporting, tally: &Tally) -> String {
    let Tally { documents, collections, bytes, .. } = tally;
    match exporting.is_quiet {
        true => String::new(),
        false => format!("{{\"documents\":{documents},\"collections\":{collections},\"bytes\":{bytes}}}\n"),
    }
}

//! What a start takes when there is much to read: documents a second from a snapshot, beside Redis with its dump, and
//! megabytes a second from a journal.
//!
//! A time is what the server itself says of its loading; what passes until the first right answer is told beside it.
//! The files have just been written, so they come from the page cache: it is the servers that are compared, not the
//! disk. After each start a sample of the documents is read and compared to the byte.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::child::{Knock, Server};
use crate::figure::Figure;
use crate::journal::contestant::{Contestant, Who};
use crate::loading;
use crate::options::Options;
use crate::proc;
use crate::progress::Progress;
use crate::run;
use crate::template::{KEYS_MAX, Template};
use crate::workload;

/// Size of the documents of a snapshot.
pub const DOCUMENT_BYTES: usize = 200;

/// Documents from which on a bound is judged; it was promised for five million.
const DOCUMENTS_JUDGED: u32 = 1_000_000;

/// Megabytes of a journal from which on a bound is judged; it was promised for a thousand.
const JOURNAL_MB_JUDGED: u32 = 256;

/// Our documents a second over those of Redis: promised, and aimed at.
const LOAD_RATIO: (f64, f64) = (2.0, 3.0);

/// Megabytes of a journal that are replayed in a second.
const REPLAY_MB: f64 = 300.0;

/// How long a snapshot or a dump may take.
const SAVING_MAX: Duration = Duration::from_secs(300);

/// The name under which our server writes a snapshot.
const SNAPSHOT_ON_ITS_WAY: &str = "database.mtdb.tmp";

/// One start.
struct Start {
    /// Of loading, in its own words.
    seconds: f64,
    /// From before the start of the process to the first right answer.
    ready_seconds: f64,
    /// CPU time of all threads until then, in microseconds.
    cpu_us: f64,
    /// Of the journal that was replayed, if any was.
    replayed_bytes: Option<f64>,
}

/// Starts servers on a snapshot of `--documents`.
///
/// # Errors
/// A server cannot be started, gave a wrong answer, or has lost a document.
pub fn from_snapshot(options: &Options, progress: &Progress) -> Result<Vec<Figure>> {
    let document = workload::document(DOCUMENT_BYTES)?;
    let count = options.documents;
    let mut folders = Vec::new();
    for who in [Who::Off, Who::Redis] {
        let folder = scratch()?;
        let Some(program) = who.program(options, Some(folder.path())) else { continue };
        let contestant = Contestant { who, server: Server::start(&*program)? };
        contestant.fill(&document, count, progress)?;
        progress.step(&format!("saving them, {}", who.name()));
        save(&contestant)?;
        folders.push((who, folder));
    }
    let mut starts = folders.iter().map(|(who, _)| (*who, Vec::new())).collect::<Vec<_>>();
    for round in 1..=options.rounds {
        for ((who, folder), (_, starts)) in folders.iter().zip(&mut starts) {
            progress.step(&format!("round {round} of {}: loading a snapshot, {}", options.rounds, who.name()));
            starts.push(start(*who, options, folder.path(), &document, count)?);
        }
    }
    Ok(load_figures(&starts, count))
}

fn load_figures(starts: &[(Who, Vec<Start>)], count: u32) -> Vec<Figure> {
    let name = |what: &str| format!("load {count} documents of {DOCUMENT_BYTES} bytes: {what}");
    let rates = |starts: &[Start]| starts.iter().map(|start| f64::from(count) / start.seconds).collect::<Vec<_>>();
    let mut figures = Vec::new();
    for (who, starts) in starts {
        let whose = if who.is_redis() { "Redis, its dump" } else { "a snapshot" };
        let ready = starts.iter().map(|start| start.ready_seconds);
        let cpu = starts.iter().map(|start| start.cpu_us / f64::from(count));
        figures.extend(Figure::new(name(whose), "/s", rates(starts)));
        figures.extend(Figure::new(name(&format!("{whose}, CPU a document")), "µs", cpu));
        figures.extend(Figure::new(name(&format!("{whose}, to the first answer")), "s", ready));
    }
    if let [(_, ours), (_, theirs)] = starts {
        let (bound, aim) = LOAD_RATIO;
        let is_promised = count >= DOCUMENTS_JUDGED;
        let ratio = run::ratio_of(&rates(ours), &rates(theirs));
        figures.extend(ratio.map(|ratio| {
            let figure = Figure::of(name("ours over Redis"), "", ratio);
            figure.at_least(is_promised.then_some(bound)).aiming_at(is_promised.then_some(aim))
        }));
    }
    figures
}

/// Starts the server on a journal of `--journal-mb` and nothing else.
///
/// # Errors
/// As `from_snapshot`.
pub fn from_journal(options: &Options, document: &Template, progress: &Progress) -> Result<Vec<Figure>> {
    let folder = scratch()?;
    let count = u64::from(options.journal_mb) * 1_000_000 / document.len().max(1) as u64;
    let count = u32::try_from(count).unwrap_or(KEYS_MAX).min(KEYS_MAX);
    let program = Who::Always.program(options, Some(folder.path())).context("ours is always there")?;
    let contestant = Contestant { who: Who::Always, server: Server::start(&*program)? };
    // It would take a snapshot whenever the journal has outgrown the newest one, and leave little to replay.
    let obstacle = folder.path().join(SNAPSHOT_ON_ITS_WAY);
    fs::create_dir(&obstacle)?;
    contestant.fill(document, count, progress)?;
    drop(contestant);
    fs::remove_dir(&obstacle)?;
    let (mut rates, mut sizes) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        progress.step(&format!("round {round} of {}: replaying a journal", options.rounds));
        // What is replayed is followed by a snapshot, which the next start would load.
        let copy = scratch()?;
        copy_files(folder.path(), copy.path())?;
        let start = start(Who::Everysec, options, copy.path(), document, count)?;
        let bytes = start.replayed_bytes.context("the server does not say that it has replayed anything")?;
        let megabytes = bytes / 1e6;
        rates.push(megabytes / start.seconds);
        sizes.push(megabytes);
    }
    let is_promised = options.journal_mb >= JOURNAL_MB_JUDGED && options.document_bytes == 1000;
    let name = |what: &str| format!("replay of {count} PUTs: {what}");
    let rate = Figure::new(name("rate"), "MB/s", rates);
    let rate = rate.map(|rate| rate.at_least(is_promised.then_some(REPLAY_MB)));
    Ok([Figure::new(name("journal"), "MB", sizes), rate].into_iter().flatten().collect())
}

fn scratch() -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("memory-tools-bench-").tempdir().context("no scratch folder")
}

/// Has everything written to disk, and waits for it.
fn save(contestant: &Contestant) -> Result<()> {
    let address = contestant.server.address;
    let order = if contestant.who.is_redis() {
        Knock::new(b"SAVE\r\n".to_vec(), b"+OK")
    } else {
        let head = format!("POST /v1/admin/snapshot?wait HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
        Knock::new(head.into_bytes(), b"HTTP/1.1 200")
    };
    let outcome = order.is_answered(address, SAVING_MAX);
    contestant.server.explain(if outcome { Ok(()) } else { Err(anyhow::anyhow!("it was told to save, and did not")) })
}

/// Starts `who` on `folder`, and reads a sample of the `count` documents that must be there.
fn start(who: Who, options: &Options, folder: &Path, document: &Template, count: u32) -> Result<Start> {
    let program = who.program(options, Some(folder)).context("it was there a moment ago")?;
    let server = Server::start(&*program)?;
    let cpu_us = proc::cpu_us(server.pids())? as f64;
    let workload = who.reads(&server, document);
    loading::read_back(&server, &workload, count)?;
    let printed = server.printed();
    let seconds = if who.is_redis() { redis_seconds(&printed) } else { our_seconds(&printed) };
    let seconds = seconds.with_context(|| format!("it does not say how long it has loaded: {printed}"))?;
    ensure!(seconds > 0.0, "it has loaded in no time; take more documents");
    let replayed_bytes = our_replayed_bytes(&printed);
    Ok(Start { seconds, ready_seconds: server.ready_after.as_secs_f64(), cpu_us, replayed_bytes })
}

/// From the line that has `from 7 records of a journal of 1070 bytes` in it. Files are larger: a segment is made as large
/// as it may become.
fn our_replayed_bytes(printed: &str) -> Option<f64> {
    let (_, after) = printed.split_once(" records of a journal of ")?;
    after.split(' ').next()?.parse().ok()
}

/// From the line `ready  http://127.0.0.1:80 in 70 ms`.
fn our_seconds(printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.starts_with("ready "))?;
    let millis: f64 = line.strip_suffix(" ms")?.split(' ').next_back()?.parse().ok()?;
    Some(millis / 1000.0)
}

/// From the line that ends with `DB loaded from disk: 0.003 seconds`.
fn redis_seconds(printed: &str) -> Option<f64> {
    let (_, after) = printed.split_once("DB loaded from disk: ")?;
    after.split(' ').next()?.parse().ok()
}

/// Copies the files of a data folder.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().context("a file has a name")?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_say_how_long_they_have_loaded() {
        let ours = "memory-tools 0.1.0, pid 7\nready          http://127.0.0.1:1 in 1070 ms\ntry            curl\n";
        assert_eq!(our_seconds(ours), Some(1.07));
        let redis = "7:M 23 Nov * Loading RDB\n7:M 23 Nov 2026 * DB loaded from disk: 2.345 seconds\n7:M Ready\n";
        assert_eq!(redis_seconds(redis), Some(2.345));
        assert_eq!((our_seconds(redis), redis_seconds(ours)), (None, None));
    }

    #[test]
    fn twice_the_documents_a_second_are_promised_for_a_million_and_more() {
        let starts = |ours| {
            let start = |seconds| vec![Start { seconds, ready_seconds: seconds, cpu_us: 7.0, replayed_bytes: None }];
            [(Who::Off, start(ours)), (Who::Redis, start(2.0))]
        };
        let verdicts = |starts: &[(Who, Vec<Start>)], count| {
            load_figures(starts, count).iter().filter_map(Figure::verdict).map(|found| found.word()).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(&starts(1.0), 5_000_000), ["held"]);
        assert_eq!(verdicts(&starts(1.1), 5_000_000), ["MISSED"]);
        assert!(verdicts(&starts(1.1), 999_999).is_empty());
        assert!(verdicts(&starts(1.0)[..1], 5_000_000).is_empty());
    }

    #[test]
    fn what_was_replayed_is_what_the_server_says() {
        let loaded = "3 documents in the main store and 0 collections, from a snapshot of 52 bytes and from 7 records of \
                      a journal of 1070 bytes; 1 had expired\n";
        assert_eq!(our_replayed_bytes(loaded), Some(1070.0));
        assert_eq!(our_replayed_bytes("3 documents, from a snapshot of 52 bytes\n"), None);
    }

    #[test]
    fn every_file_is_copied() {
        let (from, to) = (scratch().unwrap(), scratch().unwrap());
        for name in ["journal-1.mtj", "IDENTITY"] {
            fs::write(from.path().join(name), name).unwrap();
        }
        copy_files(from.path(), to.path()).unwrap();
        for name in ["journal-1.mtj", "IDENTITY"] {
            assert_eq!(fs::read_to_string(to.path().join(name)).unwrap(), name);
        }
    }
}

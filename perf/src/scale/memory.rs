//! What documents take in memory: small ones beside Redis, larger ones beside their own bytes, and what overwriting all
//! of them with other sizes leaves behind.
//!
//! Resident memory is read right after the last answer; a sample of the documents is read back, to the byte.

use anyhow::Result;

use super::sized::{Sized, Verb};
use super::{DOCUMENT_BYTES, Report, promised, share};
use crate::child::Server;
use crate::figure::Figure;
use crate::keys::Keys;
use crate::loading;
use crate::memory;
use crate::options::Options;
use crate::peers::program::{self, Redis};
use crate::proc;
use crate::progress::Progress;
use crate::workload::{self, Workload};

/// Small documents over Redis: promised, and aimed at.
const OVER_REDIS: (f64, f64) = (1.0, 0.8);

/// Larger documents over their bytes.
const OVER_BYTES: (f64, f64) = (1.25, 1.12);

/// After the last round over after the first.
const OVER_FIRST: f64 = 1.25;

/// Rounds in which everything is written.
const ROUNDS: u32 = 10;

/// Weighs all of it.
///
/// # Errors
/// A server cannot be started, gave a wrong answer, or lost a document.
pub fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    small(options, progress, report)?;
    overwritten(options, progress, report)
}

fn small(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let count = share(options);
    let name = format!("{count} documents of {DOCUMENT_BYTES} bytes");
    let ours = memory::weigh(&program::ours(options), DOCUMENT_BYTES, count, progress)?.full.now;
    report.figures.extend(Figure::new(format!("{name}: resident"), "MB", [ours as f64 / 1e6]));
    let Some(binary) = program::find("redis-server") else {
        report.notes.push("Redis is left out: it is not installed (apt-get install redis-server)".to_owned());
        return Ok(());
    };
    let redis = Server::start(&Redis::volatile(binary))?;
    progress.step(&format!("loading {name}, Redis"));
    loading::load(&redis, &Workload::redis_set(&workload::document(DOCUMENT_BYTES)?), count, progress)?;
    let theirs = proc::resident(redis.pids())?.now;
    let (bound, aim) = OVER_REDIS;
    let ratio = Figure::new(format!("{name}: over Redis"), "", [ours as f64 / theirs as f64]);
    report.figures.extend(Figure::new(format!("{name}: resident, Redis"), "MB", [theirs as f64 / 1e6]));
    report.figures.extend(ratio.map(|it| it.at_most(promised(options, bound)).aiming_at(promised(options, aim))));
    Ok(())
}

fn overwritten(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let count = share(options);
    let server = Server::start(&program::ours(options))?;
    let mut over_bytes = Vec::new();
    let mut resident = Vec::new();
    for round in 0..ROUNDS {
        progress.step(&format!("writing {count} documents of 500 to 1500 bytes, time {} of {ROUNDS}", round + 1));
        let of = |verb| Sized { verb, server: server.address, count, round };
        server.explain(loading::ask(server.address, &of(Verb::Put), Keys::once(0..count), |_| {}))?;
        let now = proc::resident(server.pids())?.now as f64;
        resident.push(now);
        over_bytes.push(now / of(Verb::Put).bytes() as f64);
        loading::read_back(&server, &of(Verb::Get), count)?;
    }
    let name = format!("{count} documents of 500 to 1500 bytes");
    let (bound, aim) = OVER_BYTES;
    let first = Figure::new(format!("{name}: resident over their bytes"), "", over_bytes.first().copied());
    report.figures.extend(first.map(|it| it.at_most(promised(options, bound)).aiming_at(promised(options, aim))));
    let last = resident.last().zip(resident.first()).map(|(last, first)| last / first);
    let last = Figure::new(format!("{name}: written {ROUNDS} times, over once"), "", last);
    report.figures.extend(last.map(|it| it.at_most(promised(options, OVER_FIRST))));
    let each = Figure::new(format!("{name}: over their bytes, each time"), "", over_bytes);
    report.figures.extend(each);
    Ok(())
}

//! What a snapshot of very many documents takes of requests, of memory and of time.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use super::{DOCUMENT_BYTES, Report, cost, promised};
use crate::child::Server;
use crate::figure::Figure;
use crate::operator;
use crate::options::Options;
use crate::proc;
use crate::progress::Progress;
use crate::run;
use crate::workload::{self, Workload};

/// A request beside a snapshot over one without, in CPU of the threads that serve.
const OVER_ALONE: f64 = 1.15;

/// Resident at the most meanwhile over before.
const OVER_RESIDENT: f64 = 1.1;

/// Megabytes a second, unless the disk itself is slower.
const RATE: f64 = 200.0;

/// The longest that work in the background may keep a lock, in microseconds of its thread's CPU time.
const HOLD_US_MAX: f64 = 1000.0;
const HOLD: &str = "memory_tools_lock_hold_max_seconds";

/// What the disk is tried with.
const PROBE_BYTES: usize = 256 << 20;
const PROBE_BLOCK_BYTES: usize = 1 << 20;

/// Asks `large` at half of saturation, with and without a snapshot under way, in each round.
///
/// # Errors
/// A wrong answer, or no snapshot.
pub fn measure(options: &Options, large: &Server, progress: &Progress, report: &mut Report) -> Result<()> {
    let document = workload::document(DOCUMENT_BYTES)?;
    let get = Workload::get(large.address, &document);
    let keys = |round| options.keys_of(round, options.documents);
    let (mut beside, mut alone, mut process) = (Vec::new(), Vec::new(), Vec::new());
    let (mut resident, mut rates, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
    let disk = disk_rate(progress)?;
    for round in 1..=options.rounds {
        progress.step(&format!("round {round} of {}: a snapshot of {} documents", options.rounds, options.documents));
        let rate = cost::half_of_saturation(options, "GET", large, &get, (round, keys(round)), &mut report.runs)?;
        let before = proc::resident(large.pids())?.now as f64;
        let is_over = AtomicBool::new(false);
        let ((cost_beside, snapshot), peak) = cost::peak_resident(large.pids(), || {
            std::thread::scope(|scope| {
                let ordering = scope.spawn(|| {
                    let snapshot = operator::take_snapshot(large.address);
                    is_over.store(true, Ordering::SeqCst);
                    snapshot
                });
                let over = |_| is_over.load(Ordering::SeqCst);
                let cost = cost::at_rate(options, large, &get, keys(round), rate, over);
                let snapshot = ordering.join().map_err(|_| anyhow!("the thread that orders snapshots has panicked"))?;
                Ok((cost?, large.explain(snapshot)?))
            })
        })?;
        let duration = options.duration;
        let cost_alone = cost::at_rate(options, large, &get, keys(round), rate, |elapsed| elapsed >= duration)?;
        beside.push(cost_beside.serving_us);
        process.push(cost_beside.process_us);
        alone.push(cost_alone.serving_us);
        resident.push(peak as f64 / before);
        rates.push(snapshot.bytes / 1e6 / snapshot.seconds);
        seconds.push(snapshot.seconds);
    }
    let name = format!("snapshot of {} documents", options.documents);
    let hold = operator::figure(large.address, HOLD)?.with_context(|| format!("the server does not tell {HOLD}"))?;
    report.figures.extend(Figure::new(format!("{name}: GET beside it, threads that serve"), "µs", beside.clone()));
    report.figures.extend(Figure::new(format!("{name}: GET without"), "µs", alone.clone()));
    let ratio =
        run::ratio_of(&beside, &alone).map(|ratio| Figure::of(format!("{name}: GET beside over without"), "", ratio));
    report.figures.extend(ratio.map(|it| it.at_most(promised(options, OVER_ALONE))));
    report.figures.extend(Figure::new(format!("{name}: GET beside it, whole process"), "µs", process));
    let figures = [
        Figure::new(format!("{name}: resident over before"), "", resident)
            .map(|it| it.at_most(promised(options, OVER_RESIDENT))),
        Figure::new(format!("{name}: written"), "MB/s", rates).map(|it| it.at_least(promised(options, RATE.min(disk)))),
        Figure::new("the disk by itself", "MB/s", [disk]),
        Figure::new(format!("{name}: its time"), "s", seconds),
        Figure::new("longest hold of a lock in the background", "µs", [hold * 1e6])
            .map(|it| it.at_most(promised(options, HOLD_US_MAX))),
    ];
    report.figures.extend(figures.into_iter().flatten());
    Ok(())
}

/// Megabytes a second that one file takes until it is durable.
fn disk_rate(progress: &Progress) -> Result<f64> {
    progress.step("trying the disk");
    let folder = tempfile::tempdir().context("no scratch folder")?;
    let mut file = File::create(folder.path().join("probe"))?;
    let block = vec![0x5a_u8; PROBE_BLOCK_BYTES];
    let begun = Instant::now();
    for _ in 0..PROBE_BYTES / PROBE_BLOCK_BYTES {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(PROBE_BYTES as f64 / 1e6 / begun.elapsed().as_secs_f64())
}

//! Very many documents that are due at the same moment: how soon they are gone, what requests cost meanwhile, and what
//! of their memory is given back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};

use super::{DOCUMENT_BYTES, Report, cost, filled, promised, share};
use crate::child::Server;
use crate::figure::Figure;
use crate::loading;
use crate::operator;
use crate::options::Options;
use crate::proc;
use crate::progress::Progress;
use crate::reply::Kind;
use crate::run;
use crate::template::{KEY_ZERO, Template};
use crate::workload::{self, Answer, Ask, Workload};

/// Documents that stay, and are asked for meanwhile.
const KEPT: u32 = 100_000;

/// Seconds from the deadline to when all are gone.
const GONE_SECONDS_MAX: f64 = 2.0;

/// A GET meanwhile over one before, in CPU of the threads that serve.
const OVER_BEFORE: f64 = 1.15;

/// Of what they took, what must have been given back when all is quiet.
const GIVEN_BACK_MIN: f64 = 0.6;

/// The documents that there are, told by the server, and how often it is asked for them.
const DOCUMENTS: &str = "memory_tools_documents";
const LOOK: Duration = Duration::from_millis(50);

/// How long the last of them may take to go before something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// From the end to the last weighing: the allocator gives back over ten seconds what it might have used again.
const SETTLING: Duration = Duration::from_secs(15);

/// The slowest that documents may be loaded, a second, and what is done between the load and the deadline.
const LOADED_PER_SECOND_MIN: u32 = 25_000;
const BEFORE: Duration = Duration::from_secs(10);

/// Has the documents loaded, asks for others, and looks at those that are due.
///
/// # Errors
/// A wrong answer, or the machine is too slow to load them before they are due.
pub fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let count = share(options);
    let kept = KEPT.min(count);
    let (mut gone, mut over, mut process, mut given_back) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut befores = Vec::new();
    for round in 1..=options.rounds {
        let server = filled(options, kept, progress)?;
        let get = Workload::get(server.address, &workload::document(DOCUMENT_BYTES)?);
        let keys = || options.keys_of(round, kept);
        let rate = cost::half_of_saturation(options, "GET", &server, &get, (round, keys()), &mut report.runs)?;
        let empty = proc::resident(server.pids())?.now as f64;

        progress.step(&format!("round {round} of {}: loading {count} documents that expire", options.rounds));
        let lasting = Duration::from_secs(u64::from(count / LOADED_PER_SECOND_MIN)) + options.duration + BEFORE;
        let deadline = Instant::now() + lasting;
        loading::load(&server, &put_until(&server, SystemTime::now() + lasting)?, count, progress)?;
        let full = proc::resident(server.pids())?.now as f64;
        let duration = options.duration;
        let before = cost::at_rate(options, &server, &get, keys(), rate, |elapsed| elapsed >= duration)?;
        ensure!(Instant::now() < deadline, "this machine is too slow to load {count} documents in {lasting:?}");
        progress.step(&format!("round {round} of {}: {count} documents expire", options.rounds));
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));

        let is_over = AtomicBool::new(false);
        let (meanwhile, seconds) = std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                let seconds = server.explain(until_gone(&server, deadline, kept));
                is_over.store(true, Ordering::SeqCst);
                seconds
            });
            let cost = cost::at_rate(options, &server, &get, keys(), rate, |_| is_over.load(Ordering::SeqCst));
            let seconds = looking.join().map_err(|_| anyhow!("the thread that looks has panicked"))?;
            anyhow::Ok((cost?, seconds?))
        })?;
        std::thread::sleep(SETTLING);
        let after = proc::resident(server.pids())?.now as f64;
        gone.push(seconds);
        befores.push(before.serving_us);
        over.push(meanwhile.serving_us);
        process.push(meanwhile.process_us);
        given_back.push((full - after) / (full - empty).max(1.0));
    }
    let name = format!("{count} documents expire");
    let ratio =
        run::ratio_of(&over, &befores).map(|ratio| Figure::of(format!("{name}: GET meanwhile over before"), "", ratio));
    let figures = [
        Figure::new(format!("{name}: all gone after"), "s", gone)
            .map(|it| it.at_most(promised(options, GONE_SECONDS_MAX))),
        Figure::new(format!("{name}: GET meanwhile, threads that serve"), "µs", over),
        Figure::new(format!("{name}: GET before"), "µs", befores),
        ratio.map(|it| it.at_most(promised(options, OVER_BEFORE))),
        Figure::new(format!("{name}: GET meanwhile, whole process"), "µs", process),
        Figure::new(format!("{name}: of their memory, given back"), "", given_back)
            .map(|it| it.at_least(promised(options, GIVEN_BACK_MIN))),
    ];
    report.figures.extend(figures.into_iter().flatten());
    Ok(())
}

/// Writes documents beside those that are kept, which are due at `moment`.
fn put_until(server: &Server, moment: SystemTime) -> Result<Workload> {
    let moment = moment.duration_since(UNIX_EPOCH).context("a clock before 1970")?.as_millis();
    let document = workload::document(DOCUMENT_BYTES)?;
    let target = format!("/v1/docs/due/{KEY_ZERO}?expires_at={moment}");
    let ask = Ask { method: "PUT", target: &target, fields: "", body: document.zero() };
    let named = Template::new(format!("{{\"key\":\"due/{KEY_ZERO}\"").into_bytes());
    Ok(Workload::over_http("PUT", server.address, &ask, &[Kind::Status(201)], Answer::Beginning(named)))
}

/// Looks until `kept` documents are left; the seconds from `deadline` to there.
fn until_gone(server: &Server, deadline: Instant, kept: u32) -> Result<f64> {
    while deadline.elapsed() < PATIENCE {
        let left = operator::figure(server.address, DOCUMENTS)?;
        if left.with_context(|| format!("the server does not tell {DOCUMENTS}"))? <= f64::from(kept) {
            return Ok(deadline.elapsed().as_secs_f64());
        }
        std::thread::sleep(LOOK);
    }
    Err(anyhow!("documents that are due are still there after {PATIENCE:?}"))
}

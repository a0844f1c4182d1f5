//! What a request costs here and elsewhere: the server beside nginx, Redis and webdis, in one run.
//!
//! All servers run throughout, each with one thread that serves (a pool front has a thread for each connection). In
//! each round each case runs on each server in turn, so that whatever the machine does to one it does to the others;
//! the same generator asks all of them at the same pace and checks every body. A server that is not installed is left
//! out with a note.

pub mod case;
mod contestant;
mod foreign;
mod idle;
pub mod program;
mod promise;
mod report;

use std::time::Instant;

use anyhow::Result;

use crate::connection::{Session, Tally};
use crate::fleet::Fleet;
use crate::options::{Front, Options};
use crate::pace::{Pace, Schedule};
use crate::peers::case::{Asker, CASES, Case, GET, IDLE_ON, Load, Who};
use crate::peers::contestant::Contestant;
use crate::peers::foreign::Client;
use crate::progress::Progress;
use crate::run::Run;
use crate::template::Template;
use crate::workload;

pub use crate::peers::report::Report;

/// The packages of Debian that the others come from.
pub const PACKAGES: [&str; 3] = ["nginx", "redis-server", "webdis"];

/// The packages of Debian that foreign clients come from.
pub const CLIENT_PACKAGES: [&str; 2] = foreign::PACKAGES;

/// The constant rate of writes beside a snapshot, of the throughput at saturation.
pub const PACED_SHARE: f64 = 0.5;

/// What of the constant rate must have been answered for its latency to mean something.
pub const PACED_SHARE_KEPT: f64 = 0.99;

/// Runs all rounds; our descriptors are good for `connections_max` connections.
///
/// # Errors
/// A server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, connections_max: u64, progress: &Progress) -> Result<Report> {
    let document = workload::document(options.document_bytes)?;
    let mut notes = Vec::new();
    let contestants = contestant::start_all(options, &document, progress, &mut notes)?;
    let is_idle_measured = match idle_obstacle(options, connections_max) {
        None => true,
        Some(obstacle) => {
            notes.push(format!("{} idle connections were left out: {obstacle}", options.idle));
            false
        }
    };
    notes.extend(missing_clients(&contestants));
    let mut runs: Vec<Run> = Vec::new();
    let mut idle = Vec::new();
    for round in 1..=options.rounds {
        let tell = |what: &str, on: &str| progress.step(&format!("round {round} of {}: {what}, {on}", options.rounds));
        for case in CASES {
            let saturation = saturation(&runs, round);
            for contestant in contestants.iter().filter(|contestant| case.on.contains(&contestant.who)) {
                tell(&case.title(options), contestant.who.name());
                let run = match (case.by, Client::of(contestant.who)) {
                    (Asker::Generator, _) => run(options, round, case, saturation, contestant, &document)?,
                    (Asker::Foreign, Some(client)) => {
                        client.run(options, (round, case), contestant, rate_of(&runs, case, contestant.who))?
                    }
                    (Asker::Foreign, None) => continue,
                };
                if let Load::Paced { quarters } = case.load {
                    notes.extend(lag(&run, saturation * share(quarters)));
                }
                runs.push(run);
            }
        }
        for contestant in contestants.iter().filter(|one| is_idle_measured && IDLE_ON.contains(&one.who)) {
            tell("idle connections", contestant.who.name());
            idle.push((contestant.who, idle::bytes_each(contestant, options, &document, progress)?));
        }
    }
    Ok(Report { runs, idle, notes })
}

/// So many quarters of saturation, as a share of it.
fn share(quarters: u32) -> f64 {
    f64::from(quarters) / 4.0
}

/// Runs `case` on `contestant`; without a `saturation` nothing can be asked at a part of it.
fn run(
    options: &Options,
    round: u32,
    case: &'static Case,
    saturation: f64,
    contestant: &Contestant,
    document: &Template,
) -> Result<Run> {
    let connections = if case.load == Load::Busy { options.busy } else { options.connections };
    let workload = contestant.workload(case.verb, document);
    let keys = options.keys_of(round, options.keys);
    let fleet = Fleet::open(contestant.server.address, connections);
    let measured = fleet.map(Fleet::awake).and_then(|mut fleet| {
        let pace = match case.load {
            Load::Plain | Load::Busy => Pace::Window(1),
            Load::Pipelined => Pace::Batch(options.depth),
            Load::Paced { quarters } => Pace::Schedule(Schedule::new(Instant::now(), saturation * share(quarters))),
        };
        let session = Session { workload: &workload, keys, pace, tally: Tally::new() };
        fleet.measure(session, options.warm_up, options.duration, &contestant.pids)
    });
    Run::of(round, case.name, contestant.who.name(), &contestant.server.explain(measured)?)
}

/// GETs a second of this round, of the slowest server that is asked at a constant rate later.
fn saturation(runs: &[Run], round: u32) -> f64 {
    let paced = CASES.iter().filter(|case| matches!(case.load, Load::Paced { .. })).flat_map(|case| case.on);
    let names: Vec<&str> = paced.map(|who| who.name()).collect();
    let is_paced = |run: &Run| names.contains(&run.on);
    let runs = runs.iter().filter(|run| run.round == round && run.workload == GET && is_paced(run));
    runs.map(|run| run.requests_per_second).fold(f64::INFINITY, f64::min)
}

/// What our generator got from `who` a second where it last asked as `case` does.
fn rate_of(runs: &[Run], case: &Case, who: Who) -> f64 {
    let like = |one: &&Case| one.by == Asker::Generator && (one.verb, one.load) == (case.verb, case.load);
    let name = CASES.iter().find(like).map(|one| one.name);
    let run = runs.iter().rfind(|run| Some(run.workload) == name && run.on == who.name());
    run.map_or(0.0, |run| run.requests_per_second)
}

/// Says which foreign clients there are not.
fn missing_clients(contestants: &[Contestant]) -> Vec<String> {
    let asked = contestants.iter().map(|contestant| contestant.who);
    let asked = asked.filter(|who| CASES.iter().any(|case| case.by == Asker::Foreign && case.on.contains(who)));
    let mut names: Vec<&str> = asked.filter(|who| Client::of(*who).is_none()).map(Client::name_for).collect();
    names.dedup();
    let packages = CLIENT_PACKAGES.join(" ");
    names.iter().map(|name| format!("{name} asks nobody: it is not installed (apt-get install {packages})")).collect()
}

/// Says so when `run` has answered noticeably less than the `due` requests a second: what was never asked is in no
/// latency.
pub fn lag(run: &Run, due: f64) -> Option<String> {
    let (round, on, answered) = (run.round, run.on, run.requests_per_second);
    let is_behind = answered < due * PACED_SHARE_KEPT;
    is_behind
        .then(|| format!("round {round}: {on} answered {answered:.0}/s where {due:.0}/s were due, its p99 is too low"))
}

/// Why idle connections cannot be measured here.
fn idle_obstacle(options: &Options, connections_max: u64) -> Option<String> {
    if options.front == Front::Pool {
        return Some("the pool front has a thread for each connection".to_owned());
    }
    let is_room = u64::try_from(options.idle).is_ok_and(|idle| idle <= connections_max);
    (!is_room).then(|| format!("descriptors suffice for {connections_max} (ulimit -Hn)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_rate_comes_from_the_slower_one_of_the_same_round() {
        let mut runs = Vec::new();
        for (round, on, per_second) in
            [(1, "Memory Tools", 10.0), (2, "Memory Tools", 70.0), (2, "nginx", 60.0), (2, "Redis", 20.0)]
        {
            runs.push(Run { requests_per_second: per_second, ..Run::sample(round, GET, on, 1.0) });
        }
        runs.push(Run { requests_per_second: 5.0, ..Run::sample(2, "PUT", "nginx", 1.0) });
        assert_eq!(saturation(&runs, 2), 60.0);
        assert_eq!(saturation(&runs, 1), 10.0);
    }

    #[test]
    fn a_foreign_client_asks_for_as_long_as_ours_did() {
        let run = |round, workload, on, per_second| Run {
            requests_per_second: per_second,
            ..Run::sample(round, workload, on, 1.0)
        };
        let runs = [
            run(1, GET, "Redis", 10.0),
            run(2, GET, "Redis", 20.0),
            run(2, GET, "nginx", 30.0),
            run(2, "PUT", "Redis", 5.0),
        ];
        let case = CASES.iter().find(|case| case.by == Asker::Foreign && case.load == Load::Plain).unwrap();
        assert_eq!(rate_of(&runs, case, Who::Redis), 20.0);
        assert_eq!(rate_of(&runs, case, Who::Ours), 0.0);
    }

    #[test]
    fn a_rate_that_was_not_kept_is_noted() {
        let run = Run { requests_per_second: 985.0, ..Run::sample(3, GET, "nginx", 1.0) };
        assert_eq!(lag(&run, 990.0), None);
        assert_eq!(
            lag(&run, 1000.0).unwrap(),
            "round 3: nginx answered 985/s where 1000/s were due, its p99 is too low"
        );
    }

    #[test]
    fn idle_connections_need_a_front_without_threads_and_descriptors() {
        let reactor = Options::default();
        assert_eq!(idle_obstacle(&reactor, 10_000), None);
        assert!(idle_obstacle(&reactor, 9_999).unwrap().contains("9999"));
        let pool = Options { front: Front::Pool, ..Options::default() };
        assert!(idle_obstacle(&pool, 10_000).unwrap().contains("thread"));
    }
}

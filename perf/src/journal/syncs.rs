//! How many times the disk is waited for, in a run of its own: under strace, which slows down what it counts.

use std::fs;

use anyhow::Result;

use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::fleet::Fleet;
use crate::journal::case::CURVE;
use crate::journal::contestant::{Traced, Who};
use crate::keys::Keys;
use crate::options::Options;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::template::Template;

/// Writes of each connection that are counted.
const WRITES_EACH: u32 = 100;

/// Writes that are counted at least.
const WRITES_MIN: u32 = 1000;

/// Calls of fsync and fdatasync a write along the curve, ours and Redis's, with the one over the other.
///
/// # Errors
/// A server cannot be started although it is installed, or gave a wrong answer.
pub fn measure(
    options: &Options,
    document: &Template,
    progress: &Progress,
    notes: &mut Vec<String>,
) -> Result<Vec<Figure>> {
    let mut each = Vec::new();
    for who in [Who::Always, Who::RedisAlways] {
        progress.step(&format!("counting fsyncs, {}", who.name()));
        let folder = tempfile::tempdir()?;
        let calls = folder.path().join("calls");
        let Some(program) = who.program(options, None) else { continue };
        let Some(traced) = Traced::new(program, calls.clone()) else {
            notes.push("fsyncs a write are left out: strace is not installed (apt-get install strace)".to_owned());
            return Ok(Vec::new());
        };
        let server = match Server::start(&traced) {
            Ok(server) => server,
            Err(error) => {
                notes.push(format!("fsyncs a write are left out: nothing runs under strace here: {error:#}"));
                return Ok(Vec::new());
            }
        };
        let workload = who.writes(&server, document);
        let mut of_who = Vec::new();
        for case in CURVE {
            let connections = u32::try_from(case.connections)?;
            let writes = (connections * WRITES_EACH).max(WRITES_MIN);
            let keys = Keys::once(0..writes);
            let session = Session { workload: &workload, keys, pace: Pace::Window(1), tally: Tally::new() };
            let before = count(&fs::read_to_string(&calls)?);
            let asked =
                Fleet::open(server.address, case.connections).and_then(|mut fleet| fleet.exhaust(session, |_| {}));
            server.explain(asked)?;
            let syncs = count(&fs::read_to_string(&calls)?).saturating_sub(before);
            of_who.push((case.name, who.name(), syncs as f64 / f64::from(writes)));
        }
        each.push(of_who);
    }
    Ok(figures(&each))
}

/// Calls in what strace has written. One that another thread's interrupts takes two lines, of which the first counts.
fn count(calls: &str) -> usize {
    calls.lines().filter(|line| line.contains("sync(")).count()
}

/// Those of each, and the ratio of the first to the second where both are there.
fn figures(each: &[Vec<(&str, &str, f64)>]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (at, &(case, ours, value)) in each.iter().take(1).flatten().enumerate() {
        figures.extend(Figure::new(format!("{case}: {ours}, fsyncs a write"), "", [value]));
        if let Some(&(_, theirs, other)) = each.get(1).and_then(|of_who| of_who.get(at)) {
            figures.extend(Figure::new(format!("{case}: {theirs}, fsyncs a write"), "", [other]));
            let ratio = Figure::new(format!("{case}: {ours} over {theirs}, fsyncs a write"), "", [value / other]);
            figures.extend(ratio.map(|ratio| ratio.at_most(Some(1.0))));
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_once_however_many_lines_it_takes() {
        let calls = "7 fdatasync(5)                        = 0\n7 fsync(5 <unfinished ...>\n\
                     8 fdatasync(6)  = 0\n7 <... fsync resumed>)  = 0\n7 +++ exited with 0 +++\n";
        assert_eq!(count(calls), 3);
    }

    #[test]
    fn no_more_than_redis_waits_is_promised() {
        let both = [vec![("64", "always", 0.03)], vec![("64", "Redis always", 0.02)]];
        let judged: Vec<_> = figures(&both).iter().filter_map(|figure| figure.verdict()).map(|v| v.word()).collect();
        assert_eq!(judged, ["MISSED"]);
        assert_eq!(figures(&both[..1]).len(), 1);
    }
}

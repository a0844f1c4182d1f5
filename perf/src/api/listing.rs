//! A page of 1000 keys out of very many, from anywhere among them: the request of one client who is alone.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Report;
use super::bulk::{self, LINES, Order};
use crate::child::Server;
use crate::connection::{Session, Tally};
use crate::figure::Figure;
use crate::operator;
use crate::options::Options;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::reply::Kind;
use crate::run::Run;
use crate::template::Template;
use crate::workload::{self, Answer, Ask, Workload};

/// Size of the documents.
const DOCUMENT_BYTES: usize = 100;

/// Keys of a page.
const PAGE: usize = 1000;

/// A page in microseconds, of the server's CPU and of the client's time: promised, and aimed at.
const PAGE_US: (f64, f64) = (2000.0, 1000.0);

/// Documents from which on a bound is judged.
const DOCUMENTS_JUDGED: u32 = 10_000_000;

/// The line of every bulk whose keys a page begins with: in the middle of the order.
const LINE: u32 = LINES / 2;

/// Lists pages of a server with `--documents`, each from behind another key.
///
/// # Errors
/// The server cannot be started, or gave a wrong answer.
pub fn measure(options: &Options, progress: &Progress) -> Result<Report> {
    let bulks = options.documents.div_ceil(LINES);
    let document = workload::document(DOCUMENT_BYTES)?;
    let server = Server::start(&super::server(options))?;
    progress.step(&format!("loading {} documents of {DOCUMENT_BYTES} bytes", bulks * LINES));
    bulk::load(&server, &document, Order::Scattered, bulks, progress)?;
    check_page(&server, bulks)?;
    let workload = page(&server);
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        progress.step(&format!("round {round} of {}: {}", options.rounds, workload.name));
        let keys = options.keys_of(round, bulks);
        let session = Session { workload: &workload, keys, pace: Pace::Window(1), tally: Tally::new() };
        runs.push(Run::measure(options, round, workload.name, ("server", &server), 1, session)?);
    }
    Ok(Report { figures: figures(&runs, bulks * LINES), runs })
}

fn figures(runs: &[Run], count: u32) -> Vec<Figure> {
    let (bound, aim) = PAGE_US;
    let is_promised = count >= DOCUMENTS_JUDGED;
    let figure = |what: &str, value: fn(&Run) -> f64| {
        let figure = Figure::new(format!("{PAGE} keys of {count}: {what}"), "µs", runs.iter().map(value))?;
        Some(figure.at_most(is_promised.then_some(bound)).aiming_at(is_promised.then_some(aim)))
    };
    let cpu = figure("server CPU a page", |run| run.server_cpu_us);
    cpu.into_iter().chain(figure("time of a page, alone", |run| run.latency_us("p50"))).collect()
}

/// A page behind a key that is not there, right before the one that comes first on it.
fn page(server: &Server) -> Workload {
    let target = format!("/v1/docs?limit={PAGE}&cursor={}", cursor());
    let ask = Ask { method: "GET", target: &target, fields: "", body: b"" };
    let first =
        Template::new(format!("{{\"items\":[{{\"key\":\"{}\",\"version\":", Order::Scattered.key(LINE)).into_bytes());
    Workload::over_http("a page of keys", server.address, &ask, &[Kind::Status(200)], Answer::Beginning(first))
}

fn cursor() -> String {
    Order::Scattered.key(LINE).trim_end_matches("/end").to_owned()
}

/// Looks at every key of a page.
fn check_page(server: &Server, bulks: u32) -> Result<()> {
    let text = server.explain(operator::page(server.address, &format!("/v1/docs?limit={PAGE}&cursor={}", cursor())))?;
    let page: Value = serde_json::from_str(&text).context("a page is JSON")?;
    let items = page.get("items").and_then(Value::as_array).context("a page has items")?;
    let keys: Vec<_> = items.iter().filter_map(|item| item.get("key")?.as_str()).collect();
    let right = (LINE..LINES).flat_map(|line| (0..bulks).map(move |bulk| named(line, bulk)));
    let right: Vec<String> = right.take(PAGE).collect();
    ensure!(keys == right, "a page has {} keys, and not those that come next", keys.len());
    Ok(())
}

fn named(line: u32, bulk: u32) -> String {
    let mut named = Vec::new();
    Template::new(Order::Scattered.key(line).into_bytes()).append(bulk, &mut named);
    String::from_utf8_lossy(&named).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::KEY_ZERO;

    #[test]
    fn a_page_is_judged_among_ten_million_keys_only() {
        let runs = [Run::sample(1, "a page of keys", "server", 1500.0)];
        let judged = |count| figures(&runs, count).iter().filter(|figure| figure.verdict().is_some()).count();
        assert_eq!((judged(10_000_000), judged(9_999_000)), (2, 0));
    }

    #[test]
    fn a_cursor_stands_right_before_its_key() {
        assert_eq!(cursor(), format!("{LINE:03}/{KEY_ZERO}"));
        assert_eq!(named(7, 12), "007/key:00000012/end");
    }
}

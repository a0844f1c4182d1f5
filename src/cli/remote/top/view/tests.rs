//! What a view shows of samples that are written out here, to the letter.

use std::time::Instant;

use super::super::sample::{Collection, Listed};
use super::*;

/// What is the same on both pages.
const GAUGES: &str = "\
memory_tools_build_info{version=\"1.2.3\"} 1
memory_tools_connections 64
memory_tools_documents 1000000
memory_tools_document_bytes 838860800
memory_tools_memory_used_bytes 1073741824
memory_tools_memory_limit_bytes 3221225472
memory_tools_journal_state{state=\"serving\"} 1
memory_tools_journal_state{state=\"degraded\"} 0
memory_tools_journal_errors_total 0
memory_tools_journal_durable_lsn 1000
memory_tools_journal_last_lsn 1123
memory_tools_changes_entries 4096
memory_tools_changes_connections 2
memory_tools_changes_lost_total 1
memory_tools_snapshot_duration_seconds 4.2
memory_tools_snapshot_last_success_timestamp_seconds 1700000000
memory_tools_snapshot_errors_total 0
process_resident_memory_bytes 1288490188
process_open_fds 120
";

/// A page on which everything that counts has been counted `times` times.
fn page(times: u64) -> String {
    let mut text = GAUGES.to_owned();
    let mut add = |series: &str, count: u64| text.push_str(&format!("{series} {}\n", count * times));
    let requests = [
        ("GET", "/v1/docs/{key...}", "200", 20_000),
        ("GET", "/v1/docs/{key...}", "404", 60),
        ("PUT", "/v1/docs/{key...}", "201", 400),
        ("PUT", "/v1/docs/{key...}", "507", 3),
        ("GET", "/metrics", "200", 2),
        ("GET", "/livez", "200", 0),
    ];
    for (method, route, status, count) in requests {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        add(&format!("memory_tools_requests_total{{{labels}}}"), count);
    }
    for (route, [fast, slow, all]) in [("/v1/docs/{key...}", [20_000, 20_260, 20_463]), ("/livez", [0, 0, 0])] {
        for (bound, count) in [("0.0001", fast), ("0.001", slow), ("+Inf", all)] {
            let labels = format!("route=\"{route}\",le=\"{bound}\"");
            add(&format!("memory_tools_request_duration_seconds_bucket{{{labels}}}"), count);
        }
    }
    add("memory_tools_expired_total{how=\"read\"}", 4);
    add("memory_tools_expired_total{how=\"sweep\"}", 20);
    add("memory_tools_evicted_total", 10);
    add("memory_tools_journal_bytes_total", 25_794_970);
    add("memory_tools_journal_fsync_seconds_bucket{le=\"0.001\"}", 0);
    add("memory_tools_journal_fsync_seconds_bucket{le=\"0.002\"}", 50);
    add("memory_tools_journal_fsync_seconds_bucket{le=\"+Inf\"}", 50);
    text + &format!("process_cpu_seconds_total {}\n", times as f64 * 2.9)
}

fn listed() -> Listed {
    let collections = [("a\u{1b}[2J", 7, 700), ("empty", 0, 0), ("users", 900_000, 734_003_200)];
    let collection =
        |(name, documents, bytes): (&str, u64, u64)| Collection { name: name.to_owned(), documents, bytes };
    Listed { collections: collections.into_iter().map(collection).collect(), has_more: false }
}

fn sample(page: &str, taken: Instant, up_seconds: u64) -> Sample {
    Sample {
        page: Page::read(page.as_bytes()).unwrap(),
        uptime: Some(Duration::from_secs(up_seconds)),
        snapshot_age: Some(Duration::from_secs(192)),
        journal_mode: Some("always".to_owned()),
        collections: Some(3),
        listed: Some(listed()),
        ..Sample::empty(taken, UnixMillis(1_700_000_300_999))
    }
}

/// Two samples of two seconds.
fn samples() -> [Sample; 2] {
    let start = Instant::now();
    [sample(&page(5), start, 98), sample(&page(6), start + Duration::from_secs(2), 100)]
}

const URL: &str = "http://127.0.0.1:8080";

const FULL: &str = "\
2023-11-14T22:18:20Z  http://127.0.0.1:8080  version 1.2.3  up 1m40s
requests   10,233/s  p50 51.2us  p99 994us  4xx 30.0/s  5xx 1.5/s
process    cpu 145%  connections 64  descriptors 120
memory     resident 1.20 GiB  used 1.00 GiB  limit 3.00 GiB  evicted 5.0/s
documents  1,000,000  800.00 MiB  collections 3  expired 12.0/s
journal    always, serving  12.30 MiB/s  fsync p99 1.99ms  lag 123  errors 0
snapshot   age 3m12s  took 4.20s  errors 0
changes    readers 2  lost 0.0/s  kept 4,096

requests/s        p50        p99     4xx/s     5xx/s  route
    10,232     51.2us      994us      30.0       1.5  /v1/docs/{key...}  GET PUT
       1.0          -          -       0.0       0.0  /metrics  GET

   documents         bytes  collection
     900,000    700.00 MiB  users
           7         700 B  a\\u{1b}[2J
";

fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| line.clone() + "\n").collect()
}

#[test]
fn everything_that_a_server_says_has_its_place() {
    let [before, now] = samples();
    let view = View { url: URL, before: Some(&before), now: &now, fault: None };
    let lines = lines(&view, None);
    assert_eq!(shown(&lines), FULL, "{}", shown(&lines));
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn the_first_look_knows_no_rates() {
    let [now, _] = samples();
    let lines = lines(&View { url: URL, before: None, now: &now, fault: None }, None);
    assert_eq!(lines[1], "requests   -/s  p50 -  p99 -  4xx -/s  5xx -/s");
    assert_eq!(
        lines[8..],
        [
            "",
            "   documents         bytes  collection",
            FULL.lines().rev().nth(1).unwrap(),
            FULL.lines().last().unwrap()
        ]
    );
}

#[test]
fn a_server_that_says_nothing_of_it_is_no_fault() {
    let start = Instant::now();
    let [before, now] = [0, 1].map(|second| Sample::empty(start + Duration::from_secs(second), UnixMillis(0)));
    let view = View { url: URL, before: Some(&before), now: &now, fault: None };
    assert_eq!(
        lines(&view, None),
        [
            "1970-01-01T00:00:00Z  http://127.0.0.1:8080  version -  up -",
            "requests   -/s  p50 -  p99 -  4xx -/s  5xx -/s",
            "process    cpu -  connections -  descriptors -",
            "memory     resident -  used -  limit -  evicted -/s",
            "documents  -  -  collections -  expired -/s",
            "journal    -  -/s  fsync p99 -  lag -  errors -",
            "snapshot   age -  took -  errors -",
            "changes    readers -  lost -/s  kept -",
        ]
    );
}

#[test]
fn without_its_own_word_the_age_of_a_snapshot_is_by_our_clock() {
    let [_, now] = samples();
    let now = Sample { snapshot_age: None, ..now };
    let snapshot = |now: &Sample| lines(&View { url: URL, before: None, now, fault: None }, None)[6].clone();
    assert_eq!(snapshot(&now), "snapshot   age 5m00s  took 4.20s  errors 0");
    let early = Sample { at: UnixMillis(1), ..now };
    assert!(snapshot(&early).starts_with("snapshot   age 0s  "), "a clock that is behind the server's");
}

#[test]
fn a_server_that_was_started_anew_is_marked_and_has_counted_since_then() {
    let [before, _] = samples();
    let now = sample(&page(1), before.taken + Duration::from_secs(4), 2);
    let lines = lines(&View { url: URL, before: Some(&before), now: &now, fault: None }, None);
    assert!(lines[0].ends_with("  up 2s  RESTARTED"), "{}", lines[0]);
    assert_eq!(lines[1], FULL.lines().nth(1).unwrap());
}

#[test]
fn a_server_that_is_gone_is_said_to_be_above_what_it_said_last() {
    let [before, now] = samples();
    let view = View { url: URL, before: Some(&before), now: &now, fault: Some("no answer from there") };
    let lines = lines(&view, None);
    assert_eq!(lines[1], "NO ANSWER  no answer from there");
    assert_eq!(lines[2], FULL.lines().nth(1).unwrap());
    let line = lost(URL, UnixMillis(1_700_000_000_000), "no answer from there");
    assert_eq!(line, "2023-11-14T22:13:20Z  http://127.0.0.1:8080  NO ANSWER  no answer from there");
}

#[test]
fn a_terminal_is_shown_what_fits_and_the_collections_before_the_last_routes() {
    let [before, now] = samples();
    let view = View { url: URL, before: Some(&before), now: &now, fault: None };
    let fits = |columns, rows| lines(&view, Some(Room { columns, rows }));
    assert_eq!(shown(&fits(80, 24)), FULL);
    let without_the_last_route: Vec<&str> = FULL.lines().filter(|line| !line.contains("/metrics")).collect();
    assert_eq!(fits(80, 15), without_the_last_route);
    assert_eq!(fits(80, 10).len(), 10);
    assert_eq!(fits(6, 2), ["2023-1", "reques"]);
    assert_eq!(fits(0, 0), Vec::<String>::new());
}

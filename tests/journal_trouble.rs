//! A whole server whose disk refuses the journal: writes are a 503, reads go on, and it begins again without a restart.
//!
//! The disk is the simulated one, broken and mended while the server runs; the rest is real: threads, sockets, time.

#[path = "support/sim_disk.rs"]
mod sim_disk;
mod support;

use std::sync::Arc;
use std::time::Duration;

use memory_tools::base::clock::SystemClock;
use memory_tools::base::memory::Allocator;
use memory_tools::config::{self, Sources};
use memory_tools::server::{Parts, Server, StopError};
use sim_disk::{Fault, SimDisk};
use support::http::{Answer, Client};
use support::process::until;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What a server writes with.
const WRITES: &[&str] = &["write", "write_at", "create"];
const SYNCS: &[&str] = &["sync_data", "sync_all"];

fn start(disk: &SimDisk, journal: &str, more: &[(&str, &str)]) -> Server {
    let given = [("journal", journal), ("port", "127.0.0.1:0"), ("data-dir", "data"), ("shards", "16")];
    let flags = given.iter().chain(more).map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let settings = config::load(&Sources { file: None, environment: Vec::new(), flags }).expect("a good config");
    let parts = Parts {
        clock: Arc::new(SystemClock::start()),
        disk: Arc::new(disk.clone()),
        memory: Arc::new(Allocator),
        import_skip: false,
    };
    Server::start(&settings, parts).expect("the server starts")
}

fn client(server: &Server) -> Client {
    Client::to(server.endpoints()[0].clone(), support::delivery::Delivery::Whole).expect("connect")
}

fn put(client: &mut Client, key: &str) -> Answer {
    client.send("PUT", &format!("/v1/docs/{key}"), &[], b"{\"a\":1}")
}

fn get(client: &mut Client, key: &str) -> Answer {
    client.send("GET", &format!("/v1/docs/{key}"), &[], b"")
}

/// The code of a problem.
fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

fn ready(client: &mut Client) -> (u16, String) {
    let answer = client.send("GET", "/readyz", &[], b"");
    (answer.status, answer.text().to_owned())
}

/// What breaks, in each mode that a reply waits for something in.
const TROUBLES: &[(&str, &[&str], i32)] =
    &[("everysec", WRITES, EIO), ("os", WRITES, ENOSPC), ("always", WRITES, ENOSPC), ("always", SYNCS, EIO)];

#[test]
fn writes_are_refused_while_reads_go_on_and_it_heals_without_a_restart() {
    std::thread::scope(|scope| {
        for front in support::process::FRONTS {
            for trouble in TROUBLES {
                scope.spawn(move || refuse_and_heal(front, trouble));
            }
        }
    });
}

fn refuse_and_heal(front: &str, (journal, calls, error): &(&str, &'static [&'static str], i32)) {
    let disk = SimDisk::new(1);
    let server = start(&disk, journal, &[("front", front)]);
    let mut client = client(&server);
    assert_eq!(put(&mut client, "before").status, 201);

    disk.break_calls(calls, *error);
    let unknown = put(&mut client, "unknown");
    assert_eq!((unknown.status, code(&unknown)), (503, "outcome_unknown".to_owned()), "{front} {journal}");
    let refused = put(&mut client, "refused");
    assert_eq!((refused.status, code(&refused)), (503, "journal_unavailable".to_owned()));
    assert!(refused.header("Retry-After").is_some());
    assert!(refused.text().contains("journal-00000000000000000001.mtj"), "{}", refused.text());
    assert_eq!(get(&mut client, "before").status, 200);
    let (status, reasons) = ready(&mut client);
    assert!(status == 503 && reasons.contains("journal_unavailable"), "{reasons}");
    assert!(reasons.contains("\"disk_free_bytes\":"), "{reasons}");
    assert_eq!(refused.text().contains(" bytes are free on the disk"), *error == ENOSPC, "{}", refused.text());
    if *journal == "always" {
        let seen = get(&mut client, "unknown");
        assert_eq!((seen.status, code(&seen)), (503, "outcome_unknown".to_owned()), "it is not durable");
    }

    disk.mend();
    until("taking writes again", || put(&mut client, "after").status == 201);
    assert_eq!(ready(&mut client).0, 200);
    for key in ["before", "unknown", "after"] {
        assert_eq!(get(&mut client, key).status, 200, "{key} over {front} in {journal}");
    }
    assert_eq!(get(&mut client, "refused").status, 404, "nothing was changed");
    drop(client);
    server.stop().unwrap();
}

#[test]
fn what_was_healed_survives_a_loss_of_power() {
    let disk = SimDisk::new(2);
    let server = start(&disk, "always", &[]);
    let mut there = client(&server);
    put(&mut there, "before");
    disk.break_calls(SYNCS, EIO);
    put(&mut there, "unknown");
    disk.mend();
    until("taking writes again", || put(&mut there, "after").status == 201);
    // No call has an effect from here on.
    disk.plant(0, Fault::Stop);
    drop(there);
    assert!(server.stop().is_err());
    disk.lose_power(5);
    let server = start(&disk, "always", &[]);
    let mut there = client(&server);
    for key in ["before", "unknown", "after"] {
        assert_eq!(get(&mut there, key).status, 200, "{key}");
    }
    drop(there);
    server.stop().unwrap();
}

#[test]
fn an_order_for_a_snapshot_heals_at_once() {
    let disk = SimDisk::new(3);
    let server = start(&disk, "everysec", &[]);
    let mut client = client(&server);
    disk.break_calls(WRITES, EIO);
    put(&mut client, "unknown");
    let failed = client.send("POST", "/v1/admin/snapshot?wait", &[], b"");
    assert_eq!(failed.status, 500, "{}", failed.text());
    disk.mend();
    until("an order that is not refused because another runs", || {
        client.send("POST", "/v1/admin/snapshot?wait", &[], b"").status == 200
    });
    assert_eq!(put(&mut client, "after").status, 201);
    drop(client);
    server.stop().unwrap();
}

#[test]
fn a_stop_is_the_last_attempt_to_heal() {
    let disk = SimDisk::new(4);
    let server = start(&disk, "everysec", &[]);
    let mut there = client(&server);
    disk.break_calls(WRITES, EIO);
    put(&mut there, "unknown");
    disk.mend();
    drop(there);
    server.stop().unwrap();
    let server = start(&disk, "everysec", &[]);
    let mut there = client(&server);
    assert_eq!(get(&mut there, "unknown").status, 200);
    disk.break_calls(WRITES, EIO);
    put(&mut there, "lost");
    drop(there);
    let error = server.stop().expect_err("the disk refuses both");
    assert!(matches!(error, StopError::SnapshotAndJournal(_)) && error.to_string().contains("may be lost"), "{error}");
}

#[test]
fn the_server_says_when_it_is_to_end_with_its_journal() {
    for (word, ends) in [("exit", true), ("degrade", false)] {
        let disk = SimDisk::new(5);
        let server = start(&disk, "os", &[("on-journal-error", word)]);
        let mut client = client(&server);
        disk.break_calls(WRITES, EIO);
        assert_eq!(put(&mut client, "unknown").status, 503);
        let told = server.failed().recv_timeout(Duration::from_secs(if ends { 20 } else { 0 }));
        assert_eq!(told.is_ok_and(|cause| cause.contains("journal-")), ends);
        disk.mend();
        drop(client);
        server.stop().unwrap();
    }
}

//! Peers that are slow: how long they may be, and what they are told.

use std::time::{Duration, Instant};

use memory_tools::api::message::BodyFault;
use memory_tools::front::reactor::context::Rules;

use crate::wire::{GET, SILENCE, get, put, rules, serve_rules, until};

/// Waits until `client` would have been cut off twice over if its silence were too long.
fn pass_time(since: Instant) {
    until("time passes", || since.elapsed() > 2 * SILENCE);
}

#[test]
fn a_head_has_its_time_from_its_first_byte_and_a_trickle_gains_nothing() {
    let served = serve_rules(Rules { read_timeout: SILENCE, ..rules() });
    for method in ["GET", "HEAD"] {
        let mut client = served.connect();
        let started = Instant::now();
        client.send(&format!("{method} /a HTTP/1.1\r\nHost: x\r\nA: "));
        let mut sent = 0;
        until("it is answered", || {
            sent += 1;
            // A head is looked at once a line.
            let _ = client.send_bytes(if sent % 20 == 0 { b"\r\nA: " } else { b"b" });
            client.is_readable()
        });
        let elapsed = started.elapsed();
        assert!(elapsed >= SILENCE && elapsed < 10 * SILENCE, "{elapsed:?}");
        let reply = if method == "GET" { client.reply() } else { client.head_reply() };
        assert_eq!((reply.status, reply.field("Connection")), (408, Some("close")));
        assert_eq!(reply.text().contains("\"code\":\"head_timeout\""), method == "GET");
        client.half_close();
        assert_eq!(client.rest(), "");
    }
    assert_eq!(served.double.handled(), 0);
    served.check_serves();
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let served = serve_rules(Rules { idle_timeout: SILENCE, ..rules() });
    let started = Instant::now();
    let mut silent = served.connect();
    let mut client = served.connect();
    client.send(GET);
    client.reply();
    served.check_serves();
    client.check_ends_without_reset();
    silent.check_ends_without_reset();
    let elapsed = started.elapsed();
    assert!(elapsed >= SILENCE && elapsed < 10 * SILENCE, "{elapsed:?}");
}

#[test]
fn idle_time_counts_from_the_last_reply() {
    let served = serve_rules(Rules { idle_timeout: SILENCE, ..rules() });
    let mut client = served.connect();
    let started = Instant::now();
    until("twice the time has passed", || {
        client.send(GET);
        assert_eq!(client.reply().status, 200);
        started.elapsed() > 2 * SILENCE
    });
    // A reply that waits is no idleness.
    client.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    pass_time(Instant::now());
    served.ledger.release(10);
    assert_eq!(client.reply().status, 200);
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

#[test]
fn a_body_that_stops_is_cut_off_and_its_reason_told() {
    let served = serve_rules(Rules { read_timeout: SILENCE, ..rules() });
    for target in ["/echo", "/intake"] {
        let mut client = served.connect();
        let started = Instant::now();
        client.send(&put(target, "Content-Length: 100", "abc"));
        served.check_serves();
        assert_eq!(client.reply().status, 408);
        assert!(started.elapsed() >= SILENCE);
        client.half_close();
        assert_eq!(client.rest(), "");
    }
    assert_eq!(served.double.faults(), [BodyFault::Stalled { bytes: 3 }; 2]);
    // One that nobody wants is not told anything more.
    let mut client = served.connect();
    client.send(&put("/forget", "Content-Length: 100", "abc"));
    assert_eq!(client.reply().status, 200);
    client.check_ends_without_reset();
}

#[test]
fn the_bytes_of_a_body_earn_it_time() {
    let rate = 10_000;
    let served = serve_rules(Rules { read_timeout: SILENCE, transfer_bytes_per_second_min: rate, ..rules() });
    let mut client = served.connect();
    // These earn two seconds.
    client.send(&put("/echo", "Content-Length: 20001", &"x".repeat(20_000)));
    pass_time(Instant::now());
    client.send("x");
    assert_eq!(client.reply().body.len(), 20_001);
    // A trickle far below the rate earns next to nothing.
    let started = Instant::now();
    client.send(&put("/echo", "Content-Length: 20000", "x"));
    until("it is cut off", || {
        let _ = client.send_bytes(b"x");
        client.is_readable()
    });
    assert!(started.elapsed() < 10 * SILENCE);
    assert_eq!(client.reply().status, 408);
}

#[test]
fn a_peer_that_does_not_read_is_gone_after_write_timeout() {
    let served = serve_rules(Rules { write_timeout: SILENCE, ..rules() });
    for request in [get("/big?100000000"), get("/stream?100000000"), get("/big?1000000").repeat(100)] {
        let mut client = served.connect();
        let started = Instant::now();
        client.send(&request);
        until("it is being answered", || served.counts().open == 1);
        served.check_serves();
        until("it is gone", || served.counts().open == 0);
        let elapsed = started.elapsed();
        assert!(elapsed >= SILENCE && elapsed < 10 * SILENCE, "{elapsed:?}");
    }
}

#[test]
fn a_peer_that_reads_slowly_and_steadily_gets_all_of_its_reply() {
    let served = serve_rules(Rules { write_timeout: SILENCE, transfer_bytes_per_second_min: 1 << 20, ..rules() });
    let mut client = served.connect();
    client.send("GET /stream?40000000 HTTP/1.0\r\n\r\n");
    let (started, mut read) = (Instant::now(), 0);
    // About 20 MB a second, for longer than the timeout.
    loop {
        let count = client.skim(1 << 20);
        read += count;
        if count == 0 {
            break;
        }
        let enough = Duration::from_micros(read as u64 / 20);
        until("time passes", || started.elapsed() >= enough);
    }
    assert!(started.elapsed() > 2 * SILENCE);
    assert!(read > 40_000_000, "{read}");
}

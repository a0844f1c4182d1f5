//! Replies that wait, and writes that wait for room: in their order, without a thread, and whatever becomes of their
//! connection.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use memory_tools::front::reactor::context::Rules;

use crate::wire::{Client, GET, SILENCE, alone, get, put, rules, serve_rules, until};

#[test]
fn replies_behind_one_that_waits_run_meanwhile_and_leave_in_order() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&(get("/lsn/10") + &get("/b") + &get("/lsn/5") + &put("/echo", "Content-Length: 3", "abc")));
    until("all have run", || served.double.handled() == 4);
    assert_eq!(served.ledger.waiting(), 1, "only the first is asked for");
    served.ledger.release(7);
    served.settle();
    assert!(!client.is_readable(), "the third may leave, and stands behind the first");
    served.ledger.release(10);
    for expected in ["GET /lsn/10 1\n", "GET /b 1\n", "GET /lsn/5 1\n", "abc"] {
        assert_eq!(client.reply().text(), expected);
    }
}

#[test]
fn a_reply_that_is_never_durable_is_503_and_the_later_ones_go_their_own_way() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&(get("/lsn/10") + &get("/lsn/20") + &get("/c")));
    until("the first waits", || served.ledger.waiting() == 1 && served.double.handled() == 3);
    served.ledger.fail();
    let reply = client.reply();
    assert_eq!((reply.status, reply.field("Connection")), (503, None));
    assert!(reply.text().contains("\"code\":\"outcome_unknown\""));
    until("the second waits", || served.ledger.waiting() == 1);
    assert!(!client.is_readable());
    served.ledger.release(20);
    assert_eq!(client.reply().text(), "GET /lsn/20 1\n");
    assert_eq!(client.reply().text(), "GET /c 1\n");
}

#[test]
fn write_timeout_ends_the_waiting_and_what_comes_after_it_changes_nothing() {
    let served = serve_rules(Rules { write_timeout: SILENCE, ..rules() });
    let mut client = served.connect();
    let started = Instant::now();
    client.send(&(get("/lsn/10") + GET));
    assert!(client.reply().text().contains("\"code\":\"outcome_unknown\""));
    assert!(started.elapsed() >= SILENCE);
    assert_eq!(client.reply().text(), "GET /a 1\n");
    served.ledger.release(10);
    served.settle();
    assert!(!client.is_readable());
    client.send(GET);
    assert_eq!(client.reply().text(), "GET /a 1\n");
}

#[test]
fn a_thousand_replies_that_wait_hold_no_thread_and_leave_together() {
    alone("parking::a_thousand_replies_that_wait_hold_no_thread_and_leave_together", &["threads"], |_| {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let limit = rustix::process::Rlimit { current: limit.maximum, ..limit };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        let served = serve_rules(rules());
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        let mut clients: Vec<Client> = (0..1000).map(|_| served.connect()).collect();
        clients.iter_mut().for_each(|client| client.send(&get("/lsn/10")));
        until("all wait", || served.ledger.waiting() == 1000);
        assert_eq!(threads(), before);
        served.check_serves();
        served.ledger.release(10);
        for client in &mut clients {
            assert_eq!(client.reply().text(), "GET /lsn/10 1\n");
        }
        assert_eq!(served.ledger.waiting(), 0);
    });
}

#[test]
fn a_connection_that_is_reset_while_its_reply_waits_is_forgotten() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    client.reset();
    until("it is gone", || served.counts().open == 0);
    // Its place in the thread is taken by another, which the letter is not for.
    let mut other = served.connect();
    other.send(&get("/lsn/20"));
    until("the other waits", || served.ledger.waiting() == 2);
    served.ledger.release(10);
    served.settle();
    assert!(!other.is_readable());
    served.ledger.release(20);
    assert_eq!(other.reply().text(), "GET /lsn/20 1\n");
}

#[test]
fn a_client_that_half_closes_while_its_reply_waits_still_gets_it() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    client.half_close();
    until("the reply waits", || served.ledger.waiting() == 1);
    served.settle();
    served.ledger.release(10);
    assert_eq!(client.reply().text(), "GET /lsn/10 1\n");
    client.check_ends_without_reset();
    until("it is gone", || served.counts().open == 0);
}

#[test]
fn requests_behind_one_that_is_answered_later_wait_and_are_answered_in_order() {
    let served = serve_rules(rules());
    served.ledger.release(10);
    let mut client = served.connect();
    client.send(&(get("/later") + &get("/b")));
    until("it was asked", || served.double.handled() == 1);
    served.settle();
    client.send(&get("/c"));
    served.settle();
    assert_eq!(served.double.handled(), 1 + 6, "what is behind it has not begun");
    served.double.open_gate(1);
    for expected in ["later\n", "GET /b 1\n", "GET /c 1\n"] {
        assert_eq!(client.reply().text(), expected);
    }
}

#[test]
fn a_reply_that_is_delivered_after_its_peer_has_gone_is_thrown_away() {
    let served = serve_rules(rules());
    served.ledger.release(10);
    for _ in 0..10 {
        let mut client = served.connect();
        client.send(&(get("/later") + &get("/b")));
        until("it was asked", || served.double.targets().last().is_some_and(|target| target == "/later"));
        client.reset();
        served.double.open_gate(1);
        until("it is gone", || served.counts().open == 0);
        served.check_serves();
    }
}

#[test]
fn a_release_wakes_a_thread_that_sleeps() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    let parked = Instant::now();
    until("its thread sleeps", || parked.elapsed() > SILENCE);
    let released = Instant::now();
    served.ledger.release(10);
    assert_eq!(client.reply().text(), "GET /lsn/10 1\n");
    assert!(released.elapsed() < Duration::from_secs(1), "its wheel would have it look after three");
}

#[test]
fn a_body_that_waits_for_room_counts_among_the_bodies_of_its_thread_until_it_has_gone() {
    let served = serve_rules(Rules { bodies_bytes_max: 100_000, ..rules() });
    let large = put("/again", "Content-Length: 80000", &"x".repeat(80_000));
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut first = served.connect();
    first.send(&large);
    until("it waits for room", || served.ledger.waiting_for_room() == 1);
    served.ledger.make_room();
    until("it waits again", || served.ledger.waiting_for_room() == 1);
    let mut second = served.connect();
    second.send(&large);
    let reply = second.reply();
    assert!(reply.status == 503 && reply.text().contains("\"code\":\"too_many_bodies\""), "{reply:?}");
    served.check_serves();
    first.reset();
    served.double.is_full.store(false, Ordering::SeqCst);
    served.ledger.make_room();
    until("the first is gone", || served.counts().open == 1);
    let mut third = served.connect();
    third.send(&large);
    assert_eq!(third.reply().text().len(), 80_000);
}

//! Bodies as they trickle, pile up and are not wanted.

use std::sync::atomic::Ordering;

use memory_tools::api::message::BodyFault;
use memory_tools::front::reactor::context::Rules;

use crate::wire::{Client, GET, Served, alone, chunked, put, rules, serve_rules, until, virtual_bytes};

#[test]
fn requests_that_come_byte_by_byte_are_read_as_if_they_came_whole() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    let body = "abcdefghij".repeat(10);
    for (request, reply) in [
        (GET.to_owned(), "GET /a 1\n".to_owned()),
        (put("/echo", "Content-Length: 100", &body), body.clone()),
        (put("/echo", "Transfer-Encoding: chunked", &chunked(&body, 7)), body.clone()),
        (put("/intake", "Content-Length: 100", &body), "100 bytes\n".to_owned()),
        (put("/intake", "Transfer-Encoding: chunked", &chunked(&body, 7)), "100 bytes\n".to_owned()),
        (put("/forget", "Content-Length: 100", &body), String::new()),
    ] {
        for byte in request.as_bytes() {
            client.send_bytes(&[*byte]).unwrap();
        }
        assert_eq!(client.reply().text(), reply, "{request}");
    }
    assert_eq!(served.counts().accepted, 1);
}

#[test]
fn a_body_that_comes_without_waiting_is_not_asked_for() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&put("/echo", "Content-Length: 5\r\nExpect: 100-continue", "hello"));
    assert_eq!(client.reply().text(), "hello");
    client.send(&put("/echo", "Content-Length: 5\r\nExpect: 100-continue", "he"));
    until("its beginning was read", || {
        served.settle();
        true
    });
    client.send("llo");
    assert_eq!(client.reply().text(), "hello");
    // Asked for, and still in its place behind a reply that waits.
    client.send(
        &("GET /lsn/10 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()
            + &put("/echo", "Content-Length: 5\r\nExpect: 100-continue", "")),
    );
    until("the first reply waits", || served.ledger.waiting() == 1);
    served.settle();
    assert!(!client.is_readable());
    served.ledger.release(10);
    assert_eq!(client.reply().text(), "GET /lsn/10 1\n");
    assert_eq!(client.reply().status, 100);
    client.send("hello");
    assert_eq!(client.reply().text(), "hello");
}

/// Sends all but the last of a body of `bytes`.
fn nearly(served: &Served, bytes: usize) -> Client {
    let mut client = served.connect();
    client.send(&put("/echo", &format!("Content-Length: {bytes}"), &"x".repeat(bytes - 1)));
    served.settle();
    client
}

#[test]
fn beyond_bodies_bytes_max_a_body_is_told_503_and_the_others_go_on() {
    let served = serve_rules(Rules { bodies_bytes_max: 300_000, ..rules() });
    let mut first = nearly(&served, 200_000);
    let mut second = nearly(&served, 200_000);
    let reply = second.reply();
    assert_eq!((reply.status, reply.field("Retry-After"), reply.field("Connection")), (503, Some("1"), Some("close")));
    assert!(reply.text().contains("\"code\":\"too_many_bodies\""));
    second.check_ends_without_reset();
    served.check_serves();
    // What one gives back another may take: refused, whole, or gone before it was.
    let mut third = nearly(&served, 90_000);
    third.send("x");
    assert_eq!(third.reply().body.len(), 90_000);
    first.send("x");
    assert_eq!(first.reply().body.len(), 200_000);
    nearly(&served, 250_000).reset();
    until("it is gone", || served.counts().open == 2);
    let mut fourth = nearly(&served, 280_000);
    fourth.send("x");
    assert_eq!(fourth.reply().body.len(), 280_000);
}

#[test]
fn memory_follows_what_has_come_of_a_body_and_not_what_was_announced() {
    alone("bodies::memory_follows_what_has_come_of_a_body_and_not_what_was_announced", &["memory"], |_| {
        let served = serve_rules(rules());
        served.check_serves();
        let before = virtual_bytes();
        let mut clients: Vec<_> = (0..200).map(|_| served.connect()).collect();
        for client in &mut clients {
            client.send(&put("/echo", "Content-Length: 1000000000", &"x".repeat(1000)));
        }
        served.settle();
        let grown = virtual_bytes().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes for 200,000 that came");
    });
}

#[test]
fn a_chunked_body_that_breaks_off_is_incomplete() {
    let served = serve_rules(rules());
    for target in ["/echo", "/intake"] {
        let mut client = served.connect();
        client.send(&put(target, "Transfer-Encoding: chunked", "5\r\n[1,2"));
        client.half_close();
        assert_eq!(client.reply().status, 408);
        client.check_ends_without_reset();
    }
    let faults = served.double.faults();
    assert!(matches!(faults[..], [BodyFault::Incomplete { length: None, .. }, BodyFault::Incomplete { .. }]));
}

/// It was reset after 4 MiB, and the client never saw why.
#[test]
fn a_client_that_sends_all_of_a_large_body_that_nobody_wants_still_reads_the_reply() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&put("/ignore", "Content-Length: 10000000", ""));
    until("it was answered", || served.double.handled() == 1);
    for _ in 0..10 {
        client.send_bytes(&[b'x'; 1_000_000]).unwrap();
        served.check_serves();
    }
    let reply = client.reply();
    assert_eq!((reply.status, reply.field("Connection")), (413, Some("close")));
    client.check_ends_without_reset();
}

#[test]
fn nothing_behind_a_last_reply_runs_although_a_short_body_was_read_past() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&put("/forget", "Content-Length: 100\r\nConnection: close", ""));
    until("it was answered", || served.double.handled() == 1);
    client.send(&("x".repeat(100) + GET));
    assert_eq!(client.reply().field("Connection"), Some("close"));
    client.check_ends_without_reset();
    assert_eq!(served.double.handled.load(Ordering::SeqCst), 1);
}

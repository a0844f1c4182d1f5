//! What must not run, and what it is told.

use crate::wire::{Client, GET, HEAD, Setting, Side, alone, get, put, until, virtual_bytes};

/// A request that must not run, with another one in what could be its body.
#[track_caller]
pub fn check_refused(side: Side, fields: &str) {
    let served = side.serve(Setting::brisk());
    let mut client = served.connect();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    client.send(&format!("PUT /echo HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{smuggled}"));
    let reply = client.reply();
    assert!(matches!(reply.status, 400 | 413 | 501), "{fields:?}: {}", reply.head);
    client.half_close();
    assert_eq!(client.rest(), "", "{fields:?}: nothing follows the refusal");
    assert_eq!(served.double.handled(), 0, "{fields:?}: nothing ran");
    served.check_serves();
    assert_eq!(served.double.targets(), ["/still-here"], "{fields:?}");
}

pub fn ambiguous_framing_is_refused_and_nothing_of_the_body_runs(side: Side) {
    for fields in [
        "Content-Length: 18446744073709551616",
        "Content-Length: 99999999999999999999999",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: +70",
        "Content-Length: abc",
        "Content-Length: five",
        "Content-Length: 5, 5",
        "Content-Length: 5, 6",
        "Content-Length: 5 5",
        "Content-Length: 0x10",
        "Content-Length: 5.0",
        "Content-Length:",
        "Content-Length: 0\r\nContent-Length: 72",
        "Content-Length: 72\r\nContent-Length: 0",
        "Content-Length: 5\r\nContent-Length: abc",
        "Content-Length: abc\r\nContent-Length: 5",
        "Content-Length: 5\r\ncontent-length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: abc\r\nTransfer-Encoding: chunked",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Content-Length : 5",
        "Transfer-Encoding\t: chunked",
        "Content-Length:\r\n 5",
        "Content-Length: 5\r\n 0",
        "Content-Length: 5\r\n\t0",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: gzip,\r\n chunked",
        "Content-Length: 5\n",
        "X-A: b\rContent-Length: 5",
        "X-A: b\nContent-Length: 5",
        "X-A: b\0c",
        "Host: y",
    ] {
        check_refused(side, fields);
    }
}

pub fn an_announced_length_beyond_all_memory_costs_nothing(side: Side) {
    alone("an_announced_length_beyond_all_memory_costs_nothing", &["memory"], |_| {
        let served = side.serve(Setting::brisk());
        served.check_serves();
        let before = virtual_bytes();
        for length in [1_000_000_000_000_000_u64, u64::MAX / 2, u64::MAX] {
            for path in ["/ignore", "/echo"] {
                let mut client = served.connect();
                client.send(&put(path, &format!("Content-Length: {length}"), &GET.repeat(2)));
                client.half_close();
                let expected = if path == "/ignore" { 413 } else { 408 };
                assert_eq!(client.reply().status, expected);
                assert_eq!(client.rest(), "");
            }
        }
        let grown = virtual_bytes().saturating_sub(before);
        assert!(grown < 256 << 20, "{grown} bytes: no more than threads take");
        assert!(!served.double.targets().iter().any(|target| target == "/a"), "nothing of a body ran");
        served.check_serves();
    });
}

/// What each of `heads` is told.
#[track_caller]
pub fn check_heads(side: Side, heads: &[(&str, u16)]) {
    let served = side.serve(Setting::brisk());
    for (head, status) in heads {
        let mut client = served.connect();
        client.send(head);
        client.half_close();
        assert_eq!(client.reply().status, *status, "{head:?}");
        client.rest();
    }
    assert_eq!(served.double.handled(), 0);
    served.check_serves();
}

pub fn what_is_no_http_is_refused(side: Side) {
    check_heads(
        side,
        &[
            ("GET /a HTTP/1.1\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
            ("GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("G(T /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET /a HTTP/0.9\r\n\r\n", 505),
            ("GET /a\r\n\r\n", 400),
            ("GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET /a HTTP/1.1\nHost: x\n\n", 400),
            ("PUT /a HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417),
            ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", 400),
        ],
    );
}

pub fn heads_beyond_their_limits_are_414_and_431(side: Side) {
    let served = side.serve(Setting::patient(16));
    let limits = HEAD;
    for (head, status, code) in [
        (get(&format!("/{}", "a".repeat(limits.target_bytes_max))), 414, "target_too_long"),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(limits.header_count_max)),
            431,
            "too_many_header_fields",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(limits.head_bytes_max)),
            431,
            "head_too_large",
        ),
    ] {
        let mut client = served.connect();
        client.send(&head);
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("Connection")), (status, Some("close")));
        assert_eq!(reply.field("Content-Type"), Some("application/problem+json"));
        assert!(reply.text().contains(&format!("\"code\":\"{code}\"")), "{}", reply.text());
        client.rest();
    }
}

pub fn a_refused_head_gets_no_body(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send("HEAD /a HTTP/1.1\r\n\r\n");
    assert_eq!(client.head_reply().status, 400);
    assert_eq!(client.rest(), "");
}

pub fn at_the_cap_a_new_connection_is_told_503_and_closed(side: Side) {
    let served = side.serve(Setting::patient(3));
    let mut kept: Vec<Client> = (0..3).map(|_| served.connect()).collect();
    for client in &mut kept {
        client.send(GET);
        assert_eq!(client.reply().status, 200);
    }
    for round in 0..50 {
        let mut client = served.connect();
        // Half of them ask before they read, so that what they sent must not reset the reply.
        if round % 2 == 0 {
            let _ = client.send_bytes(GET.as_bytes());
        }
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
        assert_eq!(reply.field("Connection"), Some("close"));
        assert!(reply.text().contains("\"code\":\"too_many_connections\""));
        client.check_ends_without_reset();
    }
    assert_eq!(served.counts().refused, 50);
    kept.pop();
    until("a place is free", || {
        let mut client = served.connect();
        let _ = client.send_bytes(GET.as_bytes());
        client.reply().status == 200
    });
}

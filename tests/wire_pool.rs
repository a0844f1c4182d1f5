//! The pool over real sockets: what it answers, what it refuses, and what it survives.

#[path = "support/wire.rs"]
mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use memory_tools::api::message::BodyFault;
use memory_tools::base::health::Reason;
use memory_tools::front::Front;
use memory_tools::front::pool::{PoolOptions, bind};
use wire::{Client, PATIENCE, SOCKET_TIMEOUT, Threads, options, resident_bytes, seams, serve, until};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// The body of `/parts`.
fn parts() -> String {
    format!("one two {}", String::from_utf8(wire::large_document().value().to_vec()).unwrap())
}

/// A timeout long enough to be out of the way.
fn patient(threads: usize) -> PoolOptions {
    PoolOptions { threads, socket_timeout: PATIENCE, ..options() }
}

// Answers.

#[test]
fn a_request_is_answered_and_the_connection_kept() {
    let served = serve(patient(2));
    let mut client = served.connect();
    for round in 0..100 {
        client.send(&get(&format!("/{round}")));
        let reply = client.reply();
        assert_eq!((reply.status, reply.text()), (200, format!("GET /{round} 1\n")));
        assert_eq!(reply.field("ETag"), Some("\"7\""));
        assert_eq!(reply.field("Connection"), None);
        assert!(reply.field("Date").is_some_and(|date| date.ends_with(" GMT")));
    }
    assert_eq!(served.pool.counters().connections_accepted.load(Ordering::Relaxed), 1);
}

#[test]
fn sixty_four_connections_at_once_and_256_after_are_all_answered() {
    for round in 0..5 {
        let served = serve(patient(512));
        let address = served.pool.local_address();
        let mut clients: Vec<Client> = (0..64).map(|_| Client::to(address)).collect();
        for client in &mut clients {
            client.send(GET);
        }
        for client in &mut clients {
            assert_eq!(client.reply().status, 200, "round {round}");
        }
        let mut more: Vec<Client> = (0..256).map(|_| Client::to(address)).collect();
        for client in clients.iter_mut().chain(&mut more) {
            client.send(GET);
        }
        for client in clients.iter_mut().chain(&mut more) {
            assert_eq!(client.reply().status, 200, "round {round}");
        }
        assert_eq!(served.pool.counters().connections_refused.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let served = serve(patient(1));
    let mut client = served.connect();
    let mut requests: String = (0..50).map(|number| get(&format!("/{number}"))).collect();
    requests.push_str("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
    requests.push_str(&"y".repeat(2000));
    requests.push_str(&get("/last"));
    client.send(&requests);
    for number in 0..50 {
        assert_eq!(client.reply().text(), format!("GET /{number} 1\n"));
    }
    assert_eq!(client.reply().text(), "y".repeat(2000));
    assert_eq!(client.reply().text(), "GET /last 1\n");
}

#[test]
fn bodies_of_every_size_and_framing_arrive_whole() {
    let served = serve(patient(1));
    let mut client = served.connect();
    for size in [0, 1, 1023, 1024, 1025, 5000, 100_000, 3_000_000] {
        let body = "abcdefghij".repeat(size / 10 + 1)[..size].to_owned();
        client.send(&format!("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{body}"));
        assert!(client.reply().text() == body, "{size} bytes");
        let chunks: String = body
            .as_bytes()
            .chunks(4099)
            .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()))
            .collect();
        client.send(&format!("PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"));
        assert!(client.reply().text() == body, "{size} bytes in chunks");
    }
    assert_eq!(served.pool.counters().connections_accepted.load(Ordering::Relaxed), 1);
}

#[test]
fn large_replies_arrive_whole_and_keep_the_connection() {
    let served = serve(patient(1));
    let mut client = served.connect();
    for size in [0, 1, 1000, 16_384, 16_385, 8_000_000] {
        client.send(&get(&format!("/big?{size}")));
        let reply = client.reply();
        assert_eq!(reply.field("Content-Length"), Some(size.to_string().as_str()));
        assert!(reply.body.iter().all(|byte| *byte == b'x'));
    }
}

#[test]
fn a_stream_is_chunked_on_http_11_and_ends_with_the_connection_on_http_10() {
    let served = serve(patient(1));
    let mut client = served.connect();
    client.send(&get("/parts"));
    let reply = client.reply();
    assert_eq!(reply.field("Transfer-Encoding"), Some("chunked"));
    assert_eq!(reply.text(), parts());
    client.send("GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.field("Transfer-Encoding"), reply.field("Connection")), (None, Some("close")));
    assert_eq!(reply.text(), parts());
    assert_eq!(client.rest(), "");
}

#[test]
fn head_is_answered_with_the_length_and_without_the_body() {
    let served = serve(patient(1));
    let mut client = served.connect();
    client.send("HEAD /big?5000 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head_reply().field("Content-Length"), Some("5000"));
    client.send("HEAD /parts HTTP/1.1\r\nHost: x\r\n\r\n");
    let reply = client.head_reply();
    assert_eq!((reply.field("Content-Length"), reply.field("Transfer-Encoding")), (None, None));
    client.send(&get("/none"));
    let reply = client.reply();
    assert_eq!((reply.status, reply.field("Content-Length")), (204, None));
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

#[test]
fn http_10_and_connection_close_end_the_connection_after_the_reply() {
    let served = serve(patient(8));
    for (request, connection) in [
        ("GET /a HTTP/1.0\r\n\r\n", "close"),
        ("GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "close"),
        ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "close"),
        ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: te\r\nConnection: Close\r\n\r\n", "close"),
    ] {
        let mut client = served.connect();
        client.send(&format!("{request}{GET}"));
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("Connection")), (200, Some(connection)), "{request:?}");
        assert_eq!(client.rest(), "", "{request:?}");
    }
    let mut client = served.connect();
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.reply().field("Connection"), Some("keep-alive"));
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

#[test]
fn a_body_is_asked_for_with_100_continue_only_when_it_is_wanted() {
    let served = serve(patient(1));
    let put = |path: &str, length: u64| {
        format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n")
    };
    for length in [5, 5000] {
        let mut client = served.connect();
        client.send(&put("/echo", length));
        assert_eq!(client.reply().status, 100);
        let body = "z".repeat(usize::try_from(length).unwrap());
        client.send(&body);
        assert_eq!(client.reply().text(), body);
        client.send(&put("/ignore", 1_000_000_000_000_000));
        let reply = client.reply();
        assert_eq!((reply.status, reply.text().as_str()), (413, "not read\n"));
        client.half_close();
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn targets_reach_the_handler_as_sent_raw_utf_8_included() {
    let served = serve(patient(4));
    let mut client = served.connect();
    for (sent, seen) in [
        ("/v1/docs/clé/日本😀", "/v1/docs/clé/日本😀"),
        ("/a//../%2F+?b=%c3%a9&c", "/a//../%2F+?b=%c3%a9&c"),
        ("http://x:80/absolute?q", "/absolute?q"),
    ] {
        client.send(&get(sent));
        assert_eq!(client.reply().text(), format!("GET {seen} 1\n"));
    }
    for invalid in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80"] {
        let mut client = served.connect();
        client.send_bytes(&[b"GET /", invalid, b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat()).unwrap();
        assert_eq!(client.reply().status, 400, "{invalid:?}");
        client.rest();
    }
    served.check_serves();
}

// Refusals.

/// A request that must not run, with another one in what could be its body.
fn check_refused(fields: &str) {
    let served = serve(options());
    let mut client = served.connect();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    client.send(&format!("PUT /echo HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{smuggled}"));
    let reply = client.reply();
    assert!(matches!(reply.status, 400 | 413 | 501), "{fields:?}: {}", reply.head);
    client.half_close();
    assert_eq!(client.rest(), "", "{fields:?}: nothing follows the refusal");
    assert_eq!(served.double.handled(), 0, "{fields:?}: nothing ran");
    served.check_serves();
    assert_eq!(*served.double.targets.lock().unwrap(), ["/still-here"], "{fields:?}");
    assert_eq!(served.pool.counters().library_panics.load(Ordering::Relaxed), 0, "{fields:?}");
}

#[test]
fn ambiguous_framing_is_refused_and_nothing_of_the_body_runs() {
    let before = resident_bytes();
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
        "Transfer-Encoding: Chunked",
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
        "Connection: upgrade\r\nTransfer-Encoding: chunked",
    ] {
        check_refused(fields);
    }
    assert!(resident_bytes() < before + (64 << 20), "memory unmoved");
}

#[test]
fn an_announced_length_beyond_all_memory_costs_nothing() {
    let served = serve(options());
    let before = resident_bytes();
    for length in [1_000_000_000_000_000_u64, u64::MAX / 2, u64::MAX] {
        for path in ["/ignore", "/echo"] {
            let mut client = served.connect();
            client.send(&format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{GET}{GET}"));
            client.half_close();
            let expected = if path == "/ignore" { 413 } else { 408 };
            assert_eq!(client.reply().status, expected);
            assert_eq!(client.rest(), "");
        }
    }
    assert!(resident_bytes() < before + (16 << 20), "memory unmoved");
    assert!(!served.double.targets.lock().unwrap().iter().any(|target| target == "/a"), "nothing of a body ran");
    served.check_serves();
}

#[test]
fn after_a_body_that_nobody_read_the_connection_is_closed() {
    let served = serve(options());
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (fields, body) in [
        ("Transfer-Encoding: chunked".to_owned(), format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len())),
        ("Content-Length: 70000".to_owned(), smuggled.repeat(2000)[..70_000].to_owned()),
    ] {
        let mut client = served.connect();
        client.send(&format!("PUT /forget HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{body}"));
        assert_eq!(client.reply().status, 200, "{fields}");
        client.half_close();
        assert_eq!(client.rest(), "", "{fields}");
    }
    assert_eq!(*served.double.targets.lock().unwrap(), ["/forget", "/forget"]);
}

/// The library answers before it drains what nobody read; a body that is made while it is sent was left out there,
/// and a listing came as a 200 with nothing in it.
#[test]
fn a_stream_arrives_whole_although_the_body_was_not_read() {
    let served = serve(options());
    for version in ["1.1", "1.0"] {
        for framing in ["Content-Length: 200000", "Content-Length: 200000\r\nConnection: upgrade"] {
            let mut client = served.connect();
            let body = "x".repeat(200_000);
            client.send(&format!("GET /parts HTTP/{version}\r\nHost: x\r\n{framing}\r\n\r\n{body}"));
            assert_eq!(client.reply().text(), parts(), "HTTP/{version}, {framing}");
        }
    }
    served.check_serves();
}

#[test]
fn a_short_body_that_nobody_read_is_read_past_and_the_connection_kept() {
    let served = serve(patient(1));
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut client = served.connect();
    for size in [1025, 4000, 64 << 10] {
        let body = &smuggled.repeat(size / smuggled.len() + 1)[..size];
        client.send(&format!("PUT /forget HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{body}"));
        assert_eq!(client.reply().status, 200, "{size} bytes");
    }
    assert_eq!(*served.double.targets.lock().unwrap(), ["/forget"; 3]);
    assert_eq!(served.pool.counters().connections_accepted.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_no_http_is_refused() {
    let served = serve(options());
    for (head, status) in [
        ("GET /a HTTP/1.1\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("G(T /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a HTTP/0.9\r\n\r\n", 505),
        ("GET /a HTTP/1.2\r\nHost: x\r\n\r\n", 400),
        ("GET /a\r\n\r\n", 400),
        ("\r\n\r\n", 400),
        ("GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a HTTP/1.1\nHost: x\n\n", 400),
        ("PUT /a HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417),
        ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", 400),
    ] {
        let mut client = served.connect();
        client.send(head);
        client.half_close();
        assert_eq!(client.reply().status, status, "{head:?}");
        client.rest();
    }
    assert_eq!(served.double.handled(), 0);
    served.check_serves();
}

#[test]
fn heads_beyond_their_limits_are_414_and_431() {
    let served = serve(patient(2));
    let limits = options().limits;
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

#[test]
fn a_refused_head_gets_no_body() {
    let served = serve(patient(2));
    let mut client = served.connect();
    client.send("HEAD /a HTTP/1.1\r\n\r\n");
    assert_eq!(client.head_reply().status, 400);
    assert_eq!(client.rest(), "");
}

// Bodies as the handler wants them.

fn put(target: &str, fields: &str, body: &str) -> String {
    format!("PUT {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{body}")
}

/// `body` in chunks of at most `size` bytes, with its end.
fn chunked(body: &str, size: usize) -> String {
    let chunk = |chunk: &[u8]| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8(chunk.to_vec()).unwrap());
    let chunks: String = body.as_bytes().chunks(size).map(chunk).collect();
    format!("{chunks}0\r\n\r\n")
}

#[test]
fn a_body_is_taken_part_by_part_in_every_size_and_framing() {
    let served = serve(patient(1));
    let mut client = served.connect();
    for size in [0, 1, 1024, 1025, 16 << 10, 100_000, 3_000_000] {
        let body = "x".repeat(size);
        client.send(&put("/intake", &format!("Content-Length: {size}"), &body));
        assert_eq!(client.reply().text(), format!("{size} bytes\n"));
        client.send(&put("/intake", "Transfer-Encoding: chunked", &chunked(&body, 4099)));
        assert_eq!(client.reply().text(), format!("{size} bytes\n"), "in chunks");
    }
    assert_eq!(served.pool.counters().connections_accepted.load(Ordering::Relaxed), 1);
}

#[test]
fn an_intake_that_breaks_off_is_not_given_the_rest() {
    let served = serve(patient(2));
    // Here already, or short: the connection is good for more.
    let mut client = served.connect();
    for size in [4, 1000, 5000] {
        let body = format!("stop{}", "x".repeat(size - 4));
        client.send(&put("/intake", &format!("Content-Length: {size}"), &body));
        assert_eq!(client.reply().status, 422, "{size} bytes");
    }
    client.send(GET);
    assert_eq!(client.reply().status, 200);
    // The rest never comes, and is not waited for.
    let mut client = served.connect();
    client.send(&put("/intake", "Transfer-Encoding: chunked", "4\r\nstop\r\n"));
    let reply = client.reply();
    assert_eq!((reply.status, reply.text().as_str()), (422, "stopped after 4 bytes\n"));
    assert_eq!(client.rest(), "");
    assert_eq!(served.double.faults.lock().unwrap().len(), 0);
}

/// What `/echo` and `/intake` are told of a body, and that the connection ends behind the reply.
#[track_caller]
fn check_fault(fields: &str, sent: &str, status: u16, fault: BodyFault) {
    let served = serve(options());
    for target in ["/echo", "/intake"] {
        let mut client = served.connect();
        client.send(&put(target, fields, sent));
        client.half_close();
        let reply = client.reply();
        assert_eq!((reply.status, reply.text()), (status, format!("{fault:?}\n")), "{target}: {sent:?}");
        assert_eq!(client.rest(), "", "{target}: {sent:?}");
    }
    assert_eq!(*served.double.faults.lock().unwrap(), [fault; 2]);
    assert!(!served.double.targets.lock().unwrap().iter().any(|target| target == "/a"), "nothing of a body ran");
}

#[test]
fn a_body_that_will_never_be_whole_is_told_with_its_reason() {
    let chunked = "Transfer-Encoding: chunked";
    check_fault("Content-Length: 5000", "abc", 408, BodyFault::Incomplete { bytes: 3, length: Some(5000) });
    check_fault(chunked, &format!("5\r\nabcde\r\nzz\r\n{GET}"), 400, BodyFault::Malformed);
    check_fault(chunked, &format!("3\r\nabcde\r\n0\r\n\r\n{GET}"), 400, BodyFault::Malformed);
    // The library takes the first for whole as well, and so nobody can tell it from the second.
    check_fault(chunked, "5\r\n[1,2", 411, BodyFault::EndUnclear);
    check_fault(chunked, "2\r\n12\r\n0\r\n\r\n", 411, BodyFault::EndUnclear);
}

#[test]
fn a_body_is_gathered_up_to_the_limit_and_not_beyond() {
    let served = serve(options());
    let chunked = |size: usize| put("/gather?5000", "Transfer-Encoding: chunked", &chunked(&"x".repeat(size), 999));
    let mut client = served.connect();
    for size in [0, 1, 5000] {
        client.send(&chunked(size));
        assert_eq!(client.reply().text(), "x".repeat(size));
    }
    client.send(&chunked(5001));
    assert_eq!(client.reply().status, 413);
    client.half_close();
    assert_eq!(client.rest(), "");
    // An announced length over the limit is not even begun.
    let mut client = served.connect();
    client.send(&put("/gather?5000", "Content-Length: 5001\r\nExpect: 100-continue", ""));
    assert_eq!(client.reply().status, 413);
    client.half_close();
    assert_eq!(client.rest(), "");
    assert_eq!(*served.double.faults.lock().unwrap(), [BodyFault::TooLarge; 2]);
}

// Replies that come later.

#[test]
fn a_reply_that_comes_later_waits_for_its_thread_and_for_what_it_rests_on() {
    let served = serve(patient(2));
    let mut client = served.connect();
    client.send(&get("/later"));
    until("it was asked", || served.double.handled() == 1);
    assert!(!client.is_closed());
    served.double.gate.0.send(()).unwrap();
    until("the reply waits", || served.ledger.waiting() == 1);
    served.ledger.release(10);
    assert_eq!(client.reply().text(), "later\n");
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

#[test]
fn a_reply_that_was_lost_is_503_outcome_unknown() {
    let served = serve(patient(2));
    let mut client = served.connect();
    client.send(&get("/lost"));
    let reply = client.reply();
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("\"code\":\"outcome_unknown\""), "{reply:?}");
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

// Stalls.

#[test]
fn clients_that_stall_are_gone_within_the_socket_timeout_and_others_are_served() {
    let served = serve(options());
    let started = Instant::now();
    let mut idle = served.connect();
    let mut in_head = served.connect();
    in_head.send("GET /a HTTP/1.1\r\nHo");
    let mut in_small_body = served.connect();
    in_small_body.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    let mut in_body = served.connect();
    in_body.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nabc");
    let mut in_chunk = served.connect();
    in_chunk.send("PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    for _ in 0..20 {
        served.check_serves();
    }
    for client in [&mut idle, &mut in_head, &mut in_small_body, &mut in_body, &mut in_chunk] {
        client.rest();
    }
    let elapsed = started.elapsed();
    assert!(elapsed >= SOCKET_TIMEOUT, "{elapsed:?}");
    assert!(elapsed < SOCKET_TIMEOUT * 6, "{elapsed:?}: about one timeout, and another for a body that is drained");
    until("their threads are free", || served.pool.counters().connections_open.load(Ordering::Relaxed) == 0);
    assert_eq!(served.double.faults.lock().unwrap().len(), 2);
}

#[test]
fn a_client_that_stalls_in_reading_its_reply_is_gone_within_the_socket_timeout() {
    let served = serve(options());
    let mut large = served.connect();
    large.send(&get("/big?100000000"));
    let mut small = served.connect();
    // Replies of some hundred bytes each, until the socket's buffers are full.
    let requests = GET.repeat(1000);
    until("the small replies fill the socket", || {
        small.send_bytes(requests.as_bytes()).is_err()
            || served.pool.counters().connections_open.load(Ordering::Relaxed) == 0
    });
    served.check_serves();
    until("their threads are free", || served.pool.counters().connections_open.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_trickling_body_ends_by_the_read_timeout() {
    let served = serve(PoolOptions { read_timeout: Duration::from_millis(200), ..options() });
    let mut client = served.connect();
    client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    until("the trickle is cut", || {
        let _ = client.send_bytes(b"x");
        !served.double.faults.lock().unwrap().is_empty()
    });
    assert!(matches!(served.double.faults.lock().unwrap()[..], [BodyFault::Stalled { .. }]));
    assert_eq!(client.reply().status, 408);
}

#[test]
fn an_early_end_of_a_body_is_an_error_and_not_the_end() {
    let served = serve(options());
    let mut client = served.connect();
    client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nabc");
    client.half_close();
    assert_eq!(client.reply().status, 408);
    let early = BodyFault::Incomplete { bytes: 3, length: Some(5000) };
    assert_eq!(*served.double.faults.lock().unwrap(), [early]);
}

// Room.

#[test]
fn at_the_cap_a_new_connection_is_told_503_and_closed() {
    let served = serve(patient(3));
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
    assert_eq!(served.pool.counters().connections_refused.load(Ordering::Relaxed), 50);
    kept.pop();
    until("a place is free", || {
        let mut client = served.connect();
        let _ = client.send_bytes(GET.as_bytes());
        client.reply().status == 200
    });
}

#[test]
fn without_threads_a_connection_is_told_503_and_served_again_after() {
    let served = serve(patient(8));
    served.threads.exhausted.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    assert_eq!(client.reply().status, 503);
    served.threads.exhausted.store(false, Ordering::SeqCst);
    served.check_serves();
}

/// Runs the test `name` of this binary in a process of its own, with `variable` set.
fn run_in_child(name: &str, variable: &str, value: &str) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(variable, value)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{value} descriptors kept: {text}");
    assert!(text.contains("1 passed"), "the child ran nothing: {text}");
}

const DESCRIPTORS_KEPT: &str = "WIRE_POOL_DESCRIPTORS_KEPT";

#[test]
fn out_of_descriptors_it_refuses_for_a_while_and_serves_again_after() {
    let Ok(kept) = std::env::var(DESCRIPTORS_KEPT) else {
        // With some kept, a connection is told 503; with none, accept(2) and the library's clone fail.
        for kept in ["8", "0"] {
            run_in_child("out_of_descriptors_it_refuses_for_a_while_and_serves_again_after", DESCRIPTORS_KEPT, kept);
        }
        return;
    };
    let limit = 64;
    let soft = rustix::process::Rlimit { current: Some(limit), maximum: Some(limit) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, soft).unwrap();
    let descriptors_kept = kept.parse().unwrap();
    let served = serve(PoolOptions { descriptors_kept, ..patient(512) });
    let counters = served.pool.counters();
    // The clients are in this process too: each connection costs three descriptors.
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut client = served.connect();
        client.send(GET);
        assert_eq!(client.reply().status, 200);
        clients.push(client);
    }
    // Take what is left but for one, which the next client needs to connect.
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    files.pop();
    if descriptors_kept > 0 {
        files.truncate(files.len().saturating_sub(4));
    }
    let mut refused = served.connect();
    if descriptors_kept > 0 {
        let reply = refused.reply();
        assert_eq!(reply.status, 503);
        assert!(reply.text().contains("\"code\":\"too_few_descriptors\""));
    } else {
        until("accepting fails", || counters.accept_errors.load(Ordering::Relaxed) > 0);
    }
    // Those that have a thread are served meanwhile.
    for client in &mut clients {
        client.send(GET);
        assert_eq!(client.reply().status, 200);
    }
    // One free descriptor, and the library unwraps the clone that needs a second.
    if descriptors_kept == 0 {
        drop(files.pop());
        until("the library panics or the waiting one is refused", || {
            counters.accept_errors.load(Ordering::Relaxed) > 1 || refused.is_closed()
        });
    }
    drop(files);
    drop(refused);
    until("it serves again", || {
        let mut client = served.connect();
        client.send_bytes(GET.as_bytes()).is_ok() && client.try_reply().is_ok_and(|reply| reply.status == 200)
    });
}

// Lost threads.

#[test]
fn a_thread_lost_to_an_http_2_preface_is_noticed_counted_and_replaced() {
    let served = serve(PoolOptions { threads: 1, lost_threads_max: 1, ..options() });
    let counters = served.pool.counters();
    let mut first = served.connect();
    first.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    until("the loss is noticed", || counters.threads_lost.load(Ordering::Relaxed) == 1);
    assert!(served.health.is_ready());
    // Its replacement serves.
    served.check_serves();
    assert_eq!(counters.threads.load(Ordering::Relaxed), 2);
    // One more is beyond the bound.
    until("the place is free", || counters.connections_open.load(Ordering::Relaxed) == 1);
    let mut second = served.connect();
    second.send("GET / HTTP/2.0\r\nHost: x\r\n\r\n");
    until("the loss is noticed", || served.health.holds(Reason::ThreadsLost));
    assert_eq!(counters.threads_lost.load(Ordering::Relaxed), 2);
    assert_eq!(served.connect().reply().status, 503);
}

#[test]
fn a_lost_thread_that_comes_back_answers_retires_and_is_taken_out_of_the_count() {
    let served = serve(PoolOptions { threads: 1, lost_threads_max: 0, ..options() });
    let counters = served.pool.counters();
    let mut client = served.connect();
    client.send("GET /slow-head HTTP/1.1\r\nHost: x\r\nA: ");
    until("the trickling head costs readiness", || {
        client.send("b");
        served.health.holds(Reason::ThreadsLost)
    });
    client.send("\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.text().as_str(), reply.field("Connection")), ("GET /slow-head 1\n", Some("close")));
    assert_eq!(client.rest(), "");
    until("it is ready again", || served.health.is_ready());
    until("the thread has retired", || counters.threads.load(Ordering::Relaxed) == 0);
    assert_eq!(counters.threads_lost.load(Ordering::Relaxed), 0);
    served.check_serves();
}

// Durability.

#[test]
fn a_reply_waits_until_what_it_rests_on_is_released() {
    let served = serve(patient(4));
    let mut waiting = served.connect();
    waiting.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    served.ledger.release(9);
    assert_eq!(served.ledger.waiting(), 1);
    served.check_serves();
    assert!(!waiting.is_closed());
    served.ledger.release(10);
    assert_eq!(waiting.reply().text(), "GET /lsn/10 1\n");
    waiting.send(&get("/lsn/10"));
    assert_eq!(waiting.reply().status, 200);
}

#[test]
fn a_reply_that_cannot_become_durable_or_not_in_time_is_503_outcome_unknown() {
    let served = serve(patient(4));
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    served.ledger.fail();
    let reply = client.reply();
    assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
    assert!(reply.text().contains("\"code\":\"outcome_unknown\""));
    client.send(GET);
    assert_eq!(client.reply().status, 200);

    let served = serve(PoolOptions { write_timeout: Duration::from_millis(50), ..patient(4) });
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    assert!(client.reply().text().contains("\"code\":\"outcome_unknown\""));
    served.ledger.release(10);
}

// Shutdown.

#[test]
fn drain_answers_every_request_that_began_and_closes_behind_it() {
    let served = serve(patient(32));
    let mut clients: Vec<Client> = (0..16).map(|_| served.connect()).collect();
    for client in &mut clients {
        client.send(&get("/slow"));
    }
    until("all are in progress", || served.double.handled() == 16);
    let pool = served.pool.clone();
    let drain = std::thread::spawn(move || pool.drain(PATIENCE));
    until("it has stopped accepting", || std::net::TcpStream::connect(served.pool.local_address()).is_err());
    assert!(!drain.is_finished());
    for _ in 0..16 {
        served.double.gate.0.send(()).unwrap();
    }
    for client in &mut clients {
        let reply = client.reply();
        assert_eq!((reply.text().as_str(), reply.field("Connection")), ("slow\n", Some("close")));
        assert_eq!(client.rest(), "");
    }
    let drained = drain.join().unwrap();
    assert!(drained.finished);
    assert_eq!(drained.open, 0);
}

#[test]
fn drain_under_load_answers_every_request_it_took() {
    let served = serve(patient(32));
    let address = served.pool.local_address();
    let load: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Client::to(address);
                let mut answered = 0_usize;
                let started = Instant::now();
                loop {
                    assert!(started.elapsed() < PATIENCE, "no reply was the last");
                    client.send(GET);
                    // A kept connection is only closed by a reply that says so.
                    let reply = client.reply();
                    assert_eq!(reply.status, 200);
                    answered += 1;
                    if reply.field("Connection") == Some("close") {
                        return answered;
                    }
                }
            })
        })
        .collect();
    until("the load runs", || served.double.handled() > 1000);
    let drained = served.pool.drain(PATIENCE);
    let answered: usize = load.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(drained.finished);
    assert_eq!(answered, served.double.handled());
}

#[test]
fn drain_leaves_idle_connections_and_reports_requests_that_do_not_finish() {
    let served = serve(patient(4));
    let mut idle = served.connect();
    idle.send(GET);
    idle.reply();
    let drained = served.pool.drain(PATIENCE);
    assert!(drained.finished);
    assert_eq!(drained.open, 1);

    let served = serve(patient(4));
    let mut stuck = served.connect();
    stuck.send(&get("/slow"));
    until("it is in progress", || served.double.handled() == 1);
    let drained = served.pool.drain(Duration::from_millis(100));
    assert!(!drained.finished);
    assert_eq!(drained.open, 1);
    served.double.gate.0.send(()).unwrap();
    assert_eq!(stuck.reply().status, 200);
}

/// Keeps the threads' jobs, so that the test says when the acceptor runs.
#[derive(Default)]
struct Withheld(std::sync::Mutex<Vec<memory_tools::base::threads::Job>>);

impl memory_tools::base::threads::Spawn for Withheld {
    fn spawn(&self, _: &str, _: usize, job: memory_tools::base::threads::Job) -> std::io::Result<()> {
        self.0.lock().unwrap().push(job);
        Ok(())
    }
}

#[test]
fn connections_in_the_backlog_are_told_that_the_server_drains() {
    let withheld = Arc::new(Withheld::default());
    let bound = bind(patient(1)).unwrap();
    let mut clients: Vec<Client> = (0..3).map(|_| Client::to(bound.local_address())).collect();
    let pool = bound.serve(seams(withheld.clone()).seams).unwrap();
    pool.stop_accepting();
    let acceptor = withheld.0.lock().unwrap().pop().unwrap();
    let acceptor = std::thread::spawn(acceptor);
    for client in &mut clients {
        client.send(GET);
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
        assert!(reply.text().contains("\"code\":\"draining\""));
        assert_eq!(client.rest(), "");
    }
    drop(clients);
    acceptor.join().unwrap();
    let refused = std::net::TcpStream::connect(pool.local_address()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn connections_wait_between_binding_and_serving() {
    let bound = bind(patient(1)).unwrap();
    let mut early = Client::to(bound.local_address());
    early.send(GET);
    let _pool = bound.serve(seams(Arc::new(Threads::default())).seams).unwrap();
    assert_eq!(early.reply().status, 200);
}

// Our own faults.

const PANICKING: &str = "WIRE_POOL_PANICKING";

#[test]
fn a_panic_of_the_handler_aborts_the_process() {
    if std::env::var(PANICKING).is_ok() {
        let served = serve(patient(1));
        let mut client = served.connect();
        // The double unwraps this number.
        client.send(&get("/big?no-number"));
        client.rest();
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_panic_of_the_handler_aborts_the_process", "--nocapture"])
        .env(PANICKING, "1")
        .output()
        .unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(output.status.signal(), Some(6), "aborted");
    assert!(String::from_utf8_lossy(&output.stderr).contains("a panic while answering a request"));
}

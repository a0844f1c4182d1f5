//! Bodies: how they arrive, who is given them, and what becomes of those that nobody wants.

use std::time::Duration;

use memory_tools::api::message::BodyFault;

use crate::wire::{GET, Setting, Side, chunked, parts, put, until};

pub fn bodies_of_every_size_and_framing_arrive_whole(side: Side) {
    let served = side.serve(Setting::patient(16));
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
    assert_eq!(served.counts().accepted, 1);
}

pub fn a_body_is_taken_part_by_part_in_every_size_and_framing(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    for size in [0, 1, 1024, 1025, 16 << 10, 100_000, 3_000_000] {
        let body = "x".repeat(size);
        client.send(&put("/intake", &format!("Content-Length: {size}"), &body));
        assert_eq!(client.reply().text(), format!("{size} bytes\n"));
        client.send(&put("/intake", "Transfer-Encoding: chunked", &chunked(&body, 4099)));
        assert_eq!(client.reply().text(), format!("{size} bytes\n"), "in chunks");
    }
    assert_eq!(served.counts().accepted, 1);
}

pub fn a_body_is_asked_for_with_100_continue_only_when_it_is_wanted(side: Side) {
    let served = side.serve(Setting::patient(16));
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

pub fn a_body_is_gathered_up_to_the_limit_and_not_beyond(side: Side) {
    let served = side.serve(Setting::brisk());
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
    assert_eq!(served.double.faults(), [BodyFault::TooLarge; 2]);
}

pub fn an_intake_that_breaks_off_is_not_given_the_rest(side: Side) {
    let served = side.serve(Setting::patient(16));
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
    assert_eq!(served.double.faults().len(), 0);
}

pub fn after_a_body_that_nobody_read_the_connection_is_closed(side: Side) {
    let served = side.serve(Setting::brisk());
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
    assert_eq!(served.double.targets(), ["/forget", "/forget"]);
}

/// The library of the pool answers before it drains what nobody read: a body that is made while it is sent was left out
/// there, and a listing came as a 200 with nothing in it. The reactor read past a short body behind such a reply on
/// HTTP/1.0, and never ended the connection that its end is told by.
pub fn a_stream_arrives_whole_although_the_body_was_not_read(side: Side) {
    let served = side.serve(Setting::brisk());
    for version in ["1.1", "1.0"] {
        for length in [20_000, 200_000] {
            for fields in ["Connection: close", "Connection: upgrade"] {
                let head =
                    format!("GET /parts HTTP/{version}\r\nHost: x\r\nContent-Length: {length}\r\n{fields}\r\n\r\n");
                let mut client = served.connect();
                client.send(&head);
                client.send(&"x".repeat(length));
                assert_eq!(client.reply().text(), parts(), "{head}");
            }
        }
    }
    served.check_serves();
}

pub fn a_short_body_that_nobody_read_is_read_past_and_the_connection_kept(side: Side) {
    let served = side.serve(Setting::patient(16));
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut client = served.connect();
    for size in [1025, 4000, 64 << 10] {
        let body = &smuggled.repeat(size / smuggled.len() + 1)[..size];
        client.send(&format!("PUT /forget HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{body}"));
        assert_eq!(client.reply().status, 200, "{size} bytes");
    }
    assert_eq!(served.double.targets(), ["/forget"; 3]);
    assert_eq!(served.counts().accepted, 1);
}

pub fn a_trickling_body_ends_by_the_read_timeout(side: Side) {
    let served = side.serve(Setting { read_timeout: Duration::from_millis(200), ..Setting::brisk() });
    let mut client = served.connect();
    client.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    until("the trickle is cut", || {
        let _ = client.send_bytes(b"x");
        !served.double.faults().is_empty()
    });
    assert!(matches!(served.double.faults()[..], [BodyFault::Stalled { .. }]));
    assert_eq!(client.reply().status, 408);
}

/// What `/echo` and `/intake` are told of a body, and that the connection ends behind the reply.
#[track_caller]
pub fn check_fault(side: Side, fields: &str, sent: &str, status: u16, fault: BodyFault) {
    let served = side.serve(Setting::brisk());
    for target in ["/echo", "/intake"] {
        let mut client = served.connect();
        client.send(&put(target, fields, sent));
        client.half_close();
        let reply = client.reply();
        assert_eq!((reply.status, reply.text()), (status, format!("{fault:?}\n")), "{target}: {sent:?}");
        assert_eq!(client.rest(), "", "{target}: {sent:?}");
    }
    assert_eq!(served.double.faults(), [fault; 2]);
    assert!(!served.double.targets().iter().any(|target| target == "/a"), "nothing of a body ran");
}

pub fn a_body_that_will_never_be_whole_is_told_with_its_reason(side: Side) {
    let chunked = "Transfer-Encoding: chunked";
    let incomplete = BodyFault::Incomplete { bytes: 3, length: Some(5000) };
    check_fault(side, "Content-Length: 5000", "abc", 408, incomplete);
    check_fault(side, chunked, &format!("5\r\nabcde\r\nzz\r\n{GET}"), 400, BodyFault::Malformed);
    check_fault(side, chunked, &format!("3\r\nabcde\r\n0\r\n\r\n{GET}"), 400, BodyFault::Malformed);
}

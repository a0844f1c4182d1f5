//! Bodies that are made while they are sent: as fast as their reader takes them, and no further.

use std::sync::atomic::Ordering;

use memory_tools::front::reactor::context::Rules;

use crate::wire::{LIBRARY_BYTES, alone, get, parts, resident_bytes, rules, serve_rules, until};

/// What the kernel may hold between two sockets of this machine, generously.
const SOCKETS_BYTES: usize = 24 << 20;

#[test]
fn a_stream_is_made_no_faster_than_it_is_read() {
    let served = serve_rules(Rules { stream_buffer_bytes: 64 << 10, ..rules() });
    let mut client = served.connect();
    client.send("GET /stream?100000000 HTTP/1.0\r\n\r\n");
    let mut read = 0;
    loop {
        let count = client.skim(1 << 20);
        read += count;
        let pulled = served.double.pulled.load(Ordering::SeqCst);
        assert!(pulled <= read + SOCKETS_BYTES, "{pulled} bytes were made, {read} read");
        if count == 0 {
            break;
        }
    }
    assert_eq!(served.double.pulled.load(Ordering::SeqCst), 100_000_000);
    assert!(read > 100_000_000 && read < 100_001_000, "{read}: the head and the body");
    assert_eq!(served.double.dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn a_document_in_a_stream_is_sent_by_reference() {
    alone("streams::a_document_in_a_stream_is_sent_by_reference", &["memory"], |_| {
        let served = serve_rules(rules());
        served.check_serves();
        let before = resident_bytes();
        let mut clients: Vec<_> = (0..32).map(|_| served.connect()).collect();
        clients.iter_mut().for_each(|client| client.send(&get("/library?1000")));
        // Each has a document that its socket does not take, and none reads.
        let mut made = 0;
        until("all have stalled", || {
            served.settle();
            let pulled = served.double.pulled.load(Ordering::SeqCst);
            let has_stopped = pulled >= 32 * LIBRARY_BYTES && pulled == made;
            made = pulled;
            has_stopped
        });
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes for 32 unread documents of {LIBRARY_BYTES}");
    });
}

#[test]
fn a_stream_ends_when_its_reader_vanishes() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&get("/stream?1000000000"));
    assert!(client.skim(1000) > 0);
    client.reset();
    until("the stream is dropped", || served.double.dropped.load(Ordering::SeqCst) == 1);
    until("the connection is gone", || served.counts().open == 0);
    assert!(served.double.pulled.load(Ordering::SeqCst) < 1_000_000_000);
}

#[test]
fn replies_behind_a_stream_wait_for_its_end() {
    let served = serve_rules(Rules { stream_buffer_bytes: 1000, ..rules() });
    let mut client = served.connect();
    client.send(&(get("/parts") + &get("/b") + &get("/stream?3000000") + &get("/parts") + &get("/c")));
    assert_eq!(client.reply().text(), parts());
    assert_eq!(client.reply().text(), "GET /b 1\n");
    assert!(client.reply().body == [b's'; 3_000_000]);
    assert_eq!(client.reply().text(), parts());
    assert_eq!(client.reply().text(), "GET /c 1\n");
}

#[test]
fn a_stream_to_http_10_ends_with_the_connection_whoever_made_it() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send("GET /later?parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    until("it was asked", || served.double.handled() == 1);
    served.double.open_gate(1);
    let reply = client.reply();
    assert_eq!((reply.field("Connection"), reply.text()), (Some("close"), parts()));

    let mut client = served.connect();
    client.send("GET /parts HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 100\r\n\r\n");
    until("it was answered", || served.double.handled() == 2);
    client.send(&"x".repeat(100));
    assert_eq!(client.reply().text(), parts());

    let mut client = served.connect();
    client.send("PUT /intake HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 100\r\n\r\nabc");
    until("it was asked", || served.double.handled() == 3);
    client.send("stop/parts");
    let reply = client.reply();
    assert_eq!((reply.field("Connection"), reply.field("Transfer-Encoding")), (Some("close"), None));
    assert_eq!(reply.text(), parts());
}

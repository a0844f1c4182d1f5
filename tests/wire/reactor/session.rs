//! What can be said of a session only where nothing lies between it and the test: what is one write, and how far ahead
//! a stream is made.

use std::sync::atomic::Ordering;

use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::session::Session;

use crate::desk::{Desk, rules};
use crate::wire::{Double, GET, Ledger, chunked, put};

#[test]
fn sixteen_requests_that_come_together_leave_in_one_buffer() {
    let (double, ledger) = (Double::default(), Ledger::default());
    let (mut desk, mut session) = (Desk::new(rules()), Session::new(0));
    let mut cx = desk.context(&double, &ledger);
    session.receive(GET.repeat(16).as_bytes(), &mut cx);
    assert!(session.outbox().is_empty(), "nothing is queued");
    let replies = String::from_utf8(cx.out.clone()).unwrap();
    assert_eq!(replies.matches("HTTP/1.1 200 OK\r\n").count(), 16);
    assert!(replies.ends_with("\r\n\r\nGET /a 1\n"));
    let sent = cx.out.len();
    session.sent(sent, &mut cx);
    assert!(session.is_idle());
}

#[test]
fn a_stream_is_made_up_to_its_buffer_and_one_part_ahead() {
    let (double, ledger) = (Double::default(), Ledger::default());
    let mut desk = Desk::new(Rules { stream_buffer_bytes: 100_000, ..rules() });
    let mut session = Session::new(0);
    let mut cx = desk.context(&double, &ledger);
    session.receive(b"GET /stream?1000000 HTTP/1.1\r\nHost: x\r\n\r\n", &mut cx);
    let made = || double.pulled.load(Ordering::SeqCst);
    assert_eq!(made(), 0, "before it can be sent");
    for rounds in 1..=5 {
        session.outbox().prepare(&mut cx);
        let ahead = cx.out.len();
        assert!((100_000..100_000 + (17 << 10)).contains(&ahead), "round {rounds}: {ahead}");
        // The peer takes nothing, then all but a byte, then that.
        session.outbox().stall(&mut cx);
        session.outbox().prepare(&mut cx);
        session.sent(ahead - 1, &mut cx);
        let before = made();
        session.outbox().prepare(&mut cx);
        assert_eq!(made(), before, "round {rounds}: the last byte is not sent yet");
        session.sent(1, &mut cx);
    }
}

/// Over sockets the kernel puts bytes together; here each comes alone.
#[test]
fn a_request_is_the_same_however_finely_it_is_cut() {
    let (double, ledger) = (Double::default(), Ledger::default());
    let body = "abcdefghij".repeat(10);
    for (request, reply) in [
        (GET.to_owned(), "GET /a 1\n"),
        (put("/echo", "Content-Length: 100", &body), &body),
        (put("/echo", "Transfer-Encoding: chunked", &chunked(&body, 7)), &body),
        (put("/intake", "Content-Length: 100", &body), "100 bytes\n"),
        (put("/intake", "Transfer-Encoding: chunked", &chunked(&body, 7)), "100 bytes\n"),
    ] {
        let (mut desk, mut session) = (Desk::new(rules()), Session::new(0));
        for cut in [1, 2, 3, 7, request.len()] {
            let mut cx = desk.context(&double, &ledger);
            let pieces: Vec<&[u8]> = request.as_bytes().chunks(cut).collect();
            for (number, piece) in pieces.iter().enumerate() {
                assert_eq!(cx.out, b"", "before piece {number} of {cut}: {request}");
                session.receive(piece, &mut cx);
            }
            let text = String::from_utf8(cx.out.clone()).unwrap();
            assert!(text.ends_with(&format!("\r\n\r\n{reply}")), "in pieces of {cut}: {request}{text}");
            let sent = cx.out.len();
            session.sent(sent, &mut cx);
            assert!(session.is_idle());
        }
    }
}

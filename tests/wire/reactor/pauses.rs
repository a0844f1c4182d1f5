//! An intake that pauses, where nothing lies between the session and the test.

use std::sync::atomic::Ordering;
use std::time::Duration;

use memory_tools::front::reactor::context::{Context, Rules};
use memory_tools::front::reactor::session::{Expired, Session};

use crate::desk::{Desk, rules};
use crate::wire::{Double, GET, Ledger, chunked, put, serve_rules, until};

/// Has the session go on as its thread would, until it waits for input.
fn settle(session: &mut Session, cx: &mut Context<'_>) {
    while session.has_step() {
        assert!(!session.wants_input(cx), "nothing is read while the intake pauses");
        session.step(cx);
        session.go_on(cx);
    }
}

#[test]
fn a_body_is_the_same_however_finely_it_is_cut_and_however_often_its_intake_pauses() {
    let body = "abcdefghij".repeat(10);
    for target in ["/intake?again", "/intake?again-work"] {
        for request in [
            put(target, "Content-Length: 100", &body),
            put(target, "Transfer-Encoding: chunked", &chunked(&body, 7)),
            put(target, "Content-Length: 0", ""),
        ] {
            let both = request.clone() + GET;
            for cut in [1, 2, 3, 7, both.len()] {
                let (double, ledger) = (Double::default(), Ledger::default());
                let (mut desk, mut session) = (Desk::new(rules()), Session::new(0));
                let mut cx = desk.context(&double, &ledger);
                for piece in both.as_bytes().chunks(cut) {
                    session.receive(piece, &mut cx);
                    settle(&mut session, &mut cx);
                }
                let text = String::from_utf8(cx.out.clone()).unwrap();
                assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "in pieces of {cut}: {both}{text}");
                assert!(text.ends_with("\r\n\r\nGET /a 1\n"), "in pieces of {cut}: {both}{text}");
                let sent = cx.out.len();
                session.sent(sent, &mut cx);
                assert!(session.is_idle());
            }
        }
    }
}

#[test]
fn a_pause_is_not_the_peers_time() {
    let (double, ledger) = (Double::default(), Ledger::default());
    let timeout = Duration::from_millis(100);
    let mut desk = Desk::new(Rules { read_timeout: timeout, transfer_bytes_per_second_min: 1 << 30, ..rules() });
    let mut session = Session::new(0);
    let mut cx = desk.context(&double, &ledger);
    double.is_full.store(true, Ordering::SeqCst);
    session.receive(put("/intake?full", "Content-Length: 10", "").as_bytes(), &mut cx);
    cx.now = 90;
    session.receive(b"hello", &mut cx);
    assert_eq!(session.deadline(cx.rules), Some(90 + 30_000), "of the wait for room");
    cx.now = 20_000;
    assert_eq!(session.expire(&mut cx), Expired::Nothing);
    double.is_full.store(false, Ordering::SeqCst);
    (1..10).for_each(|ticket| session.try_again(ticket, &mut cx));
    settle(&mut session, &mut cx);
    assert_eq!(session.deadline(cx.rules), Some(20_010), "ten milliseconds were left");
    session.receive(b"world", &mut cx);
    assert!(String::from_utf8(cx.out.clone()).unwrap().ends_with("10 bytes\n"));
}

#[test]
fn an_intake_that_pauses_is_dropped_when_its_peer_is_reset() {
    let served = serve_rules(rules());
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    client.send(&put("/intake?full-work", "Content-Length: 10", "hello"));
    until("it waits for room", || served.ledger.waiting_for_room() == 1);
    client.reset();
    until("it is dropped", || served.double.steps.dropped.load(Ordering::SeqCst) == 1 && served.counts().open == 0);
    assert_eq!(served.double.faults().len(), 0);
}

//! Replies that take work in steps.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::wire::{GET, PATIENCE, SILENCE, Setting, Side, chunked, get, put, until};

pub fn work_is_done_in_steps_and_answered_in_its_place(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&["/a", "/work?1", "/b", "/work?5000", "/work?2", "/c"].map(get).concat());
    for expected in ["GET /a 1\n", "1 steps\n", "GET /b 1\n", "5000 steps\n", "2 steps\n", "GET /c 1\n"] {
        assert_eq!(client.reply().text(), expected);
    }
    assert_eq!(served.double.steps.done.load(Ordering::SeqCst), 5003);
    client.send("HEAD /work?3 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head_reply().field("Content-Length"), Some("8"));
    client.send(&put("/work?3", "Content-Length: 5", "hello"));
    assert_eq!(client.reply().text(), "3 steps\n", "the body is not wanted");
    let mut client = served.connect();
    client.send(&put("/work?3", "Transfer-Encoding: chunked", &chunked(&"x".repeat(100), 9)));
    assert_eq!(client.reply().text(), "3 steps\n", "and not waited for");
    until("all work is dropped", || served.double.steps.dropped.load(Ordering::SeqCst) == 6);
}

pub fn others_are_served_beside_work(side: Side) {
    let served = side.serve(Setting::patient(16));
    let steps = &served.double.steps;
    let mut client = served.connect();
    client.send(&(get("/work?endless") + GET));
    until("it is done in steps", || steps.done.load(Ordering::SeqCst) > 100);
    for _ in 0..20 {
        served.check_serves();
        let before = steps.done.load(Ordering::SeqCst);
        until("it goes on", || steps.done.load(Ordering::SeqCst) > before);
    }
    assert!(!client.is_readable());
    assert!(!served.double.targets().contains(&"/a".to_owned()), "what is behind it has not begun");
    steps.is_enough.store(true, Ordering::SeqCst);
    assert!(client.reply().text().ends_with("steps\n"));
    assert_eq!(client.reply().text(), "GET /a 1\n");
}

pub fn work_that_finds_no_room_goes_on_when_there_is_some(side: Side) {
    let served = side.serve(Setting::patient(16));
    let turned_back = || served.double.steps.turned_back.load(Ordering::SeqCst);
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    client.send(&(get("/work?5-full") + GET));
    until("it waits for room", || served.ledger.waiting_for_room() == 1);
    assert_eq!((turned_back(), served.double.steps.done.load(Ordering::SeqCst)), (1, 4));
    served.check_serves();
    served.ledger.make_room();
    until("it tried again, in vain", || turned_back() == 2 && served.ledger.waiting_for_room() == 1);
    served.double.is_full.store(false, Ordering::SeqCst);
    served.ledger.make_room();
    assert_eq!(client.reply().text(), "5 steps\n");
    assert_eq!(client.reply().text(), "GET /a 1\n");
    assert_eq!(turned_back(), 2);
}

pub fn work_that_finds_no_room_within_write_timeout_is_given_up(side: Side) {
    let served = side.serve(Setting { write_timeout: SILENCE, ..Setting::patient(16) });
    served.double.is_full.store(true, Ordering::SeqCst);
    for (target, said) in
        [("/work?1-full", "\"code\":\"journal_busy\""), ("/work?5-full-aware", "no room behind 4 steps\n")]
    {
        let mut client = served.connect();
        let reply = served.given_up(&mut client, &(get(target) + GET));
        assert!(reply.status == 503 && reply.text().contains(said), "{reply:?}");
        assert_eq!(client.reply().text(), "GET /a 1\n", "the connection is kept");
    }
    until("it is dropped", || served.double.steps.dropped.load(Ordering::SeqCst) == 2);
}

pub fn work_in_progress_is_finished_by_a_drain(side: Side) {
    let served = side.serve(Setting::patient(16));
    let steps = &served.double.steps;
    let mut client = served.connect();
    client.send(&get("/work?endless"));
    until("it is in progress", || steps.done.load(Ordering::SeqCst) > 0);
    let front = Arc::clone(&served.front);
    let drain = std::thread::spawn(move || front.drain(PATIENCE));
    until("it has stopped accepting", || TcpStream::connect(served.address()).is_err());
    let before = steps.done.load(Ordering::SeqCst);
    until("it goes on", || steps.done.load(Ordering::SeqCst) > before);
    assert!(!drain.is_finished());
    steps.is_enough.store(true, Ordering::SeqCst);
    let reply = client.reply();
    assert!(reply.text().ends_with("steps\n") && reply.field("Connection") == Some("close"), "{reply:?}");
    client.check_ends_without_reset();
    assert!(drain.join().unwrap().finished);
}

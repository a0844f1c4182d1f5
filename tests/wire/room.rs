//! Writes that wait for room, and what hurries a release on.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::wire::{GET, SILENCE, Setting, Side, chunked, get, put, until};

pub fn whoever_waits_for_a_release_has_it_hurried(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(GET);
    assert_eq!(client.reply().status, 200);
    assert_eq!(served.ledger.hurried(), 0, "nothing waits");
    client.send(&get("/lsn/10"));
    until("the reply waits and is hurried", || served.ledger.waiting() == 1 && served.ledger.hurried() == 1);
    served.ledger.release(10);
    assert_eq!(client.reply().status, 200);
}

pub fn a_write_that_finds_no_room_is_asked_again_when_there_is_some(side: Side) {
    let served = side.serve(Setting::patient(16));
    let (short, long) = ("abc".to_owned(), "x".repeat(300_000));
    for (target, fields, sent, answer) in [
        ("/again", "Content-Length: 3", short.clone(), short),
        ("/again", "Content-Length: 300000", long.clone(), long.clone()),
        ("/again", "Transfer-Encoding: chunked", chunked(&long, 7000), long.clone()),
        // Not here whole when the handler is asked.
        ("/again-unread", "Content-Length: 65500", "y".repeat(65_500), "PUT /again-unread 1\n".to_owned()),
    ] {
        let before = served.double.handled();
        let turned_back = || served.double.turned_back.swap(0, Ordering::SeqCst);
        served.double.is_full.store(true, Ordering::SeqCst);
        let mut client = served.connect();
        client.send(&put(target, fields, &sent));
        until("it waits for room", || served.ledger.waiting_for_room() == 1);
        served.ledger.make_room();
        until("it was asked again, in vain", || served.ledger.waiting_for_room() == 1);
        assert_eq!((turned_back(), served.double.handled()), (2, before), "{fields}");
        served.check_serves();
        served.double.is_full.store(false, Ordering::SeqCst);
        served.ledger.make_room();
        assert_eq!(client.reply().text(), answer, "{fields}");
        assert_eq!((turned_back(), served.double.handled()), (0, before + 2), "{fields}");
        client.send(GET);
        assert_eq!(client.reply().text(), "GET /a 1\n", "{fields}");
    }
}

pub fn requests_behind_one_that_waits_for_room_run_after_it(side: Side) {
    let served = side.serve(Setting::patient(16));
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    let write = put("/again", "Content-Length: 3", "abc");
    client.send(&(get("/a") + &write + &get("/b") + &write + &get("/c")));
    assert_eq!(client.reply().text(), "GET /a 1\n", "what stands before it leaves");
    until("the write waits for room", || served.ledger.waiting_for_room() == 1);
    assert_eq!(served.double.targets(), ["/a"]);
    served.ledger.make_room();
    until("it still waits", || served.ledger.waiting_for_room() == 1);
    served.double.is_full.store(false, Ordering::SeqCst);
    served.ledger.make_room();
    for expected in ["abc", "GET /b 1\n", "abc", "GET /c 1\n"] {
        assert_eq!(client.reply().text(), expected);
    }
    assert_eq!(served.double.targets(), ["/a", "/again", "/b", "/again", "/c"]);
}

pub fn no_room_within_write_timeout_is_503_journal_busy_and_nothing_has_run(side: Side) {
    let served = side.serve(Setting { write_timeout: SILENCE, ..Setting::patient(16) });
    served.double.is_full.store(true, Ordering::SeqCst);
    for (fields, sent) in [
        ("Content-Length: 3", "abc".to_owned()),
        ("Content-Length: 100000", "x".repeat(100_000)),
        ("Transfer-Encoding: chunked", chunked("\"abc\"", 2)),
    ] {
        let mut client = served.connect();
        let started = Instant::now();
        client.send(&(put("/again", fields, &sent) + GET));
        // Tries in vain do not begin the time again.
        until("it is answered", || {
            served.ledger.make_room();
            client.is_readable()
        });
        let reply = client.reply();
        assert!(started.elapsed() >= SILENCE && started.elapsed() < SILENCE * 4, "{:?}", started.elapsed());
        assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
        assert!(reply.text().contains("\"code\":\"journal_busy\""), "{reply:?}");
        assert_eq!(client.reply().text(), "GET /a 1\n", "the connection is kept");
        // Room comes too late for it.
        served.ledger.make_room();
        client.send(GET);
        assert_eq!(client.reply().text(), "GET /a 1\n");
    }
    assert!(!served.double.targets().contains(&"/again".to_owned()));
}

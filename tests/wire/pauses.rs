//! Bodies whose intake does not use them as fast as they come.

use std::sync::atomic::Ordering;

use crate::wire::{GET, SILENCE, Setting, Side, chunked, get, put, until};

pub fn a_body_is_taken_whole_however_often_its_intake_pauses(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    for size in [0, 1, 1024, 1025, 100_000, 1_000_000] {
        let body = "x".repeat(size);
        for (target, reply) in [
            ("/intake?again", format!("{size} bytes\n")),
            ("/intake?work", "3 steps\n".to_owned()),
            ("/intake?again-work", "3 steps\n".to_owned()),
        ] {
            let requests = [
                put(target, &format!("Content-Length: {size}"), &body),
                put(target, "Transfer-Encoding: chunked", &chunked(&body, 4099)),
            ];
            client.send(&(requests.concat() + GET));
            for expected in [&reply, &reply, "GET /a 1\n"] {
                assert_eq!(client.reply().text(), expected, "{target}, {size} bytes");
            }
        }
        client.send(&put("/intake?again", &format!("Content-Length: {size}\r\nExpect: 100-continue"), ""));
        assert!(size == 0 || client.reply().status == 100, "it is asked for");
        client.send(&body);
        assert_eq!(client.reply().text(), format!("{size} bytes\n"));
    }
    assert_eq!(served.counts().accepted, 1);
}

pub fn an_intake_that_finds_no_room_is_called_again_when_there_is_some(side: Side) {
    let served = side.serve(Setting::patient(16));
    let turned_back = || served.double.steps.turned_back.load(Ordering::SeqCst);
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    // More than the sockets between them hold.
    let bytes = 32 << 20;
    let request = put("/intake?full", &format!("Content-Length: {bytes}"), &"x".repeat(bytes)) + &get("/b");
    let (send, sent) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let mut writer = client.writer();
        scope.spawn(move || {
            std::io::Write::write_all(&mut writer, request.as_bytes()).unwrap();
            send.send(()).unwrap();
        });
        until("it waits for room", || served.ledger.waiting_for_room() == 1);
        served.ledger.make_room();
        until("it was called again, in vain", || turned_back() == 2 && served.ledger.waiting_for_room() == 1);
        (0..3).for_each(|_| served.check_serves());
        assert!(sent.try_recv().is_err(), "nothing more is read");
        served.double.is_full.store(false, Ordering::SeqCst);
        served.ledger.make_room();
        assert_eq!(client.reply().text(), format!("{bytes} bytes\n"));
        assert_eq!(client.reply().text(), "GET /b 1\n");
    });
    assert_eq!(turned_back(), 2);
}

pub fn an_intake_that_finds_no_room_within_write_timeout_is_given_up(side: Side) {
    let served = side.serve(Setting { write_timeout: SILENCE, ..Setting::patient(16) });
    served.double.is_full.store(true, Ordering::SeqCst);
    for (target, said) in [
        ("/intake?full", "\"code\":\"journal_busy\""),
        ("/intake?full-noted", "no room behind 5 bytes\n"),
        ("/intake?again-full-noted", "no room behind 5 bytes\n"),
    ] {
        let whole = ("Content-Length: 5", "hello");
        let part = ("Transfer-Encoding: chunked", "5\r\nhello\r\n");
        for (fields, body) in [whole, part] {
            let mut client = served.connect();
            let reply = served.given_up(&mut client, &put(target, fields, body));
            assert!(reply.status == 503 && reply.text().contains(said), "{target} {fields}: {reply:?}");
            if fields == whole.0 {
                client.send(GET);
                assert_eq!(client.reply().text(), "GET /a 1\n", "the connection is kept");
            } else {
                client.half_close();
                assert_eq!(client.rest(), "", "the rest of the body is not waited for");
            }
        }
    }
}

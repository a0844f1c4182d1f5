//! Streams that wait, where no thread waits with them.

use std::time::Duration;

use memory_tools::front::reactor::context::Rules;
use memory_tools::front::reactor::session::{Expired, Session};

use crate::desk::{Desk, rules};
use crate::wire::{Double, Ledger, alone, get, resident_bytes, serve_rules, until};

#[test]
fn a_reader_that_goes_away_while_its_stream_waits_is_noticed_at_once() {
    let served = serve_rules(rules());
    let feed = &served.double.feed;
    let target = |fields| format!("GET /feed HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    for (number, fields) in ["", "Connection: close\r\n"].into_iter().enumerate() {
        let client = served.connect();
        let mut client = client;
        client.send(&target(fields));
        until("it waits", || feed.waiting() == 2 * number + 1);
        drop(client);
        until("it has gone", || feed.dropped() == 2 * number + 1 && served.counts().open == 0);
        let mut client = served.connect();
        client.send(&target(fields));
        until("it waits", || feed.waiting() == 2 * number + 2);
        client.reset();
        until("it has gone", || feed.dropped() == 2 * number + 2 && served.counts().open == 0);
    }
    // Nobody is there for these.
    feed.wake();
    served.check_serves();
}

#[test]
fn a_reader_that_has_sent_its_last_byte_gets_a_stream_up_to_where_it_waits() {
    let served = serve_rules(rules());
    // A stream that had nothing to say when it was pulled first was left to wait, for nobody.
    for said in ["", "so far"] {
        served.double.feed.say(said);
        for version in ["1.1", "1.0"] {
            let mut client = served.connect();
            client.send(&format!("GET /feed HTTP/{version}\r\nHost: x\r\n\r\n"));
            client.half_close();
            assert_eq!(client.reply().text(), said);
            client.check_ends_without_reset();
        }
    }
}

#[test]
fn a_thousand_streams_that_wait_cost_next_to_nothing() {
    alone("feeds::a_thousand_streams_that_wait_cost_next_to_nothing", &["memory"], |_| {
        let served = serve_rules(rules());
        served.check_serves();
        let mut clients: Vec<_> = (0..1000).map(|_| served.connect()).collect();
        until("all are let in", || served.counts().open == 1000);
        let before = resident_bytes();
        clients.iter_mut().for_each(|client| client.send(&get("/feed")));
        until("all wait", || served.double.feed.waiting() == 1000);
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 8 << 20, "{grown} bytes for 1000 streams that wait");
        served.double.feed.say("news");
        served.double.feed.end();
        clients.iter_mut().for_each(|client| assert_eq!(client.reply().text(), "news"));
    });
}

#[test]
fn a_stream_that_waits_is_not_made_before_it_is_woken_or_its_time_has_come() {
    let (double, ledger) = (Double::default(), Ledger::default());
    let brisk = Duration::from_millis(10);
    let mut desk = Desk::new(Rules { idle_timeout: brisk, write_timeout: brisk, read_timeout: brisk, ..rules() });
    let mut session = Session::new(0);
    let mut cx = desk.context(&double, &ledger);
    session.receive(get("/feed?500").as_bytes(), &mut cx);
    let flush = |session: &mut Session, cx: &mut _| {
        session.outbox().prepare(cx);
        let sent = cx.out.len();
        session.sent(sent, cx);
        session.outbox().prepare(cx);
        session.outbox().flow();
        (double.feed.pulls(), session.outbox().held_bytes())
    };
    assert_eq!(flush(&mut session, &mut cx), (1, 0));
    assert_eq!(flush(&mut session, &mut cx), (1, 0), "looked at for another reason");
    assert_eq!(session.deadline(cx.rules), Some(500), "the only one");
    cx.now = 499;
    assert_eq!((session.expire(&mut cx), flush(&mut session, &mut cx)), (Expired::Nothing, (1, 0)));
    cx.now = 500;
    assert_eq!((session.expire(&mut cx), flush(&mut session, &mut cx)), (Expired::Nothing, (2, 0)));
    assert_eq!(session.deadline(cx.rules), Some(1000));
    // The wait that was over has left its waker behind, which is for nobody.
    session.outbox().wake(1);
    assert_eq!(flush(&mut session, &mut cx), (2, 0));
    session.outbox().wake(2);
    assert_eq!(flush(&mut session, &mut cx), (3, 0));
}

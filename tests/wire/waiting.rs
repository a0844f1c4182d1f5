//! Replies that wait: for another thread, and for what they rest on.

use std::time::Duration;

use crate::wire::{GET, SILENCE, Setting, Side, get, until};

pub fn a_reply_that_comes_later_waits_for_its_thread_and_for_what_it_rests_on(side: Side) {
    let served = side.serve(Setting::patient(16));
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

pub fn a_reply_that_was_lost_is_503_outcome_unknown(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/lost"));
    let reply = client.reply();
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("\"code\":\"outcome_unknown\""), "{reply:?}");
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

pub fn a_reply_waits_until_what_it_rests_on_is_released(side: Side) {
    let served = side.serve(Setting::patient(16));
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

pub fn a_reply_that_cannot_become_durable_or_not_in_time_is_503_outcome_unknown(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    served.ledger.fail();
    let reply = client.reply();
    assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
    assert!(reply.text().contains("\"code\":\"outcome_unknown\""));
    client.send(GET);
    assert_eq!(client.reply().status, 200);

    let served = side.serve(Setting { write_timeout: Duration::from_millis(50), ..Setting::patient(16) });
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    assert!(client.reply().text().contains("\"code\":\"outcome_unknown\""));
    served.ledger.release(10);
}

pub fn a_part_of_a_stream_leaves_only_when_what_it_shows_is_released(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/resting?3"));
    until("a part waits", || served.ledger.waiting() == 1);
    served.ledger.release(29);
    until("a part still waits, or does again", || served.ledger.waiting() == 1);
    served.check_serves();
    let mut seen = Vec::new();
    let mut look = || {
        while client.is_readable() {
            seen.extend(client.read_once());
        }
        String::from_utf8(seen.clone()).unwrap()
    };
    assert!(!look().contains("part 3"), "{}", look());
    served.ledger.release(30);
    until("it ends", || look().ends_with("0\r\n\r\n"));
    let text = look();
    let found: Vec<usize> = ["part 1", "part 2", "part 3"].iter().filter_map(|part| text.find(part)).collect();
    assert!(found.len() == 3 && found.is_sorted(), "{text}");
}

pub fn a_stream_of_which_a_part_can_never_leave_is_broken_off(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/resting?3"));
    until("a part waits", || served.ledger.waiting() == 1);
    served.ledger.fail();
    assert!(client.try_reply().is_err());

    let served = side.serve(Setting { write_timeout: SILENCE, ..Setting::patient(16) });
    let mut client = served.connect();
    client.send(&get("/resting?3"));
    assert!(client.try_reply().is_err());
    until("it is gone", || served.counts().open == 0);
}

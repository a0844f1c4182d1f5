//! Replies that wait: for another thread, and for what they rest on.

use std::time::Duration;

use crate::wire::{GET, Setting, Side, get, until};

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

//! Many requests in a row: their order, and how many of them are begun.

use std::sync::atomic::Ordering;

use memory_tools::front::reactor::context::Rules;

use crate::wire::{get, rules, serve_rules, until};

#[test]
fn a_thousand_requests_in_one_write_are_answered_in_order() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&(0..1000).map(|number| get(&format!("/{number}"))).collect::<String>());
    for number in 0..1000 {
        assert_eq!(client.reply().text(), format!("GET /{number} 1\n"));
    }
    assert_eq!(served.double.handled(), 1000);
}

#[test]
fn at_pipelined_requests_max_no_more_run_until_replies_have_left() {
    let served = serve_rules(Rules { pipelined_requests_max: 8, ..rules() });
    let mut client = served.connect();
    client.send(&(get("/lsn/10") + &get("/b").repeat(20)));
    until("the first reply waits", || served.ledger.waiting() == 1);
    let settled = served.double.handled();
    served.settle();
    assert_eq!((settled, served.double.handled()), (8, 8 + 3), "the first, and seven behind it");
    served.ledger.release(10);
    assert_eq!(client.reply().text(), "GET /lsn/10 1\n");
    for _ in 0..20 {
        assert_eq!(client.reply().text(), "GET /b 1\n");
    }
    assert_eq!(served.double.handled(), 21 + 3);
}

#[test]
fn at_unsent_bytes_max_no_more_run_until_the_peer_reads() {
    let served = serve_rules(Rules { unsent_bytes_max: 100_000, ..rules() });
    let mut client = served.connect();
    client.send(&(get("/lsn/10") + &get("/big?60000").repeat(10)));
    until("the first reply waits", || served.ledger.waiting() == 1);
    served.settle();
    assert_eq!(served.double.handled(), 3 + 3, "two of 60,000 bytes are more than 100,000");
    served.ledger.release(10);
    client.reply();
    for _ in 0..10 {
        assert_eq!(client.reply().body.len(), 60_000);
    }
}

/// Bytes of replies that wait to become durable counted for nothing, and a connection could have any amount of them.
#[test]
fn bytes_of_replies_that_wait_are_unsent_bytes_too() {
    let served = serve_rules(Rules { unsent_bytes_max: 100_000, ..rules() });
    let mut client = served.connect();
    client.send(&get("/lsn/10?60000").repeat(10));
    until("the first reply waits", || served.ledger.waiting() == 1);
    served.settle();
    assert_eq!(served.double.handled(), 2 + 3);
    served.ledger.release(10);
    for _ in 0..10 {
        assert_eq!(client.reply().body.len(), 60_000);
    }
    client.send(&get("/lsn/20?60000").repeat(3));
    until("they wait as before", || served.ledger.waiting() == 1);
    served.settle();
    assert_eq!(served.double.handled(), 10 + 2 + 3 + 3);
}

#[test]
fn a_peer_that_does_not_read_has_no_more_run_than_its_socket_takes() {
    let served = serve_rules(Rules { unsent_bytes_max: 100_000, ..rules() });
    let mut client = served.connect();
    client.send(&get("/big?1000000").repeat(200));
    // It has stopped when nothing new ran while others were served.
    let mut before = 0;
    until("the socket is full", || {
        served.settle();
        let ran = served.double.targets().iter().filter(|target| target.starts_with("/big")).count();
        let has_stopped = ran > 0 && ran == before;
        before = ran;
        has_stopped
    });
    assert!(before < 60, "{before} of 200 ran");
    for _ in 0..200 {
        assert_eq!(client.reply().body.len(), 1_000_000);
    }
    assert_eq!(served.double.handled.load(Ordering::SeqCst) % 3, 200 % 3, "each ran once");
}

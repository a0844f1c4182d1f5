//! Work in steps, where one thread does all of it and serves everybody else.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::wire::{SILENCE, get, rules, serve_rules, until};

#[test]
fn a_request_waits_for_few_steps_however_many_have_work_to_do() {
    let served = serve_rules(rules());
    let done = || served.double.steps.done.load(Ordering::SeqCst);
    let mut workers: Vec<_> = (0..50).map(|_| served.connect()).collect();
    workers.iter_mut().for_each(|client| client.send(&get("/work?endless-slow")));
    until("all are at work", || served.double.handled() == 50);
    let mut client = served.connect();
    // A step takes a millisecond. The least of many: this thread may be interrupted any time.
    let least = (0..30).map(|_| {
        let before = done();
        client.send(&get("/b"));
        client.reply();
        done() - before
    });
    let least = least.min().unwrap();
    assert!(least <= 4, "{least} steps between a request and its reply");
    // And none of them waits for ever.
    served.double.steps.is_enough.store(true, Ordering::SeqCst);
    workers.iter_mut().for_each(|client| assert!(client.reply().text().ends_with("steps\n")));
}

#[test]
fn each_of_many_with_work_to_do_has_its_steps() {
    let served = serve_rules(rules());
    let mut clients: Vec<_> = (0..50).map(|_| served.connect()).collect();
    clients.iter_mut().enumerate().for_each(|(number, client)| client.send(&get(&format!("/work?{}", 100 + number))));
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.reply().text(), format!("{} steps\n", 100 + number));
    }
}

#[test]
fn work_of_a_peer_that_is_reset_is_dropped_between_two_steps() {
    let served = serve_rules(rules());
    let dropped = || served.double.steps.dropped.load(Ordering::SeqCst);
    let mut client = served.connect();
    client.send(&(get("/work?endless") + &get("/b")));
    until("it is in progress", || served.double.steps.done.load(Ordering::SeqCst) > 0);
    client.reset();
    until("it is dropped", || dropped() == 1 && served.counts().open == 0);
    // As it does while the work waits for room.
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    client.send(&get("/work?1-full"));
    until("it waits for room", || served.ledger.waiting_for_room() == 1);
    client.reset();
    until("it is dropped", || dropped() == 2 && served.counts().open == 0);
    served.ledger.make_room();
    served.check_serves();
}

#[test]
fn a_peer_that_has_sent_its_last_byte_still_gets_what_its_work_comes_to() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&get("/work?endless"));
    client.half_close();
    until("it is in progress", || served.double.steps.done.load(Ordering::SeqCst) > 100);
    served.settle();
    served.double.steps.is_enough.store(true, Ordering::SeqCst);
    assert!(client.reply().text().ends_with("steps\n"));
    client.check_ends_without_reset();
}

#[test]
fn work_that_does_not_end_is_cut_at_the_end_of_a_drain() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&get("/work?endless"));
    until("it is in progress", || served.double.steps.done.load(Ordering::SeqCst) > 0);
    assert!(!served.front.drain(SILENCE).finished);
    until("it is dropped", || served.double.steps.dropped.load(Ordering::SeqCst) == 1);
    assert!(client.try_reply().is_err());
    assert!(served.front.drain(Duration::from_secs(5)).finished);
}

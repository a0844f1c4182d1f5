//! What a front counts of its requests.

use std::time::{Duration, Instant};

use memory_tools::api::RouteNumber;
use memory_tools::front::requests::Counted;

use crate::wire::{GET, HEAD, Setting, Side, get, put, until};

/// The counts by method and status, as text.
fn lines(counted: &Counted) -> Vec<String> {
    let line = |((route, method, status), count): (&(RouteNumber, &str, &str), &u64)| {
        format!("{} {method} {status} {count}", route.label())
    };
    counted.requests.iter().map(line).collect()
}

pub fn each_request_is_counted_once_by_its_method_and_status(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    for request in [
        get("/a").repeat(3),
        put("/echo", "Content-Length: 3", "abc"),
        put("/gather?10", "Content-Length: 3", "abc"),
        put("/gather?10", "Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
        put("/intake", "Content-Length: 3", "abc"),
        get("/big?100000"),
        get("/work?3"),
    ] {
        client.send(&request);
        for _ in 0..request.matches(" HTTP/1.1").count() {
            assert_eq!(client.reply().status, 200, "{request}");
        }
    }
    let counted = served.counted(9);
    assert_eq!(lines(&counted), ["unknown GET 200 5", "unknown PUT 200 4"]);
    assert_eq!(counted.durations.values().map(|took| took.count()).collect::<Vec<_>>(), [9]);
}

pub fn what_the_front_refuses_is_counted_without_a_method(side: Side) {
    let served = side.serve(Setting::patient(2));
    for request in [
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(HEAD.target_bytes_max)),
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(),
    ] {
        let mut client = served.connect();
        client.send(&request);
        assert!(client.reply().status >= 400, "{request}");
    }
    until("they are gone", || served.counts().open == 0);
    let kept = [served.connect(), served.connect()].map(|mut client| {
        client.send(GET);
        assert_eq!(client.reply().status, 200);
        client
    });
    assert_eq!(served.connect().reply().status, 503, "{} are as many as there may be", kept.len());
    let refused = ["none none 400 1", "none none 414 1", "none none 503 1"];
    let [served_line, rest @ ..] = &lines(&served.counted(5))[..] else { panic!("some are served") };
    assert_eq!((served_line.as_str(), rest), ("unknown GET 200 2", &refused.map(str::to_owned)[..]));
}

pub fn a_stream_is_counted_when_it_has_ended(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/feed"));
    until("it waits", || served.double.feed.waiting() == 1);
    served.check_serves();
    assert_eq!(lines(&served.counted(1)), ["unknown GET 200 1"], "of the one that has ended");
    served.double.feed.say("end");
    served.double.feed.end();
    assert_eq!(client.reply().text(), "end");
    served.counted(2);
}

pub fn waiting_is_part_of_what_a_request_takes(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    let waiting = Instant::now();
    until("it has waited", || waiting.elapsed() >= Duration::from_millis(20));
    served.ledger.release(10);
    assert_eq!(client.reply().text(), "GET /lsn/10 1\n");
    let took: Duration = served.counted(1).durations.values().map(|took| took.sum()).sum();
    assert!(took >= Duration::from_millis(20), "{took:?}");
}

pub fn bytes_are_counted_both_ways(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    let body = "x".repeat(50_000);
    let request = put("/echo", "Content-Length: 50000", &body);
    client.send(&request);
    let reply = client.reply();
    let replied = (reply.head.len() + reply.body.len()) as u64;
    let counted = served.counted(1);
    // The pool knows bodies alone of what has come.
    let received = [body.len() as u64, request.len() as u64];
    assert!(received.contains(&counted.received), "{} of {received:?}", counted.received);
    // What was sent is counted behind it.
    let sent = || served.front.counters().requests.read().sent;
    until("all is sent", || sent() >= 50_000);
    assert!(sent() <= replied + 4, "{} of {replied}", sent());
}

//! What is counted of requests whose peer does not wait for the reply.

use std::sync::atomic::Ordering;

use crate::wire::{get, put, rules, serve_rules, until};

#[test]
fn a_request_whose_peer_has_gone_before_the_reply_is_counted_as_gone() {
    let served = serve_rules(rules());
    let gone = || until("it has gone", || served.counts().open == 0);
    for request in [get("/work?endless"), get("/lsn/7")] {
        let mut client = served.connect();
        client.send(&request);
        until("it is in progress", || {
            served.double.steps.done.load(Ordering::SeqCst) > 0 || served.ledger.waiting() > 0
        });
        client.reset();
        gone();
        served.double.steps.done.store(0, Ordering::SeqCst);
    }
    // Whoever has the first reply knows that the second request has begun.
    let mut client = served.connect();
    client.send(&(get("/a") + &put("/gather?10", "Content-Length: 5", "ab")));
    assert_eq!(client.reply().status, 200);
    client.reset();
    gone();
    let counted = served.counted(4).requests.into_iter().map(|((_, method, status), count)| (method, status, count));
    assert_eq!(counted.collect::<Vec<_>>(), [("GET", "200", 1), ("GET", "gone", 2), ("PUT", "gone", 1)]);
}

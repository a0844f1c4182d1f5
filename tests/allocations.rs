//! What a request costs in allocations, from its bytes to those of its reply, counted on the thread that serves it:
//! a real store and the reactor's session, without a socket.

#[path = "support/desk.rs"]
mod desk;
mod support;

use std::sync::Arc;

use allocation_counter::measure;
use desk::{Desk, rules};
use memory_tools::api::message::{Headers, Method, Request, RequestBody};

use memory_tools::base::health::Health;
use memory_tools::front::reactor::session::Session;
use memory_tools::journal::{Journal, Sequence};
use memory_tools::model::Lsn;
use support::door::{House, reply_to};

/// How often each request is repeated while allocations are counted.
const ROUNDS: u64 = 100;

struct NoFields;

impl Headers for NoFields {
    fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
}

/// A server with a small and a large document, and a collection with a small one.
fn house() -> House {
    let house = House::start(&[]);
    for (target, bytes) in
        [("/v1/docs/small", 1000), ("/v1/docs/large", 100_000), ("/v1/collections/users/docs/ada", 1000)]
    {
        let text = format!("\"{}\"", "x".repeat(bytes - 2));
        let body = RequestBody::Bytes(text.as_bytes());
        let request = Request { method: Method::Put, target, headers: &NoFields, body };
        assert_eq!(reply_to(house.server().api(), request).status, 201);
    }
    house
}

/// Allocations of each of `ROUNDS` turns of `requests`, whose replies have `reply_bytes` beside the thread's buffer.
fn allocations(requests: &str, status: &str, by_reference: usize) -> u64 {
    let house = house();
    let sequence = Sequence::new(Lsn(1), Lsn(1), Box::new(|_| Ok(())), Arc::new(Health::default()));
    let journal = Journal::off(sequence);
    let (mut desk, mut session) = (Desk::new(rules()), Session::new(0));
    let mut turn = || {
        let mut cx = desk.context(house.server().api(), &journal);
        session.receive(requests.as_bytes(), &mut cx);
        assert!(cx.out.starts_with(status.as_bytes()));
        let bytes = cx.out.len() + by_reference;
        session.sent(bytes, &mut cx);
        assert!(session.is_idle() && cx.out.is_empty());
    };
    // Buffers grow to their size.
    turn();
    turn();
    let info = measure(|| (0..ROUNDS).for_each(|_| turn()));
    assert_eq!(info.bytes_current, 0, "what was allocated was given back");
    info.count_total / ROUNDS
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n")
}

#[test]
fn a_get_that_hits_allocates_nothing() {
    assert_eq!(allocations(&get("/v1/docs/small"), "HTTP/1.1 200 OK\r\n", 0), 0);
}

#[test]
fn sixteen_pipelined_gets_allocate_nothing() {
    assert_eq!(allocations(&get("/v1/docs/small").repeat(16), "HTTP/1.1 200 OK\r\n", 0), 0);
}

#[test]
fn a_get_in_a_collection_allocates_nothing() {
    assert_eq!(allocations(&get("/v1/collections/users/docs/ada"), "HTTP/1.1 200 OK\r\n", 0), 0);
}

#[test]
fn sixteen_pipelined_gets_in_a_collection_allocate_nothing() {
    let requests = get("/v1/collections/users/docs/ada").repeat(16);
    assert_eq!(allocations(&requests, "HTTP/1.1 200 OK\r\n", 0), 0);
}

#[test]
fn a_head_that_hits_allocates_nothing() {
    let head = get("/v1/docs/large").replacen("GET", "HEAD", 1);
    assert_eq!(allocations(&head, "HTTP/1.1 200 OK\r\n", 0), 0);
}

/// The place in the queue of replies is kept from one to the next.
#[test]
fn a_get_of_a_large_document_allocates_nothing_and_copies_nothing() {
    assert_eq!(allocations(&get("/v1/docs/large"), "HTTP/1.1 200 OK\r\n", 100_000), 0);
}

//! The pool over real sockets: the facts of both fronts, and what is particular to a thread per connection and to the
//! library.

#[path = "wire/mod.rs"]
mod common;
#[path = "support/wire.rs"]
mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use memory_tools::api::message::BodyFault;
use memory_tools::base::health::Reason;
use memory_tools::front::Front;
use memory_tools::front::pool::PoolOptions;
use wire::{Client, GET, PATIENCE, SILENCE, Side, Threads, alone, get, pool_options, serve_pool, serve_pool_on, until};

common::over!(Side::Pool);

/// A timeout long enough to be out of the way.
fn patient(threads: usize) -> PoolOptions {
    PoolOptions { threads, socket_timeout: PATIENCE, ..pool_options() }
}

// What the library makes of a request.

#[test]
fn a_chunked_upgrade_is_refused_since_the_library_would_not_decode_it() {
    common::refusals::check_refused(Side::Pool, "Connection: upgrade\r\nTransfer-Encoding: chunked");
}

#[test]
fn the_library_knows_chunked_in_lower_case_only() {
    common::refusals::check_refused(Side::Pool, "Transfer-Encoding: Chunked");
}

#[test]
fn the_library_refuses_what_comes_before_a_request_and_other_versions() {
    common::refusals::check_heads(Side::Pool, &[("\r\n\r\n", 400), ("GET /a HTTP/1.2\r\nHost: x\r\n\r\n", 400)]);
}

/// The library takes the first for whole as well, and so nobody can tell it from the second.
#[test]
fn a_chunked_body_whose_end_is_unclear_is_refused() {
    for sent in ["5\r\n[1,2", "2\r\n12\r\n0\r\n\r\n"] {
        common::bodies::check_fault(Side::Pool, "Transfer-Encoding: chunked", sent, 411, BodyFault::EndUnclear);
    }
}

#[test]
fn clients_that_stall_are_gone_within_the_socket_timeout_and_others_are_served() {
    let (served, _) = serve_pool(pool_options());
    let started = Instant::now();
    let mut idle = served.connect();
    let mut in_head = served.connect();
    in_head.send("GET /a HTTP/1.1\r\nHo");
    let mut in_small_body = served.connect();
    in_small_body.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    let mut in_body = served.connect();
    in_body.send("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nabc");
    let mut in_chunk = served.connect();
    in_chunk.send("PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    for _ in 0..20 {
        served.check_serves();
    }
    for client in [&mut idle, &mut in_head, &mut in_small_body, &mut in_body, &mut in_chunk] {
        client.rest();
    }
    let elapsed = started.elapsed();
    assert!(elapsed >= SILENCE, "{elapsed:?}");
    assert!(elapsed < SILENCE * 6, "{elapsed:?}: about one timeout, and another for a body that is drained");
    until("their threads are free", || served.counts().open == 0);
    assert_eq!(served.double.faults().len(), 2);
}

#[test]
fn a_client_that_stalls_in_reading_its_reply_is_gone_within_the_socket_timeout() {
    let (served, _) = serve_pool(pool_options());
    let mut large = served.connect();
    large.send(&get("/big?100000000"));
    let mut small = served.connect();
    // Replies of some hundred bytes each, until the socket's buffers are full.
    let requests = GET.repeat(1000);
    until("the small replies fill the socket", || {
        small.send_bytes(requests.as_bytes()).is_err() || served.counts().open == 0
    });
    served.check_serves();
    until("their threads are free", || served.counts().open == 0);
}

#[test]
fn without_threads_a_connection_is_told_503_and_served_again_after() {
    let threads = Arc::new(Threads::default());
    let (served, _) = serve_pool_on(threads.clone(), patient(8));
    threads.exhausted.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    assert_eq!(client.reply().status, 503);
    threads.exhausted.store(false, Ordering::SeqCst);
    served.check_serves();
}

#[test]
fn out_of_descriptors_it_refuses_for_a_while_and_serves_again_after() {
    // With some kept, a connection is told 503; with none, accept(2) and the library's clone fail.
    alone("out_of_descriptors_it_refuses_for_a_while_and_serves_again_after", &["8", "0"], |kept| {
        let limit = 64;
        let soft = rustix::process::Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, soft).unwrap();
        let descriptors_kept = kept.parse().unwrap();
        let (served, pool) = serve_pool(PoolOptions { descriptors_kept, ..patient(512) });
        let counters = pool.counters();
        // The clients are in this process too: each connection costs three descriptors.
        let mut clients = Vec::new();
        for _ in 0..12 {
            let mut client = served.connect();
            client.send(GET);
            assert_eq!(client.reply().status, 200);
            clients.push(client);
        }
        // Take what is left but for one, which the next client needs to connect.
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        files.pop();
        if descriptors_kept > 0 {
            files.truncate(files.len().saturating_sub(4));
        }
        let mut refused = served.connect();
        if descriptors_kept > 0 {
            let reply = refused.reply();
            assert_eq!(reply.status, 503);
            assert!(reply.text().contains("\"code\":\"too_few_descriptors\""));
        } else {
            until("accepting fails", || counters.accept_errors.load(Ordering::Relaxed) > 0);
        }
        // Those that have a thread are served meanwhile.
        for client in &mut clients {
            client.send(GET);
            assert_eq!(client.reply().status, 200);
        }
        // One free descriptor, and the library unwraps the clone that needs a second.
        if descriptors_kept == 0 {
            drop(files.pop());
            until("the library panics or the waiting one is refused", || {
                counters.accept_errors.load(Ordering::Relaxed) > 1 || refused.is_closed()
            });
        }
        drop(files);
        drop(refused);
        until("it serves again", || {
            let mut client = served.connect();
            client.send_bytes(GET.as_bytes()).is_ok() && client.try_reply().is_ok_and(|reply| reply.status == 200)
        });
    });
}

#[test]
fn a_thread_lost_to_an_http_2_preface_is_noticed_counted_and_replaced() {
    let (served, pool) = serve_pool(PoolOptions { threads: 1, lost_threads_max: 1, ..pool_options() });
    let counters = pool.thread_counters();
    let mut first = served.connect();
    first.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    until("the loss is noticed", || counters.threads_lost.load(Ordering::Relaxed) == 1);
    assert!(served.health.is_ready());
    // Its replacement serves.
    served.check_serves();
    assert_eq!(counters.threads.load(Ordering::Relaxed), 2);
    // One more is beyond the bound.
    until("the place is free", || served.counts().open == 1);
    let mut second = served.connect();
    second.send("GET / HTTP/2.0\r\nHost: x\r\n\r\n");
    until("the loss is noticed", || served.health.holds(Reason::ThreadsLost));
    assert_eq!(counters.threads_lost.load(Ordering::Relaxed), 2);
    assert_eq!(served.connect().reply().status, 503);
}

#[test]
fn a_lost_thread_that_comes_back_answers_retires_and_is_taken_out_of_the_count() {
    let (served, pool) = serve_pool(PoolOptions { threads: 1, lost_threads_max: 0, ..pool_options() });
    let counters = pool.thread_counters();
    let mut client = served.connect();
    client.send("GET /slow-head HTTP/1.1\r\nHost: x\r\nA: ");
    until("the trickling head costs readiness", || {
        client.send("b");
        served.health.holds(Reason::ThreadsLost)
    });
    client.send("\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.text().as_str(), reply.field("Connection")), ("GET /slow-head 1\n", Some("close")));
    assert_eq!(client.rest(), "");
    until("it is ready again", || served.health.is_ready());
    until("the thread has retired", || counters.threads.load(Ordering::Relaxed) == 0);
    assert_eq!(counters.threads_lost.load(Ordering::Relaxed), 0);
    served.check_serves();
}

#[test]
fn drain_under_load_answers_every_request_it_took() {
    let (served, _) = serve_pool(patient(32));
    let address = served.address();
    let load: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Client::to(address);
                let mut answered = 0_usize;
                let started = Instant::now();
                loop {
                    assert!(started.elapsed() < PATIENCE, "no reply was the last");
                    client.send(GET);
                    // A kept connection is only closed by a reply that says so.
                    let reply = client.reply();
                    assert_eq!(reply.status, 200);
                    answered += 1;
                    if reply.field("Connection") == Some("close") {
                        return answered;
                    }
                }
            })
        })
        .collect();
    until("the load runs", || served.double.handled() > 1000);
    let drained = served.front.drain(PATIENCE);
    let answered: usize = load.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(drained.finished);
    assert_eq!(answered, served.double.handled());
}

#[test]
fn drain_leaves_idle_connections_and_reports_requests_that_do_not_finish() {
    let (served, _) = serve_pool(patient(4));
    let mut idle = served.connect();
    idle.send(GET);
    idle.reply();
    let drained = served.front.drain(PATIENCE);
    assert!(drained.finished);
    assert_eq!(drained.open, 1);

    let (served, _) = serve_pool(patient(4));
    let mut stuck = served.connect();
    stuck.send(&get("/slow"));
    until("it is in progress", || served.double.handled() == 1);
    let drained = served.front.drain(Duration::from_millis(100));
    assert!(!drained.finished);
    assert_eq!(drained.open, 1);
    served.double.gate.0.send(()).unwrap();
    assert_eq!(stuck.reply().status, 200);
}

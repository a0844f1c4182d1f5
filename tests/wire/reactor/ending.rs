//! Ends: of a client's sending, and of the server's.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use memory_tools::front::Drained;

use crate::wire::{
    Client, GET, PATIENCE, SILENCE, Served, Setting, Side, Withheld, get, put, rules, serve_rules, until,
};

#[test]
fn a_client_that_half_closes_behind_its_requests_gets_every_reply() {
    let served = serve_rules(rules());
    let mut client = served.connect();
    client.send(&(GET.repeat(300) + &get("/big?30000000")));
    client.half_close();
    for _ in 0..300 {
        assert_eq!(client.reply().text(), "GET /a 1\n");
    }
    assert_eq!(client.reply().body.len(), 30_000_000);
    client.check_ends_without_reset();
}

#[test]
fn an_end_between_requests_is_answered_with_an_end_and_one_within_a_head_with_400() {
    let served = serve_rules(rules());
    for (sent, is_begun) in
        [("", false), ("\r\n\r\n", false), ("\r", false), ("GET /a HT", true), ("GET /a HTTP/1.1\r\nHost: x\r\n", true)]
    {
        let mut client = served.connect();
        client.send(sent);
        client.half_close();
        if is_begun {
            assert_eq!(client.reply().status, 400);
        }
        client.check_ends_without_reset();
    }
    assert_eq!(served.double.handled(), 0);
}

/// Begins a drain, and waits until it has.
fn begin_drain(served: &Served, limit: Duration) -> std::thread::JoinHandle<Drained> {
    let front = Arc::clone(&served.front);
    let drain = std::thread::spawn(move || front.drain(limit));
    until("it has stopped accepting", || TcpStream::connect(served.address()).is_err());
    drain
}

#[test]
fn drain_closes_idle_connections_without_a_reset_and_ends_with_them() {
    let served = serve_rules(rules());
    let mut fresh = served.connect();
    let mut idle: Vec<Client> = (0..10).map(|_| served.connect()).collect();
    for client in &mut idle {
        client.send(GET);
        client.reply();
    }
    let drain = begin_drain(&served, PATIENCE);
    idle.iter_mut().for_each(Client::check_ends_without_reset);
    fresh.check_ends_without_reset();
    // The clients are still open on their side, and are not waited for for long.
    assert_eq!(drain.join().unwrap(), Drained { finished: true, open: 0 });
}

#[test]
fn drain_waits_for_bodies_that_arrive_and_for_replies_that_wait() {
    let served = serve_rules(rules());
    let mut sending = served.connect();
    sending.send(&put("/echo", "Content-Length: 6", "abc"));
    let mut waiting = served.connect();
    waiting.send(&get("/lsn/10"));
    until("the reply waits", || served.ledger.waiting() == 1);
    let mut reading = served.connect();
    reading.send(&get("/stream?50000000"));
    until("it is being answered", || served.double.handled() == 2);
    let drain = begin_drain(&served, PATIENCE);
    assert!(reading.reply().body.len() == 50_000_000);
    reading.check_ends_without_reset();
    sending.send("def");
    let reply = sending.reply();
    assert_eq!((reply.text().as_str(), reply.field("Connection")), ("abcdef", Some("close")));
    sending.check_ends_without_reset();
    assert!(!drain.is_finished());
    served.ledger.release(10);
    assert_eq!(waiting.reply().text(), "GET /lsn/10 1\n");
    waiting.check_ends_without_reset();
    assert_eq!(drain.join().unwrap(), Drained { finished: true, open: 0 });
}

#[test]
fn requests_that_were_sent_before_a_drain_are_answered_and_the_last_says_so() {
    let served = serve_rules(rules());
    served.ledger.release(10);
    let mut client = served.connect();
    client.send(&(get("/later") + &get("/b") + &get("/c")));
    until("it was asked", || served.double.handled() == 1);
    let drain = begin_drain(&served, PATIENCE);
    served.double.open_gate(1);
    for (text, connection) in [("later\n", None), ("GET /b 1\n", None), ("GET /c 1\n", Some("close"))] {
        let reply = client.reply();
        assert_eq!((reply.text().as_str(), reply.field("Connection")), (text, connection));
    }
    client.check_ends_without_reset();
    assert!(drain.join().unwrap().finished);
}

#[test]
fn a_drain_that_reaches_its_limit_says_what_is_open_and_the_threads_end_all_the_same() {
    let withheld = Arc::new(Withheld::default());
    let served = Side::Reactor.serve_on(withheld.clone(), Setting::patient(10));
    let threads = withheld.run();
    let mut stuck: Vec<Client> = (0..3).map(|_| served.connect()).collect();
    for client in &mut stuck {
        client.send(&get("/lsn/10"));
    }
    until("all wait", || served.ledger.waiting() == 3);
    let started = Instant::now();
    assert_eq!(served.front.drain(SILENCE), Drained { finished: false, open: 3 });
    assert!(started.elapsed() >= SILENCE);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // What they rest on comes too late, and harms nobody.
    served.ledger.release(10);
    stuck.iter_mut().for_each(|client| assert_eq!(client.rest(), ""));
}

/// How one client of `drain_under_load` fared.
#[derive(Default)]
struct Load {
    answered: usize,
}

/// Asks until it is told, or sees, that the connection ends. Every reply is whole, and there is no reset.
fn ask_until_the_end(mut client: Client) -> Load {
    let mut load = Load::default();
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < PATIENCE, "no reply was the last");
        if let Err(error) = client.send_bytes(GET.as_bytes()) {
            panic!("the connection was not ended cleanly: {error}");
        }
        match client.try_reply() {
            Ok(reply) => {
                assert_eq!(reply.status, 200);
                load.answered += 1;
                if reply.field("Connection") == Some("close") {
                    client.check_ends_without_reset();
                    return load;
                }
            }
            // The server had ended the idle connection when the request was on its way.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
                return load;
            }
        }
    }
}

#[test]
fn drain_under_load_answers_every_request_it_took_and_resets_nobody() {
    for _ in 0..5 {
        let served = Side::Reactor.serve(Setting::patient(100));
        let clients: Vec<_> = (0..32).map(|_| served.connect()).collect();
        let load: Vec<_> =
            clients.into_iter().map(|client| std::thread::spawn(move || ask_until_the_end(client))).collect();
        // Whoever is still in the backlog of a thread that has not run is told 503.
        until("all are let in", || served.counts().accepted == 32);
        until("the load runs", || served.double.handled() > 1000);
        let drained = served.front.drain(PATIENCE);
        let answered: usize = load.into_iter().map(|client| client.join().unwrap().answered).sum();
        assert_eq!(drained, Drained { finished: true, open: 0 });
        assert_eq!(answered, served.double.handled(), "what ran was answered, and nothing else");
    }
}

#[test]
fn a_write_that_waits_for_room_is_answered_by_a_drain_when_there_is_some() {
    let served = serve_rules(rules());
    served.double.is_full.store(true, Ordering::SeqCst);
    let mut client = served.connect();
    client.send(&put("/again", "Content-Length: 3", "abc"));
    until("it waits for room", || served.ledger.waiting_for_room() == 1);
    let drain = begin_drain(&served, PATIENCE);
    served.double.is_full.store(false, Ordering::SeqCst);
    served.ledger.make_room();
    let reply = client.reply();
    assert_eq!((reply.text().as_str(), reply.field("Connection")), ("abc", Some("close")));
    client.check_ends_without_reset();
    assert_eq!(drain.join().unwrap(), Drained { finished: true, open: 0 });
}

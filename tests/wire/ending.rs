//! The way down: what is in progress is answered, and the process does not outlive its own faults.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

use crate::wire::{Client, GET, PATIENCE, Setting, Side, Withheld, child, get, is_child, until};

pub fn drain_answers_every_request_that_began_and_closes_behind_it(side: Side) {
    let served = side.serve(Setting::patient(32));
    served.ledger.release(10);
    let mut clients: Vec<Client> = (0..16).map(|_| served.connect()).collect();
    for client in &mut clients {
        client.send(&get("/later"));
    }
    until("all are in progress", || served.double.handled() == 16);
    let front = Arc::clone(&served.front);
    let drain = std::thread::spawn(move || front.drain(PATIENCE));
    until("it has stopped accepting", || TcpStream::connect(served.address()).is_err());
    assert!(!drain.is_finished());
    served.double.open_gate(16);
    for client in &mut clients {
        let reply = client.reply();
        assert_eq!((reply.text().as_str(), reply.field("Connection")), ("later\n", Some("close")));
        client.check_ends_without_reset();
    }
    let drained = drain.join().unwrap();
    assert!(drained.finished);
    assert_eq!(drained.open, 0);
}

pub fn connections_in_the_backlog_are_told_that_the_server_drains(side: Side) {
    let withheld = Arc::new(Withheld::default());
    let served = side.serve_on(withheld.clone(), Setting::patient(1));
    let mut clients: Vec<Client> = (0..8).map(|_| served.connect()).collect();
    served.front.stop_accepting();
    let threads = withheld.run();
    for client in &mut clients {
        client.send(GET);
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
        assert!(reply.text().contains("\"code\":\"draining\""));
        client.check_ends_without_reset();
    }
    drop(clients);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let refused = TcpStream::connect(served.address()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(served.double.handled(), 0);
}

pub fn connections_wait_until_they_are_served(side: Side) {
    let withheld = Arc::new(Withheld::default());
    let served = side.serve_on(withheld.clone(), Setting::patient(1));
    let mut early = served.connect();
    early.send(GET);
    // The pool's acceptor starts its workers on threads of the same kind.
    until("the early one is served", || {
        withheld.run();
        early.is_readable()
    });
    assert_eq!(early.reply().status, 200);
}

pub fn a_panic_of_the_handler_aborts_the_process(side: Side) {
    let name = "a_panic_of_the_handler_aborts_the_process";
    if is_child() {
        let mut client = side.serve(Setting::patient(1)).connect();
        // The double unwraps this number.
        client.send(&get("/big?no-number"));
        // The connection may end before the process does.
        return until("the process aborts", || false);
    }
    let output = child(name, "panic");
    assert_eq!(output.status.signal(), Some(6), "aborted");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("a panic while answering a request") || text.contains("a panic while serving"), "{text}");
}

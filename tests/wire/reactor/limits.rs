//! Who is let in, and what happens when the operating system has nothing to give.

use std::fs::File;
use std::net::IpAddr;
use std::sync::Arc;

use memory_tools::front::reactor::ReactorOptions;

use crate::wire::{
    Client, GET, Setting, Side, Withheld, alone, reactor_options, rules, serve_reactor, serve_rules, until,
};

#[test]
fn one_address_has_as_many_connections_as_it_may_and_others_have_theirs() {
    let served = serve_reactor(ReactorOptions { connections_per_address_max: 2, ..reactor_options() });
    let asks = |client: &mut Client| {
        client.send(GET);
        client.reply()
    };
    let mut kept: Vec<Client> = (0..2).map(|_| served.connect()).collect();
    kept.iter_mut().for_each(|client| assert_eq!(asks(client).status, 200));
    let mut third = served.connect();
    let reply = third.reply();
    assert_eq!((reply.status, reply.field("Connection")), (503, Some("close")));
    assert!(reply.text().contains("connections_per_address_max"), "{}", reply.text());
    third.check_ends_without_reset();
    let other: IpAddr = "127.0.0.2".parse().unwrap();
    let mut others: Vec<Client> = (0..2).map(|_| Client::from_to(other, served.address())).collect();
    others.iter_mut().for_each(|client| assert_eq!(asks(client).status, 200));
    assert_eq!((served.counts().open, served.counts().refused), (4, 1));
    kept.pop();
    until("its place is free", || served.counts().open == 3);
    assert_eq!(asks(&mut served.connect()).status, 200);
    assert_eq!(served.double.handled(), 5, "of those who were turned away nothing ran");
}

#[test]
fn without_descriptors_a_client_is_told_so_and_served_again_after() {
    alone("limits::without_descriptors_a_client_is_told_so_and_served_again_after", &["descriptors"], |_| {
        let limit = rustix::process::Rlimit { current: Some(64), maximum: Some(64) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        let served = serve_rules(rules());
        let mut clients: Vec<Client> = (0..8).map(|_| served.connect()).collect();
        let mut ask_all = || {
            for client in &mut clients {
                client.send(GET);
                assert_eq!(client.reply().status, 200);
            }
        };
        ask_all();
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        // The clients are in this process too: one descriptor for each that connects.
        files.pop();
        let mut told = served.connect();
        let reply = told.reply();
        assert_eq!((reply.status, reply.field("Retry-After")), (503, Some("1")));
        assert!(reply.text().contains("\"code\":\"too_few_descriptors\""));
        assert!(served.counts().accept_errors > 0);
        files.pop();
        let errors = served.counts().accept_errors;
        let mut waiting = served.connect();
        waiting.send(GET);
        until("there is not even one to tell it", || served.counts().accept_errors > errors);
        ask_all();
        drop((told, files));
        // Whoever waited is told or served, and everybody after is served.
        assert!(matches!(waiting.reply().status, 200 | 503));
        until("it serves again", || {
            let mut client = served.connect();
            client.send_bytes(GET.as_bytes()).is_ok() && client.try_reply().is_ok_and(|reply| reply.status == 200)
        });
    });
}

#[test]
fn connections_that_are_reset_before_they_are_accepted_cost_nothing() {
    let withheld = Arc::new(Withheld::default());
    let served = Side::Reactor.serve_on(withheld.clone(), Setting::patient(100));
    let mut clients: Vec<Client> = (0..20).map(|_| served.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(GET));
    let kept = clients.split_off(10);
    clients.into_iter().for_each(Client::reset);
    withheld.run();
    for mut client in kept {
        assert_eq!(client.reply().text(), "GET /a 1\n");
    }
    until("all are gone", || served.counts().open == 0);
    served.check_serves();
}

#[test]
fn connections_are_spread_over_the_threads() {
    let served = serve_reactor(ReactorOptions { threads: 2, ..reactor_options() });
    until("both threads have served", || {
        served.check_serves();
        served.double.threads.lock().unwrap().len() == 2
    });
}

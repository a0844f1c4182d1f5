//! Streams that have nothing to say for a while.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use crate::wire::{Client, PATIENCE, SILENCE, Setting, Side, get, until};

/// Reads on until what came ends with `end`.
#[track_caller]
fn read_up_to(client: &mut Client, end: &str) -> String {
    let mut seen = Vec::new();
    until(end, || {
        while client.is_readable() {
            seen.extend(client.read_once());
        }
        seen.ends_with(end.as_bytes())
    });
    String::from_utf8(seen).unwrap()
}

pub fn a_stream_that_waits_goes_on_when_it_is_woken(side: Side) {
    let served = side.serve(Setting::patient(16));
    let feed = &served.double.feed;
    let mut client = served.connect();
    client.send(&(get("/feed") + &get("/b")));
    assert!(read_up_to(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 200 "), "its head does not wait");
    until("it waits", || feed.waiting() == 1);
    for text in ["one", "two", "three"] {
        feed.say(text);
        assert_eq!(read_up_to(&mut client, "\r\n"), format!("{:x}\r\n{text}\r\n", text.len()));
        until("it waits", || feed.waiting() == 1);
        // Woken for nothing, it waits again.
        feed.wake();
        until("it waits again", || feed.waiting() == 1);
        served.check_serves();
    }
    feed.say("end");
    feed.end();
    assert!(read_up_to(&mut client, "GET /b 1\n").starts_with("3\r\nend\r\n0\r\n\r\nHTTP/1.1 200 "));
    assert_eq!(feed.dropped(), 1);
    client.send(&get("/feed"));
    assert_eq!(client.reply().text(), "onetwothreeend", "one that need not wait");
}

pub fn a_stream_that_waits_is_pulled_when_its_time_has_come(side: Side) {
    let served = side.serve(Setting::patient(16));
    for target in ["/feed?30", "/feed?30-deaf"] {
        let mut client = served.connect();
        let started = Instant::now();
        client.send(&get(target));
        for _ in 0..3 {
            assert!(read_up_to(&mut client, "beat\n\r\n").len() < 500);
        }
        assert!(started.elapsed().as_millis() >= 90, "{:?}", started.elapsed());
        client.reset();
    }
}

pub fn a_stream_that_waits_is_cut_by_no_timeout(side: Side) {
    let brisk = Setting { silence: SILENCE, read_timeout: SILENCE, write_timeout: SILENCE, ..Setting::patient(16) };
    let served = side.serve(brisk);
    let mut client = served.connect();
    client.send(&get("/feed"));
    until("it waits", || served.double.feed.waiting() == 1);
    let started = Instant::now();
    until("time passes", || started.elapsed() > SILENCE * 3);
    assert_eq!(served.double.feed.dropped(), 0);
    served.double.feed.say("still here");
    read_up_to(&mut client, "still here\r\n");
    served.double.feed.end();
    assert_eq!(read_up_to(&mut client, "0\r\n\r\n"), "0\r\n\r\n");
}

pub fn a_stream_that_waits_ends_when_the_server_stops(side: Side) {
    let served = side.serve(Setting::patient(16));
    let feed = &served.double.feed;
    feed.say("all");
    let mut clients = [served.connect(), served.connect(), served.connect()];
    clients[0].send(&get("/feed"));
    clients[1].send("GET /feed HTTP/1.0\r\n\r\n");
    clients[2].send("GET /feed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    until("they wait", || feed.waiting() == 3);
    let front = Arc::clone(&served.front);
    let drain = std::thread::spawn(move || front.drain(PATIENCE));
    for client in &mut clients {
        assert_eq!(client.reply().text(), "all");
    }
    assert!(drain.join().unwrap().finished);
    until("they are dropped", || feed.dropped() == 3);
    assert!(TcpStream::connect(served.address()).is_err());
}

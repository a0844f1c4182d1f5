//! The feed of changes: what it tells, from where on, for how long, and to how many.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use memory_tools::api::message::{Method, Part, Pulled, Request, RequestBody, ResponseBody};
use serde_json::Value;

use crate::over_every_door;
use crate::scenario;
use crate::support::delivery::Socket;
use crate::support::door::{Fields, House, REACTOR, reply_to};
use crate::support::http::{Answer, Client};
use crate::support::scenario::{Step, delete, get, put, send};

/// No reply takes longer than this in a test that passes.
const PATIENCE: Duration = Duration::from_secs(60);
const POOL: &[(&str, &str)] = &[("front", "pool")];
const EVENTS: (&str, &str) = ("Accept", "text/event-stream");

/// A server over each front, with `flags` besides.
fn each_front(flags: &[(&str, &str)], test: impl Fn(&mut House)) {
    for front in [POOL, REACTOR] {
        test(&mut House::start(&[front, flags].concat()));
    }
}

fn ask(client: &mut Client, target: &str) -> (u16, String) {
    let answer = client.send("GET", target, &[], b"");
    (answer.status, String::from_utf8(answer.body).unwrap())
}

/// Waits until so many readers are connected.
fn until_readers(house: &House, count: usize) {
    let mut client = house.client();
    let line = format!("\nmemory_tools_changes_connections {count}\n");
    while !ask(&mut client, "/metrics").1.contains(&line) {
        thread::yield_now();
    }
}

/// What a request for changes is answered while `meanwhile` runs, which begins when it waits.
fn while_waiting(house: &House, target: &str, meanwhile: impl FnOnce()) -> Answer {
    let mut client = house.client();
    thread::scope(|scope| {
        let reader = scope.spawn(move || client.send("GET", target, &[], b""));
        until_readers(house, 1);
        meanwhile();
        reader.join().unwrap()
    })
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[test]
fn changes_are_told_in_order_from_any_lsn_that_is_kept() {
    over_every_door(&[scenario!(
        "each change is a line, and a new collection is none";
        put("/v1/docs/a", "1").gives(201),
        put("/v1/docs/b?ttl=10s", "2").gives(201),
        put("/v1/docs/a?only=ttl&ttl=20s", ""),
        delete("/v1/docs/b").gives(204),
        put("/v1/collections/c/docs/%22x%22", "{\"a\":\r\n1}").gives(201),
        delete("/v1/collections/c").gives(204),
        // Whatever is acknowledged may be told.
        Step::Advance(0),
        get("/v1/changes?since=0").field("Content-Type", "application/x-ndjson").field("Cache-Control", "no-cache").body(
            "{\"lsn\":1,\"op\":\"put\",\"collection\":null,\"key\":\"a\",\"version\":1}\n\
             {\"lsn\":2,\"op\":\"put\",\"collection\":null,\"key\":\"b\",\"version\":2,\"expires_at\":\"2026-11-22T19:00:10.000Z\"}\n\
             {\"lsn\":3,\"op\":\"ttl\",\"collection\":null,\"key\":\"a\",\"expires_at\":\"2026-11-22T19:00:20.000Z\"}\n\
             {\"lsn\":4,\"op\":\"delete\",\"collection\":null,\"key\":\"b\"}\n\
             {\"lsn\":6,\"op\":\"put\",\"collection\":\"c\",\"key\":\"\\\"x\\\"\",\"version\":6}\n\
             {\"lsn\":7,\"op\":\"drop\",\"collection\":\"c\"}\n",
        ),
        get("/v1/changes?since=6").body("{\"lsn\":7,\"op\":\"drop\",\"collection\":\"c\"}\n"),
        get("/v1/changes?since=0&prefix=b&values").body(
            "{\"lsn\":2,\"op\":\"put\",\"collection\":null,\"key\":\"b\",\"version\":2,\"expires_at\":\"2026-11-22T19:00:10.000Z\",\
             \"value\":2}\n{\"lsn\":4,\"op\":\"delete\",\"collection\":null,\"key\":\"b\"}\n{\"lsn\":7,\"op\":\"drop\",\"collection\":\"c\"}\n",
        ),
        get("/v1/changes?since=0&collection=c&values").body(
            "{\"lsn\":6,\"op\":\"put\",\"collection\":\"c\",\"key\":\"\\\"x\\\"\",\"version\":6,\"text\":\"{\\\"a\\\":\\r\\n1}\"}\n\
             {\"lsn\":7,\"op\":\"drop\",\"collection\":\"c\"}\n",
        ),
        get("/v1/changes?since=3&collection=").body("{\"lsn\":4,\"op\":\"delete\",\"collection\":null,\"key\":\"b\"}\n"),
        get("/v1/changes?since=3&collection=&collection=c").body(
            "{\"lsn\":4,\"op\":\"delete\",\"collection\":null,\"key\":\"b\"}\n\
             {\"lsn\":6,\"op\":\"put\",\"collection\":\"c\",\"key\":\"\\\"x\\\"\",\"version\":6}\n\
             {\"lsn\":7,\"op\":\"drop\",\"collection\":\"c\"}\n",
        ),
        send("HEAD", "/v1/changes").body(""),
        send("HEAD", "/v1/changes?since=8").gives(410),
        get("/v1/changes?since=8").gives(410).containing("\"code\":\"changes_gone\"").containing("\"floor\":0")
            .containing("\"newest\":7"),
        get("/v1/changes?since=99999999999999999999").gives(410),
        get("/v1/changes?since=-1").gives(400).containing("\"code\":\"parameter_invalid\""),
        get("/v1/changes?since=").gives(400),
        get("/v1/changes?timeout=0").gives(400),
        get("/v1/changes?collection=a/b").gives(400).containing("\"code\":\"collection_name_invalid\""),
        get("/v1/changes?sincd=1").gives(400).containing("did you mean since?"),
    )]);
}

#[test]
fn a_reader_that_goes_on_behind_the_newest_is_not_lost_by_a_clean_restart() {
    over_every_door(&[scenario!(
        "what is before the restart is gone, and what is behind it is not";
        put("/v1/docs/a", "1").gives(201),
        put("/v1/docs/a", "2"),
        Step::Restart,
        get("/v1/changes?since=1").gives(410).containing("\"floor\":2"),
        put("/v1/docs/a", "3"),
        Step::Advance(0),
        get("/v1/changes?since=2").body("{\"lsn\":3,\"op\":\"put\",\"collection\":null,\"key\":\"a\",\"version\":3}\n"),
    )]);
}

/// The journal keeps what the snapshot before the newest needs.
#[test]
fn a_reader_goes_on_over_restarts_as_long_as_the_journal_has_what_comes_next() {
    over_every_door(&[scenario!(
        "what the newest snapshot holds is told, too";
        put("/v1/docs/a", "1").gives(201),
        Step::Restart,
        put("/v1/docs/a", "2"),
        put("/v1/collections/c/docs/a?ttl=1h", "3").gives(201),
        delete("/v1/docs/a").gives(204),
        Step::Restart,
        put("/v1/docs/a", "4").gives(201),
        get("/v1/changes?since=5").containing("\"lsn\":6"),
        get("/v1/changes?since=1&values").body(
            "{\"lsn\":2,\"op\":\"put\",\"collection\":null,\"key\":\"a\",\"version\":2,\"value\":2}\n\
             {\"lsn\":4,\"op\":\"put\",\"collection\":\"c\",\"key\":\"a\",\"version\":4,\
             \"expires_at\":\"2026-11-22T20:00:00.000Z\",\"value\":3}\n\
             {\"lsn\":5,\"op\":\"delete\",\"collection\":null,\"key\":\"a\"}\n\
             {\"lsn\":6,\"op\":\"put\",\"collection\":null,\"key\":\"a\",\"version\":6,\"value\":4}\n",
        ),
        get("/v1/changes?since=0").gives(410).containing("\"floor\":1"),
    )]);
}

#[test]
fn a_request_waits_for_the_first_change_that_it_asks_for() {
    each_front(&[], |house| {
        let answer = while_waiting(house, "/v1/changes?prefix=k", || {
            let mut client = house.client();
            client.send("PUT", "/v1/docs/other", &[], b"1");
            client.send("PUT", "/v1/docs/k", &[], b"1");
        });
        assert_eq!(text(&answer), "{\"lsn\":2,\"op\":\"put\",\"collection\":null,\"key\":\"k\",\"version\":2}\n");
    });
}

#[test]
fn a_request_whose_time_is_over_says_up_to_where_nothing_was() {
    each_front(&[], |house| {
        let answer = while_waiting(house, "/v1/changes?timeout=20ms&prefix=k", || {
            house.client().send("PUT", "/v1/docs/other", &[], b"1");
            house.clock.advance(20);
        });
        assert_eq!(text(&answer), "{\"lsn\":1}\n");
        until_readers(house, 0);
    });
}

/// A connection whose reply is read as it comes.
struct Raw {
    socket: Socket,
    seen: String,
}

impl Raw {
    fn ask(house: &House, request: &str) -> Raw {
        let mut socket = Socket::connect(&house.server().endpoints()[0], PATIENCE).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        Raw { socket, seen: String::new() }
    }

    /// Reads on until `text` has come, and forgets what was up to its end.
    fn read_up_to(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let count =
                self.socket.read(&mut buffer).unwrap_or_else(|error| panic!("{text:?}: {error}: {}", self.seen));
            assert!(count > 0, "{text:?} has not come: {:?}", self.seen);
            self.seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
    }
}

#[test]
fn events_go_on_until_the_time_is_over_and_begin_behind_the_last_one() {
    each_front(&[], |house| {
        let mut client = house.client();
        client.send("PUT", "/v1/docs/a", &[], b"[\n1]");
        client.send("PUT", "/v1/docs/b", &[], b"2");
        let mut events = Raw::ask(
            house,
            "GET /v1/changes?since=0&values&timeout=1m HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\
             Last-Event-ID: 1\r\n\r\n",
        );
        events.read_up_to("Content-Type: text/event-stream\r\n");
        events.read_up_to(
            ":\nid: 1\n\nid: 2\ndata: {\"lsn\":2,\"op\":\"put\",\"collection\":null,\"key\":\"b\",\"version\":2,\"value\":2}\n\n",
        );
        client.send("DELETE", "/v1/docs/a", &[], b"");
        events.read_up_to("id: 3\ndata: {\"lsn\":3,\"op\":\"delete\",\"collection\":null,\"key\":\"a\"}\n\n");
        // The heartbeat is due, and the write has it looked at.
        house.clock.advance(15_000);
        client.send("PUT", "/v1/docs/c", &[], b"[\n3]");
        let event = "{\"lsn\":4,\"op\":\"put\",\"collection\":null,\"key\":\"c\",\"version\":4,\"text\":\"[\\n3]\"}";
        events.read_up_to(&format!(":\nid: 3\n\nid: 4\ndata: {event}\n\n"));
        house.clock.advance(45_000);
        client.send("DELETE", "/v1/docs/b", &[], b"");
        events.read_up_to("id: 5\n");
        events.read_up_to("0\r\n\r\n");
        until_readers(house, 0);
    });
}

#[test]
fn there_are_so_many_readers_and_each_makes_room_when_it_ends() {
    each_front(&[("changes-connections-max", "1")], |house| {
        let mut client = house.client();
        while_waiting(house, "/v1/changes", || {
            let answer = client.send("GET", "/v1/changes", &[], b"");
            assert_eq!(answer.status, 429);
            assert!(answer.headers.iter().any(|(name, value)| name == "Retry-After" && value == "1"));
            assert!(text(&answer).contains("\"code\":\"changes_busy\""), "{}", text(&answer));
            client.send("PUT", "/v1/docs/a", &[], b"1");
        });
        until_readers(house, 0);
        assert_eq!(ask(&mut client, "/v1/changes?since=0").0, 200);
    });
}

#[test]
fn a_feed_that_is_off_says_so() {
    each_front(&[("changes-entries-max", "0")], |house| {
        let (status, body) = ask(&mut house.client(), "/v1/changes");
        assert!(status == 404 && body.contains("\"code\":\"changes_off\""), "{status} {body}");
    });
}

#[test]
fn a_reader_that_is_too_slow_is_told_and_let_go() {
    let house = House::start(&[("changes-entries-max", "2")]);
    let request = Request {
        method: Method::Get,
        target: "/v1/changes?since=0",
        headers: &Fields(&[EVENTS]),
        body: RequestBody::Bytes(b""),
    };
    let ResponseBody::Stream(mut stream) = reply_to(house.server().api(), request).body else { panic!("a stream") };
    let mut client = house.client();
    for _ in 0..3 {
        client.send("PUT", "/v1/docs/a", &[], b"1");
    }
    let mut part = Part::new();
    assert_eq!(stream.pull(&mut part), Pulled::Ended);
    let told: Vec<u8> = part.pieces().iter().flat_map(|piece| piece.bytes().to_vec()).collect();
    assert_eq!(String::from_utf8(told).unwrap(), ":\nid: 0\n\nevent: gone\ndata: {\"floor\":1}\n\n");
    drop(stream);
    until_readers(&house, 0);
    assert!(ask(&mut client, "/metrics").1.contains("\nmemory_tools_changes_lost_total 1\n"));
    assert_eq!(ask(&mut client, "/v1/changes?since=0").0, 410);
}

/// Its socket is full, and so it is not even tried to tell it more; the writes go on as if it were not there.
#[test]
fn a_reader_that_takes_nothing_keeps_nobody_waiting_and_loses_its_place() {
    const WRITES: usize = 600;
    each_front(&[("changes-bytes-max", "256KiB")], |house| {
        let mut client = house.client();
        assert_eq!(client.send("PUT", "/v1/docs/a", &[], b"1").status, 201);
        let request = "GET /v1/changes?since=0&values HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n";
        let mut reader = Raw::ask(house, request);
        reader.read_up_to("\"value\":1}\n\n");
        let document = format!("\"{}\"", "x".repeat(32 << 10));
        for _ in 0..WRITES {
            assert_eq!(client.send("PUT", "/v1/docs/a", &[], document.as_bytes()).status, 200);
        }
        reader.read_up_to("event: gone\ndata: {\"floor\":");
        reader.read_up_to("0\r\n\r\n");
        until_readers(house, 0);
        assert!(ask(&mut client, "/metrics").1.contains("\nmemory_tools_changes_lost_total 1\n"));
    });
}

/// Eight write, and one asks for what is next until it has all of it.
#[test]
fn a_reader_sees_every_change_once_and_in_order_whoever_writes() {
    const EACH: u64 = 100;
    for journal in ["everysec", "off"] {
        each_front(&[("journal", journal)], |house| {
            let mut lsns: Vec<u64> = Vec::new();
            thread::scope(|scope| {
                for writer in 0..8 {
                    let mut client = house.client();
                    scope.spawn(move || {
                        for number in 0..EACH {
                            let target = format!("/v1/docs/{writer}-{}", number % 7);
                            client.send("PUT", &target, &[], b"[1]");
                        }
                    });
                }
                let mut client = house.client();
                while lsns.len() < 8 * EACH as usize {
                    let since = lsns.last().copied().unwrap_or(0);
                    let (status, body) = ask(&mut client, &format!("/v1/changes?since={since}"));
                    assert_eq!(status, 200, "{body}");
                    let lsn = |line: &str| serde_json::from_str::<Value>(line).unwrap()["lsn"].as_u64().unwrap();
                    lsns.extend(body.lines().map(lsn));
                }
            });
            assert_eq!(lsns, (1..=8 * EACH).collect::<Vec<_>>(), "journal {journal}");
        });
    }
}

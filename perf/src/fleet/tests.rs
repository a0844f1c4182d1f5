//! Fleets beside servers that answer, err and stall as they are told.

use super::*;
use crate::pace::{Pace, Schedule};
use crate::template::Template;
use crate::workload::{Workload, document};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// How a server misbehaves on each connection, by the number of the request.
#[derive(Clone, Copy)]
struct Faults {
    /// Answers are wrong from this one on.
    wrong_at: u64,
    /// The answer to this one comes so much later.
    stall_at: (u64, Duration),
}

const NONE: Faults = Faults { wrong_at: u64::MAX, stall_at: (u64::MAX, Duration::ZERO) };

/// Answers every request on every connection with the document of the key in it, but for `faults`.
fn serve(document: &Template, faults: Faults) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let document = document.clone();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let document = document.clone();
            std::thread::spawn(move || answer(stream, &document, faults));
        }
    });
    address
}

fn answer(mut stream: TcpStream, document: &Template, faults: Faults) -> Option<()> {
    let mut unread = Vec::new();
    for answered in 0.. {
        let end = loop {
            if let Some(at) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut part = [0; 4096];
            let bytes = stream.read(&mut part).ok().filter(|&bytes| bytes > 0)?;
            unread.extend_from_slice(&part[..bytes]);
        };
        let head = String::from_utf8(unread.drain(..end).collect()).unwrap();
        let key = head.split_once("key:").unwrap().1.split(' ').next().unwrap().parse::<u32>().unwrap();
        let mut reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", document.len()).into_bytes();
        document.append(if answered < faults.wrong_at { key } else { key + 1 }, &mut reply);
        let (stall_at, stall) = faults.stall_at;
        let resumes = Instant::now() + stall;
        while answered == stall_at && Instant::now() < resumes {
            std::thread::yield_now();
        }
        stream.write_all(&reply).ok()?;
    }
    None
}

fn session(workload: &Workload, keys: Keys, pace: Pace) -> Session<'_> {
    Session { workload, keys, pace, tally: Tally::new() }
}

#[test]
fn every_key_is_asked_for_once_over_all_connections() {
    let document = document(64).unwrap();
    let server = serve(&document, NONE);
    let get = Workload::get(server, &document);
    let tally =
        Fleet::open(server, 3).unwrap().exhaust(session(&get, Keys::once(0..1000), Pace::Window(8)), |_| {}).unwrap();
    assert_eq!((tally.answered, tally.latency_ns.len()), (1000, 1000));
}

#[test]
fn a_window_counts_what_was_answered_between_its_edges() {
    let document = document(20_000).unwrap();
    let server = serve(&document, NONE);
    let get = Workload::get(server, &document);
    let mut fleet = Fleet::open(server, 4).unwrap();
    let (warm_up, duration) = (Duration::from_millis(20), Duration::from_millis(200));
    let asked = session(&get, Keys::uniform(1, 100), Pace::Window(1));
    let window = fleet.measure(asked, warm_up, duration, &[std::process::id()]).unwrap();
    assert!(window.tally.answered > 0 && window.tally.latency_ns.len() == window.tally.answered);
    assert!(window.tally.reply_bytes > window.tally.answered * 20_000);
    assert!(window.elapsed >= duration, "{:?}", window.elapsed);
    assert!(window.due_per_second.is_none() && window.tally.series.is_none());
    let pace = Pace::Schedule(Schedule::new(Instant::now(), 1000.0));
    let asked = session(&get, Keys::uniform(1, 100), pace);
    let window = fleet.measure(asked, Duration::ZERO, warm_up, &[std::process::id()]).unwrap();
    assert!(window.due_per_second == Some(1000.0) && window.tally.series.is_some());
}

#[test]
fn a_schedule_is_kept_by_whichever_connection_is_free() {
    let document = document(64).unwrap();
    let server = serve(&document, NONE);
    let get = Workload::get(server, &document);
    let mut fleet = Fleet::open(server, 4).unwrap();
    let start = Instant::now();
    assert_eq!(on_schedule(&mut fleet, &get, 200).latency_ns.len(), 200);
    assert!(start.elapsed() >= Duration::from_millis(199));
}

/// Asks for keys `0..count`, one a millisecond, until all are answered, however long a busy machine takes for it.
fn on_schedule(fleet: &mut Fleet, workload: &Workload, count: u32) -> Tally {
    let start = Instant::now();
    let pace = Pace::Schedule(Schedule::new(start, 1000.0));
    let session = Session { workload, keys: Keys::once(0..count), pace, tally: Tally::over_time(start) };
    fleet.exhaust(session, |_| {}).unwrap()
}

#[test]
fn what_was_due_during_a_stall_is_as_late_as_the_stall_was_long() {
    const STALL: Duration = Duration::from_millis(200);
    let document = document(64).unwrap();
    // In the middle of the second tenth of a second.
    let server = serve(&document, Faults { stall_at: (150, STALL), ..NONE });
    let get = Workload::get(server, &document);
    let mut fleet = Fleet::open(server, 1).unwrap();
    let tally = on_schedule(&mut fleet, &get, 400);
    let latencies = tally.latency_ns.iter_recorded();
    let late: u64 = latencies
        .filter(|latency| latency.value_iterated_to() > 100_000_000)
        .map(|latency| latency.count_at_value())
        .sum();
    // One a millisecond: those of the first half of the stall wait for more than its second half.
    assert!(late >= 80, "{late}");
    let slowest: Vec<f64> = tally.series.unwrap().slices().iter().map(|slice| slice.max_us).collect();
    assert!(slowest[1] > 190_000.0, "the second tenth of a second is that of the stall: {slowest:?}");

    let server = serve(&document, Faults { stall_at: (100, STALL), ..NONE });
    let get = Workload::get(server, &document);
    let asked = session(&get, Keys::once(0..400), Pace::Window(1));
    let tally = Fleet::open(server, 1).unwrap().exhaust(asked, |_| {}).unwrap();
    assert!(tally.latency_ns.max() >= 200_000_000 && tally.latency_ns.value_at_quantile(0.99) < 100_000_000);
}

#[test]
fn one_wrong_answer_fails_the_run() {
    let document = document(64).unwrap();
    let server = serve(&document, Faults { wrong_at: 50, ..NONE });
    let get = Workload::get(server, &document);
    let error =
        Fleet::open(server, 2).unwrap().exhaust(session(&get, Keys::once(0..1000), Pace::Window(1)), |_| {}).err();
    let error = error.unwrap().to_string();
    assert!(error.starts_with("wrong answer to GET of key "), "{error}");
}

#[test]
fn who_stays_awake_sleeps_through_no_turn_without_an_answer() {
    let document = document(64).unwrap();
    let server = serve(&document, NONE);
    let get = Workload::get(server, &document);
    // A connection says at first that it can be written to; after that nobody has anything to say.
    let quickest_of_some = |mut fleet: Fleet| {
        let mut silent = session(&get, Keys::none(), Pace::Window(1));
        let turns = (0..5).map(|_| {
            let begun = Instant::now();
            fleet.turn(&mut silent).unwrap();
            begun.elapsed()
        });
        turns.skip(2).min().unwrap()
    };
    assert!(quickest_of_some(Fleet::open(server, 1).unwrap().awake()) < TURN_MAX / 2);
    assert!(quickest_of_some(Fleet::open(server, 1).unwrap()) >= TURN_MAX);
}

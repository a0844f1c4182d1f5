//! Stopping the real binary: what was acknowledged is kept, what has begun is answered, nothing waits for ever.

mod support;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::dice::{self, Dice};
use support::http::{Answer, Client, head};
use support::marked;
use support::process::{FRONTS, Ground, Server};

/// Longer than any test: whatever ends earlier did not end by a timeout.
const FOR_EVER: &[&str] = &[
    "--read-timeout",
    "10m",
    "--write-timeout",
    "10m",
    "--idle-timeout",
    "10m",
    "--pool-socket-timeout",
    "10m",
    "--shutdown-timeout",
    "10m",
];

/// A PUT of a document that the server has begun to read and that is not sent to its end.
struct Unfinished {
    client: Client,
    document: String,
}

impl Unfinished {
    fn begin(server: &Server, key: &str) -> Unfinished {
        let mut client = server.client();
        let document = marked::write(key, 1, 5000);
        let expect = &[("Expect", "100-continue")];
        client.begin("PUT", &format!("/v1/docs/{key}"), expect, document.len()).unwrap();
        // The server asks for the body when it begins to read it: from here on the request is in progress.
        assert_eq!(client.answer().unwrap().status, 100);
        client.write(&document.as_bytes()[..1000]).unwrap();
        Unfinished { client, document }
    }

    fn finish(mut self) -> Answer {
        self.client.write(&self.document.as_bytes()[1000..]).unwrap();
        self.client.answer().unwrap()
    }
}

/// Sends `signal` and waits until the server has taken notice.
fn begin_stop(server: &Server, signal: Signal) {
    server.process.signal(signal);
    server.process.wait_for_stderr("memory-tools: stopping: ");
}

fn put(client: &mut Client, target: &str, document: &str) -> Answer {
    let answer = client.send("PUT", target, &[], document.as_bytes());
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer
}

fn get(client: &mut Client, target: &str) -> Answer {
    client.send("GET", target, &[], b"")
}

fn seconds(answer: &Answer) -> f64 {
    answer.header("MT-TTL").expect("a time to live").parse().expect("a number")
}

#[test]
fn everything_acknowledged_is_there_after_a_stop_and_a_start() {
    for front in FRONTS {
        for signal in [Signal::TERM, Signal::INT] {
            let ground = Ground::over(front);
            let server = ground.start(&[]);
            let mut client = server.client();
            let targets = ["/v1/docs/plain", "/v1/docs/timed?ttl=1h", "/v1/collections/c/docs/timed?ttl=1h"];
            for target in targets {
                put(&mut client, target, "{ \"x\" : 1.0 }");
            }
            put(&mut client, "/v1/docs/deleted", "1");
            assert_eq!(client.send("DELETE", "/v1/docs/deleted", &[], b"").status, 204);
            put(&mut client, "/v1/docs/brief?ttl=1ms", "1");
            let paths = targets.map(|target| target.split('?').next().unwrap());
            let before = paths.map(|path| get(&mut client, path));
            begin_stop(&server, signal);
            let ended = server.process.wait();
            assert_eq!(ended.code, Some(0), "{signal:?}: {ended:?}");

            let server = ground.start(&[]);
            let mut client = server.client();
            for (path, before) in paths.iter().zip(before) {
                let after = get(&mut client, path);
                assert_eq!((after.status, &after.body), (200, &before.body), "{path}");
                for field in ["ETag", "MT-Expires-At"] {
                    assert_eq!(after.header(field), before.header(field), "{path} {field}");
                }
                if after.header("MT-Expires-At").is_some() {
                    let (left, left_before) = (seconds(&after), seconds(&before));
                    assert!(left <= left_before && left > left_before - 600.0, "{path}: {left_before} then {left}");
                }
            }
            let metrics = get(&mut client, "/metrics").text().to_owned();
            assert!(metrics.contains("\nmemory_tools_snapshot_last_success_timestamp_seconds "), "{metrics}");
            for path in ["/v1/docs/deleted", "/v1/docs/brief"] {
                assert_eq!(get(&mut client, path).status, 404, "{path}");
            }
            let newest = put(&mut client, "/v1/docs/deleted", "2").version();
            // Five documents, a collection and a deletion took one each.
            assert_eq!(newest, 8, "a clean stop goes on with the exact next number");
            server.stop();
        }
    }
}

#[test]
fn requests_in_progress_at_the_signal_are_answered_and_kept() {
    for front in FRONTS {
        for signal in [Signal::TERM, Signal::INT] {
            let ground = Ground::over(front);
            let server = ground.start(FOR_EVER);
            let unfinished = Unfinished::begin(&server, "slow");
            let mut open = server.client();
            assert_eq!(get(&mut open, "/livez").status, 200);
            begin_stop(&server, signal);

            // A connection that was open may bring one more request while the pool drains; its write is acknowledged.
            // The reactor closes it, cleanly.
            let document = marked::write("during-the-drain", 2, 2000);
            let mut kept = vec![("slow", 1)];
            if front == "pool" {
                open.begin("PUT", "/v1/docs/during-the-drain", &[], document.len()).unwrap();
                open.write(document.as_bytes()).unwrap();
                let answer = open.answer().unwrap();
                assert_eq!((answer.status, answer.header("Connection")), (201, Some("close")), "{answer:?}");
                kept.push(("during-the-drain", 2));
            } else {
                assert_eq!(open.answer().unwrap_err().kind(), ErrorKind::UnexpectedEof);
            }
            let answer = unfinished.finish();
            assert_eq!((answer.status, answer.header("Connection")), (201, Some("close")), "{answer:?}");
            let ended = server.process.wait();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(!ended.stderr.contains("cut off"), "{ended:?}");

            let server = ground.start(&[]);
            for (key, counter) in kept {
                assert_eq!(marked::read(key, &get(&mut server.client(), &format!("/v1/docs/{key}")).body), counter);
            }
            server.stop();
        }
    }
}

#[test]
fn shutdown_timeout_bounds_a_request_that_never_ends() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(&[FOR_EVER, &["--shutdown-timeout", "300ms"]].concat());
        put(&mut server.client(), "/v1/docs/acknowledged", "1");
        let stuck = Unfinished::begin(&server, "stuck");
        let told = Instant::now();
        begin_stop(&server, Signal::TERM);
        let ended = server.process.wait();
        assert!(told.elapsed() >= Duration::from_millis(300), "it did not wait");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("cut off by shutdown_timeout; last snapshot: 1 documents"), "{ended:?}");
        drop(stuck);

        let server = ground.start(&[]);
        assert_eq!(get(&mut server.client(), "/v1/docs/acknowledged").text(), "1");
        assert_eq!(get(&mut server.client(), "/v1/docs/stuck").status, 404);
        server.stop();
    }
}

#[test]
fn a_second_signal_exits_at_once_with_1() {
    for front in FRONTS {
        for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::TERM, Signal::INT), (Signal::INT, Signal::TERM)]
        {
            let ground = Ground::over(front);
            let server = ground.start(FOR_EVER);
            let mut client = server.client();
            put(&mut client, "/v1/docs/in-the-snapshot", "1");
            assert_eq!(client.send("POST", "/v1/admin/snapshot?wait", &[], b"").status, 200);
            put(&mut client, "/v1/docs/after-it", "2");
            let stuck = Unfinished::begin(&server, "stuck");
            begin_stop(&server, first);
            // Nobody looks at it any more, and it must not stand in the way of what comes behind it.
            server.process.signal(Signal::HUP);
            server.process.signal(second);
            let ended = server.process.wait();
            assert_eq!((ended.code, ended.signal), (Some(1), None), "{first:?} {second:?}: {ended:?}");
            assert!(ended.stderr.contains("second signal: exiting at once, without the last snapshot"), "{ended:?}");
            drop(stuck);

            let server = ground.start(&[]);
            assert_eq!(get(&mut server.client(), "/v1/docs/in-the-snapshot").text(), "1");
            // The journal has what the snapshot lacks, and nothing of what was never answered.
            assert_eq!(get(&mut server.client(), "/v1/docs/after-it").text(), "2");
            assert_eq!(get(&mut server.client(), "/v1/docs/stuck").status, 404);
            server.stop();
        }
    }
}

/// SIGHUP stopped the server once, under nohup too.
#[test]
fn a_hangup_reloads_and_stops_nothing() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(FOR_EVER);
        let mut client = server.client();
        put(&mut client, "/v1/docs/before", "1");
        server.process.signal(Signal::HUP);
        server.process.wait_for_stderr("memory-tools: reload: nothing to read: ");
        put(&mut client, "/v1/docs/after", "2");
        assert_eq!(get(&mut server.client(), "/v1/docs/before").text(), "1");
        server.process.signal(Signal::HUP);
        let ended = server.stop();
        assert!(ended.stderr.contains("last snapshot: 2 documents"), "{ended:?}");
        assert!(!ended.stderr.contains("exiting at once"), "{ended:?}");

        // Not even one that comes while the server stops.
        let server = ground.start(FOR_EVER);
        let unfinished = Unfinished::begin(&server, "slow");
        begin_stop(&server, Signal::TERM);
        server.process.signal(Signal::HUP);
        assert_eq!(unfinished.finish().status, 201);
        let ended = server.process.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[test]
fn idle_connections_do_not_delay_the_exit() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(FOR_EVER);
        let mut idle: Vec<Client> = (0..16).map(|_| server.client()).collect();
        for client in &mut idle {
            assert_eq!(get(client, "/livez").status, 200);
        }
        // And one that has not asked for anything yet.
        idle.push(server.client());
        let ended = server.stop();
        assert!(!ended.stderr.contains("cut off"), "{ended:?}");
    }
}

#[test]
fn a_clean_stop_that_cannot_be_recorded_is_not_called_a_loss() {
    for journal in ["off", "os", "everysec", "always"] {
        let ground = Ground::new();
        let server = ground.start(&["--journal", journal]);
        put(&mut server.client(), "/v1/docs/a", "1");
        assert_eq!(server.client().send("POST", "/v1/admin/snapshot?wait", &[], b"").status, 200);
        put(&mut server.client(), "/v1/docs/b", "2");
        // Where the next IDENTITY would be written. Without a journal the last snapshot needs none; with one it needs
        // a new segment, which does, and the journal is given up: synced up to its last record.
        std::fs::create_dir(ground.data("IDENTITY.tmp")).unwrap();
        begin_stop(&server, Signal::TERM);
        let ended = server.process.wait();
        assert_eq!(ended.code, Some(1), "{journal}: {ended:?}");
        let error = "error: nothing is lost, but the clean stop could not be recorded";
        assert!(ended.stderr.contains(error), "{journal}: {ended:?}");
        assert!(!ended.stderr.contains("is lost:"), "{journal}: {ended:?}");
        std::fs::remove_dir(ground.data("IDENTITY.tmp")).unwrap();

        let server = ground.start(&["--journal", journal]);
        assert_eq!(get(&mut server.client(), "/v1/docs/b").text(), "2", "{journal}");
        server.stop();
    }
}

/// What became of the requests of one client that never pauses.
#[derive(Default)]
struct Told {
    /// Keys of the writes that were acknowledged.
    acknowledged: Vec<String>,
    /// Keys of the writes without an answer, and whether each was sent before the signal.
    unanswered: BTreeMap<String, bool>,
    /// How the connection ended.
    ending: String,
    /// True when the last answer said that it was the last.
    was_told: bool,
}

/// Writes one document after another, in batches of `batch` requests that are sent at once, until the server ends the
/// connection.
fn write_without_pause(
    number: usize,
    batch: usize,
    address: SocketAddr,
    signalled: &AtomicBool,
    written: &AtomicU64,
    begun: &AtomicUsize,
) -> Told {
    let mut told = Told::default();
    let mut client = Client::connect(address);
    for round in 0.. {
        let keys: Vec<String> = (0..batch).map(|place| format!("c{number}-{round}-{place}")).collect();
        let mut bytes = String::new();
        for key in &keys {
            let document = marked::write(key, round, 100);
            bytes.push_str(&head("PUT", &format!("/v1/docs/{key}"), &[], document.len()));
            bytes.push_str(&document);
        }
        let sent = client.write(bytes.as_bytes());
        // The signal is sent after this was set: what was sent while it was not had arrived before.
        let is_early = !signalled.load(Ordering::SeqCst);
        told.unanswered.extend(keys.iter().map(|key| (key.clone(), is_early)));
        if let Err(error) = sent {
            told.ending = format!("write: {}", error.kind());
            return told;
        }
        for key in keys {
            match client.answer() {
                Ok(answer) => {
                    assert_eq!((answer.status, answer.json()["key"].as_str()), (201, Some(key.as_str())), "{answer:?}");
                    told.was_told = answer.is_last();
                    told.unanswered.remove(&key);
                    told.acknowledged.push(key);
                    written.fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => {
                    told.ending = error.kind().to_string();
                    return told;
                }
            }
        }
        if round == 0 {
            begun.fetch_add(1, Ordering::SeqCst);
        }
    }
    told
}

#[test]
fn a_stop_under_load_answers_whatever_had_arrived_and_does_nothing_else() {
    const CLIENTS: usize = 64;
    for front in FRONTS {
        let mut dice = Dice::of(dice::seed("process_stop"));
        let ground = Ground::over(front);
        let server = ground.start(FOR_EVER);
        let (signalled, written, begun) = (AtomicBool::new(false), AtomicU64::new(0), AtomicUsize::new(0));
        let address = server.address;
        let enough = CLIENTS as u64 * 5 + dice.below(3000);
        let all: Vec<Told> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    // Half of them send four requests at once, where the front answers all of these before it closes:
                    // the pool answers one, says that it was the last, and runs nothing behind it.
                    let batch = if front == "reactor" && number % 2 == 0 { 4 } else { 1 };
                    let (signalled, written, begun) = (&signalled, &written, &begun);
                    scope.spawn(move || write_without_pause(number, batch, address, signalled, written, begun))
                })
                .collect();
            // Every client has been answered by then: one that comes to a server that stops is none of the load.
            support::process::until("the load", || {
                begun.load(Ordering::SeqCst) == CLIENTS && written.load(Ordering::SeqCst) >= enough
            });
            signalled.store(true, Ordering::SeqCst);
            server.process.signal(Signal::TERM);
            clients.into_iter().map(|client| client.join().expect("the client's assertions hold")).collect()
        });
        let ended = server.process.wait();
        assert_eq!(ended.code, Some(0), "{front}: {ended:?}");
        assert!(!ended.stderr.contains("cut off"), "{front}: {ended:?}");
        let endings = all.iter().fold(BTreeMap::<_, usize>::new(), |mut endings, told| {
            *endings.entry((told.ending.as_str(), told.was_told)).or_default() += 1;
            endings
        });
        println!("{front}: {} answers, {endings:?}", written.load(Ordering::SeqCst));

        let server = ground.start(&[]);
        let mut client = server.client();
        for told in &all {
            for (key, is_early) in &told.unanswered {
                assert!(!is_early, "{front}: {key} had arrived and was not answered: {}", told.ending);
                let answer = get(&mut client, &format!("/v1/docs/{key}"));
                assert_eq!(answer.status, 404, "{front}: {key} was not answered and was written");
            }
            for key in &told.acknowledged {
                marked::read(key, &get(&mut client, &format!("/v1/docs/{key}")).body);
            }
            assert_eq!(told.ending, ErrorKind::UnexpectedEof.to_string(), "{front}: {endings:?}");
        }
        server.stop();
    }
}

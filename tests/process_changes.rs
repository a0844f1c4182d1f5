//! Followers of the changes over kill -9 of the real binary: whatever was acknowledged is told once, in order, however
//! often the server is killed in between and whatever its snapshots hold.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use support::dice::{self, Dice};
use support::http::{Answer, Client};
use support::process::{FRONTS, Ground, Server, until};

/// Modes in which what was acknowledged survives the end of the process.
const MODES: [&str; 3] = ["os", "everysec", "always"];

/// Kills in each mode, unless ROUNDS says otherwise.
const ROUNDS: usize = 4;

const WRITERS: u64 = 8;

/// Acknowledged writes before a kill, at most.
const WRITES_MAX: u64 = 300;

/// What is known from outside.
#[derive(Default)]
struct Known {
    /// Keys by the LSN under which they were acknowledged; each is written once.
    acknowledged: Mutex<BTreeMap<u64, String>>,
    writes: AtomicU64,
    /// Numbers the keys.
    next: AtomicU64,
}

impl Known {
    /// Writes until the server is gone.
    fn write(&self, address: SocketAddr) {
        let Ok(mut client) = Client::try_connect(address) else { return };
        loop {
            let key = format!("k{}", self.next.fetch_add(1, Ordering::SeqCst));
            let Ok(answer) = client.try_send("PUT", &format!("/v1/docs/{key}"), &[], b"[1]") else { return };
            if answer.status == 201 {
                self.acknowledged.lock().unwrap().insert(answer.version(), key);
                self.writes.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// The newest LSN that was acknowledged.
    fn last(&self) -> u64 {
        self.acknowledged.lock().unwrap().last_key_value().map_or(0, |(lsn, _)| *lsn)
    }
}

/// A reader of the changes that outlives the servers.
#[derive(Default)]
struct Follower {
    /// Up to here it has been told everything.
    since: u64,
    told: BTreeMap<u64, String>,
}

impl Follower {
    /// Reads what there is, or waits a moment for it.
    fn read(&mut self, client: &mut Client) -> io::Result<()> {
        let answer: Answer =
            client.try_send("GET", &format!("/v1/changes?since={}&timeout=20ms", self.since), &[], b"")?;
        assert_eq!(answer.status, 200, "behind {}: {}", self.since, answer.text());
        for line in answer.text().lines() {
            let change: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let lsn = change["lsn"].as_u64().expect("an LSN");
            if let Some(key) = change["key"].as_str() {
                assert!(lsn > self.since, "{line} behind {}", self.since);
                self.told.insert(lsn, key.to_owned());
            }
            self.since = lsn;
        }
        Ok(())
    }
}

fn rounds() -> usize {
    std::env::var("ROUNDS").ok().map_or(ROUNDS, |rounds| rounds.parse::<usize>().expect("ROUNDS is a number").min(50))
}

#[test]
fn a_follower_is_told_each_acknowledged_write_once_however_often_the_server_is_killed() {
    let mut dice = Dice::of(dice::seed("process_changes"));
    for mode in MODES {
        follow_over_kills(mode, rounds(), &mut dice);
    }
}

fn follow_over_kills(mode: &str, rounds: usize, dice: &mut Dice) {
    let (ground, known) = (Ground::new(), Known::default());
    let (mut follower, told) = (Follower::default(), AtomicU64::new(0));
    for round in 0..rounds {
        let server = ground.start(&["--journal", mode, "--front", FRONTS[round % FRONTS.len()]]);
        let address = server.address;
        let (before, more) = (known.writes.load(Ordering::SeqCst), 2 + dice.below(WRITES_MAX));
        let until_written = |count| until("the writes of this round", || known.writes.load(Ordering::SeqCst) >= count);
        std::thread::scope(|scope| {
            (0..WRITERS).for_each(|_| drop(scope.spawn(|| known.write(address))));
            // In every other round nobody follows: what is written then is told after the next start.
            if round % 2 == 0 {
                let (follower, told) = (&mut follower, &told);
                scope.spawn(move || {
                    let Ok(mut client) = Client::try_connect(address) else { return };
                    while follower.read(&mut client).is_ok() {
                        told.store(follower.since, Ordering::SeqCst);
                    }
                });
                until_written(before + more / 2);
                // A start begins with one, too, and the journal goes back as far as the last two need. So it has what
                // the follower is told next if that stands behind the beginning of this one.
                let snapshot = server.client().send("POST", "/v1/admin/snapshot?wait", &[], b"");
                assert!(matches!(snapshot.status, 200 | 409), "{}", snapshot.text());
                let written = known.last();
                until("the follower is told of that", || told.load(Ordering::SeqCst) >= written);
            }
            until_written(before + more);
            server.kill();
        });
    }
    let server = ground.start(&["--journal", mode]);
    let (mut client, last) = (server.client(), known.last());
    until("the last change is told", || {
        follower.read(&mut client).expect("the server is there");
        follower.since >= last
    });
    for (lsn, key) in known.acknowledged.lock().unwrap().iter() {
        assert_eq!(follower.told.get(lsn), Some(key), "journal {mode}: LSN {lsn}");
    }
    let keys: BTreeMap<&String, &u64> = follower.told.iter().map(|(lsn, key)| (key, lsn)).collect();
    assert_eq!(keys.len(), follower.told.len(), "journal {mode}: a write is told twice");
}

/// The feed's own part of the journal is nothing that a document depends on.
#[test]
fn damage_in_front_of_what_is_replayed_costs_followers_their_place_and_nothing_else() {
    let ground = Ground::new();
    for number in 0..3 {
        let server = ground.start(&[]);
        let document = format!("[{number}]");
        server.client().send("PUT", &format!("/v1/docs/k{number}"), &[], document.as_bytes());
        server.stop();
    }
    let server = ground.start(&[]);
    assert_eq!(server.client().send("GET", "/v1/changes?since=2", &[], b"").status, 200);
    server.stop();
    let mut segments: Vec<_> = fs::read_dir(ground.data("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "mtj"));
    segments.sort();
    let with_record = segments.iter().find(|path| fs::read(path).unwrap().windows(2).any(|bytes| bytes == b"k2"));
    let path = with_record.expect("the last write is in a segment");
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(2).position(|bytes| bytes == b"k2").unwrap();
    bytes[at] = b'j';
    fs::write(path, bytes).unwrap();

    let server = ground.start(&[]);
    let mut client = server.client();
    assert_eq!(client.send("GET", "/v1/docs/k2", &[], b"").text(), "[2]");
    let answer = client.send("GET", "/v1/changes?since=2", &[], b"");
    assert_eq!((answer.status, answer.json()["floor"].as_u64()), (410, Some(3)), "{}", answer.text());
    let ended = server.stop();
    assert!(ended.stderr.contains("/v1/changes begins later than it could"), "{}", ended.stderr);
}

/// Each start after a crash goes on with other numbers, whether or not anything was written.
#[test]
fn a_follower_that_has_everything_goes_on_over_crashes_of_idle_servers() {
    let ground = Ground::new();
    let ask = |server: &Server, since: u64| {
        let answer = server.client().send("GET", &format!("/v1/changes?since={since}&timeout=1ms"), &[], b"");
        assert_eq!(answer.status, 200, "since={since}: {}", answer.text());
        let last = answer.text().lines().last().unwrap_or_default().to_owned();
        let last: Value = serde_json::from_str(&last).unwrap();
        last["lsn"].as_u64().unwrap()
    };
    let server = ground.start(&[]);
    server.client().send("PUT", "/v1/docs/a", &[], b"1");
    let from_the_snapshot = ask(&server, 0);
    server.stop();
    let mut since = from_the_snapshot;
    for _ in 0..3 {
        let server = ground.start(&[]);
        assert_eq!(ask(&server, from_the_snapshot), ask(&server, since), "there is nothing new");
        since = ask(&server, since);
        server.kill();
    }
    let server = ground.start(&[]);
    since = ask(&server, since);
    server.client().send("PUT", "/v1/docs/a", &[], b"2");
    assert_eq!(ask(&server, from_the_snapshot), since + 1);
    let never_was = server.client().send("GET", "/v1/changes?since=100", &[], b"");
    assert_eq!(never_was.status, 410, "{}", never_was.text());
    server.stop();
}

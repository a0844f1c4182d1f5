//! Concurrent clients over HTTP, and an order that explains everything they were told.
//!
//! `support::history` looks for the order; the first tests show it histories of which one is known to have an order
//! or none. The others record histories on the real binary, one that stays and one that is killed again and again.
//! `ROUNDS=200 cargo test --test linearizability` kills more often.

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use support::dice::{self, Dice};
use support::history::{self, Call, Condition, Operation, Outcome};
use support::http::{Answer, Client};
use support::marked;
use support::process::{FRONTS, Ground, until};

use Condition::{Always, IfAbsent, IfValue};
use Operation::{Delete, Get, Put};
use Outcome::{Absent, Deleted, Found, Refused, Written};

// The checker.

/// A call from `start` to `end`.
fn call(start: u64, end: u64, operation: Operation, outcome: impl Into<Option<Outcome>>) -> Call {
    Call { operation, start, end, outcome: outcome.into() }
}

#[track_caller]
fn has_an_order(calls: &[Call]) {
    history::check(calls).unwrap_or_else(|none| panic!("{none:?}"));
}

#[track_caller]
fn has_none(calls: &[Call]) {
    assert!(history::check(calls).is_err(), "an order was found");
}

#[test]
fn calls_behind_one_another_have_the_order_of_time_or_none() {
    has_an_order(&[]);
    has_an_order(&[
        call(0, 1, Get, Absent),
        call(2, 3, Put(1, Always), Written(5)),
        call(4, 5, Get, Found(1)),
        call(6, 7, Delete(Always), Deleted),
        call(8, 9, Delete(Always), Absent),
        call(10, 11, Get, Absent),
    ]);
    // A read that shows what was there before.
    has_none(&[
        call(0, 1, Put(1, Always), Written(5)),
        call(2, 3, Put(2, Always), Written(6)),
        call(4, 5, Get, Found(1)),
    ]);
    // A write that is gone, and one that nobody made.
    has_none(&[call(0, 1, Put(1, Always), Written(5)), call(2, 3, Get, Absent)]);
    has_none(&[call(0, 1, Get, Found(1))]);
    // A deletion that is taken back.
    has_none(&[call(0, 1, Put(1, Always), Written(5)), call(2, 3, Delete(Always), Deleted), call(4, 5, Get, Found(1))]);
}

#[test]
fn calls_at_the_same_time_have_any_order_that_all_readers_agree_on() {
    let writes = [call(0, 10, Put(1, Always), Written(5)), call(0, 10, Put(2, Always), Written(6))];
    has_an_order(&[writes[0], writes[1], call(11, 12, Get, Found(2))]);
    has_an_order(&[writes[0], writes[1], call(1, 2, Get, Found(1)), call(3, 4, Get, Found(2))]);
    has_an_order(&[writes[0], writes[1], call(1, 2, Get, Absent), call(11, 12, Get, Found(2))]);
    // The new value, then the old one.
    has_none(&[writes[0], writes[1], call(1, 2, Get, Found(2)), call(3, 4, Get, Found(1))]);
    has_none(&[call(0, 10, Put(1, Always), Written(5)), call(1, 2, Get, Found(1)), call(3, 4, Get, Absent)]);
}

#[test]
fn versions_grow_in_the_order_of_the_writes() {
    let earlier = call(0, 1, Put(1, Always), Written(6));
    has_none(&[earlier, call(2, 3, Put(2, Always), Written(5))]);
    has_none(&[earlier, call(2, 3, Delete(Always), Deleted), call(4, 5, Put(2, Always), Written(6))]);
    // Together they have the order of their versions, and so the last one is known.
    has_none(&[
        call(0, 9, Put(1, Always), Written(6)),
        call(0, 9, Put(2, Always), Written(5)),
        call(10, 11, Get, Found(2)),
    ]);
}

#[test]
fn a_condition_is_decided_on_what_is_there() {
    let first = call(0, 1, Put(1, IfAbsent), Written(5));
    has_an_order(&[first, call(2, 3, Put(2, IfAbsent), Refused), call(4, 5, Put(3, IfValue(1)), Written(6))]);
    has_none(&[first, call(2, 3, Put(2, IfAbsent), Written(6))]);
    has_none(&[first, call(2, 3, Put(2, IfValue(1)), Refused)]);
    has_none(&[first, call(2, 3, Delete(IfValue(9)), Deleted)]);
    // Of two that replace the same version one is refused.
    let second = call(2, 9, Put(2, IfValue(1)), Written(6));
    has_an_order(&[first, second, call(2, 9, Put(3, IfValue(1)), Refused), call(10, 11, Get, Found(2))]);
    has_none(&[first, second, call(2, 9, Put(3, IfValue(1)), Written(7))]);
    has_none(&[call(0, 9, Put(1, IfAbsent), Written(5)), call(0, 9, Put(2, IfAbsent), Written(6))]);
}

#[test]
fn an_unanswered_call_has_happened_within_its_time_or_not_at_all() {
    let first = call(0, 1, Put(1, Always), Written(5));
    let unanswered = call(2, 10, Put(2, Always), None);
    has_an_order(&[first, unanswered, call(11, 12, Get, Found(1)), call(13, 14, Get, Found(1))]);
    has_an_order(&[first, unanswered, call(11, 12, Get, Found(2)), call(13, 14, Get, Found(2))]);
    has_an_order(&[first, unanswered, call(3, 4, Get, Found(1)), call(5, 6, Get, Found(2))]);
    // Its time was over when somebody still saw what was there before.
    has_none(&[first, unanswered, call(11, 12, Get, Found(1)), call(13, 14, Get, Found(2))]);
    // It has happened, and then it has not.
    has_none(&[first, unanswered, call(3, 4, Get, Found(2)), call(11, 12, Get, Found(1))]);
    // Nobody has told its version, so a condition on it cannot have been met by another.
    has_an_order(&[first, call(2, 10, Delete(IfValue(7)), None), call(11, 12, Get, Found(1))]);
    has_none(&[first, call(2, 10, Delete(IfValue(7)), None), call(11, 12, Get, Absent)]);
}

#[test]
fn a_long_history_of_many_clients_is_decided_soon() {
    let mut dice = Dice::of(3);
    let (mut calls, mut time, mut value, mut version) = (Vec::new(), 100, None, 0);
    // Each call takes effect in the middle of its time, which overlaps with those of some ten others.
    for number in 0..3000 {
        time += 10;
        let (operation, outcome) = match dice.below(4) {
            0 => (Get, value.map_or(Absent, Found)),
            1 => (Delete(Always), value.take().map_or(Absent, |_: u64| Deleted)),
            _ => {
                (value, version) = (Some(number), version + 1);
                (Put(number, Always), Written(version))
            }
        };
        let (start, end) = (time - dice.below(50), time + dice.below(50));
        let is_answered = dice.below(50) > 0;
        calls.push(call(start * 10_000 + number, end * 10_000 + number, operation, is_answered.then_some(outcome)));
    }
    has_an_order(&calls);
    let seen = calls.iter().rposition(|call| matches!(call.outcome, Some(Found(_)))).unwrap();
    calls[seen].outcome = Some(Found(1));
    has_none(&calls);
}

// The server.

/// Clients at the same time.
const CLIENTS: usize = 8;

/// Keys that they fight for.
const KEYS: u64 = 4;

/// Calls of a round, all clients together.
const CALLS: u64 = 4_000;

/// Kills, over each front, unless ROUNDS says otherwise.
const ROUNDS: usize = 5;

/// Kills at most: the clients' calls over all of them are one history.
const ROUNDS_MAX: usize = 200;

/// Ticks of the clock before a kill, at most: three for each call.
const TICKS_MAX: u64 = 2_000;

/// What clients have done, and what they know.
#[derive(Default)]
struct Recorder {
    /// Gives each start, each end and each value its number.
    clock: AtomicU64,
    /// By key.
    calls: Mutex<BTreeMap<u64, Vec<Call>>>,
    /// What each version names: a key and a value.
    versions: Mutex<BTreeMap<u64, (u64, u64)>>,
}

impl Recorder {
    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// A version names one value for ever.
    fn saw(&self, version: u64, key: u64, value: u64) {
        let named = *self.versions.lock().unwrap().entry(version).or_insert((key, value));
        assert_eq!(named, (key, value), "version {version} was issued twice");
    }

    /// Asks for random things until enough was asked, or the server is gone.
    fn ask(&self, address: SocketAddr, mut dice: Dice, calls: u64) {
        let Ok(mut client) = Client::try_connect(address) else { return };
        // The newest version that this client has seen of each key, and its value.
        let mut seen = BTreeMap::new();
        while self.clock.load(Ordering::SeqCst) < calls {
            let key = dice.below(KEYS);
            let value = self.now();
            let condition = match (dice.below(3), seen.get(&key)) {
                (0, _) => IfAbsent,
                (1, Some((value, _))) => IfValue(*value),
                _ => Always,
            };
            let operation = match dice.below(10) {
                0..4 => Get,
                4..5 => Delete(if condition == IfAbsent { Always } else { condition }),
                _ => Put(value, condition),
            };
            let start = self.now();
            let answer = send(&mut client, key, operation, seen.get(&key).map(|(_, version)| *version));
            let end = self.now();
            let outcome = answer.as_ref().ok().map(|answer| outcome(operation, key, answer));
            if let (Ok(answer), Some(Written(_) | Found(_))) = (&answer, outcome) {
                let value = if let Some(Found(value)) = outcome { value } else { value };
                seen.insert(key, (value, answer.version()));
                self.saw(answer.version(), key, value);
            }
            self.calls.lock().unwrap().entry(key).or_default().push(Call { operation, start, end, outcome });
            if answer.is_err() {
                return;
            }
        }
    }

    fn check(&self) {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        for (key, calls) in calls {
            history::check(&calls).unwrap_or_else(|none| panic!("key {key}: {none:?}"));
        }
    }
}

fn send(client: &mut Client, key: u64, operation: Operation, version: Option<u64>) -> std::io::Result<Answer> {
    let target = format!("/v1/docs/k{key}");
    let tag = format!("\"{}\"", version.unwrap_or_default());
    let headers = |condition| match condition {
        Always => Vec::new(),
        IfAbsent => vec![("If-None-Match", "*")],
        IfValue(_) => vec![("If-Match", tag.as_str())],
    };
    match operation {
        Get => client.try_send("GET", &target, &[], b""),
        Delete(condition) => client.try_send("DELETE", &target, &headers(condition), b""),
        Put(value, condition) => {
            let document = marked::write(&format!("k{key}"), value, 0);
            client.try_send("PUT", &target, &headers(condition), document.as_bytes())
        }
    }
}

fn outcome(operation: Operation, key: u64, answer: &Answer) -> Outcome {
    match (operation, answer.status) {
        (Get, 200) => Found(marked::read(&format!("k{key}"), &answer.body)),
        (Put(..), 200 | 201) => Written(answer.version()),
        (Delete(_), 204) => Deleted,
        (Get | Delete(_), 404) => Absent,
        (Put(..) | Delete(_), 412) => Refused,
        _ => panic!("{operation:?}: {answer:?}"),
    }
}

#[test]
fn what_concurrent_clients_are_told_has_an_order() {
    let mut dice = Dice::of(dice::seed("linearizability"));
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(&["--shards", "16"]);
        let recorder = Recorder::default();
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let (recorder, dice) = (&recorder, dice.split());
                scope.spawn(move || recorder.ask(server.address, dice, CALLS * 3));
            }
        });
        recorder.check();
        server.stop();
    }
}

/// In `always` whatever was shown is durable, reads included: so the lives of a server are one history. An unanswered
/// call ends when its client learns of the kill, which is before the next life begins.
#[test]
fn what_concurrent_clients_are_told_over_kills_has_an_order_when_every_write_is_synced() {
    let mut dice = Dice::of(dice::seed("linearizability"));
    let rounds = std::env::var("ROUNDS").ok().map_or(ROUNDS, |rounds| rounds.parse().expect("ROUNDS is a number"));
    for front in FRONTS {
        let ground = Ground::over(front);
        let recorder = Recorder::default();
        for _ in 0..rounds.min(ROUNDS_MAX) {
            let server = ground.start(&["--journal", "always", "--shards", "16"]);
            let (address, kill_at) = (server.address, recorder.now() + 1 + dice.below(TICKS_MAX));
            std::thread::scope(|scope| {
                for _ in 0..CLIENTS {
                    let (recorder, dice) = (&recorder, dice.split());
                    scope.spawn(move || recorder.ask(address, dice, u64::MAX));
                }
                until("the calls of this round", || recorder.clock.load(Ordering::SeqCst) >= kill_at);
                let ended = server.kill();
                assert_eq!(ended.signal, Some(9), "{ended:?}");
            });
        }
        let server = ground.start(&["--journal", "always"]);
        recorder.ask(server.address, dice.split(), recorder.now() + 60);
        recorder.check();
        server.stop();
    }
}

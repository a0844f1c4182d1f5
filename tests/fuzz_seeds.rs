//! The fuzzer's targets over their seeds and over random inputs, without the fuzzer: what `make test` runs of them.

#[path = "fuzz/connection/mod.rs"]
mod connection;
#[allow(dead_code)] // Other tests split their dice.
#[path = "support/dice.rs"]
mod dice;
#[path = "fuzz/ndjson.rs"]
mod ndjson;
#[path = "fuzz/patch.rs"]
mod patch;
#[path = "fuzz/pointer.rs"]
mod pointer;
#[path = "fuzz/router.rs"]
mod router;
#[path = "fuzz/service/mod.rs"]
mod service;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use dice::Dice;

/// What a random conversation is made of.
const PHRASES: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /l HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /t HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /r2 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /tr5 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /wlr3 HTTP/1.1\r\nHost: x\r\n\r\n",
    "HEAD /wr1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "HEAD /g HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
    "GET /wt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /t HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /c HTTP/1.1\r\nHost: x\r\n\r\n",
    "PUT /g HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /g HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /gr4 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "PUT /i HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nstop! here",
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789",
    "PUT /n HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n0",
    "GET /s HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /sfr3 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /tv HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /tvr2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "PUT /gf HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /ip HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /bpf HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "\r\n",
    "GET / HTTP/1.1\r\n",
    "Host: x\r\n",
    "Content-Length: 5\r\n",
    "\n",
    "5\r\nhello\r\n",
];

/// Options and steps of a random script; with amounts they are a line.
const LETTERS: &[u8] = b"PUSBHTFRWIMaaaaaaaattttffsspxlllnkkommmdeqwwwrrgy";

const AMOUNTS: &[u8] = b"0123456789abcdefghijklmno";

/// A target of the fuzzer.
#[derive(Clone, Copy)]
struct Target {
    /// Of its program, and of the folder of its seeds.
    name: &'static str,
    check: fn(&[u8]),
    /// How many seeds there are at least.
    seeds_min: usize,
}

const CONNECTION: Target = Target { name: "connection", check: connection::check, seeds_min: 20 };

/// Those whose input is not a conversation on a connection.
const BEHIND_THE_FRONTS: [Target; 4] = [
    Target { name: "router", check: router::check, seeds_min: 12 },
    Target { name: "patch", check: patch::check, seeds_min: 14 },
    Target { name: "pointer", check: pointer::check, seeds_min: 13 },
    Target { name: "ndjson", check: ndjson::check, seeds_min: 12 },
];

impl Target {
    fn holds(self, input: &[u8]) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.check)(input))).is_ok()
    }

    #[track_caller]
    fn check(self, from: &str, input: &[u8]) {
        assert!(self.holds(input), "{}, {from}: {}", self.name, input.escape_ascii());
    }

    fn seeds(self) -> Vec<(String, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(self.name);
        let mut seeds: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect();
        seeds.sort();
        seeds
    }
}

fn choose<'c, T>(dice: &mut Dice, from: &'c [T]) -> &'c T {
    &from[dice.below(from.len() as u64) as usize]
}

fn random_line(dice: &mut Dice) -> Vec<u8> {
    (0..dice.below(40)).flat_map(|_| [*choose(dice, LETTERS), *choose(dice, AMOUNTS)]).collect()
}

fn random_input(dice: &mut Dice) -> Vec<u8> {
    let mut input = random_line(dice);
    input.push(b'\n');
    for _ in 0..dice.below(8) {
        input.extend_from_slice(choose(dice, PHRASES).as_bytes());
    }
    input
}

/// One byte is changed, some are doubled or left out.
fn spoil(input: &mut Vec<u8>, dice: &mut Dice) {
    if input.is_empty() {
        return;
    }
    let at = dice.below(input.len() as u64) as usize;
    let end = input.len().min(at + dice.below(20) as usize);
    match dice.below(3) {
        0 => input[at] = dice.below(256) as u8,
        1 => drop(input.drain(at..end)),
        _ => {
            let part = input[at..end].to_vec();
            input.splice(at..at, part);
        }
    }
}

/// How many random inputs a test tries.
fn rounds() -> u64 {
    std::env::var("ROUNDS").map_or(4_000, |text| text.parse().expect("ROUNDS is a number"))
}

#[test]
fn every_seed_keeps_the_invariants() {
    for target in [CONNECTION].into_iter().chain(BEHIND_THE_FRONTS) {
        let seeds = target.seeds();
        assert!(seeds.len() >= target.seeds_min, "{} seeds of {}", seeds.len(), target.name);
        let broken: Vec<_> = seeds.iter().filter(|(_, input)| !target.holds(input)).map(|(name, _)| name).collect();
        assert!(broken.is_empty(), "{}: {broken:?}", target.name);
    }
}

#[test]
fn every_seed_keeps_the_invariants_at_any_pace() {
    let mut dice = Dice::of(dice::seed("fuzz_seeds"));
    for (name, input) in CONNECTION.seeds() {
        let conversation = input.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or(&input);
        // A byte at a time, then as it comes.
        let each = b"a1".repeat(conversation.len().min(300));
        for line in [each, random_line(&mut dice), random_line(&mut dice), random_line(&mut dice)] {
            CONNECTION.check(&name, &[&line, &b"\n"[..], conversation].concat());
        }
    }
}

#[test]
fn random_conversations_keep_the_invariants() {
    let mut dice = Dice::of(dice::seed("fuzz_seeds"));
    let seeds = CONNECTION.seeds();
    for _ in 0..rounds() {
        let mut input = if dice.below(3) == 0 { choose(&mut dice, &seeds).1.clone() } else { random_input(&mut dice) };
        for _ in 0..dice.below(4) {
            spoil(&mut input, &mut dice);
        }
        CONNECTION.check("a random conversation", &input);
    }
}

/// Parts of one seed end up in another, and both are spoilt.
#[test]
fn seeds_that_are_mixed_and_spoilt_keep_the_invariants() {
    let mut dice = Dice::of(dice::seed("fuzz_seeds"));
    for target in BEHIND_THE_FRONTS {
        let seeds = target.seeds();
        for _ in 0..rounds() / 4 {
            let (mut input, other) = (choose(&mut dice, &seeds).1.clone(), &choose(&mut dice, &seeds).1);
            let from = dice.below(other.len() as u64 + 1) as usize;
            let part = &other[from..other.len().min(from + dice.below(80) as usize)];
            let at = dice.below(input.len() as u64 + 1) as usize;
            input.splice(at..at, part.iter().copied());
            for _ in 0..dice.below(3) {
                spoil(&mut input, &mut dice);
            }
            target.check("a random input", &input);
        }
    }
}

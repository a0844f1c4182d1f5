//! The fuzzer's target over its seeds and over random conversations, without the fuzzer: what `make test` runs of it.

#[path = "fuzz/connection/mod.rs"]
mod connection;
#[allow(dead_code)] // Other tests split their dice.
#[path = "support/dice.rs"]
mod dice;

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

fn holds(input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| connection::check(input))).is_ok()
}

#[track_caller]
fn check(name: &str, input: &[u8]) {
    assert!(holds(input), "{name}: {}", input.escape_ascii());
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/connection");
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    seeds.sort();
    seeds
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

#[test]
fn every_seed_keeps_the_invariants() {
    let seeds = seeds();
    assert!(seeds.len() >= 20, "{} seeds", seeds.len());
    let broken: Vec<_> = seeds.iter().filter(|(_, input)| !holds(input)).map(|(name, _)| name).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn every_seed_keeps_the_invariants_at_any_pace() {
    let mut dice = Dice::of(dice::seed("fuzz_seeds"));
    for (name, input) in seeds() {
        let conversation = input.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or(&input);
        // A byte at a time, then as it comes.
        let each = b"a1".repeat(conversation.len().min(300));
        for line in [each, random_line(&mut dice), random_line(&mut dice), random_line(&mut dice)] {
            check(&name, &[&line, &b"\n"[..], conversation].concat());
        }
    }
}

#[test]
fn random_conversations_keep_the_invariants() {
    let mut dice = Dice::of(dice::seed("fuzz_seeds"));
    let rounds = std::env::var("ROUNDS").map_or(4_000, |text| text.parse().expect("ROUNDS is a number"));
    let seeds = seeds();
    for _ in 0..rounds {
        let mut input = if dice.below(3) == 0 { choose(&mut dice, &seeds).1.clone() } else { random_input(&mut dice) };
        for _ in 0..dice.below(4) {
            spoil(&mut input, &mut dice);
        }
        check("a random conversation", &input);
    }
}

//! What holds for any document and any patch over a whole server: bytes come back as they went in, patches do over HTTP
//! what they do to a text, counters that many write at once are exact, and a listing is what a map has in that range.
//!
//! `PROPTEST_CASES=10000 cargo test --test documents` tries more; a failure prints its case and its seed.

mod support;

#[path = "support/json_texts.rs"]
mod json_texts;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use json_texts::text;
use memory_tools::patch::{self, Cause, Kind};
use proptest::collection::vec;
use proptest::prelude::*;
use support::dice::{self, Dice};
use support::door::House;
use support::http::{Answer, Client};

const MERGE: &str = "application/merge-patch+json";
const STANDARD: &str = "application/json-patch+json";
const OPERATIONS: &str = "application/vnd.memory-tools.ops+json";

const WRITERS: u64 = 32;
const INCREMENTS: u64 = 40;

/// More than any document here has.
const BYTES_MAX: usize = 1 << 20;

thread_local! {
    /// A server for all cases of a test, and a connection to it, which goes first.
    static SERVED: RefCell<(Client, House)> = {
        let house = House::start(&[("front", "reactor"), ("reactor-threads", "1")]);
        RefCell::new((house.client(), house))
    };
}

fn send(method: &str, kind: &str, body: &str) -> Answer {
    SERVED.with_borrow_mut(|(client, _)| client.send(method, "/v1/docs/a", &[("Content-Type", kind)], body.as_bytes()))
}

/// An operation of a JSON Patch that has a chance to fit.
fn operation() -> impl Strategy<Value = String> {
    let pointer = || vec(prop::sample::select(vec!["a", "b", "0", "1", "-", "~0~1", ""]), 0..3);
    let op = prop::sample::select(vec!["add", "add", "replace", "remove", "test", "copy", "move", "inc"]);
    (op, pointer(), pointer(), text()).prop_map(|(op, path, from, value)| {
        let spelled = |tokens: Vec<&str>| tokens.into_iter().flat_map(|token| ["/", token]).collect::<String>();
        format!(r#"{{"op":"{op}","path":"{}","from":"{}","value":{value}}}"#, spelled(path), spelled(from))
    })
}

/// Patches the document that is `before` over HTTP, and holds what comes of it against what the patch does to the text.
fn check_patch(kind: Kind, media: &str, before: &str, patch: &str) -> Result<(), TestCaseError> {
    let put = send("PUT", "application/json", before);
    prop_assert!(matches!(put.status, 200 | 201), "{:?}", put);
    let answer = send("PATCH", media, patch);
    let after = send("GET", "", "");
    let (status, code, expected) = match patch::apply(kind, before.as_bytes(), patch.as_bytes(), BYTES_MAX) {
        Ok(result) => (200, None, String::from_utf8(result).unwrap()),
        Err(fault) => {
            let (status, code) = match fault.cause {
                Cause::Malformed(_) | Cause::Pointer(_) | Cause::TooManyOperations { .. } => (400, "patch_invalid"),
                Cause::PathAbsent | Cause::TestFailed => (409, "patch_conflict"),
                _ => (422, "patch_unprocessable"),
            };
            (status, Some(code), before.to_owned())
        }
    };
    prop_assert_eq!(answer.status, status, "{} on {}: {:?}", patch, before, answer);
    let told = answer.json();
    prop_assert_eq!(told["code"].as_str(), code);
    prop_assert_eq!(after.text(), expected, "{} on {}", patch, before);
    let has_changed = after.header("ETag") != put.header("ETag");
    prop_assert_eq!(has_changed, status == 200, "a patch that is not made leaves the version");
    Ok(())
}

proptest! {
    #[test]
    fn a_document_comes_back_as_it_went_in(text in text()) {
        prop_assert!(matches!(send("PUT", "", &text).status, 200 | 201));
        let answer = send("GET", "", "");
        prop_assert_eq!(answer.text(), text);
    }

    #[test]
    fn a_merge_patch_over_http_is_what_it_is_for_a_text(before in text(), patch in text()) {
        check_patch(Kind::Merge, MERGE, &before, &patch)?;
    }

    #[test]
    fn operations_over_http_are_what_they_are_for_a_text(before in text(), operations in vec(operation(), 0..4)) {
        let patch = format!("[{}]", operations.join(","));
        check_patch(Kind::JsonPatch, STANDARD, &before, &patch)?;
        check_patch(Kind::Operations, OPERATIONS, &before, &patch)?;
    }
}

/// Adds one to the counter, and gives the version that it has then.
fn count_up(client: &mut Client, target: &str) -> u64 {
    let patch = br#"[{"op":"inc","path":"/n","value":1}]"#;
    let answer = client.send("PATCH", target, &[("Content-Type", OPERATIONS)], patch);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["version"].as_u64().expect("a version")
}

fn check_counters(flags: &[(&str, &str)]) {
    let mut house = House::start(flags);
    let targets = ["/v1/docs/a", "/v1/collections/c/docs/a"];
    for target in targets {
        assert_eq!(house.client().send("PUT", target, &[], b"{\"kept\": 1.0}").status, 201);
        let versions: BTreeSet<u64> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|_| {
                    let mut client = house.client();
                    let count = move || (0..INCREMENTS).map(|_| count_up(&mut client, target)).collect::<Vec<_>>();
                    scope.spawn(count)
                })
                .collect();
            writers.into_iter().flat_map(|writer| writer.join().expect("it counts to its end")).collect()
        });
        assert_eq!(versions.len() as u64, WRITERS * INCREMENTS, "each has a version of its own");
    }
    let expected = format!("{{\"kept\": 1.0,\"n\":{}}}", WRITERS * INCREMENTS);
    let read = |house: &House, target| house.client().send("GET", target, &[], b"").text().to_owned();
    assert_eq!(targets.map(|target| read(&house, target)), [expected.clone(), expected.clone()]);
    house.close();
    house.open();
    assert_eq!(targets.map(|target| read(&house, target)), [expected.clone(), expected]);
}

#[test]
fn a_counter_that_many_write_at_once_is_exact() {
    check_counters(&[("front", "reactor"), ("reactor-threads", "4")]);
    check_counters(&[("front", "pool"), ("pool-threads", "40")]);
}

/// Keys that are there from the beginning to the end: every tenth; the others come and go.
fn lasting() -> BTreeMap<String, String> {
    (0..600).step_by(10).map(|number| (format!("k/{number:03}"), format!("[{number}]"))).collect()
}

/// Puts and deletes keys around the lasting ones until it is over.
fn unsettle(mut client: Client, mut dice: Dice, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let number = dice.below(600);
        let target = match dice.below(3) {
            _ if !number.is_multiple_of(10) => format!("/v1/docs/k/{number:03}"),
            0 => format!("/v1/docs/k/{number:03}/"),
            _ => format!("/v1/docs/k/{number:03}a"),
        };
        let method = if dice.below(2) == 0 { "PUT" } else { "DELETE" };
        assert!(matches!(client.send(method, &target, &[], b"0").status, 200 | 201 | 204 | 404));
    }
}

/// Ends the others when it goes, also when that is because something has failed.
struct Ends<'o>(&'o AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Every item behind `cursor` whose key begins with `prefix`, page by page, each key above the one before.
fn list(client: &mut Client, prefix: &str, cursor: Option<&str>, limit: u64) -> Vec<(String, String)> {
    let (mut items, mut cursor) = (Vec::<(String, String)>::new(), cursor.map(str::to_owned));
    loop {
        let behind = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = client.send("GET", &format!("/v1/docs?values&prefix={prefix}&limit={limit}{behind}"), &[], b"");
        let page = page.json();
        for item in page["items"].as_array().expect("items") {
            let item = (item["key"].as_str().expect("a key").to_owned(), item["value"].to_string());
            assert!(items.last().is_none_or(|last| last.0 < item.0), "{item:?} behind {:?}", items.last());
            items.push(item);
        }
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return items;
        }
    }
}

#[test]
fn a_listing_is_what_a_map_has_in_that_range_whoever_writes_other_keys() {
    const LISTINGS: u32 = 60;
    let house = House::start(&[("front", "reactor"), ("reactor-threads", "4"), ("shards", "4")]);
    let (mut client, lasting) = (house.client(), lasting());
    for (key, value) in &lasting {
        assert_eq!(client.send("PUT", &format!("/v1/docs/{key}"), &[], value.as_bytes()).status, 201);
    }
    let (mut dice, is_over) = (Dice::of(dice::seed("documents")), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (client, dice, is_over) = (house.client(), dice.split(), &is_over);
            scope.spawn(move || unsettle(client, dice, is_over));
        }
        let _ends = Ends(&is_over);
        for _ in 0..LISTINGS {
            let prefix = ["k", "k/", "k/1", "k/59", "k/250", "l"][dice.below(6) as usize];
            let cursor = (dice.below(2) == 0).then(|| format!("k/{:03}", dice.below(600)));
            let found = list(&mut client, prefix, cursor.as_deref(), 1 + dice.below(40));
            let of_map = lasting.iter().filter(|(key, _)| key.starts_with(prefix) && Some(*key) > cursor.as_ref());
            let of_map: Vec<_> = of_map.map(|(key, value)| (key.clone(), value.clone())).collect();
            let found: Vec<_> = found.into_iter().filter(|(key, _)| lasting.contains_key(key)).collect();
            assert_eq!(found, of_map, "{prefix} behind {cursor:?}");
        }
    });
}

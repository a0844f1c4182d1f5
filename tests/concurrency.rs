//! Many clients at once, over real connections, while snapshots and expiry run: no GET shows what nobody wrote there,
//! and when all is quiet everything is as the model says, before and after a restart.
//!
//! Each client has keys and a collection of its own, whose content it knows exactly, and shares others with all, of
//! which it knows that whatever it reads was written under that very key.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memory_tools::base::clock::{Clock, ManualClock};
use support::dice::{self, Dice};
use support::door::House;
use support::http::{Answer, Client};
use support::marked;
use support::process::until;

const CLIENTS: u64 = 8;
const OPERATIONS: u64 = 600;
const OWN_KEYS: u64 = 20;
const SHARED_KEYS: u64 = 16;
const SHARED_COLLECTIONS: u64 = 3;

/// The longest time to live, in milliseconds of the manual clock; the clock goes on by one for each operation.
const TTL_MS_MAX: u64 = 2000;

/// A document that its only writer knows to be there until its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    text: String,
    version: u64,
    /// Unix milliseconds; `None` is never.
    expires_at: Option<u64>,
}

/// One client: its connection, its choices, and what it knows of what is its own.
struct Hammer<'h> {
    number: u64,
    clock: &'h ManualClock,
    counters: &'h AtomicU64,
    client: Client,
    dice: Dice,
    /// By target.
    own: BTreeMap<String, Known>,
}

/// The name of a document as its value has it: its target, so that one moved between collections shows too.
fn target(base: &str, key: &str) -> String {
    format!("{base}/{key}")
}

impl Hammer<'_> {
    fn run(mut self) -> BTreeMap<String, Known> {
        for _ in 0..OPERATIONS {
            match self.dice.below(10) {
                0..5 => self.touch_own(),
                5..9 => self.touch_shared(),
                _ => self.touch_collections(),
            }
            self.clock.advance(1);
        }
        self.own
    }

    fn own_collection(&self) -> String {
        format!("own-{}", self.number)
    }

    fn send(&mut self, method: &str, target: &str, body: &str) -> Answer {
        self.client.send(method, target, &[], body.as_bytes())
    }

    /// A new document for `target`.
    fn document(&mut self, target: &str) -> String {
        marked::write(target, self.counters.fetch_add(1, Ordering::SeqCst), self.dice.below(2000) as usize)
    }

    fn touch_own(&mut self) {
        let base = match self.dice.below(2) {
            0 => "/v1/docs".to_owned(),
            _ => format!("/v1/collections/{}/docs", self.own_collection()),
        };
        let target = target(&base, &format!("{}-{}", self.number, self.dice.below(OWN_KEYS)));
        match self.dice.below(5) {
            0 => self.delete_own(&target),
            1 => self.get_own(&target),
            2 => {
                let expires_at = self.clock.now().0 + 1 + self.dice.below(TTL_MS_MAX);
                self.put_own(&target, Some(expires_at));
            }
            _ => self.put_own(&target, None),
        }
    }

    fn put_own(&mut self, target: &str, expires_at: Option<u64>) {
        let text = self.document(target);
        let query = expires_at.map_or(String::new(), |moment| format!("?expires_at={moment}"));
        let answer = self.send("PUT", &format!("{target}{query}"), &text);
        if answer.status == 400 && expires_at.is_some() {
            // The others have moved the clock past it meanwhile.
            assert!(answer.text().contains("not in the future"), "{answer:?}");
            // The pool cannot say that it closes a connection whose body it did not read.
            self.client = self.client.again();
            return;
        }
        assert!(matches!(answer.status, 200 | 201), "{target}: {answer:?}");
        let version = answer.version();
        self.own.insert(target.to_owned(), Known { text, version, expires_at });
    }

    fn delete_own(&mut self, target: &str) {
        let before = self.clock.now().0;
        let answer = self.send("DELETE", target, "");
        let known = self.own.remove(target);
        self.judge(target, &answer, known.as_ref(), before, 204);
    }

    fn get_own(&mut self, target: &str) {
        let before = self.clock.now().0;
        let answer = self.send("GET", target, "");
        let known = self.own.get(target);
        self.judge(target, &answer, known, before, 200);
        if let (200, Some(known)) = (answer.status, known) {
            assert_eq!((answer.text(), answer.version()), (known.text.as_str(), known.version), "{target}");
        }
    }

    /// `answer` found the document exactly when it was there, if that did not change while it was on its way.
    fn judge(&self, target: &str, answer: &Answer, known: Option<&Known>, before: u64, found: u16) {
        let is_there = |now: u64| known.is_some_and(|known| known.expires_at.is_none_or(|moment| now < moment));
        let possible = [before, self.clock.now().0].map(|now| if is_there(now) { found } else { 404 });
        assert!(possible.contains(&answer.status), "{target}: {known:?} at {before}: {answer:?}");
    }

    fn touch_shared(&mut self) {
        let base = match self.dice.below(SHARED_COLLECTIONS + 2) {
            number if number < SHARED_COLLECTIONS => format!("/v1/collections/shared-{number}/docs"),
            _ => "/v1/docs".to_owned(),
        };
        let target = target(&base, &format!("shared-{}", self.dice.below(SHARED_KEYS)));
        let answer = match self.dice.below(6) {
            0 => self.send("DELETE", &target, ""),
            1 | 2 => {
                let text = self.document(&target);
                let ttl = 1 + self.dice.below(TTL_MS_MAX);
                self.send("PUT", &format!("{target}?ttl={ttl}ms"), &text)
            }
            3 => {
                let text = self.document(&target);
                self.send("PUT", &target, &text)
            }
            _ => {
                let answer = self.send("GET", &target, "");
                if answer.status == 200 {
                    marked::read(&target, &answer.body);
                }
                answer
            }
        };
        assert!(matches!(answer.status, 200 | 201 | 204 | 404), "{target}: {answer:?}");
    }

    fn touch_collections(&mut self) {
        let name = match self.dice.below(4) {
            0 => self.own_collection(),
            _ => format!("shared-{}", self.dice.below(SHARED_COLLECTIONS)),
        };
        let path = format!("/collections/{name}");
        match self.dice.below(3) {
            0 => {
                assert_eq!(self.send("DELETE", &path, "").status, 200);
                let prefix = format!("/v1/collections/{name}/");
                self.own.retain(|target, _| !target.starts_with(&prefix));
            }
            1 => assert_eq!(self.send("POST", &path, "").status, 201),
            _ => {
                let answer = self.send("GET", &format!("{path}/list"), "");
                if answer.status == 200 {
                    check_listing(&name, &answer);
                }
            }
        }
    }
}

/// Every document of the listing was written under its key; returns how many there are.
fn check_listing(name: &str, answer: &Answer) -> u64 {
    let listing = answer.json();
    let items = listing["data"].as_object().expect("an object of items");
    for (key, value) in items {
        marked::read(&target(&format!("/v1/collections/{name}/docs"), key), value.to_string().as_bytes());
    }
    items.len() as u64
}

/// Takes one snapshot after another, the last one after everybody has finished; returns how many.
fn take_snapshots(mut client: Client, is_over: &AtomicBool) -> u64 {
    let mut taken = 0;
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let answer = client.send("POST", "/v1/admin/snapshot?wait", &[], b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        taken += 1;
        if was_over {
            return taken;
        }
    }
}

/// When nobody writes any more: every own document is there exactly as known, or expired; shared ones are genuine; and
/// the total is the sum, once what has expired is reaped.
fn check_quiet(house: &House, own: &BTreeMap<String, Known>) {
    let mut client = house.client();
    let now = house.clock.now().0;
    let mut live = 0;
    for number in 0..CLIENTS {
        for key in (0..OWN_KEYS).map(|key| format!("{number}-{key}")) {
            for base in ["/v1/docs".to_owned(), format!("/v1/collections/own-{number}/docs")] {
                let target = target(&base, &key);
                let answer = client.send("GET", &target, &[], b"");
                let known = own.get(&target).filter(|known| known.expires_at.is_none_or(|moment| now < moment));
                match known {
                    None => assert_eq!(answer.status, 404, "{target}: {:?} at {now}: {answer:?}", own.get(&target)),
                    Some(known) => {
                        assert_eq!(answer.status, 200, "{target}: {known:?} at {now}: {answer:?}");
                        let seen = (answer.text(), answer.version(), answer.header("MT-TTL").is_some());
                        assert_eq!(seen, (known.text.as_str(), known.version, known.expires_at.is_some()), "{target}");
                        live += 1;
                    }
                }
            }
        }
    }
    for key in 0..SHARED_KEYS {
        let target = target("/v1/docs", &format!("shared-{key}"));
        let answer = client.send("GET", &target, &[], b"");
        if answer.status == 200 {
            marked::read(&target, &answer.body);
            live += 1;
        }
    }
    for name in (0..SHARED_COLLECTIONS).map(|number| format!("shared-{number}")) {
        let answer = client.send("GET", &format!("/collections/{name}/list"), &[], b"");
        if answer.status == 200 {
            live += check_listing(&name, &answer);
        }
    }
    until("the last reap", || house.server().documents() <= live);
    assert_eq!(house.server().documents(), live, "documents in all");
}

#[test]
fn clients_that_hammer_the_same_keys_leave_exactly_what_they_wrote() {
    let mut dice = Dice::of(dice::seed("concurrency"));
    let mut house = House::start(&[("ttl-clean-interval", "10ms")]);
    let (counters, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let own = std::thread::scope(|scope| {
        let snapshots = scope.spawn(|| take_snapshots(house.client(), &is_over));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (dice, client) = (dice.split(), house.client());
                let (clock, counters) = (&house.clock, &counters);
                let hammer = Hammer { number, clock, counters, client, dice, own: BTreeMap::new() };
                scope.spawn(move || hammer.run())
            })
            .collect();
        let ended: Vec<_> = clients.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::SeqCst);
        assert!(snapshots.join().expect("snapshots succeed") > 1);
        let mut own = BTreeMap::new();
        ended.into_iter().for_each(|known| own.extend(known.expect("what a client saw is right")));
        own
    });
    assert!(!own.is_empty());
    check_quiet(&house, &own);
    for _ in 0..2 {
        house.close();
        house.open();
        check_quiet(&house, &own);
        // Half of what is left of the deadlines passes.
        house.clock.advance(TTL_MS_MAX / 2);
        check_quiet(&house, &own);
    }
}

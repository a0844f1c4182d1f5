//! kill -9 at random moments, under concurrent writers and snapshots: what opens is the old or the new snapshot, per
//! key, and no number is issued twice.
//!
//! The journal is off, so a write survives when a snapshot that began after it was finished, and may survive when one
//! was under way. So for each key the test keeps every state it was ever put into since the last start, up to the one
//! whose answer the kill cut off; after the kill the key must be in one of them, and in none from before the state
//! that the last finished snapshot has to hold.

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use support::dice::{self, Dice};
use support::http::{Answer, Client};
use support::marked;
use support::process::{FRONTS, Ground, Server};

const ROUNDS: usize = 25;
const WRITERS: usize = 4;
const KEYS_PER_WRITER: u64 = 12;

/// Acknowledged writes before a kill, at most.
const WRITES_MAX: u64 = 250;

/// What a document is in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    /// Its text; `None` when there is none.
    document: Option<String>,
    /// Its version and deadline; `None` when the answer never came.
    known: Option<(u64, Option<String>)>,
}

impl State {
    const ABSENT: State = State { document: None, known: None };

    /// What a GET of it would be answered with is `seen`.
    fn is(&self, seen: &State) -> bool {
        self.document == seen.document && self.known.as_ref().is_none_or(|known| Some(known) == seen.known.as_ref())
    }
}

/// What became of a key since the start.
struct History {
    /// Every state, oldest first. The last one may not have been acknowledged.
    states: Vec<State>,
    /// The newest state that was acknowledged.
    acknowledged: usize,
    /// The oldest state that can come back: the last finished snapshot holds it or a newer one.
    oldest: usize,
}

/// Everything that is known about the server from outside.
struct Ledger {
    /// By key; each writer has its own.
    histories: Vec<Mutex<BTreeMap<String, History>>>,
    /// Every version that was ever seen, with what it named.
    versions: Mutex<BTreeMap<u64, (String, String)>>,
    /// Writes that were acknowledged in this round.
    writes: AtomicU64,
}

impl Ledger {
    fn new() -> Ledger {
        let of_writer = |writer| {
            let keys = (0..KEYS_PER_WRITER).map(|number| format!("w{writer}-{number}"));
            let absent = || History { states: vec![State::ABSENT], acknowledged: 0, oldest: 0 };
            Mutex::new(keys.map(|key| (key, absent())).collect())
        };
        let histories = (0..WRITERS).map(of_writer).collect();
        Ledger { histories, versions: Mutex::default(), writes: AtomicU64::new(0) }
    }

    /// A version names one document for ever.
    fn saw(&self, version: u64, key: &str, document: &str) {
        let named = (key.to_owned(), document.to_owned());
        let before = self.versions.lock().unwrap().entry(version).or_insert(named.clone()).clone();
        assert_eq!(before, named, "version {version} was issued twice");
    }

    fn newest_version(&self) -> u64 {
        self.versions.lock().unwrap().keys().next_back().copied().unwrap_or(0)
    }

    /// Writes until the server is gone.
    fn write(&self, writer: usize, address: SocketAddr, mut dice: Dice, counters: &AtomicU64) {
        let Ok(mut client) = Client::try_connect(address) else { return };
        loop {
            let key = format!("w{writer}-{}", dice.below(KEYS_PER_WRITER));
            let target = format!("/v1/docs/{key}");
            let document = (dice.below(5) > 0)
                .then(|| marked::write(&key, counters.fetch_add(1, Ordering::SeqCst), dice.below(3000) as usize));
            self.history(writer, &key, |history| {
                history.states.push(State { document: document.clone(), known: None });
            });
            let answered = match &document {
                Some(text) if dice.below(2) == 0 => client.try_send("PUT", &target, &[], text.as_bytes()),
                Some(text) => client.try_send("PUT", &format!("{target}?ttl=1h"), &[], text.as_bytes()),
                None => client.try_send("DELETE", &target, &[], b""),
            };
            let Ok(answer) = answered else { return };
            let known = document.as_ref().map(|text| {
                assert!(matches!(answer.status, 200 | 201), "{answer:?}");
                self.saw(answer.version(), &key, text);
                (answer.version(), answer.json()["expires_at"].as_str().map(str::to_owned))
            });
            assert!(document.is_some() || matches!(answer.status, 204 | 404), "{answer:?}");
            self.history(writer, &key, |history| {
                history.acknowledged = history.states.len() - 1;
                history.states[history.acknowledged].known = known;
            });
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn history<T>(&self, writer: usize, key: &str, with: impl FnOnce(&mut History) -> T) -> T {
        with(self.histories[writer].lock().unwrap().get_mut(key).expect("a key of this writer"))
    }

    fn each_history(&self, mut with: impl FnMut(&str, &mut History)) {
        for histories in &self.histories {
            histories.lock().unwrap().iter_mut().for_each(|(key, history)| with(key, history));
        }
    }

    /// Takes one snapshot after another until the server is gone. Returns how many were finished.
    fn take_snapshots(&self, address: SocketAddr) -> usize {
        let Ok(mut client) = Client::try_connect(address) else { return 0 };
        for finished in 0.. {
            let mut held = Vec::new();
            self.each_history(|_, history| held.push(history.acknowledged));
            match client.try_send("POST", "/v1/admin/snapshot?wait", &[], b"") {
                Ok(answer) => assert_eq!(answer.status, 200, "{answer:?}"),
                Err(_) => return finished,
            }
            let mut held = held.into_iter();
            self.each_history(|_, history| history.oldest = held.next().expect("as many as before"));
        }
        0
    }

    /// Holds what the server has against what it may have, and begins anew from there.
    fn check(&self, server: &Server) {
        let mut client = server.client();
        self.each_history(|key, history| {
            let seen = seen(&client.send("GET", &format!("/v1/docs/{key}"), &[], b""));
            if let (Some(document), Some((version, _))) = (&seen.document, &seen.known) {
                marked::read(key, document.as_bytes());
                self.saw(*version, key, document);
            }
            let possible = &history.states[history.oldest..];
            assert!(possible.iter().any(|state| state.is(&seen)), "{key}: {seen:?} is none of {possible:?}");
            *history = History { states: vec![seen], acknowledged: 0, oldest: 0 };
        });
        self.writes.store(0, Ordering::SeqCst);
    }
}

fn seen(answer: &Answer) -> State {
    match answer.status {
        404 => State::ABSENT,
        _ => State {
            document: Some(answer.text().to_owned()),
            known: Some((answer.version(), answer.header("MT-Expires-At").map(str::to_owned))),
        },
    }
}

#[test]
fn after_a_kill_each_document_is_as_in_the_old_or_the_new_snapshot() {
    let mut dice = Dice::of(dice::seed("process_kill"));
    let ground = Ground::new();
    let (ledger, counters) = (Ledger::new(), AtomicU64::new(0));
    let mut snapshots = 0;
    for round in 0..ROUNDS {
        let server = ground.start(&["--shards", "16", "--front", FRONTS[round % FRONTS.len()]]);
        ledger.check(&server);
        let newest = ledger.newest_version();
        let document = marked::write("probe", counters.fetch_add(1, Ordering::SeqCst), 0);
        let probe = server.client().send("PUT", "/v1/docs/probe", &[], document.as_bytes()).version();
        assert!(probe > newest, "round {round}: version {probe} after {newest} had been seen");
        ledger.saw(probe, "probe", &document);

        let writes = 1 + dice.below(WRITES_MAX);
        let address = server.address;
        snapshots += std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (ledger, counters, dice) = (&ledger, &counters, dice.split());
                scope.spawn(move || ledger.write(writer, address, dice, counters));
            }
            let snapshotter = scope.spawn(|| ledger.take_snapshots(address));
            support::process::until("the writes of this round", || ledger.writes.load(Ordering::SeqCst) >= writes);
            let ended = server.kill();
            assert_eq!(ended.signal, Some(9), "{ended:?}");
            snapshotter.join().expect("the snapshotter's assertions hold")
        });
    }
    println!("{snapshots} snapshots were finished");
    assert!(snapshots > 0, "no snapshot was ever finished: nothing was proved");

    // After a clean stop nothing is missing.
    let server = ground.start(&[]);
    ledger.check(&server);
    server.stop();
    ledger.check(&ground.start(&[]));
}

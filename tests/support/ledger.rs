//! What is known from outside about a server that is killed: every write that was asked of it, what was answered, and
//! what must be there afterwards.
//!
//! Each writer has keys of its own and writes one document after the other, so its writes have an order. After a kill
//! the server must hold, for each writer, what the first so many of them left, and no fewer than it has promised to
//! keep. A version that was ever seen names one document for ever.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::dice::Dice;
use super::http::Client;
use super::marked;
use super::process::Server;

/// What a server keeps over a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Whatever was acknowledged: a journal is kept.
    Acknowledged,
    /// What was acknowledged before the last finished snapshot was begun, and perhaps more.
    Snapshot,
}

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

/// What a writer has done since the last check.
#[derive(Default)]
struct Log {
    /// Its keys, and what was there at first.
    base: BTreeMap<String, State>,
    /// Its writes in order. The last one may not have been answered.
    writes: Vec<(String, State)>,
    /// So many of them were acknowledged.
    acknowledged: usize,
    /// So many of them must survive.
    held: usize,
}

/// Everything that is known about the server from outside.
pub struct Ledger {
    promise: Promise,
    logs: Vec<Mutex<Log>>,
    /// Every version that was ever seen, with what it named.
    versions: Mutex<BTreeMap<u64, (String, String)>>,
    /// Writes that were acknowledged since the last check.
    writes: AtomicU64,
    /// Gives each document its number.
    counter: AtomicU64,
}

impl Ledger {
    /// Of a server that promises so much, before its first start.
    pub fn new(promise: Promise, writers: usize, keys_per_writer: u64) -> Ledger {
        let log = |writer| {
            let keys = (0..keys_per_writer).map(|number| (format!("w{writer}-{number}"), State::ABSENT));
            Mutex::new(Log { base: keys.collect(), ..Log::default() })
        };
        Ledger {
            promise,
            logs: (0..writers).map(log).collect(),
            versions: Mutex::default(),
            writes: AtomicU64::new(0),
            counter: AtomicU64::new(0),
        }
    }

    /// Writes that were acknowledged since the last check.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// A version names one document for ever.
    fn saw(&self, version: u64, key: &str, document: &str) {
        let named = (key.to_owned(), document.to_owned());
        let before = self.versions.lock().unwrap().entry(version).or_insert(named.clone()).clone();
        assert_eq!(before, named, "version {version} was issued twice");
    }

    /// Writes until the server is gone.
    pub fn write_until_gone(&self, writer: usize, address: SocketAddr, mut dice: Dice) {
        let Ok(mut client) = Client::try_connect(address) else { return };
        while self.write(writer, &mut client, &mut dice).is_ok() {}
    }

    /// Puts or deletes one of the keys of `writer`.
    ///
    /// # Errors
    /// The connection's; the write may have happened.
    pub fn write(&self, writer: usize, client: &mut Client, dice: &mut Dice) -> io::Result<()> {
        let mut log = self.logs[writer].lock().unwrap();
        let key = format!("w{writer}-{}", dice.below(log.base.len() as u64));
        let target = format!("/v1/docs/{key}");
        let number = self.counter.fetch_add(1, Ordering::SeqCst);
        let document = (dice.below(5) > 0).then(|| marked::write(&key, number, dice.below(3000) as usize));
        log.writes.push((key.clone(), State { document: document.clone(), known: None }));
        // A snapshot may be begun meanwhile.
        drop(log);
        let answer = match &document {
            Some(text) if dice.below(2) == 0 => client.try_send("PUT", &target, &[], text.as_bytes()),
            Some(text) => client.try_send("PUT", &format!("{target}?ttl=1h"), &[], text.as_bytes()),
            None => client.try_send("DELETE", &target, &[], b""),
        }?;
        let mut log = self.logs[writer].lock().unwrap();
        if answer.status == 503 {
            // In flight when the disk refused: it may be there. All else that is refused has not happened.
            if answer.json()["code"] != "outcome_unknown" {
                log.writes.pop();
            }
            return Ok(());
        }
        if let Some(text) = &document {
            assert!(matches!(answer.status, 200 | 201), "{answer:?}");
            self.saw(answer.version(), &key, text);
            let deadline = answer.json()["expires_at"].as_str().map(str::to_owned);
            log.writes.last_mut().expect("it was pushed above").1.known = Some((answer.version(), deadline));
        } else {
            assert!(matches!(answer.status, 204 | 404), "{answer:?}");
        }
        log.acknowledged = log.writes.len();
        if self.promise == Promise::Acknowledged {
            log.held = log.acknowledged;
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Orders a snapshot and waits for it. True when it was written; then what was acknowledged before is kept. False
    /// when it failed, or another one is under way: after a crash the server takes one by itself.
    ///
    /// # Errors
    /// The connection's.
    pub fn snapshot(&self, client: &mut Client) -> io::Result<bool> {
        let acknowledged: Vec<usize> = self.logs.iter().map(|log| log.lock().unwrap().acknowledged).collect();
        let is_written = client.try_send("POST", "/v1/admin/snapshot?wait", &[], b"")?.status == 200;
        if is_written {
            self.hold(&acknowledged);
        }
        Ok(is_written)
    }

    /// The server has stopped and said that all went well: whatever was acknowledged is kept.
    pub fn stopped_cleanly(&self) {
        let acknowledged: Vec<usize> = self.logs.iter().map(|log| log.lock().unwrap().acknowledged).collect();
        self.hold(&acknowledged);
    }

    fn hold(&self, counts: &[usize]) {
        for (log, count) in self.logs.iter().zip(counts) {
            let mut log = log.lock().unwrap();
            log.held = log.held.max(*count);
        }
    }

    /// Holds what the server has against what it may have and puts one document more, whose version must be above
    /// all that were seen. Begins anew from there.
    #[track_caller]
    pub fn check(&self, server: &Server) {
        let mut client = server.client();
        for log in &self.logs {
            let mut log = log.lock().unwrap();
            let found: BTreeMap<String, State> =
                log.base.keys().map(|key| (key.clone(), self.look(&mut client, key))).collect();
            log.check(&found);
            *log = Log { base: found, ..Log::default() };
        }
        self.writes.store(0, Ordering::SeqCst);
        let newest = self.versions.lock().unwrap().keys().next_back().copied().unwrap_or(0);
        let document = marked::write("probe", self.counter.fetch_add(1, Ordering::SeqCst), 0);
        let probe = client.send("PUT", "/v1/docs/probe", &[], document.as_bytes()).version();
        assert!(probe > newest, "version {probe} after {newest} had been seen");
        self.saw(probe, "probe", &document);
    }

    fn look(&self, client: &mut Client, key: &str) -> State {
        let answer = client.send("GET", &format!("/v1/docs/{key}"), &[], b"");
        if answer.status == 404 {
            return State::ABSENT;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        marked::read(key, &answer.body);
        self.saw(answer.version(), key, answer.text());
        let deadline = answer.header("MT-Expires-At").map(str::to_owned);
        State { document: Some(answer.text().to_owned()), known: Some((answer.version(), deadline)) }
    }
}

impl Log {
    /// What was `found` is what some number of the writes left, at least as many as must survive.
    #[track_caller]
    fn check(&self, found: &BTreeMap<String, State>) {
        let mut now = self.base.clone();
        let mut possible: BTreeMap<&String, Vec<usize>> = found.keys().map(|key| (key, Vec::new())).collect();
        for count in 0..=self.writes.len() {
            if count > 0 {
                let (key, state) = self.writes[count - 1].clone();
                now.insert(key, state);
            }
            if count >= self.held {
                let fitting = possible.iter_mut().filter(|(key, _)| now[**key].is(&found[**key]));
                fitting.for_each(|(_, counts)| counts.push(count));
            }
        }
        let range = self.held..=self.writes.len();
        for (key, counts) in &possible {
            let (found, writes) = (&found[*key], self.writes.iter().filter(|(written, _)| written == *key));
            let writes: Vec<&State> = writes.map(|(_, state)| state).collect();
            assert!(
                !counts.is_empty(),
                "{key} is {found:?} after {range:?} writes: {:?}, then {writes:?}",
                self.base[*key]
            );
        }
        let is_prefix = |count: &usize| possible.values().all(|counts| counts.contains(count));
        let is_one = range.clone().any(|count| is_prefix(&count));
        assert!(is_one, "what {range:?} writes left, no number of them left all of it: {possible:?}");
    }
}

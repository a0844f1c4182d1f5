//! Writers, a scanner and a reaper at once: nothing is lost, counted twice, or out of order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::*;
use crate::base::limits::ENTRIES_PER_HOLD_MAX;
use crate::model::Listed;
use crate::store::{Dropped, Lookup, Scan, Totals};

const THREADS: u64 = 8;
const ROUNDS: u64 = 20_000;
const KEYS: u64 = 500;

fn key_of(number: u64) -> String {
    format!("key/{number:04}")
}

/// Puts or removes in a scope; the number of entries that it added, removals subtracted.
fn write(store: &Store, scope: Scope<'_>, random: u64, lsns: &AtomicU64, now: UnixMillis) -> i64 {
    let key = key_of(random % KEYS);
    let Ok(place) = store.place(scope) else { return 0 };
    let locked = store.lock(&place, Key::new(&key).unwrap());
    let lsn = Lsn(lsns.fetch_add(1, Ordering::Relaxed) + 1);
    if random >> 32 & 3 == 0 {
        return -i64::from(locked.remove(lsn).is_some());
    }
    let deadline = if random >> 34 & 1 == 0 { Deadline::at(now.plus(random >> 40 & 63)) } else { Deadline::NEVER };
    i64::from(locked.put(document(&key), lsn, deadline).is_none())
}

/// Scans until told to stop; each scan ascends strictly and shows nothing expired.
fn scan(store: &Arc<Store>, now: &Arc<AtomicU64>, stop: &AtomicBool) -> u64 {
    let mut scans = 0;
    while !stop.load(Ordering::Relaxed) {
        let clock = now.clone();
        let started = UnixMillis(now.load(Ordering::SeqCst));
        let mut last: Option<Entry> = None;
        let scan = Scan::new(store.clone(), CollectionId::MAIN, KeyRange::ALL, None, move || {
            UnixMillis(clock.load(Ordering::SeqCst))
        });
        for entry in scan.filter_map(Listed::live) {
            assert!(!entry.deadline.has_passed(started));
            assert!(last.is_none_or(|last| last.document.key_bytes() < entry.document.key_bytes()));
            last = Some(entry);
        }
        scans += 1;
    }
    scans
}

fn reap(store: &Store, now: &AtomicU64, stop: &AtomicBool) -> i64 {
    let mut reaped = 0;
    while !stop.load(Ordering::Relaxed) {
        let now = UnixMillis(now.fetch_add(1, Ordering::SeqCst));
        for shard in (0..store.shard_count()).map(ShardIndex) {
            reaped += store.reap(shard, now, ENTRIES_PER_HOLD_MAX).count as i64;
        }
    }
    reaped
}

#[test]
fn totals_are_exact_after_writers_a_scanner_and_a_reaper_met() {
    for shards in [1, 16] {
        let store = Arc::new(Store::new(shards));
        let (now, lsns, stop) = (Arc::new(AtomicU64::new(1)), AtomicU64::new(0), AtomicBool::new(false));
        let (added, reaped, scans) = thread::scope(|scope| {
            let writers: Vec<_> = (0..THREADS)
                .map(|writer| {
                    let (store, now, lsns) = (&store, &now, &lsns);
                    scope.spawn(move || {
                        let randoms = (0..ROUNDS).map(|round| scrambled(round << 8 | writer));
                        let at = || UnixMillis(now.load(Ordering::SeqCst));
                        randoms.map(|random| write(store, Scope::Main, random, lsns, at())).sum::<i64>()
                    })
                })
                .collect();
            let scanner = scope.spawn(|| scan(&store, &now, &stop));
            let reaper = scope.spawn(|| reap(&store, &now, &stop));
            let added: i64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
            stop.store(true, Ordering::Relaxed);
            (added, reaper.join().unwrap(), scanner.join().unwrap())
        });
        assert!(scans > 0 && reaped > 0, "{scans} scans and {reaped} reaped: nothing met");
        store.check_invariants();
        let entries = sliced(&store, CollectionId::MAIN, ENTRIES_PER_HOLD_MAX);
        let bytes = entries.iter().map(|entry| entry.document.size_bytes() as u64).sum();
        assert_eq!(store.totals(), Totals { documents: entries.len() as u64, key_and_value_bytes: bytes });
        assert_eq!(entries.len() as i64, added - reaped);
        let versions: BTreeSet<_> = entries.iter().map(|entry| entry.version).collect();
        assert_eq!(versions.len(), entries.len(), "a version is given once");
    }
}

/// What is there all the time comes, in its place, whatever is written beside it.
#[test]
fn a_range_of_what_nobody_writes_is_complete_while_others_write_between_its_keys() {
    let store = Arc::new(Store::new(16));
    // Even numbers stay, odd ones come and go.
    store.load(CollectionId::MAIN, (0..KEYS).step_by(2).map(|number| entry(&key_of(number), 1)));
    let (lsns, stop) = (AtomicU64::new(1), AtomicBool::new(false));
    thread::scope(|scope| {
        for writer in 0..3_u64 {
            let (store, lsns, stop) = (&store, &lsns, &stop);
            scope.spawn(move || {
                let place = store.place(Scope::Main).unwrap();
                let randoms = (0..).map(|round: u64| scrambled(round << 8 | writer));
                for random in randoms.take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let key = key_of((random % KEYS) | 1);
                    let locked = store.lock(&place, Key::new(&key).unwrap());
                    let lsn = Lsn(lsns.fetch_add(1, Ordering::Relaxed) + 1);
                    if random >> 32 & 1 == 0 {
                        locked.remove(lsn);
                    } else {
                        locked.put(document(&key), lsn, Deadline::NEVER);
                    }
                }
            });
        }
        for round in 0..2000 {
            let (prefix, after) = (format!("key/{:03}", round % 50), key_of(scrambled(round) % KEYS));
            let range = KeyRange { prefix: prefix.as_bytes(), after: Some(after.as_bytes()) };
            let scan = Scan::new(store.clone(), CollectionId::MAIN, range, None, || UnixMillis(0));
            let live = scan.filter_map(Listed::live);
            let keys: Vec<String> = live.map(|entry| entry.document.key().as_str().to_owned()).collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
            let is_even = |key: &&String| key.ends_with(['0', '2', '4', '6', '8']);
            let lasting: Vec<String> = keys.iter().filter(is_even).cloned().collect();
            let all = (0..KEYS).step_by(2).map(key_of);
            let expected: Vec<_> = all.filter(|key| key.starts_with(&prefix) && *key > after).collect();
            assert_eq!(lasting, expected, "{range:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_write_never_lands_in_a_collection_that_was_dropped_before_it() {
    let store = Store::new(16);
    let lsns = AtomicU64::new(0);
    let issue = || Lsn(lsns.fetch_add(1, Ordering::SeqCst) + 1);
    let name = CollectionName::new("c").unwrap();
    thread::scope(|scope| {
        for writer in 0..THREADS {
            let (store, lsns) = (&store, &lsns);
            scope.spawn(move || {
                for round in 0..ROUNDS / 10 {
                    write(store, collection("c"), scrambled(round << 8 | writer), lsns, UnixMillis(0));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..ROUNDS / 10 {
                store.create_collection(name, 10, issue).unwrap();
                if let Dropped::Existed { id, .. } = store.drop_collection(name, issue) {
                    store.reclaim(id);
                }
            }
        });
    });
    // Whatever had come between a drop and its reclaiming would be here for ever.
    assert_eq!(store.totals(), Totals::default());
    store.check_invariants();
    assert!(store.place(collection("c")).is_err());
}

#[test]
fn a_reader_sees_an_overwritten_document_or_its_successor_and_never_neither() {
    let store = Store::new(1);
    let key = Key::new("k").unwrap();
    store.load(CollectionId::MAIN, [entry("k", 1)].into_iter());
    thread::scope(|scope| {
        scope.spawn(|| {
            for version in 2..ROUNDS {
                let place = store.place(Scope::Main).unwrap();
                let replaced = store.lock(&place, key).put(document("k"), Lsn(version), Deadline::NEVER);
                assert_eq!(replaced.map(|entry| entry.version), Some(Lsn(version - 1)));
            }
        });
        scope.spawn(|| {
            let mut last = Lsn::ZERO;
            while last < Lsn(ROUNDS - 1) {
                match store.get(store.place(Scope::Main).unwrap(), key, || UnixMillis(0)) {
                    Lookup::Found { entry, .. } => {
                        assert!(entry.version >= last);
                        last = entry.version;
                    }
                    Lookup::Absent { .. } => panic!("the document is there all the time"),
                }
            }
        });
    });
}

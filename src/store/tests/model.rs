//! Random operations against a model of nothing but ordered maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::RandomState;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::model::Listed;
use crate::store::{Created, Dropped, Lookup, Scan, TooMany, Totals};

/// The main store and two names; of the names one at a time may exist.
const SCOPES: [Option<&str>; 3] = [None, Some("a"), Some("b")];
const COLLECTIONS_MAX: usize = 1;

/// Short keys, so that they meet; some are prefixes of others, and bytes above ASCII sort by bytes.
const KEYS: [&str; 12] = ["a", "a/", "a/b", "aa", "b", "é", "日", "~", "0", "00", "zz", "a b"];

#[derive(Clone, Debug)]
enum Operation {
    Put {
        scope: usize,
        key: usize,
        value_bytes: usize,
        ttl: Option<u64>,
    },
    /// Enough keys for leaves to split and tables to grow.
    PutMany {
        scope: usize,
        from: u32,
        count: u32,
        ttl: Option<u64>,
    },
    Remove {
        scope: usize,
        key: usize,
    },
    RemoveMany {
        scope: usize,
        from: u32,
        count: u32,
    },
    SetDeadline {
        scope: usize,
        key: usize,
        ttl: Option<u64>,
    },
    Batch {
        scope: usize,
        changes: Vec<(usize, Change)>,
    },
    Get {
        scope: usize,
        key: usize,
    },
    Load {
        scope: usize,
        key: usize,
        age: u64,
    },
    Advance {
        millis: u64,
    },
    Reap {
        entries_max: usize,
    },
    Create {
        scope: usize,
    },
    Drop {
        scope: usize,
    },
    Slice {
        scope: usize,
        entries_max: usize,
    },
    Scan {
        scope: usize,
        prefix: String,
        after: Option<String>,
        at_most: Option<usize>,
    },
}

/// One change of a batch.
#[derive(Clone, Copy, Debug)]
enum Change {
    Put,
    Remove,
    SetDeadline(Option<u64>),
}

fn change() -> impl Strategy<Value = Change> {
    let ttl = proptest::option::of(0..40_u64);
    prop_oneof![Just(Change::Put), Just(Change::Remove), ttl.prop_map(Change::SetDeadline)]
}

/// What a range may begin with or come after: keys that are there or not, and beginnings of them.
fn bound() -> impl Strategy<Value = String> {
    let numbered = (0..1200_u32, 0..=5_usize).prop_map(|(number, length)| format!("n{number:04}")[..length].to_owned());
    prop_oneof![proptest::sample::select(&KEYS[..]).prop_map(str::to_owned), numbered, Just(String::new())]
}

fn operation() -> impl Strategy<Value = Operation> {
    let (scope, key, name) = (0..SCOPES.len(), 0..KEYS.len(), 1..SCOPES.len());
    let ttl = || proptest::option::of(0..40_u64);
    prop_oneof![
        8 => (scope.clone(), key.clone(), 0..200_usize, ttl())
            .prop_map(|(scope, key, value_bytes, ttl)| Operation::Put { scope, key, value_bytes, ttl }),
        1 => (scope.clone(), 0..600_u32, 0..600_u32, ttl())
            .prop_map(|(scope, from, count, ttl)| Operation::PutMany { scope, from, count, ttl }),
        4 => (scope.clone(), key.clone()).prop_map(|(scope, key)| Operation::Remove { scope, key }),
        1 => (scope.clone(), 0..600_u32, 0..600_u32)
            .prop_map(|(scope, from, count)| Operation::RemoveMany { scope, from, count }),
        3 => (scope.clone(), key.clone(), ttl())
            .prop_map(|(scope, key, ttl)| Operation::SetDeadline { scope, key, ttl }),
        3 => (scope.clone(), vec((key.clone(), change()), 0..20))
            .prop_map(|(scope, changes)| Operation::Batch { scope, changes }),
        6 => (scope.clone(), key.clone()).prop_map(|(scope, key)| Operation::Get { scope, key }),
        2 => (scope.clone(), key, 0..20_u64).prop_map(|(scope, key, age)| Operation::Load { scope, key, age }),
        4 => (0..30_u64).prop_map(|millis| Operation::Advance { millis }),
        3 => (1..20_usize).prop_map(|entries_max| Operation::Reap { entries_max }),
        3 => name.clone().prop_map(|scope| Operation::Create { scope }),
        1 => name.prop_map(|scope| Operation::Drop { scope }),
        2 => (scope.clone(), 1..50_usize).prop_map(|(scope, entries_max)| Operation::Slice { scope, entries_max }),
        3 => (scope, bound(), proptest::option::of(bound()), proptest::option::of(0..700_usize))
            .prop_map(|(scope, prefix, after, at_most)| Operation::Scan { scope, prefix, after, at_most }),
    ]
}

/// A collection in the model; expired entries stay until they are reaped.
#[derive(Debug)]
struct Modelled {
    id: CollectionId,
    created: Lsn,
    entries: BTreeMap<Vec<u8>, Entry>,
    /// The LSN that each key's last removal or expiry rests on.
    removals: BTreeMap<Vec<u8>, Lsn>,
    /// The LSN of the newest change of each key's deadline.
    deadline_changes: BTreeMap<Vec<u8>, Lsn>,
}

struct Run {
    store: Arc<Store>,
    scopes: [Option<Modelled>; SCOPES.len()],
    last_drop: Lsn,
    last_change: Lsn,
    lsn: Lsn,
    now: UnixMillis,
}

impl Run {
    fn new(shards: usize) -> Run {
        let main = Modelled {
            id: CollectionId::MAIN,
            created: Lsn::ZERO,
            entries: BTreeMap::new(),
            removals: BTreeMap::new(),
            deadline_changes: BTreeMap::new(),
        };
        Run {
            store: Arc::new(Store::with_hash_keys(shards, RandomState::with_seeds(1, 2, 3, 4))),
            scopes: [Some(main), None, None],
            last_drop: Lsn::ZERO,
            last_change: Lsn::ZERO,
            // Above the ages of loaded entries.
            lsn: Lsn(1000),
            now: UnixMillis(1000),
        }
    }

    fn issue(&mut self) -> Lsn {
        self.lsn = self.lsn.next();
        self.lsn
    }

    fn apply(&mut self, operation: &Operation) {
        match operation.clone() {
            Operation::Put { scope, key, value_bytes, ttl } => self.put(scope, KEYS[key], value_bytes, ttl),
            Operation::PutMany { scope, from, count, ttl } => {
                numbered(from, count).for_each(|key| self.put(scope, &key, 5, ttl));
            }
            Operation::Remove { scope, key } => self.remove(scope, KEYS[key]),
            Operation::RemoveMany { scope, from, count } => {
                numbered(from, count).for_each(|key| self.remove(scope, &key));
            }
            Operation::SetDeadline { scope, key, ttl } => self.set_deadline(scope, KEYS[key], ttl),
            Operation::Batch { scope, changes } => self.batch(scope, &changes),
            Operation::Get { scope, key } => self.get(scope, KEYS[key]),
            Operation::Load { scope, key, age } => self.load(scope, KEYS[key], age),
            Operation::Advance { millis } => self.now = self.now.plus(millis),
            Operation::Reap { entries_max } => self.reap(entries_max),
            Operation::Create { scope } => self.create(scope),
            Operation::Drop { scope } => self.drop_collection(scope),
            Operation::Slice { scope, entries_max } => self.slice(scope, entries_max),
            Operation::Scan { scope, ref prefix, ref after, at_most } => {
                self.scan(scope, prefix, after.as_deref(), at_most);
            }
        }
        self.check_totals();
    }

    fn put(&mut self, scope: usize, key: &str, value_bytes: usize, ttl: Option<u64>) {
        let (store, now, version) = (self.store.clone(), self.now, self.issue());
        let Some(modelled) = resolve(&store, &mut self.scopes[scope], scope, self.last_drop) else { return };
        let place = store.place(scope_of(scope)).unwrap();
        let locked = store.lock(&place, Key::new(key).unwrap());
        modelled.check_current(&locked, key, now);
        let deadline = ttl.map_or(Deadline::NEVER, |ttl| Deadline::at(now.plus(ttl)));
        let value = "1".repeat(value_bytes);
        let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
        let replaced = locked.put(document.clone(), version, deadline);
        let expected = modelled.entries.insert(key.into(), Entry { document, version, deadline });
        assert_eq!(replaced, expected);
    }

    fn remove(&mut self, scope: usize, key: &str) {
        let (store, now, lsn) = (self.store.clone(), self.now, self.issue());
        let Some(modelled) = resolve(&store, &mut self.scopes[scope], scope, self.last_drop) else { return };
        let place = store.place(scope_of(scope)).unwrap();
        let locked = store.lock(&place, Key::new(key).unwrap());
        modelled.check_current(&locked, key, now);
        let expected = modelled.entries.remove(key.as_bytes());
        if expected.is_some() {
            modelled.removals.insert(key.into(), lsn);
        }
        assert_eq!(locked.remove(lsn), expected);
    }

    fn set_deadline(&mut self, scope: usize, key: &str, ttl: Option<u64>) {
        let (store, now, lsn) = (self.store.clone(), self.now, self.issue());
        let Some(modelled) = resolve(&store, &mut self.scopes[scope], scope, self.last_drop) else { return };
        let place = store.place(scope_of(scope)).unwrap();
        let deadline = ttl.map_or(Deadline::NEVER, |ttl| Deadline::at(now.plus(ttl)));
        store.lock(&place, Key::new(key).unwrap()).set_deadline(deadline, lsn);
        modelled.set_deadline(key, deadline, lsn);
    }

    fn batch(&mut self, scope: usize, changes: &[(usize, Change)]) {
        let (store, now) = (self.store.clone(), self.now);
        let lsns: Vec<Lsn> = changes.iter().map(|_| self.issue()).collect();
        let Some(modelled) = resolve(&store, &mut self.scopes[scope], scope, self.last_drop) else { return };
        let place = store.place(scope_of(scope)).unwrap();
        let keys: Vec<_> = changes.iter().map(|(key, _)| Key::new(KEYS[*key]).unwrap()).collect();
        let mut locked = store.lock_all(&place, &keys);
        for (number, ((key, change), lsn)) in changes.iter().zip(lsns).enumerate() {
            let key = KEYS[*key];
            let live = modelled.live(key, now).map(|entry| (entry.version, entry.deadline));
            assert_eq!(locked.current(number, now).map(|current| (current.version, current.deadline)), live);
            assert!(locked.absent_rests_on(number) >= modelled.absence(key));
            match *change {
                Change::Put => {
                    locked.put(number, document(key), lsn, Deadline::NEVER);
                    modelled.entries.insert(key.into(), entry(key, lsn.0));
                }
                Change::Remove => {
                    locked.remove(number, lsn);
                    if modelled.entries.remove(key.as_bytes()).is_some() {
                        modelled.removals.insert(key.into(), lsn);
                    }
                }
                Change::SetDeadline(ttl) => {
                    let deadline = ttl.map_or(Deadline::NEVER, |ttl| Deadline::at(now.plus(ttl)));
                    locked.set_deadline(number, deadline, lsn);
                    modelled.set_deadline(key, deadline, lsn);
                }
            }
        }
    }

    fn get(&mut self, scope: usize, key: &str) {
        let store = self.store.clone();
        let Some(modelled) = resolve(&store, &mut self.scopes[scope], scope, self.last_drop) else { return };
        let found = store.get(store.place(scope_of(scope)).unwrap(), Key::new(key).unwrap(), || self.now);
        match (found, modelled.live(key, self.now)) {
            (Lookup::Found { entry, rests_on }, Some(expected)) => {
                assert_eq!(entry, *expected);
                assert!((expected.version.max(modelled.deadline_changed(key))..=self.lsn).contains(&rests_on));
            }
            (Lookup::Absent { rests_on }, None) => {
                assert!((modelled.absence(key)..=self.lsn).contains(&rests_on), "{rests_on:?}");
            }
            (found, expected) => panic!("found {found:?}, expected {expected:?}"),
        }
    }

    fn load(&mut self, scope: usize, key: &str, age: u64) {
        let store = self.store.clone();
        let Some(modelled) = resolve(&store, &mut self.scopes[scope], scope, self.last_drop) else { return };
        let loaded = entry(key, self.lsn.0.saturating_sub(age * 10));
        store.load(modelled.id, [loaded.clone()].into_iter());
        let is_newer = modelled.entries.get(key.as_bytes()).is_none_or(|there| there.version < loaded.version);
        if is_newer {
            modelled.entries.insert(key.into(), loaded);
        }
    }

    fn reap(&mut self, entries_max: usize) {
        let mut reaped = 0;
        for shard in (0..self.store.shard_count()).map(ShardIndex) {
            loop {
                let one = self.store.reap(shard, self.now, entries_max);
                reaped += one.count;
                assert!(one.count <= entries_max && (one.count == entries_max || !one.more), "{one:?}");
                if !one.more {
                    break;
                }
            }
        }
        let mut expected = 0;
        for modelled in self.scopes.iter_mut().flatten() {
            for (key, entry) in modelled.entries.extract_if(.., |_, entry| entry.deadline.has_passed(self.now)) {
                modelled.removals.insert(key, entry.version);
                expected += 1;
            }
        }
        assert_eq!(reaped, expected);
    }

    fn create(&mut self, scope: usize) {
        let existing = self.scopes.iter().skip(1).flatten().count();
        let next = self.lsn.next();
        let name = CollectionName::new(SCOPES[scope].unwrap()).unwrap();
        let created = self.store.clone().create_collection(name, COLLECTIONS_MAX, || self.issue());
        match (&self.scopes[scope], created) {
            (Some(there), Ok(Created { id, created: false, lsn, .. })) => {
                assert_eq!((id, lsn), (there.id, there.created))
            }
            (None, Err(TooMany)) => assert_eq!(existing, COLLECTIONS_MAX),
            (None, Ok(Created { id, created: true, lsn, .. })) => {
                assert!(existing < COLLECTIONS_MAX && lsn == next);
                self.last_change = lsn;
                self.scopes[scope] = Some(Modelled {
                    id,
                    created: lsn,
                    entries: BTreeMap::new(),
                    removals: BTreeMap::new(),
                    deadline_changes: BTreeMap::new(),
                });
            }
            (there, created) => panic!("{created:?} where there was {there:?}"),
        }
        self.check_catalogue();
    }

    fn drop_collection(&mut self, scope: usize) {
        let next = self.lsn.next();
        let name = CollectionName::new(SCOPES[scope].unwrap()).unwrap();
        match (self.store.clone().drop_collection(name, || self.issue()), self.scopes[scope].take()) {
            (Dropped::Existed { id, lsn }, Some(there)) => {
                assert_eq!((id, lsn), (there.id, next));
                (self.last_change, self.last_drop) = (lsn, lsn);
                self.store.reclaim(id);
            }
            (Dropped::Absent { rests_on }, None) => assert_eq!(rests_on, self.last_drop),
            (dropped, there) => panic!("{dropped:?} where there was {there:?}"),
        }
        self.check_catalogue();
    }

    fn slice(&mut self, scope: usize, entries_max: usize) {
        let Some(modelled) = &self.scopes[scope] else { return };
        let mut entries = sliced(&self.store, modelled.id, entries_max);
        if self.store.shard_count() == 1 {
            assert!(entries.is_sorted_by(|a, b| a.document.key_bytes() < b.document.key_bytes()));
        }
        entries.sort_by(|a, b| a.document.key_bytes().cmp(b.document.key_bytes()));
        assert_eq!(entries, modelled.entries.values().cloned().collect::<Vec<_>>());
    }

    fn scan(&mut self, scope: usize, prefix: &str, after: Option<&str>, at_most: Option<usize>) {
        let Some(modelled) = &self.scopes[scope] else { return };
        let now = self.now;
        let range = KeyRange { prefix: prefix.as_bytes(), after: after.map(str::as_bytes) };
        let scan = Scan::new(self.store.clone(), modelled.id, range, at_most, move || now);
        let scanned: Vec<_> = scan.filter_map(Listed::live).collect();
        let is_in = |key: &[u8]| key.starts_with(range.prefix) && range.after.is_none_or(|after| key > after);
        let there = modelled.entries.iter().filter(|(key, _)| is_in(key)).map(|(_, entry)| entry);
        let live = there.filter(|entry| !entry.deadline.has_passed(now)).take(at_most.unwrap_or(usize::MAX));
        assert_eq!(scanned, live.cloned().collect::<Vec<_>>());
    }

    fn check_totals(&self) {
        let entries = || self.scopes.iter().flatten().flat_map(|modelled| modelled.entries.values());
        let key_and_value_bytes = entries().map(|entry| entry.document.size_bytes() as u64).sum();
        assert_eq!(self.store.totals(), Totals { documents: entries().count() as u64, key_and_value_bytes });
    }

    fn check_catalogue(&self) {
        let (listed, rests_on) = self.store.collections();
        let listed: Vec<_> = listed.into_iter().map(|entry| (entry.name, entry.created, entry.id)).collect();
        let there = SCOPES.iter().zip(&self.scopes).skip(1);
        let there = there.filter_map(|(name, there)| there.as_ref().map(|there| (name.unwrap(), there)));
        assert_eq!(listed, there.map(|(name, there)| (name.to_owned(), there.created, there.id)).collect::<Vec<_>>());
        assert_eq!(rests_on, self.last_change);
    }
}

impl Modelled {
    fn live(&self, key: &str, now: UnixMillis) -> Option<&Entry> {
        self.entries.get(key.as_bytes()).filter(|entry| !entry.deadline.has_passed(now))
    }

    fn set_deadline(&mut self, key: &str, deadline: Deadline, lsn: Lsn) {
        if let Some(entry) = self.entries.get_mut(key.as_bytes()) {
            entry.deadline = deadline;
            self.deadline_changes.insert(key.into(), lsn);
        }
    }

    /// The LSN of the newest change of the deadline of `key`.
    fn deadline_changed(&self, key: &str) -> Lsn {
        self.deadline_changes.get(key.as_bytes()).copied().unwrap_or_default()
    }

    /// The least LSN that the absence of `key` may rest on.
    fn absence(&self, key: &str) -> Lsn {
        let expired = self.entries.get(key.as_bytes()).map(|entry| entry.version);
        let removed = self.removals.get(key.as_bytes()).copied();
        let changed = self.deadline_changed(key);
        self.created.max(expired.unwrap_or_default()).max(removed.unwrap_or_default()).max(changed)
    }

    fn check_current(&self, locked: &crate::store::Locked<'_>, key: &str, now: UnixMillis) {
        let live = self.live(key, now);
        let current = locked.current(|| now);
        let seen = current.map(|current| (current.version, current.deadline));
        assert_eq!(seen, live.map(|entry| (entry.version, entry.deadline)));
        let rests_on = live.map(|entry| entry.version.max(self.deadline_changed(key)));
        assert!(current.map(|current| current.rests_on) >= rests_on);
        assert_eq!(locked.current_entry(|| now).as_ref(), live);
        assert!(locked.absent_rests_on() >= self.absence(key));
    }
}

fn scope_of(scope: usize) -> Scope<'static> {
    SCOPES[scope].map_or(Scope::Main, collection)
}

/// The model of a scope, after checking that the store agrees about whether it exists.
fn resolve<'m>(
    store: &Store,
    modelled: &'m mut Option<Modelled>,
    scope: usize,
    last_drop: Lsn,
) -> Option<&'m mut Modelled> {
    match (store.place(scope_of(scope)), modelled.as_mut()) {
        (Ok(place), Some(there)) => {
            assert_eq!((place.id(), place.created()), (there.id, there.created));
            Some(there)
        }
        (Err(absent), None) => {
            assert_eq!(absent.rests_on, last_drop);
            None
        }
        (place, there) => panic!("{place:?} where there was {there:?}"),
    }
}

fn numbered(from: u32, count: u32) -> impl Iterator<Item = String> {
    (from..from + count).map(|number| format!("n{number:04}"))
}

fn run(shards: usize, operations: &[Operation]) {
    let mut run = Run::new(shards);
    for (number, operation) in operations.iter().enumerate() {
        run.apply(operation);
        if number % 8 == 0 {
            run.store.check_invariants();
        }
    }
    run.store.check_invariants();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_shard_agrees_with_the_model(operations in vec(operation(), 1..120)) {
        run(1, &operations);
    }

    #[test]
    fn sixteen_shards_agree_with_the_model(operations in vec(operation(), 1..120)) {
        run(16, &operations);
    }

    #[test]
    fn two_hundred_and_fifty_six_shards_agree_with_the_model(operations in vec(operation(), 1..120)) {
        run(256, &operations);
    }
}

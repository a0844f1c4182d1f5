//! Replay, held against every interleaving of a few changes with the steps of a capture.
//!
//! A run makes changes on a store, one after the other, and notes the record of each. Between them a capture takes its
//! steps: it notes where the journal stands, reads the catalogue, reads the documents. What it read is loaded into an
//! empty store, and the records from the noted place are replayed, up to the capture's end or further. Whatever the
//! order was, what is live then must be what was live after the last of these records.

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::limits::ENTRIES_PER_HOLD_MAX;
use memory_tools::model::{CollectionName, Deadline, Document, Entry, Key, Lsn, Record, Scope};
use memory_tools::store::{CollectionId, Dropped, ShardIndex, Store};

/// Between two changes.
const MILLIS_PER_CHANGE: u64 = 10;

/// Until shortly after the next change.
const SHORT_TTL_MS: u64 = MILLIS_PER_CHANGE + 5;

/// Until the change after that, and longer than what a put gives.
const LONGER_TTL_MS: u64 = SHORT_TTL_MS + MILLIS_PER_CHANGE;

/// What is done between the steps of a capture. All of it under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Put,
    PutShortLived,
    Delete,
    /// A later deadline than a short-lived put gives.
    Extend,
    /// None at all.
    Persist,
    /// What has expired is freed.
    Reap,
    Create,
    Drop,
    /// A drop whose memory is given back only when everything is over.
    DropUnreclaimed,
}

const IN_THE_MAIN_STORE: [Change; 6] =
    [Change::Put, Change::PutShortLived, Change::Delete, Change::Extend, Change::Persist, Change::Reap];

const IN_A_COLLECTION: [Change; 8] = [
    Change::Put,
    Change::PutShortLived,
    Change::Delete,
    Change::Extend,
    Change::Reap,
    Change::Create,
    Change::Drop,
    Change::DropUnreclaimed,
];

/// A record with what it refers to.
#[derive(Clone, Debug)]
enum Noted {
    Put(Document, Deadline),
    Delete,
    Deadline(Deadline),
    Create,
    Drop,
}

/// What there is: collections with their creation, and the entries of the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    collections: Vec<(String, Lsn)>,
    entries: Vec<Entry>,
}

/// A store that changes, with its journal.
struct Run {
    scope: Scope<'static>,
    store: Store,
    journal: Vec<(Lsn, Noted)>,
    now: UnixMillis,
    /// Collections whose memory nobody gives back during the run.
    unreclaimed: Vec<CollectionId>,
}

fn name() -> CollectionName<'static> {
    CollectionName::new("c").unwrap()
}

fn key() -> Key<'static> {
    Key::new("k").unwrap()
}

impl Run {
    fn of(scope: Scope<'static>) -> Run {
        Run { scope, store: Store::new(1), journal: Vec::new(), now: UnixMillis(0), unreclaimed: Vec::new() }
    }

    /// Takes the next LSN for a record.
    fn note(&mut self, noted: Noted) -> Lsn {
        let lsn = Lsn(self.journal.len() as u64 + 1);
        self.journal.push((lsn, noted));
        lsn
    }

    /// Makes a change as the engine makes it: one that changes nothing takes no LSN.
    fn change(&mut self, change: Change) {
        self.now = self.now.plus(MILLIS_PER_CHANGE);
        match change {
            Change::Put => self.put(Deadline::NEVER),
            Change::PutShortLived => self.put(Deadline::at(self.now.plus(SHORT_TTL_MS))),
            Change::Delete => {
                if self.is_live() {
                    let lsn = self.note(Noted::Delete);
                    let place = self.store.place(self.scope).unwrap();
                    self.store.lock(&place, key()).remove(lsn);
                }
            }
            Change::Extend => self.set_deadline(Deadline::at(self.now.plus(LONGER_TTL_MS))),
            Change::Persist => self.set_deadline(Deadline::NEVER),
            Change::Reap => drop(self.store.reap(ShardIndex(0), self.now, 1)),
            Change::Create => {
                if self.store.place(self.scope).is_err() {
                    let lsn = self.note(Noted::Create);
                    self.store.create_collection(name(), 1, || lsn).unwrap();
                }
            }
            Change::Drop | Change::DropUnreclaimed => {
                if self.store.place(self.scope).is_ok() {
                    let lsn = self.note(Noted::Drop);
                    let Dropped::Existed { id, .. } = self.store.drop_collection(name(), || lsn) else { return };
                    match change {
                        Change::Drop => self.store.reclaim(id),
                        _ => self.unreclaimed.push(id),
                    }
                }
            }
        }
    }

    fn is_live(&self) -> bool {
        self.store.place(self.scope).is_ok_and(|place| self.store.lock(&place, key()).current(self.now).is_some())
    }

    fn put(&mut self, deadline: Deadline) {
        if self.store.place(self.scope).is_ok() {
            let document = Document::new(key(), self.journal.len().to_string().as_bytes());
            let lsn = self.note(Noted::Put(document.clone(), deadline));
            let place = self.store.place(self.scope).unwrap();
            self.store.lock(&place, key()).put(document, lsn, deadline);
        }
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        if self.is_live() {
            let lsn = self.note(Noted::Deadline(deadline));
            let place = self.store.place(self.scope).unwrap();
            self.store.lock(&place, key()).set_deadline(deadline, lsn);
        }
    }
}

/// The documents of `id`, expired ones too.
fn entries(store: &Store, id: CollectionId) -> Vec<Entry> {
    let mut entries = Vec::new();
    store.slice(id, ShardIndex(0), None, ENTRIES_PER_HOLD_MAX, &mut entries);
    entries
}

fn content(store: &Store, scope: Scope<'_>) -> Content {
    let collections = store.collections().0.into_iter().map(|found| (found.name, found.created)).collect();
    let entries = store.place(scope).map_or_else(|_| Vec::new(), |place| entries(store, place.id()));
    Content { collections, entries }
}

/// `content` without what has expired.
fn live(mut content: Content, now: UnixMillis) -> Content {
    content.entries.retain(|entry| !entry.deadline.has_passed(now));
    content
}

/// Loads what a capture read, and replays.
fn recovered(scope: Scope<'_>, captured: &Content, records: &[(Lsn, Noted)]) -> Content {
    let store = Store::new(1);
    for (name, created) in &captured.collections {
        store.create_collection(CollectionName::new(name).unwrap(), usize::MAX, || *created).unwrap();
    }
    if !captured.entries.is_empty() {
        let id = store.place(scope).unwrap().id();
        store.load(id, captured.entries.iter().cloned());
    }
    for (lsn, noted) in records {
        store.replay(
            *lsn,
            &match noted {
                Noted::Put(document, deadline) => Record::Put { scope, document, deadline: *deadline },
                Noted::Delete => Record::Delete { scope, key: key() },
                Noted::Deadline(deadline) => Record::Deadline { scope, key: key(), deadline: *deadline },
                Noted::Create => Record::CreateCollection { name: name() },
                Noted::Drop => Record::DropCollection { name: name() },
            },
        );
    }
    content(&store, scope)
}

/// Makes `changes`, with the catalogue read after `catalogue_at` of them and the documents after `slice_at`, and holds
/// every recovery from it against the truth.
fn check(scope: Scope<'static>, changes: &[Change], catalogue_at: usize, slice_at: usize) -> u64 {
    let mut run = Run::of(scope);
    let (mut captured, mut id, mut capture_end) = (Content::default(), None, 0);
    let (mut truths, mut starts) = (vec![Content::default()], 0);
    for done in 0..=changes.len() {
        if let Some(change) = done.checked_sub(1).and_then(|last| changes.get(last)) {
            run.change(*change);
            truths.resize(run.journal.len() + 1, Content::default());
            truths[run.journal.len()] = content(&run.store, scope);
        }
        if done == catalogue_at {
            captured.collections = content(&run.store, scope).collections;
            id = run.store.place(scope).ok().map(|place| place.id());
            starts = run.journal.len();
        }
        if done == slice_at {
            captured.entries = id.map_or_else(Vec::new, |id| entries(&run.store, id));
            capture_end = run.journal.len();
        }
    }
    let mut recoveries = 0;
    for from in 0..=starts {
        for (to, truth) in truths.iter().enumerate().skip(capture_end) {
            let found = live(recovered(scope, &captured, &run.journal[from..to]), run.now);
            let expected = live(truth.clone(), run.now);
            assert_eq!(
                found, expected,
                "{changes:?}, catalogue read after {catalogue_at} of them, documents after {slice_at}, records \
                 {from}..{to} replayed: {:?}",
                run.journal
            );
            recoveries += 1;
        }
    }
    recoveries
}

/// Every sequence of `length` changes out of `alphabet`, with every pair of moments at which a capture reads.
fn check_all(scope: Scope<'static>, alphabet: &[Change], length: u32) -> u64 {
    let sequences = alphabet.len().pow(length);
    let mut recoveries = 0;
    for number in 0..sequences {
        let digits = (0..length).map(|place| number / alphabet.len().pow(place) % alphabet.len());
        let changes: Vec<Change> = digits.map(|digit| alphabet[digit]).collect();
        for catalogue_at in 0..=changes.len() {
            for slice_at in catalogue_at..=changes.len() {
                recoveries += check(scope, &changes, catalogue_at, slice_at);
            }
        }
    }
    recoveries
}

#[test]
fn every_interleaving_of_four_changes_with_a_capture_replays_to_the_truth_in_the_main_store() {
    assert!(check_all(Scope::Main, &IN_THE_MAIN_STORE, 4) > 10_000);
}

#[test]
fn every_interleaving_of_four_changes_with_a_capture_replays_to_the_truth_in_a_collection() {
    assert!(check_all(Scope::Collection(name()), &IN_A_COLLECTION, 4) > 10_000);
}

/// Five changes that begin with a collection: deep enough for two of one name that both had documents.
#[test]
fn a_collection_of_the_same_name_keeps_what_is_its_own() {
    use Change::{Create, Delete, Drop, DropUnreclaimed, Put};
    let scope = Scope::Collection(name());
    for first in [Drop, DropUnreclaimed] {
        for last in [Put, Delete, Drop, DropUnreclaimed] {
            let changes = [Create, Put, first, Create, Put, last];
            for catalogue_at in 0..=changes.len() {
                for slice_at in catalogue_at..=changes.len() {
                    check(scope, &changes, catalogue_at, slice_at);
                }
            }
        }
    }
}

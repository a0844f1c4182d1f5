//! Replay, held against every interleaving of a few changes with the steps of a capture.
//!
//! A run makes changes on a store, one after the other, and notes the record of each. Between them a capture takes its
//! steps: it notes where the journal stands, reads the catalogue, reads the documents. What it read is loaded into an
//! empty store, and the records from the noted place are replayed, up to the capture's end or further. Whatever the
//! order was, what is live then must be what was live after the last of these records. Two stories of deadlines follow,
//! told with the engine's own capture and load.

#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::path::Path;
use std::sync::Arc;

use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::health::Health;
use memory_tools::base::limits::ENTRIES_PER_HOLD_MAX;
use memory_tools::base::threads::alone;
use memory_tools::engine::{CaptureStep, Engine, EngineOptions};
use memory_tools::journal::{Journal, Sequence};
use memory_tools::model::{
    CollectionName, CollectionOptions, Command, Condition, Deadline, Document, Effect, Entry, Execute, Expiry, Key,
    KeyRange, Lsn, OnAbsent, Record, Scope,
};
use memory_tools::persist::{self, DataFolder, OpenOptions};
use memory_tools::store::{CollectionId, Dropped, Replayed, ShardIndex, Store};

use sim_disk::SimDisk;

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
        self.store.place(self.scope).is_ok_and(|place| self.store.lock(&place, key()).current(|| self.now).is_some())
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
    store.slice(id, ShardIndex(0), KeyRange::ALL, ENTRIES_PER_HOLD_MAX, &mut entries);
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
    let loading = store.begin_loading();
    if !captured.entries.is_empty() {
        let id = store.place(scope).unwrap().id();
        let mut batch = loading.batch();
        captured.entries.iter().for_each(|entry| batch.push(id, entry.clone()));
    }
    let replaying = loading.index(&alone);
    for (lsn, noted) in records {
        replaying.apply(
            *lsn,
            &match noted {
                Noted::Put(document, deadline) => Record::Put { scope, document, deadline: *deadline },
                Noted::Delete => Record::Delete { scope, key: key() },
                Noted::Deadline(deadline) => Record::Deadline { scope, key: key(), deadline: *deadline },
                Noted::Create => Record::CreateCollection { name: name(), options: CollectionOptions::default() },
                Noted::Drop => Record::DropCollection { name: name() },
            },
        );
    }
    replaying.finish(&alone);
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

/// A server without threads: an engine, its clock and its folder.
struct House {
    engine: Engine,
    clock: Arc<ManualClock>,
    folder: DataFolder,
}

impl House {
    /// Opens what is on `disk` at `now` and loads it; no record is replayed yet, and nothing reaped.
    fn start(disk: &SimDisk, now: u64) -> House {
        let options = OpenOptions { pid: 1, import_skip: false };
        let (folder, found) = DataFolder::open(Arc::new(disk.clone()), Path::new("data"), options).unwrap();
        let clock = Arc::new(ManualClock::at(UnixMillis(now)));
        let sequence = Sequence::new(found.next_lsn, Lsn(1000), Box::new(|_| Ok(())), Arc::new(Health::default()));
        let options = EngineOptions { shards: 4, collections_max: 1 };
        let engine = Engine::new(options, Arc::new(Journal::off(sequence)), clock.clone());
        if let persist::Content::Snapshot(reader) = &found.content {
            let loading = engine.begin_loading();
            loading.load(reader, &alone).unwrap();
            loading.index(&alone).finish(&alone);
        }
        House { engine, clock, folder }
    }

    fn replay(&self, lsn: Lsn, record: &Record<'_>) {
        let replaying = self.engine.begin_loading().index(&alone);
        replaying.apply(lsn, record);
        replaying.finish(&alone);
    }

    fn put(&self, until: u64) {
        let put = Command::Put {
            scope: Scope::Main,
            document: Document::new(key(), b"1"),
            expiry: Expiry::Set(Deadline::at(UnixMillis(until))),
            condition: Condition::default(),
            on_absent: OnAbsent::Refuse,
        };
        self.engine.execute(put).unwrap();
    }

    /// Sets the deadline, and gives back the record of it.
    fn set_deadline(&self, until: u64) -> (Lsn, Record<'static>) {
        let (lsn, deadline) = (self.engine.next_lsn(), Deadline::at(UnixMillis(until)));
        let set = Command::SetDeadline { scope: Scope::Main, key: key(), deadline, condition: Condition::default() };
        assert!(matches!(self.engine.execute(set).unwrap().effect, Effect::DeadlineSet { .. }));
        (lsn, Record::Deadline { scope: Scope::Main, key: key(), deadline })
    }

    /// Until when the document is there, once what has expired is reaped.
    fn until(&self) -> Option<u64> {
        self.engine.reap(&|| false);
        match self.engine.execute(Command::Get { scope: Scope::Main, key: key() }).unwrap().effect {
            Effect::Found(entry) => entry.deadline.moment().map(|moment| moment.0),
            _ => None,
        }
    }
}

/// The journal is replayed from before the first slice: what a slice shows is often newer than the record.
#[test]
fn a_record_older_than_what_the_snapshot_shows_is_passed_over() {
    let store = Store::new(1);
    let put = |value: &[u8]| Document::new(key(), value);
    let (new, old) = (put(b"\"new\""), put(b"\"old\""));
    let record = |document| Record::Put { scope: Scope::Main, document, deadline: Deadline::NEVER };
    let replaying = store.begin_loading().index(&alone);
    assert_eq!(replaying.apply(Lsn(9), &record(&new)), Replayed::Applied);
    for older in [
        record(&old),
        Record::Delete { scope: Scope::Main, key: key() },
        Record::Deadline { scope: Scope::Main, key: key(), deadline: Deadline::at(UnixMillis(1)) },
    ] {
        assert_eq!(replaying.apply(Lsn(5), &older), Replayed::Passed);
    }
    replaying.finish(&alone);
    let entries = entries(&store, CollectionId::MAIN);
    let found: Vec<_> = entries.iter().map(|it| (it.document.value(), it.version, it.deadline)).collect();
    assert_eq!(found, [(&b"\"new\""[..], Lsn(9), Deadline::NEVER)]);
}

/// A load that drops what has expired loses a document whose later deadline is in the journal.
#[test]
fn a_deadline_record_revives_what_had_expired_in_the_snapshot() {
    let disk = SimDisk::new(1);
    let house = House::start(&disk, 0);
    house.put(100);
    house.engine.capture(&house.folder).unwrap();
    let (lsn, record) = house.set_deadline(200);
    drop(house);
    let house = House::start(&disk, 150);
    house.replay(lsn, &record);
    assert_eq!(house.until(), Some(200));
    drop(house);
    assert_eq!(House::start(&disk, 150).until(), None, "without the record it has expired");
}

/// A slice is taken, the document gets a later deadline, and the capture goes on at a time at which the deadline in
/// the slice has passed. Whoever left the document out then would lose it: its record follows, and finds nothing.
#[test]
fn a_capture_keeps_what_its_clock_says_has_expired() {
    let disk = SimDisk::new(1);
    let house = House::start(&disk, 0);
    house.put(100);
    house.clock.advance(150);
    let mut capture = house.engine.begin_capture(&house.folder).unwrap();
    while capture.step().unwrap() == CaptureStep::More {}
    assert_eq!(capture.finish().unwrap().documents, 1);
    drop(house);
    let house = House::start(&disk, 99);
    house.replay(Lsn(2), &Record::Deadline { scope: Scope::Main, key: key(), deadline: Deadline::NEVER });
    house.clock.advance(100);
    house.engine.reap(&|| false);
    assert_eq!(house.engine.totals().documents, 1);
}

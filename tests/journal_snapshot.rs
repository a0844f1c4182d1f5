//! Snapshots while changes go on, with the journal beside them: what a start makes of both together.
//!
//! An engine, its journal and its folder on the disk's twin, on one thread: the capture is taken in steps, and between
//! any two of them changes happen and the journal writes. Then the process is killed, or the power lost, and the next
//! start is held against what there was.

#[path = "support/dice.rs"]
#[allow(dead_code)]
mod dice;
#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dice::Dice;
use memory_tools::base::clock::{Clock, ManualClock, UnixMillis};
use memory_tools::base::health::Health;
use memory_tools::base::threads::alone;
use memory_tools::engine::{CaptureStep, Engine, EngineOptions};
use memory_tools::journal::{Journal, JournalOptions, Mode, Sequence};
use memory_tools::model::{
    BatchWrite, CollectionName, Command, Condition, Deadline, Document, Effect, Execute, Expiry, Key, KeyRange, Listed,
    Lsn, OnAbsent, Record, Scope,
};
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{Content, DataFolder, OpenOptions};
use sim_disk::SimDisk;

const FOLDER: &str = "srv/data";
const KEYS: u64 = 12;
const MODES: [Mode; 4] = [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off];

/// Runs for each mode; `ROUNDS=10000 cargo test --test journal_snapshot` tries harder.
fn rounds() -> u64 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100)
}

/// Collection and key.
type Which = (Option<String>, String);

/// Every live document, and the collections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    collections: Vec<String>,
    documents: BTreeMap<Which, (Vec<u8>, Lsn, Deadline)>,
}

/// A server without threads.
struct House {
    engine: Engine,
    journal: Arc<Journal>,
    clock: Arc<ManualClock>,
    folder: Arc<DataFolder>,
}

impl House {
    /// Opens what is on `disk`, loads it, and begins to keep a journal.
    fn start(disk: &SimDisk, mode: Mode, now: UnixMillis) -> House {
        let options = OpenOptions { pid: 1, import_skip: false };
        let (folder, found) = DataFolder::open(Arc::new(disk.clone()), Path::new(FOLDER), options).unwrap();
        let (folder, clock) = (Arc::new(folder), Arc::new(ManualClock::at(now)));
        let (health, ceiling) = (Arc::new(Health::default()), Arc::clone(&folder));
        let raise = Box::new(move |to| ceiling.raise_ceiling(to).map_err(|error| error.to_string()));
        let sequence = Sequence::new(found.next_lsn, found.lsn_ceiling, raise, Arc::clone(&health));
        let newest = SegmentId(found.next_segment.id.0 - 1);
        let options =
            JournalOptions { mode, buffer_bytes: 16 << 20, segment_bytes: 1 << 20, on_given_up: Box::new(|_| {}) };
        let journal = Arc::new(Journal::new(options, sequence, newest, clock.clone(), health));
        let engine = Engine::new(EngineOptions { shards: 2, collections_max: 9 }, Arc::clone(&journal), clock.clone());
        let loading = engine.begin_loading();
        if let Content::Snapshot(reader) = &found.content {
            loading.load(reader, &alone).unwrap();
        }
        let replaying = loading.index(&alone);
        let apply = |lsn, record: Record<'_>| {
            replaying.apply(lsn, &record);
        };
        if let Content::Snapshot(reader) = &found.content {
            reader.replay(apply).unwrap();
        }
        found.journal.read(apply).unwrap();
        replaying.finish(&alone);
        engine.note_written_at(found.written_at);
        engine.reap(&|| false);
        folder.remove_unfinished().unwrap();
        folder.finish_repairs(clock.now()).unwrap();
        journal.begin(Arc::clone(&folder), found.next_segment).unwrap();
        engine.reserve().unwrap();
        House { engine, journal, clock, folder }
    }

    /// Lets the journal write what waits.
    fn commit(&self) {
        self.journal.step(Instant::now());
    }

    fn execute(&self, command: Command<'_>) -> Effect {
        self.engine.execute(command).unwrap().effect
    }

    fn state(&self) -> State {
        let list = Command::ListCollections { after: None, at_most: None };
        let Effect::Collections(found) = self.execute(list) else { unreachable!() };
        let collections = found.into_iter().map(|summary| summary.name).collect();
        let mut state = State { collections, ..State::default() };
        let named: Vec<Option<String>> = state.collections.iter().cloned().map(Some).collect();
        for name in [None].into_iter().chain(named) {
            let scope =
                name.as_deref().map_or(Scope::Main, |name| Scope::Collection(CollectionName::new(name).unwrap()));
            let scan = Command::Scan { scope, range: KeyRange::ALL, at_most: None };
            let Effect::Scanned(entries) = self.execute(scan) else { unreachable!() };
            state.documents.extend(entries.filter_map(Listed::live).map(|entry| {
                let key = entry.document.key().as_str().to_owned();
                ((name.clone(), key), (entry.document.value().to_vec(), entry.version, entry.deadline))
            }));
        }
        state
    }
}

fn put(scope: Scope<'static>, key: Key<'_>, value: &[u8], expiry: Expiry) -> Command<'static> {
    let document = Document::new(key, value);
    Command::Put { scope, document, expiry, condition: Condition::default(), on_absent: OnAbsent::Create }
}

/// Some change, in the main store or in one of two collections; the journal may write, and time goes on.
fn change(house: &House, dice: &mut Dice) {
    let scope = match dice.below(4) {
        0 | 1 => Scope::Main,
        2 => Scope::Collection(CollectionName::new("a").unwrap()),
        _ => Scope::Collection(CollectionName::new("b").unwrap()),
    };
    let name = format!("k{}", dice.below(KEYS));
    let key = Key::new(&name).unwrap();
    let value = dice.roll().to_string();
    let deadline = Deadline::at(house.clock.now().plus(1 + dice.below(50)));
    house.clock.advance(dice.below(3));
    match dice.below(20) {
        0..8 => {
            let expiry = if dice.below(3) == 0 { Expiry::Set(deadline) } else { Expiry::Keep };
            house.execute(put(scope, key, value.as_bytes(), expiry));
        }
        8..11 => drop(house.execute(Command::Delete { scope, key, condition: Condition::default() })),
        11..14 => {
            let deadline = if dice.below(3) == 0 { Deadline::NEVER } else { deadline };
            house.execute(Command::SetDeadline { scope, key, deadline, condition: Condition::default() });
        }
        14..16 => {
            let put = |name: &str| BatchWrite::Put {
                document: Document::new(Key::new(name).unwrap(), value.as_bytes()),
                expiry: Expiry::Default,
                condition: Condition::default(),
            };
            let writes = vec![put("k0"), put("k1"), BatchWrite::Delete { key, condition: Condition::default() }];
            house.execute(Command::Batch { scope, writes });
        }
        16 => drop(house.engine.reap(&|| false)),
        17 => {
            if let Scope::Collection(name) = scope {
                house.execute(Command::DropCollection { name });
            }
        }
        _ => house.commit(),
    }
}

#[test]
fn what_happens_during_a_capture_is_in_the_snapshot_or_behind_it() {
    let mut dice = Dice::of(dice::seed("journal_snapshot"));
    for mode in MODES {
        for _ in 0..rounds() {
            let disk = SimDisk::new(dice.roll());
            let house = House::start(&disk, mode, UnixMillis(1000));
            (0..dice.below(40)).for_each(|_| change(&house, &mut dice));
            let mut published = State::default();
            for _ in 0..1 + dice.below(3) {
                let mut capture = house.engine.begin_capture(&house.folder).unwrap();
                while capture.step().unwrap() == CaptureStep::More {
                    (0..dice.below(4)).for_each(|_| change(&house, &mut dice));
                }
                (0..dice.below(4)).for_each(|_| change(&house, &mut dice));
                published = house.state();
                let report = capture.finish().unwrap();
                assert_eq!(report.capture_end.next(), house.engine.next_lsn());
                house.folder.free_segments(house.clock.now()).unwrap();
                (0..dice.below(20)).for_each(|_| change(&house, &mut dice));
            }
            house.commit();
            let (mut expected, next_lsn, now) = (house.state(), house.engine.next_lsn(), house.clock.now());
            if mode == Mode::Off {
                // The records since are lost, as promised; what has expired since is gone all the same.
                published.documents.retain(|_, (_, _, deadline)| !deadline.has_passed(now));
                expected = published;
            }
            drop(house);
            disk.kill();
            let house = House::start(&disk, mode, now);
            assert_eq!(house.state(), expected, "{mode:?}");
            assert!(house.engine.next_lsn() >= next_lsn, "no LSN is issued twice");
        }
    }
}

/// The slice shows the document, the deletion comes after it, and the snapshot is published: if the record of the
/// deletion is not durable by then, a loss of power brings the document back.
#[test]
fn a_deleted_document_does_not_come_back() {
    let key = Key::new("k").unwrap();
    for (mode, seed) in MODES.into_iter().flat_map(|mode| (0..8).map(move |seed| (mode, seed))) {
        let disk = SimDisk::new(seed);
        let house = House::start(&disk, mode, UnixMillis(0));
        house.execute(put(Scope::Main, key, b"1", Expiry::Default));
        let mut capture = house.engine.begin_capture(&house.folder).unwrap();
        while capture.step().unwrap() == CaptureStep::More {}
        house.execute(Command::Delete { scope: Scope::Main, key, condition: Condition::default() });
        capture.finish().unwrap();
        drop(house);
        disk.lose_power(seed);
        let house = House::start(&disk, mode, UnixMillis(0));
        assert_eq!(house.state(), State::default(), "{mode:?}, seed {seed}");
    }
}

/// The largest version in a snapshot is not its end: a deletion leaves no version behind.
#[test]
fn the_capture_end_counts_a_deletion() {
    let key = Key::new("k").unwrap();
    for mode in MODES {
        let disk = SimDisk::new(1);
        let house = House::start(&disk, mode, UnixMillis(0));
        house.execute(put(Scope::Main, key, b"1", Expiry::Default));
        house.execute(Command::Delete { scope: Scope::Main, key, condition: Condition::default() });
        assert_eq!(house.engine.capture(&house.folder).unwrap().capture_end, Lsn(2), "{mode:?}");
    }
}

/// A capture that is given up halfway leaves nothing behind, and the next one is as good as any.
#[test]
fn a_capture_that_is_dropped_leaves_the_journal_as_it_is() {
    let key = Key::new("k").unwrap();
    for mode in MODES {
        let disk = SimDisk::new(1);
        let house = House::start(&disk, mode, UnixMillis(0));
        house.execute(put(Scope::Main, key, b"1", Expiry::Default));
        let mut capture = house.engine.begin_capture(&house.folder).unwrap();
        assert_eq!(capture.step().unwrap(), CaptureStep::More);
        drop(capture);
        house.execute(put(Scope::Main, key, b"2", Expiry::Default));
        house.engine.capture(&house.folder).unwrap();
        let expected = house.state();
        drop(house);
        disk.kill();
        assert_eq!(House::start(&disk, mode, UnixMillis(0)).state(), expected, "{mode:?}");
    }
}

//! What a loss of power, a kill or a failing disk leaves of the data folder, at every call of every path that writes.
//!
//! Each workload runs on the disk's twin as the engine would run it, with a ledger of the states that may be found
//! afterwards and of the highest LSN that was issued. For every call N of it: stop there, lose the power with many
//! seeds, open again. The folder must open, with one of those states, whole, and go on above that LSN.

#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::model::{CollectionOptions, Deadline, Document, Entry, Key, Lsn};
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{
    CollectionRecord, Content, DataFolder, Error, Found, GoImport, OpenOptions, SnapshotHeader, SnapshotReader,
};
use sim_disk::{Fault, SimDisk};

const FOLDER: &str = "srv/data";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Losses of power for each call; `ROUNDS=100 cargo test --test persist_crash` tries harder.
fn rounds() -> u64 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8)
}

/// Values by collection and key. Versions are left out: an import that begins again gives new ones.
#[derive(Clone, Default, PartialEq, Eq)]
struct State {
    collections: BTreeSet<String>,
    values: BTreeMap<(Option<String>, String), (Vec<u8>, Deadline)>,
}

impl State {
    fn put(&mut self, collection: Option<&str>, key: &str, value: &str, deadline: Deadline) {
        self.collections.extend(collection.map(str::to_owned));
        self.values.insert((collection.map(str::to_owned), key.to_owned()), (value.into(), deadline));
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.collections)?;
        let mut values = self.values.iter();
        values.try_for_each(|((collection, key), (value, deadline))| {
            let beginning = String::from_utf8_lossy(&value[..value.len().min(12)]);
            write!(f, " {collection:?}/{key}: {beginning} ({} bytes, {deadline:?})", value.len())
        })
    }
}

/// What the outside world knows.
#[derive(Clone, Debug)]
struct Ledger {
    /// Any of these may be found.
    acceptable: Vec<State>,
    /// The highest LSN that was issued.
    issued: Lsn,
}

impl Ledger {
    fn of(state: State) -> Ledger {
        Ledger { acceptable: vec![state], issued: Lsn::ZERO }
    }
}

fn open(disk: &SimDisk) -> Result<(DataFolder, Found), Error> {
    DataFolder::open(Arc::new(disk.clone()), Path::new(FOLDER), OpenOptions { pid: 1, import_skip: false })
}

/// What the engine would hold after loading.
fn load(content: &Content) -> Result<State, Error> {
    match content {
        Content::Empty => Ok(State::default()),
        Content::Snapshot(snapshot) => load_snapshot(snapshot),
        Content::Go(import) => load_import(import),
    }
}

fn load_snapshot(snapshot: &SnapshotReader) -> Result<State, Error> {
    let mut state = State::default();
    let names: Vec<&str> = snapshot.collections().iter().map(|record| record.name.as_str()).collect();
    state.collections = names.iter().map(|name| (*name).to_owned()).collect();
    for number in 0..snapshot.block_count() {
        let block = snapshot.read_block(number)?;
        for Entry { document, deadline, .. } in block.entries {
            let value = std::str::from_utf8(document.value()).unwrap();
            state.put(block.collection.map(|index| names[index]), document.key().as_str(), value, deadline);
        }
    }
    Ok(state)
}

fn load_import(import: &GoImport) -> Result<State, Error> {
    let collections = import.collections().map(str::to_owned).collect();
    let mut state = State { collections, ..State::default() };
    import.for_each(&mut |found| {
        let value = std::str::from_utf8(found.document.value()).unwrap();
        state.put(found.collection, found.document.key().as_str(), value, Deadline::NEVER);
    })?;
    Ok(state)
}

/// A server as far as the files can tell.
struct Server<'a> {
    folder: DataFolder,
    ledger: &'a mut Ledger,
    state: State,
    next: Lsn,
    ceiling: Lsn,
}

impl<'a> Server<'a> {
    fn start(disk: &SimDisk, ledger: &'a mut Ledger) -> Result<Server<'a>, Error> {
        let (folder, found) = open(disk)?;
        let state = load(&found.content)?;
        assert!(found.next_lsn > ledger.issued, "LSN {} is issued again", found.next_lsn);
        assert!(ledger.acceptable.contains(&state), "neither the old nor the new state: {state:?}");
        // What is served once must not change with a later crash.
        ledger.acceptable = vec![state.clone()];
        let mut server = Server { folder, ledger, state, next: found.next_lsn, ceiling: found.lsn_ceiling };
        server.reserve()?;
        Ok(server)
    }

    /// Raises the ceiling by a step that a workload uses up more than once.
    fn reserve(&mut self) -> Result<(), Error> {
        let to = Lsn(self.next.0 + 40);
        self.folder.raise_ceiling(to)?;
        self.ceiling = to;
        Ok(())
    }

    fn issue(&mut self) {
        let lsn = self.next;
        assert!(lsn < self.ceiling, "the workload issues below the ceiling");
        self.next = lsn.next();
        self.ledger.issued = lsn;
    }

    /// Puts `count` documents, some in collections, some with deadlines, some larger than a sector.
    fn write(&mut self, mark: &str, count: usize) {
        for index in 0..count {
            let collection = [None, Some("users"), Some("b c")][index % 3];
            let deadline = if index % 2 == 0 { Deadline::NEVER } else { Deadline::at(UnixMillis(index as u64)) };
            let value = format!("[\"{mark}\",\"{}\"]", "x".repeat(index * 97 % 700));
            self.state.put(collection, &format!("k{index}"), &value, deadline);
            self.issue();
        }
    }

    fn snapshot(&mut self) -> Result<(), Error> {
        if !self.ledger.acceptable.contains(&self.state) {
            self.ledger.acceptable.push(self.state.clone());
        }
        let created = Lsn(1);
        let collections: Vec<CollectionRecord> = self
            .state
            .collections
            .iter()
            .map(|name| CollectionRecord { name: name.clone(), created, options: CollectionOptions::default() })
            .collect();
        let names: Vec<String> = collections.iter().map(|record| record.name.clone()).collect();
        let header = SnapshotHeader {
            next_lsn: self.next,
            capture_start: self.next,
            replay_from: SegmentId::FIRST,
            captured_at: UnixMillis(7),
            collections,
        };
        let mut writer = self.folder.begin_snapshot_in_blocks(header, 900)?;
        for ((collection, key), (value, deadline)) in &self.state.values {
            let index = collection.as_ref().map(|name| names.iter().position(|other| other == name).unwrap());
            let document = Document::new(Key::new(key).unwrap(), value);
            writer.push(index, &Entry { document, version: self.ledger.issued, deadline: *deadline })?;
        }
        writer.finish(self.ledger.issued)?;
        self.ledger.acceptable = vec![self.state.clone()];
        Ok(())
    }

    fn stop(self) -> Result<(), Error> {
        self.folder.record_clean_stop(self.next)
    }
}

type Workload = fn(&SimDisk, &mut Ledger) -> Result<(), Error>;

fn first_start(disk: &SimDisk, ledger: &mut Ledger) -> Result<(), Error> {
    let mut server = Server::start(disk, ledger)?;
    server.write("first", 9);
    server.snapshot()?;
    server.stop()
}

fn later_snapshots(disk: &SimDisk, ledger: &mut Ledger) -> Result<(), Error> {
    let mut server = Server::start(disk, ledger)?;
    server.write("second", 11);
    server.snapshot()?;
    server.write("third", 7);
    server.snapshot()?;
    server.stop()
}

fn import(disk: &SimDisk, ledger: &mut Ledger) -> Result<(), Error> {
    let mut server = Server::start(disk, ledger)?;
    // Every imported document gets a version of its own; so does whatever comes after.
    (0..5).for_each(|_| server.issue());
    server.snapshot()?;
    server.folder.finish_import()?;
    server.write("after", 3);
    server.snapshot()?;
    server.stop()
}

fn numbers_only(disk: &SimDisk, ledger: &mut Ledger) -> Result<(), Error> {
    for _ in 0..3 {
        let mut server = Server::start(disk, ledger)?;
        (0..40).for_each(|_| server.issue());
        server.reserve()?;
        (0..7).for_each(|_| server.issue());
        server.stop()?;
    }
    Ok(())
}

/// A snapshot in a folder in which no LSN was ever allowed: its IDENTITY must be there before it.
fn snapshot_of_nothing(disk: &SimDisk, _: &mut Ledger) -> Result<(), Error> {
    let (folder, found) = open(disk)?;
    let last = Lsn(found.next_lsn.0 - 1);
    let (next_lsn, capture_start, captured_at) = (found.next_lsn, last, UnixMillis(7));
    let header =
        SnapshotHeader { next_lsn, capture_start, replay_from: SegmentId::FIRST, captured_at, collections: Vec::new() };
    folder.begin_snapshot(header)?.finish(last).map(|_| ())
}

fn go_file(documents: &[(&str, &str)]) -> Vec<u8> {
    let mut content = (documents.len() as u32).to_le_bytes().to_vec();
    for (key, value) in documents {
        for text in [key, value] {
            content.extend_from_slice(&(text.len() as u32).to_le_bytes());
            content.extend_from_slice(text.as_bytes());
        }
    }
    content
}

const OLD: &[(&str, &str)] = &[("a", "1"), ("old", "{\"o\":[]}")];
const NEW: &[(&str, &str)] = &[("a", "2"), ("new", "{\"n\": 1.0}")];
const USERS: &[(&str, &str)] = &[("u1", "{\"theme\":\"dark\"}")];

/// A disk with the Go server's files, and the state they hold.
fn go_disk(files: &[(&str, &[(&str, &str)])], main: Option<&[(&str, &str)]>) -> (SimDisk, State) {
    let disk = SimDisk::new(1);
    let mut state = State::default();
    for (name, documents) in files {
        disk.place(&Path::new(FOLDER).join(name), &go_file(documents));
        if let Some(collection) = name.strip_prefix("collections/").and_then(|name| name.strip_suffix(".cmtdb")) {
            state.collections.insert(collection.to_owned());
            for (key, value) in *documents {
                state.put(Some(collection), key, value, Deadline::NEVER);
            }
        }
    }
    for (key, value) in main.unwrap_or_default() {
        state.put(None, key, value, Deadline::NEVER);
    }
    (disk, state)
}

type GoFiles = &'static [(&'static str, &'static [(&'static str, &'static str)])];

const BOTH_AND_COLLECTIONS: GoFiles = &[
    ("database.mtdb", OLD),
    ("in-memory.mtdb", NEW),
    ("collections/users.cmtdb", USERS),
    ("collections/ghost.cmtdb", &[]),
];
const OLD_ONLY: GoFiles = &[("database.mtdb", OLD)];
const NEW_AND_COLLECTION: GoFiles = &[("in-memory.mtdb", NEW), ("collections/users.cmtdb", USERS)];

/// Where a workload begins: a disk, and what is known of it.
type Start = fn() -> (SimDisk, Ledger);

fn nothing() -> (SimDisk, Ledger) {
    (SimDisk::new(1), Ledger::of(State::default()))
}

fn one_snapshot() -> (SimDisk, Ledger) {
    let (disk, mut ledger) = nothing();
    first_start(&disk, &mut ledger).unwrap();
    disk.kill();
    (disk, ledger)
}

fn go_files(files: GoFiles, main: &'static [(&'static str, &'static str)]) -> (SimDisk, Ledger) {
    let (disk, state) = go_disk(files, Some(main));
    (disk, Ledger::of(state))
}

const CASES: &[(&str, Start, Workload)] = &[
    ("first start", nothing, first_start),
    ("later snapshots", one_snapshot, later_snapshots),
    ("import of everything", || go_files(BOTH_AND_COLLECTIONS, NEW), import),
    ("import of the old file", || go_files(OLD_ONLY, OLD), import),
    ("import of the new files", || go_files(NEW_AND_COLLECTION, NEW), import),
    ("numbers only", nothing, numbers_only),
    ("a snapshot of nothing", nothing, snapshot_of_nothing),
];

/// Every original of the Go server is under its name or under its later one, unless our snapshot took its place.
fn check_originals(start: &SimDisk, disk: &SimDisk, context: &str) {
    let files = disk.files();
    for (path, content) in start.files() {
        let is_database = path.ends_with("database.mtdb") && !content.starts_with(b"\x93MTDB");
        if is_database || path.ends_with("in-memory.mtdb") || path.starts_with("srv/data/collections") {
            let later = format!("{}.go-original", path.display());
            let kept = files.get(&path) == Some(&content) || files.get(Path::new(&later)) == Some(&content);
            assert!(kept, "{context}: {} is lost", path.display());
        }
    }
}

/// Opens what a crash left, checks it against the ledger, then runs the whole workload on it.
fn check_recovery(workload: Workload, start: &SimDisk, disk: &SimDisk, ledger: &Ledger, context: &str) {
    check_originals(start, disk, context);
    let mut ledger = ledger.clone();
    let found = open(disk).and_then(|(_, found)| Ok((found.next_lsn, load(&found.content)?)));
    let (next_lsn, state) = found.unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(next_lsn > ledger.issued, "{context}: LSN {next_lsn} is issued again");
    assert!(ledger.acceptable.contains(&state), "{context}: a mixture: {state:?}");
    workload(disk, &mut ledger).unwrap_or_else(|error| panic!("{context}: then {error}"));
    assert_eq!(ledger.acceptable.len(), 1, "{context}");
    check_originals(start, disk, context);
}

/// Runs the workload with `fault` planted at call `at`; `None` when it has fewer calls.
fn run_into(start: Start, workload: Workload, at: u64, fault: Fault) -> Option<(SimDisk, Ledger, Result<(), Error>)> {
    let (disk, mut ledger) = start();
    disk.plant(at, fault);
    let result = workload(&disk, &mut ledger);
    disk.struck().map(|_| (disk, ledger, result))
}

#[test]
fn power_lost_at_any_call_leaves_the_old_or_the_new_state_whole() {
    for (name, start, workload) in CASES {
        let (origin, _) = start();
        let mut calls = 0;
        'calls: for at in 0.. {
            for seed in 0..rounds() {
                let Some((disk, ledger, _)) = run_into(*start, *workload, at, Fault::Stop) else { break 'calls };
                disk.lose_power(seed);
                check_recovery(*workload, &origin, &disk, &ledger, &format!("{name}: call {at}, seed {seed}"));
            }
            calls = at + 1;
        }
        assert!(calls > 30, "{name}: {calls} calls");
    }
}

#[test]
fn killed_at_any_call_then_power_lost_at_any_later_one_leaves_a_state_whole() {
    for (name, start, workload) in CASES {
        let (origin, _) = start();
        for at in 0.. {
            let Some(_) = run_into(*start, *workload, at, Fault::Stop) else { break };
            // Every call is met by some first one; all pairs would take minutes.
            for later in (at % 13..).step_by(13) {
                let Some((disk, mut ledger, _)) = run_into(*start, *workload, at, Fault::Stop) else { break };
                disk.kill();
                disk.plant(later, Fault::Stop);
                let _ = workload(&disk, &mut ledger);
                if disk.struck().is_none() {
                    break;
                }
                disk.lose_power(at * 1000 + later);
                let context = format!("{name}: killed at {at}, power lost at {}", later);
                check_recovery(*workload, &origin, &disk, &ledger, &context);
            }
        }
    }
}

#[test]
fn a_disk_that_fails_at_any_call_is_an_error_and_loses_nothing() {
    for (name, start, workload) in CASES {
        let (origin, _) = start();
        for (at, code) in (0..).flat_map(|at| [(at, EIO), (at, ENOSPC)]) {
            let Some((disk, ledger, result)) = run_into(*start, *workload, at, Fault::Error(code)) else { break };
            let context = format!("{name}: error {code} at call {at}");
            // Removing what was left behind is best effort where a snapshot is given up or done.
            assert!(result.is_err() || disk.struck() == Some("remove"), "{context}: passed over");
            disk.kill();
            check_recovery(*workload, &origin, &disk, &ledger, &context);

            let (disk, ledger, _) = run_into(*start, *workload, at, Fault::Error(code)).unwrap();
            disk.lose_power(at);
            check_recovery(*workload, &origin, &disk, &ledger, &format!("{context}, then power lost"));
        }
    }
}

#[test]
fn a_snapshot_that_failed_succeeds_when_the_same_server_tries_again() {
    for seed in 0.. {
        let (disk, mut ledger) = one_snapshot();
        let mut server = Server::start(&disk, &mut ledger).unwrap();
        server.write("again", 5);
        disk.plant(seed, Fault::Error(EIO));
        let failed = server.snapshot();
        if disk.struck().is_none() {
            break;
        }
        assert!(failed.is_err() || disk.struck() == Some("remove"), "call {seed}");
        server.snapshot().unwrap_or_else(|error| panic!("call {seed}: {error}"));
        let state = server.state.clone();
        let names: Vec<_> = disk.files().into_keys().filter(|path| path.to_string_lossy().ends_with("tmp")).collect();
        assert!(names.is_empty(), "call {seed}: {names:?}");
        drop(server);
        disk.lose_power(seed);
        let (_, found) = open(&disk).unwrap();
        assert_eq!(load(&found.content).unwrap(), state, "call {seed}");
    }
}

#[test]
fn a_finished_import_leaves_only_renamed_originals_and_is_not_repeated() {
    for (files, main) in [(BOTH_AND_COLLECTIONS, NEW), (OLD_ONLY, OLD), (NEW_AND_COLLECTION, NEW)] {
        let (disk, mut ledger) = go_files(files, main);
        import(&disk, &mut ledger).unwrap();
        for (name, documents) in files {
            let path = Path::new(FOLDER).join(name);
            let original = format!("{}.go-original", path.display());
            assert_eq!(disk.content(Path::new(&original)), Some(go_file(documents)));
            assert!(*name == "database.mtdb" || disk.content(&path).is_none());
        }
        let (_, found) = open(&disk).unwrap();
        assert!(matches!(found.content, Content::Snapshot(_)));
        assert_eq!(load(&found.content).unwrap(), ledger.acceptable[0]);
    }
}

#[test]
fn a_clean_stop_goes_on_from_the_exact_next_lsn_and_a_crash_from_the_ceiling() {
    let (disk, mut ledger) = nothing();
    let mut server = Server::start(&disk, &mut ledger).unwrap();
    (0..3).for_each(|_| server.issue());
    server.stop().unwrap();
    assert_eq!(open(&disk).unwrap().1.next_lsn, Lsn(4));

    let server = Server::start(&disk, &mut ledger).unwrap();
    let ceiling = server.ceiling;
    drop(server);
    let (folder, found) = open(&disk).unwrap();
    assert_eq!((found.next_lsn, found.lsn_ceiling), (ceiling, ceiling));
    drop(folder);
}

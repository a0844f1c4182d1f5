//! A server as far as its files can tell: it starts, writes records in frames, rotates, takes snapshots, stops.

// Each test that includes this file uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::Disk;
use memory_tools::model::{Deadline, Document, Entry, Key, Lsn, Record, Scope};
use memory_tools::persist::journal::{Batch, Frame, FrameKind, Growth, Link, SegmentId, SegmentWriter, encode_record};
use memory_tools::persist::{Content, DataFolder, Error, Found, OpenOptions, SegmentStart, SnapshotHeader};

use crate::sim_disk::SimDisk;

/// The data folder on every simulated disk.
pub const FOLDER: &str = "srv/data";

/// The time of everything.
pub const NOW: UnixMillis = UnixMillis(1000);

/// Values with their versions, by key.
pub type State = BTreeMap<String, (u64, String)>;

/// Opens the folder on `disk`.
pub fn open(disk: &SimDisk) -> Result<(DataFolder, Found), Error> {
    DataFolder::open(Arc::new(disk.clone()), Path::new(FOLDER), OpenOptions { pid: 1, import_skip: false })
}

/// The path of `name` in the folder.
pub fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// The path of segment `id`.
pub fn segment_path(id: u64) -> PathBuf {
    path(&SegmentId(id).file_name())
}

/// What the engine would hold after loading `found`.
pub fn load(found: &Found) -> Result<State, Error> {
    let mut state = State::new();
    if let Content::Snapshot(snapshot) = &found.content {
        for number in 0..snapshot.block_count() {
            for Entry { document, version, .. } in snapshot.read_block(number)?.entries {
                let value = String::from_utf8(document.value().to_vec()).unwrap();
                state.insert(document.key().as_str().to_owned(), (version.0, value));
            }
        }
    }
    let mut last = 0;
    found.journal.read(|lsn, record| {
        assert!(lsn.0 > last, "records come in order");
        last = lsn.0;
        let is_newer = |state: &State, key: &str| state.get(key).is_none_or(|(version, _)| *version < lsn.0);
        match record {
            Record::Put { document, .. } if is_newer(&state, document.key().as_str()) => {
                let value = String::from_utf8(document.value().to_vec()).unwrap();
                state.insert(document.key().as_str().to_owned(), (lsn.0, value));
            }
            Record::Delete { key, .. } if is_newer(&state, key.as_str()) => drop(state.remove(key.as_str())),
            _ => {}
        }
    })?;
    Ok(state)
}

/// What a start finds, without going on.
pub fn recovered(disk: &SimDisk) -> State {
    load(&open(disk).unwrap().1).unwrap()
}

/// A start must fail, say all of `words` in one line, and change nothing.
pub fn check_refused(disk: &SimDisk, words: &[&str]) -> Error {
    let files = || disk.files().into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect::<Vec<_>>();
    let before = files();
    let error = open(disk).map(|(_, found)| found).unwrap_err();
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message}");
    words.iter().for_each(|word| assert!(message.contains(word), "{word:?} is not in: {message}"));
    assert!(files() == before, "a refused start has changed the folder");
    error
}

/// A server that writes a journal.
pub struct Run {
    pub folder: DataFolder,
    pub segment: SegmentWriter,
    /// The next LSN.
    pub next: u64,
    /// What is known to be durable.
    pub durable: u64,
    /// What it holds.
    pub state: State,
    /// What the start had to say.
    pub notes: Vec<String>,
}

impl Run {
    /// Starts in the order of a real one: open, load, repair, reserve, begin a segment.
    pub fn start(disk: &SimDisk) -> Result<Run, Error> {
        let (folder, found) = open(disk)?;
        let (found, state) = match load(&found) {
            Ok(state) => (found, state),
            Err(damage) => {
                let found = folder.fall_back(damage)?;
                let state = load(&found)?;
                (found, state)
            }
        };
        Run::of(folder, found, state)
    }

    fn of(folder: DataFolder, found: Found, state: State) -> Result<Run, Error> {
        let mut notes = found.notes;
        notes.extend(folder.remove_unfinished()?);
        notes.extend(folder.finish_repairs(NOW)?);
        let next = found.next_lsn;
        folder.raise_ceiling(Lsn(next.0 + 1000))?;
        let durable = next.0 - 1;
        let start = SegmentStart {
            id: found.next_segment.id,
            first_lsn: next,
            durable_lsn: Lsn(durable),
            created_at: NOW,
            link: found.next_segment.link,
        };
        let segment = folder.begin_segment(start, Growth::ByFrames)?;
        Ok(Run { folder, segment, next: next.0, durable, state, notes })
    }

    /// The last LSN.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// Puts every key of `keys`, in one frame.
    pub fn put(&mut self, keys: &[&str]) {
        let mut records = Vec::new();
        let first_lsn = Lsn(self.next);
        for key in keys {
            let value = format!("{{\"at\":{}}}", self.next);
            let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
            let record = Record::Put { scope: Scope::Main, document: &document, deadline: Deadline::NEVER };
            assert!(encode_record(&record, Batch::Ends, &mut records).is_none());
            self.state.insert((*key).to_owned(), (self.next, value));
            self.next += 1;
        }
        self.append(FrameKind::Records, first_lsn, keys.len() as u32, &records);
    }

    /// Deletes `key`.
    pub fn delete(&mut self, key: &str) {
        let mut records = Vec::new();
        let record = Record::Delete { scope: Scope::Main, key: Key::new(key).unwrap() };
        encode_record(&record, Batch::Ends, &mut records);
        self.state.remove(key);
        self.next += 1;
        self.append(FrameKind::Records, Lsn(self.next - 1), 1, &records);
    }

    /// Writes a frame without records.
    pub fn mark(&mut self, kind: FrameKind) {
        self.append(kind, Lsn(self.next), 0, &[]);
    }

    fn append(&mut self, kind: FrameKind, first_lsn: Lsn, count: u32, records: &[u8]) {
        let parts = [IoSlice::new(records)];
        let durable_lsn = Lsn(self.durable);
        let frame = Frame { kind, first_lsn, count, parts: &parts, durable_lsn, written_at: NOW };
        self.segment.append(&frame).unwrap();
    }

    /// Makes everything durable.
    pub fn sync(&mut self) {
        self.segment.file().sync().unwrap();
        self.durable = self.last();
    }

    /// Begins the next segment.
    pub fn rotate(&mut self) {
        self.sync();
        self.begin(self.segment.end());
    }

    /// The disk has failed: gives the segment up and begins another.
    pub fn fail(&mut self) {
        self.begin(Link::AfterFailure);
    }

    fn begin(&mut self, link: Link) {
        let (first_lsn, durable_lsn) = (Lsn(self.next), Lsn(self.durable));
        let start = SegmentStart { id: self.segment.id().next(), first_lsn, durable_lsn, created_at: NOW, link };
        self.segment = self.folder.begin_segment(start, Growth::ByFrames).unwrap();
    }

    /// Rotates, and publishes a snapshot of everything that is replayed from the new segment.
    pub fn snapshot(&mut self) {
        self.rotate();
        self.publish(self.segment.id());
    }

    /// Publishes a snapshot of everything that is replayed from `replay_from`.
    pub fn publish(&mut self, replay_from: SegmentId) {
        let complete = write_snapshot(&self.folder, &self.state, self.next, replay_from);
        complete.complete(Lsn(self.last())).unwrap().publish().unwrap();
    }

    /// Stops in order.
    pub fn stop(mut self) {
        self.mark(FrameKind::CleanStop);
        self.sync();
        self.folder.record_clean_stop(Lsn(self.next)).unwrap();
    }
}

/// Writes a snapshot of `state`, to be completed.
pub fn write_snapshot<'f>(
    folder: &'f DataFolder,
    state: &State,
    next: u64,
    replay_from: SegmentId,
) -> memory_tools::persist::SnapshotWriter<'f> {
    let (next_lsn, capture_start, captured_at) = (Lsn(next), Lsn(next - 1), NOW);
    let header = SnapshotHeader { next_lsn, capture_start, replay_from, captured_at, collections: Vec::new() };
    let mut writer = folder.begin_snapshot(header).unwrap();
    for (key, (version, value)) in state {
        let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
        writer.push(None, &Entry { document, version: Lsn(*version), deadline: Deadline::NEVER }).unwrap();
    }
    writer
}

/// Removes a file for good.
pub fn remove(disk: &SimDisk, path: &Path) {
    disk.remove(path).unwrap();
    disk.sync_folder(Path::new(FOLDER)).unwrap();
}

/// Changes the content of a file.
pub fn change(disk: &SimDisk, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = disk.content(path).unwrap();
    change(&mut content);
    disk.place(path, &content);
}

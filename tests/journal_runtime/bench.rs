//! A journal on a simulated disk of its own, and what a test does with it and reads back.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::disk::Disk;
use memory_tools::base::health::Health;
use memory_tools::journal::{Journal, JournalOptions, Mode, Sequence, Syncer};
use memory_tools::model::{Deadline, Document, Durability, Entry, Key, Lsn, NotDurable, Record, Refusal, Rest, Scope};
use memory_tools::persist::journal::{JournalReader, SegmentId, SegmentScan, Stretch, scan};
use memory_tools::persist::{DataFolder, DatabaseId, OpenOptions, SnapshotHeader};

use crate::sim_disk::{Fault, SimDisk};

/// The data folder on every disk.
pub const FOLDER: &str = "srv/data";
/// What a broken disk answers.
pub const EIO: i32 = 5;
/// The smallest buffer that there may be.
pub const BUFFER_BYTES: usize = 16 << 20;

/// A journal on a disk of its own.
pub struct Bench {
    pub disk: SimDisk,
    pub database_id: DatabaseId,
    pub folder: Arc<DataFolder>,
    pub journal: Arc<Journal>,
    pub health: Arc<Health>,
    pub given_up: Arc<Mutex<Vec<String>>>,
}

/// One in `mode`, whose segments are long.
pub fn bench(mode: Mode) -> Bench {
    bench_with(mode, 64 << 20)
}

/// One in `mode`, whose segments end after `segment_bytes`.
pub fn bench_with(mode: Mode, segment_bytes: u64) -> Bench {
    let disk = SimDisk::new(7);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = OpenOptions { pid: 1, import_skip: false };
    let (folder, found) = DataFolder::open(shared, Path::new(FOLDER), options).unwrap();
    let folder = Arc::new(folder);
    let health = Arc::new(Health::default());
    let raise_in = Arc::clone(&folder);
    let raise = Box::new(move |to| raise_in.raise_ceiling(to).map_err(|error| error.to_string()));
    let sequence = Sequence::new(found.next_lsn, found.lsn_ceiling, raise, Arc::clone(&health));
    let given_up = Arc::new(Mutex::new(Vec::new()));
    let causes = Arc::clone(&given_up);
    let options = JournalOptions {
        mode,
        buffer_bytes: BUFFER_BYTES,
        segment_bytes,
        on_given_up: Box::new(move |cause| causes.lock().unwrap().push(cause.to_owned())),
    };
    let clock = Arc::new(ManualClock::at(UnixMillis(1_000)));
    let journal = Journal::new(options, sequence, SegmentId(0), clock, Arc::clone(&health));
    journal.begin(Arc::clone(&folder), found.next_segment).unwrap();
    Bench { disk, database_id: found.database_id, folder, journal: Arc::new(journal), health, given_up }
}

/// A document.
pub fn document(key: &str, value: &str) -> Document {
    Document::new(Key::new(key).unwrap(), value.as_bytes())
}

/// The record of a write.
pub fn put(document: &Document) -> Record<'_> {
    Record::Put { scope: Scope::Main, document, deadline: Deadline::NEVER }
}

/// An entry of a snapshot.
pub fn entry(key: &str, version: u64) -> Entry {
    Entry { document: document(key, "1"), version: Lsn(version), deadline: Deadline::NEVER }
}

/// The header of a snapshot that begins now.
pub fn header(bench: &Bench) -> SnapshotHeader {
    SnapshotHeader {
        next_lsn: bench.journal.next(),
        capture_start: bench.journal.last(),
        replay_from: bench.journal.rotate().unwrap(),
        captured_at: UnixMillis(1_000),
        collections: Vec::new(),
    }
}

impl Bench {
    /// Appends one record.
    pub fn write(&self, key: &str, value: &str) -> Lsn {
        self.try_write(key, value).unwrap()
    }

    /// Appends one record when there is room.
    pub fn try_write(&self, key: &str, value: &str) -> Result<Lsn, Refusal> {
        let document = document(key, value);
        let mut room = self.journal.room(&[put(&document)])?;
        Ok(room.append(&put(&document)))
    }

    /// What `mt-journal` does in one round: gives the number of replies that it released.
    pub fn step(&self) -> usize {
        self.journal.step(Instant::now()).released
    }

    /// Writes what waits to a disk that refuses it.
    pub fn give_up(&self) {
        self.disk.plant(0, Fault::Error(EIO));
        self.step();
    }

    /// `mt-sync`.
    pub fn syncer(&self) -> Syncer {
        Syncer::new(Arc::clone(&self.journal)).unwrap()
    }

    /// What a reply that rests on `lsn` is told.
    pub fn reply(&self, lsn: Lsn) -> Receiver<Result<(), NotDurable>> {
        let (tell, told) = channel();
        self.journal.when_durable(Rest::Written(lsn), Box::new(move |result| tell.send(result).unwrap()));
        told
    }

    /// Whether a reply that rests on `lsn` may leave.
    pub fn is_released(&self, lsn: Lsn) -> bool {
        self.journal.is_released(Rest::Written(lsn))
    }

    /// The segments that there are, in order.
    pub fn scans(&self) -> Vec<SegmentScan> {
        let names = self.disk.files().into_keys();
        let ids = names.filter_map(|path| SegmentId::of_name(path.file_name()?.to_str()?));
        ids.map(|id| scan(&self.disk, Path::new(FOLDER), id, self.database_id).unwrap().unwrap()).collect()
    }

    /// LSN and key of every record, in order.
    pub fn records(&self) -> Vec<(u64, String)> {
        let stretches = self.scans().iter().map(|scan| Stretch { id: scan.header.id, end: scan.end }).collect();
        let reader = JournalReader::new(Arc::new(self.disk.clone()), Path::new(FOLDER), stretches, "");
        let mut records = Vec::new();
        let each = |lsn: Lsn, record: Record<'_>| match record {
            Record::Put { document, .. } => records.push((lsn.0, document.key().as_str().to_owned())),
            other => panic!("{other:?} was never written"),
        };
        reader.read(each).unwrap();
        records
    }
}

/// Records as `Bench::records` gives them.
pub fn named(records: &[(u64, &str)]) -> Vec<(u64, String)> {
    records.iter().map(|(lsn, key)| (*lsn, (*key).to_owned())).collect()
}

//! Segments made by the code that makes them, and read by the code that reads them, with what is known of them beside.

// Each test that includes this file uses its own part of it.
#![allow(dead_code)]

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::Disk;
use memory_tools::model::{CollectionName, CollectionOptions, Deadline, Document, Key, Lsn, Record, Scope};
use memory_tools::persist::journal::{
    Batch, Frame, FrameKind, Growth, JournalReader, Link, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentId, SegmentScan,
    SegmentWriter, Stretch, encode_record, encoded_bytes, scan,
};
use memory_tools::persist::{Damage, DatabaseId, Error, Stamp};

use crate::sim_disk::SimDisk;

/// The database of every segment.
pub const DATABASE: DatabaseId = DatabaseId([7; 16]);
/// The data folder on every simulated disk.
pub const FOLDER: &str = "data";

/// What a record is, in a form that lasts and compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put { collection: Option<String>, key: String, value: Vec<u8>, deadline: Deadline },
    Delete { collection: Option<String>, key: String },
    Deadline { collection: Option<String>, key: String, deadline: Deadline },
    Create(String, CollectionOptions),
    Drop(String),
}

impl Change {
    pub fn put(key: &str, value: &str) -> Change {
        Change::Put { collection: None, key: key.to_owned(), value: value.into(), deadline: Deadline::NEVER }
    }

    pub fn of(record: &Record<'_>) -> Change {
        let collection = |scope: &Scope<'_>| match scope {
            Scope::Main => None,
            Scope::Collection(name) => Some(name.as_str().to_owned()),
        };
        match record {
            Record::Put { scope, document, deadline } => Change::Put {
                collection: collection(scope),
                key: document.key().as_str().to_owned(),
                value: document.value().to_vec(),
                deadline: *deadline,
            },
            Record::Delete { scope, key } => {
                Change::Delete { collection: collection(scope), key: key.as_str().to_owned() }
            }
            Record::Deadline { scope, key, deadline } => {
                Change::Deadline { collection: collection(scope), key: key.as_str().to_owned(), deadline: *deadline }
            }
            Record::CreateCollection { name, options } => Change::Create(name.as_str().to_owned(), *options),
            Record::DropCollection { name } => Change::Drop(name.as_str().to_owned()),
            Record::Replace { .. } => unreachable!("these journals stage nothing"),
        }
    }

    /// Appends the record's bytes, a large value in a part of its own.
    pub fn encode(&self, batch: Batch, parts: &mut Vec<Vec<u8>>) {
        fn scope(collection: &Option<String>) -> Scope<'_> {
            collection.as_ref().map_or(Scope::Main, |name| Scope::Collection(CollectionName::new(name).unwrap()))
        }
        let document;
        let record = match self {
            Change::Put { collection, key, value, deadline } => {
                document = Document::new(Key::new(key).unwrap(), value);
                Record::Put { scope: scope(collection), document: &document, deadline: *deadline }
            }
            Change::Delete { collection, key } => {
                Record::Delete { scope: scope(collection), key: Key::new(key).unwrap() }
            }
            Change::Deadline { collection, key, deadline } => {
                Record::Deadline { scope: scope(collection), key: Key::new(key).unwrap(), deadline: *deadline }
            }
            Change::Create(name, options) => {
                Record::CreateCollection { name: CollectionName::new(name).unwrap(), options: *options }
            }
            Change::Drop(name) => Record::DropCollection { name: CollectionName::new(name).unwrap() },
        };
        let mut bytes = Vec::new();
        let large = encode_record(&record, batch, &mut bytes);
        let rest_bytes = large.as_ref().map_or(0, |document| document.value().len());
        assert_eq!(bytes.len() + rest_bytes, encoded_bytes(&record));
        parts.push(bytes);
        parts.extend(large.map(|document| document.value().to_vec()));
    }
}

/// A journal with what is known of it.
pub struct Journal {
    pub disk: SimDisk,
    /// Every record in order, with its LSN.
    pub records: Vec<(Lsn, Change)>,
    /// Of each segment, the offset behind each frame, with the next LSN there; the header's first.
    pub ends: Vec<Vec<(u64, Lsn)>>,
    pub next_lsn: Lsn,
    pub writer: Option<SegmentWriter>,
}

impl Journal {
    pub fn new() -> Journal {
        let (disk, records) = (SimDisk::new(1), Vec::new());
        disk.create_folder(Path::new(FOLDER)).unwrap();
        Journal { disk, records, ends: Vec::new(), next_lsn: Lsn(1), writer: None }
    }

    pub fn id(&self) -> SegmentId {
        SegmentId(self.ends.len() as u64)
    }

    /// Begins the next segment, in a file that is filled up to that many bytes with zeros when there are to be some.
    pub fn rotate(&mut self, zeros: Option<u64>) {
        let link = self.writer.as_ref().map_or(Link::Start { capture_end: Lsn::ZERO }, SegmentWriter::end);
        let (id, first_lsn) = (self.id().next(), self.next_lsn);
        let durable_lsn = Lsn(first_lsn.0 - 1);
        let stamp = Stamp::random(DATABASE).unwrap();
        let header = SegmentHeader { stamp, id, first_lsn, durable_lsn, created_at: UnixMillis(id.0), link };
        let folder = Path::new(FOLDER);
        self.writer = Some(SegmentWriter::create(&self.disk, folder, &header, Growth::ByFrames).unwrap());
        if let Some(bytes) = zeros.filter(|bytes| *bytes > SEGMENT_HEADER_BYTES as u64) {
            self.disk.open_to_change(&path(id.0)).unwrap().set_bytes(bytes).unwrap();
        }
        self.ends.push(vec![(SEGMENT_HEADER_BYTES as u64, first_lsn)]);
    }

    /// Appends a frame that says of everything before it that it is durable.
    pub fn append(&mut self, kind: FrameKind, changes: &[Change]) {
        let mut parts = Vec::new();
        let first_lsn = self.next_lsn;
        for change in changes {
            change.encode(Batch::Ends, &mut parts);
            self.records.push((self.next_lsn, change.clone()));
            self.next_lsn = self.next_lsn.next();
        }
        let parts: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let (count, durable_lsn) = (changes.len() as u32, Lsn(first_lsn.0 - 1));
        let written_at = UnixMillis(1000 + first_lsn.0);
        let frame = Frame { kind, first_lsn, count, parts: &parts, durable_lsn, written_at };
        let writer = self.writer.as_mut().unwrap();
        writer.append(&frame).unwrap();
        self.ends.last_mut().unwrap().push((writer.bytes(), self.next_lsn));
    }

    pub fn content(&self, id: u64) -> Vec<u8> {
        self.disk.content(&path(id)).unwrap()
    }
}

/// The path of segment `id`.
pub fn path(id: u64) -> PathBuf {
    Path::new(FOLDER).join(SegmentId(id).file_name())
}

/// Three segments of a few frames, each frame of one or two records.
pub fn small_journal() -> Journal {
    let mut journal = Journal::new();
    for segment in 0..3 {
        journal.rotate(None);
        let key = format!("k{segment}");
        journal.append(
            FrameKind::Records,
            &[Change::Create(key.clone(), CollectionOptions::default()), Change::put(&key, "[1]")],
        );
        journal.append(FrameKind::Records, &[Change::Delete { collection: Some(key.clone()), key: key.clone() }]);
        journal.append(FrameKind::Records, &[Change::put(&key, "{\"a\":1}")]);
    }
    journal
}

/// A disk with this one segment.
pub fn disk_with(id: u64, content: &[u8]) -> SimDisk {
    let disk = SimDisk::new(1);
    disk.place(&path(id), content);
    disk
}

/// What a scan of segment `id` finds.
pub fn scanned(disk: &SimDisk, id: u64) -> Result<SegmentScan, Damage> {
    scan(disk, Path::new(FOLDER), SegmentId(id), DATABASE).unwrap()
}

/// Reads what is to be replayed.
pub fn read(disk: &SimDisk, stretches: Vec<Stretch>) -> Result<Vec<(Lsn, Change)>, Error> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let reader = JournalReader::new(disk, Path::new(FOLDER), stretches, "nothing was changed");
    let mut records = Vec::new();
    let replayed = reader.read(|lsn, record| records.push((lsn, Change::of(&record))))?;
    assert_eq!(replayed.records, records.len() as u64);
    Ok(records)
}

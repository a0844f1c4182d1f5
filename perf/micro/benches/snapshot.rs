//! A snapshot written and read: entries into blocks with their checksums, and back.
//!
//! Its file lies in memory, where the machine has such a folder, so that no disk is measured.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput};
use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::RealDisk;
use memory_tools::base::limits::SNAPSHOT_BLOCK_BYTES;
use memory_tools::model::{Deadline, Entry, Lsn};
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{DatabaseId, SnapshotHeader, SnapshotReader, Stamp, Totals, Writer};

use crate::documents::{document, json};

const DOCUMENTS: usize = 20_000;
const DOCUMENT_BYTES: usize = 200;

/// Where Linux keeps files in memory.
const IN_MEMORY: &str = "/dev/shm";

pub fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(IN_MEMORY).or_else(|_| tempfile::tempdir()).expect("there is a scratch folder");
    let path = folder.path().join("snapshot");
    let json = json(DOCUMENT_BYTES);
    let entry = |number| Entry {
        document: document(number, &json),
        version: Lsn(number as u64 + 1),
        deadline: Deadline::NEVER,
    };
    let entries: Vec<Entry> = (0..DOCUMENTS).map(entry).collect();
    let totals = write(&path, &entries);
    assert_eq!(read(&path), DOCUMENTS);

    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(30).throughput(Throughput::Bytes(totals.bytes));
    group.bench_function("write 20000 documents", |bencher| bencher.iter(|| write(&path, &entries)));
    group.bench_function("read 20000 documents", |bencher| bencher.iter(|| read(&path)));
}

/// Writes a snapshot of `entries`, over one that is there.
fn write(path: &Path, entries: &[Entry]) -> Totals {
    let header = SnapshotHeader {
        next_lsn: Lsn(DOCUMENTS as u64 + 1),
        capture_start: Lsn(DOCUMENTS as u64),
        replay_from: SegmentId::FIRST,
        captured_at: UnixMillis(0),
        collections: Vec::new(),
    };
    let stamp = Stamp::random(DatabaseId([7; 16])).expect("there is randomness");
    let mut writer = Writer::create(&RealDisk, path, stamp, &header, SNAPSHOT_BLOCK_BYTES).expect("a file can be made");
    for entry in entries {
        writer.push(None, entry).expect("there is room for a block");
    }
    writer.finish(Lsn(DOCUMENTS as u64)).expect("there is room for the end")
}

/// Reads and verifies all of it, with a document made of each entry; how many there are.
fn read(path: &Path) -> usize {
    let reader = SnapshotReader::open(&RealDisk, path, "measure again").expect("it was written whole");
    let mut count = 0;
    let mut buffer = Vec::new();
    for block in 0..reader.block_count() {
        let each = |entry: Entry| {
            black_box(entry);
            count += 1;
        };
        reader.each_of_block(block, &mut buffer, each).expect("its checksums are right");
    }
    count
}

//! Data folders as earlier versions wrote them, opened for ever: what is in them is never written anew.
//!
//! `snapshots_only`: of the version before there was a journal. `killed` is a copy taken while the server ran,
//! `clean` what it left when it stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::RealDisk;
use memory_tools::model::Lsn;
use memory_tools::persist::{Content, DataFolder, Found, OpenOptions, SnapshotReader};

/// The checksum of each file's bytes.
const FILES: &[(&str, u32)] = &[
    ("snapshots_only/killed/IDENTITY", 0x48674bc7),
    ("snapshots_only/killed/database.mtdb", 0x54936ccd),
    ("snapshots_only/killed/database.mtdb.prev", 0x37c204ab),
    ("snapshots_only/clean/IDENTITY", 0x48674bc7),
    ("snapshots_only/clean/database.mtdb", 0x394ef405),
    ("snapshots_only/clean/database.mtdb.prev", 0x54936ccd),
];

/// What both folders of `snapshots_only` hold.
const ALPHA: &str = " alpha {\"a\": 2.0} 10 0";
const ACCENTED: &str = " clé/日本 \"text \\u00e9\" 2 0";
const FAR: &str = " far [1,2,3] 4 3295399065680";
const OF_A_COLLECTION: &str = "users u1 {\"n\":\"x\"} 8 0";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Opens a copy of the fixture `name`.
fn open(name: &str) -> (tempfile::TempDir, Found) {
    let root = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixtures().join(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), root.path().join(entry.file_name())).unwrap();
    }
    let options = OpenOptions { pid: 1, import_skip: false };
    let (_folder, found) = DataFolder::open(Arc::new(RealDisk), root.path(), options).unwrap();
    (root, found)
}

/// Every document as a line: collection, key, value, version, deadline.
fn documents(snapshot: &SnapshotReader) -> Vec<String> {
    let mut lines = Vec::new();
    for number in 0..snapshot.block_count() {
        let block = snapshot.read_block(number).unwrap();
        let collection = block.collection.map_or("", |index| snapshot.collections()[index].name.as_str());
        for entry in &block.entries {
            let (key, value) = (entry.document.key().as_str(), String::from_utf8_lossy(entry.document.value()));
            let deadline = entry.deadline.moment().map_or(0, |moment| moment.0);
            lines.push(format!("{collection} {key} {value} {} {deadline}", entry.version));
        }
    }
    lines.sort();
    lines
}

fn check(name: &str, next_lsn: u64, capture_end: u64, captured_at: u64, expected: &[&str]) {
    let (_root, found) = open(name);
    assert_eq!(found.next_lsn, Lsn(next_lsn), "{name}");
    let Content::Snapshot(snapshot) = &found.content else { panic!("{name}: {found:?}") };
    assert_eq!((snapshot.capture_end(), snapshot.captured_at()), (Lsn(capture_end), UnixMillis(captured_at)), "{name}");
    let collections: Vec<_> = snapshot.collections().iter().map(|it| (it.name.as_str(), it.created.0)).collect();
    assert_eq!(collections, [("empty", 5), ("users", 6)], "{name}");
    assert_eq!(documents(snapshot), expected, "{name}");
}

#[test]
fn no_fixture_was_ever_changed() {
    for (name, expected) in FILES {
        let found = crc32c::crc32c(&fs::read(fixtures().join(name)).unwrap());
        assert_eq!(found, *expected, "{name}: {found:#010x}");
    }
}

#[test]
fn a_folder_of_snapshots_alone_opens_after_a_kill() {
    check("snapshots_only/killed", 16_777_217, 10, 1_795_399_065_990, &[ALPHA, ACCENTED, FAR, OF_A_COLLECTION]);
}

#[test]
fn a_folder_of_snapshots_alone_opens_after_a_clean_stop() {
    check(
        "snapshots_only/clean",
        12,
        11,
        1_795_399_066_052,
        &[ALPHA, ACCENTED, FAR, " last true 11 0", OF_A_COLLECTION],
    );
}

//! Data folders as earlier versions wrote them, opened for ever: what is in them is never written anew.
//!
//! `snapshots_only`: of the version before there was a journal. `killed` is a copy taken while the server ran,
//! `clean` what it left when it stopped. `v1`: with the first version of the journal's segments, a folder for each mode
//! of it; written by engine, journal and data folder on a simulated disk, with segments of 2 KiB, so that `always`
//! came to one that was filled with zeros before. `killed` is what a kill left, `clean` what the next server left, which
//! recovered it, wrote one document more and stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::RealDisk;
use memory_tools::model::Lsn;
use memory_tools::persist::{Content, DataFolder, Found, OpenOptions, SnapshotReader};

/// The checksum of each file's bytes, from the last to the first: forwards, every file that ends with its own checksum
/// has the same one.
const FILES: &[(&str, u32)] = &[
    ("snapshots_only/killed/IDENTITY", 0x4687135f),
    ("snapshots_only/killed/database.mtdb", 0x8c95f3b6),
    ("snapshots_only/killed/database.mtdb.prev", 0xf9e66e05),
    ("snapshots_only/clean/IDENTITY", 0x201f6c4b),
    ("snapshots_only/clean/database.mtdb", 0x60673e9d),
    ("snapshots_only/clean/database.mtdb.prev", 0x8c95f3b6),
    ("v1/always/killed/IDENTITY", 0x6da57867),
    ("v1/always/killed/database.mtdb", 0xa5e9ad3c),
    ("v1/always/killed/journal-00000000000000000001.mtj", 0xe95f09af),
    ("v1/always/killed/journal-00000000000000000002.mtj", 0x740a699b),
    ("v1/always/killed/journal-00000000000000000003.mtj", 0xff58e03a),
    ("v1/always/clean/IDENTITY", 0x8f5f8dc7),
    ("v1/always/clean/database.mtdb", 0x1d86ab57),
    ("v1/always/clean/database.mtdb.prev", 0xa5e9ad3c),
    ("v1/always/clean/journal-00000000000000000001.mtj", 0xe95f09af),
    ("v1/always/clean/journal-00000000000000000002.mtj", 0x740a699b),
    ("v1/always/clean/journal-00000000000000000003.mtj", 0xff58e03a),
    ("v1/always/clean/journal-00000000000000000004.mtj", 0x5c88f412),
    ("v1/always/clean/journal-00000000000000000005.mtj", 0x1a8cc57f),
    ("v1/everysec/killed/IDENTITY", 0xa12266d6),
    ("v1/everysec/killed/database.mtdb", 0x4c82f5c4),
    ("v1/everysec/killed/journal-00000000000000000001.mtj", 0xab9e6ae2),
    ("v1/everysec/killed/journal-00000000000000000002.mtj", 0xc7eebafe),
    ("v1/everysec/killed/journal-00000000000000000003.mtj", 0x334b84d7),
    ("v1/everysec/clean/IDENTITY", 0x43d89376),
    ("v1/everysec/clean/database.mtdb", 0x2e6a4606),
    ("v1/everysec/clean/database.mtdb.prev", 0x4c82f5c4),
    ("v1/everysec/clean/journal-00000000000000000001.mtj", 0xab9e6ae2),
    ("v1/everysec/clean/journal-00000000000000000002.mtj", 0xc7eebafe),
    ("v1/everysec/clean/journal-00000000000000000003.mtj", 0x334b84d7),
    ("v1/everysec/clean/journal-00000000000000000004.mtj", 0x5fb544eb),
    ("v1/everysec/clean/journal-00000000000000000005.mtj", 0x257e6c2b),
    ("v1/os/killed/IDENTITY", 0x09ec613a),
    ("v1/os/killed/database.mtdb", 0xfed3d641),
    ("v1/os/killed/journal-00000000000000000001.mtj", 0xbecc257f),
    ("v1/os/killed/journal-00000000000000000002.mtj", 0xaabbfdee),
    ("v1/os/killed/journal-00000000000000000003.mtj", 0x36d3e933),
    ("v1/os/clean/IDENTITY", 0xeb16949a),
    ("v1/os/clean/database.mtdb", 0xa999871d),
    ("v1/os/clean/database.mtdb.prev", 0xfed3d641),
    ("v1/os/clean/journal-00000000000000000001.mtj", 0xbecc257f),
    ("v1/os/clean/journal-00000000000000000002.mtj", 0xaabbfdee),
    ("v1/os/clean/journal-00000000000000000003.mtj", 0x36d3e933),
    ("v1/os/clean/journal-00000000000000000004.mtj", 0xbe3293d2),
    ("v1/os/clean/journal-00000000000000000005.mtj", 0xcf5f595b),
    ("v1/off/killed/IDENTITY", 0x11fa64df),
    ("v1/off/killed/database.mtdb", 0xf0dbbc6e),
    ("v1/off/clean/IDENTITY", 0x10ef2e74),
    ("v1/off/clean/database.mtdb", 0x45fe8a13),
    ("v1/off/clean/database.mtdb.prev", 0xf0dbbc6e),
];

/// What both folders of `snapshots_only` hold.
const ALPHA: &str = " alpha {\"a\": 2.0} 10 0";
const ACCENTED: &str = " clé/日本 \"text \\u00e9\" 2 0";
const FAR: &str = " far [1,2,3] 4 3295399065680";
const OF_A_COLLECTION: &str = "users u1 {\"n\":\"x\"} 8 0";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A copy of the fixture `name`.
fn copy(name: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixtures().join(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), root.path().join(entry.file_name())).unwrap();
    }
    root
}

/// Opens a copy of the fixture `name`.
fn open(name: &str) -> (tempfile::TempDir, Found) {
    let root = copy(name);
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
        let mut bytes = fs::read(fixtures().join(name)).unwrap();
        bytes.reverse();
        let found = crc32c::crc32c(&bytes);
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

/// Every file of every fixture is in `FILES`.
#[test]
fn no_fixture_is_unknown() {
    let mut found = Vec::new();
    for version in ["snapshots_only", "v1"] {
        collect(version, &mut found);
    }
    found.sort();
    let mut known: Vec<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(found, known);
}

fn collect(folder: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(fixtures().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() { collect(&name, found) } else { found.push(name) }
    }
}

/// What `memory-tools dump` says of the fixture `name`: what a start would load.
fn dump(name: &str) -> String {
    let root = copy(name);
    let output = Command::new(env!("CARGO_BIN_EXE_memory-tools")).arg("dump").arg(root.path()).output().unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What was written before the first snapshot had ended.
const EARLY: &str = r#"{"collection":null,"key":"alpha","version":9,"value":{"a": 2.0}}
{"collection":null,"key":"clé/日本","version":2,"value":"text \u00e9"}
{"collection":null,"key":"kept","expires_at":"2074-06-05T04:37:45.680Z","version":4,"value":1}
{"collection":"dropped","options":{"default_ttl":null,"require_conditional":false}}
{"collection":"dropped","key":"d","version":8,"value":1}
{"collection":"users","options":{"default_ttl":null,"require_conditional":false}}
{"collection":"users","key":"u1","version":6,"value":{"n":"x"}}
"#;

/// With all that was written after it: a batch, changes of deadlines and collections, a large value (here LARGE).
const ALL: &str = r#"{"collection":null,"key":"alpha","version":9,"value":{"a": 2.0}}
{"collection":null,"key":"clé/日本","version":2,"value":"text \u00e9"}
{"collection":null,"key":"far","expires_at":"2074-06-05T04:37:45.680Z","version":11,"value":[1,2,3]}
{"collection":null,"key":"kept","version":4,"value":1}
{"collection":null,"key":"large","version":15,"value":"LARGE"}
{"collection":"empty","options":{"default_ttl":null,"require_conditional":false}}
{"collection":"users","options":{"default_ttl":null,"require_conditional":false}}
{"collection":"users","key":"u2","version":16,"value":{"n":"y"}}
{"collection":"users","key":"u3","expires_at":"2074-06-05T04:37:45.680Z","version":17,"value":null}
"#;

/// What the second server wrote.
const LAST: &str = r#"{"collection":null,"key":"last","version":16777218,"value":true}
"#;

/// `documents` with `LAST` where the main store ends.
fn with_last(documents: &str) -> String {
    let end = documents.find(r#"{"collection":""#).unwrap();
    let (main, collections) = documents.split_at(end);
    format!("{main}{LAST}{collections}")
}

#[test]
fn every_folder_with_a_journal_of_version_1_gives_what_was_written() {
    let all = ALL.replace("LARGE", &"x".repeat(4200));
    for (mode, documents) in [("always", all.as_str()), ("everysec", &all), ("os", &all), ("off", EARLY)] {
        assert_eq!(dump(&format!("v1/{mode}/killed")), documents, "{mode}");
        assert_eq!(dump(&format!("v1/{mode}/clean")), with_last(documents), "{mode}");
    }
}

#[test]
fn every_folder_with_a_journal_of_version_1_goes_on_behind_what_was_issued() {
    for (mode, segments) in [("always", 3), ("everysec", 3), ("os", 3), ("off", 0)] {
        let (_root, killed) = open(&format!("v1/{mode}/killed"));
        assert_eq!((killed.stopped_cleanly, killed.next_lsn), (false, Lsn(16_777_218)), "{mode}");
        assert_eq!(killed.next_segment.id.0, segments + 1, "{mode}");
        let (_root, clean) = open(&format!("v1/{mode}/clean"));
        assert_eq!((clean.stopped_cleanly, clean.next_lsn), (true, Lsn(16_777_219)), "{mode}");
    }
}

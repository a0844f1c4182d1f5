//! Copies on schedule: made when they are due, whole, so many of them kept, and nobody else's file touched.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use memory_tools::base::disk::RealDisk;
use memory_tools::model::Lsn;
use memory_tools::persist::SnapshotReader;
use support::door::House;
use support::exposition::{parse, value};
use tempfile::TempDir;

/// How long a test waits for what happens within two seconds.
const PATIENCE: Duration = Duration::from_secs(30);

const HOUR: u64 = 60 * 60 * 1000;

/// What bears no name of a copy.
const OTHERS: [&str; 4] =
    ["notes.txt", "memory-tools-keep.mtdb", "memory-tools-20200101T000000Z.mtdb.bak", "memory-tools-20200101T000000Z"];

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !OTHERS.contains(&name.as_str())).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("memory-tools-20261122T{name}")).collect()
}

/// A server that makes a copy each hour and keeps two.
fn copying(folder: &TempDir) -> House {
    let path = folder.path().join("copies").to_str().unwrap().to_owned();
    House::start(&[("backup-folder", &path), ("backup-interval", "1h"), ("backup-keep", "2")])
}

fn figure(house: &House, name: &str) -> Option<f64> {
    let text = house.client().send("GET", "/metrics", &[], b"").body;
    let page = parse(&String::from_utf8(text).unwrap()).unwrap();
    value(&page, &format!("memory_tools_backup_{name}"))
}

#[test]
fn a_copy_is_made_when_it_is_due_and_the_oldest_goes_behind_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("copies");
    fs::create_dir(&folder).unwrap();
    for name in OTHERS {
        fs::write(folder.join(name), "mine").unwrap();
    }
    // A process was killed while it wrote this one.
    fs::write(folder.join("memory-tools-20200101T000000Z.mtdb.partial"), "half").unwrap();
    let mut house = copying(&home);
    house.client().send("PUT", "/v1/docs/a", &[], b"1");
    for (number, expected) in [
        &["190000Z.mtdb"][..],
        &["190000Z.mtdb", "200000Z.mtdb"],
        &["200000Z.mtdb", "210000Z.mtdb"],
        &["210000Z.mtdb", "220000Z.mtdb"],
    ]
    .into_iter()
    .enumerate()
    {
        if number > 0 {
            house.clock.advance(HOUR);
        }
        until("a copy", || names(&folder) == set(expected));
    }
    assert_eq!(figure(&house, "last_success_timestamp_seconds"), Some(1_795_384_800.0));
    assert_eq!(figure(&house, "errors_total"), Some(0.0));
    let reader = SnapshotReader::open(&RealDisk, &folder.join("memory-tools-20261122T220000Z.mtdb"), "").unwrap();
    reader.verify().unwrap();
    assert_eq!((reader.documents(), reader.capture_end()), (1, Lsn(1)));
    for name in OTHERS {
        assert_eq!(fs::read(folder.join(name)).unwrap(), b"mine");
    }

    // A start counts from the newest in the folder.
    house.close();
    house.clock.advance(HOUR - 1);
    house.open();
    until("the folder is looked at", || figure(&house, "last_success_timestamp_seconds").is_some());
    assert_eq!(names(&folder), set(&["210000Z.mtdb", "220000Z.mtdb"]));
    house.clock.advance(1);
    until("the next one", || names(&folder) == set(&["220000Z.mtdb", "230000Z.mtdb"]));
}

#[test]
fn a_copy_that_fails_leaves_nothing_removes_nothing_and_is_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("copies");
    fs::create_dir(&folder).unwrap();
    for name in ["180000Z.mtdb", "170000Z.mtdb", "160000Z.mtdb"] {
        fs::write(folder.join(format!("memory-tools-20261122T{name}")), "older").unwrap();
    }
    let before = names(&folder);
    // Where the next one is to be written is a folder.
    let in_the_way = folder.join("memory-tools-20261122T190000Z.mtdb.partial");
    fs::create_dir(&in_the_way).unwrap();
    let house = copying(&home);
    until("a failure", || figure(&house, "errors_total") == Some(1.0));
    assert_eq!(house.client().send("PUT", "/v1/docs/a", &[], b"1").status, 201);
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(names(&folder), before);
    assert_eq!(figure(&house, "last_success_timestamp_seconds"), Some(1_795_370_400.0));
    house.clock.advance(60_000);
    until("another try", || names(&folder) == set(&["180000Z.mtdb", "190100Z.mtdb"]));
    assert_eq!(figure(&house, "errors_total"), Some(1.0));
}

//! A data folder that is made of a backup: a database of its own, or nothing at all, wherever the restore ends.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::Disk;
use memory_tools::model::{CollectionOptions, Deadline, Document, Entry, Key, Lsn, Record, Scope};
use memory_tools::persist::journal::{Batch, Frame, FrameKind, SegmentId, encode_record};
use memory_tools::persist::{
    CaptureEnd, CollectionRecord, Content, DataFolder, Error, Found, Occupied, OpenOptions, Restored, SnapshotHeader,
    restore,
};
use sim_disk::{Fault, SimDisk};

#[path = "support/sim_disk.rs"]
mod sim_disk;

const OLD: &str = "srv/old";
const BACKUP: &str = "srv/backup.mtdb";
const DATA: &str = "srv/data";
const CAPTURED_AT: UnixMillis = UnixMillis(1_795_374_000_000);

/// An hour after the backup.
const NOW: UnixMillis = UnixMillis(1_795_377_600_000);

/// What a folder holds: collection, key, value and version of each document, then the records behind them.
type State = Vec<String>;

fn open(disk: &SimDisk, path: &str) -> Result<(DataFolder, Found), Error> {
    DataFolder::open(Arc::new(disk.clone()), Path::new(path), OpenOptions { pid: 1, import_skip: false })
}

fn state(found: &Found) -> Result<State, Error> {
    let Content::Snapshot(snapshot) = &found.content else { return Ok(State::new()) };
    let mut state = State::new();
    for number in 0..snapshot.block_count() {
        let collection = snapshot.collection_of(number);
        for Entry { document, version, deadline } in snapshot.read_block(number)?.entries {
            let value = String::from_utf8_lossy(document.value()).into_owned();
            state.push(format!("{collection:?} {} {value} {version} {deadline:?}", document.key().as_str()));
        }
    }
    snapshot.replay(|lsn, record| state.push(format!("{lsn} {record:?}")))?;
    Ok(state)
}

fn document(key: &str, value: &str) -> Document {
    Document::new(Key::new(key).unwrap(), value.as_bytes())
}

fn header(collections: Vec<CollectionRecord>) -> SnapshotHeader {
    let (next_lsn, capture_start) = (Lsn(10), Lsn(9));
    SnapshotHeader { next_lsn, capture_start, replay_from: SegmentId(7), captured_at: CAPTURED_AT, collections }
}

/// Leaves a backup on `disk`: three documents, one of them in a collection, and two records of what came meanwhile.
fn back_up(disk: &SimDisk) {
    let (folder, _) = open(disk, OLD).unwrap();
    let target = folder.begin_copy("srv/backup.mtdb.partial".into()).unwrap();
    let mut replay = target.replay_file().unwrap();
    let options = CollectionOptions { default_ttl_ms: Some(60_000), require_conditional: true };
    let collection = CollectionRecord { name: "c".to_owned(), created: Lsn(2), options };
    let mut writer = target.begin(header(vec![collection])).unwrap();
    for (collection, key, version) in [(None, "a", 3), (None, "b", 9), (Some(0), "c", 4)] {
        let deadline = Deadline::at(UnixMillis(u64::MAX - version));
        writer.push(collection, &Entry { document: document(key, "[1.0]"), version: Lsn(version), deadline }).unwrap();
    }
    let large = document("b", &format!("\"{}\"", "x".repeat(5000)));
    let records = [
        Record::Put { scope: Scope::Main, document: &large, deadline: Deadline::NEVER },
        Record::Delete { scope: Scope::Main, key: Key::new("a").unwrap() },
    ];
    let mut payload = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let batch = if number == 0 { Batch::GoesOn } else { Batch::Ends };
        if let Some(document) = encode_record(record, batch, &mut payload) {
            payload.extend_from_slice(document.value());
        }
    }
    let (kind, first_lsn, parts) = (FrameKind::Records, Lsn(10), &[IoSlice::new(&payload)]);
    let (durable_lsn, written_at) = (Lsn::ZERO, CAPTURED_AT);
    replay.append(&Frame { kind, first_lsn, count: 2, parts, durable_lsn, written_at }).unwrap();
    let complete = writer.complete(CaptureEnd { lsn: Lsn(11), replay: Some(replay) }).unwrap();
    complete.keep_as(Path::new(BACKUP)).unwrap();
}

fn try_restore(disk: &SimDisk, occupied: Occupied) -> Result<Restored, Error> {
    restore(&(Arc::new(disk.clone()) as Arc<dyn Disk>), Path::new(BACKUP), Path::new(DATA), (2, NOW), occupied)
}

/// What is in the folder that is restored, LOCK left out.
fn files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let files = disk.files().into_iter().filter(|(path, _)| path.starts_with(DATA) && !path.ends_with("LOCK"));
    files.map(|(path, content)| (path.strip_prefix(DATA).unwrap().display().to_string(), content)).collect()
}

/// A folder with a snapshot of one document, and a file of somebody else's.
fn occupy(disk: &SimDisk) -> State {
    disk.place(&Path::new(DATA).join("tokens"), b"secret");
    let (folder, _) = open(disk, DATA).unwrap();
    folder.raise_ceiling(Lsn(100)).unwrap();
    let mut writer = folder.begin_snapshot(header(Vec::new())).unwrap();
    let entry = Entry { document: document("old", "1"), version: Lsn(9), deadline: Deadline::NEVER };
    writer.push(None, &entry).unwrap();
    writer.finish(Lsn(9)).unwrap();
    drop(folder);
    state(&open(disk, DATA).unwrap().1).unwrap()
}

#[test]
fn what_is_restored_is_what_was_backed_up_in_a_database_of_its_own() {
    let disk = SimDisk::new(1);
    back_up(&disk);
    let restored = try_restore(&disk, Occupied::Refuse).unwrap();
    let (documents, capture_end) = (restored.documents, restored.capture_end);
    assert_eq!((documents, restored.collections, capture_end, &restored.set_aside), (3, 1, Lsn(11), &None));
    assert_eq!(files(&disk).keys().collect::<Vec<_>>(), ["IDENTITY", "database.mtdb"]);
    let (_, found) = open(&disk, DATA).unwrap();
    let lines = state(&found).unwrap();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(
        lines[2].starts_with("Some(0) c [1.0] 4 ") && lines[3].starts_with("10 Put") && lines[4].starts_with("11 ")
    );
    let Content::Snapshot(snapshot) = &found.content else { panic!("there is a snapshot") };
    assert_eq!(snapshot.collections()[0].options.default_ttl_ms, Some(60_000));
    assert_eq!((snapshot.captured_at(), snapshot.capture_end()), (CAPTURED_AT, Lsn(11)));
    assert!(found.stopped_cleanly && found.notes.is_empty(), "{:?}", found.notes);
    let (_, old) = open(&disk, OLD).unwrap();
    assert_ne!(found.database_id, old.database_id);
    assert_eq!(found.next_lsn, restored.next_lsn);
    assert_eq!(found.next_segment.id, SegmentId::FIRST);
}

/// The database that was backed up went on. Whatever it has issued since names what the restored one never had.
#[test]
fn no_lsn_is_issued_that_the_old_database_can_have_issued_since() {
    let disk = SimDisk::new(1);
    back_up(&disk);
    let restored = try_restore(&disk, Occupied::Refuse).unwrap();
    let an_hour_of_millions = 3600 * 4_000_000;
    assert!(restored.next_lsn > Lsn(11 + an_hour_of_millions), "{}", restored.next_lsn);

    // The clock may be wrong; what is in the folder knows better.
    let disk = SimDisk::new(1);
    back_up(&disk);
    let (folder, _) = open(&disk, DATA).unwrap();
    folder.raise_ceiling(Lsn(1 << 50)).unwrap();
    drop(folder);
    assert_eq!(try_restore(&disk, Occupied::SetAside).unwrap().next_lsn, Lsn(1 << 50));
}

#[test]
fn a_folder_that_is_not_empty_is_refused_or_what_is_a_databases_is_set_aside() {
    let disk = SimDisk::new(1);
    back_up(&disk);
    let old = occupy(&disk);
    let before = files(&disk);
    let refused = try_restore(&disk, Occupied::Refuse).unwrap_err().to_string();
    assert!(refused.starts_with("srv/data: is not empty; choose another, or let --force"), "{refused}");
    assert_eq!(files(&disk), before);

    for number in 1..=2 {
        let aside = try_restore(&disk, Occupied::SetAside).unwrap().set_aside.unwrap();
        let name = aside.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            name,
            if number == 1 { "before-restore-20261122T200000Z" } else { "before-restore-20261122T200000Z-2" }
        );
        let after = files(&disk);
        assert_eq!(after["tokens"], b"secret", "what is not a database's stays");
        if number == 1 {
            for (name_before, content) in before.iter().filter(|(name, _)| *name != "tokens") {
                assert_eq!(after.get(&format!("{name}/{name_before}")), Some(content), "{name_before}");
            }
            assert_eq!(state(&open(&disk, aside.to_str().unwrap()).unwrap().1).unwrap(), old, "it can still be opened");
        }
        assert_eq!(state(&open(&disk, DATA).unwrap().1).unwrap().len(), 5);
    }
}

#[test]
fn a_folder_in_use_and_a_snapshot_that_needs_a_journal_are_refused() {
    let disk = SimDisk::new(1);
    back_up(&disk);
    let held = open(&disk, DATA).unwrap();
    assert!(matches!(try_restore(&disk, Occupied::SetAside), Err(Error::InUse { .. })));
    drop(held);

    let disk = SimDisk::new(1);
    let (folder, _) = open(&disk, OLD).unwrap();
    let writer = folder.begin_copy(BACKUP.into()).unwrap().begin(header(Vec::new())).unwrap();
    // A write came while it was captured, and a journal has it.
    writer.complete(Lsn(10)).unwrap().keep_as(Path::new("srv/kept")).unwrap();
    disk.rename(Path::new("srv/kept"), Path::new(BACKUP)).unwrap();
    let refused = try_restore(&disk, Occupied::Refuse).unwrap_err();
    assert!(
        refused.to_string().contains("needs the journal of its data folder from journal-00000000000000000007.mtj on")
    );
    assert!(files(&disk).is_empty());
}

#[test]
fn a_backup_with_any_bit_flipped_or_any_byte_missing_is_refused_and_nothing_is_changed() {
    let disk = SimDisk::new(1);
    back_up(&disk);
    occupy(&disk);
    let (before, good) = (files(&disk), disk.content(Path::new(BACKUP)).unwrap());
    let refused = |content: &[u8], what: &str| {
        disk.place(Path::new(BACKUP), content);
        let error = try_restore(&disk, Occupied::SetAside).expect_err(what);
        assert!(matches!(error, Error::Damaged { .. } | Error::Newer { .. }), "{what}: {error}");
    };
    for at in 0..good.len() {
        // Of the large document one byte in a while will do: all of them are under one checksum.
        if (600..5000).contains(&at) && at % 97 > 0 {
            continue;
        }
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        refused(&bad, &format!("byte {at}"));
        refused(&good[..at], &format!("{at} bytes"));
    }
    refused(&[&good[..], b"\0"].concat(), "a byte too many");
    assert_eq!(files(&disk), before);
    disk.place(Path::new(BACKUP), &good);
    try_restore(&disk, Occupied::SetAside).unwrap();
}

/// Whenever it ends, a start finds the old state or the new, or refuses; it never begins empty or with half of either.
#[test]
fn a_restore_that_ends_at_any_call_leaves_the_old_the_new_or_what_is_refused() {
    for fault in [Fault::Stop, Fault::Error(5), Fault::Error(28)] {
        let mut call = 0;
        loop {
            let disk = SimDisk::new(call);
            back_up(&disk);
            let old = occupy(&disk);
            let mine = disk.content(&Path::new(DATA).join("database.mtdb")).unwrap();
            disk.plant(call, fault);
            let restored = try_restore(&disk, Occupied::SetAside);
            if disk.struck().is_none() {
                restored.unwrap();
                break;
            }
            match fault {
                Fault::Stop if call % 2 == 0 => disk.kill(),
                Fault::Stop => disk.lose_power(call),
                _ => disk.mend(),
            }
            if let Ok((_, found)) = open(&disk, DATA) {
                let found = state(&found).unwrap();
                let expected = if restored.is_ok() { found.len() == 5 } else { found == old || found.len() == 5 };
                assert!(expected, "call {call}, {fault:?}: {found:?}");
            }
            let is_kept = files(&disk).values().any(|content| *content == mine);
            assert!(is_kept, "call {call}, {fault:?}: the old snapshot is gone");
            try_restore(&disk, Occupied::SetAside).unwrap();
            assert_eq!(state(&open(&disk, DATA).unwrap().1).unwrap().len(), 5, "call {call}, {fault:?}");
            call += 1;
        }
        assert!(call > 20, "{call} calls");
    }
}

#[test]
fn on_a_full_disk_nothing_is_left_of_a_restore() {
    let disk = SimDisk::new(1);
    back_up(&disk);
    occupy(&disk);
    let before = files(&disk);
    disk.leave_free(3000);
    assert!(try_restore(&disk, Occupied::SetAside).unwrap_err().is_want_of_room());
    assert_eq!(files(&disk), before);
}

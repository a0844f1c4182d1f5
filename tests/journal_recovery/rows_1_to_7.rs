//! Rows 1 to 7: whether there is a database, and one that is whole.

use memory_tools::model::Lsn;
use memory_tools::persist::Error;
use memory_tools::persist::journal::SegmentId;

use crate::folders::{killed, three_segments};
use crate::recovery::{Run, change, check_refused, load, open, path, recovered, remove, segment_path, write_snapshot};
use crate::sim_disk::SimDisk;

#[test]
fn row_1_a_segment_of_a_newer_version_or_of_another_database_is_refused_by_name() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    let content = disk.content(&segment_path(2)).unwrap();
    change(&disk, &segment_path(2), |content| {
        content[8] = 9;
        let checksum = crc32c::crc32c(&content[..16]);
        content[16..20].copy_from_slice(&checksum.to_le_bytes());
    });
    let error = check_refused(&disk, &[&SegmentId(2).file_name(), "version 9", "newer memory-tools"]);
    assert!(matches!(error, Error::Newer { .. }));
    disk.place(&segment_path(2), &content);
    recovered(&disk);

    let other = SimDisk::new(2);
    killed(&other, three_segments(&other));
    other.place(&segment_path(2), &content);
    let error = check_refused(&other, &[&SegmentId(2).file_name(), "belongs to database"]);
    assert!(matches!(error, Error::Foreign { .. }));
}

#[test]
fn row_2_a_journal_without_identity_is_refused() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    remove(&disk, &path("IDENTITY"));
    check_refused(&disk, &["no IDENTITY", "issued twice"]);
}

#[test]
fn row_3_a_journal_that_is_gone_is_refused() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    (1..=3).for_each(|id| remove(&disk, &segment_path(id)));
    check_refused(&disk, &[&SegmentId(1).file_name(), "is missing", "up to segment 3"]);
}

#[test]
fn row_4_before_the_first_snapshot_everything_is_in_the_journal() {
    let disk = SimDisk::new(1);
    let state = killed(&disk, three_segments(&disk));
    assert_eq!(recovered(&disk), state);
    let (_folder, found) = open(&disk).unwrap();
    assert_eq!((found.next_segment.id, found.last_lsn, found.stopped_cleanly), (SegmentId(4), Lsn(8), false));
    assert_eq!(found.next_lsn, Lsn(1001), "no number is issued twice");
}

#[test]
fn row_5_a_journal_without_its_beginning_is_refused() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    remove(&disk, &segment_path(1));
    check_refused(&disk, &["the journal begins with", &SegmentId(2).file_name(), "no snapshot"]);
}

#[test]
fn row_6_a_snapshot_of_a_run_without_a_journal_needs_no_segment() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    let (folder, found) = open(&disk).unwrap();
    let mut state = load(&found).unwrap();
    folder.finish_repairs(found.written_at).unwrap();
    folder.raise_ceiling(Lsn(3000)).unwrap();
    state.insert("off".to_owned(), (1001, "1".to_owned()));
    let from = folder.next_segment();
    write_snapshot(&folder, &state, 1002, from).complete(Lsn(1001)).unwrap().publish().unwrap();
    folder.record_clean_stop(Lsn(1002)).unwrap();
    drop(folder);
    assert_eq!(recovered(&disk), state);
    // What is in the segments is no matter any more, though they stay.
    change(&disk, &segment_path(2), |content| content[130] ^= 1);
    assert_eq!(recovered(&disk), state);

    let mut run = Run::start(&disk).unwrap();
    assert_eq!((run.segment.id(), run.next), (SegmentId(4), 1002));
    run.put(&["on"]);
    let state = killed(&disk, run);
    assert_eq!(recovered(&disk), state);
}

#[test]
fn row_7_a_snapshot_is_loaded_and_the_journal_behind_it_replayed() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    run.snapshot();
    run.put(&["a", "g"]);
    run.delete("d");
    let state = killed(&disk, run);
    assert_eq!(recovered(&disk), state);
    let mut run = Run::start(&disk).unwrap();
    assert_eq!(run.state, state);
    run.put(&["h"]);
    let state = run.state.clone();
    run.stop();
    let (_folder, found) = open(&disk).unwrap();
    assert_eq!((load(&found).unwrap(), found.stopped_cleanly), (state, true));
    assert_eq!(found.notes, [""; 0]);
}

#[test]
fn row_7_zeros_behind_the_last_frame_are_a_clean_end() {
    let disk = SimDisk::new(1);
    let state = killed(&disk, three_segments(&disk));
    change(&disk, &segment_path(3), |content| content.resize(content.len() + 5000, 0));
    change(&disk, &segment_path(2), |content| content.resize(content.len() + 100, 0));
    let run = Run::start(&disk).unwrap();
    assert_eq!(run.state, state);
    assert!(!disk.files().keys().any(|it| it.starts_with(path("quarantine"))), "nothing had to be cut");
}

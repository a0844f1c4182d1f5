//! Rows 8 to 12 and 16: what was durable is missing, swapped or changed, and the start is refused.

use memory_tools::model::Lsn;
use memory_tools::persist::journal::{FrameKind, SegmentId};
use memory_tools::persist::{Error, Refused};

use crate::folders::{killed, three_segments};
use crate::recovery::{Run, State, change, check_refused, open, path, recovered, remove, segment_path, write_snapshot};
use crate::sim_disk::SimDisk;

#[test]
fn row_8_a_tail_that_was_taken_away_is_refused() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    let before_stop = run.segment.bytes();
    run.put(&["g"]);
    let before_mark = run.segment.bytes();
    run.sync();
    run.mark(FrameKind::Mark);
    let whole = run.segment.bytes();
    run.stop();
    let content = disk.content(&segment_path(3)).unwrap();
    for end in [before_stop, before_mark, whole] {
        disk.place(&segment_path(3), &content[..end as usize]);
        let error = check_refused(&disk, &["the end of the journal", "a clean stop before LSN 10", "repair"]);
        assert!(matches!(error, Error::Refused { refused: Refused::Damage { .. }, .. }));
    }
    disk.place(&segment_path(3), &content);
    recovered(&disk);
}

#[test]
fn row_8_an_end_below_what_a_snapshot_holds_is_refused() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    let from = run.segment.id();
    run.put(&["g"]);
    run.sync();
    let end = run.segment.bytes();
    run.put(&["h"]);
    run.sync();
    run.publish(from);
    killed(&disk, run);
    change(&disk, &segment_path(3), |content| content.truncate(end as usize));
    check_refused(&disk, &["the end of the journal", "records up to LSN 10"]);
}

#[test]
fn row_9_a_segment_that_is_missing_in_the_middle_or_at_the_end_is_refused() {
    for id in [2, 3] {
        let disk = SimDisk::new(1);
        killed(&disk, three_segments(&disk));
        remove(&disk, &segment_path(id));
        check_refused(&disk, &[&format!("{} is missing", SegmentId(id).file_name()), "up to segment 3"]);
    }
}

#[test]
fn row_10_segments_that_were_swapped_doubled_or_shortened_are_refused() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    let contents: Vec<Vec<u8>> = (1..=3).map(|id| disk.content(&segment_path(id)).unwrap()).collect();
    for at in 1..=3u64 {
        for from in (1..=3u64).filter(|from| *from != at) {
            disk.place(&segment_path(at), &contents[from as usize - 1]);
            check_refused(&disk, &[&SegmentId(at).file_name()]);
            disk.place(&segment_path(from), &contents[at as usize - 1]);
            check_refused(&disk, &["journal-"]);
            disk.place(&segment_path(from), &contents[from as usize - 1]);
        }
        disk.place(&segment_path(at), &contents[at as usize - 1]);
    }
    recovered(&disk);

    let disk = SimDisk::new(1);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a"]);
    let end = run.segment.bytes();
    run.put(&["b"]);
    run.rotate();
    run.put(&["c"]);
    killed(&disk, run);
    change(&disk, &segment_path(1), |content| content.truncate(end as usize));
    check_refused(&disk, &[&SegmentId(2).file_name(), "must go on from a segment that ends at byte"]);
}

#[test]
fn row_10_a_snapshot_older_than_its_segments_is_refused() {
    let disk = SimDisk::new(1);
    let (folder, _) = open(&disk).unwrap();
    folder.raise_ceiling(Lsn(100)).unwrap();
    let mut state = State::new();
    state.insert("k".to_owned(), (5, "1".to_owned()));
    write_snapshot(&folder, &state, 10, folder.next_segment()).finish(Lsn(9)).unwrap();
    let older = disk.content(&path("database.mtdb")).unwrap();
    write_snapshot(&folder, &state, 20, folder.next_segment()).finish(Lsn(19)).unwrap();
    drop(folder);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a"]);
    killed(&disk, run);
    recovered(&disk);
    disk.place(&path("database.mtdb"), &older);
    check_refused(&disk, &[&SegmentId(1).file_name(), "what the snapshot up to LSN 9 leads to"]);
}

#[test]
fn row_11_a_flipped_bit_in_what_was_durable_is_refused_with_its_place() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    let start = run.segment.bytes() as usize;
    run.put(&["g", "h"]);
    run.sync();
    run.put(&["i"]);
    let end = run.segment.bytes() as usize;
    killed(&disk, run);
    let content = disk.content(&segment_path(3)).unwrap();
    assert_eq!(content.len(), end);
    for at in [start, start + 20, start + 60] {
        disk.place(&segment_path(3), &content);
        change(&disk, &segment_path(3), |content| content[at] ^= 1);
        let name = SegmentId(3).file_name();
        let words = [
            &name,
            "damaged: frame 2, byte",
            "LSNs from 9 on",
            "up to 10 was durable",
            "1 records lie behind",
            "repair",
        ];
        let error = check_refused(&disk, &words);
        assert!(error.is_damage());
    }
}

#[test]
fn row_12_a_flipped_bit_in_front_of_a_later_segment_is_refused() {
    let disk = SimDisk::new(1);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a"]);
    let start = run.segment.bytes() as usize;
    run.put(&["b"]);
    run.rotate();
    killed(&disk, run);
    change(&disk, &segment_path(1), |content| content[start + 60] ^= 1);
    check_refused(&disk, &[&SegmentId(1).file_name(), "damaged: frame 1", "LSNs from 2 on"]);
}

#[test]
fn row_16_a_header_that_does_not_hold_is_refused() {
    let disk = SimDisk::new(1);
    killed(&disk, three_segments(&disk));
    let content = disk.content(&segment_path(3)).unwrap();
    for at in [0, 13, 30, 60, 110] {
        disk.place(&segment_path(3), &content);
        change(&disk, &segment_path(3), |content| content[at] ^= 4);
        check_refused(&disk, &[&SegmentId(3).file_name(), "the header", "repair"]);
    }
    for length in [0, 1, 111] {
        disk.place(&segment_path(3), &content[..length]);
        check_refused(&disk, &[&SegmentId(3).file_name(), "the header"]);
    }
}

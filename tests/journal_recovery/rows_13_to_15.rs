//! Rows 13 to 15: an end that was never promised is cut, and a segment that was never used set aside.

use memory_tools::persist::journal::SegmentId;

use crate::folders::{interrupted, killed, quarantined, three_segments};
use crate::recovery::{Run, change, check_refused, load, open, path, recovered, segment_path};
use crate::sim_disk::SimDisk;

#[test]
fn row_13_an_interrupted_write_is_copied_and_cut() {
    let disk = SimDisk::new(1);
    let (state, tail, end) = interrupted(&disk);
    let mut run = Run::start(&disk).unwrap();
    assert_eq!(run.state, state);
    assert_eq!(disk.content(&segment_path(3)).unwrap().len() as u64, end);
    assert_eq!(quarantined(&disk, &SegmentId(3).file_name()), tail);
    assert!(run.notes.iter().any(|note| note.contains("interrupted write")), "{:?}", run.notes);
    assert_eq!(run.segment.id(), SegmentId(4), "never append to a recovered one");
    run.put(&["h"]);
    let state = killed(&disk, run);
    assert_eq!(recovered(&disk), state);
}

#[test]
fn row_13_a_heal_that_was_not_finished_is_set_aside_with_the_tail_before_it() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    run.sync();
    let state = run.state.clone();
    run.put(&["g"]);
    run.fail();
    killed(&disk, run);
    change(&disk, &segment_path(3), |content| content.truncate(content.len() - 3));
    let given_up = disk.content(&segment_path(4)).unwrap();
    let run = Run::start(&disk).unwrap();
    assert_eq!((&run.state, run.segment.id()), (&state, SegmentId(4)));
    assert_eq!(quarantined(&disk, &SegmentId(4).file_name()), given_up);
    quarantined(&disk, &SegmentId(3).file_name());
    killed(&disk, run);
    assert_eq!(recovered(&disk), state);
}

#[test]
fn row_13b_a_heal_that_was_not_finished_is_set_aside_behind_a_clean_end() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    run.fail();
    let state = killed(&disk, run);
    let run = Run::start(&disk).unwrap();
    assert_eq!((&run.state, run.segment.id()), (&state, SegmentId(4)));
    quarantined(&disk, &SegmentId(4).file_name());
    killed(&disk, run);
    assert_eq!(recovered(&disk), state);
}

#[test]
fn row_14_records_after_a_failure_that_no_snapshot_leads_to_are_refused() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    run.fail();
    run.put(&["g"]);
    killed(&disk, run);
    check_refused(&disk, &[&SegmentId(4).file_name(), "nothing leads to it", "a segment that was given up"]);
}

#[test]
fn row_14_a_heal_that_was_finished_goes_on_from_its_snapshot() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    run.put(&["never written"]);
    run.fail();
    run.publish(run.segment.id());
    run.durable = run.last();
    run.put(&["g"]);
    let state = killed(&disk, run);
    change(&disk, &segment_path(3), |content| content.truncate(content.len() - 3));
    assert_eq!(recovered(&disk), state);
}

#[test]
fn row_15_a_segment_that_identity_does_not_know_yet_is_a_clean_end() {
    let disk = SimDisk::new(1);
    let run = three_segments(&disk);
    let identity = disk.content(&path("IDENTITY")).unwrap();
    let mut run = run;
    run.rotate();
    let state = killed(&disk, run);
    disk.place(&path("IDENTITY"), &identity);
    let (_, found) = open(&disk).unwrap();
    assert_eq!((load(&found).unwrap(), found.next_segment.id), (state, SegmentId(5)));

    // With frames, it is the IDENTITY that is not the one of this folder.
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    let identity = disk.content(&path("IDENTITY")).unwrap();
    run.rotate();
    run.put(&["g"]);
    killed(&disk, run);
    disk.place(&path("IDENTITY"), &identity);
    let error = check_refused(&disk, &["IDENTITY knows of segments up to 3", &SegmentId(4).file_name(), "older copy"]);
    assert!(error.is_damage());
}

//! What a start makes of a folder with a journal: one test for each row of the table in `persist::plan`, on files that
//! were written by the code that writes them; the number is in the name.

#[path = "recovery/mod.rs"]
mod recovery;
#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_tools::base::clock::ManualClock;
use memory_tools::base::disk::Disk;
use memory_tools::model::Lsn;
use memory_tools::persist::journal::{FrameKind, SegmentId};
use memory_tools::persist::{Error, Refused};
use memory_tools::server::dump;
use recovery::{
    FOLDER, NOW, Run, change, check_refused, load, open, path, recovered, remove, segment_path, write_snapshot,
};
use sim_disk::{Fault, SimDisk};

/// A disk on which a server has run: two frames in each of three segments, killed.
fn three_segments(disk: &SimDisk) -> Run {
    let mut run = Run::start(disk).unwrap();
    run.put(&["a", "b"]);
    run.put(&["c"]);
    run.rotate();
    run.put(&["b", "d"]);
    run.delete("a");
    run.rotate();
    run.put(&["e"]);
    run.put(&["f"]);
    run
}

fn killed(disk: &SimDisk, run: Run) -> recovery::State {
    let state = run.state.clone();
    drop(run);
    disk.kill();
    state
}

/// What the quarantine holds of the file `name`.
fn copies(disk: &SimDisk, name: &str) -> Vec<Vec<u8>> {
    let start = format!("{name}-");
    let is_copy = |it: &PathBuf| {
        it.starts_with(path("quarantine")) && it.file_name().unwrap().to_str().unwrap().starts_with(&start)
    };
    disk.files().into_iter().filter(|(it, _)| is_copy(it)).map(|(_, content)| content).collect()
}

/// The only copy of the file `name`.
fn quarantined(disk: &SimDisk, name: &str) -> Vec<u8> {
    let mut copies = copies(disk, name);
    assert_eq!(copies.len(), 1, "{name}");
    copies.remove(0)
}

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
    let mut state = recovery::State::new();
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

/// Three segments, the last of which ends in a part of a frame that was never durable.
fn interrupted(disk: &SimDisk) -> (recovery::State, Vec<u8>, u64) {
    let mut run = three_segments(disk);
    run.sync();
    let end = run.segment.bytes();
    let state = run.state.clone();
    run.put(&["g"]);
    killed(disk, run);
    change(disk, &segment_path(3), |content| content.truncate(content.len() - 3));
    let tail = disk.content(&segment_path(3)).unwrap()[end as usize..].to_vec();
    (state, tail, end)
}

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

/// Two snapshots with a journal kept back to the older one, and records behind both.
fn two_snapshots(disk: &SimDisk) -> Run {
    let mut run = three_segments(disk);
    run.snapshot();
    run.put(&["g"]);
    run.delete("b");
    run.snapshot();
    run.put(&["h", "a"]);
    run.folder.free_segments(NOW).unwrap();
    run
}

#[test]
fn row_17_without_its_newest_snapshot_a_folder_loses_nothing() {
    let lose: [fn(&SimDisk); 4] = [
        |disk| remove(disk, &path("database.mtdb")),
        |disk| change(disk, &path("database.mtdb"), |content| content.truncate(90)),
        |disk| disk.place(&path("database.mtdb"), b"something else"),
        // Header and footer hold: this one shows in the load.
        |disk| change(disk, &path("database.mtdb"), |content| content[110] ^= 1),
    ];
    for (number, lose) in lose.into_iter().enumerate() {
        let disk = SimDisk::new(1);
        let state = killed(&disk, two_snapshots(&disk));
        lose(&disk);
        let lost = disk.content(&path("database.mtdb"));
        let previous = disk.content(&path("database.mtdb.prev")).unwrap();
        let mut run = Run::start(&disk).unwrap();
        assert_eq!(run.state, state, "{number}");
        assert!(run.notes.iter().any(|note| note.contains("database.mtdb.prev")), "{number}: {:?}", run.notes);
        if let Some(lost) = lost {
            assert_eq!(quarantined(&disk, "database.mtdb"), lost);
        }
        // The damaged one does not push the good one out of its place.
        run.put(&["i"]);
        run.snapshot();
        assert_eq!(disk.content(&path("database.mtdb.prev")).unwrap(), previous);
        run.folder.free_segments(NOW).unwrap();
        run.put(&["j"]);
        let state = killed(&disk, run);
        assert_eq!(recovered(&disk), state);
        remove(&disk, &path("database.mtdb"));
        assert_eq!(recovered(&disk), state, "{number}: the segments that .prev needs are kept");
    }
}

#[test]
fn row_18_without_its_newest_snapshot_and_a_whole_journal_a_folder_is_refused() {
    let damage = |disk: &SimDisk| change(disk, &path("database.mtdb"), |content| content.truncate(90));
    let refused = |disk: &SimDisk, word: &str| {
        let error = check_refused(disk, &["does not lead to its state", word, "`memory-tools repair`"]);
        assert!(!error.to_string().contains("mv database"), "that would be refused as well: {error}");
        assert!(matches!(error, Error::Refused { refused: Refused::NoWayBack { .. }, .. }));
    };
    let disk = SimDisk::new(1);
    killed(&disk, two_snapshots(&disk));
    damage(&disk);
    remove(&disk, &segment_path(5));
    refused(&disk, &format!("{} is missing", SegmentId(5).file_name()));

    // A snapshot of a run without a journal ends what the one before leads to.
    let disk = SimDisk::new(1);
    killed(&disk, two_snapshots(&disk));
    let (folder, found) = open(&disk).unwrap();
    let state = load(&found).unwrap();
    folder.raise_ceiling(Lsn(3000)).unwrap();
    write_snapshot(&folder, &state, 2001, folder.next_segment()).finish(Lsn(2000)).unwrap();
    drop(folder);
    damage(&disk);
    refused(&disk, "a run without a journal");

    // A block of it, which shows in the load only.
    let disk = SimDisk::new(1);
    killed(&disk, two_snapshots(&disk));
    change(&disk, &path("database.mtdb"), |content| content[110] ^= 1);
    remove(&disk, &path("database.mtdb.prev"));
    let error = Run::start(&disk).map(|run| run.notes).unwrap_err();
    assert!(error.to_string().contains("block 0"), "{error}");
}

#[test]
fn dump_takes_the_way_of_a_start_and_changes_nothing() {
    let disk = SimDisk::new(1);
    let state = killed(&disk, two_snapshots(&disk));
    // A bad block shows in the load only: .prev and the journal behind it stand in.
    change(&disk, &path("database.mtdb"), |content| content[110] ^= 1);
    let before = disk.files();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut out = Vec::new();
    dump(&shared, Path::new(FOLDER), Arc::new(ManualClock::at(NOW)), &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let expected: String = state
        .iter()
        .map(|(key, (version, value))| format!("{{\"key\":\"{key}\",\"version\":{version},\"value\":{value}}}\n"))
        .collect();
    assert_eq!(lines, expected);
    assert!(disk.files() == before);
    remove(&disk, &segment_path(5));
    let error = dump(&shared, Path::new(FOLDER), Arc::new(ManualClock::at(NOW)), &mut Vec::new()).unwrap_err();
    assert!(error.is_damage(), "{error}");
}

#[test]
fn what_a_killed_server_had_written_survives_a_later_loss_of_power() {
    for seed in 0..20 {
        let disk = SimDisk::new(1);
        // Nothing of the last segment was synced by the first server.
        let state = killed(&disk, three_segments(&disk));
        let run = Run::start(&disk).unwrap();
        assert_eq!(run.state, state);
        drop(run);
        disk.lose_power(seed);
        assert_eq!(recovered(&disk), state, "seed {seed}");
    }
}

#[test]
fn a_repair_that_is_interrupted_at_any_call_is_done_again() {
    let mut calls = 0;
    loop {
        let mut struck = false;
        for seed in 0..4 {
            let disk = SimDisk::new(1);
            let (state, tail, _) = interrupted(&disk);
            disk.plant(calls, Fault::Stop);
            let started = Run::start(&disk).map(drop);
            struck |= started.is_err();
            if seed == 0 {
                disk.kill()
            } else {
                disk.lose_power(seed)
            }
            assert_eq!(recovered(&disk), state, "call {calls}, seed {seed}");
            let run = Run::start(&disk).unwrap_or_else(|error| panic!("call {calls}, seed {seed}: {error}"));
            assert_eq!(run.state, state);
            // A cut that was torn is done again, and the first copy stays.
            let copies = copies(&disk, &SegmentId(3).file_name());
            assert!(copies.contains(&tail), "call {calls}, seed {seed}: {copies:?}");
        }
        if !struck {
            break;
        }
        calls += 1;
    }
    assert!(calls > 20, "{calls}");
}

#[test]
fn segments_that_no_snapshot_needs_are_freed_and_given_up_ones_copied_before() {
    let disk = SimDisk::new(1);
    let mut run = three_segments(&disk);
    let segments = |disk: &SimDisk| -> Vec<PathBuf> {
        disk.files().into_keys().filter(|it| it.extension().is_some_and(|end| end == "mtj")).collect()
    };
    assert_eq!(run.folder.free_segments(NOW).unwrap(), 0, "there is no snapshot");
    run.snapshot();
    run.folder.free_segments(NOW).unwrap();
    assert_eq!(segments(&disk), [segment_path(4)]);
    run.put(&["g"]);
    let given_up = disk.content(&segment_path(4)).unwrap();
    run.fail();
    run.publish(run.segment.id());
    run.folder.free_segments(NOW).unwrap();
    assert_eq!(segments(&disk), [segment_path(4), segment_path(5)], "the one before needs it");
    run.durable = run.last();
    run.snapshot();
    run.folder.free_segments(NOW).unwrap();
    assert_eq!(segments(&disk), [segment_path(5), segment_path(6)]);
    assert_eq!(quarantined(&disk, &SegmentId(4).file_name()), given_up);
    let state = killed(&disk, run);
    assert_eq!(recovered(&disk), state);
}

//! `repair`: what it keeps, what it gives up only when it is told to, and that what it changes has a copy first.

#[path = "recovery/mod.rs"]
mod recovery;
#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::Disk;
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::plan::GivenUp;
use memory_tools::persist::{Error, Losses, Repair};
use recovery::{FOLDER, Run, State, change, check_refused, path, recovered, remove, segment_path};
use sim_disk::{Fault, SimDisk};

fn repair(disk: &SimDisk, losses: Losses, at: u64) -> Result<Repair, Error> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    memory_tools::persist::repair(&shared, Path::new(FOLDER), 1, UnixMillis(at), losses)
}

fn files(disk: &SimDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    disk.files().into_iter().filter(|(it, _)| !it.ends_with("LOCK")).collect()
}

fn copy_of(disk: &SimDisk, name: &str) -> Option<Vec<u8>> {
    disk.content(&path("quarantine/repair-5").join(name))
}

/// Four segments of one record each behind a first one of three, killed; with the state after each LSN.
fn journal(disk: &SimDisk) -> Vec<State> {
    let mut states = vec![State::new()];
    let mut run = Run::start(disk).unwrap();
    for key in ["a", "b", "c"] {
        run.put(&[key]);
        states.push(run.state.clone());
    }
    for key in ["d", "a", "e", "b"] {
        run.rotate();
        run.put(&[key]);
        states.push(run.state.clone());
    }
    run.sync();
    drop(run);
    disk.kill();
    states
}

/// A repair that loses nothing changes nothing here; one that may, leaves `expected`, loses what it says, and a start
/// then goes on above every LSN that was ever issued.
fn check_lossy(disk: &SimDisk, expected: &State, given_up: GivenUp) {
    check_refused(disk, &["journal-"]);
    let before = files(disk);
    let refused = repair(disk, Losses::Refuse, 4).unwrap();
    assert!(matches!(&refused, Repair::WouldLose { given_up: it, .. } if *it == given_up), "{refused:?}");
    assert_eq!(files(disk), before);

    let done = repair(disk, Losses::Accept, 5).unwrap();
    assert!(matches!(&done, Repair::Done { given_up: Some(it), .. } if *it == given_up), "{done:?}");
    for (changed, content) in &before {
        let kept = disk.content(changed) == Some(content.clone());
        let name = changed.strip_prefix(FOLDER).unwrap().to_str().unwrap();
        assert!(kept || copy_of(disk, name).as_ref() == Some(content), "{name} has no copy");
    }
    assert_eq!(&recovered(disk), expected);
    let mut run = Run::start(disk).unwrap();
    assert!(run.next > given_up.to.0, "an LSN is issued twice");
    run.put(&["after"]);
    let state = run.state.clone();
    drop(run);
    disk.kill();
    assert_eq!(recovered(disk), state);
    assert_eq!(repair(disk, Losses::Refuse, 6).unwrap(), Repair::Nothing);
}

fn given_up(from: u64, to: u64, records: u64) -> GivenUp {
    use memory_tools::model::Lsn;
    GivenUp { from: Lsn(from), to: Lsn(to), records }
}

#[test]
fn a_folder_that_a_start_takes_is_left_as_it_is() {
    let disk = SimDisk::new(1);
    journal(&disk);
    let before = files(&disk);
    assert_eq!(repair(&disk, Losses::Accept, 5).unwrap(), Repair::Nothing);
    assert_eq!(files(&disk), before);
}

#[test]
fn an_interrupted_write_is_cut_without_a_loss() {
    let disk = SimDisk::new(1);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a"]);
    run.sync();
    let state = run.state.clone();
    run.put(&["b"]);
    drop(run);
    disk.kill();
    change(&disk, &segment_path(1), |content| content.truncate(content.len() - 1));
    let before = disk.content(&segment_path(1)).unwrap();
    let done = repair(&disk, Losses::Refuse, 5).unwrap();
    assert!(matches!(done, Repair::Done { given_up: None, .. }), "{done:?}");
    assert_eq!(copy_of(&disk, &SegmentId(1).file_name()), Some(before));
    let run = Run::start(&disk).unwrap();
    assert_eq!(run.state, state);
    assert!(!run.notes.iter().any(|note| note.contains("interrupted write")), "{:?}", run.notes);
}

#[test]
fn a_damaged_frame_and_everything_behind_it_is_given_up_only_when_told() {
    let disk = SimDisk::new(1);
    let states = journal(&disk);
    // The second of three frames: each holds a record.
    let content = disk.content(&segment_path(1)).unwrap();
    let frame_bytes = (content.len() - 112) / 3;
    change(&disk, &segment_path(1), |content| content[112 + frame_bytes + 60] ^= 1);
    check_lossy(&disk, &states[1], given_up(2, 7, 1 + 4));
}

#[test]
fn a_missing_segment_and_everything_behind_it_is_given_up_only_when_told() {
    let disk = SimDisk::new(1);
    let states = journal(&disk);
    remove(&disk, &segment_path(3));
    check_lossy(&disk, &states[4], given_up(5, 7, 2));
}

#[test]
fn a_damaged_header_and_everything_behind_it_is_given_up_only_when_told() {
    let disk = SimDisk::new(1);
    let states = journal(&disk);
    change(&disk, &segment_path(4), |content| content[60] ^= 1);
    check_lossy(&disk, &states[5], given_up(6, 7, 1));
}

#[test]
fn a_tail_that_was_taken_away_is_given_up_only_when_told() {
    let disk = SimDisk::new(1);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a"]);
    let (state, end) = (run.state.clone(), run.segment.bytes());
    run.put(&["b"]);
    run.stop();
    change(&disk, &segment_path(1), |content| content.truncate(end as usize));
    check_lossy(&disk, &state, given_up(2, 2, 0));
}

#[test]
fn the_snapshot_before_takes_the_place_of_a_damaged_one_when_the_journal_is_whole() {
    // The end mark; a block, which only a whole reading finds.
    for lose in [
        |disk: &SimDisk| change(disk, &path("database.mtdb"), |content| content.truncate(90)),
        |disk: &SimDisk| change(disk, &path("database.mtdb"), |content| content[110] ^= 1),
        |disk: &SimDisk| remove(disk, &path("database.mtdb")),
    ] {
        let disk = SimDisk::new(1);
        let mut run = Run::start(&disk).unwrap();
        for key in ["a", "b"] {
            run.put(&[key]);
            run.snapshot();
        }
        run.put(&["c"]);
        let state = run.state.clone();
        drop(run);
        disk.kill();
        lose(&disk);
        let lost = disk.content(&path("database.mtdb"));
        let done = repair(&disk, Losses::Refuse, 5).unwrap();
        assert!(matches!(done, Repair::Done { given_up: None, .. }), "{done:?}");
        assert_eq!(copy_of(&disk, "database.mtdb"), lost);
        assert_eq!(recovered(&disk), state);
        assert_eq!(disk.content(&path("database.mtdb")), disk.content(&path("database.mtdb.prev")));
        assert_eq!(repair(&disk, Losses::Refuse, 6).unwrap(), Repair::Nothing);
    }
}

#[test]
fn an_older_state_is_gone_back_to_only_when_told() {
    let disk = SimDisk::new(1);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a"]);
    run.snapshot();
    run.put(&["b"]);
    let state = run.state.clone();
    run.snapshot();
    run.put(&["c"]);
    run.rotate();
    drop(run);
    disk.kill();
    change(&disk, &path("database.mtdb"), |content| content.truncate(90));
    remove(&disk, &segment_path(3));
    let refused = repair(&disk, Losses::Refuse, 4).unwrap();
    assert!(matches!(refused, Repair::WouldLose { .. }), "{refused:?}");
    let done = repair(&disk, Losses::Accept, 5).unwrap();
    assert!(matches!(done, Repair::Done { given_up: Some(_), .. }), "{done:?}");
    assert_eq!(recovered(&disk), state);
    assert!(Run::start(&disk).unwrap().next > 3);
}

#[test]
fn a_folder_of_which_nothing_can_be_kept_is_not_touched() {
    let spoil: [fn(&SimDisk); 4] = [
        |disk| remove(disk, &segment_path(1)),
        |disk| change(disk, &segment_path(1), |content| content[50] ^= 1),
        |disk| remove(disk, &path("IDENTITY")),
        |disk| change(disk, &path("IDENTITY"), |content| content[30] ^= 1),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let disk = SimDisk::new(1);
        journal(&disk);
        spoil(&disk);
        let before = files(&disk);
        let error = repair(&disk, Losses::Accept, 5).unwrap_err();
        assert!(error.is_damage(), "{number}: {error}");
        assert_eq!(files(&disk), before, "{number}");
    }
}

#[test]
fn a_folder_in_use_is_not_repaired() {
    let disk = SimDisk::new(1);
    let run = Run::start(&disk).unwrap();
    assert!(matches!(repair(&disk, Losses::Accept, 5), Err(Error::InUse { .. })));
    drop(run);
    assert_eq!(repair(&disk, Losses::Accept, 5).unwrap(), Repair::Nothing);
}

#[test]
fn a_repair_that_is_interrupted_at_any_call_is_begun_anew() {
    let mut calls = 0;
    loop {
        let mut struck = false;
        for seed in 0..3 {
            let disk = SimDisk::new(1);
            let states = journal(&disk);
            remove(&disk, &segment_path(4));
            change(&disk, &segment_path(3), |content| content.truncate(content.len() - 2));
            disk.plant(calls, Fault::Stop);
            struck |= repair(&disk, Losses::Accept, 5).is_err();
            if seed == 0 {
                disk.kill()
            } else {
                disk.lose_power(seed)
            }
            let again = repair(&disk, Losses::Accept, 6);
            assert!(again.is_ok(), "call {calls}, seed {seed}: {again:?}");
            assert_eq!(recovered(&disk), states[4], "call {calls}, seed {seed}");
            let run = Run::start(&disk).unwrap();
            assert!(run.next > 7, "call {calls}, seed {seed}");
        }
        if !struck {
            break;
        }
        calls += 1;
    }
    assert!(calls > 30, "{calls}");
}

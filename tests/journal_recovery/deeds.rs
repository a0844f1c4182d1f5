//! What a start, a dump and the freeing of segments do to the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memory_tools::base::clock::ManualClock;
use memory_tools::base::disk::Disk;
use memory_tools::persist::journal::SegmentId;
use memory_tools::server::dump;

use crate::folders::{copies, interrupted, killed, quarantined, three_segments, two_snapshots};
use crate::recovery::{FOLDER, NOW, Run, change, path, recovered, remove, segment_path};
use crate::sim_disk::{Fault, SimDisk};

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
        .map(|(key, (version, value))| {
            format!("{{\"collection\":null,\"key\":\"{key}\",\"version\":{version},\"value\":{value}}}\n")
        })
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

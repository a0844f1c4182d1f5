//! Folders as a killed server leaves them, and what is in their quarantine.

use std::path::PathBuf;

use crate::recovery::{NOW, Run, State, change, path, segment_path};
use crate::sim_disk::SimDisk;

/// A disk on which a server has run: two frames in each of three segments, killed.
pub fn three_segments(disk: &SimDisk) -> Run {
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

/// Kills the server; what it had written.
pub fn killed(disk: &SimDisk, run: Run) -> State {
    let state = run.state.clone();
    drop(run);
    disk.kill();
    state
}

/// What the quarantine holds of the file `name`.
pub fn copies(disk: &SimDisk, name: &str) -> Vec<Vec<u8>> {
    let start = format!("{name}-");
    let is_copy = |it: &PathBuf| {
        it.starts_with(path("quarantine")) && it.file_name().unwrap().to_str().unwrap().starts_with(&start)
    };
    disk.files().into_iter().filter(|(it, _)| is_copy(it)).map(|(_, content)| content).collect()
}

/// The only copy of the file `name`.
pub fn quarantined(disk: &SimDisk, name: &str) -> Vec<u8> {
    let mut copies = copies(disk, name);
    assert_eq!(copies.len(), 1, "{name}");
    copies.remove(0)
}

/// Three segments, the last of which ends in a part of a frame that was never durable.
pub fn interrupted(disk: &SimDisk) -> (State, Vec<u8>, u64) {
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

/// Two snapshots with a journal kept back to the older one, and records behind both.
pub fn two_snapshots(disk: &SimDisk) -> Run {
    let mut run = three_segments(disk);
    run.snapshot();
    run.put(&["g"]);
    run.delete("b");
    run.snapshot();
    run.put(&["h", "a"]);
    run.folder.free_segments(NOW).unwrap();
    run
}

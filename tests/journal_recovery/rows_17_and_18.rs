//! Rows 17 and 18: without its newest snapshot.

use memory_tools::model::Lsn;
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{Error, Refused};

use crate::folders::{killed, quarantined, two_snapshots};
use crate::recovery::{
    NOW, Run, change, check_refused, load, open, path, recovered, remove, segment_path, write_snapshot,
};
use crate::sim_disk::SimDisk;

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

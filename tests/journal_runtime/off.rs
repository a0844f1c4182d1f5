//! `Off`: no record is kept, but those that a capture takes along.

use std::path::Path;

use memory_tools::journal::{Mode, Standing};
use memory_tools::model::{Lsn, Record};
use memory_tools::persist::SnapshotReader;
use memory_tools::persist::journal::SegmentId;

use crate::bench::{FOLDER, bench, entry, header, named};

#[test]
fn in_off_nothing_is_kept_and_every_reply_leaves() {
    let bench = bench(Mode::Off);
    let lsn = bench.write("a", "1");
    assert!(bench.is_released(lsn));
    bench.step();
    bench.journal.wait_durable(lsn).unwrap();
    assert_eq!(bench.journal.rotate().unwrap(), SegmentId(1), "the one that a journal would begin with");
    bench.journal.stop().unwrap();
    assert!(bench.scans().is_empty());
}

/// A capture in `Off`: what was issued between its start and its end is in its file.
#[test]
fn in_off_a_capture_takes_along_what_is_written_while_it_runs() {
    let bench = bench(Mode::Off);
    bench.write("before", "1");
    let mut tee = bench.journal.tee().unwrap();
    bench.write("a", "1");
    bench.step();
    let mut snapshot = bench.folder.begin_snapshot(header(&bench)).unwrap();
    bench.write("b", "1");
    tee.write_to(snapshot.replay_file().unwrap());
    bench.step();
    bench.write("c", "1");
    bench.step();
    bench.write("d", "1");
    let end = tee.end().unwrap();
    assert_eq!(end.lsn, Lsn(5));
    bench.write("after", "1");
    bench.step();
    snapshot.push(None, &entry("before", 1)).unwrap();
    snapshot.finish(end).unwrap();
    let reader = SnapshotReader::open(&bench.disk, &Path::new(FOLDER).join("database.mtdb"), "").unwrap();
    let mut kept = Vec::new();
    let each = |lsn: Lsn, record: Record<'_>| match record {
        Record::Put { document, .. } => kept.push((lsn.0, document.key().as_str().to_owned())),
        other => panic!("{other:?} was never written"),
    };
    reader.replay(each).unwrap();
    assert_eq!(kept, named(&[(2, "a"), (3, "b"), (4, "c"), (5, "d")]));
    assert!(bench.journal.tee().is_some(), "the next one may begin");
}

#[test]
fn in_off_a_disk_that_refuses_the_capture_fails_it_and_nothing_else() {
    let bench = bench(Mode::Off);
    let mut tee = bench.journal.tee().unwrap();
    let snapshot = bench.folder.begin_snapshot(header(&bench)).unwrap();
    tee.write_to(snapshot.replay_file().unwrap());
    bench.write("a", "1");
    bench.give_up();
    assert!(bench.is_released(bench.write("b", "1")));
    bench.step();
    assert!(tee.end().is_err());
    assert_eq!((bench.journal.standing(), bench.health.is_ready()), (Standing::Serving, true));
    drop(bench.journal.tee());
    bench.write("c", "1");
}

#[test]
fn a_journal_needs_no_file_for_a_capture() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
        assert!(bench(mode).journal.tee().is_none());
    }
}

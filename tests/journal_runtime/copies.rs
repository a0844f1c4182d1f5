//! A copy takes along what is written while it runs, whatever the mode: it needs no journal behind it.

use std::path::{Path, PathBuf};

use memory_tools::journal::{Mode, Standing};
use memory_tools::model::{Lsn, Record};
use memory_tools::persist::SnapshotReader;

use crate::bench::{Bench, EIO, bench, bench_with, entry, header, named};
use crate::sim_disk::Fault;

const MODES: [Mode; 4] = [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off];

fn place() -> PathBuf {
    PathBuf::from("srv/copy")
}

fn partial() -> PathBuf {
    PathBuf::from("srv/copy.partial")
}

/// LSN and key of every record that the copy `reader` carries along.
fn carried(bench: &Bench) -> (Lsn, Vec<(u64, String)>) {
    let reader = SnapshotReader::open(&bench.disk, &place(), "").unwrap();
    reader.verify().unwrap();
    let mut carried = Vec::new();
    let each = |lsn: Lsn, record: Record<'_>| match record {
        Record::Put { document, .. } => carried.push((lsn.0, document.key().as_str().to_owned())),
        other => panic!("{other:?} was never written"),
    };
    reader.replay(each).unwrap();
    (reader.capture_end(), carried)
}

#[test]
fn a_copy_carries_what_is_written_while_it_runs_and_the_journal_has_it_too() {
    for mode in MODES {
        // Each frame begins a segment.
        let bench = bench_with(mode, 1);
        bench.write("before", "1");
        bench.step();
        bench.write("waiting", "1");
        let target = bench.folder.begin_copy(partial()).unwrap();
        let (tee, _) = bench.journal.tee_into(target.replay_file().unwrap()).unwrap();
        bench.write("a", "1");
        bench.step();
        let mut copy = target.begin(header(&bench)).unwrap();
        bench.write("b", "1");
        bench.write("c", "1");
        bench.step();
        bench.write("d", "1");
        copy.push(None, &entry("before", 1)).unwrap();
        let end = tee.end().unwrap();
        bench.write("after", "1");
        bench.step();
        copy.complete(end).unwrap().keep_as(&place()).unwrap();
        let during = [(3, "a"), (4, "b"), (5, "c"), (6, "d")];
        assert_eq!(carried(&bench), (Lsn(6), named(&during)), "{mode:?}");
        let all = [&[(1, "before"), (2, "waiting")][..], &during, &[(7, "after")]].concat();
        assert_eq!(bench.records(), if mode == Mode::Off { Vec::new() } else { named(&all) }, "{mode:?}");
    }
}

#[test]
fn a_disk_that_refuses_the_copy_fails_it_and_nothing_else() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
        let bench = bench(mode);
        let target = bench.folder.begin_copy(partial()).unwrap();
        let (tee, _) = bench.journal.tee_into(target.replay_file().unwrap()).unwrap();
        bench.write("a", "1");
        // Behind the frame in the segment comes the same in the file of the copy.
        bench.disk.plant(1, Fault::Error(EIO));
        bench.step();
        bench.write("b", "1");
        bench.step();
        assert!(tee.end().is_err(), "{mode:?}");
        assert_eq!(bench.journal.standing(), Standing::Serving);
        drop(target);
        assert!(!bench.disk.files().keys().any(|path| *path == partial() || path.ends_with("replay.tmp")));
        assert_eq!(bench.records(), named(&[(1, "a"), (2, "b")]), "{mode:?}");
    }
}

#[test]
fn a_copy_fails_when_the_disk_refuses_the_journal() {
    let bench = bench(Mode::Os);
    let target = bench.folder.begin_copy(partial()).unwrap();
    let (tee, _) = bench.journal.tee_into(target.replay_file().unwrap()).unwrap();
    bench.write("a", "1");
    bench.give_up();
    assert!(tee.end().is_err());
    assert!(bench.journal.tee_into(target.replay_file().unwrap()).is_err(), "nor does another begin");
}

#[test]
fn a_copy_that_is_dropped_leaves_nothing_and_keeps_no_record() {
    for mode in MODES {
        let bench = bench(mode);
        let target = bench.folder.begin_copy(partial()).unwrap();
        let (tee, _) = bench.journal.tee_into(target.replay_file().unwrap()).unwrap();
        let copy = target.begin(header(&bench)).unwrap();
        bench.write("a", "1");
        drop((tee, copy));
        bench.write("b", "1");
        bench.step();
        let left: Vec<_> = bench.disk.files().into_keys().collect();
        assert!(!left.iter().any(|path| path.ends_with(Path::new("replay.tmp")) || *path == partial()), "{left:?}");
        let kept = if mode == Mode::Off { Vec::new() } else { named(&[(1, "a"), (2, "b")]) };
        assert_eq!(bench.records(), kept, "{mode:?}");
    }
}

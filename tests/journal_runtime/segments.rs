//! Segments: one ends and the next begins, and nothing of the first is left to chance.

use std::path::Path;
use std::time::{Duration, Instant};

use memory_tools::journal::{Mode, Standing};
use memory_tools::model::Lsn;
use memory_tools::persist::journal::{Link, SegmentId};

use crate::bench::{EIO, FOLDER, bench, bench_with, named};
use crate::sim_disk::Fault;

#[test]
fn a_full_segment_is_durable_before_the_next_one_has_a_frame() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
        let bench = bench_with(mode, 1000);
        for number in 0..50 {
            bench.write(&format!("{number:02}"), &format!("\"{}\"", "x".repeat(100)));
            bench.step();
        }
        let scans = bench.scans();
        assert!(scans.len() > 3, "{mode:?}");
        for (before, after) in scans.iter().zip(&scans[1..]) {
            let end = Link::Follows { end: before.end, last_lsn: before.last_lsn, chain: before.chain };
            assert_eq!(after.header.link, end);
            assert_eq!(after.header.durable_lsn, before.last_lsn, "{mode:?}");
        }
        bench.disk.lose_power(3);
        assert!(bench.records().len() as u64 >= scans.last().unwrap().header.durable_lsn.0, "{mode:?}");
    }
}

/// A mark is written and not synced. The rotation behind it took everything for durable, the next segment named an end
/// behind the mark, and a loss of power that took the mark along left a journal that no start could explain.
#[test]
fn a_rotation_makes_a_mark_durable_before_the_next_segment_names_its_end() {
    for seed in 0..20 {
        let bench = bench(Mode::Everysec);
        let now = Instant::now();
        bench.write("a", "1");
        bench.journal.step(now);
        bench.syncer().step();
        bench.journal.step(now + Duration::from_secs(5));
        assert_eq!(bench.scans()[0].frames, 2, "a record and a mark");
        bench.journal.rotate().unwrap();
        bench.disk.lose_power(seed);
        let scans = bench.scans();
        let end = Link::Follows { end: scans[0].end, last_lsn: scans[0].last_lsn, chain: scans[0].chain };
        assert_eq!(scans[1].header.link, end, "seed {seed}");
    }
}

#[test]
fn a_rotation_takes_everything_before_it_into_the_old_segment() {
    let bench = bench(Mode::Os);
    bench.write("a", "1");
    let from = bench.journal.rotate().unwrap();
    assert_eq!(from, SegmentId(2));
    assert_eq!(bench.journal.rotate().unwrap(), from, "an empty one is not ended");
    bench.write("b", "1");
    bench.step();
    let lsns: Vec<_> =
        bench.scans().iter().map(|scan| (scan.header.id.0, scan.header.first_lsn, scan.last_lsn)).collect();
    assert_eq!(lsns, [(1, Lsn(1), Lsn(1)), (2, Lsn(2), Lsn(2))]);
    assert_eq!(bench.records(), named(&[(1, "a"), (2, "b")]));
}

#[test]
fn a_stop_writes_the_rest_and_says_that_it_is_the_end() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
        let bench = bench(mode);
        bench.write("a", "1");
        bench.journal.stop().unwrap();
        bench.disk.lose_power(1);
        let scan = &bench.scans()[0];
        assert!(scan.clean_stop && scan.durable_lsn == Lsn(1), "{mode:?}");
        assert_eq!(bench.records(), named(&[(1, "a")]));
        assert!(bench.journal.rotate().is_err() && bench.journal.wait_durable(Lsn(1)).is_err());
        bench.journal.stop().unwrap();
        assert!(bench.given_up.lock().unwrap().is_empty(), "an end is no failure");
    }
}

#[test]
fn in_always_the_next_segment_is_prepared_once_this_one_fills_and_is_used() {
    let bench = bench_with(Mode::Always, 4096);
    let prepared = Path::new(FOLDER).join("journal.next.tmp");
    bench.syncer().step();
    assert_eq!(bench.disk.content(&prepared), None, "the segment is empty");
    bench.fill("a");
    bench.syncer().step();
    assert_eq!(bench.disk.content(&prepared).map(|content| content.len()), Some(4096));
    bench.journal.rotate().unwrap();
    assert_eq!(bench.disk.content(&prepared), None);
    bench.syncer().step();
    assert_eq!(bench.disk.content(&prepared), None, "the segment is empty");
    bench.fill("b");
    bench.syncer().step();
    assert_eq!(bench.disk.content(&prepared).map(|content| content.len()), Some(4096));
    bench.fill("c");
    let second = Path::new(FOLDER).join(SegmentId(2).file_name());
    assert_eq!(bench.disk.content(&second).map(|content| content.len()), Some(4096), "not the one prepared since");
    let all = named(&[(1, "a"), (2, "b"), (3, "c")]);
    assert_eq!(bench.records(), all);
    bench.disk.lose_power(1);
    assert_eq!(bench.records(), all);
}

#[test]
fn a_next_segment_that_cannot_be_prepared_is_done_without() {
    let bench = bench_with(Mode::Always, 4096);
    bench.fill("a");
    bench.disk.plant(0, Fault::Error(EIO));
    bench.syncer().step();
    assert!(bench.disk.struck().is_some());
    bench.write("b", "1");
    bench.journal.rotate().unwrap();
    assert_eq!(bench.journal.standing(), Standing::Serving);
}

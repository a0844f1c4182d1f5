//! Segments: one ends and the next begins, and nothing of the first is left to chance.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use memory_tools::journal::Mode;
use memory_tools::model::Lsn;
use memory_tools::persist::journal::{Link, SegmentId, Tail};

use crate::bench::{FOLDER, bench, bench_with, named};
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
fn in_always_small_writes_overwrite_zeros_and_so_leave_the_file_as_long_as_it_is() {
    let bench = bench(Mode::Always);
    let path = Path::new(FOLDER).join(SegmentId(1).file_name());
    let bytes = || bench.disk.content(&path).unwrap().len() as u64;
    let mut lengths = BTreeSet::new();
    for number in 0..100 {
        bench.write(&format!("{number:03}"), "1");
        bench.step();
        lengths.insert(bytes());
    }
    let end = bench.scans()[0].end;
    assert!(lengths.len() == 1 && bytes() > 10 * end, "{lengths:?}, and the frames end at {end}");
    assert_eq!((bench.scans()[0].tail, bench.records().len()), (Tail::Zeros, 100));
    bench.disk.lose_power(1);
    assert_eq!(bench.records().len(), 100);
}

#[test]
fn where_nobody_waits_for_a_sync_the_file_ends_with_its_frames() {
    for mode in [Mode::Everysec, Mode::Os] {
        let bench = bench(mode);
        bench.write("a", "1");
        bench.step();
        assert_eq!(bench.scans()[0].tail, Tail::Nothing, "{mode:?}");
    }
}

#[test]
fn what_a_loss_of_power_leaves_of_a_frame_and_the_zeros_behind_it_is_an_interrupted_write() {
    let mut found = BTreeSet::new();
    for seed in 0..200 {
        let bench = bench(Mode::Always);
        bench.write("a", "1");
        bench.journal.rotate().unwrap();
        bench.write("b", &format!("\"{}\"", "x".repeat(2000)));
        // The write is the first call, the sync the second.
        bench.disk.plant(1, Fault::Stop);
        bench.step();
        bench.disk.lose_power(seed);
        let (records, newest) = (bench.records(), bench.scans().pop().unwrap());
        assert!(newest.fault.is_none_or(|fault| fault.later_frames == 0), "seed {seed}");
        assert!([named(&[(1, "a")]), named(&[(1, "a"), (2, "b")])].contains(&records), "seed {seed}: {records:?}");
        found.insert((records.len(), newest.tail == Tail::Nothing));
    }
    assert!(found.len() > 2, "of both some is left, and all, and nothing: {found:?}");
}

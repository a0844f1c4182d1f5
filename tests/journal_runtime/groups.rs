//! Groups and watermarks: what is written together, when a reply leaves, what a frame says of the ones before it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memory_tools::journal::Mode;
use memory_tools::model::{Durability, Lsn};

use crate::bench::{bench, named};

#[test]
fn a_group_is_one_frame_in_the_order_of_the_lsns() {
    let bench = bench(Mode::Everysec);
    for key in ["a", "b", "c"] {
        bench.write(key, "1");
    }
    assert!(bench.records().is_empty(), "nobody has written it yet");
    bench.step();
    assert_eq!(bench.records(), named(&[(1, "a"), (2, "b"), (3, "c")]));
    assert_eq!((bench.scans().len(), bench.scans()[0].frames), (1, 1));
    bench.write("d", "1");
    bench.step();
    assert_eq!(bench.scans()[0].frames, 2);
}

#[test]
fn a_large_value_is_written_whole() {
    let bench = bench(Mode::Os);
    let value = format!("\"{}\"", "x".repeat(1 << 20));
    bench.write("a", "1");
    bench.write("large", &value);
    bench.write("b", "1");
    bench.step();
    assert_eq!(bench.records(), named(&[(1, "a"), (2, "large"), (3, "b")]));
}

#[test]
fn in_always_a_reply_leaves_once_its_fsync_has_returned() {
    let bench = bench(Mode::Always);
    let lsn = bench.write("a", "1");
    let told = bench.reply(lsn);
    assert!(!bench.is_released(lsn) && told.try_recv().is_err());
    assert_eq!(bench.step(), 1);
    assert_eq!(told.try_recv(), Ok(Ok(())));
    bench.disk.lose_power(1);
    assert_eq!(bench.records(), named(&[(1, "a")]));
}

#[test]
fn in_everysec_a_reply_leaves_once_it_is_written_and_a_second_later_it_is_durable() {
    let bench = bench(Mode::Everysec);
    let lsn = bench.write("a", "1");
    let told = bench.reply(lsn);
    let syncs = bench.journal.figures().syncs;
    assert!(!bench.is_released(lsn) && told.try_recv().is_err());
    bench.step();
    assert_eq!((told.try_recv(), bench.journal.figures().syncs), (Ok(Ok(())), syncs));
    bench.syncer().step();
    bench.syncer().step();
    assert_eq!(bench.journal.figures().syncs, syncs + 1, "there was nothing for a second one");
    bench.disk.lose_power(1);
    assert_eq!(bench.records(), named(&[(1, "a")]));
}

#[test]
fn the_replies_of_a_group_share_one_fsync() {
    let bench = bench(Mode::Always);
    let told: Vec<_> = (0..100).map(|number| bench.reply(bench.write(&number.to_string(), "1"))).collect();
    let syncs = bench.journal.figures().syncs;
    assert_eq!(bench.step(), 100);
    assert!(told.iter().all(|told| told.try_recv() == Ok(Ok(()))));
    assert_eq!(bench.journal.figures().syncs, syncs + 1);
}

#[test]
fn each_frame_says_what_was_durable_when_it_was_built() {
    let bench = bench(Mode::Always);
    bench.write("a", "1");
    bench.step();
    assert_eq!(bench.scans()[0].durable_lsn, Lsn(0), "it cannot say that of itself");
    bench.write("b", "1");
    bench.step();
    assert_eq!(bench.scans()[0].durable_lsn, Lsn(1));
}

#[test]
fn a_second_after_the_last_frame_a_mark_says_that_it_is_durable() {
    let bench = bench(Mode::Always);
    let now = Instant::now();
    bench.write("a", "1");
    bench.journal.step(now);
    bench.journal.step(now + Duration::from_millis(999));
    assert_eq!((bench.scans()[0].frames, bench.scans()[0].durable_lsn), (1, Lsn(0)));
    for seconds in 1..4 {
        bench.journal.step(now + Duration::from_secs(seconds));
        assert_eq!((bench.scans()[0].frames, bench.scans()[0].durable_lsn), (2, Lsn(1)), "once");
    }
    bench.write("b", "1");
    bench.step();
    assert_eq!(bench.records(), named(&[(1, "a"), (2, "b")]));
}

#[test]
fn nothing_is_marked_that_is_not_durable() {
    let bench = bench(Mode::Everysec);
    let now = Instant::now();
    bench.write("a", "1");
    bench.journal.step(now);
    bench.journal.step(now + Duration::from_secs(5));
    assert_eq!(bench.scans()[0].frames, 1);
    bench.syncer().step();
    bench.journal.step(now + Duration::from_secs(5));
    assert_eq!((bench.scans()[0].frames, bench.scans()[0].durable_lsn), (2, Lsn(1)));
}

#[test]
fn waiting_for_durability_brings_it_in_every_mode() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
        let bench = bench(mode);
        let lsn = bench.write("a", "1");
        let told = bench.reply(lsn);
        bench.journal.wait_durable(lsn).unwrap();
        assert_eq!(told.try_recv(), Ok(Ok(())));
        bench.disk.lose_power(1);
        assert_eq!(bench.records(), named(&[(1, "a")]), "{mode:?}");
    }
}

#[test]
fn threads_share_groups_and_nobody_is_forgotten() {
    let bench = bench(Mode::Always);
    let committer = memory_tools::journal::Committer::new(Arc::clone(&bench.journal));
    std::thread::scope(|scope| {
        scope.spawn(|| committer.run());
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let bench = &bench;
                scope.spawn(move || {
                    for number in 0..100 {
                        let lsn = bench.write(&format!("{writer}-{number}"), "1");
                        let told = bench.reply(lsn);
                        bench.journal.hurry();
                        assert_eq!(told.recv(), Ok(Ok(())));
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        bench.journal.stop().unwrap();
    });
    let records = bench.records();
    assert_eq!(records.iter().map(|(lsn, _)| *lsn).collect::<Vec<_>>(), (1..=400).collect::<Vec<_>>());
    assert!(bench.journal.figures().syncs < 400, "{:?}", bench.journal.figures());
}

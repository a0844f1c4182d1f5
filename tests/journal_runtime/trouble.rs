//! Trouble: the disk refuses, the journal is given up, and a new one is begun.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use memory_tools::base::health::Reason;
use memory_tools::journal::{Figures, Mode, Standing};
use memory_tools::model::{Lsn, NotDurable, Refusal};
use memory_tools::persist::Error;
use memory_tools::persist::journal::{Link, SegmentId};

use crate::bench::{EIO, bench, document, named, put};
use crate::sim_disk::Fault;

#[test]
fn a_failed_write_refuses_writes_and_tells_who_waits() {
    for mode in [Mode::Always, Mode::Everysec, Mode::Os] {
        let bench = bench(mode);
        bench.journal.wait_durable(bench.write("a", "1")).unwrap();
        let lsn = bench.write("b", "1");
        let told = bench.reply(lsn);
        bench.give_up();
        assert!(bench.disk.struck().is_some());
        assert_eq!(told.try_recv(), Ok(Err(NotDurable)), "{mode:?}");
        assert_eq!(bench.journal.standing(), Standing::Degraded);
        assert!(bench.health.holds(Reason::JournalUnavailable));
        assert!(matches!(bench.try_write("c", "1"), Err(Refusal::JournalUnavailable { .. })));
        assert!(bench.is_released(Lsn(1)) && !bench.is_released(lsn));
        assert_eq!(bench.given_up.lock().unwrap().len(), 1);
        assert!(bench.given_up.lock().unwrap()[0].contains(&SegmentId(1).file_name()));
    }
}

#[test]
fn a_failed_fsync_is_never_tried_again() {
    for mode in [Mode::Always, Mode::Everysec] {
        let bench = bench(mode);
        bench.write("a", "1");
        if mode == Mode::Everysec {
            bench.step();
        }
        // In `Always` the write comes first.
        bench.disk.plant(u64::from(mode == Mode::Always), Fault::Error(EIO));
        if mode == Mode::Always {
            bench.step()
        } else {
            {
                bench.syncer().step();
                0
            }
        };
        assert_eq!(bench.journal.standing(), Standing::Degraded, "{mode:?}");
        let figures = bench.journal.figures();
        for _ in 0..3 {
            bench.step();
            assert!(bench.journal.wait_durable(Lsn(1)).is_err() && bench.journal.rotate().is_err());
        }
        assert_eq!(bench.journal.figures(), figures, "nothing was written or synced");
        assert!(bench.journal.stop().is_err());
    }
}

#[test]
fn a_write_that_had_its_room_before_the_failure_is_numbered_and_unknown() {
    let bench = bench(Mode::Always);
    let late = document("late", "1");
    let mut room = bench.journal.room(&[put(&late)]).unwrap();
    bench.write("a", "1");
    bench.give_up();
    let lsn = room.append(&put(&late));
    assert_eq!(lsn, Lsn(2));
    assert_eq!(bench.reply(lsn).try_recv(), Ok(Err(NotDurable)));
}

/// Everything in memory is in the snapshot that heals: here nobody takes one.
#[test]
fn healing_begins_a_segment_behind_the_one_that_was_given_up_and_takes_writes_again() {
    let bench = bench(Mode::Always);
    bench.journal.wait_durable(bench.write("a", "1")).unwrap();
    bench.write("lost", "1");
    bench.give_up();
    let healing = bench.journal.begin_healing().unwrap().unwrap();
    assert_eq!(bench.journal.standing(), Standing::Healing);
    assert!(matches!(bench.try_write("c", "1"), Err(Refusal::JournalUnavailable { .. })));
    assert_eq!(bench.journal.rotate().unwrap(), SegmentId(2), "what the snapshot is to be replayed from");
    bench.journal.wait_durable(Lsn(2)).unwrap();
    assert!(!bench.is_released(Lsn(2)), "not before the snapshot is published");
    healing.finish();
    assert!(bench.is_released(Lsn(2)) && bench.health.is_ready());
    bench.journal.wait_durable(bench.write("d", "1")).unwrap();
    let scans = bench.scans();
    assert_eq!((scans.len(), scans[1].header.link, scans[1].header.first_lsn), (2, Link::AfterFailure, Lsn(3)));
    assert_eq!(bench.records(), named(&[(1, "a"), (3, "d")]));
}

#[test]
fn an_attempt_that_failed_is_followed_by_one_that_takes_its_place() {
    let bench = bench(Mode::Everysec);
    bench.write("a", "1");
    bench.give_up();
    assert!(!bench.journal.is_healing_due(Instant::now()));
    assert!(bench.journal.is_healing_due(Instant::now() + Duration::from_secs(1)));
    bench.disk.plant(0, Fault::Error(EIO));
    assert!(bench.journal.begin_healing().is_err());
    assert_eq!(bench.journal.standing(), Standing::Degraded);
    // The segment is there, and then the snapshot fails.
    bench.journal.begin_healing().unwrap().unwrap().fail(&Error::JournalGivenUp { cause: "no space".to_owned() });
    assert_eq!(bench.scans().len(), 2);
    drop(bench.journal.begin_healing().unwrap().unwrap());
    bench.journal.begin_healing().unwrap().unwrap().finish();
    assert!(bench.journal.begin_healing().unwrap().is_none(), "there is nothing to heal");
    assert_eq!((bench.scans().len(), bench.journal.standing()), (2, Standing::Serving));
    let Figures { errors, heal_attempts, heals, .. } = bench.journal.figures();
    assert_eq!((errors, heal_attempts, heals), (4, 4, 1), "given up, three attempts that failed, and one that did not");
    bench.write("b", "1");
    bench.step();
    assert_eq!(bench.records(), named(&[(2, "b")]));
}

#[test]
fn an_attempt_to_heal_waits_for_writes_that_are_on_their_way() {
    let bench = bench(Mode::Always);
    let late = document("late", "1");
    let mut room = bench.journal.room(&[put(&late)]).unwrap();
    bench.write("a", "1");
    bench.give_up();
    let (began, begins) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let healing = bench.journal.begin_healing().unwrap().unwrap();
            began.send(bench.journal.last()).unwrap();
            healing.finish();
        });
        while bench.journal.standing() != Standing::Healing {
            assert!(begins.try_recv().is_err(), "it did not wait");
            std::thread::yield_now();
        }
        let lsn = room.append(&put(&late));
        assert!(begins.try_recv().is_err());
        drop(room);
        assert_eq!(begins.recv(), Ok(lsn), "nothing is numbered after the segment was begun");
    });
    assert!(bench.is_released(Lsn(2)));
}

#[test]
fn a_segment_that_cannot_be_begun_gives_the_journal_up() {
    // Each call of a rotation fails in turn.
    for call in 0.. {
        let bench = bench(Mode::Everysec);
        bench.write("a", "1");
        bench.step();
        bench.disk.plant(call, Fault::Error(EIO));
        let rotated = bench.journal.rotate();
        if bench.disk.struck().is_none() {
            assert!(rotated.is_ok() && call > 5);
            break;
        }
        assert!(rotated.is_err(), "call {call}, {:?}", bench.disk.struck());
        assert_eq!(bench.journal.standing(), Standing::Degraded);
        bench.journal.begin_healing().unwrap().unwrap().finish();
        bench.journal.wait_durable(bench.write("b", "1")).unwrap();
        bench.disk.lose_power(call);
        assert_eq!(bench.scans().last().unwrap().header.link, Link::AfterFailure);
    }
}

//! The journal while the server runs: groups, watermarks, rotation, giving up and healing, on the disk's twin.
//!
//! There is no thread here: what `mt-journal` and `mt-sync` do is one call of `step` each, so every order of events is
//! the test's. What is on the disk is read back with the code that a recovery uses.

#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::disk::Disk;
use memory_tools::base::health::{Health, Reason};
use memory_tools::journal::{Figures, Journal, JournalOptions, Mode, Sequence, Standing, Syncer};
use memory_tools::model::{Deadline, Document, Durability, Entry, Key, Lsn, NotDurable, Record, Refusal, Rest, Scope};
use memory_tools::persist::journal::{JournalReader, Link, SegmentId, SegmentScan, Stretch, scan};
use memory_tools::persist::{DataFolder, DatabaseId, Error, OpenOptions, SnapshotHeader, SnapshotReader};
use sim_disk::{Fault, SimDisk};

const FOLDER: &str = "srv/data";
const EIO: i32 = 5;
const BUFFER_BYTES: usize = 16 << 20;

/// A journal on a disk of its own.
struct Bench {
    disk: SimDisk,
    database_id: DatabaseId,
    folder: Arc<DataFolder>,
    journal: Arc<Journal>,
    health: Arc<Health>,
    given_up: Arc<Mutex<Vec<String>>>,
}

fn bench(mode: Mode) -> Bench {
    bench_with(mode, 64 << 20)
}

fn bench_with(mode: Mode, segment_bytes: u64) -> Bench {
    let disk = SimDisk::new(7);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = OpenOptions { pid: 1, import_skip: false };
    let (folder, found) = DataFolder::open(shared, Path::new(FOLDER), options).unwrap();
    let folder = Arc::new(folder);
    let health = Arc::new(Health::default());
    let raise_in = Arc::clone(&folder);
    let raise = Box::new(move |to| raise_in.raise_ceiling(to).map_err(|error| error.to_string()));
    let sequence = Sequence::new(found.next_lsn, found.lsn_ceiling, raise, Arc::clone(&health));
    let given_up = Arc::new(Mutex::new(Vec::new()));
    let causes = Arc::clone(&given_up);
    let options = JournalOptions {
        mode,
        buffer_bytes: BUFFER_BYTES,
        segment_bytes,
        on_given_up: Box::new(move |cause| causes.lock().unwrap().push(cause.to_owned())),
    };
    let clock = Arc::new(ManualClock::at(UnixMillis(1_000)));
    let journal = Journal::new(options, sequence, SegmentId(0), clock, Arc::clone(&health));
    journal.begin(Arc::clone(&folder), found.next_segment).unwrap();
    Bench { disk, database_id: found.database_id, folder, journal: Arc::new(journal), health, given_up }
}

fn document(key: &str, value: &str) -> Document {
    Document::new(Key::new(key).unwrap(), value.as_bytes())
}

fn put(document: &Document) -> Record<'_> {
    Record::Put { scope: Scope::Main, document, deadline: Deadline::NEVER }
}

fn entry(key: &str, version: u64) -> Entry {
    Entry { document: document(key, "1"), version: Lsn(version), deadline: Deadline::NEVER }
}

fn header(bench: &Bench) -> SnapshotHeader {
    SnapshotHeader {
        next_lsn: bench.journal.next(),
        capture_start: bench.journal.last(),
        replay_from: bench.journal.rotate().unwrap(),
        captured_at: UnixMillis(1_000),
        collections: Vec::new(),
    }
}

impl Bench {
    /// Appends one record.
    fn write(&self, key: &str, value: &str) -> Lsn {
        self.try_write(key, value).unwrap()
    }

    fn try_write(&self, key: &str, value: &str) -> Result<Lsn, Refusal> {
        let document = document(key, value);
        let mut room = self.journal.room(&[put(&document)])?;
        Ok(room.append(&put(&document)))
    }

    fn step(&self) -> usize {
        self.journal.step(Instant::now()).released
    }

    /// Writes what waits to a disk that refuses it.
    fn give_up(&self) {
        self.disk.plant(0, Fault::Error(EIO));
        self.step();
    }

    fn syncer(&self) -> Syncer {
        Syncer::new(Arc::clone(&self.journal), Arc::clone(&self.folder)).unwrap()
    }

    /// What a reply that rests on `lsn` is told.
    fn reply(&self, lsn: Lsn) -> Receiver<Result<(), NotDurable>> {
        let (tell, told) = channel();
        self.journal.when_durable(Rest::Written(lsn), Box::new(move |result| tell.send(result).unwrap()));
        told
    }

    fn is_released(&self, lsn: Lsn) -> bool {
        self.journal.is_released(Rest::Written(lsn))
    }

    /// The segments that there are, in order.
    fn scans(&self) -> Vec<SegmentScan> {
        let names = self.disk.files().into_keys();
        let ids = names.filter_map(|path| SegmentId::of_name(path.file_name()?.to_str()?));
        ids.map(|id| scan(&self.disk, Path::new(FOLDER), id, self.database_id).unwrap().unwrap()).collect()
    }

    /// LSN and key of every record, in order.
    fn records(&self) -> Vec<(u64, String)> {
        let stretches = self.scans().iter().map(|scan| Stretch { id: scan.header.id, end: scan.end }).collect();
        let reader = JournalReader::new(Arc::new(self.disk.clone()), Path::new(FOLDER), stretches, "");
        let mut records = Vec::new();
        let each = |lsn: Lsn, record: Record<'_>| match record {
            Record::Put { document, .. } => records.push((lsn.0, document.key().as_str().to_owned())),
            other => panic!("{other:?} was never written"),
        };
        reader.read(each).unwrap();
        records
    }
}

fn named(records: &[(u64, &str)]) -> Vec<(u64, String)> {
    records.iter().map(|(lsn, key)| (*lsn, (*key).to_owned())).collect()
}

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

/// A room that is not used gives its bytes back; one that is used, when they are written.
#[test]
fn a_full_buffer_refuses_writes_until_half_of_it_is_written() {
    let bench = bench(Mode::Os);
    let value = format!("\"{}\"", "x".repeat(1 << 20));
    let mut written = 0;
    while bench.try_write("k", &value) != Err(Refusal::JournalBusy) {
        written += 1;
        assert!(written < 100);
    }
    assert!((8..=16).contains(&written), "{written} of a megabyte each");
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    bench.journal.when_room(Box::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    assert_eq!(woken.load(Ordering::SeqCst), 0);
    bench.step();
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    bench.write("k", &value);
    assert_eq!(bench.records().len(), written);
}

#[test]
fn who_asks_for_room_that_is_there_is_told_at_once() {
    let bench = bench(Mode::Os);
    let (tell, told) = channel();
    bench.journal.when_room(Box::new(move || tell.send(()).unwrap()));
    assert_eq!(told.try_recv(), Ok(()));
}

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

#[test]
fn in_always_the_next_segment_is_prepared_and_used() {
    let bench = bench_with(Mode::Always, 4096);
    let prepared = Path::new(FOLDER).join("journal.next.tmp");
    bench.syncer().step();
    assert_eq!(bench.disk.content(&prepared).map(|content| content.len()), Some(4096));
    bench.write("a", "1");
    bench.step();
    bench.journal.rotate().unwrap();
    assert_eq!(bench.disk.content(&prepared), None);
    bench.syncer().step();
    bench.write("b", "1");
    bench.step();
    let second = Path::new(FOLDER).join(SegmentId(2).file_name());
    assert_eq!(bench.disk.content(&second).map(|content| content.len()), Some(4096), "not the one prepared since");
    assert_eq!(bench.records(), named(&[(1, "a"), (2, "b")]));
    bench.disk.lose_power(1);
    assert_eq!(bench.records(), named(&[(1, "a"), (2, "b")]));
}

#[test]
fn a_next_segment_that_cannot_be_prepared_is_done_without() {
    let bench = bench(Mode::Always);
    bench.disk.plant(0, Fault::Error(EIO));
    bench.syncer().step();
    bench.write("a", "1");
    bench.journal.rotate().unwrap();
    assert_eq!(bench.journal.standing(), Standing::Serving);
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

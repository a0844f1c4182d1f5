//! One test for each row of the table in `plan::journal`, on values; the number is in the name.

use super::super::folder::{DatabaseFile, FolderFound};
use super::super::{Plan, decide};
use super::*;
use crate::persist::database_id::DatabaseId;
use crate::persist::journal::{SegmentFault, SegmentHeader};
use crate::persist::seal::Stamp;

/// Segment `id` with ten records behind LSN 10 * (id - 1), which goes on from a whole segment before it.
fn segment(id: u64) -> SegmentScan {
    let link = match id {
        1 => Link::Start { capture_end: Lsn::ZERO },
        _ => end_of(&segment(id - 1)),
    };
    let header = SegmentHeader {
        stamp: Stamp { database_id: DatabaseId([7; 16]), salt: id },
        id: SegmentId(id),
        first_lsn: Lsn(10 * id - 9),
        durable_lsn: Lsn(10 * id - 10),
        created_at: UnixMillis(id),
        link,
    };
    SegmentScan {
        header,
        end: 1000 + id,
        tail: Tail::Nothing,
        last_lsn: Lsn(10 * id),
        chain: id as u32,
        durable_lsn: Lsn(10 * id - 10),
        written_at: UnixMillis(id),
        frames: 2,
        records: 10,
        clean_stop: false,
        fault: None,
    }
}

fn end_of(scan: &SegmentScan) -> Link {
    Link::Follows { end: scan.end, last_lsn: scan.last_lsn, chain: scan.chain }
}

/// The same segment with nothing in it.
fn bare(scan: SegmentScan) -> SegmentScan {
    let last_lsn = Lsn(scan.header.first_lsn.0 - 1);
    SegmentScan { end: 112, last_lsn, frames: 0, records: 0, ..scan }
}

/// The same segment, of which the second frame, with its five records, does not hold.
fn torn(scan: SegmentScan) -> SegmentScan {
    let next_lsn = Lsn(scan.last_lsn.0 - 4);
    let damage = Damage {
        path: PathBuf::from(scan.header.id.file_name()),
        part: "frame 1".to_owned(),
        offset: 700,
        expected: "checksum 00000001".to_owned(),
        found: "00000002".to_owned(),
    };
    let fault = SegmentFault { at: 700, next_lsn, damage, later_frames: 0, later_records: 0 };
    let last_lsn = Lsn(next_lsn.0 - 1);
    SegmentScan { end: 700, tail: Tail::Bytes(300), last_lsn, frames: 1, records: 5, fault: Some(fault), ..scan }
}

/// The same segment, begun after the one before was given up.
fn after_failure(scan: SegmentScan) -> SegmentScan {
    SegmentScan { header: SegmentHeader { link: Link::AfterFailure, ..scan.header }, ..scan }
}

/// The same segment, in which a head says that everything up to `durable` was durable.
fn vouching(scan: SegmentScan, durable: u64) -> SegmentScan {
    SegmentScan { durable_lsn: Lsn(durable), ..scan }
}

fn good(replay_from: u64, capture_end: u64) -> SnapshotFound {
    SnapshotFound::Good { replay_from: SegmentId(replay_from), capture_end: Lsn(capture_end) }
}

fn damaged() -> SnapshotFound {
    SnapshotFound::Damaged { what: "database.mtdb: damaged: block 3".to_owned() }
}

/// A settled folder with `current` and these segments, of which IDENTITY knows the last.
fn found(current: SnapshotFound, scans: impl IntoIterator<Item = SegmentScan>) -> Found {
    let segments: Vec<SegmentFound> =
        scans.into_iter().map(|scan| SegmentFound { id: scan.header.id, scan: Ok(scan) }).collect();
    let newest = segments.last().map_or(0, |segment| segment.id.0);
    let database = if current == SnapshotFound::Missing { DatabaseFile::Missing } else { DatabaseFile::Ours };
    Found {
        folder: FolderFound {
            identity: Standing::Settled,
            database,
            previous: false,
            go_files: false,
            go_originals: false,
        },
        journal: JournalFound { has_files: true, newest, current, segments, ..JournalFound::none() },
    }
}

/// As `found`, before the first snapshot.
fn young(scans: impl IntoIterator<Item = SegmentScan>) -> Found {
    let mut found = found(SnapshotFound::Missing, scans);
    found.folder.identity = Standing::Unsettled;
    found
}

fn with_previous(mut found: Found, previous: SnapshotFound) -> Found {
    found.folder.previous = true;
    found.journal.previous = previous;
    found
}

/// What a plan comes to: base, segments with their ends, the cut, what is set aside, what is next.
type Brief = (Base, Vec<(u64, u64)>, Option<u64>, Option<u64>, Next);

fn recovered(found: &Found) -> Recovery {
    match decide(found) {
        Ok(Plan::Recover(recovery)) => recovery,
        other => panic!("not recovered: {other:?}"),
    }
}

fn check(found: &Found, expected: Brief) {
    let recovery = recovered(found);
    let replay = recovery.replay.iter().map(|scan| (scan.header.id.0, scan.end)).collect();
    let brief =
        (recovery.base, replay, recovery.cut.map(|cut| cut.end), recovery.set_aside.map(|id| id.0), recovery.next);
    assert_eq!(brief, expected);
}

fn check_refused(found: &Found, fits: impl Fn(&Refused) -> bool) {
    let refused = decide(found).unwrap_err();
    assert!(fits(&refused), "{refused:?}");
    assert!(!refused.to_string().contains('\n'));
}

fn next_behind(scan: &SegmentScan) -> Next {
    Next { id: scan.header.id.next(), link: end_of(scan) }
}

#[test]
fn row_2_a_journal_without_identity_is_refused() {
    let mut found = young([segment(1)]);
    found.folder.identity = Standing::Missing;
    check_refused(&found, |refused| *refused == Refused::IdentityMissing);
}

#[test]
fn row_3_segments_that_identity_knows_and_the_base_needs_must_be_there() {
    let mut unsettled = young([]);
    unsettled.journal.newest = 1;
    let first_missing = Refused::SegmentMissing { missing: SegmentId(1), newest: SegmentId(1) };
    check_refused(&unsettled, |refused| *refused == first_missing);
    let mut settled = found(good(3, 25), []);
    settled.journal.newest = 4;
    let missing = Refused::SegmentMissing { missing: SegmentId(3), newest: SegmentId(4) };
    check_refused(&settled, |refused| *refused == missing);
}

#[test]
fn row_4_before_the_first_snapshot_the_journal_is_replayed_from_nothing() {
    let found = young([segment(1), segment(2)]);
    check(&found, (Base::Nothing, vec![(1, 1001), (2, 1002)], None, None, next_behind(&segment(2))));
    assert_eq!((recovered(&found).last_lsn, recovered(&found).written_at), (Lsn(20), UnixMillis(2)));
    let behind_a_snapshot = SegmentScan {
        header: SegmentHeader { link: Link::Start { capture_end: Lsn(5) }, ..segment(1).header },
        ..segment(1)
    };
    check_refused(&young([behind_a_snapshot]), |refused| matches!(refused, Refused::Link { id: SegmentId(1), .. }));
}

#[test]
fn row_5_a_journal_that_begins_later_without_a_snapshot_is_refused() {
    let found = young([segment(2), segment(3)]);
    check_refused(&found, |refused| *refused == Refused::BeginsLate { first: SegmentId(2) });
}

#[test]
fn row_6_a_snapshot_that_needs_no_segment_is_loaded() {
    // Segments of before stay for .prev, and whatever is in them is no matter.
    let off = found(good(3, 29), [segment(1), torn(segment(2))]);
    let next = Next { id: SegmentId(3), link: Link::Start { capture_end: Lsn(29) } };
    check(&off, (Base::Current, vec![], None, None, next));
    assert_eq!(recovered(&off).last_lsn, Lsn(29));
}

#[test]
fn row_7_a_snapshot_is_loaded_and_its_segments_are_replayed() {
    let found = found(good(2, 15), [segment(1), segment(2), segment(3)]);
    check(&found, (Base::Current, vec![(2, 1002), (3, 1003)], None, None, next_behind(&segment(3))));
    let mut filled = found.clone();
    filled.journal.segments[2].scan.as_mut().unwrap().tail = Tail::Zeros;
    check(&filled, (Base::Current, vec![(2, 1002), (3, 1003)], None, None, next_behind(&segment(3))));
    let mut stopped = found.clone();
    stopped.journal.segments[2].scan.as_mut().unwrap().clean_stop = true;
    stopped.journal.closed = Some(Lsn(31));
    check(&stopped, (Base::Current, vec![(2, 1002), (3, 1003)], None, None, next_behind(&segment(3))));
    let mut imported = found;
    imported.folder.go_files = true;
    assert_eq!(recovered(&imported).leftovers, Leftovers::Mention);
}

#[test]
fn row_7_bytes_behind_an_end_that_the_next_segment_vouches_for_are_not_read() {
    let fault = SegmentFault { at: 1001, next_lsn: Lsn(11), ..torn(segment(1)).fault.unwrap() };
    let first = SegmentScan { tail: Tail::Bytes(3), fault: Some(fault), ..segment(1) };
    let found = young([first, segment(2)]);
    check(&found, (Base::Nothing, vec![(1, 1001), (2, 1002)], None, None, next_behind(&segment(2))));
    assert_eq!(recovered(&found).notes, [Note::Ignored { id: SegmentId(1), end: 1001 }]);
}

#[test]
fn row_8_a_tail_that_was_taken_away_is_refused() {
    let mut closed = young([segment(1)]);
    closed.journal.closed = Some(Lsn(11));
    check_refused(&closed, |refused| matches!(refused, Refused::Damage { durable: Lsn(10), .. }));
    // The same is seen without a clean stop, as far as anything says what was durable.
    let cut_short = young([vouching(segment(1), 11)]);
    check_refused(&cut_short, |refused| matches!(refused, Refused::Damage { lsn: Lsn(11), durable: Lsn(11), .. }));
    let by_snapshot = found(good(1, 11), [segment(1)]);
    check_refused(&by_snapshot, |refused| matches!(refused, Refused::Damage { durable: Lsn(11), .. }));
}

#[test]
fn row_9_a_missing_segment_is_refused() {
    let hole = found(good(1, 5), [segment(1), segment(3)]);
    let missing = |id, newest| Refused::SegmentMissing { missing: SegmentId(id), newest: SegmentId(newest) };
    check_refused(&hole, |refused| *refused == missing(2, 3));
    let mut end = found(good(1, 5), [segment(1), segment(2)]);
    end.journal.newest = 3;
    check_refused(&end, |refused| *refused == missing(3, 3));
    let beginning = found(good(1, 5), [segment(2)]);
    check_refused(&beginning, |refused| *refused == missing(1, 2));
}

#[test]
fn row_10_a_link_that_does_not_name_the_end_before_it_is_refused() {
    let is_link = |id| move |refused: &Refused| matches!(refused, Refused::Link { id: it, .. } if it.0 == id);
    for changed in [
        SegmentScan { end: 1000, ..segment(1) },
        SegmentScan { last_lsn: Lsn(9), ..segment(1) },
        SegmentScan { chain: 9, ..segment(1) },
    ] {
        check_refused(&young([changed, segment(2)]), is_link(2));
    }
    // One that goes on before the end of the one before would issue numbers again.
    let early = SegmentScan { header: SegmentHeader { first_lsn: Lsn(10), ..segment(2).header }, ..segment(2) };
    check_refused(&young([segment(1), early]), is_link(2));
    let mut swapped = young([segment(1), segment(2)]);
    swapped.journal.segments[1].scan = Ok(segment(1));
    check_refused(&swapped, is_link(2));
    // A snapshot older than the one that its first segment goes on from.
    check_refused(&found(good(2, 9), [segment(2)]), is_link(2));
    check_refused(&found(good(2, 9), [after_failure(segment(2))]), is_link(2));
}

#[test]
fn row_11_a_bad_frame_at_or_below_the_watermark_is_refused() {
    let damage = |refused: &Refused| matches!(refused, Refused::Damage { lsn: Lsn(16), durable: Lsn(16), .. });
    check_refused(&young([segment(1), vouching(torn(segment(2)), 16)]), damage);
    check_refused(&found(good(1, 16), [segment(1), torn(segment(2))]), damage);
    let mut closed = young([segment(1), torn(segment(2))]);
    closed.journal.closed = Some(Lsn(17));
    check_refused(&closed, damage);
}

#[test]
fn row_12_a_bad_frame_in_front_of_a_later_segment_is_refused() {
    let found = young([torn(segment(1)), vouching(segment(2), 0)]);
    check_refused(&found, |refused| matches!(refused, Refused::Damage { lsn: Lsn(6), .. }));
}

#[test]
fn row_13_an_interrupted_write_above_the_watermark_is_cut() {
    let last = vouching(torn(segment(2)), 15);
    let found = young([segment(1), last.clone()]);
    check(&found, (Base::Nothing, vec![(1, 1001), (2, 700)], Some(700), None, next_behind(&last)));
    assert_eq!(recovered(&found).notes, [Note::Cut(Cut { id: SegmentId(2), end: 700, bytes: 300 })]);
    let healing = bare(after_failure(vouching(segment(3), 15)));
    let found = young([segment(1), last.clone(), healing]);
    check(&found, (Base::Nothing, vec![(1, 1001), (2, 700)], Some(700), Some(3), next_behind(&last)));
    // What it says to be durable counts.
    let healing = bare(after_failure(vouching(segment(3), 16)));
    check_refused(&young([segment(1), last, healing]), |refused| matches!(refused, Refused::Damage { .. }));
}

#[test]
fn row_13b_a_segment_that_was_begun_to_heal_and_not_used_is_set_aside() {
    let healing = bare(after_failure(segment(3)));
    let found = found(good(2, 15), [segment(2), healing]);
    check(&found, (Base::Current, vec![(2, 1002)], None, Some(3), next_behind(&segment(2))));
    assert_eq!(recovered(&found).notes, [Note::SetAside(SegmentId(3))]);
}

#[test]
fn row_14_a_segment_after_a_failure_with_records_is_refused_in_the_middle() {
    let broken = |refused: &Refused| matches!(refused, Refused::Broken { at: SegmentId(2), .. });
    check_refused(&young([segment(1), after_failure(segment(2))]), broken);
    check_refused(&young([segment(1), bare(after_failure(segment(2))), segment(3)]), broken);
    let start = Link::Start { capture_end: Lsn(10) };
    let started = SegmentScan { header: SegmentHeader { link: start, ..segment(2).header }, ..segment(2) };
    check_refused(&young([segment(1), started]), broken);
    // With the snapshot that healed, it is the first that is needed.
    let healed = found(good(2, 10), [segment(1), after_failure(segment(2))]);
    check(&healed, (Base::Current, vec![(2, 1002)], None, None, next_behind(&segment(2))));
}

#[test]
fn row_15_a_segment_that_identity_does_not_know_yet_is_a_clean_end() {
    let begun = bare(segment(3));
    let mut found = young([segment(1), segment(2), begun.clone()]);
    found.journal.newest = 2;
    check(&found, (Base::Nothing, vec![(1, 1001), (2, 1002), (3, 112)], None, None, next_behind(&begun)));
    // Though the one before ends with a clean stop, of which IDENTITY knows.
    found.journal.segments[1].scan.as_mut().unwrap().clean_stop = true;
    found.journal.closed = Some(Lsn(21));
    assert_eq!(recovered(&found).next.id, SegmentId(4));

    let mut older = young([segment(1), segment(2)]);
    older.journal.newest = 1;
    let behind = Refused::IdentityBehind { known: SegmentId(1), found: SegmentId(2) };
    check_refused(&older, |refused| *refused == behind);
}

#[test]
fn row_16_a_needed_segment_whose_header_does_not_hold_is_refused() {
    let damage = torn(segment(2)).fault.unwrap().damage;
    let mut broken = found(good(2, 15), [segment(1), segment(2)]);
    broken.journal.segments[1].scan = Err(damage.clone());
    check_refused(&broken, |refused| matches!(refused, Refused::HeaderDamaged { .. }));
    let mut unneeded = found(good(2, 15), [segment(1), segment(2)]);
    unneeded.journal.segments[0].scan = Err(damage);
    assert_eq!(recovered(&unneeded).replay.len(), 1);
}

#[test]
fn row_17_without_the_newest_snapshot_the_one_before_and_the_whole_journal_do() {
    for current in [damaged(), SnapshotFound::Missing] {
        let found = with_previous(found(current.clone(), [segment(2), segment(3)]), good(2, 15));
        check(&found, (Base::Previous, vec![(2, 1002), (3, 1003)], None, None, next_behind(&segment(3))));
        assert!(matches!(&recovered(&found).notes[..], [Note::FellBack { base: Base::Previous, .. }]));
    }
    let alone = found(damaged(), [segment(1), segment(2)]);
    check(&alone, (Base::Nothing, vec![(1, 1001), (2, 1002)], None, None, next_behind(&segment(2))));
    assert!(matches!(&recovered(&alone).notes[..], [Note::FellBack { base: Base::Nothing, .. }]));
}

#[test]
fn row_18_what_leads_to_an_older_state_only_is_refused() {
    let whole = || with_previous(found(damaged(), [segment(2), segment(3)]), good(2, 15));
    let refused = |found: &Found, word: &str| {
        check_refused(found, |refused| match refused {
            Refused::NoWayBack { lost, why, .. } => {
                assert!(why.contains(word), "{why}");
                lost.contains("block 3") || lost.contains("missing")
            }
            _ => false,
        });
    };
    assert_eq!(recovered(&whole()).replay.len(), 2);

    let mut off_ahead = whole();
    off_ahead.journal.off_ahead = true;
    refused(&off_ahead, "without a journal");
    let mut holed = whole();
    holed.journal.segments.remove(0);
    refused(&holed, "is missing");
    refused(&with_previous(found(damaged(), [segment(2), after_failure(segment(3))]), good(2, 15)), "given up");
    refused(&with_previous(found(damaged(), [segment(2), bare(after_failure(segment(3)))]), good(2, 15)), "had failed");
    refused(&with_previous(found(damaged(), [segment(2), torn(segment(3))]), good(2, 15)), "does not end cleanly");
    refused(&with_previous(found(damaged(), [segment(2)]), damaged()), "block 3");
    refused(&found(SnapshotFound::Missing, [segment(2), segment(3)]), "is missing");
}

#[test]
fn a_fresh_snapshot_beside_an_old_journal_needs_the_segment_that_identity_will_know() {
    // The time before the journal knew no segment: 0 is 1.
    let mut found = found(good(0, 10), []);
    found.journal.newest = 0;
    let next = Next { id: SegmentId(1), link: Link::Start { capture_end: Lsn(10) } };
    check(&found, (Base::Current, vec![], None, None, next));
}

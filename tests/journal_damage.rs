//! Every bit of a small journal flipped, every length cut, every pair of segments changed places: what was durable is
//! named as damage, what may have been an interrupted write ends the journal there, and what is read is always a prefix
//! of what was written. And the bytes against a model.

#[path = "segments/mod.rs"]
mod segments;
#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::io::IoSlice;
use std::path::Path;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::Disk;
use memory_tools::base::limits::TTL_MS_MAX;
use memory_tools::model::{CollectionOptions, Deadline, Lsn};
use memory_tools::persist::journal::{
    Batch, Frame, FrameKind, Growth, INLINE_BYTES_MAX, Link, QUARANTINE, SEGMENT_HEADER_BYTES, SegmentHeader,
    SegmentId, SegmentScan, SegmentWriter, Stretch, Tail, cut, quarantine, scan,
};
use memory_tools::persist::{DatabaseId, Error, Stamp};
use proptest::prelude::*;
use segments::{Change, DATABASE, FOLDER, Journal, disk_with, path, read, scanned, small_journal};
use sim_disk::{Random, SimDisk};

/// What a scan of a damaged segment may come to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The header does not hold.
    Header,
    /// A frame does not hold whose records were durable.
    Damage,
    /// It ends early, behind this many frames; nothing says that what followed was durable.
    Ends(usize),
}

/// Scans `content` as segment `id` of `journal` and checks all that must hold whatever is wrong with it.
fn judge(journal: &Journal, id: u64, content: &[u8], context: &str) -> Found {
    let disk = disk_with(id, content);
    let scan = match scanned(&disk, id) {
        Ok(scan) => scan,
        Err(damage) => {
            assert_eq!((damage.part.as_str(), damage.path), ("the header", path(id)), "{context}");
            assert!(damage.offset <= content.len() as u64, "{context}: {}", damage.offset);
            return Found::Header;
        }
    };
    let ends = &journal.ends[id as usize - 1];
    let frames = ends.iter().position(|(end, _)| *end == scan.end);
    let frames = frames.unwrap_or_else(|| panic!("{context}: ends at {}, which is within a frame", scan.end));
    assert_eq!((scan.frames as usize, scan.last_lsn.next()), (frames, ends[frames].1), "{context}");
    // What is read is what was written, up to there.
    let (first, next) = (ends[0].1, ends[frames].1);
    let expected: Vec<_> = journal.records.iter().filter(|(lsn, _)| (first..next).contains(lsn)).cloned().collect();
    assert_eq!(read(&disk, vec![Stretch { id: SegmentId(id), end: scan.end }]).unwrap(), expected, "{context}");
    let Some(fault) = scan.fault else {
        assert!(!matches!(scan.tail, Tail::Bytes(_)), "{context}: {:?}", scan.tail);
        return Found::Ends(frames);
    };
    assert_eq!((fault.at, fault.next_lsn), (scan.end, next), "{context}");
    assert_eq!((fault.damage.path, fault.damage.part), (path(id), format!("frame {frames}")), "{context}");
    assert!(fault.damage.offset >= scan.end && fault.damage.offset <= content.len() as u64, "{context}");
    if fault.next_lsn <= scan.durable_lsn { Found::Damage } else { Found::Ends(frames) }
}

/// In which frame of segment `id` the byte at `at` is; `None` in the header.
fn frame_of(journal: &Journal, id: u64, at: usize) -> Option<usize> {
    let ends = &journal.ends[id as usize - 1];
    ends.iter().position(|(end, _)| (at as u64) < *end)?.checked_sub(1)
}

#[test]
fn a_flipped_bit_below_the_watermark_is_refused() {
    let journal = small_journal();
    for id in 1..=3 {
        let content = journal.content(id);
        let last = journal.ends[id as usize - 1].len() - 2;
        for bit in 0..content.len() * 8 {
            let mut flipped = content.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = match frame_of(&journal, id, bit / 8) {
                None => Found::Header,
                // Nothing behind it says that it was durable.
                Some(frame) if frame == last => Found::Ends(frame),
                Some(_) => Found::Damage,
            };
            let context = format!("segment {id}, bit {bit}");
            assert_eq!(judge(&journal, id, &flipped, &context), expected, "{context}");
        }
    }
}

#[test]
fn a_mark_makes_a_flipped_bit_in_the_last_group_damage() {
    let mut journal = small_journal();
    journal.append(FrameKind::Mark, &[]);
    let (content, ends) = (journal.content(3), &journal.ends[2]);
    for at in ends[2].0..ends[3].0 {
        let mut flipped = content.clone();
        flipped[at as usize] ^= 1;
        assert_eq!(judge(&journal, 3, &flipped, &format!("byte {at}")), Found::Damage, "byte {at}");
    }
}

#[test]
fn every_length_of_a_segment_ends_it_at_a_frame() {
    let journal = small_journal();
    for id in 1..=3 {
        let content = journal.content(id);
        for length in 0..content.len() {
            let context = format!("segment {id}, length {length}");
            let expected = match frame_of(&journal, id, length) {
                None => Found::Header,
                Some(frame) => Found::Ends(frame),
            };
            assert_eq!(judge(&journal, id, &content[..length], &context), expected, "{context}");
        }
    }
}

#[test]
fn a_filled_segment_of_which_only_some_sectors_were_written_ends_at_a_frame() {
    let mut journal = Journal::new();
    journal.rotate(Some(8192));
    let value = format!("\"{}\"", "x".repeat(1400));
    journal.append(FrameKind::Records, &[Change::put("before", "1")]);
    journal.append(FrameKind::Records, &[Change::put("k", &value)]);
    let content = journal.content(1);
    assert_eq!(content.len(), 8192);
    let (start, end) = (journal.ends[0][1].0 as usize, journal.ends[0][2].0 as usize);
    // Each sector of the last frame was written or is still zero.
    let sectors: Vec<usize> = (start / 512..=(end - 1) / 512).collect();
    assert_eq!(sectors.len(), 4);
    for kept in 0..1 << sectors.len() {
        let mut torn = content.clone();
        for (index, sector) in sectors.iter().enumerate() {
            if kept & (1 << index) == 0 {
                torn[start.max(sector * 512)..end.min((sector + 1) * 512)].fill(0);
            }
        }
        let expected = if torn == content { Found::Ends(2) } else { Found::Ends(1) };
        let context = format!("sectors {kept:04b}");
        assert_eq!(judge(&journal, 1, &torn, &context), expected, "{context}");
    }
}

#[test]
fn zeros_behind_the_last_frame_are_a_clean_end_and_anything_else_is_a_tail() {
    let mut journal = Journal::new();
    journal.rotate(Some(3 << 20));
    let zeros = |journal: &Journal| scanned(&journal.disk, 1).unwrap();
    let scan = zeros(&journal);
    assert_eq!((scan.tail, scan.frames, scan.last_lsn), (Tail::Zeros, 0, Lsn::ZERO));
    journal.append(FrameKind::Records, &[Change::put("k", "1")]);
    let scan = zeros(&journal);
    assert_eq!((scan.tail, scan.end, scan.fault), (Tail::Zeros, journal.ends[0][1].0, None));

    let mut content = journal.content(1);
    let end = scan.end as usize;
    content.truncate(end);
    assert_eq!(scanned(&disk_with(1, &content), 1).unwrap().tail, Tail::Nothing);
    for at in [0, 1, 55, 56, 600, (1 << 18) - 56, 2 << 20] {
        let mut content = journal.content(1);
        content[end + at] = 1;
        let scan = scanned(&disk_with(1, &content), 1).unwrap();
        assert_eq!((scan.tail, scan.end), (Tail::Bytes(at as u64 + 1), end as u64), "byte {at}");
        assert!(scan.fault.is_some(), "byte {at}");
    }
}

#[test]
fn a_document_larger_than_what_is_read_at_once_comes_back() {
    let mut journal = Journal::new();
    journal.rotate(None);
    for mebibytes in [3, 0, 2] {
        let value = format!("\"{}\"", "x".repeat((mebibytes << 20) + 7));
        journal.append(FrameKind::Records, &[Change::put("before", "1"), Change::put("k", &value)]);
    }
    let end = journal.content(1).len() as u64;
    assert!(read(&journal.disk, vec![Stretch { id: SegmentId(1), end }]).unwrap() == journal.records);
}

#[test]
fn heads_behind_damage_are_found_at_any_offset() {
    // The damaged frame's size moves the next head over the borders of what is searched at once.
    for extra in 0..120 {
        let mut journal = Journal::new();
        journal.rotate(None);
        let value = format!("\"{}\"", "x".repeat((1 << 18) - 60 + extra));
        journal.append(FrameKind::Records, &[Change::put("k", &value)]);
        journal.append(FrameKind::Records, &[Change::put("a", "1"), Change::put("b", "2")]);
        let mut content = journal.content(1);
        content[SEGMENT_HEADER_BYTES + 1000] ^= 1;
        let scan = scanned(&disk_with(1, &content), 1).unwrap();
        let fault = scan.fault.unwrap();
        assert_eq!((fault.later_frames, fault.later_records, scan.durable_lsn), (1, 2, Lsn(1)), "{extra}");
    }
}

#[test]
fn a_frame_that_is_missing_doubled_or_moved_is_damage() {
    let journal = small_journal();
    let (content, ends) = (journal.content(1), &journal.ends[0]);
    let frame = |number: usize| &content[ends[number].0 as usize..ends[number + 1].0 as usize];
    let header = &content[..SEGMENT_HEADER_BYTES];
    let built =
        |frames: &[usize]| [vec![header], frames.iter().map(|number| frame(*number)).collect()].concat().concat();
    assert_eq!(built(&[0, 1, 2]), content);
    for frames in [&[0, 2][..], &[1, 2], &[2], &[0, 2, 1], &[1, 0, 2]] {
        assert_eq!(judge(&journal, 1, &built(frames), &format!("{frames:?}")), Found::Damage, "{frames:?}");
    }
    // A frame too many is not below the watermark: what it stands behind is.
    for (frames, whole) in [(&[0, 0, 1, 2][..], 1), (&[0, 1, 1, 2], 2), (&[0, 1, 2, 2], 3), (&[0, 1, 2, 0], 3)] {
        let disk = disk_with(1, &built(frames));
        let scan = scanned(&disk, 1).unwrap();
        assert_eq!((scan.frames, scan.fault.is_some()), (whole, true), "{frames:?}");
    }
}

/// How the segments fit together: `Err` names the first that does not.
fn linked(disk: &SimDisk, ids: std::ops::RangeInclusive<u64>) -> Result<(), u64> {
    let mut before: Option<SegmentScan> = None;
    for id in ids {
        let scan = scanned(disk, id).map_err(|_| id)?;
        if let Some(SegmentScan { end, last_lsn, chain, fault: None, .. }) = before
            && scan.header.link != (Link::Follows { end, last_lsn, chain })
        {
            return Err(id);
        }
        before = Some(scan);
    }
    Ok(())
}

#[test]
fn every_pair_of_segments_that_changed_places_is_seen() {
    let journal = small_journal();
    assert_eq!(linked(&journal.disk, 1..=3), Ok(()));
    for (first, second) in [(1, 2), (1, 3), (2, 3)] {
        let disk = small_journal_with(&journal, &[(first, second), (second, first)]);
        assert_eq!(linked(&disk, 1..=3), Err(first), "{first} and {second} swapped");
        for (from, to) in [(first, second), (second, first)] {
            let disk = small_journal_with(&journal, &[(from, to)]);
            assert_eq!(linked(&disk, 1..=3), Err(to), "{from} in the place of {to}");
        }
    }
    let disk = small_journal_with(&journal, &[(3, 4)]);
    assert_eq!(linked(&disk, 1..=4), Err(4), "the last one doubled");
}

/// The segments of `journal`, and over them copies of some under the names of others.
fn small_journal_with(journal: &Journal, copies: &[(u64, u64)]) -> SimDisk {
    let disk = SimDisk::new(1);
    (1..=3).for_each(|id| disk.place(&path(id), &journal.content(id)));
    copies.iter().for_each(|(from, to)| disk.place(&path(*to), &journal.content(*from)));
    disk
}

#[test]
fn a_segment_that_lost_whole_frames_does_not_lead_to_the_next() {
    let journal = small_journal();
    for id in 1..=2 {
        let content = journal.content(id);
        for (end, _) in journal.ends[id as usize - 1].iter().rev().skip(1) {
            let disk = small_journal_with(&journal, &[]);
            disk.place(&path(id), &content[..*end as usize]);
            assert_eq!(linked(&disk, 1..=3), Err(id + 1), "segment {id} cut at {end}");
        }
    }
}

#[test]
fn a_segment_of_another_run_does_not_lead_to_the_next() {
    let (journal, other) = (small_journal(), small_journal());
    for id in 1..=2 {
        let disk = small_journal_with(&journal, &[]);
        disk.place(&path(id), &other.content(id));
        // In the place of the first it breaks the link to it; in that of the second the link from it.
        assert_eq!(linked(&disk, 1..=3), Err(2), "segment {id}");
    }
}

#[test]
fn a_recycled_frame_does_not_validate() {
    // Of the same database, at the same place, with the same numbers: only the salt tells them apart.
    let (journal, other) = (small_journal(), small_journal());
    let (content, old) = (journal.content(1), other.content(1));
    for number in 0..3 {
        let (start, end) = (journal.ends[0][number].0 as usize, journal.ends[0][number + 1].0 as usize);
        let mut recycled = content[..start].to_vec();
        recycled.extend_from_slice(&old[start..]);
        let context = format!("frames from {number} on");
        assert_eq!(judge(&journal, 1, &recycled, &context), Found::Ends(number), "{context}");
        let disk = disk_with(1, &recycled);
        let scan = scanned(&disk, 1).unwrap();
        let fault = scan.fault.unwrap();
        assert_eq!((fault.later_frames, fault.damage.offset), (0, start as u64 + 52), "{context}, to {end}");
    }
}

#[test]
fn a_segment_of_another_database_is_refused() {
    let journal = small_journal();
    let error = scan(&journal.disk, Path::new(FOLDER), SegmentId(1), DatabaseId([8; 16])).unwrap_err();
    assert!(matches!(error, Error::Foreign { found: DATABASE, .. }), "{error}");
}

#[test]
fn a_segment_of_a_newer_version_is_refused_by_name() {
    let mut content = small_journal().content(1);
    content[8] = 2;
    let checksum = crc32c::crc32c(&content[..16]);
    content[16..20].copy_from_slice(&checksum.to_le_bytes());
    let error = scan(&disk_with(1, &content), Path::new(FOLDER), SegmentId(1), DATABASE).unwrap_err();
    assert!(error.to_string().contains("journal version 2, newer than 1"), "{error}");
}

#[test]
fn what_changed_since_the_scan_is_not_read() {
    let journal = small_journal();
    let end = journal.content(1).len() as u64;
    let stretches = vec![Stretch { id: SegmentId(1), end }];
    assert_eq!(read(&journal.disk, stretches.clone()).unwrap().len(), 4);
    let content = journal.content(1);
    for at in 0..content.len() {
        let mut flipped = content.clone();
        flipped[at] ^= 0x10;
        let error = read(&disk_with(1, &flipped), stretches.clone()).unwrap_err();
        assert!(matches!(&error, Error::Damaged { damage, .. } if damage.path == path(1)), "byte {at}: {error}");
        let error = read(&disk_with(1, &content[..at]), stretches.clone()).unwrap_err();
        assert!(error.is_damage(), "length {at}: {error}");
    }
}

#[test]
fn a_batch_that_does_not_end_in_its_frame_is_refused() {
    let mut journal = Journal::new();
    journal.rotate(None);
    let mut parts = Vec::new();
    Change::put("k", "1").encode(Batch::GoesOn, &mut parts);
    let (parts, kind) = ([IoSlice::new(&parts[0])], FrameKind::Records);
    let frame =
        Frame { kind, first_lsn: Lsn(1), count: 1, parts: &parts, durable_lsn: Lsn::ZERO, written_at: UnixMillis(1) };
    journal.writer.as_mut().unwrap().append(&frame).unwrap();
    let end = journal.writer.as_ref().unwrap().bytes();
    let error = read(&journal.disk, vec![Stretch { id: SegmentId(1), end }]).unwrap_err();
    assert!(error.to_string().contains("expected the rest of a batch"), "{error}");
}

#[test]
fn a_cut_tail_is_in_quarantine_first_and_the_rest_is_sound() {
    let journal = small_journal();
    let mut content = journal.content(3);
    let whole = content.len() as u64;
    content.extend_from_slice(b"torn");
    let (folder, id, now) = (Path::new(FOLDER), SegmentId(3), UnixMillis(77));
    let name = format!("{}-{whole}-77.tail", id.file_name());
    // Power is lost at each call in turn, then the same is done again.
    for call in 0.. {
        let disk = disk_with(3, &content);
        disk.plant(call, sim_disk::Fault::Stop);
        let done = quarantine(&disk, folder, id, whole, whole + 4, now).and_then(|copy| {
            cut(&disk, folder, id, whole)?;
            Ok(copy)
        });
        let is_over = done.is_ok() && disk.struck().is_none();
        disk.lose_power(call);
        let left = disk.content(&path(3)).unwrap();
        let copy = disk.content(&folder.join(QUARANTINE).join(&name));
        assert!(left == content || copy.as_deref() == Some(b"torn"), "call {call}: cut before its copy was durable");
        let copied = quarantine(&disk, folder, id, whole.min(left.len() as u64), left.len() as u64, now).unwrap();
        assert!(copied.starts_with(folder.join(QUARANTINE)));
        cut(&disk, folder, id, whole).unwrap();
        disk.lose_power(call);
        assert_eq!(judge(&journal, 3, &disk.content(&path(3)).unwrap(), "cut"), Found::Ends(3), "call {call}");
        if is_over {
            assert!(call >= 8, "{call} calls");
            return;
        }
    }
}

#[test]
fn a_segment_has_its_name_only_with_its_header() {
    for seed in 0..100 {
        let mut random = Random(seed);
        let disk = SimDisk::new(seed);
        let folder = Path::new(FOLDER);
        disk.create_folder(folder).unwrap();
        disk.sync_folder(Path::new("")).unwrap();
        let stamp = Stamp { database_id: DATABASE, salt: seed };
        let link = Link::Start { capture_end: Lsn::ZERO };
        let (first_lsn, durable_lsn, created_at) = (Lsn(1), Lsn::ZERO, UnixMillis(1));
        let header = SegmentHeader { stamp, id: SegmentId(1), first_lsn, durable_lsn, created_at, link };
        disk.plant(random.below(8) as u64, sim_disk::Fault::Stop);
        let is_created = SegmentWriter::create(&disk, folder, &header, Growth::ByFrames).is_ok();
        disk.lose_power(seed);
        match disk.content(&path(1)) {
            Some(_) => assert_eq!(scanned(&disk, 1).unwrap().header, header, "seed {seed}"),
            None => assert!(!is_created, "seed {seed}: a durable segment has gone"),
        }
    }
}

fn options() -> impl Strategy<Value = CollectionOptions> {
    let ttl_ms = prop::option::of(1..=TTL_MS_MAX);
    (ttl_ms, any::<bool>())
        .prop_map(|(default_ttl_ms, require_conditional)| CollectionOptions { default_ttl_ms, require_conditional })
}

fn any_change() -> impl Strategy<Value = Change> {
    let collection = || prop::option::of("[^/\0]{1,8}");
    let deadline = || prop::option::of(0..u64::MAX);
    let of = |deadline: Option<u64>| deadline.map_or(Deadline::NEVER, |moment| Deadline::at(UnixMillis(moment)));
    let value = prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 1..200),
        1 => prop::collection::vec(any::<u8>(), INLINE_BYTES_MAX - 2..INLINE_BYTES_MAX + 3),
    ];
    prop_oneof![
        4 => (collection(), "[^\0]{1,20}", value, deadline()).prop_map(move |(collection, key, value, deadline)| {
            Change::Put { collection, key, value, deadline: of(deadline) }
        }),
        1 => (collection(), "[^\0]{1,20}").prop_map(|(collection, key)| Change::Delete { collection, key }),
        1 => (collection(), "[^\0]{1,20}", deadline()).prop_map(move |(collection, key, deadline)| {
            Change::Deadline { collection, key, deadline: of(deadline) }
        }),
        1 => ("[^/\0]{1,8}", options()).prop_map(|(name, options)| Change::Create(name, options)),
        1 => "[^/\0]{1,8}".prop_map(Change::Drop),
    ]
}

/// One stroke of damage, at a place that is taken modulo what there is.
#[derive(Clone, Debug)]
enum Stroke {
    Overwrite {
        at: usize,
        with: Vec<u8>,
    },
    Insert {
        at: usize,
        bytes: Vec<u8>,
    },
    Remove {
        at: usize,
        bytes: usize,
    },
    Zero {
        at: usize,
        bytes: usize,
    },
    /// Copies a part of the file over another.
    Copy {
        from: usize,
        to: usize,
        bytes: usize,
    },
}

impl Stroke {
    fn strike(&self, content: &mut Vec<u8>) {
        let length = content.len();
        let range = |at: usize, bytes: usize| at % (length + 1)..(at % (length + 1) + bytes).min(length);
        match self {
            Stroke::Overwrite { at, with } => {
                let range = range(*at, with.len());
                let bytes = range.len();
                content[range].copy_from_slice(&with[..bytes]);
            }
            Stroke::Insert { at, bytes } => drop(content.splice(range(*at, 0), bytes.iter().copied())),
            Stroke::Remove { at, bytes } => drop(content.drain(range(*at, *bytes))),
            Stroke::Zero { at, bytes } => content[range(*at, *bytes)].fill(0),
            Stroke::Copy { from, to, bytes } => {
                let part = content[range(*from, *bytes)].to_vec();
                let range = range(*to, part.len());
                let bytes = range.len();
                content[range].copy_from_slice(&part[..bytes]);
            }
        }
    }
}

fn any_stroke() -> impl Strategy<Value = Stroke> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    prop_oneof![
        (any::<usize>(), bytes()).prop_map(|(at, with)| Stroke::Overwrite { at, with }),
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Stroke::Insert { at, bytes }),
        (any::<usize>(), 0usize..80).prop_map(|(at, bytes)| Stroke::Remove { at, bytes }),
        (any::<usize>(), 0usize..300).prop_map(|(at, bytes)| Stroke::Zero { at, bytes }),
        (any::<usize>(), any::<usize>(), 0usize..200).prop_map(|(from, to, bytes)| Stroke::Copy { from, to, bytes }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_segment_a_prefix_of_it_is_read(
        id in 1u64..=3,
        strokes in prop::collection::vec(any_stroke(), 1..6),
    ) {
        let journal = small_journal();
        let mut content = journal.content(id);
        strokes.iter().for_each(|stroke| stroke.strike(&mut content));
        judge(&journal, id, &content, &format!("segment {id}, {strokes:?}"));
    }

    #[test]
    fn what_is_written_is_read_back(
        segments in prop::collection::vec(
            (prop::option::of(0u64..20_000), prop::collection::vec(prop::collection::vec(any_change(), 0..5), 0..6)),
            1..4,
        ),
    ) {
        let mut journal = Journal::new();
        for (zeros, frames) in &segments {
            journal.rotate(*zeros);
            for changes in frames {
                let kind = if changes.is_empty() { FrameKind::Mark } else { FrameKind::Records };
                journal.append(kind, changes);
            }
        }
        let mut stretches = Vec::new();
        for id in 1..=segments.len() as u64 {
            let scan = scanned(&journal.disk, id).unwrap();
            let (end, next_lsn) = *journal.ends[id as usize - 1].last().unwrap();
            prop_assert_eq!((scan.end, scan.last_lsn.next(), scan.fault), (end, next_lsn, None));
            stretches.push(Stretch { id: SegmentId(id), end });
        }
        prop_assert_eq!(linked(&journal.disk, 1..=segments.len() as u64), Ok(()));
        prop_assert_eq!(read(&journal.disk, stretches).unwrap(), journal.records);
    }
}

//! Every bit of small files flipped, every length cut: refused with file and offset, never another value; and the
//! codec against a model.

#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::Disk;
use memory_tools::model::{CollectionOptions, Deadline, Document, Entry, Key, Lsn, Record, Scope};
use memory_tools::persist::journal::{Batch, Frame, FrameKind, SegmentId, encode_record};
use memory_tools::persist::{
    CaptureEnd, CollectionRecord, DataFolder, DatabaseId, Error, OpenOptions, SnapshotHeader, SnapshotReader, Stamp,
    Verdict, Writer, check,
};
use proptest::prelude::*;
use sim_disk::SimDisk;

const STAMP: Stamp = Stamp { database_id: DatabaseId([7; 16]), salt: 99 };
const FILE: &str = "data/database.mtdb";
const CAPTURE_END: Lsn = Lsn(1000);

fn options() -> CollectionOptions {
    CollectionOptions { default_ttl_ms: Some(30_000), require_conditional: true }
}

fn header(collections: &[&str]) -> SnapshotHeader {
    let record = |name: &&str| CollectionRecord { name: (*name).to_owned(), created: Lsn(2), options: options() };
    SnapshotHeader {
        next_lsn: Lsn(900),
        capture_start: Lsn(899),
        replay_from: SegmentId::FIRST,
        captured_at: UnixMillis(12345),
        collections: collections.iter().map(record).collect(),
    }
}

fn entry(key: &str, value: &str, version: u64, deadline: Deadline) -> Entry {
    let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
    Entry { document, version: Lsn(version), deadline }
}

type Documents = Vec<(Option<usize>, Entry)>;

/// What the writer makes of `documents`.
fn written(stamp: Stamp, header: &SnapshotHeader, documents: &Documents, block_bytes_max: usize) -> Vec<u8> {
    written_with(stamp, header, documents, block_bytes_max, &[])
}

/// What the writer makes of `documents`, and of frames that each delete those keys behind them.
fn written_with(
    stamp: Stamp,
    header: &SnapshotHeader,
    documents: &Documents,
    block_bytes_max: usize,
    replay: &[(u64, &[&str])],
) -> Vec<u8> {
    let (disk, path) = (SimDisk::new(1), Path::new("file"));
    let mut writer = Writer::create(&disk, path, stamp, header, block_bytes_max).unwrap();
    documents.iter().for_each(|(collection, entry)| writer.push(*collection, entry).unwrap());
    let mut file = writer.replay_file(&disk, Path::new("")).unwrap();
    for (first_lsn, keys) in replay {
        let mut payload = Vec::new();
        for key in *keys {
            let record = Record::Delete { scope: Scope::Main, key: Key::new(key).unwrap() };
            assert!(encode_record(&record, Batch::Ends, &mut payload).is_none());
        }
        let frame = Frame {
            kind: FrameKind::Records,
            first_lsn: Lsn(*first_lsn),
            count: keys.len() as u32,
            parts: &[IoSlice::new(&payload)],
            durable_lsn: Lsn::ZERO,
            written_at: UnixMillis(12346),
        };
        file.append(&frame).unwrap();
    }
    let replay = if replay.is_empty() { None } else { Some(file) };
    writer.finish(CaptureEnd { lsn: CAPTURE_END, replay }).unwrap();
    disk.content(path).unwrap()
}

/// What the replay section holds, each record as its LSN and the key that it deletes.
fn replayed(content: &[u8]) -> Result<Vec<(u64, String)>, Error> {
    let mut records = Vec::new();
    open(content)?.replay(|lsn, record| match record {
        Record::Delete { key, .. } => records.push((lsn.0, key.as_str().to_owned())),
        other => panic!("{other:?}"),
    })?;
    Ok(records)
}

fn disk_with(content: &[u8]) -> SimDisk {
    let disk = SimDisk::new(1);
    disk.place(Path::new(FILE), content);
    disk
}

fn open(content: &[u8]) -> Result<SnapshotReader, Error> {
    SnapshotReader::open(&disk_with(content), Path::new(FILE), "nothing was changed")
}

fn read(content: &[u8]) -> Result<(Vec<CollectionRecord>, Documents), Error> {
    let reader = open(content)?;
    let mut documents = Documents::new();
    for number in 0..reader.block_count() {
        let block = reader.read_block(number)?;
        documents.extend(block.entries.into_iter().map(|entry| (block.collection, entry)));
    }
    assert_eq!(documents.len() as u64, reader.documents());
    replayed(content)?;
    Ok((reader.collections().to_vec(), documents))
}

fn sample() -> Documents {
    let soon = Deadline::at(UnixMillis(777));
    vec![
        (None, entry("alpha", "{\"a\": 1.0}", 1, Deadline::NEVER)),
        (None, entry("beta", "[1,2,3]", 7, soon)),
        (None, entry("gamma", "\"a longer text that fills a block\"", 8, Deadline::NEVER)),
        (Some(0), entry("k", "null", 9, soon)),
        (Some(1), entry("k", "true", 1000, Deadline::NEVER)),
    ]
}

/// A snapshot of four blocks and three records behind them.
fn small_snapshot() -> Vec<u8> {
    let replay: &[(u64, &[&str])] = &[(900, &["beta"]), (950, &["gamma", "delta"])];
    let content = written_with(STAMP, &header(&["users", "b c"]), &sample(), 64, replay);
    let expected = [(900, "beta"), (950, "gamma"), (951, "delta")].map(|(lsn, key)| (lsn, key.to_owned()));
    assert_eq!(replayed(&content).unwrap(), expected);
    assert_eq!(open(&content).unwrap().block_count(), 4);
    assert_eq!(read(&content).unwrap().1, sample());
    content
}

/// Reads damaged `content`, which must be refused, and returns the offset that the refusal names.
fn refusal(content: &[u8], context: &str) -> u64 {
    let disk: Arc<dyn Disk> = Arc::new(disk_with(content));
    let report = check(&disk, Path::new("data")).unwrap();
    assert!(report.files.iter().any(|file| file.verdict == Verdict::Unsound), "{context}: check finds nothing");
    match read(content) {
        Err(Error::Damaged { damage, advice }) => {
            assert_eq!(damage.path, Path::new(FILE), "{context}");
            assert!(advice.contains("memory-tools check"), "{context}: {advice}");
            damage.offset
        }
        other => panic!("{context}: {other:?}"),
    }
}

#[test]
fn every_flipped_bit_of_a_snapshot_is_refused_in_the_part_it_is_in() {
    let content = small_snapshot();
    for bit in 0..content.len() * 8 {
        let mut flipped = content.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let offset = refusal(&flipped, &format!("bit {bit}"));
        assert!(offset < content.len() as u64, "bit {bit}: offset {offset}");
    }
}

#[test]
fn every_truncated_length_and_every_appended_byte_is_refused() {
    let content = small_snapshot();
    for length in 0..content.len() {
        refusal(&content[..length], &format!("length {length}"));
    }
    refusal(&[content.as_slice(), b"\0"].concat(), "a byte more");
    refusal(&[content.as_slice(), &content].concat(), "the file twice");
}

#[test]
fn a_damaged_block_is_named_by_number_and_offset() {
    let mut content = small_snapshot();
    let at = content.windows(4).position(|window| window == b"beta").unwrap();
    content[at] = b'B';
    let message = read(&content).unwrap_err().to_string();
    assert!(message.contains("data/database.mtdb: damaged: block 0, byte"), "{message}");
    assert!(message.contains("expected checksum"), "{message}");
}

#[test]
fn blocks_that_are_swapped_or_of_another_file_do_not_validate() {
    let [first, second] = ["null", "true"].map(|value| entry("k", value, 9, Deadline::NEVER));
    let content = written(STAMP, &header(&["a", "b"]), &vec![(Some(0), first), (Some(1), second)], 64);
    let head_bytes = 20;
    let block_bytes = head_bytes + 15 + 5 + 4;
    let start = content.windows(4).position(|window| window == b"null").unwrap() - 16 - head_bytes;
    let mut swapped = content.clone();
    swapped[start..start + 2 * block_bytes].rotate_left(block_bytes);
    refusal(&swapped, "swapped blocks");
    let mut swapped = content.clone();
    for at in start + head_bytes..start + block_bytes {
        swapped.swap(at, at + block_bytes);
    }
    refusal(&swapped, "swapped payloads under the heads of their places");

    // The same documents of the same database, written a second time: another salt.
    let other = written(Stamp { salt: 100, ..STAMP }, &header(&["users", "b c"]), &sample(), 64);
    let start = 20 + 60 + (14 + 5) + (14 + 3) + 4;
    let mut mixed = small_snapshot();
    mixed[start..start + 100].copy_from_slice(&other[start..start + 100]);
    refusal(&mixed, "a block of an older snapshot");
}

#[test]
fn a_replay_section_that_passes_the_capture_end_is_damage_in_its_frame() {
    let replay: &[(u64, &[&str])] = &[(999, &["beta"]), (1000, &["gamma"])];
    let content = written_with(STAMP, &header(&[]), &Documents::new(), 64, replay);
    assert_eq!(replayed(&content).unwrap().len(), 2);
    let error = replayed(&small_snapshot_with_earlier_end()).unwrap_err().to_string();
    assert!(error.contains("frame 1 of the replay section") && error.contains("LSNs up to 949"), "{error}");
}

/// The small snapshot with a footer that says, under a checksum that holds, that the capture ended at 949.
fn small_snapshot_with_earlier_end() -> Vec<u8> {
    let mut content = written_with(STAMP, &header(&[]), &Documents::new(), 64, &[(900, &["a"]), (950, &["b"])]);
    let footer = content.len() - 28 - 40;
    content[footer + 12..footer + 20].copy_from_slice(&949u64.to_le_bytes());
    let place = [STAMP.database_id.0.as_slice(), &STAMP.salt.to_le_bytes(), &[4], &0u32.to_le_bytes()].concat();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&place), &content[footer..footer + 36]);
    content[footer + 36..footer + 40].copy_from_slice(&checksum.to_le_bytes());
    content
}

#[test]
fn a_replay_section_of_another_file_does_not_validate() {
    let replay: &[(u64, &[&str])] = &[(900, &["a"]), (901, &["b"])];
    let content = written_with(STAMP, &header(&[]), &Documents::new(), 64, replay);
    let other = written_with(Stamp { salt: 100, ..STAMP }, &header(&[]), &Documents::new(), 64, replay);
    let start = content.windows(4).position(|window| window == b"MTJF").unwrap();
    let mut mixed = content.clone();
    mixed[start..start + 65].copy_from_slice(&other[start..start + 65]);
    assert_eq!(refusal(&mixed, "a frame of an older snapshot") as usize, start + 52);
    let mut swapped = content;
    swapped[start..start + 2 * 65].rotate_left(65);
    assert_eq!(refusal(&swapped, "swapped frames") as usize, start + 8);
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let mut content = small_snapshot();
    content[8] = 2;
    let checksum = crc32c::crc32c(&content[..16]);
    content[16..20].copy_from_slice(&checksum.to_le_bytes());
    let error = read(&content).unwrap_err();
    assert!(matches!(error, Error::Newer { .. }), "{error}");
    assert!(error.to_string().contains("format version 2, newer than 1"), "{error}");
}

#[test]
fn every_damaged_identity_is_refused_and_left_as_it_is() {
    let disk = SimDisk::new(1);
    let options = OpenOptions { pid: 1, import_skip: false };
    let open = || DataFolder::open(Arc::new(disk.clone()), Path::new("data"), options);
    let (first, _) = open().unwrap();
    first.raise_ceiling(Lsn(1 << 24)).unwrap();
    drop(first);
    let path = Path::new("data/IDENTITY");
    let content = disk.content(path).unwrap();
    let check = |damaged: &[u8], context: &str| {
        disk.place(path, damaged);
        let error = open().map(|(_, found)| found).unwrap_err();
        assert!(matches!(&error, Error::Damaged { damage, .. } if damage.path == path), "{context}: {error}");
        assert_eq!(disk.content(path).unwrap(), damaged, "{context}");
    };
    for bit in 0..content.len() * 8 {
        let mut flipped = content.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        check(&flipped, &format!("bit {bit}"));
    }
    for length in 0..content.len() {
        check(&content[..length], &format!("length {length}"));
    }
    disk.place(path, &content);
    assert_eq!(open().unwrap().1.next_lsn, Lsn(1 << 24));
}

#[test]
fn a_document_larger_than_a_block_has_one_of_its_own() {
    let long = format!("\"{}\"", "x".repeat(5000));
    let documents: Documents = [("a", "1"), ("b", long.as_str()), ("c", "2"), ("d", "3")]
        .into_iter()
        .map(|(key, value)| (None, entry(key, value, 1, Deadline::NEVER)))
        .collect();
    let content = written(STAMP, &header(&[]), &documents, 100);
    let reader = open(&content).unwrap();
    let sizes: Vec<usize> = (0..reader.block_count()).map(|it| reader.read_block(it).unwrap().entries.len()).collect();
    assert_eq!(sizes, [1, 1, 2]);
    assert_eq!(read(&content).unwrap().1, documents);
}

#[test]
fn blocks_are_read_from_several_threads_at_once() {
    let value = format!("\"{}\"", "y".repeat(300));
    let documents: Documents =
        (0..200).map(|index| (None, entry(&format!("k{index}"), &value, 1, Deadline::NEVER))).collect();
    let reader = open(&written(STAMP, &header(&[]), &documents, 1000)).unwrap();
    let read = |first: usize| -> Vec<(usize, Entry)> {
        let mine = (first..reader.block_count()).step_by(4);
        mine.flat_map(|it| reader.read_block(it).unwrap().entries.into_iter().map(move |entry| (it, entry))).collect()
    };
    let mut all: Vec<(usize, Entry)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|first| scope.spawn(move || read(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_by_key(|(block, _)| *block);
    assert!(all.into_iter().map(|(_, entry)| (None, entry)).eq(documents));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        names in prop::collection::btree_set("[^/\0]{1,12}", 0..4),
        documents in prop::collection::btree_map(
            (0usize..5, "[^\0]{1,40}"),
            (prop::collection::vec(any::<u8>(), 1..300), 1u64..=CAPTURE_END.0, prop::option::of(0..u64::MAX)),
            0..60,
        ),
        block_bytes_max in 0usize..2000,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let header = header(&names);
        let model: BTreeMap<(usize, String), Entry> = documents
            .into_iter()
            .filter(|((collection, key), _)| *collection <= names.len() && Key::new(key).is_ok())
            .map(|((collection, key), (value, version, deadline))| {
                let deadline = deadline.map_or(Deadline::NEVER, |moment| Deadline::at(UnixMillis(moment)));
                let document = Document::new(Key::new(&key).unwrap(), &value);
                ((collection, key), Entry { document, version: Lsn(version), deadline })
            })
            .collect();
        let documents: Documents =
            model.into_iter().map(|((collection, _), entry)| (collection.checked_sub(1), entry)).collect();
        let content = written(STAMP, &header, &documents, block_bytes_max);
        prop_assert_eq!(read(&content).unwrap(), (header.collections, documents));
    }
}

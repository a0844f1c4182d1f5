//! The data folder as an operator meets it: what is loaded, imported or refused, in which words, and what changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use memory_tools::base::clock::UnixMillis;
use memory_tools::base::disk::{Disk, RealDisk};
use memory_tools::model::{Deadline, Document, Entry, Key, Lsn};
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{
    Content, DataFolder, Error, Found, GoImport, GoSummary, OpenOptions, Refused, SnapshotHeader, check,
};

const STOP: OpenOptions = OpenOptions { pid: 4711, import_skip: false };
const SKIP: OpenOptions = OpenOptions { pid: 4711, import_skip: true };

fn open(path: &Path) -> Result<(DataFolder, Found), Error> {
    DataFolder::open(Arc::new(RealDisk), path, STOP)
}

fn snapshot(folder: &DataFolder, values: &[(&str, &str)]) {
    let (next_lsn, capture_start, captured_at) = (Lsn(50), Lsn(49), UnixMillis(1));
    folder.raise_ceiling(Lsn(100)).unwrap();
    let header =
        SnapshotHeader { next_lsn, capture_start, replay_from: SegmentId::FIRST, captured_at, collections: Vec::new() };
    let mut writer = folder.begin_snapshot(header).unwrap();
    for (key, value) in values {
        let document = Document::new(Key::new(key).unwrap(), value.as_bytes());
        writer.push(None, &Entry { document, version: Lsn(3), deadline: Deadline::NEVER }).unwrap();
    }
    writer.finish(Lsn(49)).unwrap();
}

/// A folder with two snapshots taken, the newer one holding `k` = 2.
fn two_snapshots() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let (folder, _) = open(root.path()).unwrap();
    snapshot(&folder, &[("k", "1")]);
    snapshot(&folder, &[("k", "2")]);
    root
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let within = self::files(&entry.path());
            files.extend(within.into_iter().map(|(inner, content)| (format!("{name}/{inner}"), content)));
        } else if name != "LOCK" {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// Opening must fail, say all of `words`, and change nothing.
fn check_refused(folder: &Path, words: &[&str]) -> Error {
    let before = files(folder);
    let error = open(folder).map(|(_, found)| found).unwrap_err();
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message}");
    words.iter().for_each(|word| assert!(message.contains(word), "{word:?} is not in: {message}"));
    assert_eq!(files(folder), before);
    error
}

fn loaded(found: &Found) -> Vec<(String, String)> {
    let Content::Snapshot(snapshot) = &found.content else { panic!("not a snapshot: {found:?}") };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let entries = (0..snapshot.block_count()).flat_map(|number| snapshot.read_block(number).unwrap().entries);
    entries.map(|entry| (entry.document.key().as_str().to_owned(), text(entry.document.value()))).collect()
}

#[test]
fn a_second_instance_is_refused_with_the_pid_of_the_first() {
    let root = tempfile::tempdir().unwrap();
    let (first, _) = open(root.path()).unwrap();
    let error = check_refused(root.path(), &["in use by another memory-tools (pid 4711)", "data_dir"]);
    assert!(matches!(error, Error::InUse { .. }));
    drop(first);
    assert!(open(root.path()).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open(&file.join("data")).map(|(_, found)| found).unwrap_err();
    assert!(error.to_string().contains("file/data: cannot create: "), "{error}");
}

#[test]
fn a_fresh_folder_is_empty_and_begins_with_lsn_1() {
    let root = tempfile::tempdir().unwrap();
    let (_folder, found) = open(&root.path().join("a/b")).unwrap();
    assert!(matches!(found.content, Content::Empty));
    assert_eq!((found.next_lsn, found.lsn_ceiling, found.notes.len()), (Lsn(1), Lsn(1), 0));
}

#[test]
fn the_newest_snapshot_is_loaded_and_the_one_before_is_kept() {
    let root = two_snapshots();
    let (_folder, found) = open(root.path()).unwrap();
    assert_eq!(loaded(&found), [("k".to_owned(), "2".to_owned())]);
    assert_eq!(found.next_lsn, Lsn(100));
    assert!(found.notes[0].contains("the last stop was not a clean one"), "{:?}", found.notes);
    assert_eq!(files(root.path()).into_keys().collect::<Vec<_>>(), ["IDENTITY", "database.mtdb", "database.mtdb.prev"]);
}

#[test]
fn unfinished_files_are_removed_after_the_load_and_said_so() {
    let root = two_snapshots();
    let unfinished = ["database.mtdb.tmp", "database.mtdb.prev.tmp", "IDENTITY.tmp", "journal.tmp", "replay.tmp"];
    for name in unfinished {
        fs::write(root.path().join(name), "half").unwrap();
    }
    fs::write(root.path().join("notes.tmp"), "of somebody else").unwrap();
    let before = files(root.path());
    let (folder, _) = open(root.path()).unwrap();
    assert_eq!(files(root.path()), before, "a start may still fail");
    let notes = folder.remove_unfinished().unwrap();
    assert_eq!(notes.iter().filter(|note| note.contains("never finished")).count(), unfinished.len());
    let names: Vec<String> = files(root.path()).into_keys().filter(|name| name.ends_with("tmp")).collect();
    assert_eq!(names, ["notes.tmp"]);
}

#[test]
fn a_snapshot_that_is_given_up_leaves_nothing_and_frees_the_way_for_another() {
    let root = two_snapshots();
    let (folder, _) = open(root.path()).unwrap();
    let before = files(root.path());
    let header = || SnapshotHeader {
        next_lsn: Lsn(1),
        capture_start: Lsn(0),
        replay_from: SegmentId::FIRST,
        captured_at: UnixMillis(0),
        collections: vec![],
    };
    let writer = folder.begin_snapshot(header()).unwrap();
    assert!(matches!(folder.begin_snapshot(header()), Err(Error::SnapshotRunning { .. })));
    drop(writer);
    assert_eq!(files(root.path()), before);
    assert!(folder.begin_snapshot(header()).is_ok());
}

#[test]
fn a_damaged_snapshot_is_refused_with_the_way_back() {
    let root = two_snapshots();
    let path = root.path().join("database.mtdb");
    let mut content = fs::read(&path).unwrap();
    let cut = content.len() - 3;
    content.truncate(cut);
    fs::write(&path, content).unwrap();
    let words = ["database.mtdb: damaged: the end mark, byte", "memory-tools check", "mv database.mtdb.prev"];
    check_refused(root.path(), &words);
    fs::write(&path, [0; 100]).unwrap();
    check_refused(root.path(), &["database.mtdb is no snapshot", "mv database.mtdb.prev database.mtdb"]);
    fs::rename(root.path().join("database.mtdb.prev"), &path).unwrap();
    assert_eq!(loaded(&open(root.path()).unwrap().1), [("k".to_owned(), "1".to_owned())]);
}

#[test]
fn a_missing_snapshot_is_refused_with_and_without_the_one_before() {
    let root = two_snapshots();
    fs::remove_file(root.path().join("database.mtdb")).unwrap();
    check_refused(root.path(), &["database.mtdb is missing", "mv database.mtdb.prev database.mtdb"]);
    fs::remove_file(root.path().join("database.mtdb.prev")).unwrap();
    let error = check_refused(root.path(), &["database.mtdb is missing; put it back, or move the folder away"]);
    assert!(matches!(error, Error::Refused { refused: Refused::SnapshotMissing { previous: false }, .. }));
}

#[test]
fn a_snapshot_without_its_identity_is_refused() {
    let root = two_snapshots();
    fs::remove_file(root.path().join("IDENTITY")).unwrap();
    check_refused(root.path(), &["no IDENTITY", "put back the IDENTITY that belongs to it"]);
}

#[test]
fn a_snapshot_of_another_database_is_refused_with_both_ids() {
    let (ours, theirs) = (two_snapshots(), two_snapshots());
    fs::copy(theirs.path().join("database.mtdb"), ours.path().join("database.mtdb")).unwrap();
    let error = check_refused(ours.path(), &["belongs to database", "but IDENTITY beside it to"]);
    assert!(matches!(error, Error::Foreign { .. }));
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    assert!(!check(&disk, ours.path()).unwrap().is_sound());
}

#[test]
fn an_identity_older_than_its_snapshot_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (folder, _) = open(root.path()).unwrap();
    folder.raise_ceiling(Lsn(10)).unwrap();
    let older = fs::read(root.path().join("IDENTITY")).unwrap();
    snapshot(&folder, &[]);
    drop(folder);
    fs::write(root.path().join("IDENTITY"), older).unwrap();
    // The older one says that nothing was published, too; the numbers give it away.
    let error = check_refused(root.path(), &["IDENTITY: would go on from LSN 10", "has seen 49", "older copy"]);
    assert!(matches!(error, Error::IdentityOlder { .. }));
}

#[test]
fn a_ceiling_is_never_lowered_but_by_a_clean_stop() {
    let root = tempfile::tempdir().unwrap();
    let (folder, _) = open(root.path()).unwrap();
    folder.raise_ceiling(Lsn(100)).unwrap();
    folder.raise_ceiling(Lsn(50)).unwrap();
    drop(folder);
    let (folder, found) = open(root.path()).unwrap();
    assert_eq!(found.next_lsn, Lsn(100));
    folder.record_clean_stop(Lsn(60)).unwrap();
    drop(folder);
    let (_folder, found) = open(root.path()).unwrap();
    assert_eq!((found.next_lsn, found.notes.len()), (Lsn(60), 0));
}

#[test]
fn a_snapshot_before_the_first_lsn_has_its_identity_beside_it() {
    let root = tempfile::tempdir().unwrap();
    let (folder, found) = open(root.path()).unwrap();
    let (next_lsn, captured_at) = (found.next_lsn, UnixMillis(1));
    let header = SnapshotHeader {
        next_lsn,
        capture_start: Lsn(0),
        replay_from: SegmentId::FIRST,
        captured_at,
        collections: Vec::new(),
    };
    folder.begin_snapshot(header).unwrap().finish(Lsn(0)).unwrap();
    drop(folder);
    let (_folder, found) = open(root.path()).unwrap();
    assert_eq!(loaded(&found), []);
}

#[test]
fn lsns_beyond_the_last_one_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (folder, _) = open(root.path()).unwrap();
    let error = folder.raise_ceiling(Lsn(1 << 53)).unwrap_err();
    assert!(matches!(error, Error::LsnsExhausted { .. }), "{error}");
    folder.raise_ceiling(Lsn(5)).unwrap();
}

#[test]
fn check_says_what_is_there_and_finds_what_is_damaged() {
    let root = two_snapshots();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let report = check(&disk, root.path()).unwrap();
    let text = report.to_string();
    assert!(report.is_sound(), "{text}");
    for word in ["identity of database", "1 documents of 2 bytes", "up to LSN 49", "everything is sound"] {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
    let path = root.path().join("database.mtdb.prev");
    let mut content = fs::read(&path).unwrap();
    content[120] ^= 1;
    fs::write(&path, &content).unwrap();
    let report = check(&disk, root.path()).unwrap();
    assert!(!report.is_sound() && report.to_string().contains("UNSOUND"), "{report}");
    assert!(!check(&disk, &path).unwrap().is_sound());
    assert!(check(&disk, &root.path().join("missing")).is_err());
}

/// The Go server's own files, recorded from it.
fn go_fixture() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go");
    fs::create_dir(root.path().join("collections")).unwrap();
    for name in ["in-memory.mtdb", "collections/users.cmtdb", "collections/ghost.cmtdb"] {
        fs::copy(from.join(name), root.path().join(name)).unwrap();
    }
    root
}

type Imported = BTreeMap<(String, String), String>;

fn imported(import: &GoImport) -> Result<(Imported, GoSummary), Error> {
    let mut documents = Imported::new();
    let summary = import.for_each(&mut |found| {
        let key = (found.collection.unwrap_or_default().to_owned(), found.document.key().as_str().to_owned());
        documents.insert(key, String::from_utf8(found.document.value().to_vec()).unwrap());
    })?;
    Ok((documents, summary))
}

#[test]
fn the_recorded_files_of_the_go_server_are_imported_to_the_byte() {
    let root = go_fixture();
    let (folder, found) = open(root.path()).unwrap();
    let Content::Go(import) = &found.content else { panic!("{found:?}") };
    assert_eq!(import.collections().collect::<Vec<_>>(), ["ghost", "users"]);
    let (documents, summary) = imported(import).unwrap();
    let expected: &[(&str, &str)] = &[
        ("ttl0", "{\"x\":1}"),
        ("s", "\"plain\""),
        ("a b", "{}"),
        ("t", "true"),
        ("ttl", "{\"x\":1}"),
        ("user:1", "{\"name\":\"Grace\"}"),
        ("tg", "{}"),
        ("ttln", "{\"x\":1}"),
        ("list", "[1,\"two\",null,true]"),
        ("spaced", "{ \"b\" : 1.0,\n  \"a\":[1, 2,3 ] , \"big\":12345678901234567890123, \"e\":1E5 }"),
        ("tab\tx", "{}"),
        ("clé/日本", "{\"ok\":true}"),
        ("eo", "{}"),
        ("quo\"te", "{}"),
    ];
    let mut expected: Imported =
        expected.iter().map(|(key, value)| ((String::new(), (*key).to_owned()), (*value).to_owned())).collect();
    expected.insert(("users".to_owned(), "u1".to_owned()), "{\"theme\":\"dark\"}".to_owned());
    assert_eq!(documents, expected);
    assert_eq!(summary, GoSummary { documents: 15, skipped: 0, notes: Vec::new() });

    snapshot(&folder, &[("k", "1")]);
    folder.finish_import().unwrap();
    let names: Vec<String> = files(root.path()).into_keys().collect();
    let originals =
        ["collections/ghost.cmtdb.go-original", "collections/users.cmtdb.go-original", "in-memory.mtdb.go-original"];
    assert_eq!(names, [&["IDENTITY"], &originals[..2], &["database.mtdb"], &originals[2..]].concat());
}

#[test]
fn go_files_beside_an_existing_database_are_left_alone_and_mentioned() {
    let root = two_snapshots();
    fs::copy(go_fixture().path().join("in-memory.mtdb"), root.path().join("in-memory.mtdb")).unwrap();
    let (_folder, found) = open(root.path()).unwrap();
    assert_eq!(loaded(&found).len(), 1);
    assert!(found.notes.iter().any(|note| note.contains("in-memory.mtdb") && note.contains("not imported")));
    assert!(files(root.path()).contains_key("in-memory.mtdb"));
}

#[test]
fn imported_originals_without_their_snapshot_are_refused() {
    let root = go_fixture();
    fs::rename(root.path().join("in-memory.mtdb"), root.path().join("in-memory.mtdb.go-original")).unwrap();
    fs::remove_dir_all(root.path().join("collections")).unwrap();
    check_refused(root.path(), &["*.go-original", "no database.mtdb"]);
}

#[test]
fn an_original_in_the_way_is_refused_before_anything_is_changed() {
    let root = go_fixture();
    fs::write(root.path().join("in-memory.mtdb.go-original"), "another").unwrap();
    let error = check_refused(root.path(), &["in-memory.mtdb.go-original: already exists", "move one of them away"]);
    assert!(matches!(error, Error::OriginalExists { .. }));
}

fn go_file(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut content = (entries.len() as u32).to_le_bytes().to_vec();
    for part in entries.iter().flat_map(|(key, value)| [key, value]) {
        content.extend_from_slice(&(part.len() as u32).to_le_bytes());
        content.extend_from_slice(part);
    }
    content
}

/// Imports `content` as the main store, stopping and skipping.
fn import(content: &[u8]) -> (Result<(Imported, GoSummary), Error>, (Imported, GoSummary)) {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("in-memory.mtdb"), content).unwrap();
    let [stop, skip] = [STOP, SKIP].map(|options| {
        let (_folder, found) = DataFolder::open(Arc::new(RealDisk), root.path(), options).unwrap();
        let Content::Go(import) = &found.content else { panic!("{found:?}") };
        imported(import)
    });
    (stop, skip.unwrap())
}

#[test]
fn an_entry_that_cannot_be_imported_stops_the_import_or_is_left_out() {
    let long = [b'x'; 1025];
    let cases: &[(&[u8], &[u8], u64, &str)] = &[
        (&long, b"1", 18, "at most 1024 bytes"),
        (b"a\0", b"1", 18, "no NUL"),
        (b"", b"1", 18, "at least one byte"),
        (b"\xff", b"1", 18, "not text"),
        (b"k", b"{", 23, "not JSON"),
        (b"k", b"", 23, "not JSON"),
        (b"k", b"1 2", 23, "not JSON"),
    ];
    for (key, value, offset, word) in cases {
        let content = go_file(&[(b"a", b"1"), (key, value), (b"z", b"2")]);
        let (stopped, (documents, summary)) = import(&content);
        let Err(Error::Import { path, offset: named, cause }) = stopped else { panic!("{word}: {stopped:?}") };
        assert!(path.ends_with("in-memory.mtdb") && cause.contains(word), "{word}: {cause}");
        assert_eq!(named, *offset, "{cause}");
        assert_eq!((documents.len(), summary.documents, summary.skipped), (2, 2, 1), "{word}");
        assert!(summary.notes[0].contains(word), "{:?}", summary.notes);
    }
}

#[test]
fn white_space_around_an_imported_value_is_taken_off() {
    let (stopped, _) = import(&go_file(&[(b"k", b" {\"a\" : 1}\n")]));
    assert_eq!(stopped.unwrap().0.into_values().collect::<Vec<_>>(), ["{\"a\" : 1}"]);
}

#[test]
fn a_go_file_that_is_cut_or_goes_on_is_an_error_at_every_length() {
    let content = go_file(&[(b"a", b"1"), (b"b", b"[2]"), (b"c", b"{}")]);
    for length in 0..content.len() {
        let (stopped, (documents, summary)) = import(&content[..length]);
        assert!(matches!(stopped, Err(Error::Import { .. })), "length {length}: {stopped:?}");
        assert!(length < 4 || documents.len() as u64 + summary.skipped == 3, "length {length}: {summary:?}");
    }
    let (stopped, (documents, _)) = import(&[content.as_slice(), b"!"].concat());
    assert!(stopped.unwrap_err().to_string().contains("1 bytes after the last of 3 entries"));
    assert_eq!(documents.len(), 3);
}

#[test]
fn lengths_of_a_go_file_that_lie_are_held_against_the_file() {
    let content = go_file(&[(b"a", b"1"), (b"b", b"[2]")]);
    for (at, byte) in (0..content.len()).flat_map(|at| [(at, 0x80), (at, 0xff)]) {
        let mut lying = content.clone();
        lying[at] = byte;
        // It must end, without an allocation that the file cannot justify.
        let (_, (documents, _)) = import(&lying);
        assert!(documents.len() <= 2, "byte {at}");
    }
}

#[test]
fn a_collection_whose_name_is_none_stops_the_import_or_is_left_out() {
    let root = go_fixture();
    let long = format!("collections/{}.cmtdb", "n".repeat(129));
    fs::write(root.path().join(&long), go_file(&[])).unwrap();
    check_refused(root.path(), &[&long, "at most 128 bytes", "--import-skip"]);
    let (_folder, found) = DataFolder::open(Arc::new(RealDisk), root.path(), SKIP).unwrap();
    let Content::Go(import) = &found.content else { panic!("{found:?}") };
    let (documents, summary) = imported(import).unwrap();
    assert_eq!((documents.len(), summary.notes.len()), (15, 1));
}

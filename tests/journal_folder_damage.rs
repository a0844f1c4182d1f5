//! A whole data folder damaged in every small way: a start refuses and changes nothing, or it has everything. Only what
//! no later frame protects may be taken for an interrupted write: the last frame, while no mark stands behind it, and
//! what a newest segment has lost with all that stood behind. Then what is loaded is the state before it.

#[path = "recovery/mod.rs"]
mod recovery;
#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use memory_tools::persist::Error;
use memory_tools::persist::journal::{FrameKind, SEGMENT_HEADER_BYTES};
use recovery::{Run, State, load, open, path, segment_path};
use sim_disk::SimDisk;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A folder as a killed server has left it.
struct Left {
    files: Files,
    /// What it held when the newest segment began, and behind each of its frames with records.
    states: Vec<State>,
    /// Where the last of these frames begins.
    last_frame: (PathBuf, u64),
}

/// Two snapshots, the segments before, between and behind them, every frame synced before the next.
fn left(is_marked: bool) -> Left {
    let disk = SimDisk::new(1);
    let mut run = Run::start(&disk).unwrap();
    run.put(&["a", "b"]);
    run.sync();
    run.snapshot();
    run.put(&["b"]);
    run.sync();
    run.delete("a");
    run.sync();
    run.snapshot();
    run.put(&["c", "d"]);
    run.sync();
    run.rotate();
    let mut states = vec![run.state.clone()];
    run.put(&["c"]);
    run.sync();
    states.push(run.state.clone());
    let last_frame = (segment_path(4), run.segment.bytes());
    run.put(&["e", "b"]);
    run.sync();
    if is_marked {
        run.mark(FrameKind::Mark);
    }
    states.push(run.state.clone());
    drop(run);
    disk.kill();
    Left { files: files(&disk), states, last_frame }
}

/// All files but the lock's.
fn files(disk: &SimDisk) -> Files {
    disk.files().into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect()
}

fn disk_with(files: &Files) -> SimDisk {
    let disk = SimDisk::new(1);
    files.iter().for_each(|(path, content)| disk.place(path, content));
    disk
}

/// Starts on `files` up to where every document is loaded, from an older snapshot if it must be.
fn start(files: &Files, context: &str) -> Result<State, Error> {
    let disk = disk_with(files);
    let loaded =
        open(&disk).and_then(|(folder, found)| load(&found).or_else(|damage| load(&folder.fall_back(damage)?)));
    assert!(self::files(&disk) == *files, "{context}: a start that was not finished has changed the folder");
    if let Err(error) = &loaded {
        let message = error.to_string();
        assert!(!message.contains('\n') && message.contains("srv/data"), "{context}: {message}");
    }
    loaded
}

/// What became of a damaged folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    Refused,
    Whole,
    /// The newest segment ends behind this many of its frames.
    Ends(usize),
}

impl Left {
    /// Starts on the folder after `change`, which must be refused or lead to a state that was.
    fn after(&self, context: &str, change: impl FnOnce(&mut Files)) -> Became {
        let mut files = self.files.clone();
        change(&mut files);
        match start(&files, context) {
            Err(_) => Became::Refused,
            Ok(state) => match self.states.iter().position(|it| *it == state) {
                Some(2) => Became::Whole,
                Some(frames) => Became::Ends(frames),
                None => panic!("{context}: a state that never was: {state:?}"),
            },
        }
    }

    /// Whether the byte at `at` of the file `path` is of the last frame with records, or behind it.
    fn is_last(&self, path: &Path, at: usize) -> bool {
        path == self.last_frame.0 && at as u64 >= self.last_frame.1
    }

    /// Whether a start reads the file only when another is damaged.
    fn is_spare(path: &Path) -> bool {
        path.ends_with("database.mtdb.prev") || [1, 2].iter().any(|id| path == segment_path(*id))
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_or_harms_nothing() {
    let left = left(true);
    assert_eq!(left.after("unharmed", |_| ()), Became::Whole);
    for (file, content) in &left.files {
        for bit in 0..content.len() * 8 {
            let context = format!("{}, bit {bit}", file.display());
            let became = left.after(&context, |files| files.get_mut(file).unwrap()[bit / 8] ^= 1 << (bit % 8));
            let expected = match file {
                file if Left::is_spare(file) => Became::Whole,
                // The snapshot before it and its segments lead to the same state.
                file if file.ends_with("database.mtdb") => Became::Whole,
                // The mark holds nothing but the knowledge that what stands before it was durable.
                file if left.is_last(file, bit / 8) && bit / 8 + 56 >= content.len() => Became::Whole,
                _ => Became::Refused,
            };
            assert_eq!(became, expected, "{context}");
        }
    }
}

#[test]
fn without_a_mark_the_last_frame_alone_may_look_torn() {
    let left = left(false);
    let (file, from) = &left.last_frame;
    let content = &left.files[file];
    for at in 0..content.len() {
        let context = format!("byte {at}");
        let became = left.after(&context, |files| files.get_mut(file).unwrap()[at] ^= 0x40);
        let expected = if at as u64 >= *from { Became::Ends(1) } else { Became::Refused };
        assert_eq!(became, expected, "{context}");
    }
}

#[test]
fn a_file_of_another_length_is_refused_or_harms_nothing() {
    let left = left(true);
    for (file, content) in &left.files {
        for length in 0..content.len() {
            let context = format!("{}, {length} bytes", file.display());
            let became = left.after(&context, |files| files.get_mut(file).unwrap().truncate(length));
            let expected = match file {
                file if Left::is_spare(file) || file.ends_with("database.mtdb") => Became::Whole,
                // A mark that is gone is not missed, and without it the last frame looks torn.
                file if left.is_last(file, length) && length + 56 < content.len() => Became::Ends(1),
                file if left.is_last(file, length) => Became::Whole,
                // Nothing is left that knows of what was cut off.
                file if *file == left.last_frame.0 && length >= SEGMENT_HEADER_BYTES => Became::Ends(0),
                _ => Became::Refused,
            };
            assert_eq!(became, expected, "{context}");
        }
        let context = format!("{}, a byte more", file.display());
        let became = left.after(&context, |files| files.get_mut(file).unwrap().push(1));
        // Behind the end that the next segment names, or that a mark protects, lies nothing that counts.
        let expected = if file.ends_with("IDENTITY") { Became::Refused } else { Became::Whole };
        assert_eq!(became, expected, "{context}");
    }
}

#[test]
fn without_its_newest_snapshot_a_folder_is_refused_or_has_everything() {
    let left = left(true);
    for file in left.files.keys().filter(|file| Left::is_spare(file)) {
        for at in 0..left.files[file].len() {
            let context = format!("{}, byte {at}", file.display());
            let became = left.after(&context, |files| {
                files.get_mut(&path("database.mtdb")).unwrap()[30] ^= 1;
                files.get_mut(file).unwrap()[at] ^= 1;
            });
            // The snapshot before it needs all that follows, and no more.
            let expected = if *file == segment_path(1) { Became::Whole } else { Became::Refused };
            assert_eq!(became, expected, "{context}");
        }
    }
}

#[test]
fn a_file_that_is_gone_is_refused_or_harms_nothing() {
    let left = left(true);
    for file in left.files.keys() {
        let context = file.display().to_string();
        let became = left.after(&context, |files| drop(files.remove(file)));
        let is_needed = file.ends_with("IDENTITY") || [3, 4].iter().any(|id| *file == segment_path(*id));
        assert_eq!(became, if is_needed { Became::Refused } else { Became::Whole }, "{context}");
    }
}

#[test]
fn segments_in_each_others_places_are_refused_where_they_are_needed() {
    let left = left(true);
    let ids = [1, 2, 3, 4];
    for (first, second) in ids.iter().flat_map(|first| ids.iter().map(move |second| (*first, *second))) {
        if first == second {
            continue;
        }
        let needed = |id: u64| id >= 3;
        let copied = left.after(&format!("{first} over {second}"), |files| {
            let content = files[&segment_path(first)].clone();
            files.insert(segment_path(second), content);
        });
        assert_eq!(copied, if needed(second) { Became::Refused } else { Became::Whole }, "{first} over {second}");
        let swapped = left.after(&format!("{first} and {second}"), |files| {
            let [one, other] = [first, second].map(|id| files[&segment_path(id)].clone());
            files.insert(segment_path(first), other);
            files.insert(segment_path(second), one);
        });
        let expected = if needed(first.max(second)) { Became::Refused } else { Became::Whole };
        assert_eq!(swapped, expected, "{first} and {second}");
    }
    let doubled = left.after("4 once more", |files| {
        let content = files[&segment_path(4)].clone();
        files.insert(segment_path(5), content);
    });
    assert_eq!(doubled, Became::Refused);
}

#[test]
fn a_file_of_another_database_is_refused_where_it_is_needed() {
    let (ours, other) = (left(true), left(true));
    // Of the same commands: same LSNs, same sizes.
    for file in ours.files.keys() {
        let context = file.display().to_string();
        let became = ours.after(&context, |files| drop(files.insert(file.clone(), other.files[file].clone())));
        let expected = if Left::is_spare(file) { Became::Whole } else { Became::Refused };
        assert_eq!(became, expected, "{context}");
    }
}

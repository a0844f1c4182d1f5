//! Loading the data folder: a snapshot over all cores and the journal since it began, or the Go server's files followed
//! by a snapshot of ours.
//!
//! What the journal still has of the time before that goes to the feed of changes alone.
//!
//! The order is the promise: everything is read and replayed before anything is changed, so a start that fails has
//! changed nothing; what has expired goes after the last record; what an interrupted write left is cut off, and what was
//! replayed made durable, before the first LSN is issued.

use std::time::{Duration, Instant};

use crate::base::clock::UnixMillis;
use crate::base::log::{self, Level};
use crate::base::threads::alone;
use crate::engine::{Engine, LoadFault, Replaying};
use crate::persist::journal::Replayed;
use crate::persist::{self, Content, DataFolder, Found, GoSummary, Next, SnapshotReader};

use super::StartError;

/// Documents in memory that are worth a thread of their own: about a millisecond's work.
const DOCUMENTS_PER_THREAD: u64 = 10_000;

/// What was there at the start.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where it came from.
    pub source: Source,
    /// What of the journal was replayed over it.
    pub replayed: Replayed,
    /// What the next segment of the journal must be. After an import it goes on from the snapshot of that instead.
    pub next_segment: Next,
    /// Documents that had expired while the server was down.
    pub expired: u64,
    /// Documents that are there now.
    pub documents: u64,
    /// Collections that are there now.
    pub collections: usize,
    /// From the beginning of the start to here.
    pub duration: Duration,
}

/// Where the documents came from.
#[derive(Clone, Debug)]
pub enum Source {
    /// There were none.
    Nothing,
    /// A snapshot of ours.
    Snapshot {
        /// Size of the file.
        bytes: u64,
        /// When its capture began.
        captured_at: UnixMillis,
    },
    /// The Go server's files.
    Go(GoSummary),
}

/// Loads what was `found` in `folder` into the empty `engine` and makes sure that LSNs can be issued.
///
/// # Errors
/// Damage that nothing stands in for, with its place; files that cannot be imported; a disk that refuses IDENTITY.
pub fn load(engine: &Engine, folder: &DataFolder, found: Found, started: Instant) -> Result<Loaded, StartError> {
    let (found, source, replaying) = load_content(engine, folder, found)?;
    recall(&found, &replaying);
    let begins = |first_lsn| replaying.begin_segment(first_lsn);
    let replayed = found.journal.read_by_segment(begins, |lsn, record| {
        replaying.apply(lsn, &record);
    })?;
    replaying.finish(&threads_over(engine.totals().documents));
    engine.note_written_at(found.written_at);
    let expired = engine.reap(&|| false);
    // What can be wrong with the files has shown by now; a start that fails because of them has changed nothing.
    for note in folder.remove_unfinished()?.into_iter().chain(folder.finish_repairs(engine.now())?) {
        log::event(Level::Warn, "folder", format_args!("{note}"), &[]);
    }
    let source = match source {
        Source::Go(summary) => {
            engine.capture(folder)?;
            folder.finish_import()?;
            Source::Go(summary)
        }
        source => source,
    };
    engine.reserve().map_err(StartError::Sequence)?;
    Ok(Loaded {
        source,
        replayed,
        next_segment: found.next_segment,
        expired,
        documents: engine.totals().documents,
        collections: engine.collection_count(),
        duration: started.elapsed(),
    })
}

/// Fills the feed of changes with what is in front of the records to replay, as much as it keeps, for readers that come
/// back. What cannot be read costs them no more than that.
fn recall(found: &Found, replaying: &Replaying<'_>) {
    let bytes_max = replaying.recalled_bytes_max().saturating_sub(found.journal.bytes());
    let begins = |first_lsn| replaying.begin_segment(first_lsn);
    let recalled = found.history.read(bytes_max, begins, |lsn, record| replaying.recall(lsn, &record));
    if let Err(error) = recalled {
        replaying.forget_recalled();
        let text = format_args!("/v1/changes begins later than it could, nothing else depends on this: {error}");
        log::event(Level::Warn, "changes_incomplete", text, &[]);
    }
}

/// Loads the documents as of the snapshot, or of the one before when a block of it is bad and the journal goes back far
/// enough. Says what was found in the end.
fn load_content<'e>(
    engine: &'e Engine,
    folder: &DataFolder,
    found: Found,
) -> Result<(Found, Source, Replaying<'e>), StartError> {
    let (source, replaying) = match &found.content {
        Content::Snapshot(reader) => match load_snapshot(engine, reader) {
            Ok(loaded) => loaded,
            Err(damage) => return load_instead(engine, folder, damage),
        },
        Content::Empty => load_nothing(engine),
        Content::Go(import) => {
            let loading = engine.begin_loading();
            let summary = loading.load_go(import).map_err(|fault| match fault {
                LoadFault::Files(error) => StartError::Folder(error),
                LoadFault::Refused(refusal) => StartError::Sequence(refusal),
            })?;
            (Source::Go(summary), loading.index(&threads_over(engine.totals().documents)))
        }
    };
    Ok((found, source, replaying))
}

/// Loads what stands in for the snapshot that has shown `damage`. Damage in that as well is the last word.
fn load_instead<'e>(
    engine: &'e Engine,
    folder: &DataFolder,
    damage: persist::Error,
) -> Result<(Found, Source, Replaying<'e>), StartError> {
    let found = folder.fall_back(damage)?;
    engine.clear();
    for note in &found.notes {
        log::event(Level::Warn, "folder", format_args!("{note}"), &[]);
    }
    let (source, replaying) = match &found.content {
        Content::Snapshot(reader) => load_snapshot(engine, reader)?,
        Content::Empty => load_nothing(engine),
        Content::Go(_) => unreachable!("nothing is imported into a folder that had a snapshot of ours"),
    };
    Ok((found, source, replaying))
}

fn load_nothing(engine: &Engine) -> (Source, Replaying<'_>) {
    (Source::Nothing, engine.begin_loading().index(&alone))
}

/// What has expired is counted after the replay.
fn load_snapshot<'e>(engine: &'e Engine, reader: &SnapshotReader) -> Result<(Source, Replaying<'e>), persist::Error> {
    let loading = engine.begin_loading();
    loading.load(reader, &threads(reader.block_count()))?;
    let replaying = loading.index(&threads_over(reader.documents()));
    reader.replay(|lsn, record| {
        replaying.apply(lsn, &record);
    })?;
    Ok((Source::Snapshot { bytes: reader.bytes(), captured_at: reader.captured_at() }, replaying))
}

/// For a step over all shards: in memory, so that it is how many there are that counts.
fn threads_over(documents: u64) -> impl Fn(&(dyn Fn() + Sync)) {
    threads(usize::try_from(documents / DOCUMENTS_PER_THREAD).unwrap_or(usize::MAX))
}

/// Calls what it is given here and on as many threads more as there are other cores, and `parts` to occupy them.
fn threads(parts: usize) -> impl Fn(&(dyn Fn() + Sync)) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    move |work| {
        std::thread::scope(|scope| {
            for number in 1..cores.min(parts) {
                let worker = std::thread::Builder::new().name(format!("mt-load-{number}"));
                // One fewer is slower, not wrong.
                let _ = worker.spawn_scoped(scope, work);
            }
            work();
        });
    }
}

//! Loading the data folder: a snapshot over all cores and the journal since it began, or the Go server's files followed
//! by a snapshot of ours.
//!
//! The order is the promise: everything is read and replayed before anything is changed, so a start that fails has
//! changed nothing; what has expired goes after the last record; what an interrupted write left is cut off, and what was
//! replayed made durable, before the first LSN is issued.

use std::time::{Duration, Instant};

use crate::base::clock::UnixMillis;
use crate::base::log;
use crate::engine::{Engine, LoadFault};
use crate::persist::journal::Replayed;
use crate::persist::{self, Content, DataFolder, Found, GoSummary, Next, SnapshotReader};

use super::StartError;

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
    let (found, source) = load_content(engine, folder, found)?;
    let replayed = found.journal.read(|lsn, record| {
        engine.replay(lsn, &record);
    })?;
    engine.note_written_at(found.written_at);
    let expired = engine.reap(&|| false);
    // What can be wrong with the files has shown by now; a start that fails because of them has changed nothing.
    for note in folder.remove_unfinished()?.into_iter().chain(folder.finish_repairs(engine.now())?) {
        log::warn(format_args!("{note}"));
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

/// Loads the documents as of the snapshot, or of the one before when a block of it is bad and the journal goes back far
/// enough. Says what was found in the end.
fn load_content(engine: &Engine, folder: &DataFolder, found: Found) -> Result<(Found, Source), StartError> {
    let source = match &found.content {
        Content::Snapshot(reader) => match load_snapshot(engine, reader) {
            Ok(source) => source,
            Err(damage) => return load_instead(engine, folder, damage),
        },
        Content::Empty => Source::Nothing,
        Content::Go(import) => Source::Go(engine.load_go(import).map_err(|fault| match fault {
            LoadFault::Files(error) => StartError::Folder(error),
            LoadFault::Refused(refusal) => StartError::Sequence(refusal),
        })?),
    };
    Ok((found, source))
}

/// Loads what stands in for the snapshot that has shown `damage`. Damage in that as well is the last word.
fn load_instead(engine: &Engine, folder: &DataFolder, damage: persist::Error) -> Result<(Found, Source), StartError> {
    let found = folder.fall_back(damage)?;
    engine.clear();
    for note in &found.notes {
        log::warn(format_args!("{note}"));
    }
    let source = match &found.content {
        Content::Snapshot(reader) => load_snapshot(engine, reader)?,
        Content::Empty => Source::Nothing,
        Content::Go(_) => unreachable!("nothing is imported into a folder that had a snapshot of ours"),
    };
    Ok((found, source))
}

/// What has expired is counted after the replay.
fn load_snapshot(engine: &Engine, reader: &SnapshotReader) -> Result<Source, persist::Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.min(reader.block_count());
    let loader = engine.loader(reader);
    std::thread::scope(|scope| {
        for number in 1..workers {
            let worker = std::thread::Builder::new().name(format!("mt-load-{number}"));
            // One fewer is slower, not wrong.
            let _ = worker.spawn_scoped(scope, || loader.work());
        }
        loader.work();
    });
    loader.finish()?;
    reader.replay(|lsn, record| {
        engine.replay(lsn, &record);
    })?;
    Ok(Source::Snapshot { bytes: reader.bytes(), captured_at: reader.captured_at() })
}

//! Loading the data folder: a snapshot over all cores and what happened since it began, or the Go server's files
//! followed by a snapshot of ours.

use std::time::{Duration, Instant};

use crate::base::log;
use crate::engine::{Engine, LoadFault};
use crate::persist::{Content, DataFolder, GoSummary, SnapshotReader};

use super::StartError;

/// What was there at the start.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where it came from.
    pub source: Source,
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
        /// Documents that had expired while the server was down.
        expired: u64,
    },
    /// The Go server's files.
    Go(GoSummary),
}

/// Loads `content` into the empty `engine` and makes sure that LSNs can be issued.
///
/// # Errors
/// A bad block with its place; files that cannot be imported; a disk that refuses IDENTITY.
pub fn load(engine: &Engine, folder: &DataFolder, content: Content, started: Instant) -> Result<Loaded, StartError> {
    let source = match content {
        Content::Empty => Source::Nothing,
        Content::Snapshot(reader) => load_snapshot(engine, &reader)?,
        Content::Go(import) => Source::Go(engine.load_go(&import).map_err(|fault| match fault {
            LoadFault::Files(error) => StartError::Folder(error),
            LoadFault::Refused(refusal) => StartError::Sequence(refusal),
        })?),
    };
    // What can be wrong with the files has shown by now; a start that fails because of them has changed nothing.
    for note in folder.remove_unfinished()? {
        log::warn(format_args!("{note}"));
    }
    if let Source::Go(_) = source {
        engine.capture(folder)?;
        folder.finish_import()?;
    }
    engine.reserve().map_err(StartError::Sequence)?;
    Ok(Loaded {
        source,
        documents: engine.totals().documents,
        collections: engine.collection_count(),
        duration: started.elapsed(),
    })
}

fn load_snapshot(engine: &Engine, reader: &SnapshotReader) -> Result<Source, StartError> {
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
    engine.note_written_at(reader.captured_at());
    let expired = engine.reap(&|| false);
    Ok(Source::Snapshot { bytes: reader.bytes(), expired })
}

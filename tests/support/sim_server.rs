//! A server without threads and sockets: engine, journal and folder on a simulated disk, each thread's work a call.
//!
//! It is put together as `server` does it, in the same order; what `mt-journal`, `mt-sync`, `mt-snapshot` and
//! `mt-expire` do happens when the test says so, on a clock that the test sets.

#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memory_tools::base::clock::{Clock, ManualClock};
use memory_tools::base::disk::Disk;
use memory_tools::base::health::Health;
use memory_tools::base::threads::alone;
use memory_tools::engine::{Engine, EngineOptions};
use memory_tools::journal::{Journal, JournalOptions, Mode, Sequence, Standing, Syncer};
use memory_tools::model::{Lsn, Record, SnapshotReport};
use memory_tools::persist::journal::SegmentId;
use memory_tools::persist::{Content, DataFolder, OpenOptions};
use memory_tools::store::Replayed;

use crate::sim_disk::SimDisk;

/// Where the data is.
pub const FOLDER: &str = "srv/data";

/// Bytes of the journal's buffer: more than any test fills.
const BUFFER_BYTES: usize = 1 << 20;

/// How a server is started.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// What an acknowledged write survives.
    pub mode: Mode,
    /// Bytes of a segment.
    pub segment_bytes: u64,
}

/// One that is ready.
pub struct SimServer {
    /// How it was started.
    pub start: Start,
    /// Its folder.
    pub folder: Arc<DataFolder>,
    /// Its journal.
    pub journal: Arc<Journal>,
    /// Its engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The first LSN that it could issue.
    pub first: Lsn,
    /// What an operator was told at the start.
    pub notes: Vec<String>,
    began: Instant,
}

impl SimServer {
    /// Opens the folder on `disk`, loads it, repairs it, and gets ready.
    ///
    /// # Errors
    /// What an operator would be told.
    pub fn start(disk: &SimDisk, clock: &Arc<ManualClock>, start: Start) -> Result<SimServer, String> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let options = OpenOptions { pid: 1, import_skip: false };
        let (folder, mut found) = DataFolder::open(shared, Path::new(FOLDER), options).map_err(text)?;
        let folder = Arc::new(folder);
        let health = Arc::<Health>::default();
        let raising = Arc::clone(&folder);
        let raise = Box::new(move |to| raising.raise_ceiling(to).map_err(|error| error.to_string()));
        let sequence = Sequence::new(found.next_lsn, found.lsn_ceiling, raise, Arc::clone(&health));
        let options = JournalOptions {
            mode: start.mode,
            buffer_bytes: BUFFER_BYTES,
            segment_bytes: start.segment_bytes,
            on_given_up: Box::new(|_| {}),
        };
        let newest = SegmentId(found.next_segment.id.0 - 1);
        let journal = Arc::new(Journal::new(options, sequence, newest, Arc::clone(clock) as Arc<dyn Clock>, health));
        let engine = Engine::new(
            EngineOptions { shards: 4, collections_max: 10 },
            Arc::clone(&journal),
            Arc::clone(clock) as Arc<dyn Clock>,
        );
        let loading = engine.begin_loading();
        match &found.content {
            Content::Empty => (),
            Content::Snapshot(reader) => loading.load(reader, &alone).map_err(text)?,
            Content::Go(_) => return Err("files of the Go server".to_owned()),
        }
        let replaying = loading.index(&alone);
        let apply = |lsn, record: Record<'_>| note(replaying.apply(lsn, &record));
        if let Content::Snapshot(reader) = &found.content {
            reader.replay(apply).map_err(text)?;
        }
        found.journal.read(apply).map_err(text)?;
        replaying.finish(&alone);
        clock.raise_floor(found.written_at);
        engine.reap(&|| false);
        found.notes.extend(folder.remove_unfinished().map_err(text)?);
        found.notes.extend(folder.finish_repairs(clock.now()).map_err(text)?);
        engine.reserve().map_err(text)?;
        journal.begin(Arc::clone(&folder), found.next_segment).map_err(text)?;
        let (clock, began) = (Arc::clone(clock), Instant::now());
        Ok(SimServer { start, folder, journal, engine, clock, first: found.next_lsn, notes: found.notes, began })
    }

    /// What `mt-journal` does in one round, at the clock's time.
    pub fn commit(&self) {
        self.journal.step(self.began + Duration::from_millis(self.clock.now().0));
    }

    /// What `mt-sync` does in one round. True when the journal is in order afterwards.
    pub fn sync(&self) -> bool {
        if let Some(syncer) = Syncer::new(Arc::clone(&self.journal)) {
            syncer.step();
        }
        self.journal.standing() == Standing::Serving
    }

    /// What `mt-snapshot` does while the journal is given up: true when it goes on.
    pub fn heal(&self) -> bool {
        let Ok(Some(healing)) = self.journal.begin_healing() else { return false };
        match self.engine.capture(&self.folder) {
            Ok(_) => healing.finish(),
            Err(error) => healing.fail(&error),
        }
        self.journal.standing() == Standing::Serving
    }

    /// Takes everything down as `Server::stop` does.
    ///
    /// # Errors
    /// The disk's: the stop is then no clean one.
    pub fn stop(self) -> Result<SnapshotReport, String> {
        self.engine.seal();
        let report = self.engine.capture(&self.folder).map_err(text)?;
        self.journal.stop().map_err(text)?;
        self.folder.record_clean_stop(self.engine.next_lsn()).map_err(text)?;
        Ok(report)
    }
}

/// What a record changed shows in what is served.
fn note(_: Replayed) {}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

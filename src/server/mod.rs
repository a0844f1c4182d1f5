//! Composition: puts the rooms together, starts the threads, and takes everything down again.
//!
//! The only room that starts threads: `mt-http-N` and `mt-accept` for the front, `mt-journal` and `mt-sync` for the
//! journal, `mt-expire`, `mt-memory`, `mt-snapshot`, `mt-reload`, and `mt-load-N` while data is loaded; `mt-signal` and
//! `mt-log` for the process, and `mt-watch` where a supervisor wants to hear of it. Shutdown is
//! one path: stop accepting, drain, refuse writes, last snapshot, end the journal, record the clean stop.

mod certificate;
mod descriptors;
mod dump;
mod expirer;
mod journaling;
mod listen;
mod load;
mod logging;
mod memory;
mod metrics;
mod operator;
mod options;
mod reload;
mod signals;
mod snapshotter;
mod start_error;
mod supervisor;
mod threads;
mod tokens;
mod told;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::api::{Api, ApiOptions};
use crate::base::clock::Clock;
use crate::base::disk::Disk;
use crate::base::health::{Health, Reason};
use crate::base::log::{self, Level};
use crate::base::memory::Meter;
use crate::base::threads::Spawn;
use crate::config::{Choice, Settings};
use crate::engine::{Engine, EngineOptions};
use crate::front::requests::Requests;
use crate::front::{Counters, Drained, Front, Seams};
use crate::journal::{ChangesLimits, Journal, Raise, Sequence};
use crate::model::{ReloadAnswer, SnapshotReport};
use crate::persist::journal::{Link, SegmentId};
use crate::persist::{self, DataFolder, Next, OpenOptions};

use certificate::Shown;
use expirer::Expirer;
use journaling::Journaling;
use memory::MemoryWatch;
use operator::Operator;
use options::{journal_options, origins, scheduled, shown, telling};
use reload::{Reloader, Reloads};
use snapshotter::{Copies, First, Snapshots, Snapshotter, Subject};
use threads::Threads;

pub use crate::front::Endpoint;
pub use certificate::{CertificateError, check_certificate, own_certificate};
pub use dump::{DumpError, dump};
pub use listen::{Needs, Scheme, url_of};
pub use load::{Loaded, Source};
pub use logging::Logging;
pub use metrics::{CopyFigures, ServerFigures, SnapshotFigures};
pub use signals::{Signal, outlive_large_files, signals};
pub use start_error::StartError;
pub use supervisor::{Supervisor, Watch};
pub use tokens::{TokensError, check_tokens};

/// Stack of `mt-watch`, which sends lines and logs one.
const WATCH_STACK_BYTES: usize = 128 * 1024;

/// What a server stands on; tests put others here.
pub struct Parts {
    /// The time for deadlines.
    pub clock: Arc<dyn Clock>,
    /// The files.
    pub disk: Arc<dyn Disk>,
    /// What tells how much memory is in use.
    pub memory: Arc<dyn Meter>,
    /// Leave out what cannot be imported of the Go server's files, instead of refusing to start.
    pub import_skip: bool,
}

/// A running server.
pub struct Server {
    front: Box<dyn Front>,
    api: Arc<Api>,
    /// What is in memory, and where it goes.
    subject: Subject,
    journaling: Journaling,
    /// Where the cause arrives when the disk refuses the journal and the server is to end because of it.
    failed: Receiver<String>,
    health: Arc<Health>,
    threads: Arc<Threads>,
    snapshots: Arc<Snapshots>,
    reloads: Arc<Reloads>,
    /// Dropping it stops the expirer, the snapshotter and the reloader.
    stop: Sender<()>,
    shutdown_timeout: Duration,
    loaded: Loaded,
}

impl Server {
    /// Starts a server: reads the certificate, binds, opens the data folder, loads it, begins to serve. From the moment the folder is open,
    /// connections are answered: with 503 until the data is loaded.
    ///
    /// # Errors
    /// What stands in the way, in one line; nothing was changed then.
    pub fn start(settings: &Settings, parts: Parts) -> Result<Server, StartError> {
        let config = &settings.config;
        let started = Instant::now();
        let certificate = Shown::read(config, &parts.disk, &parts.clock)?;
        let tokens = check_tokens(config, parts.disk.as_ref())?;
        let bound = listen::bind(config, certificate.as_ref().map(Shown::tls))?;
        let scheme = Scheme::of(config);
        let url = bound.endpoints.first().map(|endpoint| url_of(endpoint, scheme)).unwrap_or_default();
        let open = OpenOptions { pid: std::process::id(), import_skip: parts.import_skip };
        let disk = Arc::clone(&parts.disk);
        let (folder, found) = DataFolder::open(parts.disk, &config.data_dir, open)?;
        let folder = Arc::new(folder);
        for note in &found.notes {
            log::event(Level::Warn, "folder", format_args!("{note}"), &[]);
        }

        let health = Arc::new(Health::default());
        health.raise(Reason::Loading);
        let options = EngineOptions { shards: config.shards, collections_max: config.collections_max };
        let raise = raise_through(&folder, &health);
        let sequence = Sequence::new(found.next_lsn, found.lsn_ceiling, raise, Arc::clone(&health));
        let (fail, failed) = bounded(1);
        let newest = SegmentId(found.next_segment.id.0.saturating_sub(1));
        let clock = Arc::clone(&parts.clock);
        let journal = Journal::new(journal_options(config, fail), sequence, newest, clock, Arc::clone(&health));
        let journal = Arc::new(journal.with_changes(ChangesLimits {
            entries_max: config.changes_entries_max,
            bytes_max: config.changes_bytes_max,
            readers_max: config.changes_connections_max,
        }));
        let engine = Engine::new(options, Arc::clone(&journal), Arc::clone(&parts.clock));
        let engine = Arc::new(engine.with_memory(memory::limited(config, parts.memory), memory::eviction(config)));
        let threads = Arc::new(Threads::default());
        let (snapshots, orders) = Snapshots::new();
        let snapshots = Arc::new(snapshots);
        let (reloads, reload_orders) = Reloads::new();
        let reloads = Arc::new(reloads);
        let operator = Operator { snapshots: Arc::clone(&snapshots), reloads: Arc::clone(&reloads) };
        let api = Api::new(
            engine.clone(),
            Arc::new(operator),
            Arc::clone(&parts.clock),
            Arc::clone(&health),
            ApiOptions {
                document_bytes_max: config.document_bytes_max,
                bulk_operations_max: config.bulk_operations_max,
                bulk_bytes_max: config.bulk_bytes_max,
                url,
            },
        );
        let requests = Arc::new(Requests::telling(telling(config)));
        let counters = Arc::new(Counters { requests, ..Counters::default() });
        let copied = Arc::default();
        let figures = ServerFigures {
            counters: Arc::clone(&counters),
            started_at: parts.clock.now(),
            engine: engine.clone(),
            journal: journal.clone(),
            snapshots: snapshots.figures(),
            copies: Arc::clone(&copied),
            started,
            journal_mode: config.journal.name(),
        };
        let api = match origins(config) {
            Some(origins) => api.shared_with(origins),
            None => api,
        };
        let api = Arc::new(api.showing(Arc::new(figures)).telling(journal.clone()).configured(shown(settings)));
        api.ask_for(tokens);
        let seams = Seams {
            handler: api.clone(),
            durability: journal.clone(),
            health: Arc::clone(&health),
            counters,
            clock: Arc::clone(&parts.clock),
            spawn: threads.clone(),
        };
        let front = (bound.serve)(seams).map_err(StartError::Thread)?;

        let (stop, stopped) = bounded::<()>(0);
        let clock = Arc::clone(&parts.clock);
        let subject =
            Subject { engine: Arc::clone(&engine), journal: Arc::clone(&journal), folder: Arc::clone(&folder), clock };
        let begin = || {
            let loaded = load::load(&engine, &folder, found, started)?;
            snapshots.note_loaded(&loaded, &engine);
            let link = match &loaded.source {
                Source::Nothing | Source::Snapshot { .. } => loaded.next_segment.link,
                // It goes on from the snapshot that the import ended with.
                Source::Go(_) => Link::Start { capture_end: journal.last() },
            };
            let journaling = Journaling::begin(&journal, &folder, Next { link, ..loaded.next_segment })?;
            let start_threads = || {
                let interval = config.enable_snapshots.then_some(config.snapshot_interval);
                let copies = scheduled(config).map(|schedule| Copies::new(schedule, Arc::clone(&disk), copied));
                let state = Arc::clone(&snapshots);
                let snapshotter = Snapshotter { subject: subject.clone(), state, orders, copies };
                // Part of what was replayed may have been read from memory that never reached the disk.
                let first = if loaded.replayed.records > 0 { First::AtOnce } else { First::WhenDue };
                threads.start("mt-snapshot", snapshotter.into_job(interval, first, stopped.clone()))?;
                let (api, sources) = (Arc::clone(&api), settings.sources.clone());
                let reloader = Reloader { certificate, api, sources, disk };
                threads.start("mt-reload", reloader.into_job(reload_orders, stopped.clone()))?;
                let watch = MemoryWatch::begin(Arc::clone(&engine));
                threads.start("mt-memory", watch.into_job(stopped.clone()))?;
                let expirer = Expirer { engine: Arc::clone(&engine), health: Arc::clone(&health) };
                threads.start("mt-expire", expirer.into_job(config.ttl_clean_interval, stopped))
            };
            match start_threads() {
                Ok(()) => Ok((loaded, journaling)),
                Err(error) => {
                    // Nobody was served; that the end could not be written down changes nothing.
                    let _ = journaling.stop();
                    Err(error)
                }
            }
        };
        let (loaded, journaling) = begin().inspect_err(|_: &StartError| front.stop_accepting())?;
        health.lower(Reason::Loading);
        let shutdown_timeout = config.shutdown_timeout;
        Ok(Server {
            front,
            api,
            subject,
            journaling,
            failed,
            health,
            threads,
            snapshots,
            reloads,
            stop,
            shutdown_timeout,
            loaded,
        })
    }

    /// Where it listens, in the order of the configuration, with the ports that the system chose for port 0.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.front.endpoints()
    }

    /// The HTTP service, for callers that need no socket.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What was there at the start.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Documents that are stored now, expired ones that were not reaped yet included.
    pub fn documents(&self) -> u64 {
        self.subject.engine.totals().documents
    }

    /// Bytes of memory that may be used; `None` when there is no limit.
    pub fn memory_limit_bytes(&self) -> Option<u64> {
        self.subject.engine.memory().limit_bytes()
    }

    /// Has read again what can be read while serving, and returns when that is done. What came of it is in the log.
    pub fn reload(&self) -> ReloadAnswer {
        let (tell, told) = bounded(1);
        self.reloads.order(Box::new(move |answer| drop(tell.send(answer))));
        told.recv().unwrap_or(ReloadAnswer::Stopping)
    }

    /// Tells `supervisor` how this server is, on `mt-watch`, until what it gives is dropped: also while it stops.
    ///
    /// # Errors
    /// No thread to be had.
    pub fn watched_by(&self, supervisor: &Arc<Supervisor>) -> Result<Option<Watch>, StartError> {
        let Some((watch, job)) = supervisor.watch(Arc::clone(&self.health)) else { return Ok(None) };
        self.threads.spawn("mt-watch", WATCH_STACK_BYTES, Box::new(job)).map_err(StartError::Thread)?;
        Ok(Some(watch))
    }

    /// Where the cause arrives when the disk refuses the journal and `on_journal_error` says that the server ends then:
    /// at once, without another word to the disk.
    pub fn failed(&self) -> &Receiver<String> {
        &self.failed
    }

    /// Begins to stop: takes no new connection, and makes each reply from now on its connection's last.
    pub fn stop_accepting(&self) {
        self.health.raise(Reason::Draining);
        self.front.stop_accepting();
    }

    /// Stops: no new connections, requests in progress are answered (up to `shutdown_timeout`), writes after that
    /// are refused, a last snapshot is written and the clean stop recorded.
    ///
    /// # Errors
    /// What could not be written; the snapshot before is then untouched.
    ///
    /// # Durability
    /// When it returns without an error, everything that was acknowledged survives.
    pub fn stop(self) -> Result<Stopped, StopError> {
        self.stop_accepting();
        let drained = self.front.drain(self.shutdown_timeout);
        let Subject { engine, journal, folder, .. } = &self.subject;
        engine.seal();
        drop(self.stop);
        self.threads.join();
        let snapshot = self.snapshots.take_last(&self.subject);
        let ended = self.journaling.stop();
        let snapshot = match snapshot {
            // Also when it was given up meanwhile, or its end could not be written.
            Err(error) if journal.is_durable() => {
                let text =
                    format_args!("the last snapshot could not be written, the journal holds what it lacks: {error}");
                log::event(Level::Warn, "snapshot_failed", text, &[("reason", "stop".into())]);
                None
            }
            Err(error) if journal.keeps_records() => return Err(StopError::SnapshotAndJournal(error)),
            taken => taken.map_err(StopError::Snapshot)?,
        };
        ended.and_then(|()| folder.record_clean_stop(engine.next_lsn())).map_err(StopError::Record)?;
        Ok(Stopped { drained, snapshot })
    }
}

/// How a stop went.
#[derive(Clone, Copy, Debug)]
pub struct Stopped {
    /// The front's connections.
    pub drained: Drained,
    /// The last snapshot; `None` when nothing had changed since the one before.
    pub snapshot: Option<SnapshotReport>,
}

/// Why a stop was not clean.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The last snapshot, without a journal.
    #[error("the last snapshot could not be written, what came after the one before is lost: {0}")]
    Snapshot(persist::Error),
    /// The last snapshot, and the journal is not whole either.
    #[error(
        "the last snapshot could not be written, nor all of the journal: what came after the snapshot before may be \
             lost: {0}"
    )]
    SnapshotAndJournal(persist::Error),
    /// IDENTITY, after the last snapshot.
    #[error("nothing is lost, but the clean stop could not be recorded, and LSNs will leave a gap: {0}")]
    Record(persist::Error),
}

/// Raises the ceiling through `folder` for as long as the server has it: a thread that the front could not wake must
/// not keep the folder locked after a stop.
fn raise_through(folder: &Arc<DataFolder>, health: &Arc<Health>) -> Raise {
    let (folder, health) = (Arc::downgrade(folder), Arc::clone(health));
    Box::new(move |ceiling| {
        let folder = folder.upgrade().ok_or_else(|| "the server has stopped".to_owned())?;
        folder.raise_ceiling(ceiling).map_err(|error| {
            folder.free_bytes().into_iter().for_each(|bytes| health.note_free_bytes(bytes));
            error.to_string()
        })
    })
}

//! What `/metrics` shows: one table of families, each with its help and where its numbers come from. README.md has the
//! same table, for people.
//!
//! Invariant: every family of the table is on every page, once; what it has to say may be nothing yet. A page takes the
//! catalogue's lock and the shards' in turn, for reading, for a bounded time each, and waits for nothing else.
//! It does not know who asks, nor how often.

mod process;
mod requests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::clock::UnixMillis;
use crate::base::metrics::{Counter, Family, Gauge, Kind, Samples};
use crate::base::proc;
use crate::engine::Engine;
use crate::front::Counters;
use crate::front::requests::Counted;
use crate::journal::{self, Journal, Standing};
use crate::model::{Figures, JournalStats, SnapshotReport, Stats};
use crate::store::Totals;

/// A family, and how its samples are read.
struct Row {
    family: Family,
    show: fn(&Reading, &mut Samples<'_>),
}

/// What is kept: documents, journal, changes, snapshots, in the order of the page.
const KEPT: &[Row] = &[
    gauge("memory_tools_build_info", "Always 1; the label is the version that runs.", |_, samples| {
        samples.labelled("version", env!("CARGO_PKG_VERSION"), 1);
    }),
    gauge(
        "memory_tools_documents",
        "Documents in memory by collection, the main store's without a name; expired ones that are not freed yet included.",
        |at, samples| {
            at.documents.iter().for_each(|(collection, count)| samples.labelled("collection", collection, *count));
        },
    ),
    gauge("memory_tools_document_bytes", "Bytes of the keys and values of all documents in memory.", |at, samples| {
        samples.whole(at.totals.key_and_value_bytes);
    }),
    counter(
        "memory_tools_expired_total",
        "By how: reads that found a document past its deadline and not freed yet (read), and documents that were freed \
         because of their deadline (sweep).",
        |at, samples| {
            samples.labelled("how", "read", at.expired_reads);
            samples.labelled("how", "sweep", at.expired_swept);
        },
    ),
    gauge(
        "memory_tools_memory_used_bytes",
        "Bytes of memory in use, as they are held against memory_bytes_max: without holes between documents, up to an \
         eighth of it, and without pages that are about to be given back.",
        |at, samples| samples.whole(at.memory_used),
    ),
    gauge(
        "memory_tools_memory_limit_bytes",
        "What memory_bytes_max comes to; at it writes that grow are refused. None without a limit.",
        |at, samples| at.memory_limit.into_iter().for_each(|bytes| samples.whole(bytes)),
    ),
    counter("memory_tools_evicted_total", "Documents that were evicted because memory was full.", |at, samples| {
        samples.whole(at.evicted)
    }),
    gauge(
        "memory_tools_journal_state",
        "1 for how the journal stands: serving, degraded (the disk has refused it, and writes are refused), healing (a \
         new one is begun, writes are still refused), or off (there is none).",
        |at, samples| {
            for (state, holds) in at.states() {
                samples.labelled("state", state, u64::from(holds));
            }
        },
    ),
    counter("memory_tools_journal_bytes_total", "Bytes of all frames written to the journal.", |at, samples| {
        samples.whole(at.journal.bytes);
    }),
    histogram(
        "memory_tools_journal_fsync_seconds",
        "How long the journal's calls of fdatasync took.",
        |at, samples| {
            samples.distribution(&at.journal.sync_durations);
        },
    ),
    counter(
        "memory_tools_journal_errors_total",
        "Times that the disk has refused the journal, and attempts to begin a new one that failed.",
        |at, samples| samples.whole(at.journal.errors),
    ),
    counter(
        "memory_tools_journal_heal_attempts_total",
        "Attempts to begin a new journal after the disk had refused one.",
        |at, samples| samples.whole(at.journal.heal_attempts),
    ),
    gauge(
        "memory_tools_journal_durable_lsn",
        "The newest write that survives a loss of power, with all before it. None while the journal is off.",
        |at, samples| at.in_journal(samples, at.journal.durable.0),
    ),
    gauge(
        "memory_tools_journal_written_lsn",
        "The newest write that survives the end of the process, with all before it. None while the journal is off.",
        |at, samples| at.in_journal(samples, at.journal.written.0),
    ),
    gauge("memory_tools_journal_last_lsn", "The newest write.", |at, samples| samples.whole(at.journal.last.0)),
    gauge("memory_tools_changes_entries", "Changes that the feed keeps for its readers.", |at, samples| {
        samples.whole(at.changes.entries as u64);
    }),
    gauge("memory_tools_changes_bytes", "Bytes of the keys and values of the changes that are kept.", |at, samples| {
        samples.whole(at.changes.bytes as u64);
    }),
    gauge("memory_tools_changes_floor_lsn", "Every change behind it is kept.", |at, samples| {
        samples.whole(at.changes.floor.0);
    }),
    gauge("memory_tools_changes_connections", "Readers of the changes that are connected.", |at, samples| {
        samples.whole(at.changes.readers as u64);
    }),
    counter(
        "memory_tools_changes_lost_total",
        "Readers of the changes that were too slow and lost their place.",
        |at, samples| samples.whole(at.changes.readers_lost),
    ),
    gauge(
        "memory_tools_snapshot_duration_seconds",
        "How long the newest snapshot of this process took. None before the first.",
        |at, samples| at.snapshot_seconds.into_iter().for_each(|seconds| samples.real(seconds)),
    ),
    gauge(
        "memory_tools_snapshot_last_success_timestamp_seconds",
        "When the newest snapshot was published, in unix time; of the one that was loaded at the start, when its \
         capture began. None before the first.",
        |at, samples| at.snapshot_at_seconds.into_iter().for_each(|at| samples.real(at)),
    ),
    counter(
        "memory_tools_snapshot_errors_total",
        "Snapshots that failed; the one before was untouched.",
        |at, samples| {
            samples.whole(at.snapshot_errors);
        },
    ),
    gauge(
        "memory_tools_backup_last_success_timestamp_seconds",
        "When the newest scheduled copy was made, in unix time; also one that was found at the start. None before the \
         first, and without backup_folder.",
        |at, samples| at.copy_at_seconds.into_iter().for_each(|at| samples.real(at)),
    ),
    counter(
        "memory_tools_backup_errors_total",
        "Scheduled copies that failed, and times that old ones could not be removed.",
        |at, samples| samples.whole(at.copy_errors),
    ),
    gauge(
        "memory_tools_lock_hold_max_seconds",
        "The longest that a snapshot or the expirer has kept a lock that requests need, in CPU time of its thread.",
        |at, samples| samples.real(at.longest_hold.as_secs_f64()),
    ),
];

/// Every family there is, in the order of the page.
fn families() -> impl Iterator<Item = &'static Row> {
    [requests::FAMILIES, KEPT, process::FAMILIES].into_iter().flatten()
}

const fn counter(name: &'static str, help: &'static str, show: fn(&Reading, &mut Samples<'_>)) -> Row {
    Row { family: Family { name, kind: Kind::Counter, help }, show }
}

const fn gauge(name: &'static str, help: &'static str, show: fn(&Reading, &mut Samples<'_>)) -> Row {
    Row { family: Family { name, kind: Kind::Gauge, help }, show }
}

const fn histogram(name: &'static str, help: &'static str, show: fn(&Reading, &mut Samples<'_>)) -> Row {
    Row { family: Family { name, kind: Kind::Histogram, help }, show }
}

/// What is read once for a page.
struct Reading {
    /// False while the journal is off.
    keeps_records: bool,
    standing: Standing,
    journal: journal::Figures,
    changes: journal::ChangesFigures,
    totals: Totals,
    documents: Vec<(String, u64)>,
    memory_used: u64,
    memory_limit: Option<u64>,
    evicted: u64,
    snapshot_seconds: Option<f64>,
    snapshot_at_seconds: Option<f64>,
    snapshot_errors: u64,
    copy_at_seconds: Option<f64>,
    copy_errors: u64,
    longest_hold: Duration,
    expired_reads: u64,
    expired_swept: u64,
    requests: Counted,
    counters: Arc<Counters>,
    started_at_seconds: f64,
}

impl Reading {
    /// Each state that the journal may have, and whether it is in it.
    fn states(&self) -> [(&'static str, bool); 4] {
        let stands = |standing| self.keeps_records && self.standing == standing;
        let [serving, degraded, healing] =
            [Standing::Serving, Standing::Degraded, Standing::Healing].map(|at| (state(at), stands(at)));
        [serving, degraded, healing, ("off", !self.keeps_records)]
    }

    /// `value`, when there is a journal that it is about.
    fn in_journal(&self, samples: &mut Samples<'_>, value: u64) {
        if self.keeps_records {
            samples.whole(value);
        }
    }
}

/// What a standing is called.
fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Serving => "serving",
        Standing::Degraded => "degraded",
        Standing::Healing => "healing",
    }
}

/// How the snapshots of this process went: told by whoever takes them, shown by `ServerFigures`.
#[derive(Debug, Default)]
pub struct SnapshotFigures {
    published: Counter,
    errors: Counter,
    duration_seconds: Gauge,
    /// 0 while there is no snapshot.
    newest_at_seconds: Gauge,
}

impl SnapshotFigures {
    /// A snapshot that was captured at `captured_at` was loaded.
    pub fn note_found(&self, captured_at: UnixMillis) {
        self.newest_at_seconds.set(Duration::from_millis(captured_at.0).as_secs_f64());
    }

    /// A snapshot was published at `now`.
    pub fn note_published(&self, report: &SnapshotReport, now: UnixMillis) {
        self.duration_seconds.set(report.duration.as_secs_f64());
        self.newest_at_seconds.set(Duration::from_millis(now.0).as_secs_f64());
        self.published.increment();
    }

    /// When the newest snapshot was published, or captured when it was found; `None` before the first.
    pub fn newest_at(&self) -> Option<UnixMillis> {
        let at = Duration::try_from_secs_f64(self.newest_at_seconds.get()).ok().filter(|at| !at.is_zero())?;
        // A gauge holds seconds, whose thousandths are a little off.
        let micros = u64::try_from(at.as_micros()).ok()?;
        Some(UnixMillis(micros.saturating_add(500) / 1000))
    }

    /// A snapshot failed.
    pub fn note_failed(&self) {
        self.errors.increment();
    }
}

/// How the scheduled copies went: told by whoever makes them, shown by `ServerFigures`.
#[derive(Debug, Default)]
pub struct CopyFigures {
    errors: Counter,
    /// 0 while there is none.
    newest_at_seconds: Gauge,
}

impl CopyFigures {
    /// The newest copy is of `at`.
    pub fn note_made(&self, at: UnixMillis) {
        self.newest_at_seconds.set(Duration::from_millis(at.0).as_secs_f64());
    }

    /// One failed, or old ones could not be removed.
    pub fn note_failed(&self) {
        self.errors.increment();
    }
}

/// What a server counts. Hand it to `Api::showing`.
#[derive(Debug)]
pub struct ServerFigures {
    /// Whose documents are counted.
    pub engine: Arc<Engine>,
    /// Which journal it writes to.
    pub journal: Arc<Journal>,
    /// How its snapshots went.
    pub snapshots: Arc<SnapshotFigures>,
    /// What its front counts.
    pub counters: Arc<Counters>,
    /// How its scheduled copies went.
    pub copies: Arc<CopyFigures>,
    /// When it was started.
    pub started: Instant,
    /// The same, for people.
    pub started_at: UnixMillis,
    /// What the configuration calls the mode of its journal.
    pub journal_mode: &'static str,
}

impl ServerFigures {
    /// Every family, in the order of the page.
    pub fn families() -> impl Iterator<Item = &'static Family> {
        families().map(|row| &row.family)
    }
}

impl Figures for ServerFigures {
    fn show(&self, out: &mut String) {
        let totals = self.engine.totals();
        let reading = Reading {
            keeps_records: self.journal.keeps_records(),
            standing: self.journal.standing(),
            journal: self.journal.figures(),
            changes: self.journal.changes_figures(),
            totals,
            documents: self.engine.documents_by_collection(totals),
            memory_used: self.engine.memory().look(),
            memory_limit: self.engine.memory().limit_bytes(),
            evicted: self.engine.evicted(),
            snapshot_seconds: (self.snapshots.published.get() > 0).then(|| self.snapshots.duration_seconds.get()),
            snapshot_at_seconds: Some(self.snapshots.newest_at_seconds.get()).filter(|at| *at > 0.0),
            snapshot_errors: self.snapshots.errors.get(),
            copy_at_seconds: Some(self.copies.newest_at_seconds.get()).filter(|at| *at > 0.0),
            copy_errors: self.copies.errors.get(),
            longest_hold: self.engine.longest_background_hold(),
            expired_reads: self.engine.expired().reads.get(),
            expired_swept: self.engine.expired().swept.get(),
            requests: self.counters.requests.read(),
            counters: Arc::clone(&self.counters),
            started_at_seconds: Duration::from_millis(self.started_at.0).as_secs_f64(),
        };
        for Row { family, show } in families() {
            family.show(out, |samples| show(&reading, samples));
        }
    }

    fn stats(&self) -> Stats {
        let totals = self.engine.totals();
        let journal = self.journal.keeps_records().then(|| {
            let figures = self.journal.figures();
            let state = state(self.journal.standing());
            JournalStats { state, written: figures.written, durable: figures.durable }
        });
        Stats {
            uptime: self.started.elapsed(),
            documents: totals.documents,
            key_and_value_bytes: totals.key_and_value_bytes,
            index_bytes: self.engine.index_bytes(),
            collections: self.engine.collection_count(),
            next_lsn: self.engine.next_lsn(),
            journal_mode: self.journal_mode,
            journal,
            snapshot_at: self.snapshots.newest_at(),
            memory_used_bytes: self.engine.memory().look(),
            memory_limit_bytes: self.engine.memory().limit_bytes(),
            resident_bytes: proc::resident_bytes(),
        }
    }
}

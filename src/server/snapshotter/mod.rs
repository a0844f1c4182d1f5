//! `mt-snapshot`: writes snapshots on schedule, on demand and when the journal has outgrown the newest one, one at a
//! time; and heals a journal that was given up.

mod because;
mod copies;
mod handing;
mod newest;
mod orders;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, never, select, tick, unbounded};
use parking_lot::Mutex;

use crate::base::clock::Clock;
use crate::base::log::{self, Level};
use crate::base::threads::{Job, stand_back};
use crate::engine::Engine;
use crate::journal::Journal;
use crate::model::{BackupAnswer, SnapshotAnswer, SnapshotReport};
use crate::persist::{DataFolder, Error};
use crate::server::told::Told;
use crate::server::{Loaded, SnapshotFigures, Source};

use because::Because;
use handing::{Turn, Turns};
use newest::Newest;
use orders::Order;

pub use copies::{Copies, Schedule};

/// How often it looks at what nobody calls for: a disk that has come to its senses, a journal that has grown.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What a snapshot is made of, and where it goes.
#[derive(Clone)]
pub struct Subject {
    /// What is captured.
    pub engine: Arc<Engine>,
    /// What goes on from it.
    pub journal: Arc<Journal>,
    /// Where it is written.
    pub folder: Arc<DataFolder>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What callers and the thread share.
pub struct Snapshots {
    orders: Sender<Order>,
    /// True from the moment a snapshot is ordered until it is finished.
    is_running: AtomicBool,
    /// Whose copy is being written or read.
    backups: Turns,
    newest: Mutex<Newest>,
    figures: Arc<SnapshotFigures>,
}

impl Snapshots {
    /// The shared part, and where the thread receives orders.
    pub fn new() -> (Snapshots, Receiver<Order>) {
        // There is one order at most. But a bounded channel keeps what is in it until its senders are gone too, and
        // whoever waits for the end of an order must be told when the thread ends.
        let (orders, received) = unbounded();
        let snapshots = Snapshots {
            orders,
            is_running: AtomicBool::new(false),
            backups: Turns::default(),
            newest: Mutex::default(),
            figures: Arc::default(),
        };
        (snapshots, received)
    }

    /// How they went.
    pub fn figures(&self) -> Arc<SnapshotFigures> {
        Arc::clone(&self.figures)
    }

    /// Says what was `loaded` into `engine`.
    pub fn note_loaded(&self, loaded: &Loaded, engine: &Engine) {
        *self.newest.lock() = Newest::of(loaded, engine.next_lsn());
        match loaded.source {
            Source::Snapshot { captured_at, .. } => self.figures.note_found(captured_at),
            // It has just been taken.
            Source::Go(_) => self.figures.note_found(engine.now()),
            Source::Nothing => {}
        }
    }

    /// Takes the last snapshot, unless nothing has changed since the one before. The thread has ended.
    ///
    /// # Errors
    /// What could not be written.
    pub fn take_last(&self, subject: &Subject) -> Result<Option<SnapshotReport>, Error> {
        if self.is_current(subject) {
            return Ok(None);
        }
        self.take(subject).map(Some)
    }

    fn is_current(&self, subject: &Subject) -> bool {
        subject.journal.is_whole() && self.newest.lock().is_current(subject.engine.next_lsn())
    }

    fn is_outgrown(&self, subject: &Subject) -> bool {
        self.newest.lock().is_outgrown(subject.journal.figures().bytes)
    }

    /// Takes a snapshot. When the journal was given up, that is what lets it begin again.
    fn take(&self, subject: &Subject) -> Result<SnapshotReport, Error> {
        let Subject { engine, journal, folder, clock } = subject;
        let healing = journal.begin_healing()?;
        let (next_lsn, journal_bytes) = (engine.next_lsn(), journal.figures().bytes);
        let report = match engine.capture(folder) {
            Ok(report) => report,
            Err(error) => {
                self.figures.note_failed();
                self.newest.lock().put_off(journal_bytes);
                if let Some(healing) = healing {
                    healing.fail(&error);
                }
                return Err(error);
            }
        };
        self.figures.note_published(&report, clock.now());
        *self.newest.lock() =
            Newest { next_lsn: Some(next_lsn), bytes: report.bytes, journal_bytes, replayed_bytes: 0 };
        if let Some(healing) = healing {
            healing.finish();
        }
        if let Err(error) = folder.free_segments(clock.now()) {
            let text = format_args!("segments that no snapshot needs any more are kept for now: {error}");
            log::event(Level::Warn, "segments_kept", text, &[]);
        }
        Ok(report)
    }
}

/// When the first snapshot is taken that nobody orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// As soon as the thread runs.
    AtOnce,
    /// As every other.
    WhenDue,
}

/// The thread.
pub struct Snapshotter {
    /// What it takes snapshots of.
    pub subject: Subject,
    /// What it shares with callers.
    pub state: Arc<Snapshots>,
    /// Where calls arrive.
    pub orders: Receiver<Order>,
    /// The copies that are made on schedule, if any are.
    pub copies: Option<Copies>,
}

impl Snapshotter {
    /// The thread's loop: a snapshot each `interval` in which something changed (`None`: none on schedule), one for
    /// each order and one whenever the journal has outgrown the newest, until `stopped` is disconnected.
    pub fn into_job(mut self, interval: Option<Duration>, first: First, stopped: Receiver<()>) -> Job {
        Box::new(move || {
            stand_back();
            let ticks = interval.map_or_else(never, tick);
            let looks = tick(LOOK_INTERVAL);
            if first == First::AtOnce {
                self.unasked(Because::First);
            }
            loop {
                select! {
                    recv(stopped) -> _ => return,
                    recv(ticks) -> _ => self.on_schedule(),
                    recv(looks) -> _ => {
                        self.look();
                        self.copies.iter_mut().for_each(|copies| copies.look(&self.subject));
                    }
                    recv(self.orders) -> order => match order {
                        Ok(Order::Snapshot(told)) => self.on_demand(told),
                        Ok(Order::Backup(told, turn)) => told.answer(self.copy(turn)),
                        Err(_) => return,
                    },
                }
            }
        })
    }

    fn on_schedule(&self) {
        if self.subject.journal.is_whole() && !self.state.is_current(&self.subject) {
            self.unasked(Because::Scheduled);
        }
    }

    /// What nobody asks for.
    fn look(&self) {
        if self.subject.journal.is_healing_due(Instant::now()) {
            // Why it failed has been said by then.
            self.if_alone(|| {
                if let Ok(report) = self.state.take(&self.subject) {
                    Because::Healing.log_taken(&report);
                }
            });
        } else if self.subject.journal.is_whole() && self.state.is_outgrown(&self.subject) {
            self.unasked(Because::JournalOutgrown);
        }
    }

    fn unasked(&self, because: Because) {
        self.if_alone(|| match self.state.take(&self.subject) {
            Ok(report) => because.log_taken(&report),
            Err(error) => because.log_failed(&error),
        });
    }

    /// Calls `take` unless an order is on its way.
    fn if_alone(&self, take: impl FnOnce()) {
        if !self.state.is_running.swap(true, Ordering::SeqCst) {
            take();
            self.state.is_running.store(false, Ordering::SeqCst);
        }
    }

    fn copy(&self, turn: Turn) -> BackupAnswer {
        handing::make(&self.subject, turn).unwrap_or_else(|error| {
            let text = format_args!("the backup failed, nothing is left of it: {error}");
            log::event(Level::Error, "backup_failed", text, &[]);
            BackupAnswer::Failed(error.to_string())
        })
    }

    fn on_demand(&self, told: Told<SnapshotAnswer>) {
        let answer = match self.state.take(&self.subject) {
            Ok(report) => {
                Because::Ordered.log_taken(&report);
                SnapshotAnswer::Finished(report)
            }
            Err(error) => {
                Because::Ordered.log_failed(&error);
                SnapshotAnswer::Failed(error.to_string())
            }
        };
        self.state.is_running.store(false, Ordering::SeqCst);
        told.answer(answer);
    }
}

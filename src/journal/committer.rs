//! Group commit: takes the records that wait, writes them as frames, syncs as the mode says, releases who waits.
//!
//! `mt-journal` does so for one group after the other; `mt-snapshot` does it in between, when it needs a rotation or
//! durability now. Whoever does holds `Commit`, so a file has one writer. What arrives meanwhile is the next group.
//! Invariant: after an error of the disk the journal is given up before anybody else writes to it. It knows neither
//! what records mean nor who waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::commit::{Commit, Phase};
use super::group::{self, Linger};
use super::standing::Standing;
use super::{Journal, Mode};
use crate::base::fault::{Fault, is_planted};
use crate::model::Lsn;
use crate::persist::Error;
use crate::persist::journal::{FrameKind, SegmentId, SegmentWriter};

/// How long a record that nobody waits for stays unwritten.
const IDLE: Duration = Duration::from_millis(100);

/// What one step of `mt-journal` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// Replies that it released.
    pub released: usize,
    /// How long its fsync took; `None` without one.
    pub sync: Option<Duration>,
}

/// The thread `mt-journal`.
#[derive(Debug)]
pub struct Committer {
    journal: Arc<Journal>,
}

impl Committer {
    /// Commits what `journal` is given.
    pub fn new(journal: Arc<Journal>) -> Committer {
        Committer { journal }
    }

    /// Commits one group after the other, until the journal has stopped.
    pub fn run(self) {
        let Journal { alarm, releases, .. } = self.journal.as_ref();
        alarm.belongs_here();
        let mut linger = None;
        while !self.journal.has_stopped() {
            match linger {
                Some(Linger { waiting, longest }) => alarm.sleep_until_waiting(waiting, longest, || releases.waiting()),
                None => alarm.sleep(IDLE),
            }
            let Stepped { released, sync } = self.journal.step(Instant::now());
            linger = group::linger(released, releases.waiting(), sync);
        }
    }
}

impl Journal {
    /// Writes the group that is filling, if there is one, and releases what it may: what `mt-journal` does again and
    /// again. A simulation calls it in its place.
    pub fn step(&self, now: Instant) -> Stepped {
        let mut commit = self.commit.lock();
        let stepped = self.commit_group(&mut commit, now);
        self.or_give_up(&mut commit, stepped).unwrap_or_default()
    }

    /// Ends the segment and begins the next one, unless it is still empty. Whatever is issued after the call is in the
    /// segment that is returned or a later one. Before the journal has begun, and in `Off`: the one that comes next.
    ///
    /// # Errors
    /// The disk's; the journal is then given up.
    ///
    /// # Durability
    /// When it returns, every earlier record survives a loss of power, but for `Off`.
    pub fn rotate(&self) -> Result<SegmentId, Error> {
        let mut commit = self.commit.lock();
        match commit.phase {
            Phase::Fresh => return Ok(commit.newest.next()),
            Phase::Begun if self.options.mode == Mode::Off => return Ok(commit.newest.next()),
            Phase::Begun => {}
            Phase::Stopped => return Err(self.given_up()),
        }
        match self.standing() {
            Standing::Serving => {
                let rotated = self.end_segment(&mut commit);
                self.or_give_up(&mut commit, rotated)
            }
            // It has just been begun.
            Standing::Healing => self.id_of(&commit),
            Standing::Degraded => Err(self.given_up()),
        }
    }

    /// Returns when every record up to `lsn`, which has been issued, survives a loss of power; at once in `Off`, and
    /// when there is no record of it: before the journal has begun, and while a snapshot heals it.
    ///
    /// # Errors
    /// The disk's; the journal is then given up.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<(), Error> {
        let mut commit = self.commit.lock();
        match (commit.phase, self.standing()) {
            (Phase::Fresh, _) | (Phase::Begun, Standing::Healing) => return Ok(()),
            (Phase::Begun, _) if self.options.mode == Mode::Off => return Ok(()),
            (Phase::Stopped, _) | (Phase::Begun, Standing::Degraded) => return Err(self.given_up()),
            (Phase::Begun, Standing::Serving) => {}
        }
        let synced = self.write_and_sync(&mut commit);
        self.or_give_up(&mut commit, synced)?;
        assert!(self.releases.durable() >= lsn, "LSN {lsn} was issued before the call");
        Ok(())
    }

    /// Ends the journal: no record comes any more. Writes down that the end is one.
    ///
    /// # Errors
    /// The disk's, or that the journal had been given up: the next start takes it for a crash.
    ///
    /// # Durability
    /// When it returns without an error, every record survives a loss of power, but for `Off`.
    pub fn stop(&self) -> Result<(), Error> {
        let mut commit = self.commit.lock();
        let ended = match (commit.phase, self.standing()) {
            (Phase::Begun, Standing::Serving) if self.options.mode != Mode::Off => {
                let ended = self.write_clean_stop(&mut commit);
                self.or_give_up(&mut commit, ended)
            }
            (Phase::Begun, Standing::Degraded | Standing::Healing) => Err(self.given_up()),
            _ => Ok(()),
        };
        commit.phase = Phase::Stopped;
        commit.segment = None;
        commit.folder = None;
        drop(commit);
        self.discard();
        self.alarm.ring();
        ended
    }

    /// True once the journal has ended.
    pub(super) fn has_stopped(&self) -> bool {
        self.commit.lock().phase == Phase::Stopped
    }

    pub(super) fn id_of(&self, commit: &Commit) -> Result<SegmentId, Error> {
        commit.segment.as_ref().map(SegmentWriter::id).ok_or_else(|| self.given_up())
    }

    fn commit_group(&self, commit: &mut Commit, now: Instant) -> Result<Stepped, Error> {
        if self.options.mode == Mode::Off {
            self.write_tee(commit);
            return Ok(Stepped::default());
        }
        if !self.post.is_serving() {
            if self.standing() == Standing::Degraded {
                commit.segment = None;
            }
            return Ok(Stepped::default());
        }
        let Some(last) = self.write(commit, now)? else {
            self.mark(commit, now)?;
            return Ok(Stepped::default());
        };
        if self.options.mode == Mode::Always {
            let began = Instant::now();
            if !is_planted(Fault::ReleaseBeforeSync) {
                self.sync(commit)?;
            }
            let sync = Some(began.elapsed());
            return Ok(Stepped { released: self.durable_up_to(last), sync });
        }
        let released = self.releases.note_written(last).wake();
        self.wake_readers();
        Ok(Stepped { released, sync: None })
    }

    fn end_segment(&self, commit: &mut Commit) -> Result<SegmentId, Error> {
        self.write_and_sync(commit)?;
        if commit.has_frames {
            // A mark may be behind what is durable, and the next segment names where this one ends.
            if !commit.is_synced {
                self.sync(commit)?;
            }
            self.begin_next(commit)?;
        }
        self.id_of(commit)
    }

    fn write_clean_stop(&self, commit: &mut Commit) -> Result<(), Error> {
        self.write_and_sync(commit)?;
        self.append(commit, Instant::now(), FrameKind::CleanStop, self.next(), 0, &[])?;
        self.sync(commit)
    }

    /// Writes what there is and makes it durable, in every mode.
    pub(super) fn write_and_sync(&self, commit: &mut Commit) -> Result<(), Error> {
        let last = self.write(commit, Instant::now())?;
        let last = last.unwrap_or_else(|| self.releases.written());
        if last > self.releases.durable() {
            self.sync(commit)?;
            self.durable_up_to(last);
        }
        Ok(())
    }

    /// Gives the journal up when `result` is an error.
    pub(super) fn or_give_up<T>(&self, commit: &mut Commit, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| {
            commit.segment = None;
            self.give_up(error);
        })
    }
}

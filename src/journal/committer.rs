//! Group commit: takes the records that wait, writes them as frames, syncs as the mode says, releases who waits.
//!
//! `mt-journal` does so for one group after the other; `mt-snapshot` does it in between, when it needs a rotation or
//! durability now. Whoever does holds `Commit`, so a file has one writer. What arrives meanwhile is the next group.
//! Invariants: a watermark is raised only when the bytes are where it says they are. After an error, nothing more is
//! written to that segment, nor is it synced again. It knows neither what records mean nor who waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::buffer::Buffer;
use super::group::{self, Linger};
use super::standing::Standing;
use super::tee::Teeing;
use super::{Journal, Mode};
use crate::base::fault::{Fault, is_planted};
use crate::model::Lsn;
use crate::persist::journal::{Frame, FrameKind, Link, SegmentFile, SegmentId, SegmentWriter};
use crate::persist::{DataFolder, Error, SegmentStart};

/// How long a record that nobody waits for stays unwritten.
const IDLE: Duration = Duration::from_millis(100);

/// How long after the last frame its durability is written down, so that it does not look torn after a crash.
const MARK_AFTER: Duration = Duration::from_secs(1);

/// What whoever writes to the journal holds.
#[derive(Debug)]
pub(super) struct Commit {
    /// `None` before the journal begins and after it has stopped.
    pub(super) folder: Option<Arc<DataFolder>>,
    /// `None` in `Off`, and after it was given up.
    pub(super) segment: Option<SegmentWriter>,
    /// While a capture runs in `Off`.
    pub(super) tee: Option<Teeing>,
    /// The newest segment that had, or has, records: the next one is the one behind it.
    pub(super) newest: SegmentId,
    /// True once there is a frame in `segment`.
    pub(super) has_frames: bool,
    /// True when whoever holds this has synced the newest of them.
    is_synced: bool,
    /// Takes the place of the buffer that is written.
    spare: Option<Buffer>,
    /// What the newest frame or header says to be durable.
    said: Lsn,
    last_frame_at: Instant,
    pub(super) phase: Phase,
}

/// Where in its life the journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// What is loaded is numbered, and nothing is kept.
    Fresh,
    /// Records are kept, as far as the mode has a file for them.
    Begun,
    /// It has ended.
    Stopped,
}

/// What one step of `mt-journal` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// Replies that it released.
    pub released: usize,
    /// How long its fsync took; `None` without one.
    pub sync: Option<Duration>,
}

impl Commit {
    /// Nothing to write to yet; the first segment will be the one behind `newest`.
    pub(super) fn new(newest: SegmentId, now: Instant) -> Commit {
        Commit {
            folder: None,
            segment: None,
            tee: None,
            newest,
            has_frames: false,
            is_synced: true,
            spare: None,
            said: Lsn::ZERO,
            last_frame_at: now,
            phase: Phase::Fresh,
        }
    }
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

    fn id_of(&self, commit: &Commit) -> Result<SegmentId, Error> {
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
    fn write_and_sync(&self, commit: &mut Commit) -> Result<(), Error> {
        let last = self.write(commit, Instant::now())?;
        let last = last.unwrap_or_else(|| self.releases.written());
        if last > self.releases.durable() {
            self.sync(commit)?;
            self.durable_up_to(last);
        }
        Ok(())
    }

    /// Takes the records that wait and writes them. Returns the last LSN; `None` when there were none.
    fn write(&self, commit: &mut Commit, now: Instant) -> Result<Option<Lsn>, Error> {
        let Some(buffer) = self.take(commit) else { return Ok(None) };
        let written = buffer.frames().try_for_each(|frame| {
            if commit.segment.as_ref().is_some_and(|segment| segment.bytes() >= self.options.segment_bytes) {
                if !is_planted(Fault::SkipRotationSync) {
                    self.sync(commit)?;
                }
                self.durable_up_to(Lsn(frame.first_lsn.0.saturating_sub(1)));
                self.begin_next(commit)?;
            }
            self.append(commit, now, FrameKind::Records, frame.first_lsn, frame.count, &frame.parts)
        });
        let last = buffer.last_lsn();
        self.drop_buffer(commit, buffer);
        written.map(|()| last)
    }

    /// Gives back what `buffer` holds, and keeps its memory for the next group.
    pub(super) fn drop_buffer(&self, commit: &mut Commit, mut buffer: Buffer) {
        let held = buffer.held();
        buffer.clear();
        commit.spare = Some(buffer);
        self.space.give_back(held);
    }

    /// Takes the records that wait, and leaves an empty buffer in their place.
    pub(super) fn take(&self, commit: &mut Commit) -> Option<Buffer> {
        // What must be made is made before the lock.
        let empty = commit.spare.take().unwrap_or_else(|| Buffer::new(self.options.buffer_bytes));
        let mut head = self.head.lock();
        match &mut head.buffer {
            Some(filled) if !filled.is_empty() => Some(std::mem::replace(filled, empty)),
            _ => {
                drop(head);
                commit.spare = Some(empty);
                None
            }
        }
    }

    /// Says in a frame of its own what is durable, once there was nothing else to say for a while.
    fn mark(&self, commit: &mut Commit, now: Instant) -> Result<(), Error> {
        let is_idle = now.saturating_duration_since(commit.last_frame_at) >= MARK_AFTER;
        if is_idle && commit.segment.is_some() && self.releases.durable() > commit.said {
            // Under the lock that writes, everything issued before what is in the buffer is in the file.
            self.append(commit, now, FrameKind::Mark, self.releases.written().next(), 0, &[])?;
        }
        Ok(())
    }

    fn append(
        &self,
        commit: &mut Commit,
        now: Instant,
        kind: FrameKind,
        first_lsn: Lsn,
        count: u32,
        parts: &[std::io::IoSlice<'_>],
    ) -> Result<(), Error> {
        let segment = commit.segment.as_mut().ok_or_else(|| self.given_up())?;
        let durable_lsn = self.durable_lsn();
        let written_at = self.clock.now();
        let bytes = segment.append(&Frame { kind, first_lsn, count, parts, durable_lsn, written_at })?;
        commit.has_frames = true;
        commit.is_synced = false;
        commit.said = durable_lsn;
        commit.last_frame_at = now;
        self.figures.note_frame(bytes);
        Ok(())
    }

    fn sync(&self, commit: &mut Commit) -> Result<(), Error> {
        let segment = commit.segment.as_ref().ok_or_else(|| self.given_up())?;
        // One at a time: after one has failed, the kernel may call the next a success.
        let _held = self.syncing.lock();
        if !self.post.is_serving() {
            return Err(self.given_up());
        }
        self.sync_file(&segment.file())?;
        commit.is_synced = true;
        Ok(())
    }

    /// Syncs `file`, which is tried once; the caller holds `syncing`.
    pub(super) fn sync_file(&self, file: &SegmentFile) -> Result<(), Error> {
        let began = Instant::now();
        let synced = file.sync();
        self.figures.note_sync(began.elapsed());
        if is_planted(Fault::RetrySync) { synced.or_else(|_| file.sync()) } else { synced }
    }

    /// What a frame or a header says to be durable.
    fn durable_lsn(&self) -> Lsn {
        if is_planted(Fault::DropWatermark) { Lsn::ZERO } else { self.releases.durable() }
    }

    /// Notes that everything up to `lsn` is durable; returns how many replies that released.
    pub(super) fn durable_up_to(&self, lsn: Lsn) -> usize {
        let released = self.releases.note_durable(lsn).wake();
        self.wake_readers();
        released
    }

    /// Begins the segment behind the one that is there, which is durable.
    fn begin_next(&self, commit: &mut Commit) -> Result<(), Error> {
        let end = commit.segment.as_ref().ok_or_else(|| self.given_up())?.end();
        let first_lsn = match end {
            Link::Follows { last_lsn, .. } => last_lsn.next(),
            Link::Start { .. } | Link::AfterFailure => self.next(),
        };
        self.begin_segment(commit, commit.newest.next(), first_lsn, end)
    }

    /// Begins the segment `id`, in which no record is older than `first_lsn`.
    pub(super) fn begin_segment(
        &self,
        commit: &mut Commit,
        id: SegmentId,
        first_lsn: Lsn,
        link: Link,
    ) -> Result<(), Error> {
        let folder = commit.folder.as_ref().ok_or_else(|| self.given_up())?;
        let durable_lsn = self.durable_lsn();
        let start = SegmentStart { id, first_lsn, durable_lsn, created_at: self.clock.now(), link };
        let segment = folder.begin_segment(start, self.options.mode.growth())?;
        *self.current.lock() = Some(segment.file());
        commit.segment = Some(segment);
        commit.newest = id;
        commit.has_frames = false;
        commit.is_synced = true;
        commit.said = durable_lsn;
        Ok(())
    }

    /// Gives the journal up when `result` is an error.
    fn or_give_up<T>(&self, commit: &mut Commit, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| {
            commit.segment = None;
            self.give_up(error);
        })
    }
}

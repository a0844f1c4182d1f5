//! What whoever writes to the journal holds, and what is done with it: frames, syncs, the next segment.
//!
//! Invariants: a watermark is raised only when the bytes are where it says they are. After an error, nothing more is
//! written to that segment, nor is it synced again. It does not decide when a group is written, nor whether a segment
//! ends before it is full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Journal;
use super::buffer::Buffer;
use super::tee::Teeing;
use crate::base::fault::{Fault, is_planted};
use crate::model::Lsn;
use crate::persist::journal::{Frame, FrameKind, Link, SegmentFile, SegmentId, SegmentWriter};
use crate::persist::{DataFolder, Error, SegmentStart};

/// How long after the last frame its durability is written down, so that it does not look torn after a crash.
const MARK_AFTER: Duration = Duration::from_secs(1);

/// What whoever writes to the journal holds.
#[derive(Debug)]
pub(super) struct Commit {
    /// `None` before the journal begins and after it has stopped.
    pub(super) folder: Option<Arc<DataFolder>>,
    /// `None` in `Off`, and after it was given up.
    pub(super) segment: Option<SegmentWriter>,
    /// While a capture runs that keeps its records.
    pub(super) tee: Option<Teeing>,
    /// The newest segment that had, or has, records: the next one is the one behind it.
    pub(super) newest: SegmentId,
    /// True once there is a frame in `segment`.
    pub(super) has_frames: bool,
    /// True when whoever holds this has synced the newest of them.
    pub(super) is_synced: bool,
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

impl Journal {
    /// Takes the records that wait and writes them. Returns the last LSN; `None` when there were none.
    pub(super) fn write(&self, commit: &mut Commit, now: Instant) -> Result<Option<Lsn>, Error> {
        let Some(buffer) = self.take(commit) else { return Ok(None) };
        let written = buffer.frames().try_for_each(|frame| {
            if commit.segment.as_ref().is_some_and(|segment| segment.bytes() >= self.options.segment_bytes) {
                if !is_planted(Fault::SkipRotationSync) {
                    self.sync(commit)?;
                }
                self.durable_up_to(Lsn(frame.first_lsn.0.saturating_sub(1)));
                self.begin_next(commit)?;
            }
            self.append(commit, now, FrameKind::Records, frame.first_lsn, frame.count, &frame.parts)?;
            self.copy_to_tee(commit, &frame);
            Ok(())
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
    pub(super) fn mark(&self, commit: &mut Commit, now: Instant) -> Result<(), Error> {
        let is_idle = now.saturating_duration_since(commit.last_frame_at) >= MARK_AFTER;
        if is_idle && commit.segment.is_some() && self.releases.durable() > commit.said {
            // Under the lock that writes, everything issued before what is in the buffer is in the file.
            self.append(commit, now, FrameKind::Mark, self.releases.written().next(), 0, &[])?;
        }
        Ok(())
    }

    pub(super) fn append(
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

    pub(super) fn sync(&self, commit: &mut Commit) -> Result<(), Error> {
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
    pub(super) fn begin_next(&self, commit: &mut Commit) -> Result<(), Error> {
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
}

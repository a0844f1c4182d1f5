//! The records of a running capture, when no journal keeps them: in `Off` a snapshot carries along what was written
//! between its start and its end, so that it is a prefix by itself.
//!
//! Invariants: from `Journal::tee` to `Tee::end`, every record that is numbered is kept, in order; what `end` gives is
//! the counter at the very moment at which the last one was taken. A disk that refuses the file fails the snapshot and
//! nothing else: writes go on, and are not delayed but for room in the buffer.

use super::buffer::Buffer;
use super::commit::Commit;
use super::{Journal, Mode};
use crate::model::Lsn;
use crate::persist::journal::{Frame, FrameKind};
use crate::persist::{CaptureEnd, Error, ReplayFile};

/// Where the records of a capture go.
#[derive(Debug)]
pub(super) enum Teeing {
    /// Nowhere yet: they stay in the buffer.
    Waits,
    /// Into the file.
    Writes(ReplayFile),
    /// Nowhere any more.
    Failed(Error),
}

/// Keeps the records of one capture. Dropped without `end`, it keeps none.
#[derive(Debug)]
#[must_use]
pub struct Tee<'j> {
    journal: &'j Journal,
}

impl Journal {
    /// Keeps every record from now on for the capture that begins, when the mode has no file for them; else `None`.
    /// One capture runs at a time. Call it before the catalogue is read.
    pub fn tee(&self) -> Option<Tee<'_>> {
        if self.options.mode != Mode::Off {
            return None;
        }
        let mut commit = self.commit.lock();
        assert!(commit.tee.is_none(), "one capture runs at a time");
        commit.tee = Some(Teeing::Waits);
        let buffer = Buffer::new(self.options.buffer_bytes);
        self.head.lock().buffer = Some(buffer);
        Some(Tee { journal: self })
    }

    /// Writes what there is, if there is a file for it.
    pub(super) fn write_tee(&self, commit: &mut Commit) {
        if let Some(Teeing::Writes(_)) = commit.tee
            && let Some(buffer) = self.take(commit)
        {
            self.write_to_tee(commit, buffer);
        }
    }

    fn write_to_tee(&self, commit: &mut Commit, buffer: Buffer) {
        let Some(Teeing::Writes(file)) = &mut commit.tee else {
            return self.drop_buffer(commit, buffer);
        };
        let written = buffer.frames().try_for_each(|frame| {
            let frame = Frame {
                kind: FrameKind::Records,
                first_lsn: frame.first_lsn,
                count: frame.count,
                parts: &frame.parts,
                // The whole file is durable before the snapshot counts.
                durable_lsn: Lsn::ZERO,
                written_at: self.clock.now(),
            };
            file.append(&frame).map(|bytes| self.figures.note_frame(bytes))
        });
        self.drop_buffer(commit, buffer);
        if let Err(error) = written {
            commit.tee = Some(Teeing::Failed(error));
            self.discard();
        }
    }
}

impl Tee<'_> {
    /// Says which file the records go to.
    pub fn write_to(&mut self, file: ReplayFile) {
        self.journal.commit.lock().tee = Some(Teeing::Writes(file));
    }

    /// Ends the capture: what was issued up to here, and the file that has it. The last slice is done.
    ///
    /// # Errors
    /// The disk's, whenever it came.
    ///
    /// # Panics
    /// When no file was given.
    pub fn end(self) -> Result<CaptureEnd, Error> {
        let journal = self.journal;
        let mut commit = journal.commit.lock();
        let (last, rest) = {
            let mut head = journal.head.lock();
            (Lsn(head.next.0.saturating_sub(1)), head.buffer.take())
        };
        if let Some(rest) = rest {
            journal.write_to_tee(&mut commit, rest);
        }
        match commit.tee.take() {
            Some(Teeing::Writes(file)) => Ok(CaptureEnd { lsn: last, replay: Some(file) }),
            Some(Teeing::Failed(error)) => Err(error),
            Some(Teeing::Waits) | None => unreachable!("a capture gives its file before it ends"),
        }
    }
}

impl Drop for Tee<'_> {
    fn drop(&mut self) {
        let mut commit = self.journal.commit.lock();
        if commit.tee.take().is_some() {
            self.journal.discard();
        }
    }
}

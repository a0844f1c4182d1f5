//! The records of a running capture that needs no journal behind it: a snapshot in `Off`, and a copy in every mode. It
//! carries along what was written between its start and its end, and so is a prefix by itself.
//!
//! Invariants: from `Journal::tee` or `tee_into` to `Tee::end`, every record that is numbered is kept, in order; none
//! that `end` gives the file with is newer than the LSN beside it. A disk that refuses the file fails the capture and
//! nothing else: writes go on, and are not delayed but for room in the buffer. Where a journal is kept, a record goes
//! into its segment first, and one that the segment did not take is in no file.

use super::buffer::{self, Buffer};
use super::commit::Commit;
use super::standing::Standing;
use super::{Journal, Mode};
use crate::model::Lsn;
use crate::persist::journal::{Frame, FrameKind, SegmentId};
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

    /// Keeps every record from now on in `file` as well, in every mode, for the copy that begins; gives the segment that
    /// the journal is in, or that would come next. One capture runs at a time. Call it before the catalogue is read.
    ///
    /// # Errors
    /// The disk's; the journal is then given up. Or that it had been before.
    ///
    /// # Durability
    /// When it returns, every earlier record survives a loss of power, but for `Off`.
    pub fn tee_into(&self, file: ReplayFile) -> Result<(Tee<'_>, SegmentId), Error> {
        let mut commit = self.commit.lock();
        assert!(commit.tee.is_none(), "one capture runs at a time");
        let segment = if self.options.mode == Mode::Off {
            let buffer = Buffer::new(self.options.buffer_bytes);
            self.head.lock().buffer = Some(buffer);
            commit.newest.next()
        } else {
            // What waits came before: some of it may be what another record has overtaken since.
            self.write_out(&mut commit)?
        };
        commit.tee = Some(Teeing::Writes(file));
        Ok((Tee { journal: self }, segment))
    }

    /// Makes durable what waits, and gives the segment that it is in.
    fn write_out(&self, commit: &mut Commit) -> Result<SegmentId, Error> {
        match self.standing() {
            Standing::Serving => {
                let written = self.write_and_sync(commit);
                self.or_give_up(commit, written)?;
                self.id_of(commit)
            }
            Standing::Degraded | Standing::Healing => Err(self.given_up()),
        }
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
        for frame in buffer.frames() {
            let bytes = self.copy_to_tee(commit, &frame);
            bytes.into_iter().for_each(|bytes| self.figures.note_frame(bytes));
        }
        self.drop_buffer(commit, buffer);
        if let Some(Teeing::Failed(_)) = commit.tee {
            self.discard();
        }
    }

    /// Writes `frame` into the file, if there is one, and returns its bytes.
    pub(super) fn copy_to_tee(&self, commit: &mut Commit, frame: &buffer::Frame<'_>) -> Option<u64> {
        let Some(Teeing::Writes(file)) = &mut commit.tee else { return None };
        let written = file.append(&Frame {
            kind: FrameKind::Records,
            first_lsn: frame.first_lsn,
            count: frame.count,
            parts: &frame.parts,
            // The whole file is durable before the capture counts.
            durable_lsn: Lsn::ZERO,
            written_at: self.clock.now(),
        });
        written.map_err(|error| commit.tee = Some(Teeing::Failed(error))).ok()
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
    /// The disk's, whenever it came, or that the journal was given up.
    ///
    /// # Panics
    /// When no file was given.
    ///
    /// # Durability
    /// When it returns, what was issued up to here survives a loss of power in the journal, but for `Off`.
    pub fn end(self) -> Result<CaptureEnd, Error> {
        let journal = self.journal;
        let mut commit = journal.commit.lock();
        if journal.options.mode != Mode::Off {
            let last = journal.last();
            journal.write_out(&mut commit)?;
            let replay = taken(&mut commit)?;
            return Ok(CaptureEnd { lsn: last.max(replay.last_lsn()), replay: Some(replay) });
        }
        let (last, rest) = {
            let mut head = journal.head.lock();
            (Lsn(head.next.0.saturating_sub(1)), head.buffer.take())
        };
        if let Some(rest) = rest {
            journal.write_to_tee(&mut commit, rest);
        }
        Ok(CaptureEnd { lsn: last, replay: Some(taken(&mut commit)?) })
    }
}

fn taken(commit: &mut Commit) -> Result<ReplayFile, Error> {
    match commit.tee.take() {
        Some(Teeing::Writes(file)) => Ok(file),
        Some(Teeing::Failed(error)) => Err(error),
        Some(Teeing::Waits) | None => unreachable!("a capture gives its file before it ends"),
    }
}

impl Drop for Tee<'_> {
    fn drop(&mut self) {
        let mut commit = self.journal.commit.lock();
        if commit.tee.take().is_some() && self.journal.options.mode == Mode::Off {
            self.journal.discard();
        }
    }
}

//! The replay section of a snapshot: what was written between the capture's start and its end, as frames of records,
//! when no journal keeps it.
//!
//! Invariant: the frames are sealed with the snapshot's own stamp, so they belong to no other file; their chain goes on
//! from a checksum of the stamp alone, because they are written before the section's head can be. The head tells how
//! many records and bytes follow, so that none can be missing.
//! While the capture runs they are in a file of their own, which `Writer::finish` copies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::disk::{Disk, DiskFile};
use crate::model::{Lsn, Record};
use crate::persist::error::{Error, Fault, Flaw};
use crate::persist::fields::{Fields, put_u32, put_u64};
use crate::persist::journal::{Frame, FrameWriter, Walk, Window};
use crate::persist::seal::{Part, Seal, Stamp, check_sum, put_checksum};

/// Kind, count, length, checksum; the frames follow.
pub const HEAD_BYTES: usize = 20;

/// The name of the file that the records of a running capture go to. What is left of it is removed at a start.
pub const TEMPORARY: &str = "replay.tmp";

const NOTHING: u32 = 0;
const FRAMES: u32 = 1;

/// Bytes that are copied at once.
const COPIED_BYTES: u64 = 1 << 20;

/// What the head of a replay section says. The kind is told by whether there are records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayHead {
    /// Records in all frames.
    pub records: u32,
    /// Bytes of all frames.
    pub payload_bytes: u64,
}

impl ReplayHead {
    /// The head's bytes.
    pub fn encode(&self, seal: Seal) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES);
        put_u32(&mut out, if self.records == 0 { NOTHING } else { FRAMES });
        put_u32(&mut out, self.records);
        put_u64(&mut out, self.payload_bytes);
        put_checksum(&mut out, |bytes| seal.over(Part::Replay, 0, bytes));
        out
    }

    /// Reads a head. Whether its numbers fit the file is the reader's to say.
    pub(in crate::persist) fn decode(head: &[u8], seal: Seal) -> Result<ReplayHead, Fault> {
        check_sum(head, HEAD_BYTES - 4, |bytes| seal.over(Part::Replay, 0, bytes))?;
        let mut fields = Fields::of(head);
        let short = || Flaw::short(0, "a replay section");
        let (kind, records) = (fields.u32().ok_or_else(short)?, fields.u32().ok_or_else(short)?);
        let payload_bytes = fields.u64().ok_or_else(short)?;
        if kind > FRAMES {
            return Err(Fault::Newer(format!("a replay section of kind {kind} with {records} records")));
        }
        if (kind == FRAMES) != (records > 0) || (kind == FRAMES) != (payload_bytes > 0) {
            let found = format!("{records} in {payload_bytes} bytes");
            return Err(Flaw::new(4, format!("records as kind {kind} has them"), found).into());
        }
        Ok(ReplayHead { records, payload_bytes })
    }
}

/// What the first frame of a replay section goes on from.
fn chain(seal: Seal) -> u32 {
    seal.begin(Part::Replay, 0)
}

/// The records of a capture that runs, in a file of their own.
#[derive(Debug)]
pub struct ReplayFile {
    path: PathBuf,
    frames: FrameWriter,
    records: u32,
}

impl ReplayFile {
    /// Creates it in `folder`, for the snapshot with this `stamp`.
    pub(in crate::persist) fn create(disk: &dyn Disk, folder: &Path, stamp: Stamp) -> Result<ReplayFile, Error> {
        let path = folder.join(TEMPORARY);
        let file: Arc<dyn DiskFile> = Arc::from(disk.create(&path).map_err(Error::io(&path, "create"))?);
        let seal = Seal::of(stamp);
        let frames = FrameWriter::new(&path, file, seal, 0, chain(seal), Lsn::ZERO);
        Ok(ReplayFile { path, frames, records: 0 })
    }

    /// Writes `frame` behind those before, in one write, and returns its bytes.
    ///
    /// # Errors
    /// The disk's; the snapshot cannot be finished then.
    ///
    /// # Panics
    /// When the frame is one that no reader would take.
    pub fn append(&mut self, frame: &Frame<'_>) -> Result<u64, Error> {
        let bytes = self.frames.append(frame, &[])?;
        self.records = self.records.checked_add(frame.count).expect("fewer than 2^32 records in one capture");
        Ok(bytes)
    }

    /// What the section's head must say.
    pub(super) fn head(&self) -> ReplayHead {
        ReplayHead { records: self.records, payload_bytes: self.frames.offset() }
    }

    /// The last LSN in it, or 0.
    pub fn last_lsn(&self) -> Lsn {
        Lsn(self.frames.next_lsn().0.saturating_sub(1))
    }

    /// Hands on all of it, by parts.
    pub(super) fn copy(&self, mut part: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let end = self.frames.offset();
        let file: &dyn DiskFile = self.frames.file().as_ref();
        let mut window = Window::new(&self.path, file, end);
        let mut offset = 0;
        while offset < end {
            let bytes = window.read(offset, COPIED_BYTES as usize)?;
            offset += bytes.len() as u64;
            part(bytes)?;
        }
        Ok(())
    }
}

/// Hands on every record of the section with that `head`, whose frames begin at `start` of `file`, in order. None is
/// above `capture_end`. The outer error is the disk's; the inner one a frame that does not hold, with its number and
/// its offset.
pub(in crate::persist) fn read(
    path: &Path,
    file: &dyn DiskFile,
    seal: Seal,
    start: u64,
    head: ReplayHead,
    capture_end: Lsn,
    each: &mut dyn FnMut(Lsn, Record<'_>),
) -> Result<Result<(), (u32, u64, Fault)>, Error> {
    let end = start.saturating_add(head.payload_bytes);
    let mut walk = Walk::new(Window::new(path, file, end), seal, start, chain(seal), Lsn::ZERO);
    let mut records: u64 = 0;
    while walk.offset() < end {
        let (ordinal, offset) = (walk.ordinal(), walk.offset());
        match walk.step_with(each)? {
            Ok(frame) => records += u64::from(frame.count),
            Err(fault) => return Ok(Err((ordinal, offset, fault))),
        }
        if walk.next_lsn() > capture_end.next() {
            let flaw = Flaw::number(20, "LSNs up to", capture_end, walk.next_lsn());
            return Ok(Err((ordinal, offset, flaw.into())));
        }
    }
    if records != u64::from(head.records) {
        let flaw = Flaw::number(0, "records in all frames", head.records, records);
        return Ok(Err((walk.ordinal(), end, flaw.into())));
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::database_id::DatabaseId;

    #[test]
    fn a_head_comes_back_and_one_that_contradicts_itself_is_refused() {
        let seal = Seal::of(Stamp { database_id: DatabaseId([0; 16]), salt: 0 });
        let full = ReplayHead { records: 3, payload_bytes: 200 };
        for head in [ReplayHead::default(), full] {
            assert_eq!(ReplayHead::decode(&head.encode(seal), seal).unwrap(), head);
        }
        let check = |head: ReplayHead, at: usize, byte: u8| {
            let mut bytes = head.encode(seal);
            bytes.truncate(HEAD_BYTES - 4);
            bytes[at] = byte;
            put_checksum(&mut bytes, |bytes| seal.over(Part::Replay, 0, bytes));
            ReplayHead::decode(&bytes, seal)
        };
        let newer = check(full, 0, 7);
        assert!(matches!(newer, Err(Fault::Newer(what)) if what == "a replay section of kind 7 with 3 records"));
        for (head, at, byte) in
            [(full, 0, 0), (full, 4, 0), (full, 8, 0), (ReplayHead::default(), 4, 1), (ReplayHead::default(), 8, 1)]
        {
            assert!(matches!(check(head, at, byte), Err(Fault::Flaw(Flaw { at: 4, .. }))), "{head:?}, byte {at}");
        }
    }
}

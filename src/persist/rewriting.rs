//! Writes a snapshot anew under another stamp: the same documents, catalogue and records, sealed for another database.
//!
//! Invariant: a block is written only after the checksums of the one that was read hold. Of the records of the replay
//! section the order and the LSNs stay; which of them were written together does not matter any more, because a start
//! takes all of them or refuses the file.

use std::io::IoSlice;
use std::path::Path;

use super::error::Error;
use super::journal::{Batch, Frame, FrameKind, SegmentId, encode_record};
use super::seal::Stamp;
use super::snapshot::{CaptureEnd, REPLAY_TEMPORARY, ReplayFile, SnapshotHeader, SnapshotReader, Writer};
use crate::base::disk::Disk;
use crate::base::limits::{FRAME_TARGET_BYTES, SNAPSHOT_BLOCK_BYTES};
use crate::model::{Lsn, Record};

/// Writes what `source` holds to the file `path` in `folder`, for a database that has no journal yet. When it fails,
/// nothing is left of it.
///
/// # Errors
/// `Damaged` for the source, or the disk's.
///
/// # Durability
/// When it returns, the content survives a loss of power; the file's name may not.
pub fn rewrite(
    disk: &dyn Disk,
    source: &SnapshotReader,
    stamp: Stamp,
    folder: &Path,
    path: &Path,
) -> Result<(), Error> {
    let written = write(disk, source, stamp, folder, path);
    if source.replay_records() > 0 {
        // Best effort, as what a failure leaves: a start removes it.
        let _ = disk.remove(&folder.join(REPLAY_TEMPORARY));
    }
    written.inspect_err(|_| drop(disk.remove(path)))
}

fn write(disk: &dyn Disk, source: &SnapshotReader, stamp: Stamp, folder: &Path, path: &Path) -> Result<(), Error> {
    let header = SnapshotHeader { replay_from: SegmentId::FIRST, ..source.header().clone() };
    let mut writer = Writer::create(disk, path, stamp, &header, SNAPSHOT_BLOCK_BYTES)?;
    let mut buffer = Vec::new();
    for number in 0..source.block_count() {
        let collection = source.collection_of(number);
        let mut pushed = Ok(());
        source.each_of_block(number, &mut buffer, |entry| {
            if pushed.is_ok() {
                pushed = writer.push(collection, &entry);
            }
        })?;
        pushed?;
    }
    let replay = match source.replay_records() {
        0 => None,
        _ => Some(copy_records(source, ReplayFile::create(disk, folder, stamp)?)?),
    };
    writer.finish(CaptureEnd { lsn: source.capture_end(), replay }).map(drop)
}

/// Records that are put into frames again.
struct Framing {
    file: ReplayFile,
    first_lsn: Lsn,
    count: u32,
    payload: Vec<u8>,
}

fn copy_records(source: &SnapshotReader, file: ReplayFile) -> Result<ReplayFile, Error> {
    let mut framing = Framing { file, first_lsn: Lsn::ZERO, count: 0, payload: Vec::new() };
    let mut copied = Ok(());
    source.replay(|lsn, record| {
        if copied.is_ok() {
            copied = framing.add(source, lsn, &record);
        }
    })?;
    copied?;
    framing.end_frame(source)?;
    Ok(framing.file)
}

impl Framing {
    fn add(&mut self, source: &SnapshotReader, lsn: Lsn, record: &Record<'_>) -> Result<(), Error> {
        let is_next = lsn.0 == self.first_lsn.0.saturating_add(self.count.into());
        if !is_next || self.payload.len() as u64 >= FRAME_TARGET_BYTES {
            self.end_frame(source)?;
        }
        if self.count == 0 {
            self.first_lsn = lsn;
        }
        self.count += 1;
        if let Some(document) = encode_record(record, Batch::Ends, &mut self.payload) {
            self.payload.extend_from_slice(document.value());
        }
        Ok(())
    }

    fn end_frame(&mut self, source: &SnapshotReader) -> Result<(), Error> {
        if self.count == 0 {
            return Ok(());
        }
        self.file.append(&Frame {
            kind: FrameKind::Records,
            first_lsn: self.first_lsn,
            count: self.count,
            parts: &[IoSlice::new(&self.payload)],
            durable_lsn: Lsn::ZERO,
            written_at: source.captured_at(),
        })?;
        self.count = 0;
        self.payload.clear();
        Ok(())
    }
}

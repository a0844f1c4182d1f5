//! Writes a snapshot front to back: header, blocks as they fill, replay section, footer, end mark.
//!
//! Invariant: the file is complete and durable when `finish` returns, and recognisably incomplete before.
//! Memory is one block and the index, whatever the number of documents. It gives the file no other name.

use std::path::{Path, PathBuf};

use super::SnapshotHeader;
use super::entry;
use super::footer::{self, Footer, Indexed};
use super::format::{self, BlockHead};
use super::replay::{ReplayFile, ReplayHead};
use crate::base::disk::{Disk, DiskFile};
use crate::base::limits::SNAPSHOT_SYNC_BYTES;
use crate::model::{Entry, Lsn};
use crate::persist::error::Error;
use crate::persist::fields::put_u32;
use crate::persist::seal::{Part, Seal, Stamp};

/// What a finished file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of their keys and values.
    pub document_bytes: u64,
}

/// Where a capture ended.
#[derive(Debug)]
pub struct CaptureEnd {
    /// The last LSN issued when the last slice had been taken.
    pub lsn: Lsn,
    /// Every record issued since before the first slice, when no journal keeps them.
    pub replay: Option<ReplayFile>,
}

impl From<Lsn> for CaptureEnd {
    fn from(lsn: Lsn) -> CaptureEnd {
        CaptureEnd { lsn, replay: None }
    }
}

/// A snapshot being written.
#[derive(Debug)]
pub struct Writer {
    // Constant after construction.
    path: PathBuf,
    stamp: Stamp,
    seal: Seal,
    block_bytes_max: usize,
    collections: usize,
    // The file so far.
    file: Box<dyn DiskFile>,
    written: u64,
    synced: u64,
    footer: Footer,
    // The block that is filling.
    collection: Option<usize>,
    entries: u32,
    payload: Vec<u8>,
}

impl Writer {
    /// Creates the file at `path` and writes its header. A block ends before it would exceed `block_bytes_max`;
    /// a larger document has a block of its own.
    ///
    /// # Errors
    /// The disk's.
    pub fn create(
        disk: &dyn Disk,
        path: &Path,
        stamp: Stamp,
        header: &SnapshotHeader,
        block_bytes_max: usize,
    ) -> Result<Writer, Error> {
        let file = disk.create(path).map_err(Error::io(path, "create"))?;
        let mut writer = Writer {
            path: path.to_owned(),
            stamp,
            seal: Seal::of(stamp),
            block_bytes_max,
            collections: header.collections.len(),
            file,
            written: 0,
            synced: 0,
            footer: Footer::default(),
            collection: None,
            entries: 0,
            payload: Vec::new(),
        };
        writer.append(&format::encode_header(stamp, header))?;
        Ok(writer)
    }

    /// Adds `entry` of the main store (`None`) or of the collection with that index in the header's catalogue.
    /// A block holds entries of one collection, so they should arrive grouped.
    ///
    /// # Errors
    /// The disk's; the file is then of no use.
    pub fn push(&mut self, collection: Option<usize>, entry: &Entry) -> Result<(), Error> {
        assert!(collection.is_none_or(|index| index < self.collections), "an entry's collection is in the catalogue");
        let is_full = self.payload.len() + entry::encoded_bytes(entry) > self.block_bytes_max;
        if is_full || collection != self.collection {
            self.end_block()?;
        }
        self.collection = collection;
        self.entries += 1;
        self.footer.documents += 1;
        self.footer.document_bytes += entry.document.size_bytes() as u64;
        entry::encode(entry, &mut self.payload);
        Ok(())
    }

    /// Begins the file in `folder` that takes the records of this capture, when no journal does.
    ///
    /// # Errors
    /// The disk's.
    pub fn replay_file(&self, disk: &dyn Disk, folder: &Path) -> Result<ReplayFile, Error> {
        ReplayFile::create(disk, folder, self.stamp)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Durability
    /// When this returns, the content survives a loss of power; the file's name may not.
    ///
    /// # Panics
    /// When a record of the replay section was issued after the capture's end.
    pub fn finish(mut self, end: impl Into<CaptureEnd>) -> Result<Totals, Error> {
        let CaptureEnd { lsn: capture_end, replay } = end.into();
        self.end_block()?;
        self.footer.replay_offset = self.written;
        self.footer.capture_end = capture_end;
        let head = replay.as_ref().map_or(ReplayHead::default(), ReplayFile::head);
        self.append(&head.encode(self.seal))?;
        if let Some(replay) = replay {
            assert!(replay.last_lsn() <= capture_end, "the capture ends behind the records that it keeps");
            replay.copy(|part| {
                self.append(part)?;
                self.sync_now_and_then()
            })?;
        }
        let footer_offset = self.written;
        let footer = self.footer.encode(self.seal);
        self.append(&footer)?;
        self.append(&footer::encode_end_mark(self.seal, footer_offset, footer.len() as u64))?;
        self.file.sync_all().map_err(Error::io(&self.path, "sync"))?;
        let Footer { documents, document_bytes, .. } = self.footer;
        Ok(Totals { bytes: self.written, documents, document_bytes })
    }

    fn end_block(&mut self) -> Result<(), Error> {
        if self.entries == 0 {
            return Ok(());
        }
        let number = u32::try_from(self.footer.blocks.len()).expect("fewer than 2^32 blocks of a mebibyte");
        let payload_bytes = u32::try_from(self.payload.len()).expect("a block is one document or at most a mebibyte");
        let collection = format::file_number(self.collection);
        let head = BlockHead { collection, entries: self.entries, payload_bytes };
        self.footer.blocks.push(Indexed { offset: self.written, head });
        self.append(&head.encode(self.seal, number))?;

        let mut payload = std::mem::take(&mut self.payload);
        let checksum = self.seal.over(Part::BlockPayload, number, &payload);
        put_u32(&mut payload, checksum);
        self.append(&payload)?;
        self.entries = 0;
        // The buffer is used again, unless a large document made it large.
        if payload.capacity() <= 2 * self.block_bytes_max {
            payload.clear();
            self.payload = payload;
        }
        self.sync_now_and_then()
    }

    /// Syncs every few mebibytes, so that no other file's fsync queues behind gigabytes of this one; and gives back the memory
    /// that the system keeps them in, so that a snapshot takes none from others as it grows.
    fn sync_now_and_then(&mut self) -> Result<(), Error> {
        if self.written - self.synced >= SNAPSHOT_SYNC_BYTES {
            self.file.sync_data().map_err(Error::io(&self.path, "sync"))?;
            self.file.release(0..self.written);
            self.synced = self.written;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io(&self.path, "write"))?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

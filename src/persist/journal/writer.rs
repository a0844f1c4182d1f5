//! Writes a segment: its header first, under another name, then frame after frame behind it.
//!
//! Invariant: a file has a segment's name only when its header is durable, so no segment ever has a torn header, and
//! one that replaces a segment that was given up replaces it in one step.
//! It does not rotate, decides no sync but that of the header, and does not know who waits, nor when it pays to fill
//! the file ahead.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use super::frame_writer::{Frame, FrameWriter};
use super::growth::{Filling, Growth};
use super::segment::{HEADER_BYTES, Link, SegmentHeader, SegmentId};
use crate::base::disk::{Disk, DiskFile};
use crate::base::fault::{Fault, is_planted};
use crate::model::Lsn;
use crate::persist::error::Error;
use crate::persist::seal::Seal;

/// The name of a segment whose header is being written. What is left of it is removed at a start.
pub const TEMPORARY: &str = "journal.tmp";

/// The file of a segment: another thread than the one that writes may sync it.
#[derive(Clone, Debug)]
pub struct SegmentFile {
    path: Arc<Path>,
    file: Arc<dyn DiskFile>,
}

impl SegmentFile {
    /// Syncs it.
    ///
    /// # Errors
    /// The disk's. What had been written is then in doubt for ever: a second try may be called a success though it
    /// wrote nothing.
    ///
    /// # Durability
    /// When this returns, every frame that had been appended before the call survives a loss of power.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io(&self.path, "sync"))
    }
}

/// A segment being written.
#[derive(Debug)]
pub struct SegmentWriter {
    id: SegmentId,
    frames: FrameWriter,
    filling: Filling,
}

impl SegmentWriter {
    /// Makes the segment that `header` tells of in `folder`, in a file that grows by `growth`.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Durability
    /// When this returns, the segment survives a loss of power, its name included.
    pub fn create(
        disk: &dyn Disk,
        folder: &Path,
        header: &SegmentHeader,
        growth: Growth,
    ) -> Result<SegmentWriter, Error> {
        let path = folder.join(header.id.file_name());
        let temporary = folder.join(TEMPORARY);
        let file: Arc<dyn DiskFile> = Arc::from(disk.create(&temporary).map_err(Error::io(&temporary, "create"))?);
        let encoded = header.encode();
        file.write_all_at(&[IoSlice::new(&encoded)], 0).map_err(Error::io(&temporary, "write"))?;
        file.sync_all().map_err(Error::io(&temporary, "sync"))?;
        disk.rename(&temporary, &path).map_err(Error::io(&path, "rename into place"))?;
        if !is_planted(Fault::SkipFolderSync) {
            disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
        }
        let seal = Seal::of(header.stamp);
        let frames = FrameWriter::new(&path, file, seal, HEADER_BYTES as u64, header.chain(), header.first_lsn);
        Ok(SegmentWriter { id: header.id, frames, filling: Filling::new(growth) })
    }

    /// Writes `frame` behind those before, in one write, and returns its bytes. After an error the writer is of no use
    /// any more, and neither is its file.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Panics
    /// When the frame is one that no reader would take.
    ///
    /// # Durability
    /// What was written survives the process; a loss of power only when the file was synced afterwards.
    pub fn append(&mut self, frame: &Frame<'_>) -> Result<u64, Error> {
        let zeros = self.filling.behind(self.frames.offset(), frame.bytes());
        self.frames.append(frame, zeros)
    }

    /// Which segment this is.
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// Offset behind the last frame: the bytes of the segment so far.
    pub fn bytes(&self) -> u64 {
        self.frames.offset()
    }

    /// What the header of the next segment must say.
    pub fn end(&self) -> Link {
        let last_lsn = Lsn(self.frames.next_lsn().0.saturating_sub(1));
        Link::Follows { end: self.frames.offset(), last_lsn, chain: self.frames.chain() }
    }

    /// Its file, for whoever syncs it.
    pub fn file(&self) -> SegmentFile {
        SegmentFile { path: Arc::from(self.frames.path()), file: Arc::clone(self.frames.file()) }
    }
}

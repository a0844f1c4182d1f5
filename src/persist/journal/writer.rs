//! Writes a segment: its header first, under another name, then frame after frame behind it.
//!
//! Invariant: a file has a segment's name only when its header is durable, so no segment ever has a torn header, and
//! one that replaces a segment that was given up replaces it in one step.
//! It does not rotate, decides no sync but that of the header, and does not know who waits.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame_writer::{Frame, FrameWriter};
use super::segment::{HEADER_BYTES, Link, SegmentHeader, SegmentId};
use crate::base::disk::{Disk, DiskFile};
use crate::base::fault::{Fault, is_planted};
use crate::model::Lsn;
use crate::persist::error::Error;
use crate::persist::seal::Seal;

/// The name of a segment whose header is being written. What is left of it is removed at a start.
pub const TEMPORARY: &str = "journal.tmp";

/// The name of the file that is prepared for the next segment. What is left of it is removed at a start.
pub const PREPARED: &str = "journal.next.tmp";

/// Bytes of one write of zeros.
const ZEROS_BYTES: usize = 1 << 20;

/// A file of zeros for a segment to come. To overwrite what is there changes neither the file's size nor its place on
/// the disk, so that a sync has only data to write.
#[derive(Debug)]
pub struct PreparedSegment {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl PreparedSegment {
    /// Fills a file in `folder` with `bytes` zeros.
    ///
    /// # Errors
    /// The disk's.
    ///
    /// # Durability
    /// When this returns, the zeros survive a loss of power; the file's name may not.
    pub fn fill(disk: &dyn Disk, folder: &Path, bytes: u64) -> Result<PreparedSegment, Error> {
        let path = folder.join(PREPARED);
        let file: Arc<dyn DiskFile> = Arc::from(disk.create(&path).map_err(Error::io(&path, "create"))?);
        let zeros = vec![0; ZEROS_BYTES];
        let mut offset = 0;
        while offset < bytes {
            let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
            let part = zeros.get(..left).unwrap_or(&zeros);
            file.write_all_at(&[IoSlice::new(part)], offset).map_err(Error::io(&path, "write"))?;
            offset += part.len() as u64;
        }
        file.sync_all().map_err(Error::io(&path, "sync"))?;
        Ok(PreparedSegment { path, file })
    }
}

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
}

impl SegmentWriter {
    /// Makes the segment that `header` tells of in `folder`, in the file that was `prepared` or in a new one.
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
        prepared: Option<PreparedSegment>,
    ) -> Result<SegmentWriter, Error> {
        let path = folder.join(header.id.file_name());
        let (temporary, file) = match prepared {
            Some(PreparedSegment { path, file }) => (path, file),
            None => {
                let temporary = folder.join(TEMPORARY);
                let file = disk.create(&temporary).map_err(Error::io(&temporary, "create"))?;
                (temporary, Arc::from(file))
            }
        };
        let encoded = header.encode();
        file.write_all_at(&[IoSlice::new(&encoded)], 0).map_err(Error::io(&temporary, "write"))?;
        file.sync_all().map_err(Error::io(&temporary, "sync"))?;
        disk.rename(&temporary, &path).map_err(Error::io(&path, "rename into place"))?;
        if !is_planted(Fault::SkipFolderSync) {
            disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
        }
        let seal = Seal::of(header.stamp);
        let frames = FrameWriter::new(&path, file, seal, HEADER_BYTES as u64, header.chain(), header.first_lsn);
        Ok(SegmentWriter { id: header.id, frames })
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
        self.frames.append(frame)
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

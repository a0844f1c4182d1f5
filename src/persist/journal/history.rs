//! Reads what lies in front of the segments that a start replays: records that the documents have already, and that the
//! feed of changes tells to whoever comes back.
//!
//! From the first segment that is replayed it goes back along the links, each of which names the exact end of the
//! segment before, as far as they lead. Invariant: what is handed on ends where the replay begins and leaves nothing
//! out. Whatever is missing, foreign or damaged only makes it shorter, or is an error that no start fails of: nothing
//! here is needed to serve a document.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open::open;
use super::segment::{HEADER_BYTES, Link, SegmentHeader, SegmentId};
use super::walk::Walk;
use super::window::Window;
use crate::base::disk::{Disk, DiskFile};
use crate::model::{Lsn, Record};
use crate::persist::error::{Error, Fault, Flaw};
use crate::persist::seal::Seal;

/// The segments in front of those that are replayed.
#[derive(Debug)]
pub struct History {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// The header of the first that is replayed; `None` when none is.
    first: Option<SegmentHeader>,
}

/// A segment that was finished: its file, its header, and where the next one says that it ends.
struct Finished {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    header: SegmentHeader,
    end: u64,
    chain: u32,
}

impl History {
    /// Of what is in `folder` in front of the segment with the header `first`.
    pub fn new(disk: Arc<dyn Disk>, folder: &Path, first: Option<SegmentHeader>) -> History {
        History { disk, folder: folder.to_owned(), first }
    }

    /// Hands on every record of the last segments, in order: of as many as have fewer than `bytes_max` bytes together,
    /// and of one more. Before the records of each, `begins` is called with the smallest LSN that may be in it.
    ///
    /// # Errors
    /// `Damaged`, `Newer`, or the disk's. What was handed on before is then of no use, because what comes next is missing.
    pub fn read(
        &self,
        bytes_max: u64,
        mut begins: impl FnMut(Lsn),
        mut each: impl FnMut(Lsn, Record<'_>),
    ) -> Result<(), Error> {
        let mut segments = Vec::new();
        let mut bytes = 0;
        let mut next = self.first.clone();
        while let Some(header) = next.filter(|_| bytes < bytes_max) {
            let before = self.before(&header)?;
            bytes += before.as_ref().map_or(0, |segment| segment.end);
            next = before.as_ref().map(|segment| segment.header.clone());
            segments.extend(before);
        }
        segments.iter().rev().try_for_each(|segment| {
            begins(segment.header.first_lsn);
            segment.read(&mut each)
        })
    }

    /// The segment that the one with `header` goes on from; `None` when it goes on from none, or that is not there any
    /// more.
    fn before(&self, header: &SegmentHeader) -> Result<Option<Finished>, Error> {
        let Link::Follows { end, chain, .. } = header.link else { return Ok(None) };
        let id = SegmentId(header.id.0.saturating_sub(1));
        let path = self.folder.join(id.file_name());
        if !self.disk.exists(&path).map_err(Error::io(&path, "look for"))? {
            return Ok(None);
        }
        let (file, bytes, found) = open(self.disk.as_ref(), &path, id)?;
        let is_ours = |found: &SegmentHeader| found.stamp.database_id == header.stamp.database_id;
        let found = found.ok().filter(|found| is_ours(found) && (HEADER_BYTES as u64..=bytes).contains(&end));
        Ok(found.map(|header| Finished { path, file, header, end, chain }))
    }
}

impl Finished {
    /// Hands on every record.
    fn read(&self, each: &mut dyn FnMut(Lsn, Record<'_>)) -> Result<(), Error> {
        let window = Window::new(&self.path, self.file.as_ref(), self.end);
        let (seal, chain, first_lsn) = (Seal::of(self.header.stamp), self.header.chain(), self.header.first_lsn);
        let mut walk = Walk::new(window, seal, HEADER_BYTES as u64, chain, first_lsn);
        while walk.offset() < self.end {
            match walk.step_with(each)? {
                Ok(_) => {}
                Err(Fault::Newer(what)) => return Err(Error::Newer { path: self.path.clone(), what }),
                Err(Fault::Flaw(flaw)) => return Err(self.damaged(flaw, walk.ordinal(), walk.offset())),
            }
        }
        match walk.chain() == self.chain {
            true => Ok(()),
            false => Err(self.damaged(Flaw::checksum(0, self.chain, walk.chain()), walk.ordinal(), walk.offset())),
        }
    }

    fn damaged(&self, flaw: Flaw, frame: u32, at: u64) -> Error {
        let damage = flaw.in_file(&self.path, format!("frame {frame}"), at);
        Error::Damaged { damage: Box::new(damage), advice: "no document depends on it".to_owned() }
    }
}

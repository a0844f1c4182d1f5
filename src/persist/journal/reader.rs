//! Reads the records of the journal, in the order of their LSNs, over all segments that are to be replayed.
//!
//! Invariant: a record is handed on only when the checksums of its frame, and the chain from its segment's header up to
//! it, hold; this is checked here again, whatever a scan has seen before. Memory is one frame's.
//! It does not know what a record does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open::open;
use super::segment::{HEADER_BYTES, SegmentId};
use super::walk::Walk;
use super::window::Window;
use crate::base::disk::Disk;
use crate::model::{Lsn, Record};
use crate::persist::error::{Damage, Error, Fault, Flaw};
use crate::persist::seal::Seal;

/// A segment to be replayed, up to where it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Which segment.
    pub id: SegmentId,
    /// Offset behind the last frame that counts.
    pub end: u64,
}

/// What has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records.
    pub records: u64,
    /// Bytes of the segments.
    pub bytes: u64,
}

/// Segments to be replayed.
#[derive(Debug)]
pub struct JournalReader {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    stretches: Vec<Stretch>,
    advice: String,
}

impl JournalReader {
    /// Of the `stretches` in `folder`, which follow one another. `advice` ends the message of every damage.
    pub fn new(disk: Arc<dyn Disk>, folder: &Path, stretches: Vec<Stretch>, advice: &str) -> JournalReader {
        JournalReader { disk, folder: folder.to_owned(), stretches, advice: advice.to_owned() }
    }

    /// What is to be read.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Bytes to be read.
    pub fn bytes(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.end).sum()
    }

    /// Hands on every record with its LSN, in order.
    ///
    /// # Errors
    /// `Damaged` with file, frame and offset, `Newer`, or the disk's. What was handed on before is then of no use.
    pub fn read(&self, each: impl FnMut(Lsn, Record<'_>)) -> Result<Replayed, Error> {
        self.read_by_segment(|_| {}, each)
    }

    /// As `read`; before the records of each segment `begins` is called with the smallest LSN that may be in it.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_by_segment(
        &self,
        mut begins: impl FnMut(Lsn),
        mut each: impl FnMut(Lsn, Record<'_>),
    ) -> Result<Replayed, Error> {
        let mut replayed = Replayed::default();
        let mut next_lsn = Lsn::ZERO;
        for stretch in &self.stretches {
            next_lsn = self.read_one(stretch, next_lsn, &mut replayed, &mut begins, &mut each)?;
        }
        Ok(replayed)
    }

    fn read_one(
        &self,
        stretch: &Stretch,
        next_lsn: Lsn,
        replayed: &mut Replayed,
        begins: &mut dyn FnMut(Lsn),
        each: &mut dyn FnMut(Lsn, Record<'_>),
    ) -> Result<Lsn, Error> {
        let path = self.folder.join(stretch.id.file_name());
        let (file, bytes, header) = open(self.disk.as_ref(), &path, stretch.id)?;
        let header = header.map_err(|damage| self.damaged(damage))?;
        if bytes < stretch.end {
            let flaw = Flaw::new(0, format!("{} bytes", stretch.end), format!("{bytes}"));
            return Err(self.damaged(flaw.in_file(&path, "the segment", bytes)));
        }
        let window = Window::new(&path, file.as_ref(), stretch.end);
        let first_lsn = header.first_lsn.max(next_lsn);
        begins(first_lsn);
        let mut walk = Walk::new(window, Seal::of(header.stamp), HEADER_BYTES as u64, header.chain(), first_lsn);
        while walk.offset() < stretch.end {
            match walk.step_with(each)? {
                Ok(head) => replayed.records += u64::from(head.count),
                Err(Fault::Newer(what)) => return Err(Error::Newer { path, what }),
                Err(Fault::Flaw(flaw)) => {
                    let part = format!("frame {}", walk.ordinal());
                    return Err(self.damaged(flaw.in_file(&path, part, walk.offset())));
                }
            }
        }
        replayed.bytes += stretch.end;
        Ok(walk.next_lsn())
    }

    fn damaged(&self, damage: Damage) -> Error {
        Error::Damaged { damage: Box::new(damage), advice: self.advice.clone() }
    }
}

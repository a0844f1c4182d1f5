//! Begins the segments of the journal in a data folder, and removes those that no snapshot needs any more.
//!
//! Invariant: IDENTITY knows a segment before the first frame goes into it, and the file is durable before IDENTITY
//! knows it: so a segment that IDENTITY knows and that is not there was taken away, and one that it does not know is
//! empty. A segment goes only when neither database.mtdb nor database.mtdb.prev needs it.
//! Who writes into a segment, and when the next one begins, is not known here.

use std::path::Path;

use super::error::Error;
use super::folder::DataFolder;
use super::journal::{self, Growth, Link, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentId, SegmentWriter};
use super::plan::{JournalFound, SnapshotFound};
use super::seal::Stamp;
use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::base::fault::{Fault, is_planted};
use crate::model::Lsn;

/// What a new segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentStart {
    /// Which one.
    pub id: SegmentId,
    /// No record in it has a smaller LSN.
    pub first_lsn: Lsn,
    /// Everything up to here is durable. Behind a segment that was given up, this is what was durable before.
    pub durable_lsn: Lsn,
    /// Wall time.
    pub created_at: UnixMillis,
    /// What it goes on from.
    pub link: Link,
}

/// The first segments that the snapshots need, as far as they are good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// For database.mtdb.
    current: Option<SegmentId>,
    /// For database.mtdb.prev.
    previous: Option<SegmentId>,
}

impl Kept {
    /// As `found` at the start.
    pub fn of(found: &JournalFound) -> Kept {
        let replay_from = |snapshot: &SnapshotFound| match snapshot {
            SnapshotFound::Good { replay_from, .. } => Some(*replay_from),
            SnapshotFound::Missing | SnapshotFound::Damaged { .. } => None,
        };
        Kept { current: replay_from(&found.current), previous: replay_from(&found.previous) }
    }

    /// After a snapshot that is replayed from `replay_from` was published. The one before is the second now, unless it
    /// was of no use.
    pub fn after_publishing(self, replay_from: SegmentId) -> Kept {
        Kept { current: Some(replay_from), previous: self.current.or(self.previous) }
    }

    /// Database.mtdb has turned out to be damaged.
    pub fn without_current(self) -> Kept {
        Kept { current: None, ..self }
    }

    /// The first segment that any of them needs; `None` while everything may be needed.
    fn first_needed(self) -> Option<SegmentId> {
        let current = self.current?;
        if is_planted(Fault::FreeTooEarly) {
            return Some(current);
        }
        Some(self.previous.map_or(current, |previous| previous.min(current)))
    }
}

impl DataFolder {
    /// Creates the segment that `start` tells of, in a file that grows by `growth`.
    ///
    /// # Errors
    /// The disk's. The segment may then be there or not; it may be begun again.
    ///
    /// # Panics
    /// When there is a newer one.
    ///
    /// # Durability
    /// When this returns, the segment and its name survive a loss of power, and IDENTITY knows of it.
    pub fn begin_segment(&self, start: SegmentStart, growth: Growth) -> Result<SegmentWriter, Error> {
        let SegmentStart { id, first_lsn, durable_lsn, created_at, link } = start;
        let path = self.path().join(id.file_name());
        let stamp = Stamp::random(self.database_id()).map_err(Error::io(&path, "make up a salt for"))?;
        let header = SegmentHeader { stamp, id, first_lsn, durable_lsn, created_at, link };
        let segment = SegmentWriter::create(self.disk().as_ref(), self.path(), &header, growth)?;
        self.update_identity(|identity| {
            assert!(id.0 >= identity.newest_segment, "segments follow one another");
            identity.newest_segment = id.0;
            identity.journal_closed = false;
            // What the snapshot holds to which the segments did not lead is what this one goes on from.
            identity.off_ahead = false;
        })?;
        self.set_has_segment();
        Ok(segment)
    }

    /// Removes the segments that neither snapshot needs, the oldest first, and returns their bytes. One that was given
    /// up after a failure is copied to the quarantine before.
    ///
    /// # Errors
    /// The disk's; what is left goes with the next call.
    pub fn free_segments(&self, now: UnixMillis) -> Result<u64, Error> {
        let Some(needed) = self.kept().first_needed() else {
            return Ok(0);
        };
        let (disk, folder) = (self.disk().as_ref(), self.path());
        let mut bytes = 0;
        for listed in disk.list(folder).map_err(Error::io(folder, "list"))? {
            let Some(id) = SegmentId::of_name(&listed.name).filter(|id| *id < needed) else {
                continue;
            };
            if was_given_up(disk, folder, id)? {
                journal::quarantine(disk, folder, id, 0, listed.bytes, now)?;
            }
            let path = folder.join(&listed.name);
            disk.remove(&path).map_err(Error::io(&path, "remove"))?;
            bytes += listed.bytes;
        }
        if bytes > 0 {
            disk.sync_folder(folder).map_err(Error::io(folder, "sync"))?;
        }
        Ok(bytes)
    }
}

/// Whether the segment behind `id` says that `id` was given up. When there is none, or none that can be read, it says
/// nothing.
fn was_given_up(disk: &dyn Disk, folder: &Path, id: SegmentId) -> Result<bool, Error> {
    let path = folder.join(id.next().file_name());
    if !disk.exists(&path).map_err(Error::io(&path, "look for"))? {
        return Ok(false);
    }
    let mut header = [0; SEGMENT_HEADER_BYTES];
    let read = disk.open(&path).and_then(|file| file.read_exact_at(&mut header, 0));
    let header = read.ok().and_then(|()| SegmentHeader::decode(&header).ok());
    Ok(header.is_some_and(|header| header.link == Link::AfterFailure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_kept_for_both_snapshots() {
        let [one, two, three] = [1, 2, 3].map(SegmentId);
        let none = Kept::default();
        assert_eq!(none.first_needed(), None);
        let first = none.after_publishing(two);
        assert_eq!(first.first_needed(), Some(two));
        let second = first.after_publishing(three);
        assert_eq!((second.current, second.previous, second.first_needed()), (Some(three), Some(two), Some(two)));
        // A damaged one is not what the next one pushes out of its place.
        let fallen = Kept { current: Some(two), previous: Some(one) }.without_current();
        assert_eq!(fallen.first_needed(), None);
        assert_eq!(fallen.after_publishing(three), Kept { current: Some(three), previous: Some(one) });
    }
}

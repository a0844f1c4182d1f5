//! Walks one segment to its end and says what is there: how far it holds, and what lies behind.
//!
//! Invariant: reads only, a mebibyte at a time. Behind a fault it goes on to look for heads that hold, because one of
//! them may know that what the fault hides was durable. Whether a fault is damage or an interrupted write is decided
//! elsewhere, from what all segments say.

use std::path::Path;

use memchr::memmem;

use super::frame::{self, FrameHead};
use super::open::open;
use super::segment::{HEADER_BYTES, SegmentHeader, SegmentId};
use super::walk::Walk;
use super::window::Window;
use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::base::fault::{Fault as Planted, is_planted};
use crate::model::Lsn;
use crate::persist::database_id::DatabaseId;
use crate::persist::error::{Damage, Error, Fault};
use crate::persist::seal::Seal;

/// Bytes that are searched at once.
const SEARCHED_BYTES: usize = 1 << 18;

/// A segment whose header holds, walked to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentScan {
    /// What its header says.
    pub header: SegmentHeader,
    /// Offset behind the last good frame; behind the header when there is none.
    pub end: u64,
    /// What lies behind `end`.
    pub tail: Tail,
    /// The last LSN up to `end`; without a record, the one before the header's first.
    pub last_lsn: Lsn,
    /// The chain at `end`.
    pub chain: u32,
    /// The highest durable LSN that any head says, the header's and those behind a fault included.
    pub durable_lsn: Lsn,
    /// The latest wall time up to `end`.
    pub written_at: UnixMillis,
    /// Frames up to `end`.
    pub frames: u32,
    /// Records up to `end`.
    pub records: u64,
    /// True when the last frame up to `end` says that the server stopped in order.
    pub clean_stop: bool,
    /// The first frame that does not hold; there is one exactly when `tail` is `Bytes`.
    pub fault: Option<SegmentFault>,
}

/// Where a segment stops being readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFault {
    /// Offset of the frame that does not hold: the scan's `end`.
    pub at: u64,
    /// The first LSN that is not readable, at the least.
    pub next_lsn: Lsn,
    /// How the frame does not hold.
    pub damage: Damage,
    /// Frames behind it whose heads hold.
    pub later_frames: u32,
    /// Records that those heads announce.
    pub later_records: u64,
}

/// What lies behind the last good frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The end of the file.
    Nothing,
    /// Zeros up to the end of the file, which was filled with them in advance: as clean an end as the other.
    Zeros,
    /// As many bytes up to the last that is not zero: an interrupted write, or damage.
    Bytes(u64),
}

/// Walks the segment `id` in `folder`. The inner error is a header that does not hold, the file's name included: a
/// segment is made in one step, so that can only be damage.
///
/// # Errors
/// `Newer`, `Foreign` when it belongs to another database than `database_id`, or the disk's.
pub fn scan(
    disk: &dyn Disk,
    folder: &Path,
    id: SegmentId,
    database_id: DatabaseId,
) -> Result<Result<SegmentScan, Damage>, Error> {
    let path = folder.join(id.file_name());
    let (file, bytes, header) = open(disk, &path, id)?;
    let header = match header {
        Ok(header) => header,
        Err(damage) => return Ok(Err(damage)),
    };
    if header.stamp.database_id != database_id {
        return Err(Error::Foreign { path, expected: database_id, found: header.stamp.database_id });
    }
    let seal = Seal::of(header.stamp);
    let window = Window::new(&path, file.as_ref(), bytes);
    let mut walk = Walk::new(window, seal, HEADER_BYTES as u64, header.chain(), header.first_lsn);
    let mut scan = SegmentScan {
        end: 0,
        tail: Tail::Nothing,
        last_lsn: Lsn::ZERO,
        chain: 0,
        durable_lsn: header.durable_lsn,
        written_at: header.created_at,
        frames: 0,
        records: 0,
        clean_stop: false,
        fault: None,
        header,
    };
    while walk.offset() < bytes {
        match walk.step()? {
            Ok(head) => {
                scan.durable_lsn = scan.durable_lsn.max(head.durable_lsn);
                scan.written_at = scan.written_at.max(head.written_at);
                scan.records += u64::from(head.count);
            }
            Err(fault) => {
                scan.tail = tail(walk.offset(), walk.window())?;
                if let Tail::Bytes(_) = scan.tail {
                    fault_at(&mut walk, fault, seal, &mut scan)?;
                }
                break;
            }
        }
    }
    if is_planted(Planted::DropWatermark) {
        scan.durable_lsn = Lsn::ZERO;
    }
    scan.end = walk.offset();
    scan.last_lsn = Lsn(walk.next_lsn().0.saturating_sub(1));
    scan.chain = walk.chain();
    scan.frames = walk.ordinal();
    scan.clean_stop = walk.is_stopped();
    Ok(Ok(scan))
}

/// What lies from `start` on, where no frame does.
fn tail(start: u64, window: &mut Window<'_>) -> Result<Tail, Error> {
    let mut last = None;
    let mut offset = start;
    while offset < window.limit() {
        let part = window.read(offset, SEARCHED_BYTES)?;
        if let Some(at) = part.iter().rposition(|byte| *byte != 0) {
            last = Some(offset + at as u64);
        }
        offset += part.len() as u64;
    }
    Ok(last.map_or(Tail::Zeros, |last| Tail::Bytes(last + 1 - start)))
}

/// Notes the fault where the walk stands, and what the heads behind it say.
fn fault_at(walk: &mut Walk<'_>, fault: Fault, seal: Seal, scan: &mut SegmentScan) -> Result<(), Error> {
    let (at, ordinal, next_lsn) = (walk.offset(), walk.ordinal(), walk.next_lsn());
    let path = walk.window().path();
    let damage = match fault {
        Fault::Flaw(flaw) => flaw.in_file(path, format!("frame {ordinal}"), at),
        Fault::Newer(what) => return Err(Error::Newer { path: path.to_owned(), what }),
    };
    let (mut later_frames, mut later_records) = (0, 0);
    each_head(at, walk.window(), seal, |head| {
        // The head of the faulty frame itself may hold as well.
        if head.ordinal > ordinal {
            later_frames += 1;
            later_records += u64::from(head.count);
        }
        scan.durable_lsn = scan.durable_lsn.max(head.durable_lsn);
    })?;
    scan.fault = Some(SegmentFault { at, next_lsn, damage, later_frames, later_records });
    Ok(())
}

/// Finds every head that holds, at any offset from `start` on.
fn each_head(start: u64, window: &mut Window<'_>, seal: Seal, mut found: impl FnMut(&FrameHead)) -> Result<(), Error> {
    let mut offset = start;
    while window.remaining(offset) >= frame::HEAD_BYTES as u64 {
        let part = window.read(offset, SEARCHED_BYTES)?;
        for at in memmem::find_iter(part, &frame::MAGIC) {
            let head = part.get(at..at + frame::HEAD_BYTES).map(|head| FrameHead::decode(head, seal));
            if let Some(Ok(head)) = head {
                found(&head);
            }
        }
        // A head that does not lie wholly within this part lies within the next.
        offset += (part.len() + 1).saturating_sub(frame::HEAD_BYTES) as u64;
    }
    Ok(())
}

//! What stands behind the journal's one mutex: the number that comes next, and the records that were not taken yet.
//!
//! Issuing and appending are one hold of it, so the records lie in the order of their LSNs, without a gap. It does not
//! know whether the number may be issued: that is `Sequence`'s; nor whether there is space: that is the room's.

use crate::model::{Lsn, Record};

use super::buffer::Buffer;
use super::feed::Fresh;
use super::sequence::Sequence;

/// The end at which the journal grows.
#[derive(Debug)]
pub(super) struct Head {
    /// The LSN of the next record. `Sequence` has a copy for those who only look.
    pub(super) next: Lsn,
    /// Where records are kept; `None` while there is no file that they could go into.
    pub(super) buffer: Option<Buffer>,
    /// What those who follow the changes are going to be told; stays empty when the feed is off.
    pub(super) fresh: Fresh,
}

impl Head {
    /// An end at which nothing has grown yet, and no record is kept.
    pub(super) fn new(next: Lsn) -> Head {
        Head { next, buffer: None, fresh: Fresh::default() }
    }

    /// The newest LSN that was issued.
    pub(super) fn last(&self) -> Lsn {
        Lsn(self.next.0.saturating_sub(1))
    }

    /// Gives the next `count` LSNs out, and returns the first.
    pub(super) fn issue(&mut self, count: u32, sequence: &Sequence) -> Lsn {
        let first = self.next;
        self.next = Lsn(first.0.saturating_add(u64::from(count)));
        sequence.note_issued(Lsn(self.next.0.saturating_sub(1)));
        first
    }

    /// Keeps `records` of together `bytes`, the first of which has the LSN `first`. What is returned is how many bytes
    /// are kept now; `None` when none are, because there is no file for them.
    pub(super) fn keep(&mut self, first: Lsn, records: &[Record<'_>], bytes: usize) -> Option<usize> {
        let buffer = self.buffer.as_mut()?;
        buffer.append(first, records, bytes);
        Some(buffer.held())
    }
}

//! The journal while the server runs: every mutation gets its number here and leaves its record, in one order.
//!
//! A mutation takes a `Room` before any lock; inside its critical section it appends a record and so gets its LSN, in
//! one hold of one mutex. So the order of the records is the order in which mutations happen, per key and beside the
//! catalogue. Invariant: appending never waits and never fails, because the room for it was taken before.
//! What rests on a record leaves as the mode says (`Durability`). It does not know what a document means, nor how many
//! shards there are; the bytes of a record are persist's.

mod head;
mod release;
mod room;
mod sequence;

use std::fmt;

use parking_lot::Mutex;

use crate::model::{Lsn, Record, Refusal};

use head::Head;

pub use room::Room;
pub use sequence::{Raise, Sequence};

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything, power loss included: a reply waits for the fsync of its group.
    Always,
    /// The end of the process. Power loss takes at most the last second and one running fsync.
    Everysec,
    /// The end of the process. Power loss takes what the kernel had not written.
    Os,
    /// A clean stop: there is no journal on disk, only snapshots.
    Off,
}

/// Numbers mutations and keeps their records. One for a server: the engine writes to it, the fronts ask it what may
/// leave.
pub struct Journal {
    // With synchronization of its own.
    sequence: Sequence,
    /// A leaf among the locks: nothing is called, waited for or freed under it.
    head: Mutex<Head>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("next", &self.next()).finish_non_exhaustive()
    }
}

impl Journal {
    /// A journal in mode `Off`, which goes on with `sequence`: it numbers, keeps no record, and lets every reply leave
    /// at once.
    pub fn off(sequence: Sequence) -> Journal {
        Journal { head: Mutex::new(Head { next: sequence.next() }), sequence }
    }

    /// Takes room for `records`: what a mutation is going to append at most, as far as that is known before it has its
    /// locks. What it appends may have other deadlines.
    ///
    /// It never waits for room, but it may write IDENTITY to raise the ceiling of the LSNs.
    ///
    /// # Errors
    /// Writes are refused for now.
    ///
    /// # Locks
    /// None may be held.
    pub fn room(&self, records: &[Record<'_>]) -> Result<Room<'_>, Refusal> {
        Room::take(self, records)
    }

    /// Issues an LSN for what has no record: what is imported at the start, which a snapshot holds before anybody is
    /// served.
    ///
    /// # Errors
    /// The ceiling cannot be made durable.
    pub fn number(&self) -> Result<Lsn, Refusal> {
        self.sequence.promise(1)?;
        let lsn = self.head.lock().issue(&self.sequence);
        self.sequence.give_back(1);
        Ok(lsn)
    }

    /// Makes sure that LSNs can be issued: at the start, before anybody is served.
    ///
    /// # Errors
    /// The ceiling cannot be made durable.
    pub fn prepare(&self) -> Result<(), Refusal> {
        self.sequence.prepare()
    }

    /// Tries again to make LSNs available when writes are refused for want of them; costs nothing else.
    pub fn recover(&self) {
        self.sequence.recover();
    }

    /// The LSN that will be issued next.
    pub fn next(&self) -> Lsn {
        self.sequence.next()
    }

    /// The newest LSN that was issued; 0 when none was.
    pub fn last(&self) -> Lsn {
        self.sequence.last()
    }
}

//! What stands behind the journal's one mutex: the number that comes next.
//!
//! Issuing and appending are one hold of it. It does not know whether the number may be issued: that is `Sequence`'s.

use crate::model::Lsn;

use super::sequence::Sequence;

/// The end at which the journal grows.
#[derive(Debug)]
pub(super) struct Head {
    /// The LSN of the next record. `Sequence` has a copy for those who only look.
    pub(super) next: Lsn,
}

impl Head {
    /// Gives the next LSN out.
    pub(super) fn issue(&mut self, sequence: &Sequence) -> Lsn {
        let lsn = self.next;
        self.next = lsn.next();
        sequence.note_issued(lsn);
        lsn
    }
}

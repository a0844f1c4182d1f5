//! Log sequence numbers: the one counter behind versions, ETags, the journal's order and the feed's cursor.

use std::fmt;

/// A log sequence number. 0 stands before the first mutation; no number is issued twice, over any crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before every mutation.
    pub const ZERO: Lsn = Lsn(0);

    /// The number after this one.
    pub fn next(self) -> Lsn {
        Lsn(self.0.saturating_add(1))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a reply rests on: the LSN that must survive for the reply to stay true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The mutation that the reply acknowledges.
    Written(Lsn),
    /// The newest mutation that the reply lets its reader see (a version, a removal, the head of a listing).
    Seen(Lsn),
}

impl Rest {
    /// Rests on nothing that could be lost.
    pub const NOTHING: Rest = Rest::Seen(Lsn::ZERO);

    /// The LSN, whatever its role.
    pub fn lsn(self) -> Lsn {
        match self {
            Rest::Written(lsn) | Rest::Seen(lsn) => lsn,
        }
    }
}

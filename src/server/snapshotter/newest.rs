//! What the newest snapshot holds, and when the next one is due for the journal's sake.
//!
//! It is arithmetic on counters: it takes no snapshot, and does not know what a journal is.

use crate::base::limits::OUTGROWING_JOURNAL_BYTES_MIN;
use crate::model::Lsn;
use crate::server::{Loaded, Source};

/// The newest snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// Where the counter of LSNs stood when it began: nothing has changed while it stands there. `None` when there is
    /// no snapshot, or what was loaded is more than it holds.
    pub next_lsn: Option<Lsn>,
    /// Size of the file.
    pub bytes: u64,
    /// What the counter of the journal's bytes said when it began, ...
    pub journal_bytes: u64,
    /// ... and what the journal had for it already before the counter began.
    pub replayed_bytes: u64,
}

impl Newest {
    /// The snapshot that was `loaded`; the counter of LSNs stands at `next_lsn`.
    pub fn of(loaded: &Loaded, next_lsn: Lsn) -> Newest {
        let bytes = match loaded.source {
            Source::Snapshot { bytes, .. } => Some(bytes),
            // It has just been taken.
            Source::Go(_) => Some(0),
            Source::Nothing => None,
        };
        let is_current = bytes.is_some() && loaded.replayed.records == 0;
        Newest {
            next_lsn: is_current.then_some(next_lsn),
            bytes: bytes.unwrap_or(0),
            journal_bytes: 0,
            replayed_bytes: loaded.replayed.bytes,
        }
    }

    /// True when nothing has changed since it began, now that the counter of LSNs stands at `next_lsn`.
    pub fn is_current(&self, next_lsn: Lsn) -> bool {
        self.next_lsn == Some(next_lsn)
    }

    /// True when a start would have more journal to replay than snapshot to load, and not a little of it, now that the
    /// counter of the journal's bytes says `journal_bytes`.
    pub fn is_outgrown(&self, journal_bytes: u64) -> bool {
        let since = journal_bytes.saturating_sub(self.journal_bytes).saturating_add(self.replayed_bytes);
        since > self.bytes.max(OUTGROWING_JOURNAL_BYTES_MIN)
    }

    /// Counts from `journal_bytes` on again, after an attempt that failed: the next one comes when as much has come
    /// together once more, and not at once.
    pub fn put_off(&mut self, journal_bytes: u64) {
        self.journal_bytes = journal_bytes;
        self.replayed_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_outgrown_when_the_journal_behind_it_is_larger_and_large() {
        let small = Newest { journal_bytes: 1000, bytes: 10, ..Newest::default() };
        assert!(
            !small.is_outgrown(1000 + OUTGROWING_JOURNAL_BYTES_MIN)
                && small.is_outgrown(1001 + OUTGROWING_JOURNAL_BYTES_MIN)
        );
        let large = Newest { bytes: 3 * OUTGROWING_JOURNAL_BYTES_MIN, ..Newest::default() };
        assert!(
            !large.is_outgrown(3 * OUTGROWING_JOURNAL_BYTES_MIN)
                && large.is_outgrown(3 * OUTGROWING_JOURNAL_BYTES_MIN + 1)
        );
    }

    #[test]
    fn what_was_replayed_counts_until_an_attempt_failed() {
        let mut replayed = Newest { replayed_bytes: OUTGROWING_JOURNAL_BYTES_MIN + 1, ..Newest::default() };
        assert!(replayed.is_outgrown(0));
        replayed.put_off(0);
        assert!(
            !replayed.is_outgrown(OUTGROWING_JOURNAL_BYTES_MIN)
                && replayed.is_outgrown(OUTGROWING_JOURNAL_BYTES_MIN + 1)
        );
    }
}

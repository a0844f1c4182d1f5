//! Whether this process should be sent work: a set of reasons against it, readable without a lock.
//!
//! Invariant: ready means that no reason is set. Whoever raises a reason lowers it again.
//! Beside them stand how much the disk has left, when it is the disk, and the pulses of threads that never wait for long.
//! It does not know who asks (`/readyz`, metrics) nor what to do about it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::pulse::Pulses;

/// Why the server is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The snapshot is still being loaded.
    Loading,
    /// A shutdown has begun.
    Draining,
    /// The pool has lost more threads to the HTTP library than it may replace.
    ThreadsLost,
    /// LSNs cannot be reserved: the disk refuses the file IDENTITY.
    SequenceUnavailable,
    /// The disk has refused the journal, and writes are refused until a new one is begun.
    JournalUnavailable,
}

impl Reason {
    const ALL: [Reason; 5] = [
        Reason::Loading,
        Reason::Draining,
        Reason::ThreadsLost,
        Reason::SequenceUnavailable,
        Reason::JournalUnavailable,
    ];

    /// The stable code shown by `/readyz`.
    pub fn code(self) -> &'static str {
        match self {
            Reason::Loading => "loading",
            Reason::Draining => "draining",
            Reason::ThreadsLost => "threads_lost",
            Reason::SequenceUnavailable => "sequence_unavailable",
            Reason::JournalUnavailable => "journal_unavailable",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The set of reasons that hold now.
#[derive(Debug, Default)]
pub struct Health {
    reasons: AtomicU32,
    /// One more than the free bytes that were noted last; 0 when none were.
    free_bytes: AtomicU64,
    pulses: Pulses,
}

impl Health {
    /// Adds `reason` to those that hold.
    pub fn raise(&self, reason: Reason) {
        self.reasons.fetch_or(reason.bit(), Ordering::SeqCst);
    }

    /// Takes `reason` away.
    pub fn lower(&self, reason: Reason) {
        self.reasons.fetch_and(!reason.bit(), Ordering::SeqCst);
    }

    /// Notes how many bytes were free on the data folder's disk when it refused something.
    pub fn note_free_bytes(&self, bytes: u64) {
        self.free_bytes.store(bytes.saturating_add(1), Ordering::Relaxed);
    }

    /// Bytes that were free on the data folder's disk when it last refused something, for as long as writes are refused
    /// because of that.
    pub fn free_bytes(&self) -> Option<u64> {
        let is_refused = self.holds(Reason::JournalUnavailable) || self.holds(Reason::SequenceUnavailable);
        self.free_bytes.load(Ordering::Relaxed).checked_sub(1).filter(|_| is_refused)
    }

    /// The pulses of the threads by which one sees that the process is alive.
    pub fn pulses(&self) -> &Pulses {
        &self.pulses
    }

    /// True when no reason holds.
    pub fn is_ready(&self) -> bool {
        self.reasons.load(Ordering::Relaxed) == 0
    }

    /// True when `reason` holds.
    pub fn holds(&self, reason: Reason) -> bool {
        self.reasons.load(Ordering::Relaxed) & reason.bit() != 0
    }

    /// The reasons that hold, in a fixed order.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> {
        let set = self.reasons.load(Ordering::Relaxed);
        Reason::ALL.into_iter().filter(move |reason| set & reason.bit() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_bytes_are_told_while_the_disk_is_what_is_wrong() {
        let health = Health::default();
        health.raise(Reason::JournalUnavailable);
        assert_eq!(health.free_bytes(), None, "nobody has looked");
        health.note_free_bytes(0);
        assert_eq!(health.free_bytes(), Some(0));
        health.lower(Reason::JournalUnavailable);
        assert_eq!(health.free_bytes(), None);
    }

    #[test]
    fn ready_means_that_no_reason_holds() {
        let health = Health::default();
        assert!(health.is_ready());
        health.raise(Reason::Loading);
        health.raise(Reason::Draining);
        assert!(!health.is_ready());
        health.lower(Reason::Loading);
        assert_eq!(health.reasons().collect::<Vec<_>>(), [Reason::Draining]);
        health.lower(Reason::Draining);
        assert!(health.is_ready());
    }
}

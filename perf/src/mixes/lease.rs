//! Until when documents with a TTL must be there, and from when on they must be gone.
//!
//! The deadline is set by the server somewhere between request and answer, so it is known as an interval: what lies
//! before all of it or behind all of it is certain, and only that is judged. Times are microseconds since the start of
//! the generator.

use anyhow::{Result, ensure};

use crate::mixes::ledger::View;

/// How far apart our clock and the server's may run within a TTL, and the millisecond that deadlines are kept to.
const TOLERANCE_US: u64 = 5_000;

/// What is known of a key's deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// It is there before this.
    held_until_us: u64,
    /// It is gone after this, if nobody writes it again.
    gone_from_us: u64,
}

/// All keys' deadlines.
#[derive(Debug)]
pub struct Leases {
    rows: Vec<Lease>,
    ttl_us: u64,
}

impl Leases {
    /// Of the keys `0..count`, of which none is there; each write gives `ttl_us`.
    pub fn new(count: u32, ttl_us: u64) -> Leases {
        Leases { rows: vec![Lease::default(); count as usize], ttl_us }
    }

    /// What is known of `key` now.
    pub fn of(&self, key: u32) -> Lease {
        self.rows.get(key as usize).copied().unwrap_or_default()
    }

    /// A write that was asked for at `asked_us` has been acknowledged at `now_us`. Whatever overlapped it gave a TTL as
    /// long, so the later times hold.
    pub fn renew(&mut self, key: u32, asked_us: u64, now_us: u64) {
        if let Some(row) = self.rows.get_mut(key as usize) {
            row.held_until_us = row.held_until_us.max(asked_us + self.ttl_us);
            row.gone_from_us = row.gone_from_us.max(now_us + self.ttl_us);
        }
    }
}

impl Lease {
    /// The document was not there, says an answer that came at `now_us`.
    ///
    /// # Errors
    /// It should have been.
    pub fn is_gone(self, now_us: u64) -> Result<()> {
        let early_us = self.held_until_us.saturating_sub(now_us);
        ensure!(early_us <= TOLERANCE_US, "gone {early_us} µs before its time");
        Ok(())
    }

    /// The document was there, says the answer to a request that went out at `asked_us`, when `seen` was known of its
    /// writes; `is_undisturbed` when nobody has written it since.
    ///
    /// # Errors
    /// It should not have been.
    pub fn is_there(self, asked_us: u64, seen: View, is_undisturbed: bool) -> Result<()> {
        let late_us = asked_us.saturating_sub(self.gone_from_us);
        let is_certain = seen.is_quiet && is_undisturbed;
        ensure!(!is_certain || late_us <= TOLERANCE_US, "there {late_us} µs after its time");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixes::ledger::Ledger;

    const TTL_US: u64 = 200_000;

    /// A document that was asked for at 1 s and acknowledged 1 ms later.
    fn lease() -> Lease {
        let mut leases = Leases::new(1, TTL_US);
        leases.renew(0, 1_000_000, 1_001_000);
        leases.of(0)
    }

    #[test]
    fn a_document_may_not_be_gone_before_its_deadline() {
        assert!(lease().is_gone(1_195_000).is_ok());
        let error = lease().is_gone(1_194_999).unwrap_err().to_string();
        assert_eq!(error, "gone 5001 µs before its time");
        assert!(Lease::default().is_gone(0).is_ok());
    }

    #[test]
    fn a_document_may_not_be_there_after_its_deadline_unless_it_was_written_again() {
        let mut ledger = Ledger::new(1);
        let quiet = ledger.view(0);
        assert!(lease().is_there(1_206_000, quiet, true).is_ok());
        let error = lease().is_there(1_206_001, quiet, true).unwrap_err().to_string();
        assert_eq!(error, "there 5001 µs after its time");
        assert!(lease().is_there(1_300_000, quiet, false).is_ok());
        ledger.begin(0);
        assert!(lease().is_there(1_300_000, ledger.view(0), true).is_ok());
    }

    #[test]
    fn a_later_write_extends_the_lease_and_an_earlier_answer_does_not_shorten_it() {
        let mut leases = Leases::new(1, TTL_US);
        leases.renew(0, 2_000, 3_000);
        leases.renew(0, 1_000, 9_000);
        assert_eq!(leases.of(0), Lease { held_until_us: 202_000, gone_from_us: 209_000 });
    }
}

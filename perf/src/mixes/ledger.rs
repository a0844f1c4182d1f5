//! What has been written to which key, so that every answer can be held against it although many clients write at once.
//!
//! A write is known from the moment at which it is asked for; which of several that overlap came last only the server
//! knows, and tells by their versions. So nothing is guessed: what must be is what follows from the writes that were
//! over before a request went out, and what may be are those that were under way meanwhile.

use anyhow::{Result, ensure};

use crate::template::KEYS_MAX;

/// A key's history.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// The newest version that was acknowledged, and the write that made it.
    version: u64,
    write: u32,
    /// Writes that were asked for, and how many of them are over. They wrap: only whether they are equal counts.
    begun: u32,
    ended: u32,
}

/// All keys' histories.
#[derive(Debug)]
pub struct Ledger {
    rows: Vec<Row>,
    writes: u32,
}

/// What was known of a key when a request went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The newest version that was acknowledged; 0 for none.
    pub version: u64,
    begun: u32,
    /// True when no write was under way.
    pub is_quiet: bool,
}

impl Ledger {
    /// Of the keys `0..count`, to which nothing has been written.
    pub fn new(count: u32) -> Ledger {
        Ledger { rows: vec![Row::default(); count as usize], writes: 0 }
    }

    /// What is known of `key` now.
    pub fn view(&self, key: u32) -> View {
        let row = self.row(key);
        View { version: row.version, begun: row.begun, is_quiet: row.begun == row.ended }
    }

    /// A write to `key` goes out: the view behind it, and the number that its document carries.
    pub fn begin(&mut self, key: u32) -> (View, u32) {
        self.writes = (self.writes + 1) % KEYS_MAX;
        let before = self.view(key);
        let row = self.row_mut(key);
        row.begun = row.begun.wrapping_add(1);
        (View { begun: row.begun, ..before }, self.writes)
    }

    /// A write has been acknowledged with `version`; `seen` and `write` are what it began with.
    ///
    /// # Errors
    /// The version is not above what was acknowledged before the write went out.
    pub fn end(&mut self, key: u32, (seen, write): (View, u32), version: u64) -> Result<()> {
        let row = self.row_mut(key);
        row.ended = row.ended.wrapping_add(1);
        ensure!(version > seen.version, "version {version}, and {} was there before it was asked for", seen.version);
        ensure!(version != row.version, "version {version} twice");
        if version > row.version {
            (row.version, row.write) = (version, write);
        }
        Ok(())
    }

    /// A write has been refused because its condition did not hold.
    pub fn refuse(&mut self, key: u32) {
        let row = self.row_mut(key);
        row.ended = row.ended.wrapping_add(1);
    }

    /// True when no write to `key` but `own` ones can have happened between the view and now.
    pub fn is_undisturbed(&self, key: u32, seen: View) -> bool {
        seen.is_quiet && self.row(key).begun == seen.begun
    }

    /// A document came that says `write`, and its answer `version`, to who asked with `seen`.
    ///
    /// # Errors
    /// It is older than what was acknowledged before the request, or not what was written.
    pub fn read(&self, key: u32, seen: View, write: u32, version: u64) -> Result<()> {
        let row = self.row(key);
        ensure!(version >= seen.version, "stale: version {version}, and {} was acknowledged before", seen.version);
        if version == row.version {
            ensure!(write == row.write, "version {version} is of write {}, and this is of write {write}", row.write);
        }
        ensure!(version == seen.version || !self.is_undisturbed(key, seen), "version {version}, which nobody wrote");
        Ok(())
    }

    fn row(&self, key: u32) -> Row {
        self.rows.get(key as usize).copied().unwrap_or_default()
    }

    fn row_mut(&mut self, key: u32) -> &mut Row {
        self.rows.get_mut(key as usize).expect("keys are drawn below the ledger's count")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: u32 = 3;

    /// A key that was written once, as version 10.
    fn written() -> (Ledger, u32) {
        let mut ledger = Ledger::new(4);
        let begun = ledger.begin(KEY);
        ledger.end(KEY, begun, 10).unwrap();
        (ledger, begun.1)
    }

    #[test]
    fn what_was_acknowledged_must_be_read() {
        let (mut ledger, first) = written();
        let before = ledger.view(KEY);
        ledger.read(KEY, before, first, 10).unwrap();
        let begun = ledger.begin(KEY);
        ledger.end(KEY, begun, 12).unwrap();
        let after = ledger.view(KEY);
        ledger.read(KEY, after, begun.1, 12).unwrap();
        let error = ledger.read(KEY, after, first, 10).unwrap_err().to_string();
        assert_eq!(error, "stale: version 10, and 12 was acknowledged before");
        // Who asked before the second write may have seen either.
        ledger.read(KEY, before, first, 10).unwrap();
        ledger.read(KEY, before, begun.1, 12).unwrap();
    }

    #[test]
    fn a_version_belongs_to_one_write() {
        let (ledger, first) = written();
        let error = ledger.read(KEY, ledger.view(KEY), first + 1, 10).unwrap_err().to_string();
        assert_eq!(error, "version 10 is of write 1, and this is of write 2");
        let error = ledger.read(KEY, ledger.view(KEY), first, 11).unwrap_err().to_string();
        assert_eq!(error, "version 11, which nobody wrote");
    }

    #[test]
    fn writes_that_overlap_may_end_in_either_order_and_their_versions_decide() {
        let (mut ledger, _) = written();
        let (one, other) = (ledger.begin(KEY), ledger.begin(KEY));
        let between = ledger.view(KEY);
        assert!(!between.is_quiet && !ledger.is_undisturbed(KEY, between));
        ledger.read(KEY, between, one.1, 11).unwrap();
        ledger.end(KEY, other, 12).unwrap();
        ledger.end(KEY, one, 11).unwrap();
        let after = ledger.view(KEY);
        assert!(after.is_quiet && after.version == 12);
        ledger.read(KEY, after, other.1, 12).unwrap();
        assert!(ledger.read(KEY, after, one.1, 11).is_err());
    }

    #[test]
    fn versions_go_up_and_come_once() {
        let (mut ledger, _) = written();
        let begun = ledger.begin(KEY);
        assert!(ledger.end(KEY, begun, 10).is_err());
        let (one, other) = (ledger.begin(KEY), ledger.begin(KEY));
        ledger.end(KEY, one, 11).unwrap();
        assert_eq!(ledger.end(KEY, other, 11).unwrap_err().to_string(), "version 11 twice");
    }

    #[test]
    fn a_write_is_undisturbed_by_itself_and_disturbed_by_another() {
        let (mut ledger, _) = written();
        let (seen, _) = ledger.begin(KEY);
        assert!(ledger.is_undisturbed(KEY, seen));
        ledger.begin(KEY);
        assert!(!ledger.is_undisturbed(KEY, seen));
        let (mut ledger, _) = written();
        ledger.begin(KEY);
        let (seen, _) = ledger.begin(KEY);
        assert!(!ledger.is_undisturbed(KEY, seen), "one was under way before it");
        ledger.refuse(KEY);
        ledger.refuse(KEY);
        assert!(ledger.view(KEY).is_quiet);
    }
}

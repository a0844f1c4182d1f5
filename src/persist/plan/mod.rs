//! What to do with a data folder, decided from what is in it and from nothing else.
//!
//! `folder` has the rows for a folder without a journal, `journal` those for one with it; each row has its test.
//! Invariant: deciding is pure. It reads no file and changes none, so that every row can be tried on values, and
//! nothing begins empty, or in an older state, where data should be.

mod folder;
mod journal;
mod refused;
mod salvage;

pub use folder::{DatabaseFile, FolderFound, Leftovers, Standing};
pub use journal::{Base, Cut, JournalFound, Next, Note, Recovery, SegmentFound, SnapshotFound, first_needed};
pub use refused::{GO_BACK, REPAIR, Refused};

pub use salvage::{GivenUp, Salvage, salvage};

use folder::FolderPlan;

/// What the plan depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// IDENTITY, snapshots and files of the Go server, by what they are.
    pub folder: FolderFound,
    /// The journal, and how far the snapshots lead into it.
    pub journal: JournalFound,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Begin a new database.
    Fresh,
    /// Import the files of the Go server.
    Import,
    /// Load what is there, and replay the journal behind it.
    Recover(Recovery),
}

/// What to do with a folder in which `found` is.
///
/// # Errors
/// Why the folder must not be opened.
pub fn decide(found: &Found) -> Result<Plan, Refused> {
    let journal = &found.journal;
    if !journal.is_there() {
        let next = Next::after_snapshot(&journal.current);
        return Ok(match folder::decide(found.folder)? {
            FolderPlan::Fresh => Plan::Fresh,
            FolderPlan::Import => Plan::Import,
            FolderPlan::Empty => Plan::Recover(Recovery::without_journal(Base::Nothing, Leftovers::None, next)),
            FolderPlan::Load(leftovers) => Plan::Recover(Recovery::without_journal(Base::Current, leftovers, next)),
        });
    }
    if found.folder.identity == Standing::Missing {
        return Err(Refused::IdentityMissing);
    }
    journal::decide(found).map(Plan::Recover)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lsn;
    use crate::persist::journal::{Link, SegmentId};

    const EMPTY: FolderFound = FolderFound {
        identity: Standing::Missing,
        database: DatabaseFile::Missing,
        previous: false,
        go_files: false,
        go_originals: false,
    };

    fn check(folder: FolderFound, expected: Plan) {
        assert_eq!(decide(&Found { folder, journal: JournalFound::none() }), Ok(expected));
    }

    #[test]
    fn without_a_journal_the_next_segment_is_the_first_and_goes_on_from_the_snapshot() {
        check(EMPTY, Plan::Fresh);
        check(FolderFound { go_files: true, ..EMPTY }, Plan::Import);
        let first = Next { id: SegmentId::FIRST, link: Link::Start { capture_end: Lsn::ZERO } };
        let empty = Recovery::without_journal(Base::Nothing, Leftovers::None, first);
        check(FolderFound { identity: Standing::Unsettled, ..EMPTY }, Plan::Recover(empty));

        let folder = FolderFound { identity: Standing::Settled, database: DatabaseFile::Ours, ..EMPTY };
        let current = SnapshotFound::Good { replay_from: SegmentId(0), capture_end: Lsn(9) };
        let found = Found { folder, journal: JournalFound { current, ..JournalFound::none() } };
        let behind = Next { id: SegmentId::FIRST, link: Link::Start { capture_end: Lsn(9) } };
        let loaded = Recovery::without_journal(Base::Current, Leftovers::None, behind);
        assert_eq!(decide(&found), Ok(Plan::Recover(loaded)));
    }
}

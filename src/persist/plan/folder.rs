//! The rows for a folder without a journal.
//!
//! | IDENTITY  | database.mtdb | .prev | Go files | Go originals | then                                              |
//! |-----------|---------------|-------|----------|--------------|---------------------------------------------------|
//! | missing   | ours          |       |          |              | refuse: numbers could be issued twice             |
//! | missing   | any other     | there |          |              | refuse: the same                                  |
//! | missing   | missing or Go | none  | some     |              | import                                            |
//! | missing   | missing       | none  | none     | some         | refuse: their snapshot is missing                 |
//! | missing   | missing       | none  | none     | none         | fresh                                             |
//! | unsettled | ours          |       | some     |              | load, then finish the import's renames            |
//! | unsettled | ours          |       | none     |              | load                                              |
//! | unsettled | any other     | there |          |              | refuse: a snapshot is missing                     |
//! | unsettled | missing or Go | none  | some     |              | import (again: it had not been completed)         |
//! | unsettled | missing       | none  | none     | some         | refuse: their snapshot is missing                 |
//! | unsettled | missing       | none  | none     | none         | empty: it stopped before its first snapshot       |
//! | settled   | ours          |       | some     |              | load, and say that those files are not imported   |
//! | settled   | ours          |       | none     |              | load                                              |
//! | settled   | Go or unknown |       |          |              | refuse: the snapshot is damaged or replaced       |
//! | settled   | missing       | any   |          |              | refuse: the snapshot is missing                   |
//!
//! "Go" is any database.mtdb that bears neither our magic nor our end mark. "Settled" stands in IDENTITY: a snapshot
//! of ours has been published, and no Go file waits for its new name.
//! There is no row that takes `.prev` by itself: without a journal it is an older state, and going back to that is a
//! decision. Invariant: no row begins empty where data should be. It does not know that there are journals.

use super::refused::Refused;

/// What a file called database.mtdb is, judged by its first and last bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseFile {
    /// There is none.
    Missing,
    /// It bears our magic or our end mark. It may still be damaged.
    Ours,
    /// It bears neither.
    Go,
}

/// What IDENTITY says, as far as the plan depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Missing,
    /// No snapshot is known to be published, or the files of an import still have their old names.
    Unsettled,
    /// A snapshot has been published.
    Settled,
}

/// What is in the folder beside a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderFound {
    /// The file IDENTITY.
    pub identity: Standing,
    /// The file database.mtdb.
    pub database: DatabaseFile,
    /// Whether database.mtdb.prev exists.
    pub previous: bool,
    /// Whether there is an in-memory.mtdb or a collections/*.cmtdb.
    pub go_files: bool,
    /// Whether there is a file of the Go server that an import has given its new name.
    pub go_originals: bool,
}

/// What to do with a folder without a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderPlan {
    /// Begin a new database.
    Fresh,
    /// Go on with a database in which no snapshot was ever taken.
    Empty,
    /// Load database.mtdb.
    Load(Leftovers),
    /// Import the files of the Go server.
    Import,
}

/// What to do with files of the Go server beside our snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// There are none.
    None,
    /// They are in the snapshot: give them the names that the import was about to give them.
    Rename,
    /// They came later: leave them and say so.
    Mention,
}

/// The table above.
///
/// # Errors
/// Why the folder must not be opened.
pub fn decide(found: FolderFound) -> Result<FolderPlan, Refused> {
    use FolderPlan as Plan;
    let FolderFound { identity, database, previous, go_files, go_originals } = found;
    match (identity, database) {
        (Standing::Missing, DatabaseFile::Ours) => Err(Refused::IdentityMissing),
        (Standing::Missing, _) if previous => Err(Refused::IdentityMissing),
        (Standing::Unsettled, DatabaseFile::Ours) if go_files => Ok(Plan::Load(Leftovers::Rename)),
        (Standing::Settled, DatabaseFile::Ours) if go_files => Ok(Plan::Load(Leftovers::Mention)),
        (_, DatabaseFile::Ours) => Ok(Plan::Load(Leftovers::None)),
        (Standing::Settled, DatabaseFile::Go) => Err(Refused::SnapshotReplaced { previous }),
        (Standing::Settled, DatabaseFile::Missing) => Err(Refused::SnapshotMissing { previous }),
        (Standing::Unsettled, _) if previous => Err(Refused::SnapshotMissing { previous }),
        (_, DatabaseFile::Go) => Ok(Plan::Import),
        (_, DatabaseFile::Missing) if go_files => Ok(Plan::Import),
        (_, DatabaseFile::Missing) if go_originals => Err(Refused::OriginalsAlone),
        (Standing::Missing, DatabaseFile::Missing) => Ok(Plan::Fresh),
        (Standing::Unsettled, DatabaseFile::Missing) => Ok(Plan::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DatabaseFile::{Go, Missing, Ours};
    use FolderFound as Found;
    use FolderPlan as Plan;
    use Standing::{Settled, Unsettled};

    const NOTHING: Found =
        Found { identity: Standing::Missing, database: Missing, previous: false, go_files: false, go_originals: false };

    /// Every combination of what a row leaves open must come out the same.
    fn check(fits: impl Fn(&Found) -> bool, expected: Result<Plan, Refused>) {
        let mut seen = 0;
        for identity in [Standing::Missing, Unsettled, Settled] {
            for database in [Missing, Ours, Go] {
                for bits in 0..8 {
                    let [previous, go_files, go_originals] = [1, 2, 4].map(|bit| bits & bit != 0);
                    let found = Found { identity, database, previous, go_files, go_originals };
                    if fits(&found) {
                        assert_eq!(decide(found), expected, "{found:?}");
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 0);
    }

    #[test]
    fn a_snapshot_without_identity_is_refused() {
        let missing = |f: &Found| f.identity == Standing::Missing;
        check(|f| missing(f) && f.database == Ours, Err(Refused::IdentityMissing));
        check(|f| missing(f) && f.previous, Err(Refused::IdentityMissing));
    }

    #[test]
    fn go_files_alone_are_imported() {
        let new = |f: &Found| f.identity == Standing::Missing && !f.previous;
        check(|f| new(f) && f.database == Go, Ok(Plan::Import));
        check(|f| new(f) && f.database == Missing && f.go_files, Ok(Plan::Import));
    }

    #[test]
    fn originals_without_their_snapshot_are_refused() {
        let bare = |f: &Found| f.database == Missing && !f.previous && !f.go_files && f.go_originals;
        check(|f| bare(f) && f.identity != Settled, Err(Refused::OriginalsAlone));
    }

    #[test]
    fn an_empty_folder_is_fresh() {
        assert_eq!(decide(NOTHING), Ok(Plan::Fresh));
    }

    #[test]
    fn an_unsettled_folder_with_our_snapshot_is_loaded_and_its_import_finished() {
        let ours = |f: &Found| f.identity == Unsettled && f.database == Ours;
        check(|f| ours(f) && f.go_files, Ok(Plan::Load(Leftovers::Rename)));
        check(|f| ours(f) && !f.go_files, Ok(Plan::Load(Leftovers::None)));
    }

    #[test]
    fn an_unsettled_folder_with_only_a_previous_snapshot_is_refused() {
        let fits = |f: &Found| f.identity == Unsettled && f.database != Ours && f.previous;
        check(fits, Err(Refused::SnapshotMissing { previous: true }));
    }

    #[test]
    fn an_import_that_was_not_completed_begins_again() {
        let unsettled = |f: &Found| f.identity == Unsettled && !f.previous;
        check(|f| unsettled(f) && f.database == Go, Ok(Plan::Import));
        check(|f| unsettled(f) && f.database == Missing && f.go_files, Ok(Plan::Import));
    }

    #[test]
    fn a_folder_that_stopped_before_its_first_snapshot_goes_on_empty() {
        assert_eq!(decide(Found { identity: Unsettled, ..NOTHING }), Ok(Plan::Empty));
    }

    #[test]
    fn a_settled_folder_is_loaded_and_later_go_files_are_left_alone() {
        let ours = |f: &Found| f.identity == Settled && f.database == Ours;
        check(|f| ours(f) && f.go_files, Ok(Plan::Load(Leftovers::Mention)));
        check(|f| ours(f) && !f.go_files, Ok(Plan::Load(Leftovers::None)));
    }

    #[test]
    fn a_settled_folder_never_begins_empty_or_anew() {
        let settled = |f: &Found, database| f.identity == Settled && f.database == database;
        for previous in [false, true] {
            let fits = |database| move |f: &Found| settled(f, database) && f.previous == previous;
            check(fits(Missing), Err(Refused::SnapshotMissing { previous }));
            check(fits(Go), Err(Refused::SnapshotReplaced { previous }));
        }
    }
}

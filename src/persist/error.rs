//! What can go wrong with files, each as one line: which file, where, what was expected and found, what to do.
//!
//! Invariant: every variant names a path. The client's faults do not exist here; our own are asserted.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::database_id::DatabaseId;
use super::journal::SegmentId;
use super::plan::Refused;
use crate::model::Lsn;

/// Why the data folder, or a file in it, could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb: "create".
        action: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Another process serves this folder.
    #[error("{}: in use by another memory-tools ({holder}); stop that one, or choose another data_dir", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// `pid N` as the other one wrote it, or that it is unknown.
        holder: String,
    },
    /// A file of ours does not hold what its checksums and its grammar demand.
    #[error("{damage}; {advice}")]
    Damaged {
        /// Where and how.
        damage: Box<Damage>,
        /// What to do.
        advice: String,
    },
    /// The file was written by a version that knows more than this one.
    #[error("{}: {what}, which this version does not know; use the newer memory-tools that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What is new in it: "format version 2, newer than 1".
        what: String,
    },
    /// The snapshot is of another database than the folder.
    #[error("{}: belongs to database {found}, but IDENTITY beside it to {expected}; \
             put back the files that belong together", path.display())]
    Foreign {
        /// The snapshot.
        path: PathBuf,
        /// The id in IDENTITY.
        expected: DatabaseId,
        /// The id in the snapshot.
        found: DatabaseId,
    },
    /// IDENTITY would issue numbers again that the snapshot or the journal has seen.
    #[error("{}: would go on from LSN {ceiling}, but what is beside it has seen {seen}: this IDENTITY is an \
             older copy; put back the one that belongs to it", path.display())]
    IdentityOlder {
        /// IDENTITY.
        path: PathBuf,
        /// Where it would go on.
        ceiling: Lsn,
        /// The capture end of the snapshot, or the last LSN of the journal.
        seen: Lsn,
    },
    /// What is in the folder does not add up to a database.
    #[error("{}", in_folder(folder, refused))]
    Refused {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        refused: Refused,
    },
    /// A file of the Go server cannot be imported as it is.
    #[error("{}: cannot be imported: at byte {offset}: {cause}; nothing was changed; \
             --import-skip leaves out what cannot be imported", path.display())]
    Import {
        /// The Go server's file.
        path: PathBuf,
        /// Where the entry's faulty part begins.
        offset: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// A name that the import needs for the original is taken.
    #[error("{}: already exists, and the import would give that name to {}; move one of them away",
            original.display(), file.display())]
    OriginalExists {
        /// The Go server's file.
        file: PathBuf,
        /// The name it should get.
        original: PathBuf,
    },
    /// The numbers are used up.
    #[error("{}: LSN {wanted} is beyond the last one there is; export the documents into a new data_dir", path.display())]
    LsnsExhausted {
        /// IDENTITY.
        path: PathBuf,
        /// The ceiling that was asked for.
        wanted: Lsn,
    },
    /// The journal cannot be written, and no new one has been begun.
    #[error("the journal was given up: {cause}")]
    JournalGivenUp {
        /// What went wrong, with the file.
        cause: String,
    },
    /// The snapshot is none by itself.
    #[error("{}: needs the journal of its data folder from {} on and is no backup; take one with memory-tools backup",
            path.display(), replay_from.file_name())]
    Incomplete {
        /// The snapshot.
        path: PathBuf,
        /// The first segment that it needs.
        replay_from: SegmentId,
    },
    /// A folder for something new has something in it.
    #[error("{}: is not empty; choose another, or let --force move what is there aside", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A snapshot of this folder is being written already.
    #[error("{}: a snapshot is being written already", path.display())]
    SnapshotRunning {
        /// The snapshot's temporary file.
        path: PathBuf,
    },
}

impl Error {
    /// True when something of the data is not as it was written, or is gone. Files of a newer version are neither.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Error::Damaged { .. } | Error::Foreign { .. } | Error::IdentityOlder { .. } | Error::Refused { .. }
        )
    }

    /// True when there was no room for what was to be written: on the disk, or within what this process may use of it.
    pub fn is_want_of_room(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Error::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }

    /// Wraps the operating system's answer to `action` on `path`.
    pub fn io<'a>(path: &'a Path, action: &'static str) -> impl FnOnce(io::Error) -> Error + 'a {
        move |source| Error::Io { path: path.to_owned(), action, source }
    }
}

/// Why `folder` is refused, with its name in front unless the text begins with a file in it.
pub(super) fn in_folder(folder: &Path, refused: &Refused) -> String {
    let (folder, text) = (folder.display().to_string(), refused.to_string());
    if text.starts_with(&folder) { text } else { format!("{folder}: {text}") }
}

/// One place in a file that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The part: "block 3".
    pub part: String,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// What must be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { path, part, offset, expected, found } = self;
        write!(f, "{}: damaged: {part}, byte {offset}: expected {expected}, found {found}", path.display())
    }
}

/// A fault within one part of a file, before the part's place in the file is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Offset within the part.
    pub at: usize,
    /// What must be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Flaw {
    /// A fault at `at` of the part.
    pub fn new(at: usize, expected: impl Into<String>, found: impl Into<String>) -> Flaw {
        Flaw { at, expected: expected.into(), found: found.into() }
    }

    /// A number that is not what it must be.
    pub fn number(at: usize, what: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Flaw {
        Flaw::new(at, format!("{what} {expected}"), found.to_string())
    }

    /// A checksum that does not hold.
    pub fn checksum(at: usize, expected: u32, found: u32) -> Flaw {
        Flaw::new(at, format!("checksum {expected:08x}"), format!("{found:08x}"))
    }

    /// The part ends before a field of it.
    pub fn short(at: usize, what: &str) -> Flaw {
        Flaw::new(at, what, "the end")
    }

    /// Puts the flaw in its place: part `part` of `path`, which begins at `start`.
    pub fn in_file(self, path: &Path, part: impl fmt::Display, start: u64) -> Damage {
        Damage {
            path: path.to_owned(),
            part: part.to_string(),
            offset: start.saturating_add(self.at as u64),
            expected: self.expected,
            found: self.found,
        }
    }
}

/// A part that cannot be read: because it is not as it must be, or because it says more than this version can.
#[derive(Debug)]
pub(super) enum Fault {
    /// Damage.
    Flaw(Flaw),
    /// Written by a newer version; what is new.
    Newer(String),
}

impl From<Flaw> for Fault {
    fn from(flaw: Flaw) -> Fault {
        Fault::Flaw(flaw)
    }
}

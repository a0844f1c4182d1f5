//! What can be asked of a running server on the command line.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What is asked of a running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it is, if that was said.
    pub url: Option<String>,
    /// The file that holds the token to present, if that was said.
    pub token_file: Option<String>,
    /// The collection; `None` is the main store, or, of what is about all documents, every one.
    pub collection: Option<String>,
    /// What to do there.
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Show a document, or what a pointer leads to in it.
    Get {
        /// Its key.
        key: String,
        /// The pointer (RFC 6901).
        pointer: Option<String>,
        /// Whether it is shown what there is to say of it, in place of itself.
        head_only: bool,
    },
    /// Write a document.
    Put(Write),
    /// Change a document.
    Patch(Write, PatchForm),
    /// Remove a document.
    Delete {
        /// Its key.
        key: String,
        /// An entity tag that it must have.
        if_match: Option<String>,
    },
    /// Show the keys.
    List {
        /// What they begin with.
        prefix: String,
        /// Whether versions and deadlines are shown with them.
        is_long: bool,
    },
    /// Show what changes, as it does.
    Watch(Watching),
    /// Write every document to a file or to standard output.
    Export(Exporting),
    /// Take the lines of an export.
    Import(Importing),
    /// Show how the server fares, again and again.
    Top(Viewing),
    /// Write a backup to a file or to standard output.
    Backup(BackingUp),
}

/// A write with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The body.
    pub content: Content,
    /// The time to live, as the server reads it.
    pub ttl: Option<String>,
    /// An entity tag that the document must have.
    pub if_match: Option<String>,
    /// Whether there must be no such document yet.
    pub creates: bool,
}

/// Where a body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Here.
    Text(String),
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

/// What a patch is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchForm {
    /// RFC 7396.
    Merge,
    /// RFC 6902.
    Json,
    /// RFC 6902 and operations of our own.
    Operations,
}

impl PatchForm {
    /// Every form with the word for it.
    pub const ALL: [(&'static str, PatchForm); 3] =
        [("merge", PatchForm::Merge), ("json", PatchForm::Json), ("ops", PatchForm::Operations)];

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            PatchForm::Merge => "application/merge-patch+json",
            PatchForm::Json => "application/json-patch+json",
            PatchForm::Operations => "application/vnd.memory-tools.ops+json",
        }
    }
}

/// Where an export goes, and what is said meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exporting {
    /// Where it goes.
    pub to: Stream,
    /// Only these documents: a collection's, or the main store's by an empty name.
    pub collection: Option<String>,
    /// Whether it goes on with what an earlier one has left.
    pub goes_on: bool,
    /// Whether nothing is said of how far it is, nor how much it was.
    pub is_quiet: bool,
}

/// Where an import comes from, and what becomes of what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Importing {
    /// Where it comes from.
    pub from: Stream,
    /// What becomes of what is there, as the server reads it.
    pub mode: Option<String>,
    /// Whether nothing is said of how far it is, nor how much it was.
    pub is_quiet: bool,
}

/// How often a server is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewing {
    /// How long it is from one look to the next.
    pub interval: Duration,
    /// How many blocks of lines are shown; `None`: until somebody has enough, and on a terminal in place.
    pub blocks: Option<u64>,
}

/// Where a backup goes, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackingUp {
    /// Where it goes.
    pub to: Stream,
    /// Whether it takes the place of a file of that name.
    pub replaces: bool,
    /// Whether nothing is said of how far it is, nor how much it was.
    pub is_quiet: bool,
}

/// What lines are read from or written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// A file.
    File(PathBuf),
    /// Standard input or output.
    Standard,
}

impl Stream {
    /// What `word` names; a dash is the standard one.
    pub fn named(word: &str) -> Stream {
        if word == "-" { Stream::Standard } else { Stream::File(PathBuf::from(word)) }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::File(path) => path.display().fmt(f),
            Stream::Standard => f.write_str("standard input"),
        }
    }
}

/// Which changes are shown, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watching {
    /// What their keys begin with.
    pub prefix: Option<String>,
    /// The LSN behind which they begin; `None`: from now on.
    pub since: Option<String>,
    /// As the lines that the server sends.
    pub as_json: bool,
    /// With the documents, which only JSON can show.
    pub with_values: bool,
}

//! What came of a reload: of reading again, while the server serves, what an operator may change meanwhile.

use std::path::PathBuf;

/// What became of one thing that is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reread<T> {
    /// There is none of it, and nothing was read.
    Absent,
    /// It was read, and holds from now on.
    Taken(T),
    /// It cannot be used, because of this: what was before stays.
    Kept(String),
}

impl<T> Reread<T> {
    /// The same, with what was read as `of` has it.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Reread<U> {
        match self {
            Reread::Absent => Reread::Absent,
            Reread::Taken(read) => Reread::Taken(of(read)),
            Reread::Kept(cause) => Reread::Kept(cause),
        }
    }

    /// What was read.
    pub fn taken(self) -> Option<T> {
        if let Reread::Taken(read) = self { Some(read) } else { None }
    }

    /// Why what was before stays.
    pub fn kept(&self) -> Option<&str> {
        if let Reread::Kept(cause) = self { Some(cause) } else { None }
    }
}

/// What came of a reload, thing by thing: what is wrong with one of them keeps none of the others back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The certificate that new connections are shown, by its file.
    pub certificate: Reread<PathBuf>,
    /// How many tokens there are, of which each request is asked for one.
    pub tokens: Reread<usize>,
}

/// The answer to an operator's call for a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadAnswer {
    /// It is done.
    Done(Reloaded),
    /// The server is stopping, and reads nothing any more.
    Stopping,
}

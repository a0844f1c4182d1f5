//! What a reload came to, in the words of the log.

use std::fmt;

/// What a reload came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// Nothing that is configured is read again while serving.
    Nothing,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reloaded::Nothing => f.write_str(
                "nothing to reload: only TLS certificates are read again, and no TLS is configured; restart to change \
                 options",
            ),
        }
    }
}

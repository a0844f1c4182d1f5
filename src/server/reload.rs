//! What a reload came to, in the words of the log.

use std::fmt;
use std::path::PathBuf;

use super::certificate::CertificateError;

/// What a reload came to.
#[derive(Debug)]
pub enum Reloaded {
    /// Nothing that is configured is read again while serving.
    Nothing,
    /// New connections are shown what this file holds now.
    Certificate(PathBuf),
    /// The files do not hold what can be shown: everything stays as it was.
    Kept(CertificateError),
    /// From now on one of so many tokens is asked for.
    Tokens(usize),
    /// The tokens stay as they were, because of this.
    TokensKept(String),
}

impl Reloaded {
    /// True when something is not as whoever asked wants it.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Reloaded::Kept(_) | Reloaded::TokensKept(_))
    }
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reloaded::Nothing => f.write_str(
                "nothing to reload: only TLS certificates and tokens are read again, and there are none of them; restart \
                 to change options",
            ),
            Reloaded::Certificate(path) => {
                write!(f, "new connections are shown the certificate that is now in {}", path.display())
            }
            Reloaded::Tokens(count) => write!(f, "every request is asked for one of {count} tokens, as read now"),
            Reloaded::TokensKept(cause) => write!(f, "the tokens are not reloaded, those before stay: {cause}"),
            Reloaded::Kept(error) => write!(f, "the certificate is not reloaded, the one before stays: {error}"),
        }
    }
}

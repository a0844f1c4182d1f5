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
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reloaded::Nothing => f.write_str(
                "nothing to reload: only TLS certificates are read again, and no TLS is configured; restart to change \
                 options",
            ),
            Reloaded::Certificate(path) => {
                write!(f, "new connections are shown the certificate that is now in {}", path.display())
            }
            Reloaded::Kept(error) => write!(f, "the certificate is not reloaded, the one before stays: {error}"),
        }
    }
}

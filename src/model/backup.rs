//! A copy of everything that there was at one moment, on its way to who asked for it.

use std::fmt;
use std::io;

use super::SnapshotReport;

/// The bytes of a copy, from the first to the last; dropping it gives back the room that it takes.
pub trait ReadBackup: Send {
    /// Appends the next bytes to `into`, at most `at_most` of them; none behind the last.
    ///
    /// # Errors
    /// The disk's.
    fn read(&mut self, at_most: usize, into: &mut Vec<u8>) -> io::Result<()>;
}

/// The answer to an operator's call for a copy of everything.
pub enum BackupAnswer {
    /// It is complete, and was read back.
    Ready {
        /// What it holds.
        report: SnapshotReport,
        /// Its bytes.
        content: Box<dyn ReadBackup>,
    },
    /// Another one is being written or read.
    AlreadyRunning,
    /// It failed, and has left nothing behind.
    Failed(String),
    /// The server is stopping.
    Stopping,
}

impl fmt::Debug for BackupAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackupAnswer::Ready { report, .. } => write!(f, "Ready {{ {report:?} }}"),
            BackupAnswer::AlreadyRunning => f.write_str("AlreadyRunning"),
            BackupAnswer::Failed(cause) => write!(f, "Failed({cause:?})"),
            BackupAnswer::Stopping => f.write_str("Stopping"),
        }
    }
}

//! A copy of everything for who asked: made whole on the disk, then handed out as fast as it is taken.
//!
//! The file has lost its name by then: the disk has its room back when the last byte was read, when the reader has gone,
//! and when the process ends. Invariant: there is one at a time, from the call to the end of the transfer, so that slow
//! readers take the room of one. Reading is by bounded pieces of a file that was read back a moment ago and that the
//! kernel reads ahead of: whoever reads waits for the disk only where the machine has no memory left for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::disk::DiskFile;
use crate::model::{BackupAnswer, ReadBackup};
use crate::persist::Error;

use super::Subject;

/// Whose turn it is.
#[derive(Default)]
pub struct Turns(Arc<AtomicBool>);

/// It is the holder's, until this is dropped.
pub struct Turn(Arc<AtomicBool>);

impl Turns {
    /// The turn, unless somebody has it.
    pub fn take(&self) -> Option<Turn> {
        (!self.0.swap(true, Ordering::SeqCst)).then(|| Turn(Arc::clone(&self.0)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Makes the copy.
///
/// # Errors
/// The disk's; nothing is left behind.
pub fn make(subject: &Subject, turn: Turn) -> Result<BackupAnswer, Error> {
    let Subject { engine, folder, .. } = subject;
    let (copy, report) = engine.copy(folder, &folder.copy_path())?;
    let content = Content { file: copy.into_file()?, at: 0, bytes: report.bytes, _turn: turn };
    Ok(BackupAnswer::Ready { report, content: Box::new(content) })
}

/// A copy that is being read.
struct Content {
    file: Box<dyn DiskFile>,
    at: u64,
    bytes: u64,
    _turn: Turn,
}

impl ReadBackup for Content {
    fn read(&mut self, at_most: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let left = usize::try_from(self.bytes - self.at).unwrap_or(usize::MAX);
        let (start, count) = (into.len(), left.min(at_most));
        into.resize(start + count, 0);
        let (_, next) = into.split_at_mut(start);
        self.file.read_exact_at(next, self.at)?;
        self.at += count as u64;
        Ok(())
    }
}

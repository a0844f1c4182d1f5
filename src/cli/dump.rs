//! `dump`: the documents of a data folder, a line each; reads only.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::disk::Disk;
use crate::server;

use super::exit::{Exit, Finished};

/// Writes the documents of `path` to `out`: exit code 0, 3 when a start would refuse the folder as damaged, 1 when it
/// cannot be read or the lines cannot be written.
pub fn dump(disk: &Arc<dyn Disk>, path: &Path, clock: Arc<dyn Clock>, out: &mut dyn Write) -> Finished {
    match server::dump(disk, path, clock, out) {
        Ok(()) => Finished::done(""),
        Err(error) => {
            let exit = if error.is_damage() { Exit::Damaged } else { Exit::Failed };
            Finished::because(exit, [format!("error: {error}")])
        }
    }
}

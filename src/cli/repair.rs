//! `repair`: makes a data folder one that a start takes.

use std::path::Path;
use std::sync::Arc;

use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::persist::{self, Losses, Repair};

use super::exit::{Exit, Finished};

/// Repairs the data folder at `path`: exit code 0 when there was nothing to do or it is done, 3 when it would lose what
/// `losses` does not allow or nothing can be kept, 1 when the folder is in use or the disk says no.
pub fn repair(disk: &Arc<dyn Disk>, path: &Path, now: UnixMillis, losses: Losses) -> Finished {
    match persist::repair(disk, path, std::process::id(), now, losses) {
        Ok(repair) => {
            let exit = if matches!(repair, Repair::WouldLose { .. }) { Exit::Damaged } else { Exit::Done };
            Finished { stdout: repair.to_string(), stderr: String::new(), exit }
        }
        Err(error) => {
            let exit = if error.is_damage() { Exit::Damaged } else { Exit::Failed };
            Finished::because(exit, [format!("error: {error}")])
        }
    }
}

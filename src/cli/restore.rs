//! `restore`: makes a data folder of a backup.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use lexopt::{Arg, Parser};
use serde_json::json;

use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::persist::{self, Occupied, Restored};

use super::exit::{Exit, Finished};
use super::usage::UsageError;

/// The command.
pub const COMMAND: &str = "restore";

/// What is to be restored, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoring {
    /// The backup.
    pub file: PathBuf,
    /// The data folder that it becomes.
    pub folder: PathBuf,
    /// What becomes of what is in the folder.
    pub occupied: Occupied,
}

/// Reads what stands behind `restore`; `None` when it is the help that is asked for.
///
/// # Errors
/// One line that names what makes no sense.
pub fn parse(mut parser: Parser) -> Result<Option<Restoring>, UsageError> {
    let fault = |error: lexopt::Error| UsageError::Flag(error.to_string());
    let (mut file, mut folder): (Option<OsString>, Option<OsString>) = (None, None);
    let mut occupied = Occupied::Refuse;
    while let Some(argument) = parser.next().map_err(fault)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("data-dir") => folder = Some(parser.value().map_err(fault)?),
            Arg::Long("force") => occupied = Occupied::SetAside,
            Arg::Value(word) if file.is_none() => file = Some(word),
            Arg::Value(word) => return Err(UsageError::TooMany(word.to_string_lossy().into_owned(), COMMAND)),
            other => return Err(fault(other.unexpected())),
        }
    }
    match (file, folder) {
        (Some(file), Some(folder)) => Ok(Some(Restoring { file: file.into(), folder: folder.into(), occupied })),
        _ => Err(UsageError::Flag("restore needs a backup and a folder: restore FILE --data-dir DIR".to_owned())),
    }
}

/// Restores: exit code 0 when the folder is there, 3 when the file is damaged, 1 when it is none of a backup, the folder
/// is in use or not empty, or the disk says no.
pub fn restore(disk: &Arc<dyn Disk>, restoring: &Restoring, now: UnixMillis) -> Finished {
    let began = Instant::now();
    let Restoring { file, folder, occupied } = restoring;
    match persist::restore(disk, file, folder, (std::process::id(), now), *occupied) {
        Ok(Restored { documents, collections, capture_end, next_lsn, set_aside }) => {
            let mut told = json!({
                "documents": documents,
                "collections": collections,
                "lsn": capture_end.0,
                "next_lsn": next_lsn.0,
                "ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            });
            if let (Some(set_aside), Some(members)) = (set_aside, told.as_object_mut()) {
                members.insert("set_aside".to_owned(), set_aside.display().to_string().into());
            }
            Finished::done(format!("{told}\n"))
        }
        Err(error) => {
            let exit = if error.is_damage() { Exit::Damaged } else { Exit::Failed };
            Finished::because(exit, [format!("error: {error}")])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Restoring>, String> {
        parse(Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_and_a_folder_are_needed_and_nothing_else_is_taken() {
        let restoring = |occupied| Ok(Some(Restoring { file: "f".into(), folder: "d".into(), occupied }));
        assert_eq!(parsed("f --data-dir d"), restoring(Occupied::Refuse));
        assert_eq!(parsed("--force --data-dir=d f"), restoring(Occupied::SetAside));
        assert_eq!(parsed("--help"), Ok(None));
        for line in ["", "f", "--data-dir d"] {
            assert!(parsed(line).unwrap_err().starts_with("restore needs a backup and a folder"), "{line}");
        }
        assert_eq!(parsed("f --data-dir d g").unwrap_err(), "unexpected argument \"g\", restore takes no more");
        assert!(parsed("f --data-dri d").unwrap_err().contains("--data-dri"));
    }
}

//! `check`: says what a data folder or file holds; reads only.

use std::path::Path;
use std::sync::Arc;

use crate::base::disk::Disk;
use crate::persist;

use super::exit::{Exit, Finished};

/// Checks `path`: exit code 0 when everything is sound, 3 when something is not, 1 when it cannot be looked at.
pub fn check(disk: &Arc<dyn Disk>, path: &Path) -> Finished {
    match persist::check(disk, path) {
        Ok(report) => {
            let exit = if report.is_sound() { Exit::Done } else { Exit::Damaged };
            Finished { stdout: report.to_string(), stderr: String::new(), exit }
        }
        Err(error) => Finished::because(Exit::Failed, [format!("error: {error}")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::RealDisk;

    #[test]
    fn what_is_not_there_cannot_be_checked_and_an_empty_folder_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        assert_eq!(check(&disk, &folder.path().join("absent")).exit, Exit::Failed);
        assert_eq!(check(&disk, folder.path()).exit, Exit::Done);
    }

    #[test]
    fn what_is_in_quarantine_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let aside = folder.path().join("quarantine");
        RealDisk.create_folder(&aside).unwrap();
        for (name, content) in [("a", "1234"), ("b", "567")] {
            RealDisk.create(&aside.join(name)).unwrap().write_all(content.as_bytes()).unwrap();
        }
        let finished = check(&(Arc::new(RealDisk) as Arc<dyn Disk>), folder.path());
        let told = format!("{}: what repairs have put aside, 2 files of together 7 bytes\n", aside.display());
        assert!(finished.stdout.contains(&told), "{}", finished.stdout);
    }

    #[test]
    fn a_damaged_file_is_exit_code_3() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("IDENTITY");
        RealDisk.create(&path).unwrap().write_all(b"not what was written").unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let finished = check(&disk, folder.path());
        assert_eq!(finished.exit, Exit::Damaged, "{}", finished.stdout);
    }
}

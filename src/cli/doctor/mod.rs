//! `doctor`: looks at the machine that a server is to run on, and says what to change.
//!
//! What the kernel tells is read as text and weighed by functions of texts alone; only `examine` knows where the texts
//! come from. Invariant: it changes nothing but a scratch file in the data folder, which it removes again.
//! Where a server runs on the data folder, the limits are that server's; else those of the doctor itself.

mod clock;
mod finding;
mod limits;
mod memory;
mod storage;

use std::path::{Path, PathBuf};

use crate::base::disk::{Disk, read_whole};
use crate::base::memory::Told;
use crate::base::proc;
use crate::config::{Config, ConfigError, Settings};
use crate::persist;
use crate::server::Needs;

use super::exit::{Exit, Finished};
use finding::{Finding, Verdict};
use storage::Mount;

/// Bytes of a lock file; a pid and the end of its line.
const PID_BYTES_MAX: u64 = 32;

/// Looks at the machine for the configuration that was loaded: exit code 0 when nothing is bad, else 1.
pub fn doctor(loaded: &Result<Settings, Vec<ConfigError>>, disk: &dyn Disk) -> Finished {
    let settings = match loaded {
        Ok(settings) => settings,
        Err(errors) => return Finished::because(Exit::Usage, errors),
    };
    let findings = examine(&settings.config, disk);
    let count = |verdict| findings.iter().filter(|found| found.verdict == verdict).count();
    let (fine, warned, bad) = (count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Bad));
    let lines: String = findings.iter().map(|found| format!("{found}\n")).collect();
    let exit = if bad > 0 { Exit::Failed } else { Exit::Done };
    Finished { stdout: format!("{lines}{fine} ok, {warned} to look at, {bad} bad\n"), stderr: String::new(), exit }
}

/// Every finding, in the order in which it is shown.
fn examine(config: &Config, disk: &dyn Disk) -> Vec<Finding> {
    let told: Told<'_> = &|place| proc::text(Path::new(place));
    let process = server_on(&config.data_dir, disk, told);
    let whose = process.as_deref().unwrap_or("self");
    let limits = told(&format!("/proc/{whose}/limits")).unwrap_or_default();
    let status = told("/proc/self/status").unwrap_or_default();
    let needs = Needs::of(config);
    let snapshot = newest_snapshot(&config.data_dir, disk);
    let mut findings = vec![
        asked(process.as_deref()),
        clock::kernel(told),
        limits::descriptors(&limits, &needs),
        limits::file_size(&limits, snapshot),
        limits::address_space(&limits),
        limits::locked_memory(&limits),
        limits::accept_queue(told, &needs),
        limits::syn_queue(told),
        memory::memory(told, whose, snapshot),
        memory::swap(told, whose),
        memory::huge_pages(told, &status),
        memory::overcommit(told),
        memory::mappings(told),
    ];
    findings.extend(folder(config, disk, snapshot, told));
    findings.push(clock::synchronised(told, proc::running(&clock::KEEPERS)));
    findings.push(clock::source(told));
    findings
}

/// Whose limits are shown.
fn asked(process: Option<&str>) -> Finding {
    match process {
        Some(pid) => Finding::ok("limits of", format!("the server, pid {pid}"), "it runs on this data folder"),
        None => Finding::ok("limits of", "this shell", "no server runs on this data folder; a unit has its own limits"),
    }
}

/// What there is to say of the data folder, or of the place where it will be.
fn folder(config: &Config, disk: &dyn Disk, snapshot: u64, told: Told<'_>) -> Vec<Finding> {
    let about = "data folder";
    let shown = config.data_dir.display();
    let place = existing(&config.data_dir, disk);
    let mut findings = Vec::new();
    if place == config.data_dir {
        findings.push(Finding::ok(about, shown.to_string(), "it is there"));
    } else {
        findings.push(Finding::ok(about, format!("{shown}, not there yet"), "a start creates it"));
    }
    let table = told("/proc/self/mountinfo").unwrap_or_default();
    let mount = proc::resolved(&place).and_then(|path| Mount::of(&table, &path));
    findings.push(storage::file_system(mount.as_ref()));
    findings.push(match disk.free_bytes(&place) {
        Ok(free) => storage::room(free, snapshot, config.journal_segment_bytes as u64),
        Err(error) => refused("disk space", &error, &place),
    });
    findings.push(match storage::flush_times(disk, &place, std::process::id()) {
        Ok(times) => storage::flushes(&times),
        Err(error) => refused("disk flush", &error, &place),
    });
    findings
}

fn refused(about: &'static str, error: &std::io::Error, place: &Path) -> Finding {
    let why = "this user cannot use the folder; the server's may";
    Finding::bad(about, error.to_string(), why, format!("run it as the server's user, or look at {}", place.display()))
}

/// The nearest folder around `path` that there is, or itself.
fn existing(path: &Path, disk: &dyn Disk) -> PathBuf {
    let is_there = |path: &&Path| !path.as_os_str().is_empty() && disk.exists(path).unwrap_or(false);
    path.ancestors().find(is_there).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Bytes of the newest snapshot; 0 when there is none.
fn newest_snapshot(folder: &Path, disk: &dyn Disk) -> u64 {
    let listed = disk.list(folder).unwrap_or_default();
    listed.iter().find(|entry| entry.name == persist::DATABASE).map_or(0, |entry| entry.bytes)
}

/// The pid of the server that has locked `folder`. The file outlives its server, and a pid may be another's by now.
fn server_on(folder: &Path, disk: &dyn Disk, told: Told<'_>) -> Option<String> {
    let note = read_whole(disk, &folder.join(persist::LOCK), PID_BYTES_MAX).ok()?;
    let pid: u32 = String::from_utf8(note).ok()?.trim().parse().ok()?;
    let name = told(&format!("/proc/{pid}/comm"))?;
    (name.trim() == env!("CARGO_PKG_NAME")).then(|| pid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::RealDisk;
    use crate::config::{Sources, load};

    fn settings(data_dir: &Path) -> Result<Settings, Vec<ConfigError>> {
        let flags = vec![("data-dir".to_owned(), data_dir.display().to_string())];
        load(&Sources { flags, ..Sources::default() })
    }

    #[test]
    fn it_looks_at_everything_and_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        for folder in [home.path().to_owned(), home.path().join("not/there")] {
            let finished = doctor(&settings(&folder), &RealDisk);
            for about in [
                "limits of",
                "kernel",
                "descriptors",
                "file size",
                "addresses",
                "locked memory",
                "accept queue",
                "syn queue",
                "memory",
                "swap",
                "huge pages",
                "overcommit",
                "mappings",
                "data folder",
                "file system",
                "disk space",
                "disk flush",
                "clock",
                "clock source",
            ] {
                let is_about = |line: &&str| line.get(6..19).is_some_and(|column| column.trim_end() == about);
                assert_eq!(finished.stdout.lines().filter(is_about).count(), 1, "{about}: {}", finished.stdout);
            }
            let is_bad = finished.stdout.lines().any(|line| line.starts_with("bad "));
            assert_eq!(finished.exit.code(), u8::from(is_bad), "{}", finished.stdout);
            assert_eq!(RealDisk.list(home.path()).unwrap(), []);
        }
        assert_eq!(doctor(&Err(Vec::new()), &RealDisk).exit, Exit::Usage);
    }

    #[test]
    fn the_server_is_who_has_locked_the_folder_and_has_its_name() {
        let home = tempfile::tempdir().unwrap();
        let write = |text: &[u8]| {
            RealDisk.create(&home.path().join(persist::LOCK)).unwrap().write_all(text).unwrap();
        };
        let named = |name: &'static str| move |place: &str| (place == "/proc/7/comm").then(|| name.to_owned());
        let found = |told: Told<'_>| server_on(home.path(), &RealDisk, told);
        assert_eq!(found(&named("memory-tools\n")), None, "there is no lock");
        write(b"7\n");
        assert_eq!(found(&named("memory-tools\n")), Some("7".to_owned()));
        assert_eq!(found(&named("bash\n")), None);
        write(b"../../etc\n");
        assert_eq!(found(&named("memory-tools\n")), None);
    }

    #[test]
    fn the_newest_snapshot_is_what_the_disk_has_of_it() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(newest_snapshot(home.path(), &RealDisk), 0);
        RealDisk.create(&home.path().join(persist::DATABASE)).unwrap().write_all(b"1234").unwrap();
        assert_eq!(newest_snapshot(home.path(), &RealDisk), 4);
        assert_eq!(newest_snapshot(&home.path().join("absent"), &RealDisk), 0);
    }
}

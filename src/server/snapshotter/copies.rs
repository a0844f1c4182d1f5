//! Copies of everything on schedule, in a folder of the operator's choice, of which so many are kept.
//!
//! Each has its name when it is whole, was read back and is durable; an older one goes only after that. The schedule
//! counts from the newest copy in the folder, so that a restart neither puts one off nor makes one more. A copy that
//! fails is tried again after growing pauses. Invariant: nothing is removed but what bears a name that is given here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::UnixMillis;
use crate::base::disk::Disk;
use crate::base::log::{self, Level};
use crate::persist::Error;
use crate::server::CopyFigures;

use super::Subject;

/// The pause behind the first failure; each one more doubles it.
const PAUSE_MIN: Duration = Duration::from_secs(60);

/// The longest pause behind a failure.
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

const PREFIX: &str = "memory-tools-";
const SUFFIX: &str = ".mtdb";

/// Behind the name of a copy that is not whole.
const PARTIAL: &str = ".partial";

/// When copies are made, where they are put, and how many are kept.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Where.
    pub folder: PathBuf,
    /// How often.
    pub interval: Duration,
    /// How many.
    pub keep: usize,
}

/// The copies.
pub struct Copies {
    schedule: Schedule,
    disk: Arc<dyn Disk>,
    figures: Arc<CopyFigures>,
    /// When the next one is due; `None` before the folder was looked at.
    due: Option<UnixMillis>,
    /// Failures since the last success.
    failures: u32,
}

impl Copies {
    /// None is due before the first look.
    pub fn new(schedule: Schedule, disk: Arc<dyn Disk>, figures: Arc<CopyFigures>) -> Copies {
        Copies { schedule, disk, figures, due: None, failures: 0 }
    }

    /// Makes a copy if one is due, which takes as long as a snapshot, and removes those that are too many.
    pub fn look(&mut self, subject: &Subject) {
        let now = subject.clock.now();
        if self.due.is_some_and(|due| now < due && due.since(now) <= millis(self.schedule.interval)) {
            return;
        }
        let made = self.names().and_then(|names| self.make_if_due(subject, &names, now));
        match made {
            Ok(at) => {
                self.failures = 0;
                self.due = Some(at.plus(millis(self.schedule.interval)));
            }
            Err(error) => {
                let pause =
                    PAUSE_MIN.saturating_mul(1 << self.failures.min(6)).min(PAUSE_MAX).min(self.schedule.interval);
                self.failures = self.failures.saturating_add(1);
                self.figures.note_failed();
                self.due = Some(now.plus(millis(pause)));
                let text = format_args!("a scheduled copy failed, nothing is left of it, it is tried again: {error}");
                log::event(Level::Error, "backup_failed", text, &[("again_in_ms", log::Value::Millis(pause))]);
            }
        }
    }

    /// Makes a copy unless the newest of `names` is young enough; gives the moment of the newest one.
    fn make_if_due(&self, subject: &Subject, names: &[String], now: UnixMillis) -> Result<UnixMillis, Error> {
        let newest = names.iter().rev().find_map(|name| moment(name));
        if let Some(newest) = newest.filter(|newest| newest.since(now) == 0) {
            self.figures.note_made(newest);
            if now.since(newest) < millis(self.schedule.interval) {
                return Ok(newest);
            }
        }
        // What an earlier process has not finished takes room that this one needs.
        for name in names.iter().filter(|name| name.ends_with(PARTIAL)) {
            self.remove(name)?;
        }
        let path = self.schedule.folder.join(format!("{PREFIX}{}{SUFFIX}", now.compact()));
        let mut partial = path.clone().into_os_string();
        partial.push(PARTIAL);
        let (copy, report) = subject.engine.copy(&subject.folder, Path::new(&partial))?;
        copy.keep_as(&path)?;
        self.figures.note_made(now);
        let fields = [
            ("documents", log::Value::Number(report.documents)),
            ("bytes", log::Value::Number(report.bytes)),
            ("lsn", log::Value::Number(report.capture_end.0)),
            ("duration_ms", log::Value::Millis(report.duration)),
        ];
        log::event(Level::Info, "backup_made", format_args!("a copy of everything is {}", path.display()), &fields);
        if let Err(error) = self.remove_old() {
            self.figures.note_failed();
            log::event(Level::Warn, "backups_kept", format_args!("old copies are kept for now: {error}"), &[]);
        }
        Ok(now)
    }

    /// Removes the oldest beyond as many as are kept.
    fn remove_old(&self) -> Result<(), Error> {
        let names = self.names()?;
        let whole: Vec<&String> = names.iter().filter(|name| moment(name).is_some()).collect();
        let too_many = whole.len().saturating_sub(self.schedule.keep);
        whole.iter().take(too_many).try_for_each(|name| self.remove(name))
    }

    /// What bears a name that is given here, whole or not, in the order of time.
    fn names(&self) -> Result<Vec<String>, Error> {
        let folder = &self.schedule.folder;
        self.disk.create_folder(folder).map_err(Error::io(folder, "create"))?;
        let listed = self.disk.list(folder).map_err(Error::io(folder, "list"))?;
        let names = listed.into_iter().filter(|it| !it.is_folder).map(|it| it.name);
        let mut names: Vec<String> =
            names.filter(|name| moment(name.strip_suffix(PARTIAL).unwrap_or(name)).is_some()).collect();
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.schedule.folder.join(name);
        self.disk.remove(&path).map_err(Error::io(&path, "remove"))
    }
}

/// The moment in the name of a whole copy.
fn moment(name: &str) -> Option<UnixMillis> {
    UnixMillis::from_compact(name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

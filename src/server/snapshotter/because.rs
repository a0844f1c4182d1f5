//! Why a snapshot is taken while the server runs, and what came of it, in the words and figures of the log.

use crate::base::log::{self, Level, Value};
use crate::model::SnapshotReport;
use crate::persist::Error;

/// What a snapshot is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// What was loaded is in no snapshot of ours yet.
    First,
    /// `snapshot_interval` has passed.
    Scheduled,
    /// The journal has outgrown the newest one.
    JournalOutgrown,
    /// Somebody has asked for it.
    Ordered,
    /// The journal was given up, and can begin again behind it.
    Healing,
}

impl Because {
    /// Says that it is there.
    pub fn log_taken(self, report: &SnapshotReport) {
        let &SnapshotReport { documents, bytes, duration, .. } = report;
        // Bytes in a microsecond are megabytes in a second.
        let kilobytes_per_second = u128::from(bytes) * 1000 / duration.as_micros().max(1);
        log::event(
            Level::Info,
            "snapshot",
            format_args!("the {} snapshot: {documents} documents in {} ms", self.adjective(), duration.as_millis()),
            &[
                ("reason", Value::Said(&self.reason().into())),
                ("documents", Value::Said(&documents.into())),
                ("bytes", bytes.into()),
                ("took_ms", Value::Said(&duration.into())),
                ("kilobytes_per_second", u64::try_from(kilobytes_per_second).unwrap_or(u64::MAX).into()),
            ],
        );
    }

    /// Says that it is not there.
    pub fn log_failed(self, error: &Error) {
        let text = format_args!("the {} snapshot failed, the one before is untouched: {error}", self.adjective());
        log::event(Level::Error, "snapshot_failed", text, &[("reason", Value::Said(&self.reason().into()))]);
    }

    fn adjective(self) -> &'static str {
        match self {
            Because::First => "first",
            Because::Scheduled => "scheduled",
            Because::JournalOutgrown => "journal's",
            Because::Ordered => "ordered",
            Because::Healing => "healing",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Because::JournalOutgrown => "journal_outgrown",
            Because::First | Because::Scheduled | Because::Ordered | Because::Healing => self.adjective(),
        }
    }
}

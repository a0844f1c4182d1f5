//! What the tests of the rooms below share: the API over what executes, with small limits, at a moment that stands still.

use std::sync::Arc;

use super::{Api, ApiOptions};
use crate::base::clock::{ManualClock, UnixMillis};
use crate::model::{BackupAnswer, Execute, Operate, ReloadAnswer, SnapshotAnswer, SnapshotMoment};

/// When it is.
const NOW: UnixMillis = UnixMillis(1_000);

/// An operator who is about to go home.
struct Leaving;

impl Operate for Leaving {
    fn snapshot(&self, _: SnapshotMoment, tell: Box<dyn FnOnce(SnapshotAnswer) + Send>) {
        tell(SnapshotAnswer::Stopping);
    }

    fn reload(&self, tell: Box<dyn FnOnce(ReloadAnswer) + Send>) {
        tell(ReloadAnswer::Stopping);
    }

    fn backup(&self, tell: Box<dyn FnOnce(BackupAnswer) + Send>) {
        tell(BackupAnswer::Stopping);
    }
}

/// The API over `execute`.
pub(in crate::api) fn over(execute: Arc<dyn Execute>) -> Api {
    let options =
        ApiOptions { document_bytes_max: 100, bulk_operations_max: 100, bulk_bytes_max: 1000, url: String::new() };
    Api::new(execute, Arc::new(Leaving), Arc::new(ManualClock::at(NOW)), Arc::default(), options)
}

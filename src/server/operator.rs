//! What an operator may ask of the running server, handed on to the threads that do it.
//!
//! It does not know how anything is done, nor who asks.

use std::sync::Arc;

use crate::model::{BackupAnswer, Operate, ReloadAnswer, SnapshotAnswer, SnapshotMoment};

use super::reload::Reloads;
use super::snapshotter::Snapshots;

/// Where the calls go.
pub struct Operator {
    /// Calls for a snapshot or a backup.
    pub snapshots: Arc<Snapshots>,
    /// Calls for a reload.
    pub reloads: Arc<Reloads>,
}

impl Operate for Operator {
    fn snapshot(&self, moment: SnapshotMoment, tell: Box<dyn FnOnce(SnapshotAnswer) + Send>) {
        self.snapshots.order(moment, tell);
    }

    fn reload(&self, tell: Box<dyn FnOnce(ReloadAnswer) + Send>) {
        self.reloads.order(tell);
    }

    fn backup(&self, tell: Box<dyn FnOnce(BackupAnswer) + Send>) {
        self.snapshots.order_backup(tell);
    }
}

//! Calls for a snapshot or a copy, from whoever operates the server to the thread that takes it.
//!
//! Invariant: whoever waits for the end of one is told, whatever happens (`told`).

use std::sync::atomic::Ordering;

use crate::model::{BackupAnswer, SnapshotAnswer, SnapshotMoment};
use crate::server::told::{Tell, Told};

use super::Snapshots;
use super::handing::Turn;

/// What is called for.
pub enum Order {
    /// A snapshot, with whom to tell how it ended, if anybody.
    Snapshot(Told<SnapshotAnswer>),
    /// A copy for whoever's turn it is.
    Backup(Told<BackupAnswer>, Turn),
}

impl Snapshots {
    /// As `Operate::snapshot`.
    pub fn order(&self, moment: SnapshotMoment, tell: Tell<SnapshotAnswer>) {
        if self.is_running.swap(true, Ordering::SeqCst) {
            return tell(SnapshotAnswer::AlreadyRunning);
        }
        let (at_start, at_end) = match moment {
            SnapshotMoment::Start => (Some(tell), None),
            SnapshotMoment::End => (None, Some(tell)),
        };
        let told = Told::new(at_end, || SnapshotAnswer::Stopping);
        let answer = match self.orders.send(Order::Snapshot(told)) {
            Ok(()) => SnapshotAnswer::Started,
            // The order comes back and is dropped, which tells whoever waits for the end.
            Err(_) => {
                self.is_running.store(false, Ordering::SeqCst);
                SnapshotAnswer::Stopping
            }
        };
        if let Some(tell) = at_start {
            tell(answer);
        }
    }

    /// As `Operate::backup`.
    pub fn order_backup(&self, tell: Tell<BackupAnswer>) {
        let Some(turn) = self.backups.take() else { return tell(BackupAnswer::AlreadyRunning) };
        let told = Told::new(Some(tell), || BackupAnswer::Stopping);
        // Without a thread it comes back and is dropped, which tells who waits.
        let _ = self.orders.send(Order::Backup(told, turn));
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded};

    use super::*;

    /// Calls for a snapshot; gives back where the answer arrives.
    fn call(snapshots: &Snapshots, moment: SnapshotMoment) -> Receiver<SnapshotAnswer> {
        let (tell, told) = bounded(1);
        snapshots.order(moment, Box::new(move |answer| tell.send(answer).unwrap()));
        told
    }

    fn carry_out(orders: &Receiver<Order>, cause: &str) {
        match orders.recv().unwrap() {
            Order::Snapshot(told) => told.answer(SnapshotAnswer::Failed(cause.to_owned())),
            Order::Backup(told, _) => told.answer(BackupAnswer::Failed(cause.to_owned())),
        }
    }

    #[test]
    fn whoever_wants_to_hear_of_the_start_is_told_at_once_and_others_wait() {
        let (snapshots, orders) = Snapshots::new();
        assert_eq!(call(&snapshots, SnapshotMoment::Start).try_recv(), Ok(SnapshotAnswer::Started));
        assert_eq!(call(&snapshots, SnapshotMoment::End).try_recv(), Ok(SnapshotAnswer::AlreadyRunning));
        carry_out(&orders, "nobody asked");

        let (snapshots, orders) = Snapshots::new();
        let told = call(&snapshots, SnapshotMoment::End);
        assert!(told.is_empty());
        carry_out(&orders, "no disk");
        assert_eq!(told.try_recv(), Ok(SnapshotAnswer::Failed("no disk".to_owned())));
    }

    /// The thread ends while an order is on its way, or has ended before.
    #[test]
    fn an_order_that_nobody_carries_out_is_answered() {
        let (snapshots, orders) = Snapshots::new();
        let on_its_way = call(&snapshots, SnapshotMoment::End);
        drop(orders);
        assert_eq!(on_its_way.try_recv(), Ok(SnapshotAnswer::Stopping));

        for moment in [SnapshotMoment::Start, SnapshotMoment::End] {
            let (snapshots, orders) = Snapshots::new();
            drop(orders);
            for _ in 0..2 {
                assert_eq!(call(&snapshots, moment).try_recv(), Ok(SnapshotAnswer::Stopping), "{moment:?}");
            }
        }
    }

    fn call_for_a_copy(snapshots: &Snapshots) -> Receiver<String> {
        let (tell, told) = bounded(1);
        snapshots.order_backup(Box::new(move |answer| tell.send(format!("{answer:?}")).unwrap()));
        told
    }

    #[test]
    fn there_is_one_copy_at_a_time_and_none_once_the_thread_has_ended() {
        let (snapshots, orders) = Snapshots::new();
        let first = call_for_a_copy(&snapshots);
        assert!(first.is_empty());
        assert_eq!(call_for_a_copy(&snapshots).recv().unwrap(), "AlreadyRunning");
        carry_out(&orders, "no disk");
        assert_eq!(first.recv().unwrap(), "Failed(\"no disk\")");
        let next = call_for_a_copy(&snapshots);
        drop(orders);
        assert_eq!(next.recv().unwrap(), "Stopping");
        assert_eq!(call_for_a_copy(&snapshots).recv().unwrap(), "Stopping");
    }
}

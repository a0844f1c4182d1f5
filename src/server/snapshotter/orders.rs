//! Calls for a snapshot, from whoever operates the server to the thread that takes it.
//!
//! Invariant: whoever waits for the end of a snapshot is told, whatever happens: an order that nobody carries out,
//! because the thread has ended, says so as it is dropped.

use std::sync::atomic::Ordering;

use crate::model::{SnapshotAnswer, SnapshotMoment};

use super::Snapshots;

/// Where an answer goes.
type Tell = Box<dyn FnOnce(SnapshotAnswer) + Send>;

/// A call for a snapshot, with whom to tell how it ended, if anybody.
pub struct Order {
    tell: Option<Tell>,
}

impl Order {
    pub(super) fn answer(mut self, answer: SnapshotAnswer) {
        if let Some(tell) = self.tell.take() {
            tell(answer);
        }
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(SnapshotAnswer::Stopping);
        }
    }
}

impl Snapshots {
    /// As `Operate::snapshot`.
    pub fn order(&self, moment: SnapshotMoment, tell: Tell) {
        if self.is_running.swap(true, Ordering::SeqCst) {
            return tell(SnapshotAnswer::AlreadyRunning);
        }
        let (at_start, at_end) = match moment {
            SnapshotMoment::Start => (Some(tell), None),
            SnapshotMoment::End => (None, Some(tell)),
        };
        let answer = match self.orders.send(Order { tell: at_end }) {
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

    #[test]
    fn whoever_wants_to_hear_of_the_start_is_told_at_once_and_others_wait() {
        let (snapshots, orders) = Snapshots::new();
        assert_eq!(call(&snapshots, SnapshotMoment::Start).try_recv(), Ok(SnapshotAnswer::Started));
        assert_eq!(call(&snapshots, SnapshotMoment::End).try_recv(), Ok(SnapshotAnswer::AlreadyRunning));
        orders.recv().unwrap().answer(SnapshotAnswer::Failed("nobody asked".to_owned()));

        let (snapshots, orders) = Snapshots::new();
        let told = call(&snapshots, SnapshotMoment::End);
        assert!(told.is_empty());
        orders.recv().unwrap().answer(SnapshotAnswer::Failed("no disk".to_owned()));
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
}

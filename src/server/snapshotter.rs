//! `mt-snapshot`: writes snapshots on schedule and on demand, one at a time; and sees whether a disk that refused
//! IDENTITY has come to its senses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, never, select, tick, unbounded};
use parking_lot::Mutex;

use crate::base::log;
use crate::base::threads::Job;
use crate::engine::Engine;
use crate::model::{Lsn, Operate, SnapshotAnswer, SnapshotMoment, SnapshotReport};
use crate::persist::{DataFolder, Error};

/// How long writes stay refused after the disk takes IDENTITY again, when no write asks for it.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(1);

/// Where an answer goes.
type Tell = Box<dyn FnOnce(SnapshotAnswer) + Send>;

/// A call for a snapshot, with whom to tell how it ended, if anybody. An order that nobody carries out, because the
/// thread has ended, says so as it is dropped: whoever waits is told in any case.
pub struct Order {
    tell: Option<Tell>,
}

impl Order {
    fn answer(mut self, answer: SnapshotAnswer) {
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

/// What callers and the thread share.
pub struct Snapshots {
    orders: Sender<Order>,
    /// True from the moment a snapshot is ordered until it is finished.
    is_running: AtomicBool,
    /// Where the counter stood when the newest published snapshot began: nothing has changed while it stands there.
    published_at: Mutex<Option<Lsn>>,
}

impl Snapshots {
    /// The shared part, and where the thread receives orders.
    pub fn new() -> (Snapshots, Receiver<Order>) {
        // There is one order at most. But a bounded channel keeps what is in it until its senders are gone too, and
        // whoever waits for the end of an order must be told when the thread ends.
        let (orders, received) = unbounded();
        (Snapshots { orders, is_running: AtomicBool::new(false), published_at: Mutex::new(None) }, received)
    }

    /// Says that what is in memory is what the newest snapshot holds: right after it was loaded.
    pub fn note_loaded(&self, engine: &Engine) {
        *self.published_at.lock() = Some(engine.next_lsn());
    }

    /// Takes the last snapshot, unless nothing has changed since the one before. The thread has ended.
    ///
    /// # Errors
    /// What could not be written.
    pub fn take_last(&self, engine: &Engine, folder: &DataFolder) -> Result<Option<SnapshotReport>, Error> {
        if self.is_current(engine) {
            return Ok(None);
        }
        self.take(engine, folder).map(Some)
    }

    fn is_current(&self, engine: &Engine) -> bool {
        *self.published_at.lock() == Some(engine.next_lsn())
    }

    fn take(&self, engine: &Engine, folder: &DataFolder) -> Result<SnapshotReport, Error> {
        let began_at = engine.next_lsn();
        let report = engine.capture(folder)?;
        *self.published_at.lock() = Some(began_at);
        Ok(report)
    }
}

impl Operate for Snapshots {
    fn snapshot(&self, moment: SnapshotMoment, tell: Tell) {
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

/// The thread.
pub struct Snapshotter {
    /// What it captures.
    pub engine: Arc<Engine>,
    /// Where it writes.
    pub folder: Arc<DataFolder>,
    /// What it shares with callers.
    pub state: Arc<Snapshots>,
    /// Where calls arrive.
    pub orders: Receiver<Order>,
}

impl Snapshotter {
    /// The thread's loop: a snapshot each `interval` in which something changed (`None`: none on schedule) and one
    /// for each order, until `stopped` is disconnected.
    pub fn into_job(self, interval: Option<Duration>, stopped: Receiver<()>) -> Job {
        Box::new(move || {
            let ticks = interval.map_or_else(never, tick);
            let recoveries = tick(RECOVERY_INTERVAL);
            loop {
                select! {
                    recv(stopped) -> _ => return,
                    recv(ticks) -> _ => self.on_schedule(),
                    recv(recoveries) -> _ => self.engine.recover(),
                    recv(self.orders) -> order => match order {
                        Ok(order) => self.on_demand(order),
                        Err(_) => return,
                    },
                }
            }
        })
    }

    fn on_schedule(&self) {
        if self.state.is_current(&self.engine) || self.state.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Err(error) = self.state.take(&self.engine, &self.folder) {
            log::error(format_args!("the scheduled snapshot failed, the one before is untouched: {error}"));
        }
        self.state.is_running.store(false, Ordering::SeqCst);
    }

    fn on_demand(&self, order: Order) {
        let answer = match self.state.take(&self.engine, &self.folder) {
            Ok(report) => SnapshotAnswer::Finished(report),
            Err(error) => {
                log::error(format_args!("the snapshot failed, the one before is untouched: {error}"));
                SnapshotAnswer::Failed(error.to_string())
            }
        };
        self.state.is_running.store(false, Ordering::SeqCst);
        order.answer(answer);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    /// Calls for a snapshot; gives back where the answer arrives.
    fn call(snapshots: &Snapshots, moment: SnapshotMoment) -> Receiver<SnapshotAnswer> {
        let (tell, told) = bounded(1);
        snapshots.snapshot(moment, Box::new(move |answer| tell.send(answer).unwrap()));
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

//! A `Durability` whose releases and whose room the test decides.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use memory_tools::model::{Durability, Lsn, NotDurable, Rest, RoomWaker, Waker};

/// Releases LSNs up to a bound that the test moves.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<(u64, Vec<(Lsn, Waker)>)>,
    room: Mutex<Vec<RoomWaker>>,
    hurried: AtomicUsize,
}

impl Ledger {
    /// Has everybody try again who waits for room.
    pub fn make_room(&self) {
        let wakers = std::mem::take(&mut *self.room.lock().unwrap());
        wakers.into_iter().for_each(|waker| waker());
    }

    /// Requests that wait for room.
    pub fn waiting_for_room(&self) -> usize {
        self.room.lock().unwrap().len()
    }

    /// How often it was told to hurry.
    pub fn hurried(&self) -> usize {
        self.hurried.load(Ordering::SeqCst)
    }

    /// Releases every reply up to `lsn`.
    pub fn release(&self, lsn: u64) {
        self.settle(|released| *released = lsn, Ok(()));
    }

    /// Tells every waiting reply that it never will be durable.
    pub fn fail(&self) {
        self.settle(|_| {}, Err(NotDurable));
    }

    /// Replies that wait.
    pub fn waiting(&self) -> usize {
        self.state.lock().unwrap().1.len()
    }

    fn settle(&self, change: impl FnOnce(&mut u64), outcome: Result<(), NotDurable>) {
        let mut state = self.state.lock().unwrap();
        change(&mut state.0);
        let released = state.0;
        let (leave, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.1).into_iter().partition(|(lsn, _)| outcome.is_err() || lsn.0 <= released);
        state.1 = stay;
        drop(state);
        for (_, waker) in leave {
            waker(outcome);
        }
    }
}

impl Durability for Ledger {
    fn is_released(&self, rest: Rest) -> bool {
        rest.lsn().0 <= self.state.lock().unwrap().0
    }

    fn when_durable(&self, rest: Rest, waker: Waker) {
        let mut state = self.state.lock().unwrap();
        if rest.lsn().0 <= state.0 {
            drop(state);
            return waker(Ok(()));
        }
        state.1.push((rest.lsn(), waker));
    }

    fn hurry(&self) {
        self.hurried.fetch_add(1, Ordering::SeqCst);
    }

    fn when_room(&self, waker: RoomWaker) {
        self.room.lock().unwrap().push(waker);
    }
}

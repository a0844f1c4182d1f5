//! A `Durability` that holds LSNs back until the script lets go of them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use memory_tools::model::{Durability, Lsn, NotDurable, Rest, RoomWaker, Waker};

/// Which LSNs are durable, and who waits for others.
#[derive(Default)]
pub struct Ledger(Mutex<State>);

#[derive(Default)]
struct State {
    released: u64,
    /// LSNs that somebody was told of that they never will be durable.
    denied: BTreeSet<Lsn>,
    waiting: Vec<(Lsn, Waker)>,
    room: Vec<RoomWaker>,
}

impl Ledger {
    /// Makes `further` more LSNs durable.
    pub fn release(&self, further: u64) {
        self.wake(|state| {
            state.released = state.released.saturating_add(further);
            let released = state.released;
            state.waiting.extract_if(.., |(lsn, _)| lsn.0 <= released).map(|(_, waker)| (waker, Ok(()))).collect()
        });
    }

    /// Tells all who wait that they wait in vain.
    pub fn deny(&self) {
        self.wake(|state| {
            let waiting = std::mem::take(&mut state.waiting);
            state.denied.extend(waiting.iter().map(|(lsn, _)| *lsn));
            waiting.into_iter().map(|(_, waker)| (waker, Err(NotDurable))).collect()
        });
    }

    /// Has everybody try again who waits for room; false when nobody does.
    pub fn make_room(&self) -> bool {
        let wakers = self.with(|state| std::mem::take(&mut state.room));
        let is_any = !wakers.is_empty();
        wakers.into_iter().for_each(|waker| waker());
        is_any
    }

    /// The newest LSN that is durable.
    pub fn released(&self) -> Lsn {
        Lsn(self.with(|state| state.released))
    }

    /// Replies that wait.
    pub fn waiting(&self) -> usize {
        self.with(|state| state.waiting.len())
    }

    /// True when a reply that rests on `lsn` was told that it waits in vain.
    pub fn was_denied(&self, lsn: Lsn) -> bool {
        self.with(|state| state.denied.contains(&lsn))
    }

    /// Calls, outside the lock, the wakers that `change` picks.
    fn wake(&self, change: impl FnOnce(&mut State) -> Vec<(Waker, Result<(), NotDurable>)>) {
        let woken = self.with(change);
        woken.into_iter().for_each(|(waker, outcome)| waker(outcome));
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Durability for Ledger {
    fn is_released(&self, rest: Rest) -> bool {
        rest.lsn() <= self.released()
    }

    fn when_durable(&self, rest: Rest, waker: Waker) {
        self.wake(|state| {
            if rest.lsn().0 <= state.released {
                return vec![(waker, Ok(()))];
            }
            state.waiting.push((rest.lsn(), waker));
            Vec::new()
        });
    }

    fn hurry(&self) {}

    fn when_room(&self, waker: RoomWaker) {
        self.with(|state| state.room.push(waker));
    }
}

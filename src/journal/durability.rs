//! What the fronts ask the journal: may this reply leave, and is there room for another write.

use std::time::Instant;

use crate::model::{Durability, Refusal, Rest, RoomWaker, Waker};

use super::Journal;

impl Durability for Journal {
    fn is_released(&self, rest: Rest) -> bool {
        self.releases.is_released(rest)
    }

    fn when_durable(&self, rest: Rest, waker: Waker) {
        self.releases.when_released(rest, waker);
    }

    fn hurry(&self) {
        let waiting = self.releases.waiting();
        if waiting > 0 {
            self.alarm.ring_for(waiting);
        }
    }

    fn when_room(&self, waker: RoomWaker) {
        self.space.keep(waker);
        // Looked at after it is kept: whoever makes room from here on sees it.
        match self.refusal() {
            Some(Refusal::JournalBusy) => {}
            None if !self.space.has_room() => self.alarm.ring(),
            Some(_) | None => self.space.wake(),
        }
    }
}

impl Journal {
    /// Why no write is taken now, space apart.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let is_late = || self.lag.is_late(Instant::now).then_some(Refusal::JournalBusy);
        self.post.refusal().or_else(is_late)
    }
}

//! Which replies wait: in mode `Off`, none does.

use crate::model::{Durability, Rest, Waker};

use super::Journal;

impl Durability for Journal {
    fn is_released(&self, _: Rest) -> bool {
        true
    }

    fn when_durable(&self, _: Rest, waker: Waker) {
        waker(Ok(()));
    }
}

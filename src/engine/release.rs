//! Which replies wait: without a journal, none does.

use crate::model::{Durability, Rest, Waker};

/// The policy of a server without a journal: every reply leaves at once. What is acknowledged survives a clean stop,
/// and a crash only as far as the last snapshot reaches.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReleaseAtOnce;

impl Durability for ReleaseAtOnce {
    fn is_released(&self, _: Rest) -> bool {
        true
    }

    fn when_durable(&self, _: Rest, waker: Waker) {
        waker(Ok(()));
    }
}

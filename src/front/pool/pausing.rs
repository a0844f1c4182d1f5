//! Where a worker waits with a reply that has begun or is ready: until it may leave, and until there is more of it.
//!
//! Invariant: every wait here has an end: a timeout, and for a stream that has nothing now also the stop of the pool. It
//! does not know what is being sent.

use std::time::Duration;

use crossbeam_channel::{Receiver, after, bounded, never, select};

use crate::api::message::BodyStream;
use crate::model::Rest;

use super::{Shared, panics};

/// Waits until what rests on `rest` may leave; false when it never may, or not within `write_timeout`.
pub(super) fn may_leave(shared: &Shared, rest: Rest) -> bool {
    let durability = &shared.seams.durability;
    if durability.is_released(rest) {
        return true;
    }
    let (tell, told) = bounded(1);
    let waker = Box::new(move |outcome| {
        // Nobody listens any more when the wait has timed out.
        let _ = tell.send(outcome);
    });
    durability.when_durable(rest, waker);
    durability.hurry();
    matches!(told.recv_timeout(shared.options.write_timeout), Ok(Ok(())))
}

/// Waits until a stream that has nothing now is to be pulled again; false when it is to end, because the pool stops.
pub(super) fn has_more(shared: &Shared, stream: &mut dyn BodyStream) -> bool {
    let (tell, told) = bounded(1);
    let wake = Box::new(move || {
        // As above.
        let _ = tell.send(());
    });
    let at_most = panics::ours("asking a body when it goes on", || stream.when_ready(wake));
    wait_for(told, at_most, shared.stopping.told())
}

/// True when `told`, or when `at_most` is over; false when `stopped` ends.
fn wait_for(mut told: Receiver<()>, at_most: Duration, stopped: &Receiver<()>) -> bool {
    let over = after(at_most);
    loop {
        select! {
            recv(stopped) -> _ => return false,
            recv(over) -> _ => return true,
            recv(told) -> message => match message {
                Ok(()) => return true,
                // A waker that is dropped uncalled leaves only the time.
                Err(_) => told = never(),
            },
        }
    }
}

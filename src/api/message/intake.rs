//! A body that is taken part by part, for what need not fit in memory.
//!
//! Invariant: an intake never waits and never does much at once; it pauses, and the front, which then reads nothing more
//! of the body, calls it again. So a body comes no faster than it is used. It does not know how large the parts are.

use super::{BodyFault, Response, Work};

/// Takes a body part by part. A front may drop it at any time, when its peer has gone or the server stops.
pub trait Intake: Send {
    /// Takes the next part, which has at least one byte; or goes on behind `Again` and `NoRoom`, with an empty one. Uses
    /// some hundred entries of it, or what takes about a millisecond, and keeps the rest itself. Never waits, and holds
    /// no lock when it returns.
    fn take(&mut self, part: &[u8]) -> Taken;

    /// Bytes that it holds: of the body, and of what came of it so far. They count among the bodies that are arriving.
    fn held_bytes(&self) -> usize {
        0
    }

    /// The body has ended, well or not. Not called behind `Done`, nor while it has not said `More` to the last part, but
    /// for `BodyFault::Crowded`, which may come behind any.
    /// After an end that was not well the connection is closed behind the reply.
    fn finish(self: Box<Self>, end: Result<(), BodyFault>) -> Finished;

    /// There was no room, for as long as a write may wait for it: the reply, which says what was done before that.
    /// `None` when nothing was, and the front words it: 503 `journal_busy`. The body is not read to its end.
    fn give_up(self: Box<Self>) -> Option<Response> {
        None
    }
}

/// What an intake says to a part.
#[expect(clippy::large_enum_variant, reason = "it is looked at once a part, and moved nowhere")]
pub enum Taken {
    /// The next one may come.
    More,
    /// There is more to do with what it has: it is called again, with nothing, when others have had their turns.
    Again,
    /// There is no room for a write: it is called again, with nothing, when there may be some
    /// (`Durability::when_room`); each time that is waited for as long as a write may wait.
    NoRoom,
    /// The reply. The rest is of no use, and the body is not read to its end.
    Done(Response),
}

/// What an intake says to the end of its body.
#[expect(clippy::large_enum_variant, reason = "nearly every one is a reply")]
pub enum Finished {
    /// The reply.
    Reply(Response),
    /// There is work left to be done before there is one.
    Work(Box<dyn Work>),
}

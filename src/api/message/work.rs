//! A reply that takes more work than may be done at once: it is done in steps.
//!
//! Invariant: a step never waits, and is short. Between two of them a front serves others, and who does the work holds
//! nothing that others wait for. It does not know who calls the steps, nor when.

use super::Response;

/// Work that ends in a reply. Whoever does it owns all that it needs: the request is gone.
///
/// A front may drop it between two steps, when the peer has gone or the server stops: what was done is done then, and
/// nobody is told. So each step by itself leaves things as they may be found.
pub trait Work: Send {
    /// Does the next step: some hundred entries, or about a millisecond. Never waits, holds no lock when it returns, and is
    /// not called again behind `Done`.
    fn step(&mut self) -> Step;

    /// There was no room, for as long as a write may wait for it: the reply, which says what was done before that.
    /// `None` when nothing was, and the front words it: 503 `journal_busy`.
    fn give_up(self: Box<Self>) -> Option<Response> {
        None
    }
}

/// What a step came to.
#[expect(clippy::large_enum_variant, reason = "most work is done in one step, and a box would allocate for each")]
pub enum Step {
    /// There is more to do.
    More,
    /// There was no room for a write, and this step changed nothing: the front waits for room (`Durability::when_room`)
    /// before the next one, each time for as long as a write may wait, and then has the work given up.
    NoRoom,
    /// It is done: the reply.
    Done(Response),
}

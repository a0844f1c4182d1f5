//! What a handler says to a request: a reply, or what it needs before there is one.
//!
//! Invariant: a handler never waits. It says what it waits for, and the front, which knows whether its threads may
//! block, does the waiting.

use super::{Intake, Response, Work};

/// What a handler says to a request.
#[expect(clippy::large_enum_variant, reason = "nearly every answer is a reply, and a box would allocate for each")]
pub enum Answer {
    /// The reply.
    Reply(Response),
    /// The body is wanted whole, if it has at most so many bytes: the front gathers it and asks once more, with the
    /// same head and with `Bytes` or `Failed`. Nothing was changed yet. Only an answer to `Awaited`.
    Gather {
        /// Bytes of the body. One more is `BodyFault::TooLarge`.
        bytes_max: usize,
    },
    /// The body is wanted part by part. An answer to `Bytes` as well as to `Awaited`: what is here is the first part.
    Stream(Box<dyn Intake>),
    /// The reply comes later. The body is not wanted.
    Later(Later),
    /// The reply takes work that is done in steps, by the front and between the requests of others; what comes behind
    /// this request waits. The body is not wanted, or not any more.
    Work(Box<dyn Work>),
    /// There is no room for a write now, and nothing was changed: the front waits for room (`Durability::when_room`) and
    /// asks once more, with the same head and the same body. When that takes too long, it says so itself.
    Again,
}

/// Takes a reply to the request that waits for it. Called once, from any thread, and never blocks.
pub type Deliver = Box<dyn FnOnce(Response) + Send>;

/// Begins what the reply waits for, and has it delivered when it is there, or at once, within the call. Called once by
/// the front; never blocks. Dropping the `Deliver` unused tells the front that there will be no reply.
pub type Later = Box<dyn FnOnce(Deliver) + Send>;

//! The seam between connections and what is asked over them: one makes a request and judges its answer, the other knows
//! neither.

use anyhow::Result;

use crate::reply::Reply;

/// What is asked, and what must come back.
pub trait Work {
    /// Appends the request about `key`, and returns the ticket with which its answer will be brought back.
    fn ask(&self, key: u32, out: &mut Vec<u8>) -> u32;

    /// Finds the reply at the start of `bytes`; `None` while it is incomplete.
    ///
    /// # Errors
    /// The bytes are no beginning of a reply in the protocol that was spoken.
    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Option<Reply<'a>>>;

    /// Judges the answer to the request of `ticket`, which it ends.
    ///
    /// # Errors
    /// It is not a right answer; the message shows what came.
    fn check(&self, ticket: u32, reply: &Reply<'_>) -> Result<()>;
}

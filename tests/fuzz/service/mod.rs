//! The service behind the fronts, without a disk, a socket or a thread: it is asked as a front asks it, and what it
//! answers with is worked to its end, in so many steps at most.
//!
//! ```text
//!   asked ─► served ─► Api over an Engine ─► answer: gathered, taken in parts, worked off, pulled ─► Reply
//! ```

mod asked;
mod served;

#[path = "../../support/reply.rs"]
pub mod reply;

#[allow(dead_code)] // The router alone holds answers against the description.
#[path = "../../support/described.rs"]
pub mod described;

pub use asked::{Asked, End};
pub use served::Served;

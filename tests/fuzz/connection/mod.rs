//! The protocol of a connection under any input, any pace and any clock: the target of the fuzzer, and of the test
//! that runs it over its seeds.
//!
//! ```text
//!   script ─► link ─► Session, Outbox ─► link ─► replies ─► verdict
//!   (input)   steps       │    ▲                  strict     what may stand there
//!                         ▼    │
//!                 double, ledger: who answers, and what holds replies back
//! ```
//!
//! `check` panics at the first thing that must not be. What that is stands in `link` (what the session keeps, whether
//! it comes to an end) and in `verdict` (which reply may leave when). Nothing here opens a socket, reads a clock or
//! starts a thread.

mod double;
mod ledger;
mod link;
mod made;
mod replies;
mod script;
mod sum;
mod toil;
mod verdict;

use link::Ended;
use script::Script;

/// Runs `input`, whatever it is.
///
/// # Panics
/// When an invariant of the connection is broken.
pub fn check(input: &[u8]) {
    let script = Script::of(input);
    let ended = link::run(&script);
    if let Some(sent) = script.is_undisturbed().then(|| script.sent(ended.arrived)) {
        check_pace(&ended, &link::run(&Script::at_once(sent, script.rules().head)));
    }
}

/// The pace of a conversation makes no difference to its replies: `slow` was cut in pieces and had to wait, `fast`
/// came at once.
///
/// But one: a handler that answers without wanting the body, or the rest of it, costs its client the connection when
/// that is still to come, and does not when it is here already.
fn check_pace(slow: &Ended, fast: &Ended) {
    for (number, (slow, fast)) in slow.replies.iter().zip(&fast.replies).enumerate() {
        assert_eq!(slow.outcome(), fast.outcome(), "reply {number}, in pieces and at once");
    }
    if slow.replies.len() < fast.replies.len() {
        assert!(slow.is_cut_short, "{} replies in pieces, {} at once", slow.replies.len(), fast.replies.len());
    }
    assert!(slow.replies.len() <= fast.replies.len(), "more replies in pieces than at once");
}

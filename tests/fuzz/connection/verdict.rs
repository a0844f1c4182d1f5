//! What the peer has got, held against what was asked.
//!
//! Every reply belongs to the request of its place: the double's own say so by number, and the front's own have to have
//! a reason. A reply comes only when what it rests on is durable, and behind the last one nothing comes.

use memory_tools::api::message::Method;
use memory_tools::front::reactor::context::{Millis, Rules};
use memory_tools::model::Lsn;

use super::double::{Asked, Double};
use super::ledger::Ledger;
use super::made::Made;
use super::replies::{Next, Reply, next};

/// What a reply is judged by.
#[derive(Clone, Copy)]
pub struct Scene<'s> {
    pub double: &'s Double,
    pub ledger: &'s Ledger,
    pub rules: &'s Rules,
    pub now: Millis,
    /// What has arrived.
    pub arrived: &'s [u8],
    /// How long the session had been reading at a deadline that made a reply, at most.
    pub patience: Millis,
    /// True when a stream may have ended where it waited.
    pub ends_waits: bool,
}

/// What the peer has got.
#[derive(Default)]
pub struct Inbox {
    /// Replies, whole and in order.
    pub replies: Vec<Reply>,
    /// What came behind them.
    bytes: Vec<u8>,
    /// What was durable when the first of these bytes came.
    released: Lsn,
    /// True when the peer was told to go on with the body of the request whose reply is next.
    was_told: bool,
}

impl Inbox {
    /// Takes what came, and judges what is whole.
    pub fn take(&mut self, bytes: &[u8], scene: Scene<'_>) {
        assert!(!self.is_closed() || bytes.is_empty(), "something comes behind the last reply");
        if self.bytes.is_empty() {
            self.released = scene.ledger.released();
        }
        self.bytes.extend_from_slice(bytes);
        self.read(false, scene);
        // The handler is ahead of the replies, but not behind the last one.
        if self.is_closed() {
            assert!(scene.double.count() <= self.replies.len(), "a request ran behind the last reply");
        }
    }

    /// The connection has ended well: every request has its reply, and no reply is cut short.
    pub fn end(&mut self, scene: Scene<'_>) {
        self.read(true, scene);
        assert!(self.bytes.is_empty(), "a reply is cut short: {:?}", String::from_utf8_lossy(&self.bytes));
        assert!(self.replies.len() >= scene.double.count(), "a request has no reply");
    }

    /// True behind a reply that says that it is the last.
    pub fn is_closed(&self) -> bool {
        self.replies.last().is_some_and(|reply| reply.close)
    }

    fn read(&mut self, has_ended: bool, scene: Scene<'_>) {
        let mut at = 0;
        loop {
            let rest = &self.bytes[at..];
            if rest.is_empty() {
                break;
            }
            assert!(!self.is_closed(), "something comes behind the last reply");
            let asked = scene.double.asked(self.replies.len());
            let method = match &asked {
                Some(asked) => Some(asked.method),
                // A refused HEAD has no body, and nobody knows where it stood.
                None => (has_ended && rest.ends_with(b"\r\n\r\n") && says_head(scene.arrived)).then_some(Method::Head),
            };
            match next(rest, method, has_ended) {
                Next::Part => break,
                Next::Continue(used) => {
                    let asked = asked.expect("somebody is told to go on with a body");
                    assert!(asked.expects && asked.was_awaited && asked.wants_body, "nobody waits to be told to go on");
                    assert!(!self.was_told, "told to go on twice");
                    self.was_told = true;
                    at += used;
                }
                Next::Reply(reply, used) => {
                    self.judge(&reply, asked, scene);
                    self.replies.push(reply);
                    self.was_told = false;
                    at += used;
                }
            }
            // What follows came in one go with what comes now.
            self.released = scene.ledger.released();
        }
        self.bytes.drain(..at);
    }

    fn judge(&self, reply: &Reply, asked: Option<Asked>, scene: Scene<'_>) {
        let number = self.replies.len();
        match (reply.number, asked) {
            (Some(said), Some(Asked { made: Some(made), method, .. })) => {
                assert_eq!(said, number, "replies are out of order");
                judge_body(reply, &made, method, scene.ends_waits);
                assert!(made.rest <= self.released, "a reply came before its ground was durable");
            }
            (Some(said), asked) => panic!("a reply to {said}, where {asked:?} was asked"),
            (None, Some(asked)) => judge_front(reply, number, &asked, scene),
            (None, None) => {
                assert!(!scene.arrived.is_empty(), "a reply to nothing");
                assert!(reply.close && (400..600).contains(&reply.status), "no refusal: {reply:?}");
                let (waited, patience) = (u128::from(scene.patience), scene.rules.read_timeout.as_millis());
                assert!(reply.status != 408 || waited >= patience, "a head is late after {waited} of {patience} ms");
            }
        }
    }
}

fn says_head(bytes: &[u8]) -> bool {
    bytes.windows(5).any(|window| window == b"HEAD ")
}

/// The double's own reply.
fn judge_body(reply: &Reply, made: &Made, method: Method, ends_waits: bool) {
    assert_eq!(reply.status, made.status);
    if method == Method::Head || made.status == 204 {
        return assert!(reply.body.is_empty());
    }
    if made.waits && ends_waits {
        let whole = made.text.clone() + &"x".repeat(made.fill);
        return assert!(whole.as_bytes().starts_with(&reply.body), "not the beginning of {made:?}: {reply:?}");
    }
    let rest = reply.body.strip_prefix(made.text.as_bytes()).unwrap_or_else(|| panic!("not {made:?}: {reply:?}"));
    assert!(rest.len() == made.fill && rest.iter().all(|byte| *byte == b'x'), "not {made:?}: {} bytes", rest.len());
}

/// A reply that the front gave instead of the double.
fn judge_front(reply: &Reply, number: usize, asked: &Asked, scene: Scene<'_>) {
    assert_eq!(reply.status, 503, "{reply:?} to {asked:?}");
    let is_denied = asked.made.as_ref().is_some_and(|made| {
        let has_waited = u128::from(scene.now) >= scene.rules.write_timeout.as_millis();
        made.rest > Lsn::ZERO && (scene.ledger.was_denied(made.rest) || has_waited)
    });
    let is_full = asked.made.is_none() && asked.wants_body && reply.close && scene.double.count() == number + 1;
    let has_waited = u128::from(scene.now) >= scene.rules.write_timeout.as_millis();
    let found_no_room = asked.made.is_none() && asked.turned_back > 0 && has_waited;
    let is_given_up = asked.is_given_up && has_waited;
    assert!(is_denied || asked.is_forgotten || is_full || found_no_room || is_given_up, "{reply:?} to {asked:?}");
}

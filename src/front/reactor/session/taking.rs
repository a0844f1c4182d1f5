//! A session's way through a body: what the handler says to a head decides what becomes of the body behind it.
//!
//! Invariants: a handler sees a body whole or hears that it failed; a body that nobody wants is read past when it is
//! short, and ends the connection otherwise; bodies together take no more memory than `bodies_bytes_max`. It does not
//! know where requests begin.

use crate::api::message::{Answer, BodyFault, Request, RequestBody};
use crate::front::framing::Announced;
use crate::front::problem::{self, Unavailable};

use super::super::chunked::ChunkFault;
use super::super::context::Context;
use super::super::head::{self, Head};
use super::super::incoming::Incoming;
use super::super::outbox::Terms;
use super::again::{Kept, KeptBody};
use super::intake::Taking;
use super::{Phase, Session};

/// A body that nobody wanted is read past when it is no longer than this, so that an answer such as a 404 does not cost
/// its client the connection. Of chunks only their end tells; when they are more, the connection ends behind the reply.
const READ_PAST_BYTES_MAX: u64 = 64 << 10;

/// A body that is gathered in `held`, behind its head.
pub(super) struct Gather {
    head_bytes: usize,
    body: Incoming,
    pub(super) length: Option<u64>,
    bytes_max: usize,
    terms: Terms,
}

impl Gather {
    pub(super) fn terms(&self) -> Terms {
        self.terms
    }
}

impl Session {
    /// Takes the answer to a request that was here whole.
    pub(super) fn answer_whole(
        &mut self,
        mut answer: Answer,
        body: &[u8],
        terms: Terms,
        follows: bool,
        cx: &mut Context<'_>,
    ) {
        match answer {
            Answer::Reply(ref mut response) => self.finish_with(response, terms, follows, cx),
            Answer::Later(later) => self.wait(later, terms, cx),
            Answer::Work(work) => self.work(work, terms),
            Answer::Stream(intake) => {
                let taking = Taking::new(intake, Incoming::new(Announced::Nothing), Some(body.len() as u64), terms);
                self.phase = Phase::Intake(taking.whole());
                self.hand_on(body, follows, cx);
            }
            // It has the body and asks for it: nothing can be said but that it failed. What waits for room is kept
            // before.
            Answer::Gather { .. } | Answer::Again => self.finish(problem::of_unanswered(), terms, follows, cx),
        }
    }

    /// Takes the answer to a request whose body is still to come.
    pub(super) fn answer_head(
        &mut self,
        answer: Answer,
        text: &[u8],
        head: &Head<'_>,
        terms: Terms,
        cx: &mut Context<'_>,
    ) {
        let announced = head.framing.body;
        let body = Incoming::new(announced);
        let length = match announced {
            Announced::Bytes(bytes) => Some(bytes),
            Announced::Nothing | Announced::Chunked => None,
        };
        self.received = 0;
        match answer {
            Answer::Gather { bytes_max } => {
                self.held = text.to_vec();
                self.phase = Phase::Gather(Gather { head_bytes: text.len(), body, length, bytes_max, terms });
                // What is announced to be too large is not waited for.
                if length.is_some_and(|bytes| bytes > bytes_max as u64) {
                    self.fail_body(BodyFault::TooLarge, cx);
                }
            }
            Answer::Stream(intake) => self.phase = Phase::Intake(Taking::new(intake, body, length, terms)),
            Answer::Later(later) => self.wait(later, Terms { close: true, ..terms }, cx),
            Answer::Work(work) => self.work(work, Terms { close: true, ..terms }),
            // What waits for room is kept before.
            Answer::Again => self.finish(problem::of_unanswered(), terms, false, cx),
            Answer::Reply(mut response) => {
                let is_short = length.is_none_or(|bytes| bytes <= READ_PAST_BYTES_MAX);
                // Whoever waits for 100 Continue may or may not send the body now: there is no telling what follows.
                if is_short && !head.framing.expects_continue && !terms.ends_with(&response) {
                    self.phase = Phase::Skip { body, left: READ_PAST_BYTES_MAX };
                    self.reply(&mut response, terms, true, cx);
                } else {
                    self.finish(response, Terms { close: true, ..terms }, false, cx);
                }
            }
        }
    }

    /// Takes what belongs to the present body; gives how much of `rest` was used.
    pub(super) fn take_body(&mut self, rest: &[u8], cx: &mut Context<'_>) -> usize {
        let body = match &mut self.phase {
            Phase::Gather(gather) => &mut gather.body,
            Phase::Intake(taking) => &mut taking.body,
            Phase::Skip { body, .. } => body,
            Phase::Head | Phase::Later | Phase::Work(_) | Phase::Again(_) | Phase::Over => return 0,
        };
        let fed = match body.feed(rest) {
            Ok(fed) => fed,
            Err(fault) => {
                let fault = match fault {
                    ChunkFault::Malformed => BodyFault::Malformed,
                    ChunkFault::TooLarge => BodyFault::TooLarge,
                };
                self.fail_body(fault, cx);
                return rest.len();
            }
        };
        self.received += fed.used as u64;
        let follows = rest.len() > fed.used;
        match &mut self.phase {
            Phase::Gather(gather) => {
                let terms = gather.terms;
                let gathered = (self.held.len().saturating_sub(gather.head_bytes) + fed.data.len()) as u64;
                if gathered.saturating_add(gather.body.announced()) > gather.bytes_max as u64 {
                    self.fail_body(BodyFault::TooLarge, cx);
                } else if !self.gather(fed.data, cx) {
                    let terms = Terms { close: true, ..terms };
                    self.finish(problem::of_unavailable(Unavailable::BodiesFull), terms, false, cx);
                } else if fed.ended {
                    self.run_gathered(Ok(()), follows, cx);
                }
            }
            Phase::Intake(taking) => {
                taking.has_ended = fed.ended;
                self.hand_on(fed.data, follows, cx);
            }
            Phase::Skip { .. } if fed.ended => {
                self.phase = Phase::Head;
                self.since = cx.now;
            }
            Phase::Skip { left, .. } => {
                *left = left.saturating_sub(fed.used as u64);
                if *left == 0 {
                    self.end(cx);
                }
            }
            Phase::Head | Phase::Later | Phase::Work(_) | Phase::Again(_) | Phase::Over => {}
        }
        fed.used
    }

    /// Keeps a part of a body; false when all bodies together are too much.
    fn gather(&mut self, data: &[u8], cx: &Context<'_>) -> bool {
        let is_taken = self.charge(data.len(), cx);
        if is_taken {
            self.held.extend_from_slice(data);
        }
        is_taken
    }

    /// Counts `bytes` of a body that is kept; false when all bodies together are too much.
    pub(super) fn charge(&mut self, bytes: usize, cx: &Context<'_>) -> bool {
        let all = cx.bodies_bytes.get() + bytes;
        if all > cx.rules.bodies_bytes_max {
            return false;
        }
        cx.bodies_bytes.set(all);
        self.charged += bytes;
        true
    }

    /// As `charge`, in place of what is counted of this connection's so far.
    pub(super) fn recharge(&mut self, bytes: usize, cx: &Context<'_>) -> bool {
        self.release(cx);
        self.charge(bytes, cx)
    }

    /// Asks the handler again, with the body or with what became of it.
    fn run_gathered(&mut self, end: Result<(), BodyFault>, follows: bool, cx: &mut Context<'_>) {
        let Phase::Gather(Gather { head_bytes, terms, .. }) = std::mem::replace(&mut self.phase, Phase::Head) else {
            return;
        };
        let held = std::mem::take(&mut self.held);
        self.release(cx);
        self.since = cx.now;
        let whole = cx.recorder.now();
        let (text, bytes) = held.split_at_checked(head_bytes).unwrap_or_default();
        let body = match end {
            Ok(()) => RequestBody::Bytes(bytes),
            Err(fault) => RequestBody::Failed(fault),
        };
        let asked = head::read(text, &cx.rules.head, cx.sections, |head, fields| {
            cx.handler.handle(Request { method: head.method, target: head.framing.target, headers: fields, body })
        });
        // The head was sound when it came, and is the same.
        let Ok(Some(answer)) = asked else { return self.end(cx) };
        let mut terms = Terms { close: terms.close || end.is_err(), ..terms };
        terms.origin.whole = Some(whole);
        if matches!(answer, Answer::Again) {
            let body = end.map_or_else(KeptBody::Failed, |()| KeptBody::Here);
            return self.keep(Kept { text: held, head_bytes, body, terms }, cx);
        }
        self.answer_whole(answer, bytes, terms, follows, cx);
    }

    pub(super) fn fail_body(&mut self, fault: BodyFault, cx: &mut Context<'_>) {
        match &self.phase {
            Phase::Gather(_) => self.run_gathered(Err(fault), false, cx),
            Phase::Intake(_) => self.finish_intake(Err(fault), false, cx),
            Phase::Head | Phase::Skip { .. } | Phase::Later | Phase::Work(_) | Phase::Again(_) | Phase::Over => {
                self.end(cx);
            }
        }
    }
}

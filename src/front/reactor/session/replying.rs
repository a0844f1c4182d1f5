//! How a request of a session is replied to: at once, later, or by saying what is wrong with it; and how a conversation ends.
//!
//! Invariant: each request gets one reply, and nothing is read behind one that ends the connection.

use crate::api::message::{Later, Response};
use crate::front::framing::{Fault, Version};
use crate::front::problem::{self, Unavailable};
use crate::front::requests::Origin;

use super::super::context::Context;
use super::super::head;
use super::super::outbox::Terms;
use super::{Phase, Session};

impl Session {
    /// Says why the connection is not served, and nothing else.
    pub fn turn_away(&mut self, why: Unavailable, cx: &mut Context<'_>) {
        self.finish(problem::of_unavailable(why), closing(cx), false, cx);
    }

    /// Takes the reply that another thread made.
    pub fn deliver(&mut self, ticket: u64, response: Option<Response>, cx: &mut Context<'_>) {
        let mut response = response.unwrap_or_else(|| problem::of_unavailable(Unavailable::OutcomeUnknown));
        // What was sent behind it already is still answered.
        response.close |= self.held.is_empty() && (cx.is_draining || self.has_ended);
        let Some(terms) = self.outbox.deliver(ticket, response, cx) else { return };
        self.since = cx.now;
        self.phase = Phase::Head;
        if terms.close {
            self.end(cx);
        } else {
            self.go_on(cx);
        }
    }

    pub(super) fn wait(&mut self, later: Later, mut terms: Terms, cx: &mut Context<'_>) {
        terms.origin.request_bytes += std::mem::take(&mut self.received);
        self.phase = Phase::Later;
        let ticket = self.outbox.await_reply(terms);
        later(cx.deliver(ticket));
    }

    /// Refuses a request before anything runs; nothing behind it is read.
    pub(super) fn refuse(&mut self, fault: Fault, head_only: bool, cx: &mut Context<'_>) {
        let mut response = problem::of_fault(fault);
        response.head_only = head_only;
        self.finish(response, closing(cx), false, cx);
    }

    /// Refuses the request of whose head a part is held.
    pub(super) fn refuse_held(&mut self, fault: Fault, cx: &mut Context<'_>) {
        self.refuse(fault, head::is_for_head(&self.held), cx);
    }

    /// Replies, and goes on to the next request or ends.
    pub(super) fn finish(&mut self, mut response: Response, terms: Terms, follows: bool, cx: &mut Context<'_>) {
        self.finish_with(&mut response, terms, follows, cx);
    }

    /// As `finish`, of a reply that stays where it is: to move it costs as much as half of this.
    pub(super) fn finish_with(&mut self, response: &mut Response, terms: Terms, follows: bool, cx: &mut Context<'_>) {
        // To drop the phase before would be a call, even of one that holds nothing.
        if !matches!(self.phase, Phase::Head) {
            self.phase = Phase::Head;
        }
        self.since = cx.now;
        if self.reply(response, terms, follows, cx) {
            self.end(cx);
        }
    }

    /// Replies; true when that was the last reply.
    pub(super) fn reply(
        &mut self,
        response: &mut Response,
        mut terms: Terms,
        follows: bool,
        cx: &mut Context<'_>,
    ) -> bool {
        terms.origin.request_bytes += std::mem::take(&mut self.received);
        let close = terms.ends_with(response) || (cx.is_draining && !follows);
        self.outbox.reply(response, Terms { close, ..terms }, cx);
        close
    }

    /// Reads nothing more.
    pub fn end(&mut self, cx: &Context<'_>) {
        self.count_unanswered(cx);
        self.phase = Phase::Over;
        self.held = Vec::new();
        self.release(cx);
    }
}

/// How a reply stands that is given without a request, and behind which nothing can be read.
fn closing(cx: &Context<'_>) -> Terms {
    Terms { version: Version::Http11, close: true, head_only: false, origin: Origin::unknown(cx.came) }
}

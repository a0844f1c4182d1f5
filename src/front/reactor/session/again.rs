//! A request that found no room: kept as it came, and asked again when there is some.
//!
//! Invariants: nothing behind it runs before it; it waits `write_timeout` at most, however often it is asked; its body
//! counts among those of the thread. It does not know what there is no room in.

use crate::api::message::{Answer, BodyFault, Request, RequestBody};
use crate::front::framing::Announced;
use crate::front::problem::{self, Unavailable};

use super::super::context::{Context, Millis, millis};
use super::super::head::{self, Fields, Head};
use super::super::outbox::Terms;
use super::{Phase, Session};

/// A request that waits for room.
pub(super) struct Again {
    request: Kept,
    ticket: u64,
    /// When it has waited too long.
    pub(super) until: Millis,
}

/// A request as the handler was asked.
pub(super) struct Kept {
    /// The head, and the body behind it where the handler was given one.
    pub(super) text: Vec<u8>,
    pub(super) head_bytes: usize,
    pub(super) body: KeptBody,
    pub(super) terms: Terms,
}

/// What the handler was told of the body.
#[derive(Clone, Copy)]
pub(super) enum KeptBody {
    /// Here it is.
    Here,
    /// It is still to come.
    Awaited,
    /// It will never be whole.
    Failed(BodyFault),
}

/// Why a request is taken up again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// There may be room.
    Room,
    /// It has waited long enough.
    Late,
}

impl Kept {
    fn body_bytes(&self) -> usize {
        self.text.len().saturating_sub(self.head_bytes)
    }
}

impl Again {
    pub(super) fn terms(&self) -> Terms {
        self.request.terms
    }

    /// Bytes that are kept.
    pub(super) fn held_bytes(&self) -> usize {
        self.request.text.len()
    }
}

impl Session {
    /// Keeps a request that found no room until there is some.
    pub(super) fn keep(&mut self, request: Kept, cx: &mut Context<'_>) {
        let until = cx.now.saturating_add(millis(cx.rules.write_timeout));
        self.keep_until(until, request, cx);
    }

    fn keep_until(&mut self, until: Millis, request: Kept, cx: &mut Context<'_>) {
        if !self.charge(request.body_bytes(), cx) {
            return self.finish(problem::of_unavailable(Unavailable::BodiesFull), request.terms, true, cx);
        }
        let ticket = self.outbox.next_ticket();
        self.phase = Phase::Again(Again { request, ticket, until });
        cx.durability.when_room(cx.room_waker(ticket));
    }

    /// Goes on with what waits with `ticket`: there may be room. A request is asked again, work is put in line.
    pub fn try_again(&mut self, ticket: u64, cx: &mut Context<'_>) {
        match &self.phase {
            Phase::Again(again) if again.ticket == ticket => self.take_up(Cause::Room, cx),
            _ => self.go_on_with_work(ticket),
        }
    }

    /// Gives up waiting for room.
    pub(super) fn give_up_room(&mut self, cx: &mut Context<'_>) {
        self.take_up(Cause::Late, cx);
    }

    fn take_up(&mut self, cause: Cause, cx: &mut Context<'_>) {
        let Phase::Again(Again { request, until, .. }) = std::mem::replace(&mut self.phase, Phase::Head) else {
            return;
        };
        self.release(cx);
        let behind = std::mem::take(&mut self.held);
        let text = request.text.get(..request.head_bytes).unwrap_or_default();
        let (limits, sections) = (&cx.rules.head, cx.sections);
        let answered = head::read(text, limits, sections, |head, fields| {
            self.answer_again(cause, &request, &head, fields, !behind.is_empty(), cx)
        });
        match answered {
            Ok(Some(Answered::Yes)) => {}
            Ok(Some(Answered::NotYet)) => self.keep_until(until, request, cx),
            // The head was sound when it came, and is the same.
            Ok(None) | Err(_) => self.end(cx),
        }
        self.receive(&behind, cx);
    }

    fn answer_again(
        &mut self,
        cause: Cause,
        request: &Kept,
        head: &Head<'_>,
        fields: &Fields<'_>,
        follows: bool,
        cx: &mut Context<'_>,
    ) -> Answered {
        let (text, here) = request.text.split_at_checked(request.head_bytes).unwrap_or_default();
        let body = match (request.body, head.framing.body) {
            (KeptBody::Here, _) => RequestBody::Bytes(here),
            (KeptBody::Failed(fault), _) => RequestBody::Failed(fault),
            (KeptBody::Awaited, Announced::Bytes(bytes)) => RequestBody::Awaited { length: Some(bytes) },
            (KeptBody::Awaited, Announced::Nothing | Announced::Chunked) => RequestBody::Awaited { length: None },
        };
        let answer = match cause {
            Cause::Late => {
                let mut response = problem::of_unavailable(Unavailable::JournalBusy);
                cx.handler.complete(fields, &mut response);
                Answer::Reply(response)
            }
            Cause::Room => {
                cx.handler.handle(Request { method: head.method, target: head.framing.target, headers: fields, body })
            }
        };
        if matches!(answer, Answer::Again) {
            return Answered::NotYet;
        }
        self.since = cx.now;
        match request.body {
            KeptBody::Here | KeptBody::Failed(_) => self.answer_whole(answer, here, request.terms, follows, cx),
            KeptBody::Awaited => {
                self.answer_head(answer, text, head, request.terms, cx);
                if head.framing.expects_continue && !follows && self.wants_body() {
                    self.outbox.push_continue(cx);
                }
            }
        }
        Answered::Yes
    }
}

/// What came of asking again.
enum Answered {
    Yes,
    NotYet,
}

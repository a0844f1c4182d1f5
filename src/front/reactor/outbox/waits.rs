//! The replies of a connection that wait: for another thread that makes them, or until what they rest on is released.
//!
//! Invariant: a ticket is answered once, and changes only what waits with it. It does not know what stands before a
//! reply, nor when it is sent.

use crate::api::message::Response;
use crate::front::problem::{self, Unavailable};
use crate::front::requests::Ended;
use crate::model::{NotDurable, Rest};

use super::super::context::{Context, Millis, Rules, millis};
use super::{Item, Outbox, Terms};

/// `Durability` will answer this ticket.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) ticket: u64,
    pub(super) since: Millis,
}

/// What a reply waits for.
pub(super) enum Waiting {
    /// Nobody was asked yet: something else stands before it.
    Parked(Box<Response>),
    /// `Durability` will answer this ticket.
    Asked { ticket: u64, since: Millis, response: Box<Response> },
    /// Another thread makes the reply.
    Later { ticket: u64 },
}

impl Outbox {
    /// Holds a place for a reply that another thread makes; gives the ticket it must come with.
    pub(in super::super) fn await_reply(&mut self, terms: Terms) -> u64 {
        self.replies += 1;
        let ticket = self.next_ticket();
        self.queue.push_back(Item::Waiting { state: Waiting::Later { ticket }, terms });
        ticket
    }

    /// Takes the reply that was waited for with `ticket`; gives its terms, or nothing when none such is awaited.
    pub(in super::super) fn deliver(&mut self, ticket: u64, mut response: Response, cx: &Context<'_>) -> Option<Terms> {
        let waits = |item: &&mut Item| matches!(item, Item::Waiting { state: Waiting::Later { ticket: held }, .. } if *held == ticket);
        match self.queue.iter_mut().find(waits) {
            Some(Item::Waiting { state, terms }) => {
                terms.close = terms.ends_with(&response);
                terms.origin.answered = Some(cx.recorder.now());
                response.head_only |= terms.head_only;
                self.bytes += weight(&response);
                *state = Waiting::Parked(Box::new(response));
                Some(*terms)
            }
            _ => None,
        }
    }

    /// Takes the answer of `Durability` to `ticket`. What it was asked for is the first that waits, but what was ready
    /// before that may still stand before it.
    pub fn settle(&mut self, ticket: u64, outcome: Result<(), NotDurable>) {
        let holds = |item: &Item| matches!(item, Item::Barrier { asked: Some(asked), .. } if asked.ticket == ticket);
        if let Some(at) = self.queue.iter().position(holds) {
            self.queue.remove(at);
            // Its head has left, so nothing can be said but that it ends here.
            self.is_broken |= outcome.is_err();
            return;
        }
        let is_asked = |item: &Item| matches!(item, Item::Waiting { state: Waiting::Asked { ticket: held, .. }, .. } if *held == ticket);
        let Some(at) = self.queue.iter().position(is_asked) else { return };
        let Some(Item::Waiting { state: Waiting::Asked { mut response, .. }, terms }) = self.queue.remove(at) else {
            return;
        };
        self.bytes -= weight(&response);
        match outcome {
            Ok(()) => response.rest = Rest::NOTHING,
            Err(NotDurable) => *response = unknown(&response),
        }
        self.bytes += weight(&response);
        self.queue.insert(at, Item::Waiting { state: Waiting::Parked(response), terms });
    }

    /// When what stands first has waited too long to become durable.
    pub(in super::super) fn unknown_at(&self, rules: &Rules) -> Option<Millis> {
        match self.queue.front()? {
            Item::Waiting { state: Waiting::Asked { since, .. }, .. }
            | Item::Barrier { asked: Some(Asked { since, .. }), .. } => Some(since + millis(rules.write_timeout)),
            _ => None,
        }
    }

    /// Gives up waiting for what stands first to become durable.
    pub(in super::super) fn give_up(&mut self) {
        if let Some(
            Item::Waiting { state: Waiting::Asked { ticket, .. }, .. }
            | Item::Barrier { asked: Some(Asked { ticket, .. }), .. },
        ) = self.queue.front()
        {
            self.settle(*ticket, Err(NotDurable));
        }
    }

    /// Counts the replies that will never be whole: their peer is gone.
    pub(in super::super) fn abandon(&self, cx: &Context<'_>) {
        for item in &self.queue {
            match item {
                Item::Waiting { terms, .. } => cx.count(terms.origin, Ended::Gone, 0),
                Item::Stream { counts, .. } => counts.count(cx),
                Item::Piece { .. } | Item::Barrier { .. } => {}
            }
        }
    }

    /// Asks when the reply that stands first may leave.
    pub(super) fn ask(&mut self, cx: &mut Context<'_>) {
        let ticket = self.next_ticket();
        let Some(Item::Waiting { state: Waiting::Parked(response), terms }) = self.queue.pop_front() else { return };
        let rest = response.rest;
        let state = Waiting::Asked { ticket, since: cx.now, response };
        self.queue.push_front(Item::Waiting { state, terms });
        cx.durability.when_durable(rest, cx.waker(ticket));
        cx.has_asked.set(true);
    }

    /// Takes the reply that stands first out of the queue, unless it may not leave yet.
    pub(super) fn take_first(&mut self) -> Option<(Response, Terms)> {
        match self.queue.pop_front_if(|item| matches!(item, Item::Waiting { state: Waiting::Parked(_), .. }))? {
            Item::Waiting { state: Waiting::Parked(response), terms } => {
                self.bytes -= weight(&response);
                Some((*response, terms))
            }
            Item::Waiting { .. } | Item::Barrier { .. } | Item::Piece { .. } | Item::Stream { .. } => None,
        }
    }
}

/// Bytes that a reply holds while it waits.
pub(super) fn weight(response: &Response) -> usize {
    response.body_length().unwrap_or(0)
}

/// What is said instead of a reply whose ground was lost.
fn unknown(response: &Response) -> Response {
    let mut unknown = problem::in_place_of(response, Unavailable::OutcomeUnknown);
    unknown.head_only = response.head_only;
    unknown
}

//! The protocol of one connection, without its socket: bytes in, replies into the outbox.
//!
//! ```text
//!            ┌──────────── reply ◄────────────────────────────┐
//!            ▼                                                │
//!   Head ─► handle ─► Gather (the body, whole)                ┤  a reply that ends the connection ─► Over
//!                 ├─► Intake (part by part)                   ┤
//!                 ├─► Skip   (nobody wants it)                ┤
//!                 ├─► Later  (the reply comes from elsewhere) ┤
//!                 ├─► Work   (the reply takes steps)          ┘
//!                 └─► Again  (it is asked again when there is room)
//! ```
//!
//! Invariants: requests run in the order in which they came, one at a time, and each gets one reply; nothing of a
//! refused request runs, and nothing behind it; a handler sees a body whole or hears that it failed; what is kept of
//! the input is bounded by the limits on heads and bodies. It knows no socket, and time only as a number.

mod again;
mod due;
mod intake;
mod replying;
mod taking;
mod working;

use crate::api::message::{Answer, BodyFault, Method, Request, RequestBody};
use crate::front::framing::{Announced, Fault};
use crate::front::requests::Ended;

use super::ahead::Ahead;
use super::context::{Context, Millis};
use super::head::{self, Fields, Head};
use super::incoming::Incoming;
use super::outbox::{Outbox, Terms};

use again::{Again, Kept, KeptBody};
use intake::Taking;
use taking::Gather;
use working::Working;

pub use due::Expired;

/// Where the conversation stands. `Later`, `Work` and `Again` read nothing: a peer that goes away meanwhile is noticed
/// when the reply is there, unless its socket says so. `Later` has no deadline.
enum Phase {
    /// Between two requests, or within a head.
    Head,
    /// A body is gathered behind its head.
    Gather(Gather),
    /// A body is handed on as it comes.
    Intake(Taking),
    /// A body is thrown away, if it has at most so many bytes more.
    Skip { body: Incoming, left: u64 },
    /// Another thread makes the reply.
    Later,
    /// The reply takes work, of which there is more to do.
    Work(Working),
    /// The request waits for room.
    Again(Again),
    /// Nothing more is read.
    Over,
}

/// One connection's conversation.
pub struct Session {
    phase: Phase,
    /// Input that could not be used yet: part of a head, requests that must wait, or a head and its body.
    held: Vec<u8>,
    outbox: Outbox,
    /// When the present stage began: silence, a head, a body.
    since: Millis,
    /// Bytes of the present body.
    received: u64,
    /// What `held` counts for among the thread's bodies.
    charged: usize,
    /// True when what is held must wait: requests for room, a body for its intake; and is not part of a head.
    is_blocked: bool,
    /// True when there was room for another reply at the last look: what is not read is not late.
    had_room: bool,
    /// True when the peer sends nothing more.
    has_ended: bool,
}

impl Session {
    /// A connection that was accepted at `now`.
    pub fn new(now: Millis) -> Session {
        Session {
            phase: Phase::Head,
            held: Vec::new(),
            outbox: Outbox::default(),
            since: now,
            received: 0,
            charged: 0,
            is_blocked: false,
            had_room: true,
            has_ended: false,
        }
    }

    /// The replies.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Bytes that the connection keeps: input that could not be used yet, and replies that are still to be sent.
    pub fn held_bytes(&self) -> usize {
        let waiting = match &self.phase {
            Phase::Again(again) => again.held_bytes(),
            _ => 0,
        };
        self.held.len() + waiting + self.outbox.held_bytes()
    }

    /// True when more input can be used now.
    pub fn wants_input(&self, cx: &Context<'_>) -> bool {
        match &self.phase {
            Phase::Head => !self.has_ended && self.outbox.has_room(cx),
            Phase::Intake(taking) => taking.wants_more(),
            Phase::Gather(_) | Phase::Skip { .. } => true,
            Phase::Later | Phase::Work(_) | Phase::Again(_) | Phase::Over => false,
        }
    }

    /// True when nothing more is read and everything was sent.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over) && self.outbox.is_empty()
    }

    /// True when the peer sends nothing more.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// True when no request is in progress, and not a byte of the next one has come.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head) && self.is_between() && self.outbox.is_empty()
    }

    /// Takes input.
    pub fn receive(&mut self, input: &[u8], cx: &mut Context<'_>) {
        if matches!(self.phase, Phase::Head) && !self.held.is_empty() {
            self.held.extend_from_slice(input);
            if head::may_tell_more(&self.held, input, &cx.rules.head) {
                self.use_held(cx);
            }
            return;
        }
        let used = self.process(input, cx);
        self.hold(input.get(used..).unwrap_or_default(), cx);
    }

    /// Goes on with what was held back, once there is room for more replies. True when it did: there may be something to
    /// send, or to ask `Durability` for, and nobody else will look.
    pub fn go_on(&mut self, cx: &mut Context<'_>) -> bool {
        let mut has_gone_on = false;
        let has_room = self.outbox.has_room(cx);
        let had_room = std::mem::replace(&mut self.had_room, has_room);
        if has_room && !had_room && matches!(self.phase, Phase::Head) {
            self.since = cx.now;
        }
        let is_free = match &self.phase {
            Phase::Head => has_room,
            Phase::Intake(taking) => taking.wants_more(),
            _ => false,
        };
        if self.is_blocked && is_free {
            self.use_held(cx);
            has_gone_on = true;
            self.had_room = self.outbox.has_room(cx);
        }
        if self.has_ended && !self.is_blocked && matches!(self.phase, Phase::Head) {
            // What is held is no whole head, and never will be.
            if self.is_between() {
                self.end(cx);
            } else {
                self.refuse_held(Fault::HeadIncomplete, cx);
            }
            has_gone_on = true;
        }
        has_gone_on
    }

    /// Takes note that the peer sends nothing more.
    pub fn end_of_input(&mut self, cx: &mut Context<'_>) {
        self.has_ended = true;
        match &self.phase {
            Phase::Head => {
                self.go_on(cx);
            }
            Phase::Skip { .. } => self.end(cx),
            Phase::Gather(Gather { length, .. }) | Phase::Intake(Taking { length, .. }) => {
                let fault = BodyFault::Incomplete { bytes: self.received, length: *length };
                self.fail_body(fault, cx);
            }
            Phase::Later | Phase::Work(_) | Phase::Again(_) | Phase::Over => {}
        }
    }

    /// True when nothing of a next request has come; half an empty line is nothing.
    fn is_between(&self) -> bool {
        matches!(self.held.as_slice(), b"" | b"\r")
    }

    /// Takes note that the first `bytes` of what is to be sent were sent.
    pub fn sent(&mut self, bytes: usize, cx: &mut Context<'_>) {
        self.outbox.sent(bytes, cx);
        // Silence counts from the end of the last reply.
        if self.is_idle() {
            self.since = cx.now;
        }
    }

    /// Gives back what the connection holds of its thread's.
    pub fn release(&mut self, cx: &Context<'_>) {
        cx.bodies_bytes.set(cx.bodies_bytes.get().saturating_sub(std::mem::take(&mut self.charged)));
    }

    /// The connection is closed: gives back what it holds, and counts what will have no reply any more.
    pub fn abandon(&mut self, cx: &Context<'_>) {
        self.outbox.abandon(cx);
        self.end(cx);
    }

    /// Counts the request that is in progress as one without a reply.
    fn count_unanswered(&self, cx: &Context<'_>) {
        let terms = match &self.phase {
            Phase::Gather(gather) => Some(gather.terms()),
            Phase::Intake(taking) => Some(taking.terms()),
            Phase::Work(working) => Some(working.terms()),
            Phase::Again(again) => Some(again.terms()),
            // The reply that comes later stands in the outbox.
            Phase::Head | Phase::Skip { .. } | Phase::Later | Phase::Over => None,
        };
        if let Some(terms) = terms {
            cx.count(terms.origin, Ended::Gone, 0);
        }
    }

    fn use_held(&mut self, cx: &mut Context<'_>) {
        let mut input = std::mem::take(&mut self.held);
        let used = self.process(&input, cx);
        if used > 0 {
            input.drain(..used);
        }
        if self.held.is_empty() && !input.is_empty() {
            if used > 0 {
                self.since = cx.now;
            }
            self.held = input;
        }
    }

    fn hold(&mut self, input: &[u8], cx: &Context<'_>) {
        if !input.is_empty() {
            self.since = cx.now;
            self.held.extend_from_slice(input);
        }
    }

    /// Uses as much of `input` as it can; gives how much. What is left is part of a head, or must wait.
    fn process(&mut self, input: &[u8], cx: &mut Context<'_>) -> usize {
        let mut used = 0;
        let mut ahead = Ahead::default();
        self.is_blocked = false;
        while let Some(rest) = input.get(used..)
            && !rest.is_empty()
        {
            used += match &self.phase {
                Phase::Over => rest.len(),
                Phase::Later | Phase::Work(_) | Phase::Again(_) => {
                    self.is_blocked = true;
                    break;
                }
                // An empty line before a request is ignored (RFC 9112 §2.2).
                Phase::Head if rest.starts_with(b"\r\n") => 2,
                Phase::Head if !self.outbox.has_room(cx) => {
                    self.is_blocked = true;
                    break;
                }
                Phase::Head => {
                    // Behind the first, which is not held up for it: most requests come alone.
                    let known = (&cx.rules.head, cx.sections);
                    let head = if used > 0 { ahead.head_at(used, input, known, cx.handler) } else { None };
                    let begun = match head {
                        Some((head, fields)) => Some(self.run(rest, head, fields, cx)),
                        None => self.begin(rest, cx),
                    };
                    match begun {
                        Some(used) => used,
                        None => break,
                    }
                }
                Phase::Intake(taking) if !taking.wants_more() => {
                    self.is_blocked = true;
                    break;
                }
                Phase::Gather(_) | Phase::Intake(_) | Phase::Skip { .. } => self.take_body(rest, cx),
            };
        }
        used
    }

    /// Begins the request at the start of `rest`; `None` while its head is not whole.
    fn begin(&mut self, rest: &[u8], cx: &mut Context<'_>) -> Option<usize> {
        let (limits, sections) = (&cx.rules.head, cx.sections);
        match head::read(rest, limits, sections, |head, fields| self.run(rest, &head, fields, cx)) {
            Ok(used) => used,
            Err(fault) => {
                self.refuse(fault, head::is_for_head(rest), cx);
                Some(rest.len())
            }
        }
    }

    /// Runs the request whose head stands at the start of `rest`; gives how much of it was used.
    fn run(&mut self, rest: &[u8], head: &Head<'_>, fields: &Fields<'_>, cx: &mut Context<'_>) -> usize {
        let after = rest.get(head.bytes..).unwrap_or_default();
        let framing = &head.framing;
        let here = match framing.body {
            Announced::Nothing => after.get(..0),
            // Whether what is here is the body depends on whether the handler wants one.
            _ if framing.expects_continue => None,
            Announced::Bytes(bytes) => usize::try_from(bytes).ok().and_then(|bytes| after.get(..bytes)),
            Announced::Chunked => None,
        };
        let body = match (here, framing.body) {
            (Some(body), _) => RequestBody::Bytes(body),
            (None, Announced::Bytes(bytes)) => RequestBody::Awaited { length: Some(bytes) },
            (None, _) => RequestBody::Awaited { length: None },
        };
        let method = head.method;
        let answer = cx.handler.handle(Request { method, target: framing.target, headers: fields, body });
        let mut origin = cx.recorder.begin(method, cx.handler.route_of(framing.target), framing.target, cx.came);
        origin.request_bytes = (head.bytes + here.map_or(0, <[u8]>::len)) as u64;
        let terms = Terms {
            version: framing.version,
            close: !framing.is_persistent,
            head_only: method == Method::Head,
            origin,
        };
        self.since = cx.now;
        if matches!(answer, Answer::Again) {
            let (bytes, body) = match here {
                Some(body) => (head.bytes + body.len(), KeptBody::Here),
                None => (head.bytes, KeptBody::Awaited),
            };
            let text = rest.get(..bytes).unwrap_or_default().to_vec();
            self.keep(Kept { text, head_bytes: head.bytes, body, terms }, cx);
            return bytes;
        }
        match here {
            Some(body) => {
                let used = head.bytes + body.len();
                self.answer_whole(answer, body, terms, rest.len() > used, cx);
                used
            }
            None => {
                self.answer_head(answer, rest.get(..head.bytes).unwrap_or_default(), head, terms, cx);
                if framing.expects_continue && after.is_empty() && self.wants_body() {
                    self.outbox.push_continue(cx);
                }
                head.bytes
            }
        }
    }

    fn wants_body(&self) -> bool {
        matches!(self.phase, Phase::Gather(_) | Phase::Intake(_))
    }
}

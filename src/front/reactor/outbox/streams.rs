//! Bodies that are made while they are sent: when the next part is made, and what holds it back.
//!
//! Invariants: of a stream at most `stream_buffer_bytes` are made ahead, and one part; no part is made while the stream
//! waits; a stream that waits ends instead when its reader sends nothing more or the server stops, with all that it said
//! before. One that has more and made nothing is pulled again in the thread's next turn, when others have had theirs. It
//! does not know what is in a part.

use std::time::Duration;

use crate::api::message::{BodyStream, Part, Piece, Pulled};
use crate::front::reply;
use crate::model::Rest;

use super::super::context::{Context, Millis, millis};
use super::{Asked, Item, Outbox};

/// A stream that waits for its next turn is woken for it; this is how long it may take if that were ever lost.
const TURN_MAX: Duration = Duration::from_secs(1);

/// A stream waits.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    ticket: u64,
    /// When it is pulled in any case.
    until: Millis,
    /// What it waits for.
    what: Awaited,
}

/// What a stream waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// Something that may never come.
    News,
    /// Its next turn: it looked for long and found nothing to say yet.
    Turn,
}

impl Wait {
    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.until <= now
    }

    /// True when the stream ends instead, where streams end that wait.
    pub(super) fn may_end(&self) -> bool {
        self.what == Awaited::News
    }
}

impl Outbox {
    /// Has the stream pulled again that waits with `ticket`.
    pub fn wake(&mut self, ticket: u64) {
        for item in &mut self.queue {
            if let Item::Stream { wait, .. } = item
                && wait.is_some_and(|wait| wait.ticket == ticket)
            {
                *wait = None;
            }
        }
    }

    /// Has streams end where they would wait: nobody may be there any more to read what comes.
    pub fn end_waits(&mut self) {
        self.ends_waits = true;
    }

    /// When the stream that stands first is to be pulled, although nobody woke it.
    pub(in super::super) fn pulls_at(&self) -> Option<Millis> {
        match self.queue.front()? {
            Item::Stream { wait, .. } => wait.map(|wait| wait.until),
            Item::Piece { .. } | Item::Barrier { .. } | Item::Waiting { .. } => None,
        }
    }

    /// Makes parts of the stream that stands first, until there are `stream_buffer_bytes`, or it waits, or has
    /// ended.
    pub(super) fn pull(&mut self, cx: &mut Context<'_>) {
        let Some(Item::Stream { mut stream, is_chunked, mut counts, .. }) = self.queue.pop_front() else { return };
        let behind = std::mem::take(&mut self.queue);
        // What stands behind it does not count: a stream that made nothing here would never be asked again.
        let before = self.bytes + cx.out.len();
        let enough = before.saturating_add(cx.rules.stream_buffer_bytes.max(1));
        let mut part = Part::new();
        let mut barrier = None;
        let pulled = loop {
            part.clear();
            let pulled = stream.pull(&mut part);
            self.hold_back(part.rest(), &mut barrier, cx);
            self.push_part(&part, is_chunked, cx);
            counts.bytes += part.len() as u64;
            if pulled != Pulled::More || part.is_empty() || self.bytes + cx.out.len() >= enough {
                break pulled;
            }
        };
        match pulled {
            Pulled::More => {
                let wait = part.is_empty().then(|| self.wait_for_turn(cx));
                self.queue.push_back(Item::Stream { stream, is_chunked, wait, counts });
            }
            Pulled::Waits if !self.ends_waits(cx) => {
                let wait = Some(self.wait_for(stream.as_mut(), cx));
                self.queue.push_back(Item::Stream { stream, is_chunked, wait, counts });
            }
            Pulled::Waits | Pulled::Ended => {
                if is_chunked {
                    self.push_with(cx, reply::end_chunks);
                }
                counts.count(cx);
            }
        }
        self.queue.extend(behind);
    }

    /// True when streams end where they would wait.
    pub(super) fn ends_waits(&self, cx: &Context<'_>) -> bool {
        self.ends_waits || cx.is_draining
    }

    /// Ends the stream that stands first where it waits.
    pub(super) fn end_stream(&mut self, cx: &mut Context<'_>) {
        let Some(Item::Stream { is_chunked, counts, .. }) = self.queue.pop_front() else { return };
        counts.count(cx);
        if is_chunked {
            let behind = std::mem::take(&mut self.queue);
            self.push_with(cx, reply::end_chunks);
            self.queue.extend(behind);
        }
    }

    fn wait_for(&mut self, stream: &mut dyn BodyStream, cx: &Context<'_>) -> Wait {
        let ticket = self.next_ticket();
        let at_most = stream.when_ready(cx.stream_waker(ticket));
        Wait { ticket, until: cx.now.saturating_add(millis(at_most)), what: Awaited::News }
    }

    fn wait_for_turn(&mut self, cx: &Context<'_>) -> Wait {
        let ticket = self.next_ticket();
        (cx.stream_waker(ticket))();
        Wait { ticket, until: cx.now.saturating_add(millis(TURN_MAX)), what: Awaited::Turn }
    }

    /// Puts a barrier before what comes next, unless that may leave; the parts of one pull have one in common, at
    /// `barrier` in the queue.
    fn hold_back(&mut self, rest: Rest, barrier: &mut Option<usize>, cx: &Context<'_>) {
        if cx.is_released(rest) {
            return;
        }
        let at = *barrier.get_or_insert(self.queue.len());
        match self.queue.get_mut(at) {
            Some(Item::Barrier { newest, .. }) => *newest = rest.lsn().max(*newest),
            _ => self.queue.push_back(Item::Barrier { newest: rest.lsn(), asked: None }),
        }
    }

    fn push_part(&mut self, part: &Part, is_chunked: bool, cx: &mut Context<'_>) {
        if part.is_empty() {
            return;
        }
        if is_chunked {
            self.push_with(cx, |out| reply::begin_chunk(out, part.len()));
        }
        for piece in part.pieces() {
            match piece {
                Piece::Document(_) | Piece::Slice(_) => self.push_piece(piece.clone()),
                Piece::Owned(_) | Piece::Static(_) => self.push_with(cx, |out| out.extend_from_slice(piece.bytes())),
            }
        }
        if is_chunked {
            self.push_with(cx, reply::end_chunk);
        }
    }

    /// Asks when the part that stands behind the barrier in front may leave.
    pub(super) fn ask_for_part(&mut self, cx: &mut Context<'_>) {
        let ticket = self.next_ticket();
        let Some(Item::Barrier { newest, asked }) = self.queue.front_mut() else { return };
        *asked = Some(Asked { ticket, since: cx.now });
        cx.durability.when_durable(Rest::Seen(*newest), cx.waker(ticket));
        cx.has_asked.set(true);
    }
}

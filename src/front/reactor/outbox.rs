//! The replies of one connection, in the order of their requests, from finished to sent.
//!
//! ```text
//!   cx.out ─► Piece ─► Piece ─► Stream ─► Waiting ─► Piece …
//!   └ the thread's buffer, where replies are put together that can be sent at once
//! ```
//!
//! A reply that may leave and has nothing before it goes into the thread's buffer, so that a GET, or sixteen of them
//! in a row, is one buffer and one write. What does not fit there (large documents, streams, replies that wait, and
//! whatever stands behind one of these) is queued here.
//! Invariants: bytes leave in the order of the requests; a reply leaves only when what it rests on is released; at
//! most one thing is being waited for, the first in the queue; of a stream, at most `stream_buffer_bytes` beside one
//! part are held, and a part leaves as a reply does; a stream of which a part may never leave is broken off. It does not
//! write, and does not know requests. What is done with a stream stands in `streams`, and with a reply that waits in
//! `waits`.

mod streams;
mod waits;

use std::collections::VecDeque;
use std::io::IoSlice;

use smallvec::SmallVec;

use crate::api::message::{BodyStream, Piece, Response, ResponseBody};
use crate::front::framing::Version;
use crate::front::reply::{self, Manner, Remaining};
use crate::front::requests::{Ended, Origin};
use crate::model::{Lsn, Rest};

use super::context::{Context, Millis, Rules, millis};

use streams::Wait;
use waits::{Asked, Waiting, weight};

/// Slices that are handed to one write.
pub const SLICES: usize = 16;

/// Places of an empty queue that are kept for the next reply that needs some.
const QUEUE_KEPT: usize = 4;

/// How a reply stands on its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The version of the request.
    pub(super) version: Version,
    /// True when the connection ends behind it.
    pub(super) close: bool,
    /// True for the reply to a HEAD, which has no body, whoever gives it.
    pub(super) head_only: bool,
    /// The request, as it is counted when the reply is whole.
    pub(super) origin: Origin,
}

impl Terms {
    /// True when nothing can follow `response` on its connection.
    pub(super) fn ends_with(&self, response: &Response) -> bool {
        // Without chunks, the end of a stream is the end of the connection.
        let is_endless = self.version == Version::Http10
            && matches!(response.body, ResponseBody::Stream(_))
            && !(response.is_bodiless() || response.head_only || self.head_only);
        self.close || response.close || is_endless
    }
}

enum Item {
    /// Bytes, from `sent` on.
    Piece { piece: Piece, sent: usize },
    /// A body that is made while it is sent.
    Stream { stream: Box<dyn BodyStream>, is_chunked: bool, wait: Option<Wait>, counts: Counts },
    /// What stands behind it, parts of a stream, shows something of this LSN and may not leave yet.
    Barrier { newest: Lsn, asked: Option<Asked> },
    /// A reply that may not leave yet, or that is not here yet.
    Waiting { state: Waiting, terms: Terms },
}

/// What a reply counts as, once it is whole.
#[derive(Clone, Copy)]
struct Counts {
    origin: Origin,
    status: u16,
    /// Of its body; of a stream, of what was made of it.
    bytes: u64,
}

impl Counts {
    fn of(response: &Response, terms: Terms) -> Counts {
        Counts { origin: terms.origin, status: response.status, bytes: response.body_length().unwrap_or(0) as u64 }
    }

    fn count(self, cx: &Context<'_>) {
        cx.count(self.origin, Ended::With(self.status), self.bytes);
    }
}

/// What is to be sent.
#[derive(Default)]
pub struct Outbox {
    queue: VecDeque<Item>,
    /// Bytes in pieces, and in the bodies of replies that wait.
    bytes: usize,
    /// Replies that were begun since everything was sent last.
    replies: usize,
    tickets: u64,
    progress: Option<Progress>,
    /// True when a stream cannot go on: its connection is to be closed at once.
    is_broken: bool,
    /// True when a stream that waits is to end instead: its reader may have gone.
    ends_waits: bool,
}

/// How sending goes while it cannot go on.
#[derive(Clone, Copy)]
struct Progress {
    began: Millis,
    moved: Millis,
    sent: u64,
}

impl Outbox {
    /// True when there is nothing to send and nothing to wait for, the thread's buffer apart.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// True when there is nothing to send, to wait for, or that the peer has not taken.
    pub(super) fn is_at_rest(&self) -> bool {
        self.queue.is_empty() && self.progress.is_none()
    }

    /// True when a reply that has begun will never be whole: the connection is to be closed so that the peer sees it.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Bytes of finished replies that are still to be sent, the thread's buffer apart.
    pub fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// True when another request may be begun.
    pub(super) fn has_room(&self, cx: &Context<'_>) -> bool {
        self.replies < cx.rules.pipelined_requests_max && self.bytes + cx.out.len() < cx.rules.unsent_bytes_max
    }

    /// Takes a reply, and sends nothing. What it needs of `response` beyond this call it takes out: nearly always nothing,
    /// and to move all of it would cost more than the rest of this.
    pub(super) fn reply(&mut self, response: &mut Response, mut terms: Terms, cx: &mut Context<'_>) {
        self.replies += 1;
        response.head_only |= terms.head_only;
        if !cx.is_released(response.rest) {
            let response = std::mem::replace(response, Response::new(200));
            self.bytes += weight(&response);
            terms.origin.answered = Some(cx.recorder.now());
            let state = Waiting::Parked(Box::new(response));
            self.queue.push_back(Item::Waiting { state, terms });
            return;
        }
        let mut remaining = Remaining::Nothing;
        let date = cx.date;
        self.push_with(cx, |out| remaining = reply::begin(out, response, manner(terms, date)));
        let counts = Counts::of(response, terms);
        if remaining == Remaining::Nothing {
            return counts.count(cx);
        }
        let body = std::mem::replace(&mut response.body, ResponseBody::Pieces(SmallVec::new()));
        self.push_remaining(remaining, body, counts, cx);
    }

    /// Says that the client may send the body it announced.
    pub(super) fn push_continue(&mut self, cx: &mut Context<'_>) {
        self.push_with(cx, |out| out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n"));
    }

    /// Makes ready what stands first: asks for what it waits for, makes the next part of a stream.
    pub fn prepare(&mut self, cx: &mut Context<'_>) {
        loop {
            match self.queue.front_mut() {
                Some(Item::Waiting { state: Waiting::Parked(response), .. }) if cx.is_released(response.rest) => {
                    if let Some((response, terms)) = self.take_first() {
                        self.begin_first(response, terms, cx);
                    }
                }
                Some(Item::Waiting { state: Waiting::Parked(_), .. }) => return self.ask(cx),
                Some(Item::Barrier { newest, .. }) if cx.is_released(Rest::Seen(*newest)) => {
                    self.queue.pop_front();
                }
                Some(Item::Barrier { asked: None, .. }) => return self.ask_for_part(cx),
                Some(Item::Stream { wait: Some(wait), .. })
                    if wait.may_end() && (self.ends_waits || cx.is_draining) =>
                {
                    self.end_stream(cx);
                }
                Some(Item::Stream { wait: Some(wait), .. }) if !wait.is_over(cx.now) => return,
                // What was made of it before and not taken yet comes first.
                Some(Item::Stream { .. }) if cx.out.len() >= cx.rules.stream_buffer_bytes.max(1) => return,
                Some(Item::Stream { .. }) => return self.pull(cx),
                Some(Item::Waiting { .. } | Item::Barrier { .. } | Item::Piece { .. }) | None => return,
            }
        }
    }

    /// True when something can be sent now, behind `out`.
    pub(super) fn has_ready(&self, out: &[u8]) -> bool {
        !out.is_empty() || matches!(self.queue.front(), Some(Item::Piece { .. }))
    }

    /// What can be sent now, behind `out`; the number of slices.
    pub fn slices<'a>(&'a self, out: &'a [u8], into: &mut [IoSlice<'a>; SLICES]) -> usize {
        let pieces = self.queue.iter().map_while(|item| match item {
            Item::Piece { piece, sent } => piece.bytes().get(*sent..),
            Item::Stream { .. } | Item::Barrier { .. } | Item::Waiting { .. } => None,
        });
        let buffer = (!out.is_empty()).then_some(out);
        let mut count = 0;
        for (slice, bytes) in into.iter_mut().zip(buffer.into_iter().chain(pieces)) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Notes that the first `sent` bytes of what `slices` gave have left; what is left of `out` is taken over.
    pub fn sent(&mut self, sent: usize, cx: &mut Context<'_>) {
        let mut rest = sent.saturating_sub(cx.out.len());
        if sent < cx.out.len() {
            self.keep_from(sent, cx.out);
        }
        cx.out.clear();
        while rest > 0 {
            let Some(Item::Piece { piece, sent }) = self.queue.front_mut() else { break };
            let left = piece.bytes().len() - *sent;
            let taken = left.min(rest);
            *sent += taken;
            self.bytes -= taken;
            rest -= taken;
            if taken == left {
                self.queue.pop_front();
            }
        }
        if let Some(progress) = &mut self.progress {
            progress.moved = cx.now;
            progress.sent += sent as u64;
        }
        if self.queue.is_empty() {
            self.replies = 0;
            self.progress = None;
            if self.queue.capacity() > QUEUE_KEPT {
                self.queue = VecDeque::new();
            }
        }
    }

    /// Notes that the peer takes nothing now; takes over what `out` holds.
    pub fn stall(&mut self, cx: &mut Context<'_>) {
        if !cx.out.is_empty() {
            self.keep_from(0, cx.out);
            cx.out.clear();
        }
        self.progress.get_or_insert(Progress { began: cx.now, moved: cx.now, sent: 0 });
    }

    /// Notes at `now` that `bytes` which had been taken from here have left the transport that held them. They count
    /// once more, so that a transport's own buffer is never what makes a reader late.
    pub(super) fn moved(&mut self, bytes: usize, now: Millis) {
        if let Some(progress) = &mut self.progress
            && bytes > 0
        {
            progress.moved = now;
            progress.sent += bytes as u64;
        }
    }

    /// Notes that there is nothing that the peer could take now.
    pub fn flow(&mut self) {
        self.progress = None;
    }

    /// When the peer has taken too long to read what is sent to it.
    pub(super) fn stalled_at(&self, rules: &Rules) -> Option<Millis> {
        let Progress { began, moved, sent } = self.progress?;
        let patience = millis(rules.write_timeout);
        Some((moved + patience).min(began + patience + rules.earned(sent)))
    }

    /// A ticket that no other wait of this connection has.
    pub(super) fn next_ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Begins a reply that was taken from the front of the queue. What stands behind it is moved only for one that does
    /// not fit the buffer, or many small ones that leave together would move it many times.
    fn begin_first(&mut self, response: Response, terms: Terms, cx: &mut Context<'_>) {
        let remaining = reply::begin(cx.out, &response, manner(terms, cx.date));
        let counts = Counts::of(&response, terms);
        if remaining == Remaining::Nothing {
            return counts.count(cx);
        }
        let behind = std::mem::take(&mut self.queue);
        self.push_remaining(remaining, response.body, counts, cx);
        self.queue.extend(behind);
    }

    /// Has bytes put at the end: of the thread's buffer while nothing is queued.
    fn push_with(&mut self, cx: &mut Context<'_>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.queue.is_empty() {
            write(cx.out);
        } else if let Some(Item::Piece { piece: Piece::Owned(last), .. }) = self.queue.back_mut() {
            let before = last.len();
            write(last);
            self.bytes += last.len() - before;
        } else {
            let mut bytes = Vec::new();
            write(&mut bytes);
            self.push_piece(Piece::Owned(bytes));
        }
    }

    fn push_remaining(&mut self, remaining: Remaining, body: ResponseBody, mut counts: Counts, cx: &Context<'_>) {
        match body {
            ResponseBody::Pieces(pieces) => {
                pieces.into_iter().for_each(|piece| self.push_piece(piece));
                counts.count(cx);
            }
            ResponseBody::Stream(stream) => {
                let is_chunked = remaining == Remaining::Chunks;
                counts.origin.is_stream = true;
                counts.origin.answered = Some(cx.recorder.now());
                self.queue.push_back(Item::Stream { stream, is_chunked, wait: None, counts });
            }
        }
    }

    fn push_piece(&mut self, piece: Piece) {
        let length = piece.bytes().len();
        if length > 0 {
            self.bytes += length;
            self.queue.push_back(Item::Piece { piece, sent: 0 });
        }
    }

    fn keep_from(&mut self, sent: usize, out: &[u8]) {
        let left = out.get(sent..).unwrap_or_default().to_vec();
        self.bytes += left.len();
        self.queue.push_front(Item::Piece { piece: Piece::Owned(left), sent: 0 });
    }
}

fn manner(terms: Terms, date: &str) -> Manner<'_> {
    Manner { version: terms.version, close: terms.close, date }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::front::framing::HeadLimits;

    fn rules() -> Rules {
        Rules {
            head: HeadLimits { target_bytes_max: 1, head_bytes_max: 1, header_count_max: 1 },
            read_timeout: Duration::ZERO,
            write_timeout: Duration::from_millis(100),
            idle_timeout: Duration::ZERO,
            transfer_bytes_per_second_min: 1000,
            pipelined_requests_max: 1,
            unsent_bytes_max: 1,
            stream_buffer_bytes: 1,
            bodies_bytes_max: 1,
        }
    }

    #[test]
    fn what_leaves_the_transports_own_buffer_is_progress() {
        let mut outbox = Outbox::default();
        outbox.moved(50, 10);
        assert_eq!(outbox.stalled_at(&rules()), None, "nothing waits");
        outbox.progress = Some(Progress { began: 1000, moved: 1000, sent: 0 });
        outbox.moved(0, 1050);
        assert_eq!(outbox.stalled_at(&rules()), Some(1100), "nothing has left");
        outbox.moved(50, 1090);
        assert_eq!(outbox.stalled_at(&rules()), Some(1150), "50 bytes earn 50 ms");
        outbox.moved(1000, 1140);
        assert_eq!(outbox.stalled_at(&rules()), Some(1240), "never more than the patience from now");
    }
}

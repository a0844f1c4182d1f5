//! A socket and the conversation over it, driven as far as both allow.
//!
//! Invariants: a turn never blocks and moves at most `TURN_BYTES` and what was read ahead of it, so that no connection keeps the others waiting; the
//! thread's buffer is empty when a turn ends; a socket is read to its end before it is closed behind a last reply, or
//! a reset would overtake the reply; no conversation begins before its transport has shaken hands, and what a transport
//! itself holds unsent is watched like replies that are. It does not know other connections, nor the thread's loop.

use std::io::{self, ErrorKind, IoSlice};
use std::net::IpAddr;

use mio::event::Event;

use super::context::{Context, Millis, Rules, millis};
use super::outbox::SLICES;
use super::session::{Expired, Session};
use super::tls::Handshake;
use super::transport::{Came, Transport};

/// Bytes that one turn moves, before the other connections have theirs.
const TURN_BYTES: usize = 1 << 20;

/// How long a peer may take to close its side behind a last reply.
const LINGER_MS: Millis = 2_000;

/// The same, while the server stops.
const LINGER_DRAINING_MS: Millis = 300;

/// Bytes that are thrown away behind a last reply: many clients read nothing before they have sent a body whole. A peer
/// that goes on sending is reset.
const LINGER_BYTES: usize = 64 << 20;

/// What becomes of a connection after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits for its socket, for another thread or for its deadline.
    Rests,
    /// As `Rests`, and it has a step of work to do.
    Works,
    /// It has used up its turn and can go on.
    GoesOn,
    /// It is to be closed.
    Gone,
}

/// Behind the last reply.
#[derive(Clone, Copy, Debug)]
struct Linger {
    until: Millis,
    bytes: usize,
}

/// A connection.
pub(super) struct Connection {
    transport: Transport,
    session: Session,
    /// Which of the connections that have had its key.
    pub(super) generation: u64,
    /// Its peer's address, where it has one.
    pub(super) peer: Option<IpAddr>,
    /// True for one that was turned away at the door, which counts for nothing.
    pub(super) is_refused: bool,
    /// True while it is among those whose work is to be gone on with.
    pub(super) is_in_line: bool,
    /// False once a read found nothing.
    may_read: bool,
    /// False once a write was not taken.
    may_write: bool,
    /// True when the peer is known to have closed its side, behind what can still be read.
    peer_closes: bool,
    /// True when the peer is known to take nothing more.
    peer_is_gone: bool,
    /// When the handshake began, until it is done.
    handshake: Option<Millis>,
    linger: Option<Linger>,
}

impl Connection {
    /// A connection that was accepted at `now`.
    pub(super) fn new(transport: Transport, now: Millis, generation: u64, peer: Option<IpAddr>) -> Connection {
        Connection {
            handshake: transport.has_handshake().then_some(now),
            transport,
            session: Session::new(now),
            generation,
            peer,
            is_refused: false,
            is_in_line: false,
            // Whoever connects has usually sent already.
            may_read: true,
            may_write: true,
            peer_closes: false,
            peer_is_gone: false,
            linger: None,
        }
    }

    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Takes note of what the poll reports.
    pub(super) fn note(&mut self, event: &Event) {
        self.may_read |= event.is_readable();
        self.may_write |= event.is_writable();
        self.peer_closes |= event.is_read_closed();
        self.peer_is_gone |= event.is_write_closed();
    }

    /// True when nothing is in progress.
    pub(super) fn is_idle(&self) -> bool {
        self.linger.is_none() && self.session.is_idle()
    }

    /// Begins to close a connection with nothing in progress, as far as can be known: what has arrived is read first.
    pub(super) fn retire(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Fate {
        self.may_read = true;
        let fate = self.turn(cx, scratch);
        if fate != Fate::Rests || !self.is_idle() {
            return fate;
        }
        self.session.end(cx);
        self.turn(cx, scratch)
    }

    /// When it is to be looked at even if nothing happens.
    pub(super) fn deadline(&self, rules: &Rules) -> Option<Millis> {
        match (self.linger, self.handshake) {
            (Some(linger), _) => Some(linger.until),
            (None, Some(began)) => Some(began.saturating_add(millis(rules.read_timeout))),
            (None, None) => self.session.deadline(rules),
        }
    }

    /// Does what is due by the clock.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Fate {
        if self.linger.is_some() || self.handshake.is_some() {
            let is_due = self.deadline(cx.rules).is_some_and(|deadline| deadline <= cx.now);
            return if is_due { Fate::Gone } else { self.turn(cx, scratch) };
        }
        match self.session.expire(cx) {
            Expired::Close => {
                // Whoever does not read would otherwise have the kernel hold its reply for minutes.
                if !self.session.is_idle() {
                    self.transport.abandon();
                }
                Fate::Gone
            }
            Expired::Nothing | Expired::Answered => self.turn(cx, scratch),
        }
    }

    /// Reads once ahead of its turn, if that would begin with reading the next request; gives the bytes, which are the
    /// session's to receive before the turn. The end of the input, and a transport that does more than carry, are left
    /// to the turn.
    ///
    /// # Errors
    /// The operating system's: the peer has gone.
    pub(super) fn read_ahead(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.may_read || !self.is_idle() || self.session.has_ended() || self.transport.has_handshake() {
            return Ok(0);
        }
        let Came::Bytes { count, is_all } = self.transport.read(into)? else { return Ok(0) };
        self.may_read = !is_all || (self.peer_closes && count > 0);
        Ok(count)
    }

    /// Writes what there is to write, reads what there is to read, until neither can go on.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Fate {
        match self.try_turn(cx, scratch) {
            Ok(fate) => fate,
            // The peer has broken the transport's protocol, and is told so like a last reply.
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                cx.out.clear();
                self.session.end(cx);
                self.close(cx, scratch).unwrap_or(Fate::Gone)
            }
            // The peer has gone, or the operating system has given up on it.
            Err(_) => {
                cx.out.clear();
                Fate::Gone
            }
        }
    }

    fn try_turn(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> io::Result<Fate> {
        if self.session.outbox().is_broken() {
            // By a reset: the end of a stream that is not chunked is no different from that of its connection.
            self.transport.abandon();
            return Ok(Fate::Gone);
        }
        if self.peer_is_gone && self.session.is_working() {
            return Ok(Fate::Gone);
        }
        if self.linger.is_some() {
            return self.close(cx, scratch);
        }
        if self.handshake.is_some() && !self.session.is_over() {
            if self.transport.shake_hands()? == Handshake::Waits {
                return Ok(Fate::Rests);
            }
            // The conversation begins here; the first request may have come along.
            self.handshake = None;
            self.session = Session::new(cx.now);
            self.may_read = true;
        }
        let mut moved = 0;
        loop {
            if self.peer_closes {
                self.session.outbox().end_waits();
            }
            moved += self.flush(cx)?;
            if self.is_over() {
                return self.close(cx, scratch);
            }
            if moved >= TURN_BYTES {
                return Ok(Fate::GoesOn);
            }
            if self.session.go_on(cx) {
                continue;
            }
            if !self.may_read || !self.session.wants_input(cx) {
                return Ok(if self.session.has_step() { Fate::Works } else { Fate::Rests });
            }
            moved += self.read(cx, scratch)?;
        }
    }

    /// True when nothing more is read and everything has left.
    fn is_over(&self) -> bool {
        self.session.is_over() && !self.transport.has_unsent()
    }

    /// Reads once; gives the bytes.
    fn read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> io::Result<usize> {
        match self.transport.read(scratch)? {
            Came::End => {
                self.may_read = false;
                self.peer_closes = true;
                self.session.end_of_input(cx);
                Ok(0)
            }
            Came::Bytes { count: 0, is_all: true } => {
                self.may_read = false;
                Ok(0)
            }
            // Nothing but the transport's own, which counts all the same: there may be any amount of it.
            Came::Bytes { count: 0, is_all: false } => Ok(scratch.len()),
            Came::Bytes { count, is_all } => {
                self.may_read = !is_all || self.peer_closes;
                cx.recorder.received(count);
                // It may have come while this turn lasted.
                cx.came = cx.recorder.latest();
                self.session.receive(scratch.get(..count).unwrap_or_default(), cx);
                Ok(count)
            }
        }
    }

    /// Sends what can be sent, up to about a turn's worth; gives the bytes.
    fn flush(&mut self, cx: &mut Context<'_>) -> io::Result<usize> {
        let mut moved = 0;
        if self.may_write && self.transport.has_unsent() {
            let sent = self.transport.flush()?;
            self.session.outbox().moved(sent, cx.now);
            self.may_write = !self.transport.has_unsent();
        }
        while moved < TURN_BYTES {
            let outbox = self.session.outbox();
            outbox.prepare(cx);
            if !outbox.has_ready(cx.out) {
                if self.transport.has_unsent() {
                    outbox.stall(cx);
                } else {
                    outbox.flow();
                }
                return Ok(moved);
            }
            if !self.may_write {
                outbox.stall(cx);
                return Ok(moved);
            }
            match self.write(cx.out) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    moved += count;
                    cx.recorder.sent(count);
                    self.session.sent(count, cx);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.may_write = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    /// Writes what is ready, `out` first.
    fn write(&mut self, out: &[u8]) -> io::Result<usize> {
        let outbox = self.session.outbox();
        // Nearly always there is nothing but the thread's buffer.
        if outbox.is_empty() {
            return self.transport.write(&[IoSlice::new(out)]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = outbox.slices(out, &mut slices);
        self.transport.write(slices.get(..count).unwrap_or_default())
    }

    /// Behind the last reply: says so, and waits for the peer to close, throwing away what it still sends.
    fn close(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> io::Result<Fate> {
        let mut linger = match self.linger {
            Some(linger) => linger,
            None => match self.transport.finish() {
                Ok(()) => Linger { until: cx.now + LINGER_MS, bytes: LINGER_BYTES },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.may_write = false;
                    self.session.outbox().stall(cx);
                    return Ok(Fate::Rests);
                }
                Err(error) => return Err(error),
            },
        };
        if cx.is_draining {
            linger.until = linger.until.min(cx.now + LINGER_DRAINING_MS);
        }
        let turn_ends_at = linger.bytes.saturating_sub(TURN_BYTES);
        let fate = loop {
            if self.session.has_ended() || linger.bytes == 0 {
                break Fate::Gone;
            }
            if linger.bytes <= turn_ends_at {
                break Fate::GoesOn;
            }
            match self.transport.discard(scratch)? {
                Came::End => break Fate::Gone,
                Came::Bytes { count: 0, is_all: true } => break Fate::Rests,
                Came::Bytes { count, .. } => linger.bytes = linger.bytes.saturating_sub(count),
            }
        };
        self.may_read = false;
        self.linger = Some(linger);
        Ok(fate)
    }
}

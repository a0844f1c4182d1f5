//! One thread of the reactor: its loop.
//!
//! Invariant: it waits nowhere but in its poll, and every connection that can go on is given a turn before it waits
//! again. It does not know what the bytes mean.

mod round;
mod steps;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::{Events, Poll, Token};
use slab::Slab;

use crate::base::log::{self, Level};
use crate::front::problem::Unavailable;

use super::connection::{Connection, Fate};
use super::context::{Context, Millis};
use super::door::{Accepted, Door};
use super::mail::{Address, Letter, Mailbox, News};
use super::shared::Shared;
use super::tools::Tools;
use super::transport::Transport;
use super::wheel::Wheel;

use round::Round;

/// Events taken from the poll at once.
const EVENTS: usize = 1024;

/// Connections that a door lets in before those inside have their turns.
const BATCH: usize = 64;

/// Connections that were turned away and are still being told so. When there is one more, the oldest, which has been
/// told, is closed.
pub const REFUSED_MAX: usize = 32;

/// Letters that are read before those inside have their turns.
const LETTERS: usize = 1024;

/// Batches of those who wait at a door when it is closed; nobody else comes in.
const LAST_BATCHES: usize = 64;

/// Bytes that are read at once. What a connection does not use of them at once is copied.
const SCRATCH_BYTES: usize = 64 << 10;

/// Each of the thread's buffers for replies gives its memory back down to this.
const OUT_KEPT_BYTES: usize = 256 << 10;

/// Milliseconds of a tick of the wheel: how late a deadline may be noticed.
const TICK_MS: Millis = 16;

/// Time without an error after which the next one is logged again.
const BURST_MS: Millis = 10_000;

/// The token of the thread's waker; connections have their keys, doors the numbers before this.
pub(super) const WAKE: Token = Token(usize::MAX);

pub(super) struct Thread {
    // Constant after construction.
    shared: Arc<Shared>,
    // This thread's own.
    poll: Poll,
    doors: Vec<Door>,
    tools: Tools,
    /// Where replies are put together.
    out: Vec<u8>,
    connections: Slab<Connection>,
    /// Connections that are being turned away, the oldest first; some may have gone.
    refused: VecDeque<Address>,
    generations: u64,
    wheel: Wheel,
    /// Connections that used up their turn.
    unfinished: Vec<usize>,
    /// Connections that have work to do, in the order in which they are due; some may have gone.
    working: VecDeque<Address>,
    /// Connections that the poll has reported and that have not had their turns.
    round: Round,
    scratch: Vec<u8>,
    last_complaint: Option<Millis>,
}

/// The token of the door with this number.
fn token_of(door: usize) -> Token {
    Token(WAKE.0 - 1 - door)
}

impl Thread {
    /// # Errors
    /// The operating system's.
    pub(super) fn new(shared: Arc<Shared>, poll: Poll, mut doors: Vec<Door>, mailbox: Mailbox) -> io::Result<Thread> {
        for (number, door) in doors.iter_mut().enumerate() {
            door.register(poll.registry(), token_of(number))?;
        }
        Ok(Thread {
            tools: Tools::new(Arc::clone(&shared), mailbox),
            out: Vec::new(),
            shared,
            poll,
            doors,
            connections: Slab::new(),
            refused: VecDeque::new(),
            generations: 0,
            wheel: Wheel::at(0),
            unfinished: Vec::new(),
            working: VecDeque::new(),
            round: Round::new(),
            scratch: vec![0; SCRATCH_BYTES],
            last_complaint: None,
        })
    }

    /// Serves until it is told to stop and has no connection left.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut due = Vec::new();
        let mut is_draining = false;
        let mut pulse = self.shared.seams.health.pulses().begin();
        loop {
            // Once for all that ran since the last wait.
            if self.tools.has_asked.take() {
                self.shared.seams.durability.hurry();
            }
            let now = self.now();
            pulse.rests();
            if let Err(error) = self.poll.poll(&mut events, self.patience(now))
                && error.kind() != io::ErrorKind::Interrupted
            {
                log::abort(format_args!("a thread of the front cannot wait for its sockets: {error}"));
            }
            pulse.works();
            let now = self.now();
            self.tools.date.at(self.shared.seams.clock.now());
            for event in &events {
                match event.token() {
                    WAKE => {}
                    Token(key) if key < WAKE.0 - self.doors.len() => {
                        if let Some(connection) = self.connections.get_mut(key) {
                            connection.note(event);
                            self.join_round(key, now);
                        }
                    }
                    Token(token) => {
                        if let Some(door) = self.doors.get_mut(WAKE.0 - 1 - token) {
                            door.is_ready = true;
                        }
                    }
                }
            }
            self.run_round(now);
            self.read_mail(now);
            let mut unfinished = std::mem::take(&mut self.unfinished);
            // One that had a turn for an event as well stands there twice, and would go on to stand there more often.
            unfinished.sort_unstable();
            unfinished.dedup();
            for key in unfinished {
                self.turn(key, now, Connection::turn);
            }
            self.wheel.advance(now / TICK_MS, &mut due);
            for key in due.drain(..) {
                self.turn(key, now, Connection::expire);
            }
            for number in 0..self.doors.len() {
                self.let_in(number, now);
            }
            self.run_steps();
            if !is_draining && self.shared.is_draining.load(Ordering::Acquire) {
                is_draining = true;
                self.drain(now);
            }
            if is_draining && (self.connections.is_empty() || self.shared.is_abandoned.load(Ordering::Acquire)) {
                break;
            }
        }
        self.shared.threads.fetch_sub(1, Ordering::AcqRel);
        // Nobody may wait any more.
        let _ = self.shared.ended.0.send(());
    }

    /// Looks at the clock: what is run from now on came no earlier.
    fn now(&self) -> Millis {
        let now = self.tools.recorder.now();
        self.tools.came.set(now);
        now.millis()
    }

    /// How long to wait when nothing happens.
    fn patience(&self, now: Millis) -> Option<Duration> {
        let is_busy = !self.unfinished.is_empty()
            || !self.working.is_empty()
            || !self.tools.mailbox.is_empty()
            || self.doors.iter().any(|door| door.is_ready && door.opens_at().is_none_or(|opens| opens <= now));
        if is_busy {
            return Some(Duration::ZERO);
        }
        let tick = self.wheel.next().map(|tick| tick * TICK_MS);
        let next = self.doors.iter().filter_map(Door::opens_at).chain(tick).min()?;
        Some(Duration::from_millis(next.saturating_sub(now)))
    }

    /// Gives the connection `key` a turn, and does what comes of it.
    fn turn(
        &mut self,
        key: usize,
        now: Millis,
        turn: impl FnOnce(&mut Connection, &mut Context<'_>, &mut [u8]) -> Fate,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let address = Address { key, generation: connection.generation };
        let mut cx = self.tools.lend(&mut self.out, address, connection.peer, now);
        let mut fate = turn(connection, &mut cx, &mut self.scratch);
        if fate == Fate::Rests && cx.is_draining && connection.is_idle() {
            fate = connection.retire(&mut cx, &mut self.scratch);
        }
        match fate {
            Fate::Rests | Fate::Works => {
                if let Some(deadline) = connection.deadline(cx.rules) {
                    self.wheel.set(key, deadline.div_ceil(TICK_MS));
                }
                if fate == Fate::Works && !std::mem::replace(&mut connection.is_in_line, true) {
                    self.working.push_back(address);
                }
            }
            Fate::GoesOn => self.unfinished.push(key),
            Fate::Gone => {
                connection.session().abandon(&cx);
                self.remove(key);
            }
        }
        if self.out.capacity() > OUT_KEPT_BYTES {
            self.out = Vec::new();
        }
    }

    fn remove(&mut self, key: usize) {
        self.wheel.unset(key);
        let connection = self.connections.remove(key);
        if !connection.is_refused {
            self.shared.dismiss(connection.peer);
        }
    }

    fn read_mail(&mut self, now: Millis) {
        for _ in 0..LETTERS {
            let Some(Letter { to, ticket, news }) = self.tools.mailbox.take() else { return };
            // The connection may have gone, and another may have its key.
            if self.connections.get(to.key).is_none_or(|connection| connection.generation != to.generation) {
                continue;
            }
            self.turn(to.key, now, |connection, cx, scratch| {
                match news {
                    News::Durable(outcome) => connection.session().outbox().settle(ticket, outcome),
                    News::Reply(response) => connection.session().deliver(ticket, response.map(|boxed| *boxed), cx),
                    News::Room => connection.session().try_again(ticket, cx),
                    News::More => connection.session().outbox().wake(ticket),
                }
                connection.turn(cx, scratch)
            });
        }
    }

    /// Accepts a batch of those who wait at a door.
    fn let_in(&mut self, number: usize, now: Millis) {
        for _ in 0..BATCH {
            let Some(door) = self.doors.get_mut(number) else { return };
            if !door.is_open(now) {
                return;
            }
            match door.accept(now) {
                Accepted::One(transport, peer) => match self.shared.admit(peer) {
                    Ok(()) => self.admit(transport, peer, now),
                    Err(why) => self.refuse(transport, why, now),
                },
                Accepted::Last(transport) => {
                    door.rest(now);
                    self.shared.seams.counters.accept_errors.fetch_add(1, Ordering::Relaxed);
                    self.complain(
                        "descriptors_spent",
                        format_args!("no descriptors are left for connections (ulimit -n)"),
                        now,
                    );
                    return self.refuse(transport, Unavailable::TooFewDescriptors, now);
                }
                Accepted::Aborted => {}
                Accepted::Nobody => return,
                Accepted::Failed(error) => {
                    self.shared.seams.counters.accept_errors.fetch_add(1, Ordering::Relaxed);
                    return self.complain(
                        "accept_failed",
                        format_args!("cannot accept connections for now: {error}"),
                        now,
                    );
                }
            }
        }
    }

    fn admit(&mut self, transport: Transport, peer: Option<IpAddr>, now: Millis) {
        match self.add(transport, peer, now) {
            Ok(key) => self.turn(key, now, Connection::turn),
            Err(error) => {
                self.shared.dismiss(peer);
                self.complain("accept_failed", format_args!("cannot watch a connection: {error}"), now);
            }
        }
    }

    /// Tells a connection why it is not served. One over TLS is closed without a word: a handshake to say it in is the
    /// most that a stranger can make this thread compute.
    fn refuse(&mut self, transport: Transport, why: Unavailable, now: Millis) {
        self.shared.seams.counters.connections_refused.fetch_add(1, Ordering::Relaxed);
        if let Some(limit) = why.limit() {
            self.complain("connections_refused", format_args!("connections are refused: {limit} is reached"), now);
        }
        if transport.has_handshake() {
            return;
        }
        if self.refused.len() >= REFUSED_MAX
            && let Some(oldest) = self.refused.pop_front()
            && self.connections.get(oldest.key).is_some_and(|connection| connection.generation == oldest.generation)
        {
            self.remove(oldest.key);
        }
        // One that cannot even be watched is closed without a word.
        let Ok(key) = self.add(transport, None, now) else { return };
        if let Some(connection) = self.connections.get_mut(key) {
            connection.is_refused = true;
            let generation = connection.generation;
            self.refused.push_back(Address { key, generation });
        }
        self.turn(key, now, |connection, cx, scratch| {
            connection.session().turn_away(why, cx);
            connection.turn(cx, scratch)
        });
    }

    fn add(&mut self, mut transport: Transport, peer: Option<IpAddr>, now: Millis) -> io::Result<usize> {
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        transport.register(self.poll.registry(), Token(key))?;
        self.generations += 1;
        entry.insert(Connection::new(transport, now, self.generations, peer));
        Ok(key)
    }

    /// Answers those who wait at the doors, closes these, and has every connection end behind its last reply.
    fn drain(&mut self, now: Millis) {
        for number in 0..self.doors.len() {
            if let Some(door) = self.doors.get_mut(number) {
                // Somebody may have come since the poll was asked last.
                door.is_ready = true;
            }
            // Bounded, or a flood at the door would hold up the stop.
            for _ in 0..LAST_BATCHES {
                self.let_in(number, now);
            }
        }
        self.doors.clear();
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.turn(key, now, Connection::turn);
        }
    }

    /// Logs, unless the burst that this belongs to has been logged.
    fn complain(&mut self, name: &'static str, text: std::fmt::Arguments<'_>, now: Millis) {
        if self.last_complaint.is_none_or(|last| now.saturating_sub(last) > BURST_MS) {
            log::event(Level::Warn, name, text, &[]);
        }
        self.last_complaint = Some(now);
    }
}

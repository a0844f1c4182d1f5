//! A round: some connections that the poll reports together are read one behind the other, then all of them run, then
//! each has its turn, which sends.
//!
//! Reading, running and sending are three large pieces of code, in the kernel and here, and each evicts the others from
//! the processor's cache: so each is done for all before the next begins. And what all ask for is fetched from memory
//! together.
//! Invariants: at the end of a round every connection in it has had its turn; none is in it twice, or its second replies
//! could overtake its first; what waits to be sent in a round is bounded by its places, not by what was read. It does
//! not know what the bytes mean.

use std::ops::Range;

use crate::base::limits::LOOK_AHEAD_MAX;

use super::super::ahead;
use super::super::connection::{Connection, Fate};
use super::super::context::Millis;
use super::super::mail::Address;
use super::Thread;

/// Connections in a round: as many as may be looked ahead for.
const PLACES: usize = LOOK_AHEAD_MAX;

/// Bytes that a round may read.
const INPUT_BYTES: usize = 64 << 10;

/// Bytes that are left for a connection, at least, when it is read: more than most requests have with their bodies.
const ROOM_BYTES: usize = INPUT_BYTES / 2;

/// Octets before the target of most requests. Each input begins so many before a word of memory: whether a target is
/// UTF-8 is found out word by word where it begins with one, and octet by octet until then.
const BEFORE_TARGET: usize = b"GET ".len();
const WORD: usize = size_of::<usize>();

/// Replies of so many bytes are not kept back until all have run.
const KEPT_BACK_BYTES: usize = 16 << 10;

/// The connections of a round.
#[derive(Default)]
pub(super) struct Round {
    members: Vec<Member>,
    /// What was read, of one behind the other.
    input: Vec<u8>,
    /// Where their replies are put together, by place; empty between two rounds.
    outs: Vec<Vec<u8>>,
}

struct Member {
    key: usize,
    /// Where its input is; empty when it was not read, or nothing was there.
    input: Range<usize>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is to have its turn.
    Waits,
    /// It has had its turn.
    Done,
    /// Its socket has failed.
    Failed,
}

impl Round {
    /// A round without anybody.
    pub(super) fn new() -> Round {
        Round {
            members: Vec::with_capacity(PLACES),
            input: vec![0; INPUT_BYTES],
            outs: (0..PLACES).map(|_| Vec::new()).collect(),
        }
    }

    /// Where the next input goes.
    fn filled(&self) -> usize {
        let behind = self.members.last().map_or(0, |member| member.input.end);
        behind.next_multiple_of(WORD) + WORD - BEFORE_TARGET
    }

    fn is_full(&self) -> bool {
        self.members.len() >= PLACES || self.filled() > INPUT_BYTES - ROOM_BYTES
    }

    fn holds(&self, key: usize) -> bool {
        self.members.iter().any(|member| member.key == key)
    }
}

impl Thread {
    /// Takes the connection `key` into the round, which is run when it is full, and reads it if its turn would begin
    /// with that.
    pub(super) fn join_round(&mut self, key: usize, now: Millis) {
        if self.round.holds(key) {
            self.run_round(now);
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        let start = self.round.filled();
        let (end, state) = match connection.read_ahead(self.round.input.get_mut(start..).unwrap_or_default()) {
            Ok(count) => {
                self.tools.recorder.received(count);
                (start + count, State::Waits)
            }
            Err(_) => (start, State::Failed),
        };
        self.round.members.push(Member { key, input: start..end, state });
        if self.round.is_full() {
            self.run_round(now);
        }
    }

    /// Runs what was read, and gives all in the round their turns.
    pub(super) fn run_round(&mut self, now: Millis) {
        let Round { mut members, input, mut outs } = std::mem::take(&mut self.round);
        let input_of = |member: &Member| input.get(member.input.clone()).unwrap_or_default();
        ahead::look_at_each(members.iter().map(input_of), &*self.shared.seams.handler);
        for (member, out) in members.iter_mut().zip(&mut outs) {
            let input = input_of(member);
            let Some(connection) = self.connections.get_mut(member.key).filter(|_| !input.is_empty()) else { continue };
            let address = Address { key: member.key, generation: connection.generation };
            let peer = connection.peer;
            connection.session().receive(input, &mut self.tools.lend(out, address, peer, now));
            if out.len() >= KEPT_BACK_BYTES {
                member.state = State::Done;
                // What comes back instead is as empty.
                std::mem::swap(&mut self.out, out);
                self.turn(member.key, now, Connection::turn);
            }
        }
        for (member, out) in members.drain(..).zip(&mut outs) {
            match member.state {
                State::Waits => {
                    std::mem::swap(&mut self.out, out);
                    self.turn(member.key, now, Connection::turn);
                }
                State::Failed => self.turn(member.key, now, |_, _, _| Fate::Gone),
                State::Done => {}
            }
        }
        self.round = Round { members, input, outs };
    }
}

//! A handler that numbers its requests, answers in every way there is, and knows what it has answered.
//!
//! The letters of a target choose: `l` large and by reference, `t` a stream, `n` status 204, `c` the last of its
//! connection, `r5` resting on LSN 5, `g` wants the body whole, `i` part by part, `b` part by part up to a part with a
//! `!`, `w` comes later, `s` takes work in steps, `f` finds no room the first two times. With `p` whoever takes a body
//! part by part pauses behind each, and its reply takes work; with `v` a stream waits between its parts. Every reply says
//! its number.
//! It asserts that requests come one at a time, and that a body which was asked for comes whole or is said to have
//! failed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use memory_tools::api::Handle;
use memory_tools::api::message::{Answer, BodyFault, Deliver, Method, Request, RequestBody, Response, Wake};
use memory_tools::front::reactor::context::{Millis, Rules};

use super::made::{Made, made};
use super::sum::Sum;
use super::toil::Toil;

/// The field with a reply's number.
pub const NUMBER: &str = "MT-Number";

/// Bytes of a body that is gathered.
pub const GATHER_BYTES_MAX: usize = 100;

/// How often `f` finds no room.
const TURNS: usize = 2;

/// Bytes of bodies that a thread may have, and beyond which no limit plays a role.
pub const BODIES_BYTES: usize = 1 << 20;

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub target: String,
    /// True when the peer waits for 100 Continue.
    pub expects: bool,
    /// True when its body was not here when it was first asked.
    pub was_awaited: bool,
    /// True when the body was asked for.
    pub wants_body: bool,
    /// True when the body was no longer wanted, before its end.
    pub is_broken_off: bool,
    /// True when the reply was to come later.
    pub is_later: bool,
    /// True when it was said that there will be no reply.
    pub is_forgotten: bool,
    /// How often it found no room, and when it has waited too long for some.
    pub turned_back: usize,
    pub again_until: Millis,
    /// True when its work was given up without a word.
    pub is_given_up: bool,
    /// The reply, once it was made.
    pub made: Option<Made>,
}

/// What is in progress, of which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    Nothing,
    Gather(usize),
    Intake(usize),
    Later(usize),
    Again(usize),
    Work(usize),
}

struct State {
    now: Millis,
    write_timeout: Millis,
    /// True when bodies may be as large as they like.
    is_wide: bool,
    asked: Vec<Asked>,
    /// What is in progress.
    open: Open,
    later: VecDeque<(usize, Deliver)>,
    /// Of streams that wait.
    wakers: Vec<Wake>,
    /// True when the connection was closed, whatever was in progress.
    is_closed: bool,
}

/// The handler.
#[derive(Clone)]
pub struct Double(Arc<Mutex<State>>);

impl Double {
    pub fn new(rules: &Rules) -> Double {
        let state = State {
            now: 0,
            write_timeout: Millis::try_from(rules.write_timeout.as_millis()).expect("a short time"),
            is_wide: rules.bodies_bytes_max >= BODIES_BYTES,
            asked: Vec::new(),
            open: Open::Nothing,
            later: VecDeque::new(),
            wakers: Vec::new(),
            is_closed: false,
        };
        Double(Arc::new(Mutex::new(state)))
    }

    /// Tells it the time.
    pub fn at(&self, now: Millis) {
        self.with(|state| state.now = now);
    }

    /// Wakes the streams that wait; false when there are none.
    pub fn wake(&self) -> bool {
        let wakers = self.with(|state| std::mem::take(&mut state.wakers));
        let is_any = !wakers.is_empty();
        wakers.into_iter().for_each(|wake| wake());
        is_any
    }

    /// True when the connection was closed.
    pub fn is_closed(&self) -> bool {
        self.with(|state| state.is_closed)
    }

    /// A stream waits.
    pub fn wait(&self, wake: Wake) {
        self.with(|state| state.wakers.push(wake));
    }

    /// `open` is in progress.
    pub fn begin(&self, open: Open) {
        self.with(|state| state.open = open);
    }

    /// `open`, which is in progress, is over.
    pub fn end(&self, open: Open) {
        self.with(|state| {
            assert_eq!(state.open, open);
            state.open = Open::Nothing;
        });
    }

    /// The body of the request `number` is not wanted to its end.
    pub fn break_off(&self, number: usize) {
        self.with(|state| state.asked[number].is_broken_off = true);
    }

    /// What is said when there was no room for too long: every other request leaves that to the front.
    pub fn give_up(&self, number: usize) -> Option<Response> {
        if number.is_multiple_of(2) {
            self.with(|state| state.asked[number].is_given_up = true);
            return None;
        }
        Some(self.reply(number, 503, "given up "))
    }

    /// How many requests it was asked.
    pub fn count(&self) -> usize {
        self.with(|state| state.asked.len())
    }

    /// The request `number`.
    pub fn asked(&self, number: usize) -> Option<Asked> {
        self.with(|state| state.asked.get(number).cloned())
    }

    /// Makes the first reply that was to come later; false when there is none.
    pub fn make(&self) -> bool {
        let Some((number, deliver)) = self.with(|state| state.later.pop_front()) else { return false };
        self.with(|state| state.open = Open::Nothing);
        deliver(self.reply(number, 200, ""));
        true
    }

    /// Lets go of the first reply that was to come later.
    pub fn forget(&self) {
        let dropped = self.with(|state| {
            let (number, deliver) = state.later.pop_front()?;
            state.open = Open::Nothing;
            state.asked[number].is_forgotten = true;
            Some(deliver)
        });
        drop(dropped);
    }

    /// The connection is closed: nothing that is in progress will end.
    pub fn close(&self) {
        self.with(|state| state.is_closed = true);
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the reply to `number`.
    pub fn reply(&self, number: usize, status: u16, what: &str) -> Response {
        let double = self.clone();
        self.with(|state| {
            let asked = &mut state.asked[number];
            let (response, made) = made(asked, number, status, what, double);
            let before = asked.made.replace(made);
            assert!(before.is_none(), "request {number} was answered twice");
            response
        })
    }

    /// True when the request `number` finds no room.
    fn turns_back(&self, number: usize) -> bool {
        self.with(|state| {
            let asked = &mut state.asked[number];
            let turns_back = asked.turned_back < TURNS;
            if turns_back {
                asked.turned_back += 1;
                state.open = Open::Again(number);
            }
            turns_back
        })
    }

    pub fn reply_to_body(&self, number: usize, bytes: &[u8]) -> Response {
        let print = bytes.iter().fold(7_u32, |print, byte| print.wrapping_mul(31).wrapping_add(u32::from(*byte)));
        self.reply(number, 200, &format!("{} bytes {print:x} ", bytes.len()))
    }

    pub fn reply_to_fault(&self, number: usize, fault: BodyFault) -> Response {
        let (status, what) = match fault {
            BodyFault::TooLarge => (413, "too large "),
            BodyFault::Stalled { .. } => (408, "stalled "),
            BodyFault::Incomplete { .. } => (400, "incomplete "),
            BodyFault::Malformed => (400, "malformed "),
            BodyFault::Crowded => (503, "crowded "),
            BodyFault::EndUnclear => panic!("only the pool says so"),
        };
        self.reply(number, status, what)
    }

    /// Takes note of a request; gives its number, the same when it is asked again with the body that it wanted.
    fn note(&self, request: &Request<'_>) -> usize {
        let mut expects = false;
        request.headers.each("expect", &mut |_| expects = true);
        let was_awaited = matches!(request.body, RequestBody::Awaited { .. });
        self.with(|state| {
            assert!(!state.is_closed, "asked for a connection that is closed");
            if let Open::Again(number) = state.open {
                state.open = Open::Nothing;
                // At that moment it was given up, and this is the next.
                if state.now < state.asked[number].again_until {
                    let first = &state.asked[number];
                    assert_eq!(
                        (request.method, request.target),
                        (first.method, first.target.as_str()),
                        "another request"
                    );
                    assert_eq!(was_awaited, first.was_awaited, "asked again with another body");
                    return number;
                }
            }
            if let Open::Gather(number) = state.open {
                let first = &state.asked[number];
                assert_eq!((request.method, request.target), (first.method, first.target.as_str()), "another request");
                assert!(!was_awaited, "asked again without the body");
                state.open = Open::Nothing;
                return number;
            }
            assert_eq!(state.open, Open::Nothing, "asked before that was over");
            assert!(!matches!(request.body, RequestBody::Failed(_)), "a body failed that nobody wanted");
            state.asked.push(Asked {
                method: request.method,
                target: request.target.to_owned(),
                expects,
                was_awaited,
                wants_body: false,
                is_broken_off: false,
                is_later: false,
                is_forgotten: false,
                turned_back: 0,
                again_until: state.now + state.write_timeout,
                is_given_up: false,
                made: None,
            });
            state.asked.len() - 1
        })
    }
}

impl Handle for Double {
    fn handle(&self, request: Request<'_>) -> Answer {
        let number = self.note(&request);
        let has = |letter| request.target.contains(letter);
        let may_turn_back = match request.body {
            RequestBody::Bytes(bytes) => bytes.is_empty() || self.with(|state| state.is_wide),
            RequestBody::Awaited { .. } => true,
            RequestBody::Failed(_) => false,
        };
        if has('f') && may_turn_back && self.turns_back(number) {
            return Answer::Again;
        }
        if has('s') && !matches!(request.body, RequestBody::Failed(_)) {
            self.with(|state| state.open = Open::Work(number));
            return Answer::Work(Box::new(Toil::new(number, self.clone(), None)));
        }
        if has('w') && !matches!(request.body, RequestBody::Failed(_)) {
            self.with(|state| {
                state.asked[number].is_later = true;
                state.open = Open::Later(number);
            });
            let double = self.clone();
            return Answer::Later(Box::new(move |deliver| {
                double.with(|state| state.later.push_back((number, deliver)));
            }));
        }
        if (has('i') || has('b')) && !matches!(request.body, RequestBody::Failed(_)) {
            self.with(|state| {
                state.asked[number].wants_body = true;
                state.open = Open::Intake(number);
            });
            let sum = Sum::new(number, self.clone(), has('b'), has('p'));
            return Answer::Stream(Box::new(sum));
        }
        if !has('g') {
            return Answer::Reply(self.reply(number, 200, ""));
        }
        match request.body {
            RequestBody::Bytes(bytes) if bytes.len() > GATHER_BYTES_MAX => {
                Answer::Reply(self.reply(number, 413, "too large "))
            }
            RequestBody::Bytes(bytes) => Answer::Reply(self.reply_to_body(number, bytes)),
            RequestBody::Failed(fault) => Answer::Reply(self.reply_to_fault(number, fault)),
            RequestBody::Awaited { length } if length.is_some_and(|length| length > GATHER_BYTES_MAX as u64) => {
                Answer::Reply(self.reply(number, 413, "too large "))
            }
            RequestBody::Awaited { .. } => {
                self.with(|state| {
                    state.asked[number].wants_body = true;
                    state.open = Open::Gather(number);
                });
                Answer::Gather { bytes_max: GATHER_BYTES_MAX }
            }
        }
    }
}

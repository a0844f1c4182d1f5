//! Is there an order? A checker of histories: what clients asked of one key, when, and what they were told.
//!
//! A history is linearizable when its calls can be put into one order that explains every answer, in which each call
//! stands somewhere between the moment it was sent and the moment it was answered (Herlihy and Wing, 1990). Keys do not
//! meet, so each is checked for itself (locality, theorem 1 there).
//!
//! A call whose answer never came has happened within its time or not at all. Where the server was killed, that time
//! ends with the kill: nothing of a dead process takes effect later. So a history may span kills, and then an order
//! exists only if whatever was acknowledged before a kill is there behind it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// What a call wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Put a value that no other call of the history puts.
    Put(u64, Condition),
    /// Remove what is there.
    Delete(Condition),
    /// Look.
    Get,
}

/// What a call made its write depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// That there is nothing.
    IfAbsent,
    /// That this value is there; what was sent is the version that came with it.
    IfValue(u64),
}

/// What a call was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The value was put, as this version.
    Written(u64),
    /// What was there is removed.
    Deleted,
    /// This value is there.
    Found(u64),
    /// Nothing is there.
    Absent,
    /// The condition did not hold.
    Refused,
}

/// A call. Its times are numbers of a clock that all clients share: each is taken once.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// What was wanted.
    pub operation: Operation,
    /// When it was sent.
    pub start: u64,
    /// When it was answered; without an answer, when it can no longer have happened.
    pub end: u64,
    /// What was answered.
    pub outcome: Option<Outcome>,
}

/// What is there after some of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    value: Option<u64>,
    /// The highest version that was given. Versions of one key grow in the order of its writes.
    version: u64,
}

impl State {
    fn allows(self, condition: Condition) -> bool {
        match condition {
            Condition::Always => true,
            Condition::IfAbsent => self.value.is_none(),
            Condition::IfValue(value) => self.value == Some(value),
        }
    }

    /// What is there when `call` happens now; `None` when it would have been told something else.
    fn after(self, call: &Call, versions: &BTreeMap<u64, u64>) -> Option<State> {
        let (value, condition) = match call.operation {
            Operation::Get => {
                let seen = self.value.map_or(Outcome::Absent, Outcome::Found);
                return call.outcome.is_none_or(|told| told == seen).then_some(self);
            }
            Operation::Put(value, condition) => (Some(value), condition),
            Operation::Delete(condition) => (None, condition),
        };
        match call.outcome {
            Some(Outcome::Refused) => return (!self.allows(condition)).then_some(self),
            Some(Outcome::Absent) => return (value.is_none() && self.value.is_none()).then_some(self),
            Some(Outcome::Found(_)) => return None,
            Some(Outcome::Deleted) if value.is_some() || self.value.is_none() => return None,
            Some(Outcome::Written(_)) if value.is_none() => return None,
            // A write that was never answered and finds its condition unmet changes nothing, as if it had not happened.
            Some(Outcome::Written(_) | Outcome::Deleted) | None if !self.allows(condition) => return None,
            Some(Outcome::Written(_) | Outcome::Deleted) | None => (),
        }
        let version = value.and_then(|value| versions.get(&value)).copied();
        match version {
            Some(version) if version <= self.version => None,
            _ => Some(State { value, version: version.unwrap_or(self.version) }),
        }
    }
}

/// Why there is no order.
pub struct NoOrder {
    calls: Vec<Call>,
    /// The longest order that explains its calls: numbers of calls.
    longest: Vec<usize>,
}

impl fmt::Debug for NoOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "no order explains these calls; the longest one that explains its own:")?;
        self.longest.iter().try_for_each(|number| writeln!(f, "  {:?}", self.calls[*number]))?;
        writeln!(f, "and could not be followed by any of:")?;
        let left = (0..self.calls.len()).filter(|number| !self.longest.contains(number)).take(20);
        left.map(|number| &self.calls[number]).try_for_each(|call| writeln!(f, "  {call:?}"))
    }
}

/// Looks for an order of the `calls` of one key, which was absent at first.
///
/// Takes calls in every order that their times allow, the earliest first, and goes back where an answer does not fit
/// (Wing and Gong, 1993). What was tried is remembered as the set of calls that are still open and the state that the
/// others left (after Lowe, 2017), so that no situation is tried twice. It stops with an order when every answered call is in it, and without one when
/// nothing new can be tried.
///
/// # Errors
/// There is none.
pub fn check(calls: &[Call]) -> Result<(), NoOrder> {
    let mut calls = calls.to_vec();
    calls.retain(|call| call.operation != Operation::Get || call.outcome.is_some());
    calls.sort_by_key(|call| call.start);
    let mut search =
        Search { versions: versions(&calls), is_taken: vec![false; calls.len()], tried: HashSet::new(), calls };
    let mut longest = Vec::new();
    // One step for each call in the order, and the one that looks for the next.
    let mut steps = vec![search.step(0, State { value: None, version: 0 }, 0)];
    while let Some(step) = steps.last_mut() {
        if step.earliest_end == u64::MAX {
            return Ok(());
        }
        if let Some(next) = search.take_next(step) {
            steps.push(next);
            if steps.len() > longest.len() {
                longest = steps.iter().filter_map(|step| step.taken).collect();
            }
        } else {
            steps.pop();
            if let Some(number) = steps.last_mut().and_then(|step| step.taken.take()) {
                search.is_taken[number] = false;
            }
        }
    }
    Err(NoOrder { calls: search.calls, longest })
}

/// The version of each value of which an answer tells it.
fn versions(calls: &[Call]) -> BTreeMap<u64, u64> {
    let told = calls.iter().filter_map(|call| match (call.operation, call.outcome) {
        (Operation::Put(value, _), Some(Outcome::Written(version))) => Some((value, version)),
        _ => None,
    });
    told.collect()
}

struct Search {
    /// By start.
    calls: Vec<Call>,
    versions: BTreeMap<u64, u64>,
    /// For each call, whether it is in the order.
    is_taken: Vec<bool>,
    /// The first call that is open, those behind it that are not, and what all that are not have left.
    tried: HashSet<(usize, Vec<usize>, State)>,
}

/// An order so far, and what can follow it.
struct Step {
    /// All calls before this one are in the order, or can no longer be.
    first: usize,
    /// What the order leaves.
    state: State,
    /// The latest start in the order.
    now: u64,
    /// The earliest end of an answered call that is not in it: what starts later cannot be next.
    earliest_end: u64,
    /// The next call to try behind it.
    candidate: usize,
    /// The call that was taken behind it.
    taken: Option<usize>,
}

impl Search {
    /// True when the call is in the order, or cannot come into it any more.
    fn is_over(&self, number: usize, now: u64) -> bool {
        let call = &self.calls[number];
        self.is_taken[number] || (call.outcome.is_none() && call.end < now)
    }

    fn step(&self, first: usize, state: State, now: u64) -> Step {
        let count = self.calls.len();
        let first = (first..count).find(|number| !self.is_over(*number, now)).unwrap_or(count);
        let mut earliest_end = u64::MAX;
        for number in first..count {
            let call = &self.calls[number];
            if call.start > earliest_end {
                break;
            }
            if call.outcome.is_some() && !self.is_over(number, now) {
                earliest_end = earliest_end.min(call.end);
            }
        }
        Step { first, state, now, earliest_end, candidate: first, taken: None }
    }

    /// Takes the next call that can follow and leads to what was not tried yet.
    fn take_next(&mut self, step: &mut Step) -> Option<Step> {
        while step.candidate < self.calls.len() {
            let number = step.candidate;
            let call = self.calls[number];
            if call.start > step.earliest_end {
                return None;
            }
            step.candidate += 1;
            if self.is_over(number, step.now) {
                continue;
            }
            let Some(state) = step.state.after(&call, &self.versions) else { continue };
            self.is_taken[number] = true;
            let next = self.step(step.first, state, step.now.max(call.start));
            if self.is_new(&next) {
                step.taken = Some(number);
                return Some(next);
            }
            self.is_taken[number] = false;
        }
        None
    }

    fn is_new(&mut self, step: &Step) -> bool {
        let begun = (step.first..self.calls.len()).take_while(|number| self.calls[*number].start <= step.now);
        let closed = begun.filter(|number| self.is_over(*number, step.now)).collect();
        self.tried.insert((step.first, closed, step.state))
    }
}

//! `POST {base}:bulk`: a line for each operation, carried out while the body is read; a result for each behind its end.
//!
//! Each operation is by itself, as a request of its own would be: one that fails says so in its result, and the next is
//! carried out. A line that is no operation ends the run with a result of its own; the rest of the body is read past.
//! Whatever else ends a run (a limit, a disk that refuses writes, a body that stays away) is a problem that says how many
//! operations were carried out before. A patch that others are faster than is tried again, and between two tries they
//! have their turns. With `?atomic` it is all of them or none: see `atomic`.

mod operation;
mod results;

mod atomic;
mod plan;

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::limits::ENVELOPE_BYTES_MAX;
use crate::model::{Command, Document, Effect, Execute, Key, Lsn, Outcome, Rest};

use super::Api;
use super::body::Limit;
use super::call::{Call, Otherwise, key_of, known_scope, scope_of};
use super::docs::{Attempt, Losses, Terms, Tried, fault_problem, on_absent, unguarded};
use super::lines::{BodyLimit, ByLine, Consume, Consumed};
use super::message::{RequestBody, Response, ResponseBody, Value};
use super::problem::{Kind, Problem};

use operation::{Action, Operation, Unfit};
use results::{Became, Results};

/// `POST {base}:bulk`
///
/// # Errors
/// 400 for what is wrong with the target, 413 for what is announced to be too large; all else is said by the run, or as
/// `atomic::post`.
pub fn post(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let collection = call.collection_name()?;
    scope_of(collection.as_deref())?;
    if query.flag("atomic")? {
        return atomic::post(api, call, collection.as_deref());
    }
    let limit = BodyLimit { bytes_max: api.options.bulk_bytes_max as u64, option: "bulk_bytes_max" };
    let announced = match call.body {
        RequestBody::Bytes(bytes) => Some(bytes.len() as u64),
        RequestBody::Awaited { length } => length,
        RequestBody::Failed(_) => None,
    };
    if announced.is_some_and(|bytes| bytes > limit.bytes_max) {
        return Err(limit.too_large(announced).into());
    }
    let line_limit = api.document_limit(ENVELOPE_BYTES_MAX);
    let run = Run {
        execute: Arc::clone(call.execute),
        clock: Arc::clone(&api.clock),
        collection: collection.map(|name| Arc::from(&*name)),
        limit: line_limit,
        operations_max: api.options.bulk_operations_max,
        operations: 0,
        has_ended: false,
        joined: Vec::new(),
        losses: Losses::default(),
        results: Results::default(),
        written: None,
        seen: Lsn::ZERO,
    };
    Err(Otherwise::Stream(Box::new(ByLine::new(run, line_limit, Some(limit)))))
}

/// A run through the operations of a body.
struct Run {
    execute: Arc<dyn Execute>,
    clock: Arc<dyn Clock>,
    collection: Option<Arc<str>>,
    /// How large a document may be.
    limit: Limit,
    operations_max: usize,
    /// How many were carried out, well or not.
    operations: usize,
    /// True behind a line that is no operation.
    has_ended: bool,
    /// Where key and value of a document are put together.
    joined: Vec<u8>,
    /// Of the patch that is next.
    losses: Losses,
    results: Results,
    /// The newest LSN that the run has written.
    written: Option<Lsn>,
    /// The newest LSN that its results let anybody see.
    seen: Lsn,
}

impl Consume for Run {
    fn line(&mut self, line: &[u8], number: u64) -> Consumed {
        if self.has_ended {
            return Consumed::TAKEN;
        }
        if self.operations == self.operations_max {
            return Consumed::Refused(Box::new(too_many(self.operations_max)));
        }
        let consumed = match operation::read(line, self.limit, || self.clock.now()) {
            Ok(operation) => {
                let key = operation.key.clone();
                self.carry_out(operation).unwrap_or_else(|otherwise| self.refused(&key, otherwise))
            }
            Err(unfit) => {
                self.note_unfit(&unfit, number);
                Consumed::TAKEN
            }
        };
        if matches!(consumed, Consumed::Taken { .. }) && !self.has_ended {
            self.operations += 1;
        }
        consumed
    }

    fn held_bytes(&self) -> usize {
        self.results.bytes()
    }

    fn reply(&mut self) -> Option<Response> {
        Some(reply(std::mem::take(&mut self.results)).resting_on(self.rest()))
    }

    fn cut_off(&mut self, problem: Problem) -> Response {
        problem.size("operations", self.operations).resting_on(self.rest()).into_response()
    }
}

impl Run {
    fn carry_out(&mut self, operation: Operation<'_>) -> Result<Consumed, Otherwise> {
        let Operation { key: text, action, condition } = operation;
        let key = key_of(&text)?;
        let scope = known_scope(self.collection.as_deref());
        let is_put = matches!(action, Action::Put { .. });
        let command = match action {
            Action::Put { value, expiry } => {
                self.joined.clear();
                self.joined.extend_from_slice(key.as_bytes());
                self.joined.extend_from_slice(value);
                let document = Document::from_joined(key, &self.joined);
                Command::Put { scope, document, expiry, condition, on_absent: on_absent(scope) }
            }
            Action::Delete => Command::Delete { scope, key, condition },
            Action::SetDeadline(deadline) => Command::SetDeadline { scope, key, deadline, condition },
            Action::Patch { dialect, patch, expiry } => {
                let bytes_max = self.limit.document_bytes_max;
                return self.patch(key, patch, &Terms { dialect, upsert: false, expiry, condition, bytes_max });
            }
        };
        let Outcome { rest, effect } = self.execute.execute(command)?;
        self.push(&text, became(&effect, is_put), rest);
        Ok(Consumed::TAKEN)
    }

    /// What lies beyond the reach of a token is that of its line alone, and so is what would grow where memory is full: a
    /// line behind it may make room. All else is the world's, and ends the run.
    fn refused(&mut self, key: &str, otherwise: Otherwise) -> Consumed {
        match otherwise {
            Otherwise::Problem(problem) if matches!(problem.kind(), Kind::OutOfReach | Kind::MemoryFull) => {
                self.push_problem(key, &problem, Rest::NOTHING);
                Consumed::TAKEN
            }
            otherwise => Consumed::from(otherwise),
        }
    }

    /// Tries a patch once.
    fn patch(&mut self, key: Key<'_>, patch: &[u8], terms: &Terms) -> Result<Consumed, Otherwise> {
        let collection = self.collection.clone();
        let scope = known_scope(collection.as_deref());
        if let Some(Outcome { rest, effect }) = unguarded(&*self.execute, scope, &terms.condition)? {
            self.push(key.as_str(), became(&effect, false), rest);
            return Ok(Consumed::TAKEN);
        }
        let tried = Attempt { execute: &*self.execute, scope, key, patch, terms }.make()?;
        let mut worked_bytes = 0;
        match tried {
            Tried::Made { version, rest, bytes, .. } => {
                worked_bytes = bytes;
                self.push(key.as_str(), Became::Changed(version), rest);
            }
            Tried::Lost { bytes } => {
                self.losses.count(bytes);
                match self.losses.verdict() {
                    Some(contended) => self.push_problem(key.as_str(), &contended, Rest::NOTHING),
                    None => return Ok(Consumed::Again),
                }
            }
            Tried::Unwritten(Outcome { rest, effect }) | Tried::NotCreated(Outcome { rest, effect }) => {
                self.push(key.as_str(), became(&effect, false), rest);
            }
            Tried::Unfit { fault, bytes, rest } => {
                worked_bytes = bytes;
                self.push_problem(key.as_str(), &fault_problem(&fault), rest);
            }
        }
        self.losses = Losses::default();
        Ok(Consumed::Taken { bytes: worked_bytes })
    }

    fn push(&mut self, key: &str, became: Became<'_>, rest: Rest) {
        match rest {
            Rest::Written(lsn) => self.written = self.written.max(Some(lsn)),
            Rest::Seen(lsn) => self.seen = self.seen.max(lsn),
        }
        self.results.push(Some(key), became);
    }

    fn push_problem(&mut self, key: &str, problem: &Problem, rest: Rest) {
        self.push(key, Became::Failed(problem.kind(), None, problem.detail()), rest);
    }

    fn note_unfit(&mut self, unfit: &Unfit<'_>, number: u64) {
        let (kind, detail) = (unfit.problem.kind(), unfit.problem.detail());
        self.has_ended = unfit.is_malformed();
        let became = match self.has_ended {
            true => Became::Malformed(kind, number, detail),
            false => Became::Failed(kind, None, detail),
        };
        self.results.push(unfit.key.as_deref(), became);
    }

    fn rest(&self) -> Rest {
        match self.written {
            Some(written) => Rest::Written(written.max(self.seen)),
            None => Rest::Seen(self.seen),
        }
    }
}

/// The results as a reply.
fn reply(results: Results) -> Response {
    let mut response = Response::new(200).with("Content-Type", Value::Static("application/x-ndjson"));
    response.body = ResponseBody::Stream(Box::new(results));
    response
}

/// What an operation came to.
fn became(effect: &Effect, is_put: bool) -> Became<'static> {
    match effect {
        Effect::Written { version, replaced: None, .. } => Became::Created(*version),
        Effect::Written { version, .. } | Effect::DeadlineSet { version, .. } => Became::Changed(*version),
        Effect::Removed(_) => Became::Removed,
        Effect::ConditionFailed { current } => Became::Failed(Kind::ConditionFailed, *current, ""),
        Effect::ConditionRequired => Became::Failed(Kind::ConditionRequired, None, ""),
        Effect::CollectionAbsent if is_put => Became::Failed(Kind::CollectionNameInvalid, None, ""),
        Effect::CollectionAbsent => Became::Failed(Kind::CollectionNotFound, None, ""),
        _ => Became::Failed(Kind::KeyNotFound, None, ""),
    }
}

fn too_many(operations_max: usize) -> Problem {
    Problem::new(
        Kind::BulkTooLarge,
        format!("at most {operations_max} operations are accepted (bulk_operations_max), these are more"),
    )
    .hint("send them in several requests; the option bulk_operations_max sets the limit")
    .size("limit", operations_max)
}

#[cfg(test)]
mod tests;

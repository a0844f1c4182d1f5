//! `POST {base}:bulk?atomic`: all of the operations or none, at one moment.
//!
//! The body is gathered and read whole before anything is done, so what is wrong with a line is an answer to the request.
//! Each operation sees what the ones before it made; the first that cannot be carried out makes the whole a 409 that
//! names it. The one thing that may be left of a refused bulk is the empty collection that it was to fill.
//!
//! What patches make is computed step by step and outside every lock, from what is read; then all is put at one moment,
//! if that is still there, and else computed anew.

use std::sync::Arc;

use crate::base::limits::{ATOMIC_BODY_BYTES_MAX, ATOMIC_BYTES_MAX, ENVELOPE_BYTES_MAX};
use crate::model::{BatchRefusal, BatchWrite, Command, Effect, Execute, OptionChanges, Outcome, Rest, Scope, Written};

use super::super::Api;
use super::super::body;
use super::super::call::{Call, Otherwise, known_scope, no_such_collection, not_creatable};
use super::super::docs::Losses;
use super::super::message::{BodyFault, RequestBody, Response, Step, Work};
use super::super::problem::{Kind, Problem};
use super::plan::{self, Obstacle, Patched, Planned, Why};
use super::reply;
use super::results::{Became, Results, line};

/// Operations that are looked at in a step, and bytes of documents that are read and made for their patches, at most
/// one document more: about a millisecond.
const OPERATIONS_PER_STEP: usize = 256;
const BYTES_PER_STEP: usize = 1 << 20;

/// Carries out the operations in the body of `call`, all or none.
///
/// # Errors
/// What is wrong with a line, with its number; 409 with the operation that failed; 413 with the limit; 503.
pub(super) fn post(api: &Api, call: &Call<'_>, collection: Option<&str>) -> Result<Response, Otherwise> {
    let limit = api.document_limit(ENVELOPE_BYTES_MAX);
    let body = match call.body {
        RequestBody::Bytes(body) => check_size(Some(body.len())).map(|()| body)?,
        RequestBody::Awaited { length } => {
            check_size(length.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)))?;
            return Err(Otherwise::Gather { bytes_max: ATOMIC_BODY_BYTES_MAX });
        }
        RequestBody::Failed(BodyFault::TooLarge) => return Err(too_many_bytes(None, ATOMIC_BODY_BYTES_MAX).into()),
        RequestBody::Failed(fault) => return Err(body::problem_of(fault, limit).into()),
    };
    let operations = plan::read(body, limit, api.clock.now())?;
    let has_patch = operations.iter().any(Planned::is_patch);
    let mut atomic = Atomic {
        execute: Arc::clone(call.execute),
        collection: collection.map(str::to_owned),
        bytes_max: limit.document_bytes_max,
        patched: Vec::with_capacity(operations.len()),
        operations,
        patched_bytes: 0,
        worked_bytes: 0,
        obstacle: None,
        losses: Losses::default(),
    };
    if !has_patch && let Some(response) = atomic.carry_out()? {
        return Ok(response);
    }
    Err(Otherwise::Work(Box::new(atomic)))
}

/// An atomic bulk on its way.
struct Atomic {
    execute: Arc<dyn Execute>,
    collection: Option<String>,
    /// How large a document may be.
    bytes_max: usize,
    operations: Vec<Planned>,
    /// What the patches come to, by the number of their operation, as far as they are computed.
    patched: Vec<Option<Patched>>,
    /// Bytes of those.
    patched_bytes: usize,
    /// Bytes that were read and made for them.
    worked_bytes: usize,
    /// Why the operation that is next cannot be carried out.
    obstacle: Option<Obstacle>,
    losses: Losses,
}

impl Work for Atomic {
    fn step(&mut self) -> Step {
        match self.compute() {
            Ok(Some(response)) => Step::Done(response),
            Ok(None) => Step::More,
            Err(otherwise) => otherwise.into_step(),
        }
    }
}

impl Atomic {
    /// Computes some patches, and carries everything out behind the last.
    fn compute(&mut self) -> Result<Option<Response>, Otherwise> {
        let worked_before = self.worked_bytes;
        for _ in 0..OPERATIONS_PER_STEP {
            if self.obstacle.is_some() || self.patched.len() == self.operations.len() {
                return self.carry_out();
            }
            let scope = known_scope(self.collection.as_deref());
            match plan::compute(&*self.execute, scope, &self.operations, &self.patched, self.bytes_max)? {
                None => self.patched.push(None),
                Some((computed, bytes)) => {
                    self.worked_bytes = self.worked_bytes.saturating_add(bytes);
                    self.note(computed);
                }
            }
            if self.worked_bytes - worked_before >= BYTES_PER_STEP {
                break;
            }
        }
        Ok(None)
    }

    fn note(&mut self, computed: Result<Patched, Obstacle>) {
        match computed {
            Ok(patched) => {
                self.patched_bytes = self.patched_bytes.saturating_add(patched.size_bytes());
                self.obstacle = plan::too_large(self.patched_bytes);
                if self.obstacle.is_none() {
                    self.patched.push(Some(patched));
                }
            }
            Err(obstacle) => self.obstacle = Some(obstacle),
        }
    }

    /// Carries everything out, or finds what stands in the way; `None` when that is somebody who was faster.
    fn carry_out(&mut self) -> Result<Option<Response>, Otherwise> {
        let Outcome { rest, effect } = self.run()?;
        match effect {
            Effect::Batched(done) => {
                let mut results = Results::default();
                for (operation, written) in self.operations.iter().zip(done) {
                    results.push(Some(&operation.key), became(written));
                }
                Ok(Some(reply(results).resting_on(rest)))
            }
            Effect::BatchRefused { index, why } => self.refused(index, why, rest),
            _ => Err(self.collection_absent(rest).into()),
        }
    }

    /// Makes the collection first, where there is none and a document is to be put into it.
    fn run(&self) -> Result<Outcome, Otherwise> {
        let scope = known_scope(self.collection.as_deref());
        let writes = self.writes();
        loop {
            let outcome = self.execute.execute(Command::Batch { scope, writes: writes.clone() })?;
            match (&outcome.effect, scope) {
                (Effect::CollectionAbsent, Scope::Collection(name)) if name.is_plain() && self.has_put() => {
                    self.execute.execute(Command::CreateCollection { name, options: OptionChanges::NONE })?;
                }
                _ => return Ok(outcome),
            }
        }
    }

    /// What the operations come to. Where one is known not to be carried out, the last is its, and is refused.
    fn writes(&self) -> Vec<BatchWrite<'_>> {
        let patched = self.patched.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let writes = self.operations.iter().zip(patched).map(|(operation, patched)| operation.write(patched));
        if self.obstacle.is_none() {
            return writes.collect();
        }
        let mut writes: Vec<_> = writes.take(self.patched.len()).collect();
        writes.extend(self.operations.get(self.patched.len()).map(Planned::never));
        writes
    }

    fn has_put(&self) -> bool {
        self.operations.iter().any(Planned::is_put)
    }

    fn refused(&mut self, index: usize, why: BatchRefusal, rest: Rest) -> Result<Option<Response>, Otherwise> {
        if let Some(Obstacle { why, seen }) = self.obstacle.as_ref().filter(|_| index == self.patched.len()) {
            let rest = Rest::Seen(rest.lsn().max(*seen));
            return Err(match why {
                Why::Refused(why) => self.refusal(index, *why, rest),
                Why::Unfit(problem) => {
                    self.failure(index, Became::Failed(problem.kind(), None, problem.detail()), rest)
                }
            }
            .into());
        }
        let is_of_store = matches!(self.patched.get(index), Some(Some(patched)) if patched.is_of_store());
        if !is_of_store || !matches!(why, BatchRefusal::ConditionFailed { .. }) {
            return Err(self.refusal(index, why, rest).into());
        }
        self.losses.count(self.worked_bytes);
        if let Some(contended) = self.losses.verdict() {
            return Err(contended.resting_on(rest).into());
        }
        self.patched.clear();
        (self.patched_bytes, self.worked_bytes, self.obstacle) = (0, 0, None);
        Ok(None)
    }

    fn refusal(&self, index: usize, why: BatchRefusal, rest: Rest) -> Problem {
        let failed = match why {
            BatchRefusal::ConditionFailed { current } => Became::Failed(Kind::ConditionFailed, current, ""),
            BatchRefusal::Absent => Became::Failed(Kind::KeyNotFound, None, ""),
            BatchRefusal::ConditionRequired => Became::Failed(Kind::ConditionRequired, None, ""),
            BatchRefusal::TooLarge { bytes, bytes_max } => {
                return too_many_bytes(Some(bytes), bytes_max).resting_on(rest);
            }
        };
        self.failure(index, failed, rest)
    }

    fn failure(&self, index: usize, failed: Became<'_>, rest: Rest) -> Problem {
        let (number, key) = self.operations.get(index).map_or((0, ""), |found| (found.line, found.key.as_str()));
        Problem::new(Kind::AtomicRefused, format!("line {number} cannot be carried out, and so none was"))
            .hint("read what it is about again, and send all operations once more")
            .size("index", index)
            .number("line", number)
            .json("operation", line(Some(key), failed))
            .resting_on(rest)
    }

    fn collection_absent(&self, rest: Rest) -> Problem {
        let name = self.collection.as_deref().unwrap_or_default();
        if self.has_put() { not_creatable() } else { no_such_collection(name) }.resting_on(rest)
    }
}

fn check_size(bytes: Option<usize>) -> Result<(), Problem> {
    match bytes.filter(|bytes| *bytes > ATOMIC_BODY_BYTES_MAX) {
        Some(bytes) => Err(too_many_bytes(Some(bytes), ATOMIC_BODY_BYTES_MAX)),
        None => Ok(()),
    }
}

fn too_many_bytes(bytes: Option<usize>, bytes_max: usize) -> Problem {
    let size = bytes.map_or("more".to_owned(), |bytes| bytes.to_string());
    let detail = format!("an atomic bulk has at most {bytes_max} bytes, this one has {size}");
    let problem = Problem::new(Kind::BulkTooLarge, detail).size("limit_bytes", bytes_max);
    match bytes {
        Some(bytes) => problem.size("size_bytes", bytes),
        None => problem,
    }
}

fn became(written: Written) -> Became<'static> {
    match written {
        Written::Put { version, created: true, .. } => Became::Created(version),
        Written::Put { version, .. } | Written::DeadlineSet { version, .. } => Became::Changed(version),
        Written::Removed => Became::Removed,
    }
}

const _: () = assert!(ATOMIC_BYTES_MAX < ATOMIC_BODY_BYTES_MAX);

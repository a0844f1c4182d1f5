//! `POST {base}:bulk?atomic`: all of the operations or none, at one moment.
//!
//! The body is gathered and read whole before anything is done, so what is wrong with a line is an answer to the request.
//! Each operation sees what the ones before it made; the first that cannot be carried out makes the whole a 409 that
//! names it. The one thing that may be left of a refused bulk is the empty collection that it was to fill.

use crate::base::json;
use crate::base::limits::{ATOMIC_BODY_BYTES_MAX, ATOMIC_BYTES_MAX, ATOMIC_WRITES_MAX, ENVELOPE_BYTES_MAX};
use crate::model::{
    BatchRefusal, BatchWrite, Command, Document, Effect, Key, OptionChanges, Outcome, Rest, Scope, Written,
};

use super::super::Api;
use super::super::body;
use super::super::call::{Call, Otherwise, key_of, no_such_collection};
use super::super::message::{BodyFault, RequestBody, Response};
use super::super::problem::{Kind, Problem};
use super::operation::{self, Action, Operation};
use super::reply;
use super::results::{Became, Results, line};

/// An operation and the number of its line.
type Numbered<'b> = (u64, Operation<'b>);

/// Carries out the operations in the body of `call`, all or none.
///
/// # Errors
/// What is wrong with a line, with its number; 409 with the operation that failed; 413 with the limit; 503.
pub(super) fn post(api: &Api, call: &Call<'_>, scope: Scope<'_>) -> Result<Response, Otherwise> {
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
    let operations = read(api, body, limit)?;
    let writes = operations.iter().map(|(_, operation)| write(operation)).collect::<Result<Vec<_>, _>>()?;
    let Outcome { rest, effect } = run(api, scope, &writes)?;
    match effect {
        Effect::Batched(done) => {
            let mut results = Results::default();
            for ((_, operation), written) in operations.iter().zip(done) {
                results.push(Some(&operation.key), became(written));
            }
            Ok(reply(results).resting_on(rest))
        }
        Effect::BatchRefused { index, why } => Err(refused(&operations, index, why, rest).into()),
        _ => Err(collection_absent(&writes, scope, rest).into()),
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

fn read<'b>(api: &Api, body: &'b [u8], limit: body::Limit) -> Result<Vec<Numbered<'b>>, Problem> {
    let now = api.clock.now();
    let mut operations = Vec::new();
    for (number, line) in (1..).zip(body.split(|byte| *byte == b'\n').map(json::trim)) {
        if line.is_empty() {
            continue;
        }
        if operations.len() == ATOMIC_WRITES_MAX {
            let detail = format!("an atomic bulk has at most {ATOMIC_WRITES_MAX} operations, this one has more");
            return Err(Problem::new(Kind::BulkTooLarge, detail).size("limit", ATOMIC_WRITES_MAX));
        }
        let operation = operation::read(line, limit, now).map_err(|unfit| unfit.problem.number("line", number))?;
        operations.push((number, operation));
    }
    Ok(operations)
}

fn write<'o>(operation: &'o Operation<'_>) -> Result<BatchWrite<'o>, Problem> {
    let (key, condition): (Key<'o>, _) = (key_of(&operation.key)?, operation.condition.clone());
    Ok(match operation.action {
        Action::Put { value, expiry } => BatchWrite::Put { document: Document::new(key, value), expiry, condition },
        Action::Delete => BatchWrite::Delete { key, condition },
        Action::SetDeadline(deadline) => BatchWrite::SetDeadline { key, deadline, condition },
    })
}

/// Makes the collection first, where there is none and a document is to be put into it.
fn run(api: &Api, scope: Scope<'_>, writes: &[BatchWrite<'_>]) -> Result<Outcome, Otherwise> {
    loop {
        let outcome = api.run(Command::Batch { scope, writes: writes.to_vec() })?;
        match (&outcome.effect, scope) {
            (Effect::CollectionAbsent, Scope::Collection(name)) if name.is_plain() && has_put(writes) => {
                api.run(Command::CreateCollection { name, options: OptionChanges::NONE })?;
            }
            _ => return Ok(outcome),
        }
    }
}

fn has_put(writes: &[BatchWrite<'_>]) -> bool {
    writes.iter().any(|write| matches!(write, BatchWrite::Put { .. }))
}

fn collection_absent(writes: &[BatchWrite<'_>], scope: Scope<'_>, rest: Rest) -> Problem {
    let name = match scope {
        Scope::Collection(name) => name.as_str(),
        Scope::Main => "",
    };
    let problem = if has_put(writes) {
        Problem::new(Kind::CollectionNameInvalid, "the collection does not exist, and a new one cannot be called so")
    } else {
        no_such_collection(name)
    };
    problem.resting_on(rest)
}

fn became(written: Written) -> Became<'static> {
    match written {
        Written::Put { version, created: true, .. } => Became::Created(version),
        Written::Put { version, .. } | Written::DeadlineSet { version, .. } => Became::Changed(version),
        Written::Removed => Became::Removed,
    }
}

fn refused(operations: &[Numbered<'_>], index: usize, why: BatchRefusal, rest: Rest) -> Problem {
    let failed = match why {
        BatchRefusal::ConditionFailed { current } => Became::Failed(Kind::ConditionFailed, current, ""),
        BatchRefusal::Absent => Became::Failed(Kind::KeyNotFound, None, ""),
        BatchRefusal::ConditionRequired => Became::Failed(Kind::ConditionRequired, None, ""),
        BatchRefusal::TooLarge { bytes, bytes_max } => return too_many_bytes(Some(bytes), bytes_max).resting_on(rest),
    };
    let (number, key) = operations.get(index).map_or((0, ""), |(number, operation)| (*number, operation.key.as_ref()));
    Problem::new(Kind::AtomicRefused, format!("line {number} cannot be carried out, and so none was"))
        .hint("read what it is about again, and send all operations once more")
        .size("index", index)
        .number("line", number)
        .json("operation", line(Some(key), failed))
        .resting_on(rest)
}

const _: () = assert!(ATOMIC_BYTES_MAX < ATOMIC_BODY_BYTES_MAX);

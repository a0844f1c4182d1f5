//! `DELETE {base}?prefix=`: removes every document whose key begins so, each by itself.
//!
//! It is no transaction: each removal has an LSN of its own, and what is written behind the place that it has reached is
//! removed too or not. Where it cannot go on, it says how far it came.

use std::sync::Arc;

use crate::model::{Command, Condition, Effect, Entries, Entry, Execute, KeyRange, Listed, Refusal, Rest};

use super::super::call::{Call, Otherwise, known_scope, scope_of};
use super::super::conditions;
use super::super::message::{Response, Step, Work};
use super::super::problem::{Kind, Problem};
use super::super::query::Query;
use super::absent;
use super::writing::unwritten;

/// Documents that are removed, or passed over because they have expired, in a step.
const REMOVED_PER_STEP: usize = 256;

struct Sweep {
    execute: Arc<dyn Execute>,
    collection: Option<String>,
    entries: Box<dyn Entries>,
    /// Read and not removed, for want of room.
    left: Option<Entry>,
    deleted: u64,
    rest: Rest,
}

/// `DELETE {base}?prefix=`
///
/// # Errors
/// 400 for an empty prefix or with a condition, 404 where there is no such collection.
pub(super) fn delete(call: &Call<'_>, query: &Query<'_>, prefix: &str) -> Result<Response, Otherwise> {
    if query.value("key").is_some() {
        return Err(Problem::new(Kind::ParametersConflict, "key names one document, prefix many").into());
    }
    if prefix.is_empty() {
        return Err(Problem::new(Kind::ParameterInvalid, "the prefix is empty, which would be every document")
            .hint("drop the collection to remove everything in it")
            .into());
    }
    if conditions::read(call.headers)? != Condition::default() {
        return Err(Problem::new(Kind::ConditionInvalid, "a condition is about one document, a prefix about many")
            .hint("leave If-Match and If-None-Match out")
            .into());
    }
    let collection = call.collection_name()?;
    let scope = scope_of(collection.as_deref())?;
    let range = KeyRange { prefix: prefix.as_bytes(), after: None };
    let outcome = call.run(Command::Scan { scope, range, at_most: None })?;
    let Effect::Scanned(entries) = outcome.effect else {
        return Err(absent(outcome.effect, scope, "", outcome.rest).into());
    };
    let (execute, collection) = (Arc::clone(call.execute), collection.map(|name| name.into_owned()));
    let (left, deleted, rest) = (None, 0, outcome.rest);
    Err(Otherwise::Work(Box::new(Sweep { execute, collection, entries, left, deleted, rest })))
}

impl Work for Sweep {
    fn step(&mut self) -> Step {
        let deleted_before = self.deleted;
        for _ in 0..REMOVED_PER_STEP {
            let entry = match self.left.take().map(Listed::Live).or_else(|| self.entries.next()) {
                Some(Listed::Live(entry)) => entry,
                Some(Listed::Expired) => continue,
                None => return Step::Done(self.reply()),
            };
            match self.remove(&entry) {
                Ok(()) => {}
                Err(Otherwise::Again) => {
                    self.left = Some(entry);
                    return if self.deleted > deleted_before { Step::More } else { Step::NoRoom };
                }
                Err(Otherwise::Problem(problem)) => return Step::Done(self.failed(problem)),
                Err(_) => unreachable!("a removal is refused, or has to be tried again"),
            }
        }
        Step::More
    }

    fn give_up(self: Box<Self>) -> Option<Response> {
        (self.deleted > 0).then(|| self.failed(Problem::new(Kind::JournalBusy, Refusal::JournalBusy.to_string())))
    }
}

impl Sweep {
    fn remove(&mut self, entry: &Entry) -> Result<(), Otherwise> {
        let scope = known_scope(self.collection.as_deref());
        let (key, condition) = (entry.document.key(), Condition::default());
        let outcome = self.execute.execute(Command::Delete { scope, key, condition })?;
        match outcome.effect {
            Effect::Removed(_) => {
                self.deleted += 1;
                self.rest = outcome.rest;
            }
            // Somebody else was faster.
            Effect::Absent | Effect::CollectionAbsent => {}
            effect => return Err(unwritten(effect, scope, key.as_str(), outcome.rest).into()),
        }
        Ok(())
    }

    fn reply(&self) -> Response {
        Response::json(200, format!("{{\"deleted\":{}}}\n", self.deleted).into_bytes()).resting_on(self.rest)
    }

    /// What stood in the way, and how far it came before.
    fn failed(&self, problem: Problem) -> Response {
        problem.number("deleted", self.deleted).resting_on(self.rest).into_response()
    }
}

//! Documents in the resource API: one document under `{base}`, by key.
//!
//! Here is what reads, and what all of them share; what changes a document is in the files below.

mod deadline;
mod listing;
mod location;
mod many;
mod patching;
mod sweep;
mod uuid;
mod view;
mod writing;

use std::borrow::Cow;

use crate::base::clock::Clock;
use crate::model::{Command, Condition, Deadline, Effect, Entry, Hint, Lsn, Rest, Scope};

use super::Api;
use super::call::{Call, Otherwise, key_of, no_such_collection, scope_of};
use super::conditions;
use super::message::{Field, Response};
use super::problem::{Kind, Problem};
use super::query::Query;

use view::View;

pub use many::get_many;
pub use patching::{ACCEPT_PATCH, PATCH_TYPES, patch};
pub use patching::{Attempt, Losses, Terms, Tried, dialect_of, fault_problem, kept_unless_given, only, unguarded};
pub use writing::{delete, on_absent, post, put};

/// `GET` and `HEAD` on `{base}`: one document by `?key=`, else a page of the documents.
///
/// # Errors
/// As `get`, and what is wrong with a page.
pub fn get_or_list(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    match query.value("key") {
        Some(_) => {
            refuse(&query, &["prefix", "limit", "cursor", "values", "count"]).and_then(|()| get_one(api, call, &query))
        }
        None => refuse(&query, &["touch", "ptr", "pretty"]).and_then(|()| listing::list(call, &query)),
    }
}

/// `DELETE` on `{base}`: one document by `?key=`, or all whose keys begin with `?prefix=`.
///
/// # Errors
/// As `delete`, and what is wrong with a prefix.
pub fn delete_or_sweep(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    match query.value("prefix") {
        Some(prefix) => sweep::delete(call, &query, prefix),
        None => writing::delete_one(api, call, &query),
    }
}

/// Refuses what does not go with the kind of request that `query` makes it.
fn refuse(query: &Query<'_>, names: &[&'static str]) -> Result<(), Otherwise> {
    let Some(name) = names.iter().find(|name| query.value(name).is_some()) else { return Ok(()) };
    let detail = format!("{name} does not go with {}", if query.value("key").is_some() { "key" } else { "a listing" });
    Err(Problem::new(Kind::ParametersConflict, detail).into())
}

/// `GET` and `HEAD`: the stored bytes, or what `?ptr=` and `?pretty` make of them.
///
/// # Errors
/// 304 is no error; 404, 412, and what is wrong with the target.
pub fn get(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    get_one(api, call, &call.parameters()?)
}

fn get_one(api: &Api, call: &Call<'_>, query: &Query<'_>) -> Result<Response, Otherwise> {
    let (collection, key) = (call.collection_name()?, document_key(call, query)?);
    let scope = scope_of(collection.as_deref())?;
    let condition = conditions::read(call.headers)?;
    let view = View::read(query)?;
    let outcome = match query.value("touch") {
        None => call.run(Command::Get { scope, key: key_of(&key)? })?,
        Some(ttl) => deadline::touch(api, call, (scope, key_of(&key)?), ttl, &condition)?,
    };
    match outcome.effect {
        Effect::Found(entry) => found(api, entry, outcome.rest, (&condition, &view)),
        _ if condition.if_match.is_some() => Err(condition_failed(None, outcome.rest).into()),
        effect => Err(absent(effect, scope, &key, outcome.rest).into()),
    }
}

/// Which document `target` names, as far as can be told without decoding or checking it.
pub fn hint_of(target: &[u8]) -> Option<Hint<'_>> {
    if let Some(key) = target.strip_prefix(b"/v1/docs/") {
        return Some(Hint { collection: None, key });
    }
    let named = target.strip_prefix(b"/v1/collections/")?;
    let (collection, behind) = named.split_at_checked(memchr::memchr(b'/', named)?)?;
    Some(Hint { collection: Some(collection), key: behind.strip_prefix(b"/docs/")? })
}

fn found(api: &Api, entry: Entry, rest: Rest, (condition, view): (&Condition, &View)) -> Result<Response, Otherwise> {
    let version = Some(entry.version);
    if condition.if_match.as_ref().is_some_and(|tags| !tags.name(version)) {
        return Err(condition_failed(version, rest).into());
    }
    // A condition decides only over what would be a 200 without it (RFC 9110 §13.2.1).
    let range = view.locate(&entry.document).map_err(|problem| problem.resting_on(rest))?;
    let is_unmodified = condition.if_none_match.as_ref().is_some_and(|tags| tags.name(version));
    let mut response = Response::new(if is_unmodified { 304 } else { 200 });
    response.rest = rest;
    response.push_field(Field::EntityTag(entry.version.0));
    response.push_field(Field::NoCache);
    push_deadline(&mut response, entry.deadline, &*api.clock);
    if !is_unmodified {
        response.push_field(Field::Json);
        let piece = view.piece(entry.document, range, api.options.document_bytes_max);
        response.push_piece(piece.map_err(|problem| problem.resting_on(rest))?);
    }
    Ok(response)
}

/// Says when the document expires, if it does.
fn push_deadline(response: &mut Response, deadline: Deadline, clock: &dyn Clock) {
    if let Some(at) = deadline.moment() {
        response.push_field(Field::Expiry { ttl_ms: at.since(clock.now()), at });
    }
}

/// The key from the path, or from `?key=` on the base.
// Its answer is as large as a problem is, and to hand it over takes longer than to find it.
#[inline(always)]
fn document_key<'k, 'c: 'k>(call: &Call<'c>, query: &'k Query<'_>) -> Result<Cow<'k, str>, Problem> {
    match (call.path_key()?, query.value("key")) {
        (Some(_), Some(_)) => {
            Err(Problem::new(Kind::ParametersConflict, "the key stands in the path and in ?key= as well"))
        }
        (Some(key), None) => Ok(key),
        (None, Some(key)) => Ok(Cow::Borrowed(key)),
        (None, None) => Err(Problem::new(Kind::KeyEmpty, "no document is named")
            .hint("name one in the path (/v1/docs/KEY) or in the query (/v1/docs?key=KEY)")),
    }
}

/// Why nothing was done under a condition: which version there is.
pub fn condition_failed(current: Option<Lsn>, rest: Rest) -> Problem {
    let problem = |detail: &str| Problem::new(Kind::ConditionFailed, detail).resting_on(rest);
    match current {
        Some(version) => problem("there is such a document, and its version is not one that the condition allows")
            .number("version", version.0),
        None => problem("there is no such document, and the condition wants one"),
    }
}

fn absent(effect: Effect, scope: Scope<'_>, key: &str, rest: Rest) -> Problem {
    let problem = match (effect, scope) {
        (Effect::CollectionAbsent, Scope::Collection(name)) => no_such_collection(name.as_str()),
        _ => Problem::new(Kind::KeyNotFound, format!("there is no document {key:?}, or it has expired")),
    };
    problem.resting_on(rest)
}

#[cfg(test)]
mod tests;

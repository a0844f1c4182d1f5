//! `PATCH`: changes a part of a document, whole or not at all.
//!
//! The patch is computed outside of every lock, from what was read, and put in place on condition that this is still
//! there (`attempt`). When somebody else was faster it is computed anew: a few times at once, then as work in steps
//! (`retries`), so that no thread is held by a document that many write.

mod attempt;
mod media;
mod retries;
mod verdict;

use std::sync::Arc;

use crate::model::{Command, Condition, Effect, Expiry, Key, Outcome, Scope};
use crate::patch::Kind as Dialect;

use super::super::Api;
use super::super::call::{Call, Otherwise, key_of, scope_of};
use super::super::message::{Response, Value};
use super::super::preference::Returned;
use super::super::problem::{Kind, Problem};
use super::super::{body, conditions, expiry};
use super::document_key;

use attempt::{Attempt, Tried};
use retries::Retries;

pub use media::{ACCEPT_PATCH, PATCH_TYPES};

/// Tries that are made at once, before the others have their turns.
const TRIES_AT_ONCE: usize = 3;

/// What a patch is to be made with, beside its text and what it is for.
#[derive(Clone)]
struct Terms {
    dialect: Dialect,
    /// True when an absent document is patched as `null`, and so created.
    upsert: bool,
    expiry: Expiry,
    /// The client's.
    condition: Condition,
    returned: Returned,
    /// Bytes of the patched document.
    bytes_max: usize,
}

/// `PATCH`: what the body says, by its type, to the document under the key.
///
/// # Errors
/// 400 for what is no patch, 404, 409 where the document is not as the patch expects it, 412, 413, 415 for another type,
/// 422 for a result that is not acceptable, 428, 503.
pub fn patch(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let (collection, key) = (call.collection_name()?, document_key(call, &query)?);
    let scope = scope_of(collection.as_deref())?;
    let key = key_of(&key)?;
    let dialect = media::dialect(call.headers).map_err(|found| unsupported(&found))?;
    let upsert = query.flag("upsert")?;
    if upsert && dialect != Dialect::Merge {
        return Err(Problem::new(Kind::ParameterInvalid, "upsert goes with a merge patch alone")
            .hint("PUT with If-None-Match: * creates a document")
            .into());
    }
    let expiry = match expiry::read(&query, api.clock.now())? {
        Expiry::Default => Expiry::Keep,
        given => given,
    };
    let condition = conditions::read(call.headers)?;
    refuse_unguarded(api, scope, &condition)?;
    let returned = Returned::read(call.headers);
    let terms = Terms { dialect, upsert, expiry, condition, returned, bytes_max: api.options.document_bytes_max };
    body::with_json(call.body, api.document_limit(0), |patch| Ok(begin(api, (scope, key), patch, terms)))?
}

/// Tries a few times, and leaves the rest to whoever does work.
fn begin(api: &Api, (scope, key): (Scope<'_>, Key<'_>), patch: &[u8], terms: Terms) -> Result<Response, Otherwise> {
    let attempt = Attempt { execute: &*api.execute, clock: &*api.clock, scope, key, patch, terms: &terms };
    let mut read_bytes = 0_usize;
    for _ in 0..TRIES_AT_ONCE {
        match attempt.make()? {
            Tried::Done(response) => return Ok(response),
            Tried::Lost { bytes } => read_bytes = read_bytes.saturating_add(bytes),
        }
    }
    let (execute, clock) = (Arc::clone(&api.execute), Arc::clone(&api.clock));
    let collection = match scope {
        Scope::Main => None,
        Scope::Collection(name) => Some(name.as_str().to_owned()),
    };
    let (key, patch) = (key.as_str().to_owned(), patch.to_vec());
    let retries = Retries { execute, clock, collection, key, patch, terms, tries: TRIES_AT_ONCE, read_bytes };
    Err(Otherwise::Work(Box::new(retries)))
}

/// Refuses a patch without a condition where each write must carry one. The put that follows carries one in any case, so
/// it cannot be left to that.
fn refuse_unguarded(api: &Api, scope: Scope<'_>, condition: &Condition) -> Result<(), Otherwise> {
    let (Scope::Collection(name), true) = (scope, condition.is_none()) else { return Ok(()) };
    let Outcome { rest, effect } = api.run(Command::DescribeCollection { name })?;
    match effect {
        Effect::Collection(summary) if summary.options.require_conditional => Err(conditions::required(rest).into()),
        _ => Ok(()),
    }
}

/// The answer to a patch of the type `found`.
fn unsupported(found: &str) -> Problem {
    let detail = match found {
        "" => "the Content-Type must say what kind of patch this is, and there is none".to_owned(),
        found => format!("a patch of the type {found:?} is not known here"),
    };
    Problem::new(Kind::PatchTypeUnsupported, detail)
        .hint(format!("send one of {ACCEPT_PATCH}: curl -X PATCH -H 'Content-Type: {}'", media::MERGE))
        .field("Accept-Patch", Value::Static(ACCEPT_PATCH))
}

#[cfg(test)]
mod tests;

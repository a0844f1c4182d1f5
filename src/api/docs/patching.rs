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

use crate::base::clock::Clock;
use crate::model::{Expiry, Key, Outcome, Scope};
use crate::patch::Kind as Dialect;

use super::super::Api;
use super::super::call::{Call, Otherwise, key_of, scope_of};
use super::super::message::{Response, Value};
use super::super::preference::Returned;
use super::super::problem::{Kind, Problem};
use super::super::{body, conditions, expiry};
use super::document_key;
use super::writing::{Written, not_put, unwritten};

use retries::Retries;

pub use attempt::{Attempt, Terms, Tried, only, unguarded};
pub use media::{ACCEPT_PATCH, PATCH_TYPES, dialect_of};
pub use retries::Losses;
pub use verdict::problem as fault_problem;

/// Tries that are made at once, before the others have their turns.
const TRIES_AT_ONCE: usize = 3;

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
    let expiry = kept_unless_given(expiry::read(&query, api.clock.now())?);
    let condition = conditions::read(call.headers)?;
    if let Some(Outcome { rest, .. }) = unguarded(&**call.execute, scope, &condition)? {
        return Err(conditions::required(rest).into());
    }
    let returned = Returned::read(call.headers);
    let terms = Terms { dialect, upsert, expiry, condition, bytes_max: api.options.document_bytes_max };
    body::with_json(call.body, api.document_limit(0), |patch| {
        Ok(begin(api, call, (scope, key), patch, (terms, returned)))
    })?
}

/// A patch leaves the deadline as it is, unless it is told another.
pub fn kept_unless_given(expiry: Expiry) -> Expiry {
    match expiry {
        Expiry::Default => Expiry::Keep,
        given => given,
    }
}

/// Tries a few times, and leaves the rest to whoever does work.
fn begin(
    api: &Api,
    call: &Call<'_>,
    (scope, key): (Scope<'_>, Key<'_>),
    patch: &[u8],
    (terms, returned): (Terms, Returned),
) -> Result<Response, Otherwise> {
    let attempt = Attempt { execute: &**call.execute, scope, key, patch, terms: &terms };
    let mut losses = Losses::default();
    for _ in 0..TRIES_AT_ONCE {
        match answer(&attempt, returned, &*api.clock)? {
            Answered::Reply(response) => return Ok(response),
            Answered::Lost { bytes } => losses.count(bytes),
        }
    }
    let (execute, clock) = (Arc::clone(call.execute), Arc::clone(&api.clock));
    let collection = match scope {
        Scope::Main => None,
        Scope::Collection(name) => Some(name.as_str().to_owned()),
    };
    let (key, patch) = (key.as_str().to_owned(), patch.to_vec());
    Err(Otherwise::Work(Box::new(Retries { execute, clock, collection, key, patch, terms, returned, losses })))
}

/// What a try came to, for who has sent the patch.
#[expect(clippy::large_enum_variant, reason = "nearly every try is the last, and a box would allocate for each")]
enum Answered {
    /// The document is patched.
    Reply(Response),
    /// As `Tried::Lost`.
    Lost {
        /// As there.
        bytes: usize,
    },
}

/// Tries once.
///
/// # Errors
/// 404, 412, what is wrong with the patch; `Again` when there is no room for a write.
fn answer(attempt: &Attempt<'_>, returned: Returned, clock: &dyn Clock) -> Result<Answered, Otherwise> {
    let (scope, key) = (attempt.scope, attempt.key);
    Err(match attempt.make()? {
        Tried::Lost { bytes } => return Ok(Answered::Lost { bytes }),
        Tried::Made { document, version, deadline, is_new, rest, .. } => {
            let shown = (returned == Returned::Representation).then_some(document);
            let written = Written { scope, key, version, deadline, is_new, shown };
            return Ok(Answered::Reply(written.reply(returned, clock).resting_on(rest)));
        }
        Tried::Unwritten(Outcome { rest, effect }) => unwritten(effect, scope, key.as_str(), rest),
        Tried::NotCreated(outcome) => not_put(outcome, scope, key),
        Tried::Unfit { fault, rest, .. } => fault_problem(&fault).resting_on(rest),
    }
    .into())
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

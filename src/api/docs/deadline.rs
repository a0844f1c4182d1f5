//! Deadlines by themselves: `PUT ?only=ttl`, and `GET ?touch=` for those that slide with each use.
//!
//! Neither changes the bytes of a document, so its version and its ETag stay.

use crate::model::{Command, Condition, Deadline, Effect, Expiry, Key, Outcome, Scope, Tags};

use super::super::Api;
use super::super::call::{Call, Otherwise};
use super::super::expiry;
use super::super::message::{Field, Method, RequestBody, Response};
use super::super::preference::Returned;
use super::super::problem::{Kind, Problem};
use super::super::query::Query;
use super::push_deadline;
use super::writing::{receipt, unwritten};

/// `PUT ?only=ttl`: gives the document another deadline.
///
/// # Errors
/// 400 for another part than the deadline, without a deadline or with a body; 404, 412, 503.
pub(super) fn set(
    api: &Api,
    call: &Call<'_>,
    query: &Query<'_>,
    part: &str,
    (scope, key): (Scope<'_>, Key<'_>),
    condition: Condition,
) -> Result<Response, Otherwise> {
    if part != "ttl" {
        let detail = format!("only={part} names no part of a document");
        return Err(Problem::new(Kind::ParameterInvalid, detail).hint("only=ttl changes the deadline alone").into());
    }
    let Expiry::Set(deadline) = expiry::read(query, api.clock.now())? else {
        return Err(Problem::new(Kind::ParametersConflict, "only=ttl needs the deadline that is to be")
            .hint("add ttl=30s, expires_at=2030-01-31T12:00:00Z or ttl=never")
            .into());
    };
    if call.body != RequestBody::Bytes(&[]) {
        return Err(Problem::new(Kind::BodyUnexpected, "only=ttl changes the deadline alone, and a body came with it")
            .hint("leave the body out, or only=ttl")
            .into());
    }
    let returned = Returned::read(call.headers);
    let outcome = call.run(Command::SetDeadline { scope, key, deadline, condition })?;
    let Outcome { rest, effect: Effect::DeadlineSet { version, deadline } } = outcome else {
        return Err(unwritten(outcome.effect, scope, key.as_str(), outcome.rest).into());
    };
    if returned != Returned::Minimal {
        return Ok(receipt(key, version, deadline).resting_on(rest));
    }
    let mut response = Response::new(204).with_field(Field::EntityTag(version.0)).resting_on(rest);
    push_deadline(&mut response, deadline, &*api.clock);
    returned.announce(&mut response);
    Ok(response)
}

/// `GET ?touch=`: gives the document a deadline from now on, and reads it. Who is answered 412 has touched nothing.
///
/// # Errors
/// `parameter_invalid` for what is no time to live or came with HEAD; 503.
pub(super) fn touch(
    api: &Api,
    call: &Call<'_>,
    (scope, key): (Scope<'_>, Key<'_>),
    ttl: &str,
    condition: &Condition,
) -> Result<Outcome, Otherwise> {
    if call.method != Method::Get {
        return Err(Problem::new(Kind::ParameterInvalid, "touch changes the deadline, which HEAD does not")
            .hint("use GET")
            .into());
    }
    loop {
        let deadline = Deadline::at(api.clock.now().plus(expiry::ttl_millis("touch", ttl)?));
        let read = call.run(Command::Get { scope, key })?;
        let Outcome { effect: Effect::Found(mut entry), .. } = read else { return Ok(read) };
        if condition.if_match.as_ref().is_some_and(|tags| !tags.name(Some(entry.version))) {
            return Ok(Outcome { rest: read.rest, effect: Effect::Found(entry) });
        }
        // What is shown is what was touched: another try when it was overwritten in between.
        let unchanged = Condition { if_match: Some(Tags::Listed(vec![entry.version])), if_none_match: None };
        let touched = call.run(Command::SetDeadline { scope, key, deadline, condition: unchanged })?;
        if let Effect::DeadlineSet { deadline, .. } = touched.effect {
            entry.deadline = deadline;
            return Ok(Outcome { rest: touched.rest, effect: Effect::Found(entry) });
        }
    }
}

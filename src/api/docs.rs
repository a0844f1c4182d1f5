//! Documents in the resource API: GET, HEAD, PUT and DELETE of one document under `{base}`.

use std::borrow::Cow;

use crate::base::json;
use crate::model::{Command, Condition, Deadline, Document, Effect, Entry, Key, Lsn, OnAbsent, Rest, Scope};

use super::Api;
use super::body;
use super::call::{Call, Otherwise, key_of, scope_of};
use super::conditions;
use super::expiry;
use super::message::{Piece, Response, Value};
use super::problem::{Kind, Problem};
use super::query::Query;
use super::target::encode_into;
use super::timestamp;

/// `GET` and `HEAD`: the stored bytes.
///
/// # Errors
/// 304 is no error; 404, 412, and what is wrong with the target.
pub fn get(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = Query::read(call.query, &["key"])?;
    let (collection, key) = (call.collection_name()?, document_key(call, &query)?);
    let scope = scope_of(collection.as_deref())?;
    let condition = conditions::read(call.headers)?;
    let outcome = api.run(Command::Get { scope, key: key_of(&key)? })?;
    match outcome.effect {
        Effect::Found(entry) => found(api, entry, outcome.rest, &condition),
        _ if condition.if_match.is_some() => Err(condition_failed(None, outcome.rest).into()),
        effect => Err(absent(effect, scope, &key, outcome.rest).into()),
    }
}

/// The key of a document in the main store, when `target` names one in the plainest way.
pub fn likely_key(target: &[u8]) -> Option<Key<'_>> {
    let key = target.strip_prefix(b"/v1/docs/")?;
    let is_plain = !key.iter().any(|byte| matches!(byte, b'%' | b'?'));
    Key::new(std::str::from_utf8(key).ok().filter(|_| is_plain)?).ok()
}

fn found(api: &Api, entry: Entry, rest: Rest, condition: &Condition) -> Result<Response, Otherwise> {
    let version = Some(entry.version);
    if condition.if_match.as_ref().is_some_and(|tags| !tags.name(version)) {
        return Err(condition_failed(version, rest).into());
    }
    let is_unmodified = condition.if_none_match.as_ref().is_some_and(|tags| tags.name(version));
    let mut response = Response::new(if is_unmodified { 304 } else { 200 });
    response.rest = rest;
    response.push("ETag", Value::EntityTag(entry.version.0));
    response.push("Cache-Control", Value::Static("no-cache"));
    if let Some(moment) = entry.deadline.moment() {
        response.push("MT-TTL", Value::Seconds(moment.since(api.clock.now())));
        response.push("MT-Expires-At", Value::Moment(moment));
    }
    if !is_unmodified {
        response.push("Content-Type", Value::Static("application/json"));
        response.push_piece(Piece::Document(entry.document));
    }
    Ok(response)
}

/// `PUT`: stores the body under the key.
///
/// # Errors
/// 400 with the offset for what is not JSON, 412, 413, 503, 507.
pub fn put(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = Query::read(call.query, &["key", "ttl", "expires_at", "keep_ttl"])?;
    let (collection, key) = (call.collection_name()?, document_key(call, &query)?);
    let scope = scope_of(collection.as_deref())?;
    let key = key_of(&key)?;
    let condition = conditions::read(call.headers)?;
    // A time to live that does not fit is refused before the body is gathered; that of the call which has the body
    // counts, and so from when it is here.
    let expiry = expiry::read(&query, api.clock.now())?;
    let document = body::with_json(call.body, api.document_limit(0), |text| Ok(Document::new(key, text)))?;
    let outcome = api.run(Command::Put { scope, document, expiry, condition, on_absent: on_absent(scope) })?;
    match outcome.effect {
        Effect::Written { version, deadline, replaced: Some(_) } => {
            Ok(written(200, key, version, deadline).resting_on(outcome.rest))
        }
        Effect::Written { version, deadline, replaced: None } => {
            let location = Value::Text(location(scope, key.as_str()));
            Ok(written(201, key, version, deadline).with("Location", location).resting_on(outcome.rest))
        }
        Effect::CollectionAbsent => Err(Problem::new(
            Kind::CollectionNameInvalid,
            "the collection does not exist, and a new one cannot be called so",
        )
        .hint("new names are 1 to 128 of A-Z a-z 0-9 _ . - and do not start with a dot")
        .resting_on(outcome.rest)
        .into()),
        effect => Err(unwritten(effect, scope, key.as_str(), outcome.rest).into()),
    }
}

/// Bytes of the reply to a write besides its key.
const WRITTEN_ROOM_BYTES: usize = 96;

/// The reply to a write: what the document is called now.
fn written(status: u16, key: Key<'_>, version: Lsn, deadline: Deadline) -> Response {
    let mut body = Vec::with_capacity(key.as_bytes().len() + WRITTEN_ROOM_BYTES);
    body.extend_from_slice(b"{\"key\":");
    json::escape_into(&mut body, key.as_str());
    body.extend_from_slice(b",\"version\":");
    body.extend_from_slice(itoa::Buffer::new().format(version.0).as_bytes());
    if let Some(moment) = deadline.moment() {
        body.extend_from_slice(b",\"expires_at\":\"");
        timestamp::push(&mut body, moment);
        body.push(b'"');
    }
    body.extend_from_slice(b"}\n");
    let mut response = Response::new(status);
    response.push("Content-Type", Value::Static("application/json"));
    response.push("ETag", Value::EntityTag(version.0));
    response.push_piece(Piece::Owned(body));
    response
}

/// Only plain names are created here; the others may exist, made by the seed's endpoints or its files.
fn on_absent(scope: Scope<'_>) -> OnAbsent {
    match scope {
        Scope::Collection(name) if !name.is_plain() => OnAbsent::Refuse,
        _ => OnAbsent::Create,
    }
}

/// `DELETE`: removes the document.
///
/// # Errors
/// 404, 412, 503.
pub fn delete(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = Query::read(call.query, &["key"])?;
    let (collection, key) = (call.collection_name()?, document_key(call, &query)?);
    let scope = scope_of(collection.as_deref())?;
    let condition = conditions::read(call.headers)?;
    let outcome = api.run(Command::Delete { scope, key: key_of(&key)?, condition })?;
    match outcome.effect {
        Effect::Removed(_) => Ok(Response::new(204).resting_on(outcome.rest)),
        effect => Err(unwritten(effect, scope, &key, outcome.rest).into()),
    }
}

/// The key from the path, or from `?key=` on the base.
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

fn unwritten(effect: Effect, scope: Scope<'_>, key: &str, rest: Rest) -> Problem {
    match effect {
        Effect::ConditionFailed { current } => condition_failed(current, rest),
        effect => absent(effect, scope, key, rest),
    }
}

fn condition_failed(current: Option<Lsn>, rest: Rest) -> Problem {
    let problem = |detail: &str| Problem::new(Kind::ConditionFailed, detail).resting_on(rest);
    match current {
        Some(version) => problem("there is such a document, and its version is not one that the condition allows")
            .number("version", version.0),
        None => problem("there is no such document, and the condition wants one"),
    }
}

fn absent(effect: Effect, scope: Scope<'_>, key: &str, rest: Rest) -> Problem {
    let problem = match (effect, scope) {
        (Effect::CollectionAbsent, Scope::Collection(name)) => {
            Problem::new(Kind::CollectionNotFound, format!("there is no collection {:?}", name.as_str()))
        }
        _ => Problem::new(Kind::KeyNotFound, format!("there is no document {key:?}, or it has expired")),
    };
    problem.resting_on(rest)
}

/// The path under which a document is found again. Keys that a client would normalise away go into the query.
fn location(scope: Scope<'_>, key: &str) -> String {
    let mut location = String::from("/v1/");
    if let Scope::Collection(name) = scope {
        location.push_str("collections/");
        encode_into(&mut location, name.as_str(), b"");
        location.push('/');
    }
    location.push_str("docs");
    let is_awkward = |segment: &str| matches!(segment, "" | "." | "..");
    if key.split('/').any(is_awkward) {
        location.push_str("?key=");
        encode_into(&mut location, key, b"");
    } else {
        location.push('/');
        encode_into(&mut location, key, b"/:@!$&'()*+,;=");
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CollectionName;

    #[test]
    fn only_keys_that_need_no_decoding_are_looked_ahead_for() {
        let likely = |target: &'static str| likely_key(target.as_bytes()).map(Key::as_str);
        assert_eq!(likely("/v1/docs/user:1/é"), Some("user:1/é"));
        for other in ["/v1/docs/", "/v1/docs/a%20b", "/v1/docs/a?b", "/v1/docs", "/get", "", "/v1/docs/a\0"] {
            assert_eq!(likely(other), None, "{other}");
        }
        assert_eq!(likely_key(b"/v1/docs/\xff"), None);
    }

    #[test]
    fn a_location_leads_back_to_the_key() {
        let users = Scope::Collection(CollectionName::new("us rs").unwrap());
        for (scope, key, expected) in [
            (Scope::Main, "user:1", "/v1/docs/user:1"),
            (Scope::Main, "a/b c?d#e%", "/v1/docs/a/b%20c%3Fd%23e%25"),
            (Scope::Main, "a//b", "/v1/docs?key=a%2F%2Fb"),
            (Scope::Main, "..", "/v1/docs?key=.."),
            (Scope::Main, "a/", "/v1/docs?key=a%2F"),
            (users, "x\r\ny", "/v1/collections/us%20rs/docs/x%0D%0Ay"),
        ] {
            assert_eq!(location(scope, key), expected);
        }
    }
}

//! Writing and removing one document: PUT, POST, DELETE.

use crate::base::clock::Clock;
use crate::base::json;
use crate::model::{Command, Condition, Deadline, Document, Effect, Key, Lsn, OnAbsent, Outcome, Rest, Scope, Tags};

use super::super::Api;
use super::super::body;
use super::super::call::{Call, Otherwise, key_of, not_creatable, scope_of};
use super::super::conditions;
use super::super::expiry;
use super::super::message::{Field, Piece, Response, Value};
use super::super::preference::Returned;
use super::super::problem::{Kind, Problem};
use super::super::query::Query;
use super::super::timestamp;
use super::location::location;
use super::{absent, condition_failed, deadline, document_key, push_deadline, uuid};

/// `PUT`: stores the body under the key; with `?only=ttl` changes the deadline alone.
///
/// # Errors
/// 400 with the offset for what is not JSON, 404 with `?only=ttl`, 412, 413, 503, 507.
pub fn put(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let (collection, key) = (call.collection_name()?, document_key(call, &query)?);
    let scope = scope_of(collection.as_deref())?;
    let key = key_of(&key)?;
    let condition = conditions::read(call.headers)?;
    if let Some(part) = query.value("only") {
        return deadline::set(api, call, &query, part, (scope, key), condition);
    }
    write(api, call, &query, (scope, key), condition)
}

/// `POST {base}`: stores the body under a new key, which sorts behind those made before (a UUID of version 7,
/// RFC 9562).
///
/// # Errors
/// As PUT.
pub fn post(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let collection = call.collection_name()?;
    let scope = scope_of(collection.as_deref())?;
    let mut condition = conditions::read(call.headers)?;
    // A new key is new: should it ever be there already, nothing is overwritten.
    condition.if_none_match.get_or_insert(Tags::Any);
    let key = new_key(api)?;
    write(api, call, &query, (scope, key_of(&key)?), condition)
}

fn new_key(api: &Api) -> Result<String, Problem> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| {
        Problem::new(Kind::KeyUnavailable, format!("the operating system gives no random numbers: {error}"))
            .hint("PUT under a key of your own")
    })?;
    Ok(uuid::v7(api.clock.now(), random))
}

fn write(
    api: &Api,
    call: &Call<'_>,
    query: &Query<'_>,
    (scope, key): (Scope<'_>, Key<'_>),
    condition: Condition,
) -> Result<Response, Otherwise> {
    // A time to live that does not fit is refused before the body is gathered; that of the call which has the body
    // counts, and so from when it is here.
    let expiry = expiry::read(query, api.clock.now())?;
    let document = body::with_json(call.body, api.document_limit(0), |text| Ok(Document::new(key, text)))?;
    let returned = Returned::read(call.headers);
    let shown = (returned == Returned::Representation).then(|| document.clone());
    let outcome = call.run(Command::Put { scope, document, expiry, condition, on_absent: on_absent(scope) })?;
    let Outcome { rest, effect: Effect::Written { version, deadline, replaced } } = outcome else {
        return Err(not_put(outcome, scope, key).into());
    };
    let written = Written { scope, key, version, deadline, is_new: replaced.is_none(), shown };
    Ok(written.reply(returned, &*api.clock).resting_on(rest))
}

/// A document that was written, as its writer is told of it.
pub(super) struct Written<'a> {
    /// Where.
    pub(super) scope: Scope<'a>,
    /// Which.
    pub(super) key: Key<'a>,
    /// Its version.
    pub(super) version: Lsn,
    /// When it expires.
    pub(super) deadline: Deadline,
    /// True when there was none before.
    pub(super) is_new: bool,
    /// What was written, for who wants to see it.
    pub(super) shown: Option<Document>,
}

impl Written<'_> {
    /// The reply to who wants so much of it `returned`.
    pub(super) fn reply(self, returned: Returned, clock: &dyn Clock) -> Response {
        let Written { scope, key, version, deadline, is_new, shown } = self;
        let mut response = match (returned, shown) {
            (Returned::Minimal, _) => {
                let mut response = Response::new(204);
                response.push_field(Field::EntityTag(version.0));
                push_deadline(&mut response, deadline, clock);
                response
            }
            (_, Some(document)) => shown_whole(clock, document, version, deadline),
            (_, None) => receipt(key, version, deadline),
        };
        if is_new {
            response.status = 201;
            response.push("Location", Value::Text(location(scope, key.as_str())));
        }
        returned.announce(&mut response);
        response
    }
}

/// Why a document was not put, where it may be a new one.
pub(super) fn not_put(outcome: Outcome, scope: Scope<'_>, key: Key<'_>) -> Problem {
    match outcome.effect {
        Effect::CollectionAbsent => not_creatable().resting_on(outcome.rest),
        effect => unwritten(effect, scope, key.as_str(), outcome.rest),
    }
}

/// Bytes of the reply to a write besides its key.
const WRITTEN_ROOM_BYTES: usize = 96;

/// The reply to a write: what the document is called now.
pub(super) fn receipt(key: Key<'_>, version: Lsn, deadline: Deadline) -> Response {
    let mut body = Vec::with_capacity(key.as_bytes().len() + WRITTEN_ROOM_BYTES);
    push_called(&mut body, key, version, deadline);
    body.extend_from_slice(b"}\n");
    let mut response = Response::new(200);
    response.push_field(Field::Json);
    response.push_field(Field::EntityTag(version.0));
    response.push_piece(Piece::Owned(body));
    response
}

/// Appends an object without its end: what a document is called, which version it has, when it expires.
pub(super) fn push_called(out: &mut Vec<u8>, key: Key<'_>, version: Lsn, deadline: Deadline) {
    out.extend_from_slice(b"{\"key\":");
    json::escape_into(out, key.as_str());
    out.extend_from_slice(b",\"version\":");
    out.extend_from_slice(itoa::Buffer::new().format(version.0).as_bytes());
    timestamp::push_expiry(out, deadline);
}

/// A document as the reply to what was done with it.
fn shown_whole(clock: &dyn Clock, document: Document, version: Lsn, deadline: Deadline) -> Response {
    let mut response = Response::new(200);
    response.push_field(Field::Json);
    response.push_field(Field::EntityTag(version.0));
    push_deadline(&mut response, deadline, clock);
    response.push_piece(Piece::Document(document));
    response
}

/// Only plain names are created here; the others may exist, made by the seed's endpoints or its files.
pub fn on_absent(scope: Scope<'_>) -> OnAbsent {
    match scope {
        Scope::Collection(name) if !name.is_plain() => OnAbsent::Refuse,
        _ => OnAbsent::Create,
    }
}

/// `DELETE`: removes the document; who prefers `return=representation` gets what it was.
///
/// # Errors
/// 404, 412, 503.
pub fn delete(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    delete_one(api, call, &call.parameters()?)
}

/// As `delete`, with the query read.
pub(super) fn delete_one(api: &Api, call: &Call<'_>, query: &Query<'_>) -> Result<Response, Otherwise> {
    let (collection, key) = (call.collection_name()?, document_key(call, query)?);
    let scope = scope_of(collection.as_deref())?;
    let condition = conditions::read(call.headers)?;
    let returned = Returned::read(call.headers);
    let outcome = call.run(Command::Delete { scope, key: key_of(&key)?, condition })?;
    let Outcome { rest, effect: Effect::Removed(removed) } = outcome else {
        return Err(unwritten(outcome.effect, scope, &key, outcome.rest).into());
    };
    let mut response = match returned {
        Returned::Representation => shown_whole(&*api.clock, removed.document, removed.version, removed.deadline),
        Returned::Minimal | Returned::Receipt => Response::new(204),
    };
    returned.announce(&mut response);
    Ok(response.resting_on(rest))
}

/// Why a write was not made.
pub(super) fn unwritten(effect: Effect, scope: Scope<'_>, key: &str, rest: Rest) -> Problem {
    match effect {
        Effect::ConditionFailed { current } => condition_failed(current, rest),
        Effect::ConditionRequired => conditions::required(rest),
        effect => absent(effect, scope, key, rest),
    }
}

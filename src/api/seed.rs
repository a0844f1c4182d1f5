//! The seed's endpoints, frozen: their paths, their envelope, their messages.

use std::borrow::Cow;

use crate::base::json;
use crate::base::limits::ENVELOPE_BYTES_MAX;
use crate::model::{
    CollectionSummary, Command, Condition, Document, Effect, Entries, KeyRange, Listed, OnAbsent, OptionChanges, Rest,
    Scope,
};

use super::Api;
use super::body;
use super::call::{Call, Otherwise, key_of, name_of, scope_of};
use super::conditions;
use super::envelope::{self, NotASetBody, Success};
use super::expiry;
use super::message::{BodyStream, Part, Piece, Pulled, Response, ResponseBody, Value};
use super::problem::{Kind, Problem};
use super::target::{DecodeFault, Plus, decode, pairs};

/// Bytes of a part of a listing before it is handed on, and entries of it, live or expired.
const PART_BYTES: usize = 32 * 1024;
const PART_ENTRIES: usize = 1024;

/// `POST /set` and `POST /collections/{c}/set`.
///
/// # Errors
/// 400 with the seed's messages, 413, 503, 507.
pub fn set(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let collection = seed_collection(call)?;
    let scope = scope_of(collection.as_deref())?;
    let limit = api.document_limit(ENVELOPE_BYTES_MAX);
    let read = body::with_json(call.body, limit, |text| {
        let body = envelope::read_set_body(text).map_err(|NotASetBody| invalid_body())?;
        if body.key.is_empty() {
            return Err(Problem::new(Kind::KeyEmpty, "Key cannot be empty"));
        }
        let Some(value) = body.value else {
            return Err(Problem::new(Kind::EnvelopeInvalid, "Value cannot be empty (e.g., use {} or [])"));
        };
        if value.len() > limit.document_bytes_max {
            return Err(limit.too_large(Some(value.len())));
        }
        let expiry = expiry::from_seed_seconds(body.ttl_seconds, api.clock.now())?;
        Ok((Document::new(key_of(&body.key)?, value), expiry))
    });
    let (document, expiry) = read.map_err(|otherwise| match otherwise {
        Otherwise::Problem(problem) if problem.kind() == Kind::JsonInvalid => invalid_body().into(),
        otherwise => otherwise,
    })?;
    let text = format!("Data saved for Key='{}' in {}", document.key().as_str(), place(scope));
    let (condition, on_absent) = (Condition::default(), OnAbsent::Create);
    let outcome = call.run(Command::Put { scope, document, expiry, condition, on_absent })?;
    refuse_unconditional(&outcome.effect, outcome.rest)?;
    Ok(envelope::reply(200, envelope::message(Success::Yes, &text)).resting_on(outcome.rest))
}

/// The seed's endpoints know no conditions: a collection that requires them is written to by the resource API only.
fn refuse_unconditional(effect: &Effect, rest: Rest) -> Result<(), Problem> {
    match effect {
        Effect::ConditionRequired => Err(conditions::required(rest)),
        _ => Ok(()),
    }
}

fn invalid_body() -> Problem {
    Problem::new(Kind::EnvelopeInvalid, "Invalid JSON request body or unknown fields")
}

/// `GET /get?key=` and `GET /collections/{c}/get?key=`.
///
/// # Errors
/// 400, 404.
pub fn get(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let collection = seed_collection(call)?;
    let scope = scope_of(collection.as_deref())?;
    let key = seed_key(call.query)?;
    let key = key_of(&key)?;
    let outcome = call.run(Command::Get { scope, key })?;
    let Effect::Found(entry) = outcome.effect else {
        let text = format!("Key '{}' not found or expired in {}", key.as_str(), place(scope));
        return Err(Problem::new(Kind::KeyNotFound, text).resting_on(outcome.rest).into());
    };
    let mut head = envelope::open_data(match scope {
        Scope::Main => "Data retrieved successfully from main store",
        Scope::Collection(_) => "Data retrieved successfully",
    });
    head.extend_from_slice(b"{\"key\":");
    json::escape_into(&mut head, key.as_str());
    head.extend_from_slice(b",\"value\":");
    Ok(envelope::reply(200, head)
        .with_piece(Piece::Document(entry.document))
        .with_piece(Piece::Static(b"}}\n"))
        .resting_on(outcome.rest))
}

/// `DELETE /delete?key=` and `DELETE /collections/{c}/delete?key=`; deleting what is not there succeeds too.
///
/// # Errors
/// 400, 503.
pub fn delete(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let collection = seed_collection(call)?;
    let scope = scope_of(collection.as_deref())?;
    let key = seed_key(call.query)?;
    let key = key_of(&key)?;
    let outcome = call.run(Command::Delete { scope, key, condition: Condition::default() })?;
    refuse_unconditional(&outcome.effect, outcome.rest)?;
    let text = format!("Key '{}' deleted from {}", key.as_str(), place(scope));
    Ok(envelope::reply(200, envelope::message(Success::Yes, &text)).resting_on(outcome.rest))
}

/// `POST /collections/{c}`.
///
/// # Errors
/// 400, 503, 507.
pub fn create_collection(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let name = seed_collection(call)?.unwrap_or_default();
    let outcome = call.run(Command::CreateCollection { name: name_of(&name)?, options: OptionChanges::NONE })?;
    let text = format!("Collection '{name}' ensured and persisted on disk.");
    Ok(envelope::reply(201, envelope::message(Success::Yes, &text)).resting_on(outcome.rest))
}

/// `DELETE /collections/{c}`; dropping what is not there succeeds too.
///
/// # Errors
/// 400, 503.
pub fn drop_collection(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let name = seed_collection(call)?.unwrap_or_default();
    let outcome = call.run(Command::DropCollection { name: name_of(&name)? })?;
    let text = format!("Collection '{name}' deleted from memory and disk.");
    Ok(envelope::reply(200, envelope::message(Success::Yes, &text)).resting_on(outcome.rest))
}

/// `GET /collections`: the names, sorted.
///
/// # Errors
/// None of its own.
pub fn list_collections(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let outcome = call.run(Command::ListCollections { after: None, at_most: None })?;
    let mut data = b"[".to_vec();
    if let Effect::Collections(found) = outcome.effect {
        for (index, CollectionSummary { name, .. }) in found.iter().enumerate() {
            if index > 0 {
                data.push(b',');
            }
            envelope::escape_as_go_into(&mut data, name);
        }
    }
    data.push(b']');
    let body = envelope::with_data("Collections retrieved successfully", &data);
    Ok(envelope::reply(200, body).resting_on(outcome.rest))
}

/// `GET /collections/{c}/list`: every live document, by key, made while it is sent.
///
/// # Errors
/// 400, 404.
pub fn list(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let collection = seed_collection(call)?;
    let name = collection.as_deref().unwrap_or_default();
    let outcome =
        call.run(Command::Scan { scope: Scope::Collection(name_of(name)?), range: KeyRange::ALL, at_most: None })?;
    let Effect::Scanned(entries) = outcome.effect else {
        let text = format!("Collection '{name}' not found.");
        return Err(Problem::new(Kind::CollectionNotFound, text).resting_on(outcome.rest).into());
    };
    let mut text = envelope::open_data(&format!("Items from collection '{name}' retrieved successfully"));
    text.push(b'{');
    let mut response =
        Response::new(200).with("Content-Type", Value::Static(envelope::CONTENT_TYPE)).resting_on(outcome.rest);
    response.body = ResponseBody::Stream(Box::new(Listing { text, entries, state: ListingState::FirstEntry }));
    Ok(response)
}

struct Listing {
    /// What comes before the next document; begins as the head of the envelope.
    text: Vec<u8>,
    entries: Box<dyn Entries>,
    state: ListingState,
}

#[derive(PartialEq, Eq)]
enum ListingState {
    FirstEntry,
    Entries,
}

impl BodyStream for Listing {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        let mut pulled = Pulled::More;
        let start = part.len();
        for _ in 0..PART_ENTRIES {
            let entry = match self.entries.next() {
                Some(Listed::Live(entry)) => entry,
                Some(Listed::Expired) => continue,
                None => {
                    self.text.extend_from_slice(b"}}\n");
                    pulled = Pulled::Ended;
                    break;
                }
            };
            if self.state == ListingState::Entries {
                self.text.push(b',');
            }
            envelope::escape_as_go_into(&mut self.text, entry.document.key().as_str());
            self.text.push(b':');
            part.push_bytes(&self.text);
            self.text.clear();
            part.push_document(entry.document);
            self.state = ListingState::Entries;
            if part.len() - start >= PART_BYTES {
                break;
            }
        }
        part.push_bytes(&self.text);
        self.text.clear();
        part.show(self.entries.rests_on());
        pulled
    }
}

/// What the seed calls the place in its messages.
fn place(scope: Scope<'_>) -> String {
    match scope {
        Scope::Main => "main store".to_owned(),
        Scope::Collection(name) => format!("collection '{}'", name.as_str()),
    }
}

/// The collection in the path; empty is the seed's own message.
fn seed_collection<'a>(call: &Call<'a>) -> Result<Option<Cow<'a, str>>, Problem> {
    match call.collection_name()? {
        Some(name) if name.is_empty() => {
            Err(Problem::new(Kind::CollectionNameInvalid, "Collection name cannot be empty"))
        }
        name => Ok(name),
    }
}

/// The first `key` of the query, read as Go reads it: a pair that cannot be decoded, or holds a semicolon, is skipped.
///
/// # Errors
/// No such pair or an empty one; a key that is not UTF-8.
fn seed_key(query: &str) -> Result<Cow<'_, str>, Problem> {
    for (name, value) in pairs(query).filter(|(name, value)| !name.contains(';') && !value.contains(';')) {
        if decode(name, Plus::Space).as_deref() != Ok("key") {
            continue;
        }
        match decode(value, Plus::Space) {
            Ok(key) if key.is_empty() => break,
            Ok(key) => return Ok(key),
            Err(DecodeFault::Escape(_)) => {}
            Err(DecodeFault::Utf8(offset)) => {
                let text = format!("'key' query parameter is not UTF-8 at byte {offset}");
                return Err(Problem::new(Kind::Utf8Invalid, text));
            }
        }
    }
    Err(Problem::new(Kind::KeyEmpty, "'key' query parameter is required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_read_from_the_query_as_go_reads_it() {
        for (query, key) in [
            ("key=a", Some("a")),
            ("x=1&key=a+b%2B", Some("a b+")),
            ("key=a&key=b", Some("a")),
            ("key=%zz&key=b", Some("b")),
            ("key=a;b&key=c", Some("c")),
            ("key=&key=b", None),
            ("key=%zz", None),
            ("KEY=a", None),
            ("", None),
        ] {
            assert_eq!(seed_key(query).ok().as_deref(), key, "{query}");
        }
        assert_eq!(seed_key("key=%ff").unwrap_err().kind(), Kind::Utf8Invalid);
    }
}

//! Collections in the resource API: listed, described, created with options, dropped.

use std::fmt::Write;
use std::time::Duration;

use crate::base::duration::GoDuration;
use crate::base::json;
use crate::model::{
    CollectionName, CollectionOptions, CollectionSummary, Command, Effect, OptionChanges, Outcome, Rest,
};

use super::Api;
use super::body;
use super::call::{Call, Otherwise, name_of, no_such_collection, not_creatable};
use super::expiry;
use super::message::{RequestBody, Response, Value};
use super::problem::{Kind, Problem};
use super::query::meant;
use super::target::encode_into;

/// The members of a body with options.
const OPTIONS: [&str; 2] = ["default_ttl", "require_conditional"];

/// `GET /v1/collections`: a page of them with their figures, in byte order of their names. The cursor is the last name of
/// the page before.
///
/// # Errors
/// 400 for a limit or a cursor that is none.
pub fn list(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let limit = query.page_limit()?;
    let after = query.value("cursor").map(name_of).transpose()?;
    // One more than is shown tells whether there is another page.
    let Outcome { rest, effect } = call.run(Command::ListCollections { after, at_most: Some(limit + 1) })?;
    let mut found = if let Effect::Collections(found) = effect { found } else { Vec::new() };
    let has_more = found.len() > limit;
    found.truncate(limit);
    let mut body = b"{\"collections\":[".to_vec();
    for (index, summary) in found.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        push_summary(&mut body, summary);
    }
    body.push(b']');
    let mut link = None;
    if let Some(last) = found.last().filter(|_| has_more) {
        body.extend_from_slice(b",\"cursor\":");
        json::escape_into(&mut body, &last.name);
        let mut next = format!("</v1/collections?limit={limit}&cursor=");
        encode_into(&mut next, &last.name, b"");
        next.push_str(">; rel=\"next\"");
        link = Some(next);
    }
    body.extend_from_slice(b"}\n");
    let mut response = Response::json(200, body).resting_on(rest);
    if let Some(link) = link {
        response.push("Link", Value::Text(link));
    }
    Ok(response)
}

/// `GET /v1/collections/{c}`: its options and figures.
///
/// # Errors
/// 404.
pub fn describe(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let name = call.collection_name()?.unwrap_or_default();
    let Outcome { rest, effect } = call.run(Command::DescribeCollection { name: name_of(&name)? })?;
    let Effect::Collection(summary) = effect else { return Err(absent(&name, rest).into()) };
    let mut body = Vec::new();
    push_summary(&mut body, &summary);
    body.push(b'\n');
    Ok(Response::json(200, body).resting_on(rest))
}

/// `POST /v1/collections/{c}`: creates it, and sets the options that the body names; the others stay as they are.
///
/// # Errors
/// 400 for a name that a new collection cannot have, or options that there are not; 413, 503, 507.
pub fn create(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let name = call.collection_name()?.unwrap_or_default();
    let name = name_of(&name)?;
    let options = match call.body {
        RequestBody::Bytes(&[]) => OptionChanges::NONE,
        body => body::with_json(body, api.document_limit(0), read_options)?,
    };
    if !name.is_plain() {
        refuse_unless_there(call, name)?;
    }
    let Outcome { rest, effect } = call.run(Command::CreateCollection { name, options })?;
    let Effect::CollectionEnsured { created, options } = effect else { return Err(absent(name.as_str(), rest).into()) };
    let mut body = b"{\"name\":".to_vec();
    json::escape_into(&mut body, name.as_str());
    push_options(&mut body, options);
    body.extend_from_slice(b"}\n");
    let mut response = Response::json(if created { 201 } else { 200 }, body).resting_on(rest);
    if created {
        response.push("Location", Value::Text(format!("/v1/collections/{}", name.as_str())));
    }
    Ok(response)
}

/// Only plain names are created here; the others may exist, made by the seed's endpoints or its files.
fn refuse_unless_there(call: &Call<'_>, name: CollectionName<'_>) -> Result<(), Otherwise> {
    let Outcome { rest, effect } = call.run(Command::DescribeCollection { name })?;
    if matches!(effect, Effect::Collection(_)) {
        return Ok(());
    }
    Err(not_creatable().resting_on(rest).into())
}

/// `DELETE /v1/collections/{c}`: drops it with its documents.
///
/// # Errors
/// 404, 503.
pub fn delete(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    let name = call.collection_name()?.unwrap_or_default();
    let Outcome { rest, effect } = call.run(Command::DropCollection { name: name_of(&name)? })?;
    match effect {
        Effect::CollectionDropped { existed: true } => Ok(Response::new(204).resting_on(rest)),
        _ => Err(absent(&name, rest).into()),
    }
}

/// The options that `text`, which is JSON, names.
///
/// # Errors
/// `collection_options_invalid`.
pub fn read_options(text: &[u8]) -> Result<OptionChanges, Problem> {
    let invalid = |detail: &str| Problem::new(Kind::CollectionOptionsInvalid, detail);
    let members = json::members(text).ok_or_else(|| {
        invalid("options are an object").hint("{\"default_ttl\":\"30s\",\"require_conditional\":true}")
    })?;
    let mut changes = OptionChanges::NONE;
    for member in members {
        let name = json::unescape(member.name).map_err(|_| invalid("the name of an option is no text"))?;
        match name.as_ref() {
            "default_ttl" => changes.default_ttl_ms = Some(read_ttl(member.value)?),
            "require_conditional" => {
                changes.require_conditional = Some(match member.value {
                    b"true" => true,
                    b"false" => false,
                    _ => return Err(invalid("require_conditional is neither true nor false")),
                });
            }
            unknown => {
                let problem = invalid(&format!("a collection has no option {unknown:?}"));
                return Err(problem.hint(meant(unknown, &OPTIONS)));
            }
        }
    }
    Ok(changes)
}

/// A number of seconds, a text as in `?ttl=`, or null for none.
fn read_ttl(value: &[u8]) -> Result<Option<u64>, Problem> {
    let invalid = || Problem::new(Kind::CollectionOptionsInvalid, "default_ttl is no time to live");
    let text = match value.first() {
        Some(b'n') => return Ok(None),
        Some(b'"') => json::unescape(value).map_err(|_| invalid())?,
        Some(b'-' | b'0'..=b'9') => String::from_utf8_lossy(value),
        _ => return Err(invalid().hint("write \"30s\", \"1h30m\", a number of seconds, or null for none")),
    };
    match text.as_ref() {
        "never" => Ok(None),
        text => expiry::ttl_millis("default_ttl", text)
            .map(Some)
            .map_err(|problem| problem.classified(Kind::CollectionOptionsInvalid)),
    }
}

fn push_summary(body: &mut Vec<u8>, summary: &CollectionSummary) {
    let CollectionSummary { name, created, options, documents, key_and_value_bytes } = summary;
    body.extend_from_slice(b"{\"name\":");
    json::escape_into(body, name);
    body.extend_from_slice(format!(",\"documents\":{documents},\"bytes\":{key_and_value_bytes}").as_bytes());
    push_options(body, *options);
    body.extend_from_slice(format!(",\"created\":{created}}}").as_bytes());
}

/// Appends the options as members, each behind a comma; a time to live in the spelling that `?ttl=` takes.
fn push_options(body: &mut Vec<u8>, options: CollectionOptions) {
    let mut text = String::new();
    if let Some(ttl_ms) = options.default_ttl_ms {
        let ttl = GoDuration::from(Duration::from_millis(ttl_ms));
        write!(text, ",\"default_ttl\":\"{ttl}\"").expect("a text takes any text");
    }
    write!(text, ",\"require_conditional\":{}", options.require_conditional).expect("a text takes any text");
    body.extend_from_slice(text.as_bytes());
}

fn absent(name: &str, rest: Rest) -> Problem {
    no_such_collection(name).resting_on(rest)
}

//! `POST /v1/import`: takes the lines of an export, one by one: with `mode=merge` beside what is there, with
//! `mode=replace` in place of it.
//!
//! A document gets a new version and keeps its deadline; one that has expired since is left out. A collection gets the
//! options that its line names. A merge is no transaction: a line that cannot be taken ends it, and the answer says with
//! its number how much was taken before. A replacement is one: until its end nobody sees anything of it, and what breaks
//! it off leaves all as it was.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::json::{self, Member};
use crate::base::limits::{ENVELOPE_BYTES_MAX, TTL_MS_MAX};
use crate::model::{
    Command, Condition, Deadline, Document, Effect, Execute, Expiry, OnAbsent, Outcome, Rest, Scope, Tags,
};

use super::super::Api;
use super::super::audit::Audit;
use super::super::body::{self, Limit};
use super::super::call::{Call, Otherwise, key_of, known_name, known_scope, name_of, scope_of};
use super::super::collections::read_options;
use super::super::lines::{ByLine, Consume, Consumed};
use super::super::message::Response;
use super::super::problem::{Kind, Problem};
use super::super::timestamp;
use super::staging::Staging;

/// `POST /v1/import`
///
/// Who replaces everything leaves a line in the log.
///
/// # Errors
/// `parameter_invalid` for another mode; what keeps a replacement from beginning; all else is said when the body has ended.
pub fn post(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    match call.parameters()?.value("mode") {
        None | Some("merge") => Err(stream(api, call, None)),
        Some("replace") => {
            let audit = Audit::of(call.grant, "POST /v1/import?mode=replace".to_owned());
            audit.follow(Staging::begin(call).and_then(|staging| Err(stream(api, call, Some(staging)))))
        }
        Some(mode) => {
            let detail = format!("mode={mode} is none: merge keeps what is not in the body, replace does not");
            Err(Problem::new(Kind::ParameterInvalid, detail).into())
        }
    }
}

/// What takes the lines; with `staging` it goes there.
fn stream(api: &Api, call: &Call<'_>, staging: Option<Staging>) -> Otherwise {
    // As a string a document may be twice as long: of JSON only quotes, backslashes and white space are escaped, each to two.
    let limit = api.document_limit(api.options.document_bytes_max.saturating_add(ENVELOPE_BYTES_MAX));
    let import = Import {
        execute: Arc::clone(call.execute),
        staging,
        clock: Arc::clone(&api.clock),
        limit,
        documents: 0,
        collections: 0,
        expired: 0,
        rest: Rest::NOTHING,
    };
    Otherwise::Stream(Box::new(ByLine::new(import, limit, None)))
}

/// An import in progress.
struct Import {
    execute: Arc<dyn Execute>,
    /// Where it goes until its end, when it takes the place of everything.
    staging: Option<Staging>,
    clock: Arc<dyn Clock>,
    /// How large a document may be.
    limit: Limit,
    documents: u64,
    collections: u64,
    expired: u64,
    rest: Rest,
}

/// The members of a line, as written.
#[derive(Default)]
struct Members<'l> {
    collection: Option<&'l [u8]>,
    options: Option<&'l [u8]>,
    key: Option<&'l [u8]>,
    expires_at: Option<&'l [u8]>,
    value: Option<&'l [u8]>,
    /// The document as a string.
    text: Option<&'l [u8]>,
    /// The first name that none of these has, and that is not `version`.
    unknown: Option<&'l [u8]>,
}

impl Consume for Import {
    fn line(&mut self, line: &[u8], _: u64) -> Consumed {
        self.take(line).map_or_else(Consumed::from, |()| Consumed::TAKEN)
    }

    fn reply(&mut self) -> Option<Response> {
        match self.staging.as_ref().map(Staging::replace) {
            None => {}
            Some(Ok(outcome)) => self.rest = outcome.rest,
            Some(Err(Otherwise::Problem(problem))) => return Some(self.cut_off(problem)),
            Some(Err(_)) => return None,
        }
        let Import { documents, collections, expired, rest, .. } = *self;
        let body = format!("{{\"documents\":{documents},\"collections\":{collections},\"expired\":{expired}}}\n");
        Some(Response::json(200, body.into_bytes()).resting_on(rest))
    }

    fn cut_off(&mut self, problem: Problem) -> Response {
        // Of a replacement nothing is there, and nothing is left.
        let documents = if self.staging.take().is_some() { 0 } else { self.documents };
        problem.number("documents", documents).resting_on(self.rest).into_response()
    }
}

impl Import {
    fn take(&mut self, line: &[u8]) -> Result<(), Otherwise> {
        let members = members(line)?;
        let collection = members.collection.map(|raw| text("collection", raw)).transpose()?;
        let named = scope_of(collection.as_deref())?;
        let staged = self.staging.as_ref().map(|staging| staging.name_of(collection.as_deref()));
        let scope = staged.as_deref().map_or(named, |staged| known_scope(Some(staged)));
        match (members.key, members.document()?, members.options, collection.as_deref()) {
            (Some(key), Some(value), None, _) => {
                let key = text("key", key)?;
                if value.len() > self.limit.document_bytes_max {
                    return Err(self.limit.too_large(Some(value.len())).into());
                }
                self.put(scope, Document::new(key_of(&key)?, &value), members.expires_at)
            }
            (None, None, Some(options), Some(name)) => {
                let name = staged.as_deref().map_or_else(|| name_of(name), |staged| Ok(known_name(staged)))?;
                let options = read_options(options)?;
                self.execute(Command::CreateCollection { name, options })?;
                self.collections += 1;
                Ok(())
            }
            _ => Err(invalid("a line has key and value (or text), or collection and options").into()),
        }
    }

    fn put(&mut self, scope: Scope<'_>, document: Document, expires_at: Option<&[u8]>) -> Result<(), Otherwise> {
        let deadline = match expires_at.map(|raw| text("expires_at", raw)).transpose()? {
            None => Deadline::NEVER,
            Some(text) => {
                let moment = timestamp::parse(&text).ok_or_else(|| invalid("expires_at is no moment"))?;
                match moment.since(self.clock.now()) {
                    0 => {
                        self.expired += 1;
                        return Ok(());
                    }
                    1..=TTL_MS_MAX => Deadline::at(moment),
                    _ => return Err(invalid("expires_at is more than 100 years away").into()),
                }
            }
        };
        // Not on any of no versions: it always holds, also where a write must carry a condition.
        let condition = Condition { if_match: None, if_none_match: Some(Tags::Listed(Vec::new())) };
        let (expiry, on_absent) = (Expiry::Set(deadline), OnAbsent::Create);
        self.execute(Command::Put { scope, document, expiry, condition, on_absent })?;
        self.documents += 1;
        Ok(())
    }

    fn execute(&mut self, command: Command<'_>) -> Result<Effect, Otherwise> {
        let Outcome { rest, effect } = self.execute.execute(command)?;
        if rest.lsn() >= self.rest.lsn() {
            self.rest = rest;
        }
        Ok(effect)
    }
}

impl<'l> Members<'l> {
    fn take(&mut self, Member { name, value, .. }: Member<'l>) {
        let unless_null = Some(value).filter(|value| *value != b"null");
        match name {
            b"\"value\"" => self.value = Some(value),
            b"\"text\"" => self.text = Some(value),
            b"\"collection\"" => self.collection = unless_null,
            b"\"options\"" => self.options = Some(value),
            b"\"key\"" => self.key = Some(value),
            b"\"expires_at\"" => self.expires_at = unless_null,
            // Versions are given anew.
            b"\"version\"" => {}
            unknown => _ = self.unknown.get_or_insert(unknown),
        }
    }

    /// The text of the document, which is JSON, if the line has one.
    fn document(&self) -> Result<Option<Cow<'l, [u8]>>, Problem> {
        match (self.value, self.text) {
            (Some(_), Some(_)) => Err(invalid("a line has value or text, which stand for the same")),
            (value, None) => Ok(value.map(Cow::Borrowed)),
            (None, Some(raw)) => {
                let value = text("text", raw)?.into_owned().into_bytes();
                body::validate(&value)?;
                Ok(Some(Cow::Owned(json::trim(&value).to_vec())))
            }
        }
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::ImportInvalid, detail)
}

fn members(line: &[u8]) -> Result<Members<'_>, Problem> {
    let mut found = Members::default();
    let is_object = body::read_members(line, |member| found.take(member))?;
    match found.unknown {
        _ if !is_object => Err(invalid("a line is an object")),
        Some(name) => Err(invalid(format!("a line has no member {}", String::from_utf8_lossy(name)))),
        None => Ok(found),
    }
}

fn text<'l>(name: &str, raw: &'l [u8]) -> Result<Cow<'l, str>, Problem> {
    if !raw.starts_with(b"\"") {
        return Err(invalid(format!("{name} is a text")));
    }
    json::unescape(raw).map_err(|_| invalid(format!("{name} escapes half of a surrogate pair, which is no text")))
}

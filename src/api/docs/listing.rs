//! `GET {base}`: documents in byte order of their keys, a page at a time, or how many there are.
//!
//! A cursor is the last key of the page before it. So nothing is kept between two pages, whatever is written meanwhile
//! is seen or not, and no key comes twice.

use std::borrow::Cow;

use crate::base::json;
use crate::base::limits::{COUNT_MAX, PAGE_ITEMS_MAX};
use crate::model::{Command, Effect, Entries, Entry, KeyRange, Listed, Rest, Scope};

use super::super::accept::ListForm;
use super::super::call::{Call, Otherwise, key_of, known_scope, scope_of};
use super::super::message::{Field, Method, Part, Response, Step, Value, Work};
use super::super::one_line;
use super::super::problem::{Kind, Problem};
use super::super::query::Query;
use super::super::target::encode_into;
use super::absent;
use super::location::base;
use super::writing::push_called;

/// Documents that are looked at in a step, live or expired: a page is nearly always done in one.
const ENTRIES_PER_STEP: usize = 1024;

const _: () = assert!(PAGE_ITEMS_MAX < ENTRIES_PER_STEP);

/// A page that is asked for, and what was found for it so far.
struct Page {
    collection: Option<String>,
    prefix: String,
    limit: usize,
    with_values: bool,
    form: ListForm,
    entries: Box<dyn Entries>,
    items: Vec<Entry>,
    rest: Rest,
}

/// `GET {base}` without a key.
///
/// # Errors
/// 400 for a limit or a cursor that is none, 404 where there is no such collection; and the work that is left, where so
/// many documents have expired that the page is not made in one step.
pub(super) fn list(call: &Call<'_>, query: &Query<'_>) -> Result<Response, Otherwise> {
    let collection = call.collection_name()?;
    let scope = scope_of(collection.as_deref())?;
    let after = query.value("cursor");
    after.map(key_of).transpose()?;
    let prefix = query.value("prefix").unwrap_or_default();
    let range = KeyRange { prefix: prefix.as_bytes(), after: after.map(str::as_bytes) };
    if query.flag("count")? {
        return count(call, query, scope, range);
    }
    let (limit, with_values) = (query.page_limit()?, query.flag("values")?);
    let form = ListForm::read(call.headers);
    let outcome = call.run(Command::Scan { scope, range, at_most: Some(limit + 1) })?;
    let Effect::Scanned(entries) = outcome.effect else {
        return Err(absent(outcome.effect, scope, "", outcome.rest).into());
    };
    if call.method == Method::Head {
        return Ok(head(form).unmeasured().resting_on(outcome.rest));
    }
    let (prefix, rest, items) = (prefix.to_owned(), outcome.rest, Vec::new());
    let collection = collection.map(Cow::into_owned);
    let mut page = Page { collection, prefix, limit, with_values, form, entries, items, rest };
    match page.step() {
        Step::Done(response) => Ok(response),
        Step::More | Step::NoRoom => Err(Otherwise::Work(Box::new(page))),
    }
}

impl Work for Page {
    fn step(&mut self) -> Step {
        for _ in 0..ENTRIES_PER_STEP {
            match self.entries.next() {
                Some(Listed::Expired) => {}
                Some(Listed::Live(entry)) if self.items.len() < self.limit => self.items.push(entry),
                next => return Step::Done(self.reply(next.is_some())),
            }
        }
        Step::More
    }
}

impl Page {
    fn reply(&mut self, is_followed: bool) -> Response {
        let mut response = head(self.form);
        let last = if is_followed { self.items.last() } else { None };
        let cursor = last.map(|last| last.document.key().as_str().to_owned());
        if let Some(cursor) = &cursor {
            response.push("Link", Value::Text(format!("<{}>; rel=\"next\"", self.next(cursor))));
        }
        write(&mut response, std::mem::take(&mut self.items), cursor.as_deref(), self.form, self.with_values);
        response.resting_on(Rest::Seen(self.rest.lsn().max(self.entries.rests_on())))
    }

    /// The target of the page behind `cursor`.
    fn next(&self, cursor: &str) -> String {
        let mut target = base(known_scope(self.collection.as_deref()));
        target.push_str("?limit=");
        target.push_str(&self.limit.to_string());
        for (name, value) in [("prefix", self.prefix.as_str()), ("cursor", cursor)] {
            if !value.is_empty() {
                target.extend(["&", name, "="]);
                encode_into(&mut target, value, b"");
            }
        }
        if self.with_values {
            target.push_str("&values");
        }
        target
    }
}

/// The reply before anything is listed.
fn head(form: ListForm) -> Response {
    Response::new(200).with("Content-Type", Value::Static(form.content_type())).with_field(Field::NoCache)
}

fn write(response: &mut Response, items: Vec<Entry>, cursor: Option<&str>, form: ListForm, with_values: bool) {
    let mut part = Part::new();
    let (open, between) = match form {
        ListForm::Json => ("{\"items\":[", ","),
        ListForm::Lines => ("", "\n"),
    };
    let is_empty = items.is_empty();
    let mut text = open.as_bytes().to_vec();
    for (number, entry) in items.into_iter().enumerate() {
        if number > 0 {
            text.extend_from_slice(between.as_bytes());
        }
        push_called(&mut text, entry.document.key(), entry.version, entry.deadline);
        if with_values {
            match form {
                ListForm::Json => {
                    text.extend_from_slice(b",\"value\":");
                    part.push_bytes(&text);
                    text.clear();
                    part.push_document(entry.document);
                }
                ListForm::Lines => one_line::push_document(&mut part, &mut text, entry.document),
            }
        }
        text.push(b'}');
    }
    match form {
        ListForm::Lines if is_empty => {}
        ListForm::Lines => text.push(b'\n'),
        ListForm::Json => {
            text.push(b']');
            if let Some(cursor) = cursor {
                text.extend_from_slice(b",\"cursor\":");
                json::escape_into(&mut text, cursor);
            }
            text.extend_from_slice(b"}\n");
        }
    }
    part.push_bytes(&text);
    part.into_pieces().into_iter().for_each(|piece| response.push_piece(piece));
}

/// Counts documents, step by step and up to `COUNT_MAX`.
struct Count {
    entries: Box<dyn Entries>,
    counted: usize,
    /// The last one that was counted.
    last: Option<Entry>,
    rest: Rest,
}

fn count(call: &Call<'_>, query: &Query<'_>, scope: Scope<'_>, range: KeyRange<'_>) -> Result<Response, Otherwise> {
    if query.value("limit").is_some() || query.flag("values")? {
        let detail = "count takes neither limit nor values: nothing is listed";
        return Err(Problem::new(Kind::ParametersConflict, detail).into());
    }
    let outcome = call.run(Command::Scan { scope, range, at_most: None })?;
    let Effect::Scanned(entries) = outcome.effect else {
        return Err(absent(outcome.effect, scope, "", outcome.rest).into());
    };
    if call.method == Method::Head {
        return Ok(Response::json(200, Vec::new()).unmeasured().resting_on(outcome.rest));
    }
    Err(Otherwise::Work(Box::new(Count { entries, counted: 0, last: None, rest: outcome.rest })))
}

impl Work for Count {
    fn step(&mut self) -> Step {
        for _ in 0..ENTRIES_PER_STEP {
            match self.entries.next() {
                Some(Listed::Expired) => {}
                Some(Listed::Live(entry)) if self.counted < COUNT_MAX => {
                    self.counted += 1;
                    self.last = Some(entry);
                }
                next => return Step::Done(self.reply(next.is_some())),
            }
        }
        Step::More
    }
}

impl Count {
    fn reply(&self, more: bool) -> Response {
        let mut body = format!("{{\"count\":{}", self.counted).into_bytes();
        if let (true, Some(last)) = (more, &self.last) {
            body.extend_from_slice(b",\"more\":true,\"cursor\":");
            json::escape_into(&mut body, last.document.key().as_str());
        }
        body.extend_from_slice(b"}\n");
        Response::json(200, body)
            .with_field(Field::NoCache)
            .resting_on(Rest::Seen(self.rest.lsn().max(self.entries.rests_on())))
    }
}

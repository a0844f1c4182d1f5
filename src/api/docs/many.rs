//! `POST {base}:get`: many documents by their keys, in one request.
//!
//! Each is read by itself, at a moment of its own. The reply is made in steps, and holds large documents by reference.

use std::collections::HashSet;
use std::sync::Arc;

use crate::base::json;
use crate::base::limits::{KEY_LIST_BYTES_MAX, KEY_LIST_MAX};
use crate::model::{Command, Effect, Entry, Execute, Outcome};
use crate::patch::Pointer;

use super::super::Api;
use super::super::body::{self, Limit};
use super::super::call::{Call, Otherwise, key_of, known_scope, scope_of};
use super::super::message::{Field, Part, Response, Step, Work};
use super::super::problem::{Kind, Problem};
use super::absent;
use super::view;

/// Documents that are read in a step.
const READ_PER_STEP: usize = 256;

/// Bytes of documents that a step searches for a pointer, at most one document more: about a millisecond.
const SEARCHED_PER_STEP_BYTES: usize = 1 << 20;

/// `POST {base}:get`
///
/// # Errors
/// 400 for what is no list of keys or no pointer, 404 where there is no such collection, 413.
pub fn get_many(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let collection = call.collection_name()?;
    scope_of(collection.as_deref())?;
    let pointer = view::pointer(query.value("ptr"))?;
    let limit = Limit { document_bytes_max: KEY_LIST_BYTES_MAX, around_bytes_max: 0, option: None };
    let keys = body::with_json(call.body, limit, read_keys)?;
    let mut text = Part::new();
    text.push_bytes(b"{\"found\":{");
    let (execute, collection) = (Arc::clone(call.execute), collection.map(|name| name.into_owned()));
    let (keys, found, missing) = (keys.into_iter(), 0, Vec::new());
    Err(Otherwise::Work(Box::new(Search { execute, collection, keys, pointer, text, found, missing })))
}

/// The keys in `text`, each once, in their order.
fn read_keys(text: &[u8]) -> Result<Vec<String>, Problem> {
    let elements = json::elements(text).ok_or_else(|| no_keys("the body is not an array".to_owned()))?;
    let (mut keys, mut known) = (Vec::new(), HashSet::new());
    for (index, element) in elements.enumerate() {
        if index == KEY_LIST_MAX {
            return Err(Problem::new(Kind::TooManyKeys, format!("at most {KEY_LIST_MAX} keys are taken at once"))
                .hint("ask in parts")
                .size("limit", KEY_LIST_MAX));
        }
        if !element.starts_with(b"\"") {
            return Err(no_keys(format!("element {index} is not a string")));
        }
        let key = json::unescape(element)
            .map_err(|_| no_keys(format!("element {index} holds half of a surrogate pair, which no key does")))?;
        key_of(&key)?;
        if known.insert(key.clone().into_owned()) {
            keys.push(key.into_owned());
        }
    }
    Ok(keys)
}

fn no_keys(detail: String) -> Problem {
    Problem::new(Kind::KeysInvalid, detail).hint("send an array of strings: [\"user:1\",\"user:2\"]")
}

/// Documents that are looked for, with what has been found so far.
struct Search {
    execute: Arc<dyn Execute>,
    collection: Option<String>,
    /// Those that have not been looked for.
    keys: std::vec::IntoIter<String>,
    /// What is wanted of each document.
    pointer: Option<Pointer<'static>>,
    /// The reply up to here; what it shows is what it rests on.
    text: Part,
    /// How many were found.
    found: usize,
    /// The elements of `missing`, as they will stand in the reply.
    missing: Vec<u8>,
}

impl Work for Search {
    fn step(&mut self) -> Step {
        let mut searched_bytes = 0;
        for _ in 0..READ_PER_STEP {
            let Some(key) = self.keys.next() else { return Step::Done(self.reply()) };
            match self.read(&key) {
                Ok(bytes) => searched_bytes += bytes,
                Err(Otherwise::Problem(problem)) => return Step::Done(problem.into_response()),
                Err(_) => unreachable!("reading takes no room"),
            }
            if searched_bytes >= SEARCHED_PER_STEP_BYTES {
                break;
            }
        }
        Step::More
    }
}

impl Search {
    /// Looks for one document; gives the bytes that were searched.
    fn read(&mut self, text: &str) -> Result<usize, Otherwise> {
        let scope = known_scope(self.collection.as_deref());
        let Outcome { rest, effect } = self.execute.execute(Command::Get { scope, key: key_of(text)? })?;
        self.text.show(rest.lsn());
        match effect {
            Effect::Found(entry) => Ok(self.push(text, entry)),
            Effect::CollectionAbsent => Err(absent(Effect::CollectionAbsent, scope, text, rest).into()),
            _ => {
                self.push_missing(text);
                Ok(0)
            }
        }
    }

    /// Appends what is wanted of a document, or its key to what is missing; gives the bytes that were searched.
    fn push(&mut self, key: &str, entry: Entry) -> usize {
        let Some(pointer) = &self.pointer else {
            self.push_name(key);
            self.text.push_document(entry.document);
            return 0;
        };
        let bytes = entry.document.value().len();
        match pointer.find(entry.document.value()) {
            Some(range) => {
                self.push_name(key);
                self.text.push_slice(entry.document, range);
            }
            None => self.push_missing(key),
        }
        bytes
    }

    fn push_name(&mut self, key: &str) {
        let mut name = if self.found == 0 { Vec::new() } else { b",".to_vec() };
        json::escape_into(&mut name, key);
        name.push(b':');
        self.text.push_bytes(&name);
        self.found += 1;
    }

    fn push_missing(&mut self, key: &str) {
        if !self.missing.is_empty() {
            self.missing.push(b',');
        }
        json::escape_into(&mut self.missing, key);
    }

    fn reply(&mut self) -> Response {
        let mut text = std::mem::take(&mut self.text);
        text.push_bytes(b"},\"missing\":[");
        text.push_bytes(&self.missing);
        text.push_bytes(b"]}\n");
        let mut response = Response::new(200).with_field(Field::Json);
        response.push_field(Field::NoCache);
        response.rest = text.rest();
        text.into_pieces().into_iter().for_each(|piece| response.push_piece(piece));
        response
    }
}

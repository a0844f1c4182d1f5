//! `GET /v1/export`: everything as lines, in order of collection and key.
//!
//! A collection is a line with its options, and behind it a line for each of its documents; the main store comes first
//! and has no such line. It is no snapshot: what is written meanwhile is in it or not, each key at most once. A cursor
//! is `collection/key` of the last line that was read whole, and nothing is kept for it: the main store's name is empty,
//! and no other has a slash in it. Memory is what one scan has at hand, however much is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::json;
use crate::model::{CollectionSummary, Command, Effect, Entries, Execute, KeyRange, Listed, Outcome, Refusal};

use super::super::Api;
use super::super::call::{Call, Otherwise, key_of, known_name, known_scope, name_of, no_such_collection, scope_of};
use super::super::message::{BodyStream, Field, Part, Pulled, Response, ResponseBody, Value};
use super::super::problem::{Kind, Problem};
use super::line_writer::LineWriter;

/// Bytes of a part behind which it is handed on, and lines of it, expired documents included.
const PART_BYTES: usize = 32 << 10;
const PART_LINES: usize = 256;

/// Collections that are asked for at once.
const COLLECTIONS_AT_ONCE: usize = 64;

/// `GET /v1/export`
///
/// # Errors
/// `parameter_invalid` for a cursor that is none, what is wrong with its name or key, 404 for a collection that is asked
/// for and not there.
pub fn get(_: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let (collection, after) = query.value("cursor").map(read_cursor).transpose()?.unwrap_or_default();
    let mut wanted = wanted(call, query.values("collection"))?;
    // Of what is wanted, all before the cursor has been read.
    let is_wanted = wanted.as_mut().is_none_or(|wanted| {
        *wanted = wanted.split_off(&collection);
        wanted.remove(&collection)
    });
    let mut response = Response::new(200).with("Content-Type", Value::Static("application/x-ndjson"));
    response.push_field(Field::NoCache);
    response.body = ResponseBody::Stream(Box::new(Export {
        execute: Arc::clone(call.execute),
        collection,
        first: is_wanted.then_some(after),
        wanted,
        entries: None,
        listed: Vec::new().into_iter(),
        writer: LineWriter::default(),
    }));
    Ok(response)
}

/// The collections that are named (`None`: the main store); no set at all when none is, and all are wanted.
fn wanted<'n>(
    call: &Call<'_>,
    names: impl Iterator<Item = &'n str>,
) -> Result<Option<BTreeSet<Option<String>>>, Otherwise> {
    let mut wanted = BTreeSet::new();
    for name in names {
        if !name.is_empty() {
            let Outcome { rest, effect } = call.run(Command::DescribeCollection { name: name_of(name)? })?;
            if !matches!(effect, Effect::Collection(_)) {
                return Err(no_such_collection(name).resting_on(rest).into());
            }
        }
        // It would be refused when it is scanned; here it is refused before the first line.
        call.must_reach_all(scope_of((!name.is_empty()).then_some(name))?, "")?;
        wanted.insert((!name.is_empty()).then(|| name.to_owned()));
    }
    if wanted.is_empty() {
        call.must_reach_in_all_collections("")?;
    }
    Ok(Some(wanted).filter(|wanted| !wanted.is_empty()))
}

/// The collection (`None`: the main store) and the key (`None`: before the first) behind which an export goes on.
fn read_cursor(cursor: &str) -> Result<(Option<String>, Option<String>), Problem> {
    let (name, key) = cursor.split_once('/').ok_or_else(|| {
        Problem::new(Kind::ParameterInvalid, format!("cursor={cursor} has no slash between collection and key")).hint(
            "write COLLECTION/KEY of the last line that you have, with nothing before the slash for the main store",
        )
    })?;
    let owned = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (name, key) = (owned(name), owned(key));
    name.as_deref().map(name_of).transpose()?;
    key.as_deref().map(key_of).transpose()?;
    Ok((name, key))
}

/// An export in progress. Nothing is read before it is pulled.
struct Export {
    execute: Arc<dyn Execute>,
    /// What is being exported; `None` for the main store.
    collection: Option<String>,
    /// Before the first scan: the key behind which it begins, if any; `None` when it begins with the next collection.
    first: Option<Option<String>>,
    /// Those that come next; `None` for all.
    wanted: Option<BTreeSet<Option<String>>>,
    /// The documents that come next; `None` before the first scan and between two collections.
    entries: Option<Box<dyn Entries>>,
    /// The collections behind that one, as far as they were asked for.
    listed: std::vec::IntoIter<CollectionSummary>,
    writer: LineWriter,
}

impl BodyStream for Export {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        for _ in 0..PART_LINES {
            let next = self.entries.as_mut().map(|entries| (entries.next(), entries.rests_on()));
            match next {
                Some((Some(Listed::Live(entry)), rests_on)) => {
                    part.show(rests_on);
                    self.writer.push_document(part, self.collection.as_deref(), entry);
                }
                Some((Some(Listed::Expired), rests_on)) => part.show(rests_on),
                Some((None, rests_on)) => {
                    part.show(rests_on);
                    self.entries = None;
                }
                None => match self.begin_next(part) {
                    Ok(Pulled::Ended) => return Pulled::Ended,
                    Ok(_) => {}
                    Err(refusal) => return cut_short(part, &refusal),
                },
            }
            if part.len() >= PART_BYTES {
                break;
            }
        }
        Pulled::More
    }
}

impl Export {
    /// Begins with the documents of the place where the export begins, or of the collection that comes next.
    fn begin_next(&mut self, part: &mut Part) -> Result<Pulled, Refusal> {
        let after = match self.first.take() {
            Some(after) => after,
            None => match self.next_collection(part)? {
                Some(next) => {
                    self.writer.push_collection(part, &next);
                    self.collection = Some(next.name);
                    None
                }
                None => return Ok(Pulled::Ended),
            },
        };
        let scope = known_scope(self.collection.as_deref());
        let range = KeyRange { prefix: b"", after: after.as_deref().map(str::as_bytes) };
        let outcome = self.execute.execute(Command::Scan { scope, range, at_most: None })?;
        part.show(outcome.rest.lsn());
        // A collection that was dropped meanwhile has no documents.
        if let Effect::Scanned(entries) = outcome.effect {
            self.entries = Some(entries);
        }
        Ok(Pulled::More)
    }

    fn next_collection(&mut self, part: &mut Part) -> Result<Option<CollectionSummary>, Refusal> {
        if let Some(wanted) = &mut self.wanted {
            while let Some(next) = wanted.pop_first() {
                let Some(name) = next.as_deref().map(known_name) else { continue };
                let outcome = self.execute.execute(Command::DescribeCollection { name })?;
                part.show(outcome.rest.lsn());
                // One that was dropped meanwhile is left out.
                if let Effect::Collection(summary) = outcome.effect {
                    return Ok(Some(*summary));
                }
            }
            return Ok(None);
        }
        if self.listed.len() == 0 {
            let after = self.collection.as_deref().map(known_name);
            let outcome =
                self.execute.execute(Command::ListCollections { after, at_most: Some(COLLECTIONS_AT_ONCE) })?;
            part.show(outcome.rest.lsn());
            if let Effect::Collections(found) = outcome.effect {
                self.listed = found.into_iter();
            }
        }
        Ok(self.listed.next())
    }
}

/// The status has been sent, so that the last line says what stands in the way; an import refuses it.
fn cut_short(part: &mut Part, refusal: &Refusal) -> Pulled {
    let mut text = b"{\"cut_short\":".to_vec();
    json::escape_into(&mut text, &refusal.to_string());
    text.extend_from_slice(b"}\n");
    part.push_bytes(&text);
    Pulled::Ended
}

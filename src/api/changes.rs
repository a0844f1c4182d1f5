//! `GET /v1/changes`: what has changed, in the order in which it did, from any LSN on that is still kept.
//!
//! As lines it is a long poll: the reply ends with the first changes there are, so that whoever asks has them at once,
//! and asks again behind the last of them; or when its time is over, with a line that only says up to where. So the last
//! line always has the LSN to go on from. As server-sent events it goes on until one side has enough.
//! Invariant: what is told is a line or an event each, whatever line breaks a document holds (`one_line`). It does not know what is
//! kept, nor what may be shown: that is `Follow`'s.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, UnixMillis};
use crate::base::json;
use crate::base::limits::PAGE_ITEMS_MAX;
use crate::model::{Change, ChangesGone, Deadline, Deed, Follow, Lsn, NotFollowed};

use super::Api;
use super::accept::ChangesForm;
use super::call::{Call, Otherwise, known_scope, name_of};
use super::expiry::ttl_millis;
use super::message::{BodyStream, Field, Method, Part, Pulled, Response, ResponseBody, Value, Wake};
use super::one_line;
use super::problem::{Kind, Problem};
use super::query::Query;
use super::timestamp;

/// How long a long poll waits for a change, unless it is told.
const TIMEOUT_MS_DEFAULT: u64 = 30_000;

/// How often a silent stream of events says that it is there: more often than proxies cut it.
const HEARTBEAT_MS: u64 = 15_000;

/// Changes that are read at once.
const READ_AT_ONCE: usize = 64;

/// Changes that are looked at before others have their turn, told or not.
const LOOKED_AT_PER_PULL: usize = 1024;

/// Bytes behind which a part is sent.
const PART_BYTES: usize = 32 << 10;

/// `GET` and `HEAD`.
///
/// # Errors
/// 400 for parameters that cannot be read, 404 where the feed is off, 410 when changes that were asked for are not kept,
/// 429 when there are too many readers.
pub fn get(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    let query = call.parameters()?;
    let form = ChangesForm::read(call.headers);
    let filter = Filter::read(&query)?;
    filter.must_be_reached(call)?;
    let with_values = query.flag("values")?;
    let timeout = query.value("timeout").map(|text| ttl_millis("timeout", text)).transpose()?;
    let after = after(call, &query, form)?;
    // Before the reader is counted: whoever sees that it is there knows when its time began.
    let now = api.clock.now();
    let changes = api.changes.as_ref().ok_or_else(|| refused(NotFollowed::Off))?;
    let reader = Arc::clone(changes).follow(after).map_err(refused)?;
    let mut response = Response::new(200).with("Content-Type", Value::Static(form.content_type()));
    response.push_field(Field::NoCache);
    if call.method == Method::Head {
        return Ok(response.unmeasured());
    }
    let timeout = match form {
        ChangesForm::Lines => Some(timeout.unwrap_or(TIMEOUT_MS_DEFAULT)),
        ChangesForm::Events => timeout,
    };
    let ends_at = timeout.map_or(Deadline::NEVER, |millis| Deadline::at(now.plus(millis)));
    response.body = ResponseBody::Stream(Box::new(Telling {
        reader,
        clock: Arc::clone(&api.clock),
        form,
        filter,
        with_values,
        ends_at,
        beats_at: now,
        told: 0,
        read: Vec::with_capacity(READ_AT_ONCE),
    }));
    Ok(response)
}

/// The LSN to go on behind. A browser that connects again sends the same target, and what it has seen beside it.
fn after(call: &Call<'_>, query: &Query<'_>, form: ChangesForm) -> Result<Option<Lsn>, Problem> {
    let mut last_event = None;
    if form == ChangesForm::Events {
        call.headers.each("Last-Event-ID", &mut |value| last_event = Some(value.trim().to_owned()));
    }
    match (last_event.filter(|id| !id.is_empty()), query.value("since")) {
        (Some(id), _) => lsn("Last-Event-ID", &id).map(Some),
        (None, since) => since.map(|since| lsn("since", since)).transpose(),
    }
}

fn lsn(name: &str, text: &str) -> Result<Lsn, Problem> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        let detail = format!("{name}={text} is no LSN");
        return Err(Problem::new(Kind::ParameterInvalid, detail).hint("write the lsn of the last change that you have"));
    }
    // What is larger than any is above the newest.
    Ok(Lsn(text.parse().unwrap_or(u64::MAX)))
}

fn refused(why: NotFollowed) -> Problem {
    match why {
        NotFollowed::Off => Problem::new(Kind::ChangesOff, "this server keeps no changes")
            .hint("raise changes_entries_max and changes_bytes_max"),
        NotFollowed::Gone(ChangesGone { floor, newest }) => {
            let detail = format!("changes are kept behind {floor} and up to {newest}, and not all that you ask for");
            Problem::new(Kind::ChangesGone, detail)
                .hint("read everything anew, then follow the changes from before you began to")
                .number("floor", floor.0)
                .number("newest", newest.0)
        }
        NotFollowed::TooMany { limit } => {
            Problem::new(Kind::ChangesBusy, format!("there are {limit} readers of the changes already"))
                .hint("end one of them, or raise changes_connections_max")
                .size("limit", limit)
        }
    }
}

/// Which changes are told.
struct Filter {
    /// Only those of these collections, or of the main store (`None`); those of all where none is named.
    collections: Vec<Option<String>>,
    prefix: String,
}

impl Filter {
    fn read(query: &Query<'_>) -> Result<Filter, Problem> {
        let named = query.values("collection").map(|name| match name {
            "" => Ok(None),
            name => name_of(name).map(|name| Some(name.as_str().to_owned())),
        });
        let collections = named.collect::<Result<_, _>>()?;
        Ok(Filter { collections, prefix: query.value("prefix").unwrap_or_default().to_owned() })
    }

    /// What is told lies in the reach of who asks.
    fn must_be_reached(&self, call: &Call<'_>) -> Result<(), Problem> {
        if self.collections.is_empty() {
            return call.must_reach_in_all_collections(&self.prefix);
        }
        let mut scopes = self.collections.iter().map(|name| known_scope(name.as_deref()));
        scopes.try_for_each(|scope| call.must_reach_all(scope, &self.prefix))
    }

    /// The drop of a collection is about all of its keys, and a new everything about all that there is.
    fn lets_through(&self, change: &Change) -> bool {
        if change.deed == Deed::Replace {
            return true;
        }
        let collection = change.collection.as_deref();
        let is_there = self.collections.is_empty() || self.collections.iter().any(|name| name.as_deref() == collection);
        is_there && change.key().is_none_or(|key| key.starts_with(&self.prefix))
    }
}

/// The changes on their way to one reader.
struct Telling {
    reader: Box<dyn Follow>,
    clock: Arc<dyn Clock>,
    form: ChangesForm,
    filter: Filter,
    with_values: bool,
    ends_at: Deadline,
    /// When the next heartbeat is due; the first is due at once.
    beats_at: UnixMillis,
    /// Changes that were told.
    told: usize,
    /// What was read and not told yet; empty between two calls.
    read: Vec<Change>,
}

/// Why the reading of changes has come to an end for now.
enum Stopped {
    /// Everything there is was read.
    AtTheEnd,
    /// It is the others' turn, or the part is full.
    ForNow,
    /// What comes next is gone.
    Lost(ChangesGone),
}

impl BodyStream for Telling {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        if self.form == ChangesForm::Events && self.beats_at <= self.clock.now() {
            self.beat(part);
        }
        let stopped = self.tell(part);
        let is_over = self.ends_at.has_passed(self.clock.now());
        match (stopped, self.form) {
            (Stopped::ForNow, _) => Pulled::More,
            (Stopped::Lost(gone), ChangesForm::Events) => {
                part.push_bytes(format!("event: gone\ndata: {{\"floor\":{}}}\n\n", gone.floor).as_bytes());
                Pulled::Ended
            }
            (Stopped::AtTheEnd, ChangesForm::Lines) if self.told == 0 && !is_over => Pulled::Waits,
            // Whoever was too slow hears of it when it asks again.
            (Stopped::AtTheEnd | Stopped::Lost(_), ChangesForm::Lines) => {
                if self.told == 0 {
                    let position = self.reader.position();
                    part.show(position);
                    part.push_bytes(format!("{{\"lsn\":{position}}}\n").as_bytes());
                }
                Pulled::Ended
            }
            (Stopped::AtTheEnd, ChangesForm::Events) if is_over => Pulled::Ended,
            (Stopped::AtTheEnd, ChangesForm::Events) => Pulled::Waits,
        }
    }

    fn when_ready(&mut self, wake: Wake) -> Duration {
        self.reader.when_changed(wake);
        let now = self.clock.now();
        let ends_in = self.ends_at.moment().map(|moment| moment.since(now));
        let beats_in = (self.form == ChangesForm::Events).then(|| self.beats_at.since(now));
        let millis = ends_in.into_iter().chain(beats_in).min().unwrap_or(HEARTBEAT_MS);
        Duration::from_millis(millis.max(1))
    }
}

impl Telling {
    /// A comment, which keeps the connection, and an id without an event, which is where the reader goes on should it
    /// connect again: what was filtered out is behind it, too.
    fn beat(&mut self, part: &mut Part) {
        let position = self.reader.position();
        part.show(position);
        part.push_bytes(format!(":\nid: {position}\n\n").as_bytes());
        self.beats_at = self.clock.now().plus(HEARTBEAT_MS);
    }

    fn tell(&mut self, part: &mut Part) -> Stopped {
        let mut looked_at = 0;
        while looked_at < LOOKED_AT_PER_PULL && part.len() < PART_BYTES {
            let left = match self.form {
                ChangesForm::Lines => PAGE_ITEMS_MAX - self.told.min(PAGE_ITEMS_MAX),
                ChangesForm::Events => READ_AT_ONCE,
            };
            if left == 0 {
                return Stopped::AtTheEnd;
            }
            if let Err(gone) = self.reader.read(left.min(READ_AT_ONCE), &mut self.read) {
                return Stopped::Lost(gone);
            }
            if self.read.is_empty() {
                return Stopped::AtTheEnd;
            }
            looked_at += self.read.len();
            let mut read = std::mem::take(&mut self.read);
            for change in read.drain(..).filter(|change| self.filter.lets_through(change)) {
                part.show(change.lsn);
                write(part, change, self.form, self.with_values);
                self.told += 1;
            }
            self.read = read;
        }
        Stopped::ForNow
    }
}

fn write(part: &mut Part, change: Change, form: ChangesForm, with_values: bool) {
    let mut text = Vec::with_capacity(128);
    let lsn = change.lsn.0.to_string();
    if form == ChangesForm::Events {
        text.extend_from_slice(b"id: ");
        text.extend_from_slice(lsn.as_bytes());
        text.extend_from_slice(b"\ndata: ");
    }
    let (op, deadline) = match &change.deed {
        Deed::Put { deadline, .. } => ("put", *deadline),
        Deed::Delete { .. } => ("delete", Deadline::NEVER),
        Deed::Deadline { deadline, .. } => ("ttl", *deadline),
        Deed::Drop => ("drop", Deadline::NEVER),
        Deed::Replace => ("replace", Deadline::NEVER),
    };
    text.extend_from_slice(format!("{{\"lsn\":{lsn},\"op\":\"{op}\"").as_bytes());
    text.extend_from_slice(b",\"collection\":");
    match &change.collection {
        Some(collection) => json::escape_into(&mut text, collection),
        None => text.extend_from_slice(b"null"),
    }
    if let Some(key) = change.key() {
        text.extend_from_slice(b",\"key\":");
        json::escape_into(&mut text, key);
    }
    if let Deed::Put { .. } = change.deed {
        text.extend_from_slice(b",\"version\":");
        text.extend_from_slice(lsn.as_bytes());
    }
    timestamp::push_expiry(&mut text, deadline);
    if let (Deed::Put { document, .. }, true) = (change.deed, with_values) {
        one_line::push_document(part, &mut text, document);
    }
    text.extend_from_slice(if form == ChangesForm::Events { b"}\n\n" } else { b"}\n" });
    part.push_bytes(&text);
}

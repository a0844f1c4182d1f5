//! The query's parameters and the header fields, each described once.

use crate::base::limits::PAGE_ITEMS_MAX;

use super::operation::{Field, Form, Parameter};

const fn optional(name: &'static str, form: Form, about: &'static str) -> Parameter {
    Parameter { name, about, form, is_required: false }
}

/// `?key=` on the base.
pub const KEY: Parameter =
    optional("key", Form::Key, "the key, where it does not stand in the path: takes anything awkward");

/// `?key=` of the seed's endpoints.
pub const SEED_KEY: Parameter = Parameter { name: "key", about: "the key", form: Form::Key, is_required: true };

/// `?touch=`
pub const TOUCH: Parameter =
    optional("touch", Form::Duration, "reads, and gives the document this time to live from now on");

/// `?ptr=`
pub const PTR: Parameter = optional("ptr", Form::Pointer, "only the value at this JSON pointer (RFC 6901)");

/// `?pretty`
pub const PRETTY: Parameter = optional("pretty", Form::Flag, "indented for people; strings and numbers as they are");

/// `?ttl=`
pub const TTL: Parameter = optional("ttl", Form::DurationOrNever, "time to live: seconds, a Go duration, or never");

/// `?expires_at=`
pub const EXPIRES_AT: Parameter =
    optional("expires_at", Form::Moment, "the moment of expiry: RFC 3339 or unix milliseconds, in the future");

/// `?keep_ttl`
pub const KEEP_TTL: Parameter = optional("keep_ttl", Form::Flag, "leaves the deadline as it is");

/// `?upsert`
pub const UPSERT: Parameter = optional("upsert", Form::Flag, "a merge patch creates the document where there is none");

/// `?only=`
pub const ONLY: Parameter = optional("only", Form::OneOf(&["ttl"]), "changes the deadline alone; there is no body");

/// `?prefix=`
pub const PREFIX: Parameter = optional("prefix", Form::Text, "only keys that begin so, byte for byte");

/// `?limit=`
pub const LIMIT: Parameter = optional("limit", Form::Count(PAGE_ITEMS_MAX), "how many on a page; 100 when left out");

/// `?cursor=`
pub const CURSOR: Parameter = optional("cursor", Form::Key, "only keys behind this one: the cursor of the page before");

/// `?values`
pub const VALUES: Parameter = optional(
    "values",
    Form::Flag,
    "the documents too, not only what they are called: value, or in lines and events, where a document has line breaks, \
     text: a string of it",
);

/// `?count`
pub const COUNT: Parameter = optional("count", Form::Flag, "how many there are, up to 100,000 at a time");

/// `?atomic`
pub const ATOMIC: Parameter =
    optional("atomic", Form::Flag, "all operations or none, at one moment; at most 1000 of them, and 8 MiB");

/// `?cursor=` of the listing of collections.
pub const COLLECTION_CURSOR: Parameter =
    optional("cursor", Form::CollectionName, "goes on behind this one: the cursor of the page before");

/// `?cursor=` of an export.
pub const EXPORT_CURSOR: Parameter = optional(
    "cursor",
    Form::Place,
    "goes on behind the line of this collection and key: COLLECTION/KEY, with nothing before the slash for the main store",
);

/// `?collection=` of an export and of the changes.
pub const COLLECTIONS: Parameter = optional(
    "collection",
    Form::Collections,
    "only this collection, or the main store when it is empty; several when it is given several times",
);

/// `?mode=` of an import.
pub const MODE: Parameter = optional(
    "mode",
    Form::OneOf(&["merge", "replace"]),
    "merge, also when left out: what is not in the body stays; or replace",
);

/// `?since=`
pub const SINCE: Parameter = optional("since", Form::Lsn, "only changes behind this LSN; without it those from now on");

/// `?timeout=`
pub const TIMEOUT: Parameter = optional(
    "timeout",
    Form::Duration,
    "how long to wait for a change; 30 s when left out, and for events until one side ends",
);

/// `?wait`
pub const WAIT: Parameter = optional("wait", Form::Flag, "answers when it is done");

/// Conditions (RFC 9110 §13.1).
pub const CONDITIONS: &[Field] = &[IF_MATCH, IF_NONE_MATCH];

/// Conditions, and how much a write sends back.
pub const OF_WRITES: &[Field] = &[IF_MATCH, IF_NONE_MATCH, PREFER];

const IF_MATCH: Field = Field {
    name: "If-Match",
    about: "only when the document is there and has one of these entity tags, or any for *",
    example: "\"42\"",
};

const IF_NONE_MATCH: Field = Field {
    name: "If-None-Match",
    about: "only when the document is not there (*), or has none of these entity tags",
    example: "*",
};

/// `Accept`, where a list can be had as lines.
pub const OF_LISTS: &[Field] = &[IF_MATCH, IF_NONE_MATCH, ACCEPT];

const ACCEPT: Field =
    Field { name: "Accept", about: "application/x-ndjson for a line for each item", example: "application/x-ndjson" };

/// The fields of a request for changes.
pub const OF_CHANGES: &[Field] = &[ACCEPT_EVENTS, LAST_EVENT_ID];

const ACCEPT_EVENTS: Field =
    Field { name: "Accept", about: "text/event-stream for server-sent events", example: "text/event-stream" };

const LAST_EVENT_ID: Field = Field {
    name: "Last-Event-ID",
    about: "the id of the last event, which stands in for since; browsers send it when they connect again",
    example: "42",
};

const PREFER: Field = Field {
    name: "Prefer",
    about: "return=minimal for no body, return=representation for the document",
    example: "return=minimal",
};

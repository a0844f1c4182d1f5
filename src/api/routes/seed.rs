//! The operations of the seed's endpoints, frozen.

use super::super::message::Method;
use super::super::problem::Kind;
use super::super::seed;
use super::operation::{Content, Needs, Operation, Parameter, Reply, Takes};
use super::parameters::SEED_KEY;
use super::problems::{BODY, IN_COLLECTION, KEYED, WRITES};

const fn operation(
    method: Method,
    handler: (super::Handler, super::Needs),
    names: (&'static str, &'static str),
    query: &'static [Parameter],
    problems: &'static [&'static [Kind]],
) -> Operation {
    const ENVELOPE: &[Reply] =
        &[Reply { status: 200, about: "the envelope", content: Content::Object("Envelope"), fields: &[] }];
    Operation { query, ..Operation::plain(method, handler, names, ENVELOPE, problems) }
}

const TARGET: &[Kind] = &[Kind::PercentEscapeInvalid, Kind::Utf8Invalid];

/// `GET /get`
pub const GET: Operation = operation(
    Method::Get,
    (seed::get, Needs::Read),
    ("seed_get", "Reads a document"),
    &[SEED_KEY],
    &[TARGET, KEYED, IN_COLLECTION, &[Kind::KeyNotFound]],
);

/// `POST /set`
pub const SET: Operation = Operation {
    takes: Takes::SeedSet,
    ..operation(
        Method::Post,
        (seed::set, Needs::Write),
        ("seed_set", "Stores a document"),
        &[],
        &[
            TARGET,
            KEYED,
            IN_COLLECTION,
            WRITES,
            BODY,
            &[Kind::EnvelopeInvalid, Kind::TooManyCollections, Kind::MemoryFull, Kind::ConditionRequired],
        ],
    )
};

/// `DELETE /delete`
pub const DELETE: Operation = operation(
    Method::Delete,
    (seed::delete, Needs::Write),
    ("seed_delete", "Removes a document, if it is there"),
    &[SEED_KEY],
    &[TARGET, KEYED, IN_COLLECTION, WRITES, &[Kind::ConditionRequired]],
);

/// `GET /collections/{c}/list`
pub const LIST: Operation = operation(
    Method::Get,
    (seed::list, Needs::Read),
    ("seed_list", "Every document of a collection"),
    &[],
    &[TARGET, IN_COLLECTION],
);

/// `GET /collections`
pub const COLLECTIONS: Operation = operation(
    Method::Get,
    (seed::list_collections, Needs::Read),
    ("seed_collections", "The names of the collections"),
    &[],
    &[],
);

/// `POST /collections/{c}`
pub const CREATE: Operation = Operation {
    replies: &[Reply { status: 201, about: "it exists now", content: Content::Object("Envelope"), fields: &[] }],
    ..operation(
        Method::Post,
        (seed::create_collection, Needs::Write),
        ("seed_create_collection", "Makes sure that a collection exists"),
        &[],
        &[TARGET, IN_COLLECTION, WRITES, &[Kind::TooManyCollections, Kind::MemoryFull]],
    )
};

/// `DELETE /collections/{c}`
pub const DROP: Operation = operation(
    Method::Delete,
    (seed::drop_collection, Needs::Write),
    ("seed_drop_collection", "Removes a collection with its documents, if it is there"),
    &[],
    &[TARGET, IN_COLLECTION, WRITES],
);

//! The operations on collections in the resource API.

use super::super::collections;
use super::super::message::Method;
use super::super::problem::Kind;
use super::operation::{Content, Needs, Operation, Reply, Takes};
use super::parameters::{COLLECTION_CURSOR, LIMIT};
use super::problems::{BODY, IN_COLLECTION, NAMED, WRITES};

/// `GET /v1/collections`
pub const LIST: Operation = Operation {
    query: &[LIMIT, COLLECTION_CURSOR],
    ..Operation::plain(
        Method::Get,
        (collections::list, Needs::Read),
        ("list_collections", "The collections with their figures, in pages"),
        &[Reply { status: 200, about: "a page", content: Content::Object("Collections"), fields: &["Link"] }],
        &[NAMED, &[Kind::CollectionNameInvalid]],
    )
};

/// `GET /v1/collections/{c}`
pub const DESCRIBE: Operation = Operation::plain(
    Method::Get,
    (collections::describe, Needs::Read),
    ("describe_collection", "The options and figures of a collection"),
    &[Reply { status: 200, about: "the collection", content: Content::Object("Collection"), fields: &[] }],
    &[NAMED, IN_COLLECTION],
);

/// `POST /v1/collections/{c}`
pub const CREATE: Operation = Operation {
    takes: Takes::Options,
    ..Operation::plain(
        Method::Post,
        (collections::create, Needs::Write),
        ("create_collection", "Creates a collection, or sets the options that the body names"),
        &[
            Reply { status: 201, about: "created", content: Content::Object("Options"), fields: &["Location"] },
            Reply { status: 200, about: "it was there", content: Content::Object("Options"), fields: &[] },
        ],
        &[
            NAMED,
            IN_COLLECTION,
            WRITES,
            BODY,
            &[Kind::CollectionOptionsInvalid, Kind::TooManyCollections, Kind::MemoryFull],
        ],
    )
};

/// `DELETE /v1/collections/{c}`
pub const DELETE: Operation = Operation::plain(
    Method::Delete,
    (collections::delete, Needs::Write),
    ("delete_collection", "Drops a collection with its documents"),
    &[Reply { status: 204, about: "dropped; no body", content: Content::Nothing, fields: &[] }],
    &[NAMED, IN_COLLECTION, WRITES],
);

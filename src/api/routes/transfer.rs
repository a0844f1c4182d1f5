//! The operations on all documents: export and import.

use super::super::message::Method;
use super::super::problem::Kind;
use super::super::transfer;
use super::operation::{Content, Needs, Operation, Reply, Takes};
use super::parameters::{COLLECTIONS, EXPORT_CURSOR, MODE};
use super::problems::{BODY, IN_COLLECTION, KEYED, NAMED, WRITES};

/// What the lines are.
const LINES: &str = "for each collection a line with collection and options; for each document one with collection (null \
                     for the main store), key, expires_at where it has one, version, and value, or \
                     text: the document as a string, where it has line breaks";

/// `GET /v1/export`
pub const EXPORT: Operation = Operation {
    method: Method::Get,
    handler: transfer::export,
    needs: Needs::Read,
    id: "export",
    summary: "Every document and every collection, or some of them, as lines, in order of collection and key",
    query: &[EXPORT_CURSOR, COLLECTIONS],
    fields: &[],
    takes: Takes::Nothing,
    replies: &[Reply { status: 200, about: "the lines", content: Content::Lines(LINES), fields: &[] }],
    problems: &[NAMED, KEYED, IN_COLLECTION],
};

/// `POST /v1/import`
pub const IMPORT: Operation = Operation {
    method: Method::Post,
    handler: transfer::import,
    needs: Needs::Write,
    id: "import",
    summary: "Takes the lines of an export beside what is there, each by itself, or in place of everything, all at one \
              moment; documents get new versions",
    query: &[MODE],
    fields: &[],
    takes: Takes::Lines(LINES),
    replies: &[Reply { status: 200, about: "how many there were", content: Content::Object("Imported"), fields: &[] }],
    problems: &[
        NAMED,
        KEYED,
        IN_COLLECTION,
        WRITES,
        BODY,
        &[
            Kind::ImportInvalid,
            Kind::CollectionOptionsInvalid,
            Kind::JournalBusy,
            Kind::TooManyBodies,
            Kind::TooManyCollections,
            Kind::MemoryFull,
        ],
        &[Kind::ImportRunning],
    ],
};

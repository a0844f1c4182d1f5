//! The operations on many documents at once.

use super::super::bulk;
use super::super::message::Method;
use super::super::problem::Kind;
use super::operation::{Content, Needs, Operation, Reply, Takes};
use super::parameters::ATOMIC;
use super::problems::{BODY, IN_COLLECTION, KEYED, NAMED, WRITES};

/// `POST {base}:bulk`
pub const BULK: Operation = Operation {
    method: Method::Post,
    handler: bulk::post,
    needs: Needs::Write,
    id: "bulk",
    summary: "Carries out operations while they are read, each by itself; with atomic all of them or none",
    query: &[ATOMIC],
    fields: &[],
    takes: Takes::Lines(
        "operations: op (put, delete, patch, ttl), key, and as the operation has it value, patch with its media type as \
         type (a merge patch without one), ttl, expires_at, keep_ttl, if_match, if_none_match",
    ),
    replies: &[Reply {
        status: 200,
        about: "what became of each operation, in order; behind a line that is no operation there are no more",
        content: Content::Lines("results: key, status, and as it came out version, line, code, detail"),
        fields: &[],
    }],
    problems: &[
        NAMED,
        IN_COLLECTION,
        WRITES,
        BODY,
        KEYED,
        &[Kind::BulkTooLarge, Kind::JournalBusy, Kind::TooManyBodies, Kind::TooManyCollections, Kind::MemoryFull],
        &[Kind::AtomicRefused, Kind::OperationInvalid, Kind::ConditionInvalid],
        &[Kind::PatchTypeUnsupported, Kind::PatchContended],
    ],
};

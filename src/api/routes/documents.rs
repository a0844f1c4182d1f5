//! The operations on one document in the resource API.

use super::super::docs;
use super::super::message::Method;
use super::super::problem::Kind;
use super::operation::{Content, Needs, Operation, Reply, Takes};
use super::parameters::{
    CONDITIONS, COUNT, CURSOR, EXPIRES_AT, KEEP_TTL, KEY, LIMIT, OF_LISTS, OF_WRITES, ONLY, PREFIX, PRETTY, PTR, TOUCH,
    TTL, UPSERT, VALUES,
};
use super::problems::{BODY, GUARDED, IN_COLLECTION, KEYED, NAMED, WRITES};

/// Fields of a reply that shows a document or says when it expires.
const OF_DOCUMENT: &[&str] = &["ETag", "MT-TTL", "MT-Expires-At"];

/// Fields of a reply to a write.
const OF_WRITTEN: &[&str] = &["ETag", "MT-TTL", "MT-Expires-At", "Preference-Applied"];

/// Fields of a reply to a write that has created something.
const OF_CREATED: &[&str] = &["ETag", "MT-TTL", "MT-Expires-At", "Preference-Applied", "Location"];

/// Fields of a page, or of a document.
const OF_PAGE: &[&str] = &["ETag", "MT-TTL", "MT-Expires-At", "Link"];

const NOT_MODIFIED: Reply = Reply {
    status: 304,
    about: "the document has this entity tag still",
    content: Content::Nothing,
    fields: OF_DOCUMENT,
};
const CREATED: Reply = Reply { status: 201, about: "created", content: Content::Object("Receipt"), fields: OF_CREATED };
const DONE: Reply = Reply { status: 204, about: "done; no body", content: Content::Nothing, fields: OF_WRITTEN };

/// `GET`
pub const GET: Operation = Operation {
    method: Method::Get,
    handler: docs::get,
    needs: Needs::Read,
    id: "get_document",
    summary: "Reads a document: the bytes that were stored",
    query: &[KEY, PTR, PRETTY, TOUCH],
    fields: CONDITIONS,
    takes: Takes::Nothing,
    replies: &[
        Reply { status: 200, about: "the document", content: Content::Document, fields: OF_DOCUMENT },
        NOT_MODIFIED,
    ],
    problems: &[
        NAMED,
        KEYED,
        IN_COLLECTION,
        WRITES,
        &[Kind::KeyNotFound, Kind::ConditionInvalid, Kind::ConditionFailed],
        &[Kind::PointerInvalid, Kind::PointerNotFound],
    ],
};

/// `GET` on the base
pub const GET_OR_LIST: Operation = Operation {
    handler: docs::get_or_list,
    needs: Needs::Read,
    id: "list_documents",
    summary: "Lists documents in byte order of their keys, a page at a time; with key reads one",
    query: &[KEY, PTR, PRETTY, TOUCH, PREFIX, LIMIT, CURSOR, VALUES, COUNT],
    fields: OF_LISTS,
    replies: &[
        Reply { status: 200, about: "a page, a count, or the document", content: Content::Listing, fields: OF_PAGE },
        NOT_MODIFIED,
    ],
    ..GET
};

/// `POST {base}:get`
pub const GET_MANY: Operation = Operation {
    method: Method::Post,
    handler: docs::get_many,
    needs: Needs::Read,
    id: "get_many_documents",
    summary: "Reads the documents under the keys in the body, each by itself",
    query: &[PTR],
    fields: &[],
    takes: Takes::Keys,
    replies: &[Reply {
        status: 200,
        about: "the documents that are there, and the keys of those that are not",
        content: Content::Object("Found"),
        fields: &[],
    }],
    problems: &[
        NAMED,
        KEYED,
        IN_COLLECTION,
        BODY,
        &[Kind::KeysInvalid, Kind::PointerInvalid, Kind::BodyTooLarge, Kind::TooManyKeys],
    ],
};

/// `DELETE` on the base
pub const DELETE_OR_SWEEP: Operation = Operation {
    handler: docs::delete_or_sweep,
    needs: Needs::Write,
    id: "delete_documents",
    summary: "Removes the documents whose keys begin with a prefix, each by itself; with key removes one",
    query: &[KEY, PREFIX],
    replies: &[
        DONE,
        Reply { status: 200, about: "how many, or what was removed", content: Content::Document, fields: OF_WRITTEN },
    ],
    problems: &[
        NAMED,
        KEYED,
        IN_COLLECTION,
        WRITES,
        &[Kind::KeyNotFound, Kind::ConditionInvalid, Kind::ConditionFailed, Kind::JournalBusy],
    ],
    ..DELETE
};

/// `PUT`
pub const PUT: Operation = Operation {
    method: Method::Put,
    handler: docs::put,
    needs: Needs::Write,
    id: "put_document",
    summary: "Stores a document, or changes its deadline alone",
    query: &[KEY, TTL, EXPIRES_AT, KEEP_TTL, ONLY],
    fields: OF_WRITES,
    takes: Takes::Document,
    replies: &[
        Reply { status: 200, about: "replaced", content: Content::Object("Receipt"), fields: OF_WRITTEN },
        CREATED,
        DONE,
    ],
    problems: &[
        NAMED,
        KEYED,
        IN_COLLECTION,
        WRITES,
        BODY,
        GUARDED,
        &[Kind::BodyUnexpected, Kind::TooManyCollections, Kind::MemoryFull],
    ],
};

/// `PATCH`
pub const PATCH: Operation = Operation {
    method: Method::Patch,
    handler: docs::patch,
    needs: Needs::Write,
    id: "patch_document",
    summary: "Changes a part of a document, all of the patch or nothing",
    query: &[KEY, UPSERT, TTL, EXPIRES_AT],
    takes: Takes::Patch,
    replies: &[
        Reply { status: 200, about: "patched", content: Content::Object("Receipt"), fields: OF_WRITTEN },
        CREATED,
        DONE,
    ],
    problems: &[
        NAMED,
        KEYED,
        IN_COLLECTION,
        WRITES,
        BODY,
        GUARDED,
        &[Kind::PatchInvalid, Kind::PatchConflict, Kind::PatchTypeUnsupported, Kind::PatchUnprocessable],
        &[Kind::PatchContended, Kind::TooManyCollections, Kind::MemoryFull],
    ],
    ..PUT
};

/// `DELETE`
pub const DELETE: Operation = Operation {
    method: Method::Delete,
    handler: docs::delete,
    needs: Needs::Write,
    id: "delete_document",
    summary: "Removes a document",
    query: &[KEY],
    fields: OF_WRITES,
    takes: Takes::Nothing,
    replies: &[
        DONE,
        Reply {
            status: 200,
            about: "what was removed, where that is preferred",
            content: Content::Document,
            fields: OF_WRITTEN,
        },
    ],
    problems: &[NAMED, KEYED, IN_COLLECTION, WRITES, GUARDED],
};

/// `POST`
pub const POST: Operation = Operation {
    method: Method::Post,
    handler: docs::post,
    needs: Needs::Write,
    id: "post_document",
    summary: "Stores a document under a new key, which sorts by time",
    query: &[TTL, EXPIRES_AT],
    fields: OF_WRITES,
    takes: Takes::Document,
    replies: &[CREATED],
    problems: &[
        NAMED,
        IN_COLLECTION,
        WRITES,
        BODY,
        &[
            Kind::ConditionInvalid,
            Kind::ConditionFailed,
            Kind::KeyUnavailable,
            Kind::TooManyCollections,
            Kind::MemoryFull,
        ],
    ],
};

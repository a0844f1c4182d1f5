//! The shapes of what is sent and answered, as JSON Schema.

use serde_json::{Value as Json, json};

use super::super::routes::Form;
use crate::base::limits::{COLLECTION_NAME_BYTES_MAX, KEY_BYTES_MAX, KEY_LIST_MAX, PATCH_OPERATIONS_MAX};

/// Seconds with decimals, or what Go writes: `1h30m`, `500ms`. Positive values only are accepted, which the pattern
/// says by asking for a digit that is not zero somewhere.
const DURATION: &str = r"^(?=.*[1-9])([0-9]+(\.[0-9]+)?|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$";

/// A JSON pointer.
const POINTER: &str = "^(/([^~/]|~[01])*)*$";

/// Every schema by its name.
pub fn all() -> Json {
    json!({
        "Document": { "description": "any JSON value, kept byte for byte" },
        "Key": { "type": "string", "minLength": 1, "maxLength": KEY_BYTES_MAX, "pattern": "^[^\\u0000]+$" },
        "Pointer": { "description": "RFC 6901", "type": "string", "pattern": POINTER },
        "CollectionName": {
            "description": "a new one has only letters and digits, and _ - . but not at its beginning; the Go server's may \
                            have others",
            "type": "string",
            "minLength": 1,
            "maxLength": COLLECTION_NAME_BYTES_MAX,
            "pattern": "^[^/\\u0000]+$",
        },
        "Receipt": {
            "type": "object",
            "required": ["key", "version"],
            "properties": {
                "key": reference_to_key(),
                "version": { "type": "integer", "minimum": 1 },
                "expires_at": { "type": "string", "format": "date-time" },
            },
            "additionalProperties": false,
        },
        "Keys": { "type": "array", "maxItems": KEY_LIST_MAX, "items": reference_to_key() },
        "Found": {
            "type": "object",
            "required": ["found", "missing"],
            "properties": {
                "found": { "description": "documents by their keys, or parts of them", "type": "object" },
                "missing": { "type": "array", "items": reference_to_key() },
            },
            "additionalProperties": false,
        },
        "JsonPatch": {
            "description": "RFC 6902",
            "type": "array",
            "maxItems": PATCH_OPERATIONS_MAX,
            "items": operation(&["add", "remove", "replace", "move", "copy", "test"]),
        },
        "PatchOperations": {
            "description": "RFC 6902, and further operations: inc, mul, min, max compute with the number at the path, \
                            append and prepend put the value at an end of the array there",
            "type": "array",
            "maxItems": PATCH_OPERATIONS_MAX,
            "items": operation(&[
                "add", "remove", "replace", "move", "copy", "test", "inc", "mul", "min", "max", "append", "prepend",
            ]),
        },
        "Problem": {
            "description": "problem details (RFC 9457)",
            "type": "object",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "code": { "type": "string", "description": "stable: match on this" },
                "detail": { "type": "string" },
                "hint": { "type": "string" },
            },
        },
        "Envelope": {
            "type": "object",
            "required": ["success"],
            "properties": { "success": { "type": "boolean" }, "message": { "type": "string" }, "data": {} },
            "additionalProperties": false,
        },
        "SeedSet": {
            "description": "capitals and small letters in the names of members are the same",
            "type": "object",
            "required": ["key", "value"],
            "properties": {
                "key": reference_to_key(),
                "value": {},
                "ttl_seconds": { "type": ["integer", "null"], "maximum": 3_155_760_000_u64 },
            },
            "additionalProperties": false,
        },
        "OptionChanges": {
            "description": "options that are not named stay as they are",
            "type": "object",
            "properties": {
                "default_ttl": {
                    "description": "for writes that say nothing: seconds, a Go duration, or null for none",
                    "anyOf": [
                        { "type": "null" },
                        { "const": "never" },
                        { "type": "string", "pattern": DURATION },
                        { "type": "integer", "minimum": 1, "maximum": 3_155_760_000_u64 },
                    ],
                },
                "require_conditional": { "type": "boolean" },
            },
            "additionalProperties": false,
        },
        "Options": {
            "type": "object",
            "required": ["name", "require_conditional"],
            "properties": {
                "name": { "type": "string" },
                "default_ttl": { "type": "string", "pattern": DURATION },
                "require_conditional": { "type": "boolean" },
            },
            "additionalProperties": false,
        },
        "Collection": {
            "type": "object",
            "required": ["name", "documents", "bytes", "require_conditional", "created"],
            "properties": {
                "name": { "type": "string" },
                "documents": { "type": "integer", "minimum": 0 },
                "bytes": { "description": "of keys and values", "type": "integer", "minimum": 0 },
                "default_ttl": { "type": "string", "pattern": DURATION },
                "require_conditional": { "type": "boolean" },
                "created": { "description": "the LSN of its creation", "type": "integer", "minimum": 0 },
            },
            "additionalProperties": false,
        },
        "Collections": {
            "type": "object",
            "required": ["collections"],
            "properties": {
                "collections": { "type": "array", "items": reference_to("Collection") },
                "cursor": { "type": "string" },
            },
            "additionalProperties": false,
        },
        "Imported": {
            "type": "object",
            "required": ["documents", "collections", "expired"],
            "properties": {
                "documents": { "description": "that were written", "type": "integer" },
                "collections": { "description": "whose options were set", "type": "integer" },
                "expired": { "description": "that were left out: they have expired since", "type": "integer" },
            },
            "additionalProperties": false,
        },
        "Status": {
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "enum": ["live", "ready"] } },
            "additionalProperties": false,
        },
        "Stats": stats(),
        "Config": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["value", "source"],
                "properties": { "value": {}, "source": { "type": "string" } },
                "additionalProperties": false,
            },
        },
        "SnapshotStarted": {
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "const": "started" } },
            "additionalProperties": false,
        },
        "SnapshotFinished": {
            "type": "object",
            "required": ["status", "documents", "bytes", "capture_end", "duration_ms"],
            "properties": {
                "status": { "const": "finished" },
                "documents": { "type": "integer" },
                "bytes": { "type": "integer" },
                "capture_end": { "type": "integer" },
                "duration_ms": { "type": "integer" },
            },
            "additionalProperties": false,
        },
        "Reloaded": {
            "type": "object",
            "required": ["certificate", "tokens"],
            "properties": {
                "certificate": { "type": ["string", "null"] },
                "tokens": { "type": ["integer", "null"] },
            },
            "additionalProperties": false,
        },
        "Description": { "type": "object", "required": ["openapi", "info", "paths"] },
    })
}

/// How the server stands. By itself, because one `json!` takes only so much.
fn stats() -> Json {
    json!({
        "description": "journal is without LSNs while it is off; snapshot is left out before the first",
        "type": "object",
        "required": ["version"],
        "properties": {
            "version": { "type": "string" },
            "uptime_ms": { "type": "integer", "minimum": 0 },
            "documents": { "description": "expired ones that are not freed yet included", "type": "integer" },
            "bytes": { "description": "of keys and values", "type": "integer", "minimum": 0 },
            "collections": { "type": "integer", "minimum": 0 },
            "next_lsn": { "type": "integer", "minimum": 1 },
            "journal": {
                "type": "object",
                "required": ["mode", "state"],
                "properties": {
                    "mode": { "type": "string" },
                    "state": { "enum": ["serving", "degraded", "healing", "off"] },
                    "written_lsn": { "type": "integer", "minimum": 0 },
                    "durable_lsn": { "type": "integer", "minimum": 0 },
                },
                "additionalProperties": false,
            },
            "snapshot": {
                "type": "object",
                "required": ["at", "age_ms"],
                "properties": {
                    "at": { "type": "string", "format": "date-time" },
                    "age_ms": { "type": "integer", "minimum": 0 },
                },
                "additionalProperties": false,
            },
            "index_bytes": {
                "description": "about what tables and indexes take beside keys and values",
                "type": "integer",
                "minimum": 0,
            },
            "memory": {
                "description": "what is in use, as it is held against memory_bytes_max, and what that comes to; no \
                                limit_bytes is no limit",
                "type": "object",
                "required": ["used_bytes"],
                "properties": {
                    "used_bytes": { "type": "integer", "minimum": 0 },
                    "limit_bytes": { "type": "integer", "minimum": 0 },
                },
                "additionalProperties": false,
            },
            "overhead_bytes": {
                "description": "of resident_bytes, what is neither in bytes nor in index_bytes: the program, its \
                                buffers, kept changes, the allocator",
                "type": "integer",
                "minimum": 0,
            },
            "resident_bytes": { "type": "integer", "minimum": 0 },
        },
        "additionalProperties": false,
    })
}

/// The schema of a query parameter.
pub fn of_form(form: &Form) -> Json {
    match form {
        Form::Key => reference_to_key(),
        Form::Pointer => reference_to("Pointer"),
        Form::Text => json!({ "type": "string" }),
        Form::Place => json!({ "type": "string", "pattern": "^[^/\\u0000]*/[^\\u0000]*$" }),
        Form::CollectionName => reference_to("CollectionName"),
        Form::Collections => json!({
            "type": "array", "items": { "anyOf": [reference_to("CollectionName"), { "const": "" }] }
        }),
        Form::Lsn => json!({ "type": "integer", "minimum": 0 }),
        Form::Count(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Form::Flag => json!({ "enum": ["", "true", "1", "false", "0"] }),
        Form::Duration => json!({ "type": "string", "pattern": DURATION }),
        Form::DurationOrNever => json!({ "anyOf": [{ "const": "never" }, { "type": "string", "pattern": DURATION }] }),
        Form::Moment => json!({
            "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "integer", "minimum": 0 }]
        }),
        Form::OneOf(words) => json!({ "enum": words }),
    }
}

/// An operation of a patch by one of these names.
fn operation(names: &[&str]) -> Json {
    json!({
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": { "enum": names },
            "path": reference_to("Pointer"),
            "from": reference_to("Pointer"),
            "value": {},
        },
    })
}

fn reference_to_key() -> Json {
    reference_to("Key")
}

fn reference_to(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

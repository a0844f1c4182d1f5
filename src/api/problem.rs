//! What can go wrong for a client, as one table: kind, status, stable code; and how it is written.
//!
//! The resource API answers with RFC 9457 problem details, the seed's endpoints with their envelope; both are made
//! from the same `Problem`, so that a limit or an outage reads the same everywhere.

use crate::base::json;
use crate::model::{Refusal, Rest};

use super::call::Otherwise;
use super::message::{Piece, Response, Value};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:literal $code:literal $title:literal;)*) => {
        /// A kind of failure. Codes are stable: clients may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, for the published table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// The status code it is answered with.
            pub fn status(self) -> u16 {
                match self { $(Kind::$kind => $status,)* }
            }

            /// Its stable code, in snake case.
            pub fn code(self) -> &'static str {
                match self { $(Kind::$kind => $code,)* }
            }

            /// Its title, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Kind::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    /// A percent sign that begins no escape.
    PercentEscapeInvalid = 400 "percent_escape_invalid" "Invalid percent escape";
    /// Bytes that are not UTF-8 in the target.
    Utf8Invalid = 400 "utf8_invalid" "Not UTF-8";
    /// No key where one is needed, or an empty one.
    KeyEmpty = 400 "key_empty" "The key is empty";
    /// A key over its limit.
    KeyTooLong = 400 "key_too_long" "The key is too long";
    /// A key with a NUL in it.
    KeyInvalid = 400 "key_invalid" "The key is invalid";
    /// A text that cannot name a collection.
    CollectionNameInvalid = 400 "collection_name_invalid" "The name of the collection is invalid";
    /// Options of a collection that cannot be read.
    CollectionOptionsInvalid = 400 "collection_options_invalid" "The options of the collection are invalid";
    /// A query parameter that this route does not have.
    ParameterUnknown = 400 "parameter_unknown" "Unknown query parameter";
    /// A query parameter whose value does not fit.
    ParameterInvalid = 400 "parameter_invalid" "Invalid query parameter";
    /// Query parameters that exclude each other, or one that is given twice.
    ParametersConflict = 400 "parameters_conflict" "Conflicting query parameters";
    /// A text that is no JSON pointer.
    PointerInvalid = 400 "pointer_invalid" "Invalid JSON pointer";
    /// A patch that is JSON, but not a patch of its kind.
    PatchInvalid = 400 "patch_invalid" "The patch is invalid";
    /// A body that is no list of keys.
    KeysInvalid = 400 "keys_invalid" "The body is not a list of keys";
    /// A condition header that cannot be read.
    ConditionInvalid = 400 "condition_invalid" "Invalid condition";
    /// A body that is not one JSON value.
    JsonInvalid = 400 "json_invalid" "The body is not JSON";
    /// A line that is no operation.
    OperationInvalid = 400 "operation_invalid" "The line is no operation";
    /// A line that no export has.
    ImportInvalid = 400 "import_invalid" "The line is none of an export";
    /// A body of the seed's endpoints that lacks what it needs.
    EnvelopeInvalid = 400 "envelope_invalid" "The body is not what this endpoint takes";
    /// A body that ended early.
    BodyIncomplete = 400 "body_incomplete" "The body is incomplete";
    /// A body whose chunks cannot be told apart.
    BodyMalformed = 400 "body_malformed" "The framing of the body is malformed";
    /// A body where none is taken.
    BodyUnexpected = 400 "body_unexpected" "A body is not expected";
    /// No live document under that key.
    KeyNotFound = 404 "key_not_found" "No such document";
    /// A document without a value at the pointer.
    PointerNotFound = 404 "pointer_not_found" "No such value in the document";
    /// No such collection.
    CollectionNotFound = 404 "collection_not_found" "No such collection";
    /// No such route.
    RouteNotFound = 404 "route_not_found" "No such resource";
    /// No changes are kept.
    ChangesOff = 404 "changes_off" "The changes feed is off";
    /// A method that the resource does not have.
    MethodNotAllowed = 405 "method_not_allowed" "Method not allowed";
    /// A body that did not arrive in time.
    BodyTimeout = 408 "body_timeout" "The body took too long";
    /// The document is not as the patch expects it.
    PatchConflict = 409 "patch_conflict" "The patch does not fit the document";
    /// A snapshot is being written already.
    SnapshotRunning = 409 "snapshot_running" "A snapshot is being written";
    /// One operation of those that were to be carried out all or not at all cannot be.
    AtomicRefused = 409 "atomic_refused" "None of the operations was carried out";
    /// Changes that were asked for are not kept.
    ChangesGone = 410 "changes_gone" "The changes are gone";
    /// A number in chunks, of which nobody can tell whether it is whole.
    LengthRequired = 411 "length_required" "A length is required";
    /// The condition does not hold.
    ConditionFailed = 412 "condition_failed" "The condition does not hold";
    /// A document over its limit.
    DocumentTooLarge = 413 "document_too_large" "The document is too large";
    /// A body over a limit that is no document's.
    BodyTooLarge = 413 "body_too_large" "The body is too large";
    /// More keys than are taken at once.
    TooManyKeys = 413 "too_many_keys" "Too many keys";
    /// A patch that is not in one of the types that there are.
    PatchTypeUnsupported = 415 "patch_type_unsupported" "The type of the patch is not supported";
    /// What the patch would make of the document is not acceptable.
    PatchUnprocessable = 422 "patch_unprocessable" "The patch cannot be carried out";
    /// More operations, or more bytes of them, than one request may carry.
    BulkTooLarge = 413 "bulk_too_large" "The bulk is too large";
    /// A write without a condition, where one is required.
    ConditionRequired = 428 "condition_required" "A condition is required";
    /// There are too many readers of the changes.
    ChangesBusy = 429 "changes_busy" "Too many readers of the changes";
    /// A snapshot could not be written.
    SnapshotFailed = 500 "snapshot_failed" "The snapshot failed";
    /// No key could be made.
    KeyUnavailable = 500 "key_unavailable" "No key can be made";
    /// A method that no resource here has.
    MethodUnknown = 501 "method_unknown" "Unknown method";
    /// Data is still being loaded.
    Starting = 503 "starting" "The server is starting";
    /// The server is stopping.
    Stopping = 503 "stopping" "The server is stopping";
    /// The server should not be sent work.
    NotReady = 503 "not_ready" "Not ready";
    /// Others change the document faster than it can be patched.
    PatchContended = 503 "patch_contended" "The document is changed too often";
    /// Versions cannot be reserved on disk.
    SequenceUnavailable = 503 "sequence_unavailable" "Writes are refused for now";
    /// The journal had no room for as long as a write may wait.
    JournalBusy = 503 "journal_busy" "Writes are refused for now";
    /// The journal cannot be written.
    JournalUnavailable = 503 "journal_unavailable" "Writes are refused for now";
    /// One more collection would be too many.
    TooManyCollections = 507 "too_many_collections" "Too many collections";
}

/// One failure, with what its kind needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    hint: Option<String>,
    /// Further members: name, and a value that is JSON already.
    members: Vec<(&'static str, String)>,
    /// A header field of the reply beside those that each has; boxed, because few have one.
    field: Option<Box<(&'static str, Value)>>,
    rest: Rest,
}

impl Problem {
    /// A failure of `kind`; `detail` says what happened this time, with the figures in it.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem { kind, detail: detail.into(), hint: None, members: Vec::new(), field: None, rest: Rest::NOTHING }
    }

    /// The same failure, as one of another kind.
    #[must_use]
    pub fn classified(self, kind: Kind) -> Problem {
        Problem { kind, ..self }
    }

    /// Adds what the client can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a member whose value is a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, value: u64) -> Problem {
        self.members.push((name, value.to_string()));
        self
    }

    /// Adds a member whose value is a size or a count in memory.
    #[must_use]
    pub fn size(self, name: &'static str, value: usize) -> Problem {
        self.number(name, u64::try_from(value).unwrap_or(u64::MAX))
    }

    /// Adds a member whose value is a text.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: &str) -> Problem {
        self.members.push((name, quote(value)));
        self
    }

    /// Adds a member whose value is JSON already.
    #[must_use]
    pub fn json(mut self, name: &'static str, value: String) -> Problem {
        self.members.push((name, value));
        self
    }

    /// Adds a member whose value is a list of texts.
    #[must_use]
    pub fn texts<'t>(mut self, name: &'static str, values: impl Iterator<Item = &'t str>) -> Problem {
        let quoted: Vec<String> = values.map(quote).collect();
        self.members.push((name, format!("[{}]", quoted.join(","))));
        self
    }

    /// Gives the reply a header field.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: Value) -> Problem {
        self.field = Some(Box::new((name, value)));
        self
    }

    /// Names what this answer rests on.
    #[must_use]
    pub fn resting_on(mut self, rest: Rest) -> Problem {
        self.rest = rest;
        self
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The reply in the resource API: problem details.
    pub fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"type\":\"about:blank\",\"title\":");
        json::escape_into(&mut body, self.kind.title());
        body.extend_from_slice(
            format!(",\"status\":{},\"code\":\"{}\"", self.kind.status(), self.kind.code()).as_bytes(),
        );
        body.extend_from_slice(b",\"detail\":");
        json::escape_into(&mut body, &self.detail);
        if let Some(hint) = &self.hint {
            body.extend_from_slice(b",\"hint\":");
            json::escape_into(&mut body, hint);
        }
        for (name, value) in &self.members {
            body.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
        }
        body.extend_from_slice(b"}\n");
        self.finish(Value::Static("application/problem+json"), body)
    }

    /// The reply on the seed's endpoints: the envelope, with the detail as its message.
    pub fn into_envelope(self) -> Response {
        let body = super::envelope::message(super::envelope::Success::No, &self.detail);
        self.finish(Value::Static(super::envelope::CONTENT_TYPE), body)
    }

    fn finish(self, content_type: Value, body: Vec<u8>) -> Response {
        let mut response = Response::new(self.kind.status()).with("Content-Type", content_type).resting_on(self.rest);
        if let Some(field) = self.field {
            let (name, value) = *field;
            response.push(name, value);
        }
        if matches!(self.kind.status(), 429 | 503) {
            response.push("Retry-After", Value::Number(1));
        }
        response.with_piece(Piece::Owned(body))
    }
}

fn quote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::escape_into(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

impl From<Refusal> for Otherwise {
    fn from(refusal: Refusal) -> Otherwise {
        let look_at_disk = "look at the disk of the data folder; reads go on";
        let detail = refusal.to_string();
        Otherwise::Problem(match refusal {
            Refusal::JournalBusy => return Otherwise::Again,
            Refusal::JournalUnavailable { .. } => Problem::new(Kind::JournalUnavailable, detail).hint(look_at_disk),
            Refusal::SequenceUnavailable { .. } => Problem::new(Kind::SequenceUnavailable, detail).hint(look_at_disk),
            Refusal::Stopping => Problem::new(Kind::Stopping, detail),
            Refusal::TooManyCollections { limit } => Problem::new(Kind::TooManyCollections, detail)
                .hint("drop a collection, or raise collections_max")
                .size("limit", limit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(response: &Response) -> String {
        let super::super::message::ResponseBody::Pieces(pieces) = &response.body else { panic!("not pieces") };
        pieces.iter().map(|piece| String::from_utf8_lossy(piece.bytes()).into_owned()).collect()
    }

    #[test]
    fn a_problem_is_written_with_all_its_members() {
        let problem = Problem::new(Kind::DocumentTooLarge, "a \"b\"").hint("do").number("limit_bytes", 5);
        let response = problem.into_response();
        assert_eq!(response.status, 413);
        assert_eq!(
            body(&response),
            "{\"type\":\"about:blank\",\"title\":\"The document is too large\",\"status\":413,\
             \"code\":\"document_too_large\",\"detail\":\"a \\\"b\\\"\",\"hint\":\"do\",\"limit_bytes\":5}\n"
        );
    }

    #[test]
    fn codes_are_snake_case_and_each_stands_once() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || b"_8".contains(&byte))));
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn a_refusal_says_why_and_when_to_try_again_unless_it_is_tried_again_here() {
        for (refusal, status, code) in [
            (Refusal::SequenceUnavailable { cause: "no".into() }, 503, "sequence_unavailable"),
            (Refusal::JournalUnavailable { cause: "no".into() }, 503, "journal_unavailable"),
            (Refusal::Stopping, 503, "stopping"),
            (Refusal::TooManyCollections { limit: 1 }, 507, "too_many_collections"),
        ] {
            let detail = refusal.to_string();
            let Otherwise::Problem(problem) = Otherwise::from(refusal) else { panic!("{code}") };
            assert_eq!((problem.kind().status(), problem.kind().code()), (status, code));
            let response = problem.into_envelope();
            assert_eq!(response.headers.contains(&("Retry-After", Value::Number(1))), status == 503, "{code}");
            assert!(body(&response).contains(&detail), "{code}");
        }
        assert!(matches!(Otherwise::from(Refusal::JournalBusy), Otherwise::Again));
    }
}

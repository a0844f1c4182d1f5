//! The kinds of failure as one table: kind, status, stable code, title.
//!
//! The README's table of codes is made from it, and `/openapi.json` says which operation has which.

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
    /// No token, where one is needed.
    TokenMissing = 401 "token_missing" "A token is needed";
    /// A token that is none of this server's.
    TokenInvalid = 401 "token_invalid" "The token is not known";
    /// A token whose role lets one do less.
    RoleLacking = 403 "role_lacking" "The role of the token is too small";
    /// A token that does not reach there.
    OutOfReach = 403 "out_of_reach" "The token does not reach there";
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
    /// A backup is being written or read already.
    BackupRunning = 409 "backup_running" "A backup is being made";
    /// Another import is about to replace everything.
    ImportRunning = 409 "import_running" "An import is replacing everything";
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
    /// What was to be read again cannot be used.
    ReloadFailed = 500 "reload_failed" "The reload failed";
    /// A backup could not be written.
    BackupFailed = 500 "backup_failed" "The backup failed";
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
    /// All bodies that are arriving take as much memory as they may.
    TooManyBodies = 503 "too_many_bodies" "Too many bodies are arriving";
    /// The journal cannot be written.
    JournalUnavailable = 503 "journal_unavailable" "Writes are refused for now";
    /// One more collection would be too many.
    TooManyCollections = 507 "too_many_collections" "Too many collections";
    /// There is no memory for a write that grows.
    MemoryFull = 507 "memory_full" "Memory is full";
}

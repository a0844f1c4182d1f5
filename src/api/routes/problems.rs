//! What can go wrong, in the groups that operations have in common.

use super::super::problem::Kind;

/// In any target of the resource API.
pub const NAMED: &[Kind] = &[
    Kind::PercentEscapeInvalid,
    Kind::Utf8Invalid,
    Kind::ParameterUnknown,
    Kind::ParameterInvalid,
    Kind::ParametersConflict,
];

/// Where a key is given.
pub const KEYED: &[Kind] = &[Kind::KeyEmpty, Kind::KeyTooLong, Kind::KeyInvalid];

/// Where a collection is named.
pub const IN_COLLECTION: &[Kind] = &[Kind::CollectionNameInvalid, Kind::CollectionNotFound];

/// Where something is changed.
pub const WRITES: &[Kind] = &[Kind::Stopping, Kind::SequenceUnavailable, Kind::JournalUnavailable];

/// Where one document is written, by its key or under a condition.
pub const GUARDED: &[Kind] =
    &[Kind::KeyNotFound, Kind::ConditionInvalid, Kind::ConditionFailed, Kind::ConditionRequired];

/// Where a body is taken.
pub const BODY: &[Kind] = &[
    Kind::JsonInvalid,
    Kind::BodyIncomplete,
    Kind::BodyMalformed,
    Kind::BodyTimeout,
    Kind::LengthRequired,
    Kind::DocumentTooLarge,
];

/// Where a token is asked for.
pub const TOKENS: &[Kind] = &[Kind::TokenMissing, Kind::TokenInvalid, Kind::RoleLacking, Kind::OutOfReach];

/// Everywhere.
pub const EVERYWHERE: &[Kind] = &[Kind::Starting];

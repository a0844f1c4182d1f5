//! The feed of changes.

use super::super::changes;
use super::super::message::Method;
use super::super::problem::Kind;
use super::operation::{Content, Needs, Operation, Reply, Takes};
use super::parameters::{COLLECTIONS, OF_CHANGES, PREFIX, SINCE, TIMEOUT, VALUES};
use super::problems::NAMED;

/// `GET`
pub const GET: Operation = Operation {
    method: Method::Get,
    handler: changes::get,
    needs: Needs::Read,
    id: "follow_changes",
    summary: "Tells what changes, in order: the next changes as lines, or all that come as server-sent events",
    query: &[SINCE, COLLECTIONS, PREFIX, VALUES, TIMEOUT],
    fields: OF_CHANGES,
    takes: Takes::Nothing,
    replies: &[Reply {
        status: 200,
        about: "a line or an event for each change; the last line always has the lsn to go on from",
        content: Content::Changes,
        fields: &[],
    }],
    problems: &[NAMED, &[Kind::CollectionNameInvalid, Kind::ChangesOff, Kind::ChangesGone, Kind::ChangesBusy]],
};

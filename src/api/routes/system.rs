//! The operations that are not about documents.

use super::super::backup;
use super::super::inspect;
use super::super::message::Method;
use super::super::openapi;
use super::super::problem::Kind;
use super::super::system;
use super::super::ui;
use super::operation::{Content, Needs, Operation, Reply};
use super::parameters::{CONDITIONS, WAIT};
use super::problems::NAMED;

const fn operation(
    handler: (super::Handler, super::Needs),
    names: (&'static str, &'static str),
    replies: &'static [Reply],
    problems: &'static [&'static [Kind]],
) -> Operation {
    Operation::plain(Method::Get, handler, names, replies, problems)
}

const STATUS: &[Reply] = &[Reply { status: 200, about: "it is", content: Content::Object("Status"), fields: &[] }];
const TEXT: &[Reply] = &[Reply { status: 200, about: "the text", content: Content::Text, fields: &[] }];

/// Fields of the page: what a browser may do with it.
const OF_PAGE: &[&str] =
    &["ETag", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"];

/// `GET /livez`
pub const LIVEZ: Operation =
    operation((system::livez, Needs::Nothing), ("livez", "The process answers"), STATUS, &[NAMED]);

/// `GET /readyz`
pub const READYZ: Operation = operation(
    (system::readyz, Needs::Nothing),
    ("readyz", "The server should be sent work"),
    STATUS,
    &[NAMED, &[Kind::NotReady]],
);

/// `GET /metrics`
pub const METRICS: Operation = operation(
    (system::metrics, Needs::ReadAll),
    ("metrics", "What the server counts, as Prometheus reads it"),
    TEXT,
    &[NAMED],
);

/// `GET /`
pub const WELCOME: Operation =
    operation((system::welcome, Needs::Nothing), ("welcome", "What this is, and three lines to try"), TEXT, &[NAMED]);

/// `GET /ui`
pub const PAGE: Operation = Operation {
    fields: CONDITIONS,
    ..operation(
        (ui::page, Needs::Nothing),
        ("status_page", "A page to look at the server with, and at its documents"),
        &[
            Reply { status: 200, about: "the page", content: Content::Page, fields: OF_PAGE },
            Reply { status: 304, about: "it has this entity tag still", content: Content::Nothing, fields: OF_PAGE },
        ],
        &[NAMED, &[Kind::ConditionInvalid, Kind::ConditionFailed]],
    )
};

/// `GET /openapi.json`
pub const DESCRIPTION: Operation = operation(
    (openapi::description, Needs::Nothing),
    ("description", "This description"),
    &[Reply { status: 200, about: "OpenAPI 3.1", content: Content::Object("Description"), fields: &[] }],
    &[NAMED],
);

/// `GET /v1/stats`
pub const STATS: Operation = operation(
    (inspect::stats, Needs::ReadAll),
    ("stats", "How the server stands"),
    &[Reply { status: 200, about: "the figures", content: Content::Object("Stats"), fields: &[] }],
    &[NAMED],
);

/// `GET /v1/config`
pub const CONFIG: Operation = operation(
    (inspect::config, Needs::Admin),
    ("config", "Every option with its value and where that came from"),
    &[Reply { status: 200, about: "the options", content: Content::Object("Config"), fields: &[] }],
    &[NAMED],
);

/// `POST /v1/admin/snapshot`
pub const SNAPSHOT: Operation = Operation {
    method: Method::Post,
    query: &[WAIT],
    ..operation(
        (system::snapshot, Needs::Admin),
        ("snapshot", "Starts a snapshot"),
        &[
            Reply { status: 202, about: "it has begun", content: Content::Object("SnapshotStarted"), fields: &[] },
            Reply { status: 200, about: "it is durable", content: Content::Object("SnapshotFinished"), fields: &[] },
        ],
        &[NAMED, &[Kind::SnapshotRunning, Kind::SnapshotFailed, Kind::Stopping]],
    )
};

/// `POST /v1/admin/reload`
pub const RELOAD: Operation = Operation {
    method: Method::Post,
    ..operation(
        (system::reload, Needs::Admin),
        ("reload", "Reads the tokens and the certificate again"),
        &[Reply { status: 200, about: "it is done", content: Content::Object("Reloaded"), fields: &[] }],
        &[NAMED, &[Kind::ReloadFailed, Kind::Stopping]],
    )
};

/// What the bytes of a backup are.
const BACKUP_BYTES: &str = "a file that memory-tools check and restore read, complete in itself";

/// `GET /v1/admin/backup`
pub const BACKUP: Operation = operation(
    (backup::get, Needs::Admin),
    ("backup", "A copy of everything as it was at one moment"),
    &[Reply {
        status: 200,
        about: "the file; MT-LSN is the newest write in it",
        content: Content::Bytes(BACKUP_BYTES),
        fields: &["MT-LSN", "MT-Documents", "MT-Bytes"],
    }],
    &[NAMED, &[Kind::BackupRunning, Kind::BackupFailed, Kind::Stopping]],
);

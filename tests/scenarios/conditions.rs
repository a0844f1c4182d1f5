//! Conditional requests: a guarded write is applied to the version that it names, or not at all.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{delete, get, put};

#[test]
fn a_guarded_write_is_applied_only_to_the_version_it_names() {
    over_every_door(&[scenario! { "If-Match guards PUT and DELETE";
        put("/v1/docs/a", "1").with("If-Match", "*").gives(412).containing("\"code\":\"condition_failed\""),
        put("/v1/docs/a", "1").gives(201),
        put("/v1/docs/a", "2").with("If-Match", "\"9\"").gives(412).containing("\"version\":1"),
        get("/v1/docs/a").body("1"),
        put("/v1/docs/a", "2").with("If-Match", "\"9\", \"1\"").gives(200).field("ETag", "\"2\""),
        delete("/v1/docs/a").with("If-Match", "\"1\"").gives(412),
        delete("/v1/docs/a").with("If-Match", "W/\"2\"").gives(412),
        delete("/v1/docs/a").with("If-Match", "\"2\"").gives(204),
        delete("/v1/docs/a").with("If-Match", "\"2\"").gives(412),
    }]);
}

#[test]
fn creation_can_be_guarded() {
    over_every_door(&[scenario! { "If-None-Match: * creates only";
        put("/v1/docs/a", "1").with("If-None-Match", "*").gives(201),
        put("/v1/docs/a", "2").with("If-None-Match", "*").gives(412),
        put("/v1/docs/a", "2").with("If-None-Match", "\"7\"").gives(200),
        put("/v1/collections/c/docs/a", "1").with("If-Match", "*").gives(412),
        get("/collections").containing("\"data\":[]"),
        put("/v1/collections/c/docs/a", "1").with("If-None-Match", "*").gives(201),
    }]);
}

#[test]
fn an_unchanged_document_is_not_sent_again() {
    over_every_door(&[scenario! { "If-None-Match answers 304 and If-Match guards GET too";
        put("/v1/docs/a", "[1]").gives(201),
        get("/v1/docs/a").with("If-None-Match", "\"1\"").gives(304).field("ETag", "\"1\"").body(""),
        get("/v1/docs/a").with("If-None-Match", "W/\"1\"").gives(304),
        get("/v1/docs/a").with("If-None-Match", "\"2\"").body("[1]"),
        get("/v1/docs/a").with("If-None-Match", "*").gives(304),
        get("/v1/docs/a").with("If-Match", "\"2\"").gives(412),
        get("/v1/docs/a").with("If-Match", "\"1\"").body("[1]"),
        get("/v1/docs/b").with("If-Match", "*").gives(412),
        get("/v1/docs/b").with("If-None-Match", "*").gives(404),
    }]);
}

#[test]
fn a_condition_that_cannot_be_read_is_not_ignored() {
    over_every_door(&[scenario! { "it is a 400 and nothing is written";
        put("/v1/docs/a", "1").with("If-Match", "1").gives(400).containing("\"code\":\"condition_invalid\""),
        put("/v1/docs/a", "1").with("If-None-Match", "\"1").gives(400),
        get("/v1/docs/a").gives(404),
    }]);
}

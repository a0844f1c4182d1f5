//! PATCH: a part of a document is changed, all of the patch or nothing of it.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Exchange, Step, get, put, send};

const TYPES: &str = "application/merge-patch+json, application/json-patch+json, application/vnd.memory-tools.ops+json";

fn patch(target: &str, kind: &str, body: &str) -> Exchange {
    send("PATCH", target).with("Content-Type", kind).carrying(body)
}

fn merge(target: &str, body: &str) -> Exchange {
    patch(target, "application/merge-patch+json", body)
}

fn standard(target: &str, body: &str) -> Exchange {
    patch(target, "application/json-patch+json", body)
}

fn operations(target: &str, body: &str) -> Exchange {
    patch(target, "application/vnd.memory-tools.ops+json", body)
}

#[test]
fn a_patch_changes_what_it_names_and_keeps_every_other_byte() {
    over_every_door(&[
        scenario! { "merge patch, by path and by key";
            put("/v1/docs/a", "{\"n\": 1.0, \"x\":\"\\u00e9\",\"gone\":1}").gives(201),
            merge("/v1/docs/a", " {\"x\":2,\"gone\":null}\n").field("ETag", "\"2\"").body("{\"key\":\"a\",\"version\":2}\n"),
            get("/v1/docs/a").body("{\"n\": 1.0, \"x\":2}").field("ETag", "\"2\""),
            merge("/v1/docs?key=a", "{\"y\":[]}").containing("\"version\":3"),
            get("/v1/docs/a").body("{\"n\": 1.0, \"x\":2,\"y\":[]}"),
            merge("/v1/docs/a", "7"),
            get("/v1/docs/a").body("7"),
        },
        scenario! { "JSON Patch is all or nothing, and patches are kept over a restart";
            put("/v1/collections/c/docs/a", "{\"l\":[1, 2]}").gives(201),
            standard("/v1/collections/c/docs/a", "[{\"op\":\"add\",\"path\":\"/l/-\",\"value\":3}]").field("ETag", "\"3\""),
            standard("/v1/collections/c/docs/a",
                "[{\"op\":\"add\",\"path\":\"/m\",\"value\":3},{\"op\":\"remove\",\"path\":\"/x\"}]").gives(409)
                .containing("\"code\":\"patch_conflict\"").containing("\"operation\":1").containing("\"pointer\":\"/x\""),
            Step::Restart,
            get("/v1/collections/c/docs/a").body("{\"l\":[1, 2,3]}").field("ETag", "\"3\""),
        },
        scenario! { "operations count and collect";
            put("/v1/docs/a", "{}").gives(201),
            operations("/v1/docs/a", "[{\"op\":\"inc\",\"path\":\"/n\",\"value\":2}]"),
            operations("/v1/docs/a",
                "[{\"op\":\"inc\",\"path\":\"/n\",\"value\":-1},{\"op\":\"append\",\"path\":\"/l\",\"value\":\"x\"}]"),
            get("/v1/docs/a").body("{\"n\":1,\"l\":[\"x\"]}").field("ETag", "\"3\""),
        },
    ]);
}

#[test]
fn a_patch_needs_a_type_that_is_known_and_is_told_which_are() {
    over_every_door(&[scenario! { "anything else is a 415, the document there or not";
        put("/v1/docs/a", "{}").gives(201),
        patch("/v1/docs/a", "application/json", "{}").gives(415).field("Accept-Patch", TYPES)
            .containing("\"code\":\"patch_type_unsupported\"").containing("application/json"),
        patch("/v1/docs/b", "application/x-www-form-urlencoded", "{}").gives(415),
        send("PATCH", "/v1/docs/a").carrying("{}").gives(415).field("Accept-Patch", TYPES),
        patch("/v1/docs/a", "Application/Merge-Patch+JSON; charset=utf-8", "{\"a\":1}"),
        get("/v1/docs/a").body("{\"a\":1}"),
        send("OPTIONS", "/v1/docs/a").gives(204).field("Accept-Patch", TYPES),
        send("OPTIONS", "/v1/docs").gives(204).field("Accept-Patch", TYPES),
        send("OPTIONS", "/v1/collections").gives(204).no_field("Accept-Patch"),
    }]);
}

#[test]
fn a_patch_that_cannot_be_made_says_why_and_changes_nothing() {
    over_every_door(&[scenario! { "400, 404, 409, 422 apart";
        put("/v1/docs/a", "{\"s\":\"x\"}").gives(201),
        merge("/v1/docs/a", "{").gives(400).containing("\"code\":\"json_invalid\"").containing("\"offset\":1"),
        merge("/v1/docs/a", "").gives(400).containing("\"code\":\"json_invalid\""),
        standard("/v1/docs/a", "{}").gives(400).containing("\"code\":\"patch_invalid\""),
        standard("/v1/docs/a", "[{\"op\":\"test\",\"path\":\"\",\"value\":{}},{\"op\":\"inc\",\"path\":\"/n\",\"value\":1}]")
            .gives(400).containing("\"code\":\"patch_invalid\"").containing("\"operation\":1"),
        standard("/v1/docs/a", "[{\"op\":\"add\",\"path\":\"s\",\"value\":1}]").gives(400),
        standard("/v1/docs/a", "[{\"op\":\"test\",\"path\":\"/s\",\"value\":\"y\"}]").gives(409)
            .containing("\"code\":\"patch_conflict\""),
        operations("/v1/docs/a", "[{\"op\":\"inc\",\"path\":\"/s\",\"value\":1}]").gives(422)
            .containing("\"code\":\"patch_unprocessable\"").containing("\"pointer\":\"/s\""),
        merge("/v1/docs/b", "{}").gives(404).containing("\"code\":\"key_not_found\""),
        merge("/v1/collections/c/docs/b", "{}").gives(404).containing("\"code\":\"collection_not_found\""),
        merge("/v1/docs", "{}").gives(400).containing("\"code\":\"key_empty\""),
        merge("/v1/docs/a?keep_ttl", "{}").gives(400).containing("\"code\":\"parameter_unknown\""),
        get("/v1/docs/a").body("{\"s\":\"x\"}").field("ETag", "\"1\""),
    }]);
}

#[test]
fn a_merge_patch_creates_a_document_where_that_is_asked_for() {
    over_every_door(&[scenario! { "upsert";
        merge("/v1/docs/a?upsert", "{\"x\":{\"y\":1,\"z\":null}}").gives(201).field("Location", "/v1/docs/a")
            .field("ETag", "\"1\"").body("{\"key\":\"a\",\"version\":1}\n"),
        get("/v1/docs/a").body("{\"x\":{\"y\":1}}"),
        merge("/v1/docs/a?upsert=true", "{\"x\":1}").no_field("Location"),
        merge("/v1/docs/a?upsert", "{\"x\":2}").with("If-None-Match", "*").gives(412),
        merge("/v1/docs/b?upsert", "{\"x\":2}").with("If-None-Match", "*").gives(201),
        merge("/v1/docs/c?upsert", "{}").with("If-Match", "*").gives(412),
        merge("/v1/docs/c?upsert=0", "{}").gives(404),
        merge("/v1/collections/new/docs/a?upsert&ttl=5", "{}").gives(201).containing("19:00:05.000Z"),
        merge("/v1/collections/n%20w/docs/a?upsert", "{}").gives(400).containing("\"code\":\"collection_name_invalid\""),
        standard("/v1/docs/c?upsert", "[]").gives(400).containing("\"code\":\"parameter_invalid\""),
    }]);
}

#[test]
fn a_patch_is_guarded_as_a_put_is() {
    over_every_door(&[
        scenario! { "If-Match and If-None-Match";
            put("/v1/docs/a", "{}").gives(201),
            merge("/v1/docs/a", "{\"x\":1}").with("If-Match", "\"9\"").gives(412).containing("\"version\":1"),
            merge("/v1/docs/a", "{\"x\":1}").with("If-None-Match", "\"1\"").gives(412),
            merge("/v1/docs/a", "{\"x\":1}").with("If-Match", "\"1\"").field("ETag", "\"2\""),
            merge("/v1/docs/a", "{\"x\":1}").with("If-Match", "1").gives(400).containing("\"code\":\"condition_invalid\""),
            merge("/v1/docs/b", "{}").with("If-Match", "*").gives(412),
        },
        scenario! { "a collection that requires a condition requires it of a patch";
            send("POST", "/v1/collections/c").carrying("{\"require_conditional\":true}").gives(201),
            put("/v1/collections/c/docs/a", "{}").with("If-None-Match", "*").gives(201).field("ETag", "\"2\""),
            merge("/v1/collections/c/docs/a", "{\"x\":1}").gives(428).containing("\"code\":\"condition_required\""),
            merge("/v1/collections/c/docs/a", "{\"x\":1}").with("If-Match", "\"2\"").field("ETag", "\"3\""),
        },
    ]);
}

#[test]
fn a_patch_keeps_the_deadline_unless_it_gives_another() {
    over_every_door(&[scenario! { "ttl and expires_at";
        put("/v1/docs/a?ttl=10", "{}").gives(201),
        Step::Advance(4_000),
        merge("/v1/docs/a", "{\"x\":1}").containing("\"expires_at\":\"2026-11-22T19:00:10.000Z\""),
        get("/v1/docs/a").field("MT-TTL", "6.000"),
        merge("/v1/docs/a?ttl=20", "{}").containing("\"expires_at\":\"2026-11-22T19:00:24.000Z\""),
        merge("/v1/docs/a?expires_at=2026-11-22T20:00:00Z", "{}").containing("T20:00:00.000Z"),
        merge("/v1/docs/a?ttl=never", "{}").body("{\"key\":\"a\",\"version\":5}\n"),
        merge("/v1/docs/a?ttl=1&expires_at=2026-11-22T20:00:00Z", "{}").gives(400),
        merge("/v1/docs/a?ttl=1", "{}"),
        Step::Advance(1_000),
        merge("/v1/docs/a", "{}").gives(404),
    }]);
}

#[test]
fn a_patch_sends_back_what_is_preferred() {
    over_every_door(&[scenario! { "Prefer";
        put("/v1/docs/a", "{\"a\": 1}").gives(201),
        merge("/v1/docs/a", "{\"b\":2}").with("Prefer", "return=representation").body("{\"a\": 1,\"b\":2}")
            .field("ETag", "\"2\"").field("Preference-Applied", "return=representation"),
        merge("/v1/docs/a", "{\"b\":null}").with("Prefer", "return=minimal").gives(204).body("")
            .field("ETag", "\"3\"").field("Preference-Applied", "return=minimal"),
        merge("/v1/docs/b?upsert", "{}").with("Prefer", "return=minimal").gives(201).body("")
            .field("Location", "/v1/docs/b"),
    }]);
}

//! Deadlines that are changed by themselves.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Step, get, put, send};

#[test]
fn a_deadline_is_changed_without_the_document() {
    over_every_door(&[
        scenario! { "version, bytes and ETag stay, over a restart too";
            put("/v1/docs/a", "{\"x\": 1}").gives(201),
            put("/v1/docs/a?only=ttl&ttl=10", "").field("ETag", "\"1\"")
                .body("{\"key\":\"a\",\"version\":1,\"expires_at\":\"2026-11-22T19:00:10.000Z\"}\n"),
            get("/v1/docs/a").body("{\"x\": 1}").field("ETag", "\"1\"").field("MT-TTL", "10.000"),
            Step::Restart,
            get("/v1/docs/a").body("{\"x\": 1}").field("MT-Expires-At", "2026-11-22T19:00:10.000Z"),
            put("/v1/docs/a?only=ttl&ttl=never", "").body("{\"key\":\"a\",\"version\":1}\n"),
            Step::Advance(20_000),
            get("/v1/docs/a").no_field("MT-TTL"),
            put("/v1/docs?key=a&only=ttl&expires_at=2026-11-22T20:00:00Z", "").containing("T20:00:00.000Z"),
        },
        scenario! { "it must be there, and fulfil the condition";
            put("/v1/docs/a?only=ttl&ttl=10", "").gives(404).containing("key_not_found"),
            put("/v1/collections/c/docs/a?only=ttl&ttl=10", "").gives(404).containing("collection_not_found"),
            put("/v1/docs/a", "1").gives(201),
            put("/v1/docs/a?only=ttl&ttl=10", "").with("If-Match", "\"9\"").gives(412),
            get("/v1/docs/a").no_field("MT-TTL"),
            put("/v1/docs/a?only=ttl&ttl=10", "").with("If-Match", "\"1\"").gives(200),
        },
        scenario! { "a body, another part or no deadline at all is a 400";
            put("/v1/docs/a", "1").gives(201),
            put("/v1/docs/a?only=ttl&ttl=10", "2").gives(400).containing("\"code\":\"body_unexpected\""),
            put("/v1/docs/a?only=value&ttl=10", "").gives(400).containing("\"code\":\"parameter_invalid\""),
            put("/v1/docs/a?only=ttl", "").gives(400).containing("\"code\":\"parameters_conflict\""),
            put("/v1/docs/a?only=ttl&keep_ttl", "").gives(400).containing("\"code\":\"parameters_conflict\""),
            put("/v1/docs/a?only=ttl&ttl=-1", "").gives(400).containing("\"code\":\"parameter_invalid\""),
            get("/v1/docs/a").body("1").no_field("MT-TTL"),
        },
    ]);
}

#[test]
fn a_deadline_slides_with_each_use() {
    over_every_door(&[
        scenario! { "touch gives it a new deadline and shows the document with it";
            put("/v1/docs/a?ttl=10", "[1]").gives(201),
            Step::Advance(9_000),
            get("/v1/docs/a?touch=10s").body("[1]").field("ETag", "\"1\"").field("MT-TTL", "10.000"),
            Step::Advance(9_000),
            get("/v1/docs/a").field("MT-TTL", "1.000"),
            get("/v1/docs/a?touch=0.5").with("If-None-Match", "\"1\"").gives(304).field("MT-TTL", "0.500"),
            Step::Advance(500),
            get("/v1/docs/a?touch=10s").gives(404),
        },
        scenario! { "who is refused has touched nothing";
            put("/v1/docs/a", "[1]").gives(201),
            get("/v1/docs/a?touch=10s").with("If-Match", "\"9\"").gives(412),
            send("HEAD", "/v1/docs/a?touch=10s").gives(400),
            get("/v1/docs/a?touch=never").gives(400).containing("touch=never is no duration"),
            get("/v1/docs/a?touch").gives(400).containing("\"code\":\"parameter_invalid\""),
            get("/v1/docs/a").no_field("MT-TTL"),
            get("/v1/docs/b?touch=10s").gives(404),
            get("/v1/docs/b?touch=10s").with("If-Match", "*").gives(412),
        },
    ]);
}

//! A clean stop and a start: everything is still there.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Step, delete, get, post, put, send};

#[test]
fn a_restart_loses_nothing() {
    over_every_door(&[
        scenario! { "documents, versions, deadlines and collections survive, and versions go on";
            put("/v1/docs/a", "{ \"x\" : 1 }").gives(201),
            put("/v1/docs/b?ttl=10", "2").gives(201),
            put("/v1/docs/c?ttl=1", "3").gives(201),
            put("/v1/collections/users/docs/u", "[1]").gives(201).field("ETag", "\"5\""),
            send("POST", "/collections/empty").gives(201),
            put("/v1/docs/gone", "1").gives(201),
            delete("/v1/docs/gone").gives(204),
            Step::Advance(500),
            Step::Restart,
            get("/v1/docs/a").body("{ \"x\" : 1 }").field("ETag", "\"1\"").no_field("MT-TTL"),
            get("/v1/docs/b").body("2").field("ETag", "\"2\"").field("MT-TTL", "9.500"),
            get("/v1/docs/c").field("MT-TTL", "0.500"),
            get("/v1/docs/gone").gives(404),
            get("/v1/collections/users/docs/u").body("[1]").field("ETag", "\"5\""),
            get("/collections").containing("\"data\":[\"empty\",\"users\"]"),
            Step::Advance(500),
            get("/v1/docs/c").gives(404),
            put("/v1/docs/new", "1").gives(201).field("ETag", "\"9\""),
        },
        scenario! { "what expires while the server is down is not there when it is up again";
            put("/v1/docs/a?ttl=1", "1").gives(201),
            Step::Restart,
            Step::Advance(1000),
            get("/v1/docs/a").gives(404),
            Step::Restart,
            get("/v1/docs/a").gives(404),
            post("/v1/admin/snapshot?wait", "").containing("\"documents\":0"),
        },
        scenario! { "a dropped collection stays dropped";
            put("/v1/collections/c/docs/a", "1").gives(201),
            Step::Restart,
            send("DELETE", "/collections/c").gives(200),
            Step::Restart,
            get("/v1/collections/c/docs/a").gives(404).containing("collection_not_found"),
        },
    ]);
}

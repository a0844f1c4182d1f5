//! The seed's endpoints beyond the recorded cases.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{delete, get, post, send};

#[test]
fn the_seeds_endpoints_and_the_resource_api_share_their_documents() {
    over_every_door(&[scenario! { "what one writes the other reads";
        post("/set", "{\"key\":\"a\",\"value\":{\"x\": 1.0}}"),
        get("/v1/docs/a").body("{\"x\": 1.0}").field("ETag", "\"1\""),
        post("/collections/c/set", "{\"key\":\"a\",\"value\":[1 ,2]}"),
        get("/v1/collections/c/docs/a").body("[1 ,2]"),
        delete("/delete?key=a").body("{\"success\":true,\"message\":\"Key 'a' deleted from main store\"}\n"),
        get("/v1/docs/a").gives(404),
        delete("/delete?key=a").gives(200),
    }]);
}

#[test]
fn collections_come_and_go() {
    over_every_door(&[scenario! { "a dropped collection takes its documents along, and its name can be used again";
        send("POST", "/collections/users").gives(201),
        post("/collections/users/set", "{\"key\":\"a\",\"value\":1}"),
        send("DELETE", "/collections/users").gives(200),
        get("/collections/users/get?key=a").gives(404),
        get("/collections/users/list").gives(404),
        send("POST", "/collections/users").gives(201),
        get("/collections/users/list").containing("\"data\":{}"),
        get("/collections/users/get?key=a").gives(404),
    }]);
}

#[test]
fn a_listing_is_in_byte_order_and_escaped() {
    over_every_door(&[scenario! { "keys are sorted by bytes, as the seed did, and escaped";
        post("/collections/c/set", "{\"key\":\"b\",\"value\":2}"),
        post("/collections/c/set", "{\"key\":\"a\\\"\",\"value\":\"x\"}"),
        post("/collections/c/set", "{\"key\":\"B\",\"value\":{ }}"),
        post("/collections/c/set", "{\"key\":\"é\",\"value\":null}"),
        get("/collections/c/list").body(
            "{\"success\":true,\"message\":\"Items from collection 'c' retrieved successfully\",\
             \"data\":{\"B\":{ },\"a\\\"\":\"x\",\"b\":2,\"é\":null}}\n"),
        send("HEAD", "/collections/c/list").body(""),
    }]);
}

#[test]
fn limits_are_told_in_the_envelope() {
    let long = "x".repeat(1025);
    over_every_door(&[scenario! { "a key too long, an empty name, invalid UTF-8";
        post("/set", format!("{{\"key\":\"{long}\",\"value\":1}}")).gives(400)
            .body("{\"success\":false,\"message\":\"a key has at most 1024 bytes, this one has 1025\"}\n"),
        get(format!("/get?key={long}")).gives(400).containing("\"success\":false"),
        post("/collections//set", "{\"key\":\"a\",\"value\":1}").gives(400).containing("Collection name cannot be empty"),
        get("/get?key=%ff").gives(400).containing("not UTF-8"),
        post("/set", b"{\"key\":\"\xff\",\"value\":1}".to_vec()).gives(400)
            .containing("Invalid JSON request body or unknown fields"),
        post("/set", "{\"key\":\"a\",\"value\":1,\"ttl_seconds\":1.5}").gives(400),
    }]);
}

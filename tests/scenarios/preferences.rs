//! What a write sends back, and keys that the server makes.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{delete, get, post, put, send};

const MINIMAL: &str = "return=minimal";
const WHOLE: &str = "return=representation";

#[test]
fn a_write_sends_back_as_much_as_is_preferred() {
    over_every_door(&[
        scenario! { "return=minimal has no body";
            put("/v1/docs/a", "1").with("Prefer", MINIMAL).gives(201).body("").field("ETag", "\"1\"")
                .field("Location", "/v1/docs/a").field("Preference-Applied", MINIMAL),
            put("/v1/docs/a?ttl=5", "2").with("Prefer", MINIMAL).gives(204).body("").field("ETag", "\"2\"")
                .field("MT-TTL", "5.000").no_field("Location"),
            put("/v1/docs/a?only=ttl&ttl=7", "").with("Prefer", MINIMAL).gives(204).body("").field("ETag", "\"2\"")
                .field("MT-TTL", "7.000").field("Preference-Applied", MINIMAL),
            delete("/v1/docs/a").with("Prefer", MINIMAL).gives(204).field("Preference-Applied", MINIMAL),
        },
        scenario! { "return=representation has the document, on DELETE the one that is gone";
            put("/v1/docs/a", " {\"x\": 1} ").with("Prefer", WHOLE).gives(201).body("{\"x\": 1}")
                .field("ETag", "\"1\"").field("Location", "/v1/docs/a").field("Preference-Applied", WHOLE),
            put("/v1/docs/a?ttl=5", "2").with("Prefer", "wait=1, return=\"representation\"").gives(200).body("2")
                .field("MT-TTL", "5.000").field("Content-Type", "application/json"),
            delete("/v1/docs/a").with("Prefer", WHOLE).gives(200).body("2").field("ETag", "\"2\"")
                .field("Preference-Applied", WHOLE),
            delete("/v1/docs/a").with("Prefer", WHOLE).gives(404).no_field("Preference-Applied"),
        },
        scenario! { "what nobody knows is passed over";
            put("/v1/docs/a", "1").with("Prefer", "return=everything, =").gives(201).no_field("Preference-Applied")
                .body("{\"key\":\"a\",\"version\":1}\n"),
            put("/v1/docs/a", "x").with("Prefer", MINIMAL).gives(400).containing("json_invalid"),
        },
    ]);
}

#[test]
fn the_server_makes_a_key_for_what_is_posted() {
    over_every_door(&[
        scenario! { "it is a UUID of version 7 that begins with the moment";
            post("/v1/docs", "{\"x\":1}").gives(201).containing("\"key\":\"01a2").containing("\"version\":1")
                .containing("-7").field("ETag", "\"1\""),
            post("/v1/docs?ttl=5", "2").with("Prefer", WHOLE).gives(201).body("2").field("MT-TTL", "5.000"),
            post("/v1/collections/c/docs", "3").gives(201).containing("\"version\":4"),
            get("/collections/c/list").containing("\":3}"),
        },
        scenario! { "what cannot be stored is refused as it is on PUT";
            post("/v1/docs", "{").gives(400).containing("\"code\":\"json_invalid\""),
            post("/v1/docs?keep_ttl", "1").gives(400).containing("\"code\":\"parameter_unknown\""),
            post("/v1/docs?key=a", "1").gives(400).containing("\"code\":\"parameter_unknown\""),
            post("/v1/docs", "1").with("If-Match", "*").gives(412),
            post("/v1/collections/a%20b/docs", "1").gives(400).containing("collection_name_invalid"),
            post("/v1/docs/a", "1").gives(405).field("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
            send("OPTIONS", "/v1/docs").gives(204).field("Allow", "GET, HEAD, PUT, PATCH, DELETE, POST, OPTIONS"),
        },
    ]);
}

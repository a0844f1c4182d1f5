//! Documents: what goes in comes out, to the byte.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{delete, get, put, send};

#[test]
fn documents_are_kept_as_sent() {
    let odd = "{ \"b\" : 1.0,\n \"a\":[1, 2 ], \"big\":12345678901234567890123, \"e\":1E5, \"a\":\"\\u00e9\\/é\" }";
    over_every_door(&[
        scenario! { "a document comes back byte for byte";
            put("/v1/docs/odd", odd).gives(201).body("{\"key\":\"odd\",\"version\":1}\n").field("ETag", "\"1\"")
                .field("Location", "/v1/docs/odd").field("Content-Type", "application/json"),
            get("/v1/docs/odd").body(odd).field("ETag", "\"1\"").field("Content-Type", "application/json")
                .field("Cache-Control", "no-cache").no_field("MT-TTL").no_field("MT-Expires-At"),
        },
        scenario! { "white space around a document is not part of it";
            put("/v1/docs/a", " \r\n{\"x\": 1}\t ").gives(201),
            get("/v1/docs/a").body("{\"x\": 1}"),
        },
        scenario! { "every JSON value is a document";
            put("/v1/docs/a", "null").gives(201), get("/v1/docs/a").body("null"),
            put("/v1/docs/a", "-0.0e-1").gives(200), get("/v1/docs/a").body("-0.0e-1"),
            put("/v1/docs/a", "1e400").gives(200), get("/v1/docs/a").body("1e400"),
            put("/v1/docs/a", "\"\\ud800\"").gives(200), get("/v1/docs/a").body("\"\\ud800\""),
            put("/v1/docs/a", "[]").gives(200), get("/v1/docs/a").body("[]"),
        },
        scenario! { "a replaced document has a new version and no Location";
            put("/v1/docs/a", "1").gives(201).field("ETag", "\"1\""),
            put("/v1/docs/a", "2").gives(200).field("ETag", "\"2\"").no_field("Location")
                .body("{\"key\":\"a\",\"version\":2}\n"),
            get("/v1/docs/a").body("2").field("ETag", "\"2\""),
        },
        scenario! { "a deleted document is gone, and deleting it again is a 404";
            put("/v1/docs/a", "1").gives(201),
            delete("/v1/docs/a").gives(204).body(""),
            get("/v1/docs/a").gives(404).containing("\"code\":\"key_not_found\""),
            delete("/v1/docs/a").gives(404),
            put("/v1/docs/a", "2").gives(201).field("ETag", "\"3\""),
        },
        scenario! { "HEAD is GET without the body";
            put("/v1/docs/a", "[1,2,3]").gives(201),
            send("HEAD", "/v1/docs/a").body("").field("ETag", "\"1\""),
            send("HEAD", "/v1/docs/b").gives(404).body(""),
        },
        scenario! { "what is not JSON is refused with its offset and changes nothing";
            put("/v1/docs/a", "{\"a\":1,}").gives(400).containing("\"code\":\"json_invalid\"").containing("\"offset\":7"),
            put("/v1/docs/a", "").gives(400).containing("\"offset\":0"),
            put("/v1/docs/a", "[1] [2]").gives(400).containing("\"offset\":4"),
            put("/v1/docs/a", b"\"\xff\"".to_vec()).gives(400).containing("invalid UTF-8").containing("\"offset\":1"),
            put("/v1/docs/a", "\u{feff}1").gives(400).containing("\"offset\":0"),
            get("/v1/docs/a").gives(404),
        },
        scenario! { "a form's Content-Type is no obstacle";
            put("/v1/docs/a", "{}").with("Content-Type", "application/x-www-form-urlencoded").gives(201),
        },
    ]);
}

#[test]
fn collections_keep_their_documents_apart() {
    over_every_door(&[scenario! { "a collection is made by the first PUT into it and by no GET";
        get("/v1/collections/users/docs/a").gives(404).containing("\"code\":\"collection_not_found\""),
        delete("/v1/collections/users/docs/a").gives(404).containing("collection_not_found"),
        get("/collections").containing("\"data\":[]"),
        put("/v1/collections/users/docs/a", "1").gives(201).field("Location", "/v1/collections/users/docs/a")
            .body("{\"key\":\"a\",\"version\":2}\n"),
        get("/collections").containing("\"data\":[\"users\"]"),
        get("/v1/collections/users/docs/a").body("1"),
        get("/v1/collections/users/docs/b").gives(404).containing("\"code\":\"key_not_found\""),
        get("/v1/docs/a").gives(404),
        put("/v1/docs/a", "2").gives(201),
        get("/v1/collections/users/docs/a").body("1"),
        delete("/v1/collections/users/docs/a").gives(204),
        get("/v1/docs/a").body("2"),
    }]);
}

#[test]
fn names_of_collections_have_rules() {
    over_every_door(&[scenario! { "only plain names are created here, and others are reached when they exist";
        put("/v1/collections/a%20b/docs/k", "1").gives(400).containing("\"code\":\"collection_name_invalid\""),
        put("/v1/collections/.a/docs/k", "1").gives(400),
        put("/v1/collections//docs/k", "1").gives(400),
        put("/v1/collections/a%2Fb/docs/k", "1").gives(400),
        put(format!("/v1/collections/{}/docs/k", "x".repeat(129)), "1").gives(400),
        put(format!("/v1/collections/{}/docs/k", "x".repeat(128)), "1").gives(201),
        send("POST", "/collections/a%20b").gives(201),
        put("/v1/collections/a%20b/docs/k", "1").gives(201).field("Location", "/v1/collections/a%20b/docs/k"),
        get("/v1/collections/a%20b/docs/k").body("1"),
        get("/collections").containing("\"a b\""),
    }]);
}

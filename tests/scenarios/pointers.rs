//! `?ptr=` and `?pretty`: a part of a document, or a document as people read it.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{get, put, send};

#[test]
fn a_part_of_a_document_is_read_byte_for_byte() {
    let large = format!("\"{}\"", "x".repeat(100_000));
    over_every_door(&[scenario! { "ptr names a value; the tag is the document's";
        put("/v1/docs/a?ttl=10", format!("{{\"a/b\": [1.0, {{\"c\" : 2E1}}],\"l\":{large},\"\":0,\"a~b\":7,\"d\":1,\"d\":2}}"))
            .gives(201),
        get("/v1/docs/a?ptr=/a~1b").body("[1.0, {\"c\" : 2E1}]").field("ETag", "\"1\"").field("MT-TTL", "10.000")
            .field("Content-Type", "application/json"),
        get("/v1/docs/a?ptr=%2Fa~1b%2F1%2Fc").body("2E1"),
        get("/v1/docs?key=a&ptr=/l").body(large.clone()),
        get("/v1/docs/a?ptr=/").body("0"),
        get("/v1/docs/a?ptr=/a~0b").body("7"),
        get("/v1/docs/a?ptr=/d").body("2"),
        get("/v1/docs/a?ptr=/a~1b/2").gives(404).containing("\"code\":\"pointer_not_found\"")
            .containing("\"pointer\":\"/a~1b/2\""),
        get("/v1/docs/a?ptr=/a~1b/-").gives(404),
        get("/v1/docs/b?ptr=/a").gives(404).containing("\"code\":\"key_not_found\""),
        get("/v1/docs/a?ptr=a").gives(400).containing("\"code\":\"pointer_invalid\""),
        get("/v1/docs/a?ptr=/~2").gives(400).containing("\"code\":\"pointer_invalid\""),
        send("HEAD", "/v1/docs/a?ptr=/d").body("").field("ETag", "\"1\""),
        send("HEAD", "/v1/docs/a?ptr=/x").gives(404),
        put("/v1/docs/a?ptr=/d", "1").gives(400).containing("\"code\":\"parameter_unknown\""),
    }]);
}

#[test]
fn a_part_is_revalidated_by_the_tag_of_its_document() {
    over_every_door(&[scenario! { "conditions decide over what is there";
        put("/v1/docs/a", "{\"x\":1}").gives(201),
        get("/v1/docs/a?ptr=/x").with("If-None-Match", "\"1\"").gives(304).body(""),
        get("/v1/docs/a?ptr=/y").with("If-None-Match", "\"1\"").gives(404),
        get("/v1/docs/a?ptr=/y").with("If-Match", "\"2\"").gives(412),
        get("/v1/docs/a?ptr=/x&touch=5").body("1").field("MT-TTL", "5.000"),
    }]);
}

#[test]
fn a_document_is_indented_for_people() {
    over_every_door(&[scenario! { "pretty, with ptr and without";
        put("/v1/docs/a", "{\"a\":[1.0,{}],\"b\":\"\\u00e9\"}").gives(201),
        get("/v1/docs/a?pretty").body("{\n  \"a\": [\n    1.0,\n    {}\n  ],\n  \"b\": \"\\u00e9\"\n}").field("ETag", "\"1\""),
        get("/v1/docs/a?pretty=1&ptr=/a").body("[\n  1.0,\n  {}\n]"),
        get("/v1/docs/a?pretty=false").body("{\"a\":[1.0,{}],\"b\":\"\\u00e9\"}"),
        get("/v1/docs/a?pretty=yes").gives(400).containing("\"code\":\"parameter_invalid\""),
        send("HEAD", "/v1/docs/a?pretty").body(""),
        get("/v1/docs?pretty").gives(400).containing("\"code\":\"parameters_conflict\""),
        get("/v1/docs?ptr=/a").gives(400).containing("\"code\":\"parameters_conflict\""),
    }]);
}

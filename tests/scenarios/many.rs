//! `POST {base}:get`: many documents in one request.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Step, get, post, put};

#[test]
fn many_documents_are_read_in_the_order_that_they_are_asked_for() {
    let large = format!("\"{}\"", "x".repeat(20_000));
    over_every_door(&[
        scenario! { "what is there, and what is not";
            put("/v1/docs/b", "{\"n\": 1.0}").gives(201),
            put("/v1/docs/a?ttl=5", large.clone()).gives(201),
            put("/v1/docs?key=q%22/%C3%A9", "null").gives(201),
            post("/v1/docs:get", " [\"b\", \"x\\\"\", \"a\",\"\\u0062\",\"q\\\"/é\" ,\"x\\\"\"]\n").body(format!(
                "{{\"found\":{{\"b\":{{\"n\": 1.0}},\"a\":{large},\"q\\\"/é\":null}},\"missing\":[\"x\\\"\"]}}\n"
            )).field("Content-Type", "application/json"),
            post("/v1/docs:get", "[]").body("{\"found\":{},\"missing\":[]}\n"),
            Step::Advance(5_000),
            post("/v1/docs:get", "[\"a\"]").body("{\"found\":{},\"missing\":[\"a\"]}\n"),
        },
        scenario! { "in a collection, which must be there";
            post("/v1/collections/c/docs:get", "[\"a\"]").gives(404).containing("\"code\":\"collection_not_found\""),
            put("/v1/collections/c/docs/a", "1").gives(201),
            post("/v1/collections/c/docs:get", "[\"a\",\"b\"]").body("{\"found\":{\"a\":1},\"missing\":[\"b\"]}\n"),
        },
        scenario! { "a key that is called so is a key";
            put("/v1/docs/:get", "1").gives(201),
            get("/v1/docs/:get").body("1"),
            get("/v1/docs:get").gives(405).field("Allow", "POST, OPTIONS"),
        },
    ]);
}

#[test]
fn a_part_of_each_can_be_asked_for() {
    let large = "7".repeat(20_000);
    over_every_door(&[scenario! { "a document without it counts as missing";
        put("/v1/docs/a", format!("{{\"x\":[1,{large}]}}")).gives(201),
        put("/v1/docs/b", "{\"x\":[1, [ ] ]}").gives(201),
        put("/v1/docs/c", "{\"x\":1}").gives(201),
        post("/v1/docs:get?ptr=/x/1", "[\"d\",\"c\",\"b\",\"a\"]")
            .body(format!("{{\"found\":{{\"b\":[ ],\"a\":{large}}},\"missing\":[\"d\",\"c\"]}}\n")),
        post("/v1/docs:get?ptr=x", "[]").gives(400).containing("\"code\":\"pointer_invalid\""),
    }]);
}

#[test]
fn what_is_no_list_of_keys_is_refused() {
    let keys = |count: usize| format!("[{}]", vec!["\"k\""; count].join(","));
    let long = "k".repeat(1025);
    over_every_door(&[scenario! { "400 and 413";
        post("/v1/docs:get", "").gives(400).containing("\"code\":\"json_invalid\""),
        post("/v1/docs:get", "{\"a\":1}").gives(400).containing("\"code\":\"keys_invalid\""),
        post("/v1/docs:get", "[\"a\",1]").gives(400).containing("element 1"),
        post("/v1/docs:get", "[\"\\ud800\"]").gives(400).containing("\"code\":\"keys_invalid\""),
        post("/v1/docs:get", "[\"\"]").gives(400).containing("\"code\":\"key_empty\""),
        post("/v1/docs:get", "[\"\\u0000\"]").gives(400).containing("\"code\":\"key_invalid\""),
        post("/v1/docs:get", format!("[\"{long}\"]")).gives(400).containing("\"code\":\"key_too_long\""),
        post("/v1/docs:get?pretty", "[]").gives(400).containing("\"code\":\"parameter_unknown\""),
        post("/v1/docs:get", keys(1000)).body("{\"found\":{},\"missing\":[\"k\"]}\n"),
        post("/v1/docs:get", keys(1001)).gives(413).containing("\"code\":\"too_many_keys\"").containing("\"limit\":1000"),
    }]);
}

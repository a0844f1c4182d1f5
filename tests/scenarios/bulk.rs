//! Bulks: many operations in one request, each with its result.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{get, post, put, send};

#[test]
fn each_operation_has_its_result_in_order() {
    over_every_door(&[
        scenario! { "put, delete and ttl, well and not";
            put("/v1/docs/old", "0").gives(201),
            post("/v1/docs:bulk", concat!(
                "{\"op\":\"put\",\"key\":\"a\",\"value\": { \"n\" : 1.0 } }\n",
                "{\"op\":\"put\",\"key\":\"old\",\"value\":[2]}\r\n",
                "\n",
                "{\"key\":\"missing\",\"op\":\"delete\"}\n",
                "{\"op\":\"ttl\",\"key\":\"a\",\"ttl\":\"30s\"}\n",
                "{\"op\":\"put\",\"key\":\"a\",\"value\":3,\"if_match\":7}\n",
                "{\"op\":\"put\",\"key\":\"old\",\"value\":4,\"if_none_match\":\"*\"}\n",
                "{\"op\":\"put\",\"key\":\"\",\"value\":5}\n",
                "{\"op\":\"put\",\"key\":\"b\",\"value\":6,\"ttl\":0}\n",
                "{\"op\":\"delete\",\"key\":\"old\",\"if_match\":\"\\\"3\\\"\"}",
            )).field("Content-Type", "application/x-ndjson").body(concat!(
                "{\"key\":\"a\",\"status\":201,\"version\":2}\n",
                "{\"key\":\"old\",\"status\":200,\"version\":3}\n",
                "{\"key\":\"missing\",\"status\":404,\"code\":\"key_not_found\"}\n",
                "{\"key\":\"a\",\"status\":200,\"version\":2}\n",
                "{\"key\":\"a\",\"status\":412,\"version\":2,\"code\":\"condition_failed\"}\n",
                "{\"key\":\"old\",\"status\":412,\"version\":3,\"code\":\"condition_failed\"}\n",
                "{\"key\":null,\"status\":400,\"code\":\"key_empty\",\"detail\":\"a key has at least one byte\"}\n",
                "{\"key\":\"b\",\"status\":400,\"code\":\"parameter_invalid\",\"detail\":\"ttl=0 is not positive\"}\n",
                "{\"key\":\"old\",\"status\":204}\n",
            )),
            get("/v1/docs/a").body("{ \"n\" : 1.0 }").field("MT-TTL", "30.000"),
            get("/v1/docs/old").gives(404),
            get("/v1/docs/b").gives(404),
        },
        scenario! { "nothing to do is done well";
            post("/v1/docs:bulk", "").body(""),
            post("/v1/docs:bulk", "\n\r\n  \n").body(""),
        },
    ]);
}

#[test]
fn a_line_that_is_no_operation_ends_the_run_with_its_number() {
    over_every_door(&[scenario! { "what came before it is done, what comes behind it is not";
        post("/v1/docs:bulk", concat!(
            "{\"op\":\"put\",\"key\":\"a\",\"value\":1}\n\n",
            "{\"op\":\"put\",\"key\":\"b\",\"value\":}\n",
            "{\"op\":\"put\",\"key\":\"c\",\"value\":3}\n",
        )).body(concat!(
            "{\"key\":\"a\",\"status\":201,\"version\":1}\n",
            "{\"key\":null,\"status\":400,\"line\":3,\"code\":\"json_invalid\",\"detail\":\"expected a value at byte 30\"}\n",
        )),
        get("/v1/docs?count").body("{\"count\":1}\n"),
        post("/v1/docs:bulk", "{\"op\":\"put\",\"key\":\"b\",\"valeu\":1}\n")
            .containing("\"line\":1,\"code\":\"operation_invalid\"").containing("did you mean value?"),
        post("/v1/docs:bulk", "{\"op\":\"drop\",\"key\":\"b\"}\n").containing("{\"key\":\"b\",\"status\":400,\"line\":1"),
        get("/v1/docs?count").body("{\"count\":1}\n"),
    }]);
}

#[test]
fn a_bulk_into_a_collection_is_as_its_requests_would_be() {
    over_every_door(&[scenario! { "a put creates the collection, if it may be called so, and nothing else does";
        post("/v1/collections/c/docs:bulk", "{\"op\":\"delete\",\"key\":\"a\"}\n{\"op\":\"put\",\"key\":\"a\",\"value\":1}\n")
            .body("{\"key\":\"a\",\"status\":404,\"code\":\"collection_not_found\"}\n\
                   {\"key\":\"a\",\"status\":201,\"version\":2}\n"),
        get("/v1/collections/c/docs/a").body("1"),
        get("/v1/docs/a").gives(404),
        post("/v1/collections/a%20b/docs:bulk", "{\"op\":\"put\",\"key\":\"a\",\"value\":1}\n")
            .body("{\"key\":\"a\",\"status\":400,\"code\":\"collection_name_invalid\"}\n"),
        post("/v1/collections/a%2Fb/docs:bulk", "").gives(400).containing("\"code\":\"collection_name_invalid\""),
        post("/v1/collections/c", "{\"default_ttl\":\"5s\",\"require_conditional\":true}").gives(200),
        post("/v1/collections/c/docs:bulk", concat!(
            "{\"op\":\"put\",\"key\":\"a\",\"value\":1}\n",
            "{\"op\":\"put\",\"key\":\"b\",\"value\":1,\"if_none_match\":\"*\"}\n",
        )).body("{\"key\":\"a\",\"status\":428,\"code\":\"condition_required\"}\n\
                 {\"key\":\"b\",\"status\":201,\"version\":4}\n"),
        get("/v1/collections/c/docs/b").field("MT-TTL", "5.000"),
    }]);
}

#[test]
fn a_key_that_looks_like_the_route_stays_a_key() {
    over_every_door(&[scenario! { "behind a slash it is one";
        put("/v1/docs/:bulk", "1").gives(201),
        get("/v1/docs/:bulk").body("1"),
        send("GET", "/v1/docs:bulk").gives(405).field("Allow", "POST, OPTIONS"),
        post("/v1/docs:bulk?atmic", "").gives(400).containing("\"code\":\"parameter_unknown\""),
    }]);
}

#[test]
fn a_bulk_survives_a_restart_whatever_its_size() {
    let lines: String =
        (0..3000).map(|number| format!("{{\"op\":\"put\",\"key\":\"k{number:04}\",\"value\":{number}}}\n")).collect();
    let results: String = (0..3000)
        .map(|number| format!("{{\"key\":\"k{number:04}\",\"status\":201,\"version\":{}}}\n", number + 1))
        .collect();
    over_every_door(&[scenario! { "three thousand documents";
        post("/v1/docs:bulk", lines.as_str()).body(results.as_str()),
        crate::support::scenario::Step::Restart,
        get("/v1/docs?count").body("{\"count\":3000}\n"),
        get("/v1/docs/k2999").body("2999"),
    }]);
}

#[test]
fn an_atomic_bulk_is_done_whole_or_not_at_all() {
    over_every_door(&[
        scenario! { "each operation sees what the ones before it made";
            post("/v1/docs:bulk?atomic", concat!(
                "{\"op\":\"put\",\"key\":\"a\",\"value\":1,\"if_none_match\":\"*\"}\n\n",
                "{\"op\":\"put\",\"key\":\"b\",\"value\":2}\n",
                "{\"op\":\"ttl\",\"key\":\"b\",\"ttl\":5}\n",
                "{\"op\":\"delete\",\"key\":\"a\"}",
            )).field("Content-Type", "application/x-ndjson").body(concat!(
                "{\"key\":\"a\",\"status\":201,\"version\":1}\n",
                "{\"key\":\"b\",\"status\":201,\"version\":2}\n",
                "{\"key\":\"b\",\"status\":200,\"version\":2}\n",
                "{\"key\":\"a\",\"status\":204}\n",
            )),
            get("/v1/docs/a").gives(404),
            get("/v1/docs/b").body("2").field("MT-TTL", "5.000"),
        },
        scenario! { "one that fails is named, and nothing was done";
            put("/v1/docs/a", "1").gives(201),
            post("/v1/docs:bulk?atomic", concat!(
                "{\"op\":\"put\",\"key\":\"b\",\"value\":2}\n\n",
                "{\"op\":\"put\",\"key\":\"a\",\"value\":3,\"if_match\":9}\n",
            )).gives(409).containing("\"code\":\"atomic_refused\"").containing(
                "\"index\":1,\"line\":3,\
                 \"operation\":{\"key\":\"a\",\"status\":412,\"version\":1,\"code\":\"condition_failed\"}",
            ),
            post("/v1/docs:bulk?atomic=true", "{\"op\":\"delete\",\"key\":\"c\"}\n").gives(409)
                .containing("\"operation\":{\"key\":\"c\",\"status\":404,\"code\":\"key_not_found\"}"),
            post("/v1/docs:bulk?atomic", "{\"op\":\"put\",\"key\":\"b\",\"value\":2}\n{\"op\":\"put\"}\n").gives(400)
                .containing("\"code\":\"operation_invalid\"").containing("\"line\":2"),
            get("/v1/docs?count").body("{\"count\":1}\n"),
            post("/v1/docs:bulk?atomic", "").body(""),
        },
        scenario! { "it creates the collection that it puts into, and no other operation does";
            post("/v1/collections/c/docs:bulk?atomic", "{\"op\":\"delete\",\"key\":\"a\"}").gives(404)
                .containing("\"code\":\"collection_not_found\""),
            post("/v1/collections/a%20b/docs:bulk?atomic", "{\"op\":\"put\",\"key\":\"a\",\"value\":1}").gives(400)
                .containing("\"code\":\"collection_name_invalid\""),
            post("/v1/collections/c/docs:bulk?atomic", "{\"op\":\"put\",\"key\":\"a\",\"value\":1}")
                .body("{\"key\":\"a\",\"status\":201,\"version\":2}\n"),
            get("/v1/collections/c/docs/a").body("1"),
        },
    ]);
}

#[test]
fn a_patch_in_a_bulk_is_as_the_request_would_be() {
    over_every_door(&[
        scenario! { "in each dialect, under a condition, well and not";
            put("/v1/docs/a?ttl=9", "{ \"n\" : 1.0, \"x\":[] }").gives(201),
            post("/v1/docs:bulk", concat!(
                "{\"op\":\"patch\",\"key\":\"a\",\"patch\":{\"m\":null,\"o\":2}}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"type\":\"application/json-patch+json\",\"if_match\":2,",
                "\"patch\":[{\"op\":\"test\",\"path\":\"/o\",\"value\":2},{\"op\":\"remove\",\"path\":\"/o\"}]}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"type\":\"application/vnd.memory-tools.ops+json\",",
                "\"patch\":[{\"op\":\"inc\",\"path\":\"/k\",\"value\":3},{\"op\":\"append\",\"path\":\"/x\",\"value\":0}]}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"patch\":{},\"if_match\":2}\n",
                "{\"op\":\"patch\",\"key\":\"b\",\"patch\":{}}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"patch\":[],\"type\":\"application/json\"}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"patch\":{},\"type\":\"application/json-patch+json\"}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"type\":\"application/json-patch+json\",",
                "\"patch\":[{\"op\":\"test\",\"path\":\"/o\",\"value\":2}]}\n",
                "{\"op\":\"put\",\"key\":\"c\",\"value\":1}\n",
            )).body(concat!(
                "{\"key\":\"a\",\"status\":200,\"version\":2}\n",
                "{\"key\":\"a\",\"status\":200,\"version\":3}\n",
                "{\"key\":\"a\",\"status\":200,\"version\":4}\n",
                "{\"key\":\"a\",\"status\":412,\"version\":4,\"code\":\"condition_failed\"}\n",
                "{\"key\":\"b\",\"status\":404,\"code\":\"key_not_found\"}\n",
                "{\"key\":\"a\",\"status\":415,\"code\":\"patch_type_unsupported\",\"detail\":\"type is one of ",
                "application/merge-patch+json, application/json-patch+json, application/vnd.memory-tools.ops+json\"}\n",
                "{\"key\":\"a\",\"status\":400,\"code\":\"patch_invalid\",\"detail\":\"the patch is not an array of ",
                "operations\"}\n",
                "{\"key\":\"a\",\"status\":409,\"code\":\"patch_conflict\",\"detail\":\"operation 0 at \\\"/o\\\": ",
                "there is no such value in the document\"}\n",
                "{\"key\":\"c\",\"status\":201,\"version\":5}\n",
            )),
            get("/v1/docs/a").body("{ \"n\" : 1.0, \"x\":[0],\"k\":3 }").field("MT-TTL", "9.000"),
        },
        scenario! { "in a collection, which it does not create, and where a condition may be required";
            post("/v1/collections/c/docs:bulk", "{\"op\":\"patch\",\"key\":\"a\",\"patch\":1}\n")
                .body("{\"key\":\"a\",\"status\":404,\"code\":\"collection_not_found\"}\n"),
            put("/v1/collections/c/docs/a", "{}").gives(201),
            post("/v1/collections/c", "{\"require_conditional\":true}").gives(200),
            post("/v1/collections/c/docs:bulk", concat!(
                "{\"op\":\"patch\",\"key\":\"a\",\"patch\":{\"a\":1},\"ttl\":5}\n",
                "{\"op\":\"patch\",\"key\":\"a\",\"patch\":{\"a\":1},\"ttl\":5,\"if_match\":\"*\"}\n",
            )).body("{\"key\":\"a\",\"status\":428,\"code\":\"condition_required\"}\n\
                     {\"key\":\"a\",\"status\":200,\"version\":4}\n"),
            get("/v1/collections/c/docs/a").body("{\"a\":1}").field("MT-TTL", "5.000"),
        },
    ]);
}

#[test]
fn a_patch_in_an_atomic_bulk_changes_what_the_operations_before_it_left() {
    const OPS: &str = "\"type\":\"application/vnd.memory-tools.ops+json\"";
    let inc = |key: &str, more: &str| {
        format!(
            "{{\"op\":\"patch\",\"key\":\"{key}\",{OPS},\"patch\":[{{\"op\":\"inc\",\"path\":\"\",\"value\":1}}]{more}}}\n"
        )
    };
    let put_b = "{\"op\":\"put\",\"key\":\"b\",\"value\":5}\n";
    let delete = |key: &str| format!("{{\"op\":\"delete\",\"key\":\"{key}\"}}\n");
    let refused = |body: String, index: usize, operation: &str| {
        let exchange = post("/v1/docs:bulk?atomic", body).gives(409).containing("\"code\":\"atomic_refused\"");
        exchange.containing(format!("\"index\":{index},")).containing(format!("\"operation\":{operation}"))
    };
    let failed = "{\"key\":\"a\",\"status\":412,\"version\":3,\"code\":\"condition_failed\"}";
    let ours = "{\"key\":\"a\",\"status\":412,\"code\":\"condition_failed\"}";
    let gone = |key: &str| format!("{{\"key\":\"{key}\",\"status\":404,\"code\":\"key_not_found\"}}");
    over_every_door(&[
        scenario! { "what is there, and what the bulk has put and patched before";
            put("/v1/docs/a?ttl=9", "1").gives(201),
            post("/v1/docs:bulk?atomic", [&*inc("a", ",\"if_match\":1"), put_b, &inc("b", ""), &inc("a", "")].concat())
                .body("{\"key\":\"a\",\"status\":200,\"version\":2}\n\
                       {\"key\":\"b\",\"status\":201,\"version\":3}\n\
                       {\"key\":\"b\",\"status\":200,\"version\":4}\n\
                       {\"key\":\"a\",\"status\":200,\"version\":5}\n"),
            get("/v1/docs/a").body("3").field("MT-TTL", "9.000"),
            get("/v1/docs/b").body("6"),
        },
        scenario! { "the first that cannot be carried out is named, and nothing was done";
            put("/v1/docs/a", "1").gives(201),
            put("/v1/docs/a", "2").gives(200),
            put("/v1/docs/a", "3").gives(200),
            refused([put_b, &inc("a", ",\"if_match\":2")].concat(), 1, failed),
            refused([inc("a", ""), inc("a", ",\"if_match\":3")].concat(), 1, ours),
            refused([inc("a", ""), inc("a", ",\"if_none_match\":\"*\"")].concat(), 1, ours),
            refused([inc("a", ""), inc("b", "")].concat(), 1, &gone("b")),
            refused([delete("a"), inc("a", "")].concat(), 1, &gone("a")),
            refused([delete("x"), inc("b", "")].concat(), 0, &gone("x")),
            refused([inc("a", ""), put_b.replace('5', "\"\""), inc("b", ""), delete("x")].concat(), 2,
                "{\"key\":\"b\",\"status\":422,\"code\":\"patch_unprocessable\",\"detail\":\"operation 0"),
            post("/v1/docs:bulk?atomic", inc("a", ",\"type\":\"x\"")).gives(415)
                .containing("\"code\":\"patch_type_unsupported\"").containing("\"line\":1"),
            get("/v1/docs?count").body("{\"count\":1}\n"),
            get("/v1/docs/a").body("3").field("ETag", "\"3\""),
        },
        scenario! { "it does not create the collection, and carries a condition where one is required";
            post("/v1/collections/c/docs:bulk?atomic", inc("a", "")).gives(404)
                .containing("\"code\":\"collection_not_found\""),
            post("/v1/collections/c/docs:bulk?atomic", [put_b, &inc("b", "")].concat())
                .containing("{\"key\":\"b\",\"status\":200,\"version\":3}\n"),
            post("/v1/collections/c", "{\"require_conditional\":true}").gives(200),
            post("/v1/collections/c/docs:bulk?atomic", [inc("b", ",\"if_match\":3"), inc("b", "")].concat()).gives(409)
                .containing("\"index\":1,").containing("\"status\":428,\"code\":\"condition_required\""),
            post("/v1/collections/c/docs:bulk?atomic", inc("b", ",\"if_match\":3"))
                .body("{\"key\":\"b\",\"status\":200,\"version\":5}\n"),
            crate::support::scenario::Step::Restart,
            get("/v1/collections/c/docs/b").body("7"),
        },
    ]);
}

#[test]
fn an_atomic_bulk_has_at_most_a_thousand_operations() {
    let lines = |count: usize| "{\"op\":\"put\",\"key\":\"k\",\"value\":1}\n".repeat(count);
    over_every_door(&[scenario! { "one more is refused, with the limit";
        post("/v1/docs:bulk?atomic", lines(1001)).gives(413).containing("\"code\":\"bulk_too_large\"")
            .containing("\"limit\":1000"),
        get("/v1/docs?count").body("{\"count\":0}\n"),
        post("/v1/docs:bulk?atomic", lines(1000)).containing("{\"key\":\"k\",\"status\":200,\"version\":1000}\n"),
    }]);
}

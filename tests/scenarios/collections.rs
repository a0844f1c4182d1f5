//! Collections in the resource API: created with options, described, listed, dropped; and what the options do.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Step, delete, get, post, put, send};

const ONE: &str = "/v1/collections/c";

#[test]
fn collections_are_created_described_and_dropped() {
    over_every_door(&[
        scenario! { "created once, there until it is dropped, and known to both families";
            get(ONE).gives(404).containing("\"code\":\"collection_not_found\""),
            post(ONE, "").gives(201).field("Location", ONE).body("{\"name\":\"c\",\"require_conditional\":false}\n"),
            post(ONE, "").gives(200).no_field("Location"),
            get("/collections").containing("[\"c\"]"),
            get(ONE).body(
                "{\"name\":\"c\",\"documents\":0,\"bytes\":0,\"require_conditional\":false,\"created\":1}\n"),
            send("HEAD", ONE).body(""),
            delete(ONE).gives(204),
            delete(ONE).gives(404).containing("\"code\":\"collection_not_found\""),
            get(ONE).gives(404),
        },
        scenario! { "figures count what is there, over a restart too";
            put("/v1/collections/c/docs/a", "12345").gives(201),
            put("/v1/collections/c/docs/b", "1").gives(201),
            put("/v1/collections/c/docs/b", "12").gives(200),
            put("/v1/docs/elsewhere", "1").gives(201),
            get(ONE).containing("\"documents\":2,\"bytes\":9,"),
            Step::Restart,
            get(ONE).containing("\"documents\":2,\"bytes\":9,"),
            delete("/v1/collections/c/docs/a").gives(204),
            get(ONE).containing("\"documents\":1,\"bytes\":3,"),
            delete(ONE).gives(204),
            post(ONE, "").gives(201),
            get(ONE).containing("\"documents\":0,\"bytes\":0,"),
        },
        scenario! { "new names are plain; others that are there are reached percent-encoded";
            post("/v1/collections/a%20b", "").gives(400).containing("\"code\":\"collection_name_invalid\""),
            post("/v1/collections/.a", "").gives(400),
            post("/v1/collections/", "").gives(400),
            post(format!("/v1/collections/{}", "x".repeat(129)), "").gives(400).containing("at most 128 bytes"),
            post("/collections/a%20b", "").gives(201),
            post("/v1/collections/a%20b", "{\"default_ttl\":\"1m\"}").gives(200)
                .body("{\"name\":\"a b\",\"default_ttl\":\"1m\",\"require_conditional\":false}\n"),
            get("/v1/collections/a%20b").containing("\"name\":\"a b\",\"documents\":0"),
            delete("/v1/collections/a%20b").gives(204),
        },
        scenario! { "the methods are those of the table";
            put(ONE, "").gives(405).field("Allow", "GET, HEAD, POST, DELETE, OPTIONS"),
            post("/v1/collections", "").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
            get("/v1/collections/c?pretty").gives(400).containing("parameter_unknown"),
        },
    ]);
}

#[test]
fn collections_are_listed_in_pages() {
    over_every_door(&[scenario! { "in byte order of their names, with a cursor where there are more";
        get("/v1/collections").body("{\"collections\":[]}\n").no_field("Link"),
        post("/v1/collections/b", "{\"require_conditional\":true}").gives(201),
        post("/v1/collections/a", "").gives(201),
        post("/collections/c%20c", "").gives(201),
        post("/v1/collections/B", "").gives(201),
        get("/v1/collections?limit=4").no_field("Link").body(
            "{\"collections\":[\
             {\"name\":\"B\",\"documents\":0,\"bytes\":0,\"require_conditional\":false,\"created\":4},\
             {\"name\":\"a\",\"documents\":0,\"bytes\":0,\"require_conditional\":false,\"created\":2},\
             {\"name\":\"b\",\"documents\":0,\"bytes\":0,\"require_conditional\":true,\"created\":1},\
             {\"name\":\"c c\",\"documents\":0,\"bytes\":0,\"require_conditional\":false,\"created\":3}]}\n"),
        get("/v1/collections?limit=2").containing("\"name\":\"a\"").containing("],\"cursor\":\"a\"}\n")
            .field("Link", "</v1/collections?limit=2&cursor=a>; rel=\"next\""),
        get("/v1/collections?limit=1&cursor=a").containing("[{\"name\":\"b\"").containing("\"cursor\":\"b\""),
        get("/v1/collections?cursor=c%20c").body("{\"collections\":[]}\n"),
        get("/v1/collections?limit=0").gives(400).containing("parameter_invalid"),
        get("/v1/collections?limit=1001").gives(400),
        get("/v1/collections?limit=many").gives(400),
        get("/v1/collections?cursor=").gives(400),
        get("/v1/collections?lmit=1").gives(400).containing("did you mean limit?"),
    }]);
}

#[test]
fn options_are_set_one_by_one_and_survive() {
    over_every_door(&[
        scenario! { "those that are named change, the others stay";
            post(ONE, "{\"default_ttl\":\"30s\"}").gives(201)
                .body("{\"name\":\"c\",\"default_ttl\":\"30s\",\"require_conditional\":false}\n"),
            post(ONE, "{\"require_conditional\":true}").gives(200)
                .body("{\"name\":\"c\",\"default_ttl\":\"30s\",\"require_conditional\":true}\n"),
            get(ONE).containing("\"bytes\":0,\"default_ttl\":\"30s\",\"require_conditional\":true,\"created\":1}"),
            Step::Restart,
            get(ONE).containing("\"default_ttl\":\"30s\",\"require_conditional\":true,\"created\":1}"),
            post(ONE, "{\"default_ttl\":null}").gives(200).body("{\"name\":\"c\",\"require_conditional\":true}\n"),
            post(ONE, " {\"default_ttl\" : 0.5 , \"require_conditional\" : false} ").gives(200)
                .body("{\"name\":\"c\",\"default_ttl\":\"500ms\",\"require_conditional\":false}\n"),
            post(ONE, "{\"default_ttl\":\"never\"}").body("{\"name\":\"c\",\"require_conditional\":false}\n"),
        },
        scenario! { "only a change takes a number";
            post(ONE, "{\"default_ttl\":\"1m30s\"}").gives(201),
            post(ONE, "{\"default_ttl\":90}").gives(200),
            post(ONE, "{}").gives(200),
            put("/v1/docs/a", "1").gives(201).field("ETag", "\"2\""),
        },
        scenario! { "what is no option is refused, with the nearest that is one";
            post(ONE, "{\"default_tll\":\"30s\"}").gives(400).containing("\"code\":\"collection_options_invalid\"")
                .containing("did you mean default_ttl?"),
            post(ONE, "{\"default_ttl\":\"soon\"}").gives(400).containing("collection_options_invalid"),
            post(ONE, "{\"default_ttl\":0}").gives(400).containing("is not positive"),
            post(ONE, "{\"default_ttl\":-1}").gives(400),
            post(ONE, "{\"default_ttl\":true}").gives(400),
            post(ONE, "{\"default_ttl\":\"876600h1ms\"}").gives(400).containing("more than 100 years"),
            post(ONE, "{\"require_conditional\":1}").gives(400),
            post(ONE, "[]").gives(400).containing("options are an object"),
            post(ONE, "{").gives(400).containing("\"code\":\"json_invalid\""),
            get(ONE).gives(404),
        },
    ]);
}

#[test]
fn a_default_time_to_live_is_for_writes_that_say_nothing() {
    over_every_door(&[scenario! { "put and set take it, a word of their own goes before it";
        post(ONE, "{\"default_ttl\":\"10s\"}").gives(201),
        put("/v1/collections/c/docs/a", "1").gives(201),
        put("/v1/collections/c/docs/b?ttl=never", "1").gives(201),
        put("/v1/collections/c/docs/d?ttl=20", "1").gives(201),
        put("/v1/collections/c/docs/e?keep_ttl", "1").gives(201),
        post("/collections/c/set", "{\"key\":\"f\",\"value\":1}"),
        post("/collections/c/set", "{\"key\":\"g\",\"value\":1,\"ttl_seconds\":0}"),
        put("/v1/docs/a", "1").gives(201),
        get("/v1/collections/c/docs/a").field("MT-TTL", "10.000"),
        get("/v1/collections/c/docs/b").no_field("MT-TTL"),
        get("/v1/collections/c/docs/d").field("MT-TTL", "20.000"),
        get("/v1/collections/c/docs/e").field("MT-TTL", "10.000"),
        get("/v1/docs/a").no_field("MT-TTL"),
        Step::Advance(5000),
        put("/v1/collections/c/docs/a", "2").gives(200),
        put("/v1/collections/c/docs/e?keep_ttl", "2").gives(200),
        get("/v1/collections/c/docs/a").field("MT-TTL", "10.000"),
        get("/v1/collections/c/docs/e").field("MT-TTL", "5.000"),
        Step::Advance(5000),
        get("/v1/collections/c/docs/a").gives(200),
        get("/v1/collections/c/docs/e").gives(404),
        get("/collections/c/get?key=f").gives(404),
        get("/collections/c/get?key=g").gives(200),
    }]);
}

#[test]
fn where_a_condition_is_required_a_write_without_one_is_refused() {
    over_every_door(&[scenario! { "428 in both families, and nothing is changed";
        put("/v1/collections/c/docs/a", "1").gives(201).field("ETag", "\"2\""),
        post(ONE, "{\"require_conditional\":true}").gives(200),
        put("/v1/collections/c/docs/a", "2").gives(428).containing("\"code\":\"condition_required\"")
            .containing("\"hint\":"),
        delete("/v1/collections/c/docs/a").gives(428),
        delete("/v1/collections/c/docs/absent").gives(428),
        put("/v1/collections/c/docs/a?only=ttl&ttl=5", "").gives(428),
        post("/collections/c/set", "{\"key\":\"a\",\"value\":2}").gives(428).containing("\"success\":false"),
        delete("/collections/c/delete?key=a").gives(428).containing("\"success\":false"),
        get("/v1/collections/c/docs/a").body("1").no_field("MT-TTL"),
        put("/v1/collections/c/docs/a", "2").with("If-Match", "\"1\"").gives(412),
        put("/v1/collections/c/docs/a", "2").with("If-Match", "\"2\"").gives(200),
        put("/v1/collections/c/docs/b", "2").with("If-None-Match", "*").gives(201),
        post("/v1/collections/c/docs", "3").gives(201),
        Step::Restart,
        put("/v1/collections/c/docs/a", "3").gives(428),
        delete("/v1/collections/c/docs/a").with("If-Match", "*").gives(204),
        put("/v1/docs/a", "1").gives(201),
    }]);
}

//! Memory that is full: what grows is refused, everything else goes on, and it heals when there is room again.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::Step::UsesMemory;
use crate::support::scenario::{delete, get, post, put, send};

/// More than any machine has.
const FULL: u64 = 1 << 60;

#[test]
fn at_the_limit_what_grows_is_refused_and_what_does_not_goes_on() {
    over_every_door(&[scenario! { "documents, one by one";
        put("/v1/docs/a", "[1,2,3]").gives(201),
        put("/v1/docs/b", "1").gives(201),
        UsesMemory(FULL),
        put("/v1/docs/c", "1").gives(507)
            .containing("\"code\":\"memory_full\"").containing("\"limit_bytes\":").containing("\"used_bytes\":")
            .containing("\"hint\":\"delete documents"),
        post("/v1/docs", "1").gives(507),
        put("/v1/docs/a", "[1,2,3,4]").gives(507),
        put("/v1/docs/a", "[3,2,1]"),
        put("/v1/docs/a", "[1,2]"),
        send("PATCH", "/v1/docs/a").with("Content-Type", "application/vnd.memory-tools.ops+json")
            .carrying("[{\"op\":\"append\",\"path\":\"\",\"value\":3}]").gives(507).containing("\"code\":\"memory_full\""),
        send("PATCH", "/v1/docs/a").with("Content-Type", "application/json-patch+json")
            .carrying("[{\"op\":\"remove\",\"path\":\"/0\"}]"),
        get("/v1/docs/a").body("[2]"),
        get("/v1/docs?count").body("{\"count\":2}\n"),
        put("/v1/docs/a?only=ttl&ttl=1h", "").gives(200),
        get("/v1/docs/a?touch=2h"),
        put("/v1/collections/new/docs/a", "1").gives(507),
        get("/v1/collections/new").gives(404),
        post("/v1/collections/new", "{}").gives(507),
        delete("/v1/docs/b").gives(204),
        UsesMemory(0),
        put("/v1/docs/b", "1").gives(201),
    }]);
}

#[test]
fn at_the_limit_each_line_of_a_bulk_is_refused_by_itself() {
    over_every_door(&[scenario! { "and a batch as a whole";
        put("/v1/docs/a", "100").gives(201),
        UsesMemory(FULL),
        post("/v1/docs:bulk", concat!(
            "{\"op\":\"put\",\"key\":\"b\",\"value\":1}\n",
            "{\"op\":\"put\",\"key\":\"a\",\"value\":1}\n",
            "{\"op\":\"patch\",\"key\":\"a\",\"patch\":{\"long\":1}}\n",
            "{\"op\":\"delete\",\"key\":\"a\"}\n",
        ))
            .containing("{\"key\":\"b\",\"status\":507,\"code\":\"memory_full\"")
            .containing("{\"key\":\"a\",\"status\":200,\"version\":2}\n{\"key\":\"a\",\"status\":507")
            .containing("{\"key\":\"a\",\"status\":204}\n"),
        post("/v1/docs:bulk?atomic", "{\"op\":\"put\",\"key\":\"b\",\"value\":1}\n").gives(507)
            .containing("\"code\":\"memory_full\""),
        post("/v1/import", "{\"collection\":null,\"key\":\"a\",\"value\":1}\n").gives(507)
            .containing("\"line\":1").containing("\"documents\":0"),
        post("/v1/import?mode=replace", "{\"collection\":null,\"key\":\"a\",\"value\":1}\n").gives(507),
        get("/v1/docs?count").body("{\"count\":0}\n"),
        UsesMemory(0),
        post("/v1/import?mode=replace", "{\"collection\":null,\"key\":\"a\",\"value\":1}\n"),
    }]);
}

#[test]
fn at_the_limit_the_seeds_endpoints_answer_with_their_envelope() {
    over_every_door(&[scenario! { "set and add";
        UsesMemory(FULL),
        post("/set", "{\"key\":\"a\",\"value\":1}").gives(507)
            .containing("\"success\":false").containing("writes that grow are refused"),
        get("/get?key=a").gives(404),
        UsesMemory(0),
        post("/set", "{\"key\":\"a\",\"value\":1}"),
    }]);
}

#[test]
fn what_is_loaded_is_served_whatever_its_size() {
    over_every_door(&[scenario! { "a start at the limit";
        put("/v1/docs/a", "1").gives(201),
        UsesMemory(FULL),
        crate::support::scenario::Step::Restart,
        get("/v1/docs/a").body("1"),
        put("/v1/docs/b", "1").gives(507),
        delete("/v1/docs/a").gives(204),
    }]);
}

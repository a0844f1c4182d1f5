//! Time to live: to the millisecond, in every spelling, over a restart.

use memory_tools::api::Handle;
use memory_tools::api::message::{Answer, Headers, Method, Request, RequestBody, Response};

use crate::over_every_door;
use crate::scenario;
use crate::support::door::{House, reply_to};
use crate::support::scenario::{Step, get, post, put};

#[test]
fn a_document_is_gone_at_its_deadline() {
    over_every_door(&[
        scenario! { "it is there in the millisecond before, and gone in the one after";
            put("/v1/docs/a?ttl=1.5", "1").gives(201)
                .body("{\"key\":\"a\",\"version\":1,\"expires_at\":\"2026-11-22T19:00:01.500Z\"}\n"),
            get("/v1/docs/a").field("MT-TTL", "1.500").field("MT-Expires-At", "2026-11-22T19:00:01.500Z"),
            Step::Advance(1499),
            get("/v1/docs/a").field("MT-TTL", "0.001").field("ETag", "\"1\""),
            Step::Advance(1),
            get("/v1/docs/a").gives(404),
            put("/v1/docs/a", "2").gives(201).field("ETag", "\"2\"").no_field("MT-TTL"),
        },
        scenario! { "the seed's ttl_seconds does the same";
            post("/set", "{\"key\":\"a\",\"value\":1,\"ttl_seconds\":2}"),
            post("/collections/c/set", "{\"key\":\"a\",\"value\":1,\"ttl_seconds\":2}"),
            Step::Advance(1999),
            get("/get?key=a"),
            get("/collections/c/get?key=a"),
            get("/collections/c/list").containing("\"data\":{\"a\":1}"),
            Step::Advance(1),
            get("/get?key=a").gives(404),
            get("/collections/c/get?key=a").gives(404),
            get("/collections/c/list").containing("\"data\":{}"),
        },
        scenario! { "a deadline can be given as a moment";
            put("/v1/docs/a?expires_at=1795374000250", "1").gives(201),
            put("/v1/docs/b?expires_at=2026-11-22T19:00:00.250Z", "1").gives(201),
            get("/v1/docs/a").field("MT-TTL", "0.250"),
            get("/v1/docs/b").field("MT-TTL", "0.250"),
            Step::Advance(250),
            get("/v1/docs/a").gives(404),
            get("/v1/docs/b").gives(404),
        },
    ]);
}

#[test]
fn a_write_decides_what_becomes_of_the_deadline() {
    over_every_door(&[scenario! { "a plain PUT clears it, keep_ttl keeps it, ttl sets it anew";
        put("/v1/docs/a?ttl=10s", "1").gives(201),
        put("/v1/docs/a?keep_ttl", "2").gives(200).containing("\"expires_at\":\"2026-11-22T19:00:10.000Z\""),
        Step::Advance(1000),
        get("/v1/docs/a").body("2").field("MT-TTL", "9.000"),
        put("/v1/docs/a?ttl=500ms", "3").gives(200),
        get("/v1/docs/a").field("MT-TTL", "0.500"),
        put("/v1/docs/a", "4").gives(200).body("{\"key\":\"a\",\"version\":4}\n"),
        get("/v1/docs/a").no_field("MT-TTL"),
        put("/v1/docs/a?ttl=1h30m", "5").gives(200),
        put("/v1/docs/a?ttl=never", "6").gives(200),
        get("/v1/docs/a").no_field("MT-TTL"),
        put("/v1/docs/b?keep_ttl", "1").gives(201).body("{\"key\":\"b\",\"version\":7}\n"),
    }]);
}

#[test]
fn times_that_make_no_sense_are_refused() {
    over_every_door(&[scenario! { "each names what is wrong, and nothing is written";
        put("/v1/docs/a?ttl=0", "1").gives(400).containing("not positive"),
        put("/v1/docs/a?ttl=-5", "1").gives(400).containing("\"code\":\"parameter_invalid\""),
        put("/v1/docs/a?ttl=soon", "1").gives(400).containing("ttl=soon"),
        put("/v1/docs/a?ttl=99999999999", "1").gives(400),
        put("/v1/docs/a?ttl=876601h", "1").gives(400).containing("100 years"),
        put("/v1/docs/a?expires_at=1", "1").gives(400).containing("not in the future"),
        put("/v1/docs/a?expires_at=tomorrow", "1").gives(400),
        put("/v1/docs/a?ttl=5&keep_ttl", "1").gives(400).containing("\"code\":\"parameters_conflict\""),
        get("/v1/docs/a").gives(404),
    }]);
}

/// A body that takes its time.
struct NoFields;

impl Headers for NoFields {
    fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
}

/// Asks as a front does: without the body, and again when it is here, two seconds later.
fn send_slowly(house: &House, method: Method, target: &str, text: &str) -> Response {
    let api = house.server().api();
    let request = Request { method, target, headers: &NoFields, body: RequestBody::Awaited { length: None } };
    assert!(matches!(api.handle(request), Answer::Gather { .. }), "{target}: the body is wanted");
    house.clock.advance(2000);
    reply_to(api, Request { body: RequestBody::Bytes(text.as_bytes()), ..request })
}

/// The moment was taken before the body was read, so that a document whose body took longer than its time to live was
/// acknowledged and never seen.
#[test]
fn a_time_to_live_counts_from_when_the_document_is_here() {
    let house = House::start(&[]);
    for (method, target, body, read_back) in [
        (Method::Put, "/v1/docs/a?ttl=1", "[1]", "/v1/docs/a"),
        (Method::Post, "/set", "{\"key\":\"b\",\"value\":[1],\"ttl_seconds\":1}", "/get?key=b"),
    ] {
        let written = send_slowly(&house, method, target, body);
        assert!(matches!(written.status, 200 | 201), "{target}");
        assert_eq!(house.client().send("GET", read_back, &[], b"").status, 200, "{target}");
        house.clock.advance(1000);
        assert_eq!(house.client().send("GET", read_back, &[], b"").status, 404, "{target}");
    }
}

/// A moment that was in the future when its request began is not, once the body is here.
#[test]
fn a_deadline_that_passes_while_the_body_arrives_is_refused() {
    let house = House::start(&[]);
    let written = send_slowly(&house, Method::Put, "/v1/docs/a?expires_at=1795374001000", "[1]");
    assert_eq!(written.status, 400);
}

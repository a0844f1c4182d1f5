//! Web pages of other origins: what a preflight is told, and which answers they may read.

use memory_tools::access::Digest;

use crate::support::scenario::{Exchange, get, post, put, send};
use crate::{over_every_door, over_every_door_with, scenario};

const ALLOW: &str = "Access-Control-Allow-Origin";
const EXPOSE: &str = "Access-Control-Expose-Headers";
const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";
const OURS: &str = "https://app.example";
const LISTED: (&str, &str) = ("cors-origins", "https://other.example,https://app.example");

const READABLE: &str = "ETag, Location, Link, MT-TTL, MT-Expires-At, MT-LSN, MT-Documents, MT-Bytes, \
                        Preference-Applied, Retry-After, Allow, Accept-Patch, WWW-Authenticate";
const SENDABLE: &str = "Authorization, Content-Type, If-Match, If-None-Match, Prefer, Accept, Last-Event-ID";

fn from(origin: &str, exchange: Exchange) -> Exchange {
    exchange.with("Origin", origin)
}

/// A request of a script of ours, whose answer it may read.
fn read(exchange: Exchange) -> Exchange {
    from(OURS, exchange).field(ALLOW, OURS).field(EXPOSE, READABLE).field("Vary", "Origin")
}

fn preflight(origin: &str, target: &str, method: &str) -> Exchange {
    from(origin, send("OPTIONS", target)).with("Access-Control-Request-Method", method).gives(204).body("")
}

#[test]
fn a_preflight_is_told_what_a_script_may_send() {
    over_every_door_with(
        &[LISTED],
        &scenario! { "from a page that is listed, for any path; to others it is an OPTIONS as any other";
            preflight(OURS, "/v1/docs/a", "PUT").with("Access-Control-Request-Headers", "authorization,if-match")
                .field(ALLOW, OURS).field(METHODS, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS").field(HEADERS, SENDABLE)
                .field("Access-Control-Max-Age", "7200").field("Vary", "Origin")
                .no_field("Access-Control-Allow-Credentials").no_field("Allow"),
            preflight(OURS, "/set", "POST").field(METHODS, "POST, OPTIONS").field(ALLOW, OURS),
            preflight(OURS, "/v1/nothing", "GET").field(ALLOW, OURS)
                .field(METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            preflight("https://evil.example", "/v1/docs/a", "PUT").field("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
                .field("Vary", "Origin").no_field(ALLOW).no_field(METHODS),
            read(send("OPTIONS", "/v1/docs/a")).gives(204).field("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
                .no_field(METHODS),
        },
    );
}

#[test]
fn a_listed_page_may_read_every_answer_however_it_comes() {
    over_every_door_with(
        &[LISTED],
        &scenario! { "at once, gathered, in parts, later, streamed, and when something is wrong";
            read(put("/v1/docs/a", "1")).gives(201).field("ETag", "\"1\""),
            read(get("/v1/docs/a")).body("1"),
            read(get("/v1/docs/a").with("If-None-Match", "\"1\"")).gives(304),
            read(send("HEAD", "/v1/docs/a")),
            read(get("/v1/docs/b")).gives(404),
            read(get("/v1/nothing")).gives(404),
            read(put("/v1/docs/a", "{")).gives(400),
            read(post("/v1/docs/a", "1")).gives(405),
            read(get("/get?key=b")).gives(404),
            read(post("/set", "{\"key\":\"b\",\"value\":2}")),
            read(post("/v1/docs:bulk", "{\"op\":\"put\",\"key\":\"c\",\"value\":3}\n")),
            read(post("/v1/docs:bulk", "{")),
            read(get("/v1/export")),
            read(get("/collections/none/list")).gives(404),
            read(post("/v1/docs:get", "[\"a\"]")),
            read(send("DELETE", "/v1/docs?prefix=c")),
            read(post("/v1/admin/snapshot?wait", "")),
            read(post("/v1/import?mode=replace", "{\"collection\":null,\"key\":\"z\",\"value\":1}")),
            read(get("/livez")),
        },
    );
}

#[test]
fn other_pages_are_not_told_that_they_may_read_and_caches_keep_them_apart() {
    over_every_door_with(
        &[LISTED],
        &scenario! { "an origin is compared whole, and stands in one field";
            get("/livez").field("Vary", "Origin").no_field(ALLOW).no_field(EXPOSE),
            from("https://evil.example", get("/livez")).field("Vary", "Origin").no_field(ALLOW).no_field(EXPOSE),
            from("https://app.example.evil.example", get("/livez")).field("Vary", "Origin").no_field(ALLOW),
            from("http://app.example", get("/livez")).no_field(ALLOW),
            from("https://app.example:8443", get("/livez")).no_field(ALLOW),
            from("null", get("/livez")).no_field(ALLOW),
            from("https://evil.example", from(OURS, get("/livez"))).no_field(ALLOW),
        },
    );
}

#[test]
fn where_every_origin_may_read_every_answer_says_so() {
    over_every_door_with(
        &[("cors-origins", "*")],
        &scenario! { "the same to all, so that caches need not keep them apart";
            from("null", get("/livez")).field(ALLOW, "*").field(EXPOSE, READABLE).no_field("Vary"),
            get("/v1/docs/a").gives(404).field(ALLOW, "*").no_field("Vary"),
            preflight("http://anywhere", "/v1/docs/a", "PUT").field(ALLOW, "*").field(HEADERS, SENDABLE),
            send("OPTIONS", "/v1/docs/a").with("Access-Control-Request-Method", "PUT").gives(204).no_field(METHODS),
        },
    );
}

#[test]
fn without_origins_no_answer_says_a_word_about_it() {
    over_every_door(&[scenario! { "neither to a page nor to a preflight";
        from(OURS, get("/livez")).no_field(ALLOW).no_field(EXPOSE).no_field("Vary"),
        preflight(OURS, "/v1/docs/a", "PUT").field("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
            .no_field(ALLOW).no_field(METHODS).no_field("Vary"),
    }]);
}

#[test]
fn a_preflight_needs_no_token_and_what_follows_does() {
    let digest = Digest::of(b"mt_app").to_hex();
    let token = format!(r#"{{"name": "app", "role": "write", "sha256": "{digest}"}}"#);
    over_every_door_with(
        &[LISTED, ("tokens", &token)],
        &scenario! { "the script is told why it was not let in";
            preflight(OURS, "/v1/docs/a", "PUT").field(ALLOW, OURS),
            read(put("/v1/docs/a", "1")).gives(401).field("WWW-Authenticate", "Bearer"),
            read(put("/v1/docs/a", "1").with("Authorization", "Bearer mt_app")).gives(201),
            read(get("/v1/config").with("Authorization", "Bearer mt_app")).gives(403),
        },
    );
}

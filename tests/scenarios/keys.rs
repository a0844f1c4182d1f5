//! Keys: whatever is UTF-8 without NUL, up to 1024 bytes, is a key as written.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Step, get, put, send};

#[test]
fn awkward_keys_round_trip_through_path_and_query() {
    let awkward = [
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("%2e%2e/x", "../x"),
        (".", "."),
        ("a//b/", "a//b/"),
        ("/", "/"),
        ("+", "+"),
        ("a%20b", "a b"),
        ("%25zz", "%zz"),
        ("cl%C3%A9%2F%E6%97%A5", "clé/日"),
        ("%22%5C%0A%7F", "\"\\\n\u{7f}"),
        (":get", ":get"),
        ("a;b,c=d&e", "a;b,c=d&e"),
        ("%3F%23", "?#"),
        ("%F0%9F%98%80", "😀"),
    ];
    for (path, key) in awkward {
        let mut query = String::new();
        for byte in key.bytes() {
            query.push_str(&format!("%{byte:02x}"));
        }
        let value = format!("\"{path}\"");
        over_every_door(&[scenario! { "a key is the same in the path and in the query";
            put(format!("/v1/docs/{path}"), value.clone()).gives(201),
            get(format!("/v1/docs/{path}")).body(value.clone()),
            get(format!("/v1/docs?key={query}")).body(value.clone()),
            get(format!("/get?key={query}")).containing(format!("\"value\":{value}")),
            send("DELETE", format!("/v1/docs?key={query}")).gives(204),
            get(format!("/v1/docs/{path}")).gives(404),
        }]);
    }
}

#[test]
fn what_is_no_key_is_said_to_be_none() {
    let long = "x".repeat(1025);
    over_every_door(&[scenario! { "each fault has its code";
        get("/v1/docs/").gives(400).containing("\"code\":\"key_empty\"").field("Content-Type", "application/problem+json"),
        put("/v1/docs", "1").gives(400).containing("\"code\":\"key_empty\""),
        get("/v1/docs?key=").gives(400).containing("\"code\":\"key_empty\""),
        put("/v1/docs/%zz", "1").gives(400).containing("\"code\":\"percent_escape_invalid\"").containing("at byte 0"),
        put("/v1/docs/a%", "1").gives(400).containing("percent_escape_invalid"),
        put("/v1/docs/%ff", "1").gives(400).containing("\"code\":\"utf8_invalid\""),
        put("/v1/docs/a%00", "1").gives(400).containing("\"code\":\"key_invalid\""),
        put(format!("/v1/docs/{long}"), "1").gives(400).containing("\"code\":\"key_too_long\"")
            .containing("\"limit_bytes\":1024").containing("\"size_bytes\":1025"),
        put(format!("/v1/docs/{}", &long[1..]), "1").gives(201),
        get("/v1/docs/a?key=b").gives(400).containing("\"code\":\"parameters_conflict\""),
        Step::Advance(1),
    }]);
}

#[test]
fn unknown_parameters_are_named_with_the_nearest() {
    over_every_door(&[scenario! { "nothing is silently ignored";
        put("/v1/docs/a?tll=5", "1").gives(400).containing("\"code\":\"parameter_unknown\"").containing("did you mean ttl?"),
        get("/v1/docs/a?ttl=5").gives(400).containing("parameter_unknown"),
        put("/v1/docs/a?ttl=5&ttl=6", "1").gives(400).containing("\"code\":\"parameters_conflict\""),
        get("/livez?x=1").gives(400),
        get("/v1/docs/a").gives(404),
    }]);
}

//! Listings: byte order, pages by a cursor that nobody keeps, counts, and deletion by prefix.

use crate::over_every_door;
use crate::scenario;
use crate::support::scenario::{Exchange, Step, delete, get, post, put, send};

const LINES: (&str, &str) = ("Accept", "application/x-ndjson");

fn filled(keys: &[&str]) -> Vec<Step> {
    keys.iter().map(|key| Step::from(put(format!("/v1/docs/{key}"), "[1]").gives(201))).collect()
}

fn over(keys: &[&str], name: &'static str, exchanges: Vec<Exchange>) {
    let mut steps = filled(keys);
    steps.extend(exchanges.into_iter().map(Step::from));
    over_every_door(&[crate::support::scenario::Scenario { name, steps }]);
}

#[test]
fn a_listing_is_in_byte_order_and_comes_in_pages() {
    over(
        &["b", "a", "B", "a/2", "a/1", "%C3%A9", "a/10"],
        "each page begins behind the last key of the one before",
        vec![
            get("/v1/docs?limit=3")
                .no_field("ETag")
                .field("Content-Type", "application/json")
                .field("Link", "</v1/docs?limit=3&cursor=a%2F1>; rel=\"next\"")
                .body(
                    "{\"items\":[{\"key\":\"B\",\"version\":3},{\"key\":\"a\",\"version\":2},\
                       {\"key\":\"a/1\",\"version\":5}],\"cursor\":\"a/1\"}\n",
                ),
            get("/v1/docs?limit=3&cursor=a%2F1").body(
                "{\"items\":[{\"key\":\"a/10\",\"version\":7},{\"key\":\"a/2\",\"version\":4},\
                 {\"key\":\"b\",\"version\":1}],\"cursor\":\"b\"}\n",
            ),
            get("/v1/docs?limit=3&cursor=b").no_field("Link").body("{\"items\":[{\"key\":\"é\",\"version\":6}]}\n"),
            get("/v1/docs?limit=3&cursor=%C3%A9").body("{\"items\":[]}\n"),
        ],
    );
}

#[test]
fn a_prefix_is_taken_literally() {
    over(
        &["a", "a/1", "a/2", "a%25b", "ab", "b"],
        "only keys that begin so, with the same prefix on the next page",
        vec![
            get("/v1/docs?prefix=a/")
                .body("{\"items\":[{\"key\":\"a/1\",\"version\":2},{\"key\":\"a/2\",\"version\":3}]}\n"),
            get("/v1/docs?prefix=a%25").body("{\"items\":[{\"key\":\"a%b\",\"version\":4}]}\n"),
            get("/v1/docs?prefix=a/&limit=1&values")
                .body("{\"items\":[{\"key\":\"a/1\",\"version\":2,\"value\":[1]}],\"cursor\":\"a/1\"}\n")
                .field("Link", "</v1/docs?limit=1&prefix=a%2F&cursor=a%2F1&values>; rel=\"next\""),
            get("/v1/docs?prefix=c").body("{\"items\":[]}\n"),
            get("/v1/docs?prefix=a/&cursor=a").containing("a/1").containing("a/2"),
            get("/v1/docs?prefix=a/&cursor=b").body("{\"items\":[]}\n"),
            get("/v1/docs?prefix=a&count").body("{\"count\":5}\n"),
            get("/v1/docs?count").body("{\"count\":6}\n"),
            get("/v1/docs?count&cursor=ab").body("{\"count\":1}\n"),
        ],
    );
}

#[test]
fn a_list_can_be_had_as_lines() {
    over(
        &["a", "b", "c"],
        "a line for each item, the way on in Link",
        vec![
            get("/v1/docs?limit=2&values")
                .with(LINES.0, LINES.1)
                .field("Content-Type", "application/x-ndjson")
                .field("Link", "</v1/docs?limit=2&cursor=b&values>; rel=\"next\"")
                .body("{\"key\":\"a\",\"version\":1,\"value\":[1]}\n{\"key\":\"b\",\"version\":2,\"value\":[1]}\n"),
            get("/v1/docs?cursor=b").with(LINES.0, LINES.1).body("{\"key\":\"c\",\"version\":3}\n"),
            get("/v1/docs?cursor=c").with(LINES.0, LINES.1).body(""),
            send("HEAD", "/v1/docs?limit=2").body("").no_field("Content-Length"),
            send("HEAD", "/v1/docs?count").body("").no_field("Content-Length"),
        ],
    );
}

#[test]
fn a_document_of_several_lines_is_one_line_of_a_list() {
    over_every_door(&[scenario! { "as a string of its text, as in an export";
        put("/v1/docs/a", "{\n \"x\":\r\n1}").gives(201),
        get("/v1/docs/a").body("{\n \"x\":\r\n1}"),
        get("/v1/docs?values").with(LINES.0, LINES.1).body("{\"key\":\"a\",\"version\":1,\"text\":\"{\\n \\\"x\\\":\\r\\n1}\"}\n"),
        get("/v1/docs?values").containing("{\n \"x\":\r\n1}"),
        get("/v1/export").containing("\"text\":\"{\\n \\\"x\\\":\\r\\n1}\"}\n"),
    }]);
}

#[test]
fn what_has_expired_is_not_listed_and_deadlines_are() {
    over_every_door(&[scenario! { "an item says when it expires, and is gone then";
        put("/v1/docs/a?ttl=1", "1").gives(201),
        put("/v1/docs/b", "2").gives(201),
        get("/v1/docs").body("{\"items\":[{\"key\":\"a\",\"version\":1,\"expires_at\":\"2026-11-22T19:00:01.000Z\"},\
                              {\"key\":\"b\",\"version\":2}]}\n"),
        Step::Advance(1000),
        get("/v1/docs").body("{\"items\":[{\"key\":\"b\",\"version\":2}]}\n"),
        get("/v1/docs?count").body("{\"count\":1}\n"),
    }]);
}

#[test]
fn a_collection_is_listed_by_itself() {
    over_every_door(&[scenario! { "and must exist";
        get("/v1/collections/c/docs").gives(404).containing("\"code\":\"collection_not_found\""),
        delete("/v1/collections/c/docs?prefix=a").gives(404).containing("\"code\":\"collection_not_found\""),
        put("/v1/collections/c/docs/a", "1").gives(201),
        put("/v1/collections/c/docs/b", "1").gives(201),
        get("/v1/collections/c/docs?limit=1").containing("\"cursor\":\"a\"")
            .field("Link", "</v1/collections/c/docs?limit=1&cursor=a>; rel=\"next\""),
        get("/v1/docs").body("{\"items\":[]}\n"),
    }]);
}

#[test]
fn what_is_no_page_is_refused() {
    over_every_door(&[scenario! { "each for its reason";
        get("/v1/docs?limit=0").gives(400).containing("\"code\":\"parameter_invalid\"").containing("\"limit\":1000"),
        get("/v1/docs?limit=1001").gives(400),
        get("/v1/docs?limit=ten").gives(400),
        get("/v1/docs?cursor=").gives(400).containing("\"code\":\"key_empty\""),
        get("/v1/docs?cursor=a%00").gives(400).containing("\"code\":\"key_invalid\""),
        get("/v1/docs?key=a&prefix=b").gives(400).containing("\"code\":\"parameters_conflict\""),
        get("/v1/docs?prefix=b&touch=5").gives(400).containing("touch does not go with a listing"),
        get("/v1/docs?count&limit=5").gives(400).containing("\"code\":\"parameters_conflict\""),
        get("/v1/docs?prefx=a").gives(400).containing("did you mean prefix?"),
        get("/v1/docs/").gives(400).containing("\"code\":\"key_empty\""),
        delete("/v1/docs").gives(400).containing("\"code\":\"key_empty\""),
        delete("/v1/docs?prefix=").gives(400).containing("\"code\":\"parameter_invalid\""),
        delete("/v1/docs?prefix=a&key=b").gives(400).containing("\"code\":\"parameters_conflict\""),
        delete("/v1/docs?prefix=a").with("If-Match", "*").gives(400).containing("\"code\":\"condition_invalid\""),
    }]);
}

#[test]
fn a_prefix_is_deleted_whatever_its_size() {
    let mut steps: Vec<Step> =
        (0..600).map(|number| Step::from(put(format!("/v1/docs/a/{number}"), "1").gives(201))).collect();
    steps.extend([
        Step::from(put("/v1/docs/a", "1").gives(201)),
        Step::from(put("/v1/docs/a0", "1").gives(201)),
        Step::from(delete("/v1/docs?prefix=a/").gives(200).body("{\"deleted\":600}\n")),
        Step::from(
            get("/v1/docs").body("{\"items\":[{\"key\":\"a\",\"version\":601},{\"key\":\"a0\",\"version\":602}]}\n"),
        ),
        Step::from(put("/v1/docs/b", "1").gives(201).field("ETag", "\"1203\"")),
        Step::from(delete("/v1/docs?prefix=a/").gives(200).body("{\"deleted\":0}\n")),
        Step::Restart,
        Step::from(get("/v1/docs?count").body("{\"count\":3}\n")),
    ]);
    let name = "each removal has an LSN of its own, and they outlast a restart";
    over_every_door(&[crate::support::scenario::Scenario { name, steps }]);
}

/// Each way to list looks at no more than some hundred documents at once, live or not, and here are more.
#[test]
fn what_has_expired_is_passed_over_however_much_it_is() {
    let line = |number| format!("{{\"op\":\"put\",\"key\":\"a{number:04}\",\"value\":0,\"ttl\":\"1s\"}}\n");
    let passing: String = (0..3000).map(line).collect();
    over_every_door(&[scenario! { "pages, counts, exports, sweeps and the seed's list go on behind it";
        post("/v1/docs:bulk", passing.clone()),
        put("/v1/docs/b", "1").gives(201),
        post("/v1/collections/c", "").gives(201),
        post("/v1/collections/c/docs:bulk", passing),
        put("/v1/collections/c/docs/b", "2").gives(201),
        Step::Advance(1000),
        get("/v1/docs?limit=1").body("{\"items\":[{\"key\":\"b\",\"version\":3001}]}\n").no_field("Link"),
        get("/v1/docs?count").body("{\"count\":1}\n"),
        get("/v1/export?cursor=/").body(concat!(
            "{\"collection\":null,\"key\":\"b\",\"version\":3001,\"value\":1}\n",
            "{\"collection\":\"c\",\"options\":{\"default_ttl\":null,\"require_conditional\":false}}\n",
            "{\"collection\":\"c\",\"key\":\"b\",\"version\":6003,\"value\":2}\n",
        )),
        get("/collections/c/list").containing("\"data\":{\"b\":2}"),
        delete("/v1/docs?prefix=a").gives(200).body("{\"deleted\":0}\n"),
        delete("/v1/docs?prefix=b").gives(200).body("{\"deleted\":1}\n"),
    }]);
}

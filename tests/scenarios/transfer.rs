//! Export and import: everything out and in again, to the byte.

use crate::over_every_door;
use crate::scenario;
use crate::support::door::{House, REACTOR};
use crate::support::process::until;
use crate::support::scenario::{Step, get, post, put, send};

const LINES: &str = concat!(
    "{\"collection\":null,\"key\":\"a\\\"b\",\"version\":2,\"value\":{ \"n\" : 1.0 }}\n",
    "{\"collection\":null,\"key\":\"t\",\"expires_at\":\"2026-11-22T19:00:05.000Z\",\"version\":3,\"value\":\"\\ud800\"}\n",
    "{\"collection\":\"c\",\"options\":{\"default_ttl\":\"1m\",\"require_conditional\":true}}\n",
    "{\"collection\":\"c\",\"key\":\"k/1\",\"expires_at\":\"2026-11-22T19:01:00.000Z\",\"version\":5,\"value\":1e400}\n",
    "{\"collection\":\"d\",\"options\":{\"default_ttl\":null,\"require_conditional\":false}}\n",
);

fn filled() -> Vec<Step> {
    vec![
        post("/v1/collections/d", "").gives(201).into(),
        put("/v1/docs/a%22b", "{ \"n\" : 1.0 }").gives(201).into(),
        put("/v1/docs/t?ttl=5", "\"\\ud800\"").gives(201).into(),
        post("/v1/collections/c", "{\"default_ttl\":\"1m\",\"require_conditional\":true}").gives(201).into(),
        put("/v1/collections/c/docs/k/1", "1e400").with("If-None-Match", "*").gives(201).into(),
    ]
}

#[test]
fn an_export_is_in_order_and_goes_on_behind_any_line() {
    let from = |start: &str| LINES[LINES.find(start).unwrap()..].to_owned();
    let mut steps = filled();
    steps.extend([
        get("/v1/export").field("Content-Type", "application/x-ndjson").body(LINES).into(),
        get("/v1/export?cursor=/a%22b").body(from("{\"collection\":null,\"key\":\"t\"")).into(),
        get("/v1/export?cursor=/zzz").body(from("{\"collection\":\"c\",\"options\"")).into(),
        get("/v1/export?cursor=c/").body(from("{\"collection\":\"c\",\"key\"")).into(),
        get("/v1/export?cursor=c/k/1").body(from("{\"collection\":\"d\"")).into(),
        get("/v1/export?cursor=cc/x").body(from("{\"collection\":\"d\"")).into(),
        get("/v1/export?cursor=d/x").body("").into(),
        get("/v1/export?cursor=x").gives(400).containing("\"code\":\"parameter_invalid\"").into(),
        get("/v1/export?cursor=/a%00").gives(400).containing("\"code\":\"key_invalid\"").into(),
        send("HEAD", "/v1/export").body("").no_field("Content-Length").into(),
        Step::Advance(5000),
        get("/v1/export?cursor=/a%22b").body(from("{\"collection\":\"c\",\"options\"")).into(),
    ]);
    over_every_door(&[crate::support::scenario::Scenario { name: "byte order, options before documents", steps }]);
}

#[test]
fn an_export_of_some_collections_has_those_in_order() {
    let part = |start: &str, end: &str| LINES[LINES.find(start).unwrap()..LINES.find(end).unwrap()].to_owned();
    let main = part("{\"collection\":null", "{\"collection\":\"c\"");
    let (of_c, of_d) = (
        part("{\"collection\":\"c\"", "{\"collection\":\"d\""),
        &LINES[LINES.find("{\"collection\":\"d\"").unwrap()..],
    );
    let mut steps = filled();
    steps.extend([
        get("/v1/export?collection=c").body(of_c.as_str()).into(),
        get("/v1/export?collection=").body(main.as_str()).into(),
        get("/v1/export?collection=d&collection=&collection=d").body(format!("{main}{of_d}")).into(),
        get("/v1/export?collection=c&cursor=/a%22b").body(of_c.as_str()).into(),
        get("/v1/export?collection=c&collection=d&cursor=c/k/1").body(of_d).into(),
        get("/v1/export?collection=c&cursor=d/x").body("").into(),
        get("/v1/export?collection=x").gives(404).containing("\"code\":\"collection_not_found\"").into(),
        get("/v1/export?collection=a/b").gives(400).containing("\"code\":\"collection_name_invalid\"").into(),
        get("/v1/export?cursor=/a&cursor=/b").gives(400).containing("\"code\":\"parameters_conflict\"").into(),
    ]);
    over_every_door(&[crate::support::scenario::Scenario { name: "the main store has the empty name", steps }]);
}

#[test]
fn what_was_exported_comes_back_with_its_deadlines_and_options() {
    let again = LINES
        .replace("\"version\":2", "\"version\":1")
        .replace("\"version\":3", "\"version\":2")
        .replace("\"version\":5", "\"version\":4");
    over_every_door(&[
        scenario! { "into an empty server";
            post("/v1/import?mode=merge", LINES).body("{\"documents\":3,\"collections\":2,\"expired\":0}\n"),
            get("/v1/export").body(again.as_str()),
            Step::Restart,
            get("/v1/export").body(again.as_str()),
        },
        scenario! { "what has expired since is left out, and what is not in the body stays";
            put("/v1/docs/other", "1").gives(201),
            Step::Advance(5000),
            post("/v1/import", LINES).body("{\"documents\":2,\"collections\":2,\"expired\":1}\n"),
            get("/v1/docs/other").body("1"),
            get("/v1/docs/t").gives(404),
        },
    ]);
}

#[test]
fn a_document_of_several_lines_is_exported_and_imported_byte_for_byte() {
    let value = "{\n\t\"a\\n\": \"\\ud800 \u{e9}\\\\\",\r\n \"b\":[ 1.0 ]\n}";
    let line = "{\"collection\":null,\"key\":\"k\",\"version\":1,\"text\":\"{\\n\\t\\\"a\\\\n\\\": \\\"\\\\ud800 \u{e9}\
                \\\\\\\\\\\",\\r\\n \\\"b\\\":[ 1.0 ]\\n}\"}\n";
    let exact = |key: &str| get(format!("/v1/docs/{key}")).body(value);
    over_every_door(&[
        scenario! { "as a string of its text";
            put("/v1/docs/k", value).gives(201),
            get("/v1/export").body(line),
            Step::Advance(1),
            post("/v1/import", line.replace("\"k\"", "\"l\"")).containing("\"documents\":1"),
            exact("k"),
            exact("l"),
        },
        scenario! { "whatever stands in the string must be a document";
            post("/v1/import", "{\"key\":\"a\",\"text\":\" [1]\\n\"}\n").gives(200),
            get("/v1/docs/a").body("[1]"),
            post("/v1/import", "{\"key\":\"b\",\"text\":\"[1\"}\n").gives(400).containing("\"code\":\"json_invalid\""),
            post("/v1/import", "{\"key\":\"b\",\"text\":[1]}\n").gives(400).containing("text is a text"),
            post("/v1/import", "{\"key\":\"b\",\"text\":\"1\",\"value\":1}\n").gives(400)
                .containing("\"code\":\"import_invalid\""),
            get("/v1/docs/b").gives(404),
        },
    ]);
}

#[test]
fn a_line_that_cannot_be_taken_ends_an_import() {
    let good = "{\"key\":\"a\",\"value\":1}\n";
    let mut steps: Vec<Step> = Vec::new();
    for (line, code) in [
        ("{\"key\":\"b\",\"value\":}", "json_invalid"),
        ("{\"key\":\"b\"}", "import_invalid"),
        ("{\"cut_short\":\"no\"}", "import_invalid"),
        ("{\"collection\":\"a/b\",\"key\":\"b\",\"value\":1}", "collection_name_invalid"),
        ("{\"collection\":\"c\",\"options\":{\"x\":1}}", "collection_options_invalid"),
        ("{\"key\":\"\",\"value\":1}", "key_empty"),
    ] {
        let body = format!("{good}{line}\n{{\"key\":\"c\",\"value\":1}}\n");
        let status = 400;
        let exchange = post("/v1/import", body).gives(status).containing(format!("\"code\":\"{code}\""));
        steps.push(exchange.containing("\"line\":2,\"documents\":1").into());
    }
    steps.push(post("/v1/import?mode=swap", "").gives(400).containing("\"code\":\"parameter_invalid\"").into());
    steps.push(get("/v1/docs?count").body("{\"count\":1}\n").into());
    let name = "with its number, and how much came before it";
    over_every_door(&[crate::support::scenario::Scenario { name, steps }]);
}

#[test]
fn a_replacement_takes_the_place_of_everything_at_its_end_or_of_nothing() {
    let lines = concat!(
        "{\"key\":\"a\",\"value\":[1]}\n",
        "{\"key\":\"t\",\"expires_at\":\"2026-11-22T19:00:05.000Z\",\"value\":2}\n",
        "{\"collection\":\"c\",\"options\":{\"default_ttl\":\"1m\",\"require_conditional\":true}}\n",
        "{\"collection\":\"c\",\"key\":\"k\",\"value\":3}\n",
        "{\"collection\":\"new\",\"key\":\"k\",\"value\":4}\n",
    );
    let old = || -> Vec<Step> {
        vec![
            put("/v1/docs/a", "0").gives(201).into(),
            put("/v1/docs/old?ttl=3", "0").gives(201).into(),
            put("/v1/collections/c/docs/old", "0").gives(201).into(),
            put("/v1/collections/gone/docs/old", "0").gives(201).into(),
        ]
    };
    let new: Vec<Step> = vec![
        get("/v1/docs").body("{\"items\":[{\"key\":\"a\",\"version\":8},{\"key\":\"t\",\"version\":9,\"expires_at\":\"2026-11-22T19:00:05.000Z\"}]}\n").into(),
        get("/v1/docs/a").body("[1]").field("ETag", "\"8\"").into(),
        get("/v1/docs/old").gives(404).into(),
        get("/v1/collections/c/docs?values").body("{\"items\":[{\"key\":\"k\",\"version\":11,\"value\":3}]}\n").into(),
        get("/v1/collections/new/docs/k").body("4").into(),
        get("/v1/collections/gone").gives(404).into(),
        get("/v1/collections").containing("\"name\":\"c\"").containing("\"default_ttl\":\"1m\",\"require_conditional\":true").into(),
    ];
    let mut replaced = old();
    replaced.push(
        post("/v1/import?mode=replace", lines).body("{\"documents\":4,\"collections\":1,\"expired\":0}\n").into(),
    );
    replaced.extend(new);
    replaced.push(get("/v1/changes?since=6").body("{\"lsn\":14,\"op\":\"replace\",\"collection\":null}\n").into());
    replaced.push(Step::Advance(1));
    replaced.extend([
        put("/v1/docs/b", "1").gives(201).into(),
        put("/v1/docs/a", "2").gives(200).into(),
        put("/v1/collections/c/docs/k", "5").gives(428).into(),
        Step::Restart,
        get("/v1/docs?values")
            .containing("{\"key\":\"a\",\"version\":16,\"value\":2},{\"key\":\"b\",\"version\":15,\"value\":1},")
            .into(),
        get("/v1/collections/c/docs/k").body("3").into(),
        get("/v1/collections/new/docs/k").body("4").into(),
        get("/v1/collections/gone").gives(404).into(),
        Step::Advance(5000),
        get("/v1/docs/t").gives(404).into(),
        post("/v1/import?mode=replace", "").body("{\"documents\":0,\"collections\":0,\"expired\":0}\n").into(),
        get("/v1/export").body("").into(),
        Step::Restart,
        get("/v1/export").body("").into(),
    ]);
    let mut broken = old();
    broken.extend([
        post("/v1/import?mode=replace", format!("{lines}{{\"key\":1}}\n"))
            .gives(400)
            .containing("\"code\":\"import_invalid\"")
            .containing("\"line\":6,\"documents\":0")
            .into(),
        get("/v1/docs/a").body("0").into(),
        get("/v1/docs?count").body("{\"count\":2}\n").into(),
        get("/v1/collections/new").gives(404).into(),
        get("/v1/collections/gone/docs/old").body("0").into(),
        Step::Restart,
        get("/v1/docs?count").body("{\"count\":2}\n").into(),
        get("/v1/collections/%2F7%2Fc").gives(400).containing("\"code\":\"collection_name_invalid\"").into(),
        get("/v1/collections/new").gives(404).into(),
        post("/v1/import?mode=replace", lines).containing("\"documents\":4").into(),
        get("/v1/docs/a").body("[1]").into(),
    ]);
    let scenario = |name, steps| crate::support::scenario::Scenario { name, steps };
    over_every_door(&[
        scenario("everything is what was imported, before and after a restart", replaced),
        scenario("a line that cannot be taken leaves all as it was", broken),
    ]);
}

/// Longer than what the pool's library reads before it hands a request on.
const LONG: usize = 4096;

#[test]
fn a_replacement_whose_client_goes_away_leaves_all_as_it_was_and_makes_room_for_another() {
    for front in [&[("front", "pool")], REACTOR] {
        let house = House::start(front);
        let mut client = house.client();
        client.send("PUT", "/v1/docs/old", &[], b"0");
        let mut leaving = house.client();
        let line = b"{\"key\":\"new\",\"value\":1}\n";
        leaving.begin("POST", "/v1/import?mode=replace", &[], LONG).unwrap();
        leaving.write(line).unwrap();
        // A document and where it is staged have numbers of their own.
        until("the replacement begins", || client.send("GET", "/v1/stats", &[], b"").text().contains("\"next_lsn\":4"));
        assert_eq!(client.send("POST", "/v1/import?mode=replace", &[], line).status, 409);
        assert_eq!(client.send("GET", "/v1/docs/new", &[], b"").status, 404);
        drop(leaving);
        let mut replaced = None;
        until("the replacement is given up", || {
            let answer = client.send("POST", "/v1/import?mode=replace", &[], line);
            if answer.status == 409 {
                assert_eq!(client.send("GET", "/v1/docs/old", &[], b"").text(), "0");
                return false;
            }
            replaced = Some(answer);
            true
        });
        assert_eq!(replaced.unwrap().text(), "{\"documents\":1,\"collections\":0,\"expired\":0}\n");
        assert_eq!(client.send("GET", "/v1/docs/old", &[], b"").status, 404);
        assert_eq!(client.send("GET", "/v1/docs/new", &[], b"").text(), "1");
    }
}

//! Health, the welcome page, options, and what an operator asks for.

use std::time::{Duration, Instant};

use memory_tools::config::OPTIONS;
use memory_tools::server::ServerFigures;
use serde_json::{Map, Value, json};

use crate::over_every_door;
use crate::scenario;
use crate::support::described;
use crate::support::door::{Door, House, START, every_door};
use crate::support::exposition::{parse, value};
use crate::support::scenario::{get, post, send};

#[test]
fn the_server_says_how_it_is() {
    over_every_door(&[scenario! { "live, ready, and a page that says what this is";
        get("/livez").body("{\"status\":\"live\"}\n"),
        get("/readyz").body("{\"status\":\"ready\"}\n"),
        get("/").field("Content-Type", "text/plain; charset=utf-8").containing("curl -X PUT http://"),
        send("HEAD", "/").body(""),
        get("/v1/nothing").gives(404).containing("\"code\":\"route_not_found\""),
    }]);
}

#[test]
fn options_name_the_methods() {
    over_every_door(&[scenario! { "OPTIONS is a 204 with Allow, and so is a 405";
        send("OPTIONS", "/v1/docs/a").gives(204).field("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        post("/v1/docs/a", "1").gives(405).field("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
            .containing("\"code\":\"method_not_allowed\""),
        send("OPTIONS", "*").gives(204),
    }]);
}

#[test]
fn a_method_that_nothing_here_has_is_a_501() {
    over_every_door(&[scenario! { "a method is a token with its case, and a resource may lack one that others have";
        send("BREW", "/v1/docs/a").gives(501).containing("\"code\":\"method_unknown\""),
        send("get", "/v1/docs/a").gives(501),
        send("PROPFIND", "/readyz").gives(501),
        send("PATCH", "/readyz").gives(405),
        send("TRACE", "/readyz").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
        send("BREW", "/get").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
    }]);
}

#[test]
fn a_snapshot_can_be_asked_for() {
    over_every_door(&[scenario! { "with wait the answer comes when it is durable";
        post("/set", "{\"key\":\"a\",\"value\":1}"),
        post("/v1/admin/snapshot?wait", "").containing("\"status\":\"finished\",\"documents\":1,"),
        post("/v1/admin/snapshot?wait=maybe", "").gives(400),
        get("/v1/admin/snapshot").gives(405),
    }]);
}

#[test]
fn a_snapshot_that_nobody_waits_for_is_accepted_and_written() {
    for mut door in every_door() {
        let started = door.send("POST", "/v1/admin/snapshot", &[], b"");
        assert_eq!((started.status, started.body.as_slice()), (202, &b"{\"status\":\"started\"}\n"[..]));
        let asked = Instant::now();
        while door.send("POST", "/v1/admin/snapshot?wait", &[], b"").status == 409 {
            assert!(asked.elapsed() < Duration::from_secs(20), "{}: it goes on for ever", door.name());
            std::thread::yield_now();
        }
    }
}

/// What has ended is on the page of a request that comes behind it.
#[test]
fn requests_are_counted_by_the_template_of_their_route() {
    for front in ["reactor", "pool"] {
        let house = House::start(&[("front", front), ("reactor-threads", "1")]);
        let mut client = house.client();
        let mut ask = |method: &str, target: &str, body: &str, status: u16| {
            let reply = client.send(method, target, &[], body.as_bytes());
            assert_eq!(reply.status, status, "{method} {target}");
            reply.text().to_owned()
        };
        for key in ["secret-1", "secret-2"] {
            ask("PUT", &format!("/v1/docs/{key}?ttl=1h"), "{}", 201);
            ask("GET", &format!("/v1/docs/{key}"), "", 200);
        }
        ask("GET", "/v1/docs/secret-3", "", 404);
        ask("GET", "/v1/collections/secret-4/docs/a?ptr=/a", "", 404);
        ask("GET", "/secret-5", "", 404);
        ask("POST", "/v1/docs", "1", 201);
        ask("TRACE", "/v1/stats", "", 405);
        ask("GET", "/v1/export", "", 200);
        ask("GET", "/v1/stats", "", 200);
        let text = ask("GET", "/metrics", "", 200);
        assert!(!text.contains("secret"), "{text}");
        let page = parse(&text).unwrap_or_else(|error| panic!("{front}: {error}\n{text}"));
        let requests: Vec<(&str, f64)> =
            page["memory_tools_requests_total"].iter().map(|(series, count)| (series.as_str(), *count)).collect();
        let series = |method: &str, route: &str, status: &str| {
            format!("memory_tools_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}")
        };
        let expected = [
            (series("GET", "/v1/docs/{key...}", "200"), 2.0),
            (series("GET", "/v1/docs/{key...}", "404"), 1.0),
            (series("PUT", "/v1/docs/{key...}", "201"), 2.0),
            (series("POST", "/v1/docs", "201"), 1.0),
            (series("GET", "/v1/collections/{c}/docs/{key...}", "404"), 1.0),
            (series("GET", "/v1/export", "200"), 1.0),
            (series("GET", "/v1/stats", "200"), 1.0),
            (series("TRACE", "/v1/stats", "405"), 1.0),
            (series("GET", "unknown", "404"), 1.0),
        ];
        assert_eq!(requests, expected.each_ref().map(|(series, count)| (series.as_str(), *count)), "{front}");
        let took = |part: &str| {
            value(&page, &format!("memory_tools_request_duration_seconds_{part}{{route=\"/v1/docs/{{key...}}\"}}"))
        };
        assert_eq!(took("count"), Some(5.0), "{front}");
        assert!(took("sum").is_some_and(|sum| sum > 0.0), "{front}");
        assert_eq!(value(&page, "memory_tools_connections"), Some(1.0), "{front}");
        assert!(value(&page, "memory_tools_sent_bytes_total").is_some_and(|bytes| bytes > 1000.0), "{front}");
        assert!(value(&page, "process_cpu_seconds_total").is_some_and(|seconds| seconds > 0.0), "{front}");
        assert_eq!(value(&page, "process_start_time_seconds"), Some(START.0 as f64 / 1000.0), "{front}");
    }
}

#[test]
fn a_reload_where_there_is_nothing_to_read_says_so() {
    over_every_door(&[scenario! { "null stands for what there is none of";
        post("/v1/admin/reload", "").body("{\"certificate\":null,\"tokens\":null}\n"),
        post("/v1/admin/reload?wait", "").gives(400).containing("\"code\":\"parameter_unknown\""),
        get("/v1/admin/reload").gives(405).field("Allow", "POST, OPTIONS"),
    }]);
}

#[test]
fn the_figures_are_a_page_with_each_family_once() {
    let mut names: Vec<&str> = ServerFigures::families().map(|family| family.name).collect();
    names.sort_unstable();
    for mut door in every_door() {
        door.send("PUT", "/v1/docs/a", &[], b"1");
        assert_eq!(door.send("POST", "/v1/admin/snapshot?wait", &[], b"").status, 200);
        let reply = door.send("GET", "/metrics", &[], b"");
        let fields = ["Content-Type", "Cache-Control"].map(|name| reply.header(name));
        assert_eq!((reply.status, fields), (200, [Some("text/plain; version=0.0.4; charset=utf-8"), Some("no-store")]));
        let text = String::from_utf8(reply.body).unwrap();
        let page = parse(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", door.name()));
        assert_eq!(page.keys().map(String::as_str).collect::<Vec<_>>(), names, "over {}", door.name());
        let known = ["documents{collection=\"\"}", "journal_last_lsn", "snapshot_last_success_timestamp_seconds"]
            .map(|name| value(&page, &format!("memory_tools_{name}")));
        assert_eq!(known, [Some(1.0), Some(1.0), Some(START.0 as f64 / 1000.0)], "over {}", door.name());
    }
    over_every_door(&[scenario! { "it takes no parameters, and is not written to";
        get("/metrics?key=a").gives(400),
        send("HEAD", "/metrics").body(""),
        post("/metrics", "").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
    }]);
}

#[test]
fn the_stats_say_how_the_server_stands() {
    for mut door in every_door() {
        let stats = |door: &mut dyn Door| {
            let reply = door.send("GET", "/v1/stats", &[], b"");
            described::check("GET", "/v1/stats", &reply).unwrap_or_else(|fault| panic!("{fault}"));
            assert_eq!((reply.status, reply.header("Cache-Control")), (200, Some("no-store")));
            serde_json::from_slice::<Value>(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
        };
        let before = stats(door.as_mut());
        assert_eq!((&before["documents"], &before["next_lsn"]), (&json!(0), &json!(1)), "over {}", door.name());
        assert_eq!(before.get("snapshot"), None);
        door.send("PUT", "/v1/docs/a", &[], b"123");
        door.send("PUT", "/v1/collections/c/docs/b", &[], b"4567");
        assert_eq!(door.send("POST", "/v1/admin/snapshot?wait", &[], b"").status, 200);
        door.advance(1_500);
        let after = stats(door.as_mut());
        let members = ["documents", "bytes", "collections", "next_lsn"].map(|name| &after[name]);
        assert_eq!(members, [&json!(2), &json!(9), &json!(1), &json!(4)], "over {}: {after}", door.name());
        assert_eq!(after["snapshot"], json!({ "at": "2026-11-22T19:00:00.000Z", "age_ms": 1_500 }), "{after}");
        let journal = &after["journal"];
        assert_eq!((&journal["mode"], &journal["state"]), (&json!("everysec"), &json!("serving")), "{after}");
        assert_eq!(after["version"], json!(env!("CARGO_PKG_VERSION")));
        let accounted = ["bytes", "index_bytes", "overhead_bytes", "resident_bytes"].map(|name| after[name].as_u64());
        let [Some(documents), Some(index), Some(overhead), Some(resident)] = accounted else { panic!("{after}") };
        assert!(index > before["index_bytes"].as_u64().unwrap() && overhead > 0, "{after}");
        assert_eq!(documents + index + overhead, resident);
        assert!(after["uptime_ms"].is_u64());
    }
    over_every_door(&[scenario! { "they take no parameters, and are not written to";
        get("/v1/stats?key=a").gives(400).containing("\"code\":\"parameter_unknown\""),
        send("HEAD", "/v1/stats").body(""),
        send("DELETE", "/v1/stats").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
    }]);
}

#[test]
fn the_configuration_is_shown_with_its_sources() {
    for mut door in every_door() {
        let reply = door.send("GET", "/v1/config", &[], b"");
        described::check("GET", "/v1/config", &reply).unwrap_or_else(|fault| panic!("{fault}"));
        let shown: Value = serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"));
        for option in OPTIONS {
            assert!(shown[option.name]["source"].is_string(), "{} is missing: {shown}", option.name);
        }
        assert_eq!(shown["shards"], json!({ "value": 16, "source": "flag --shards" }), "over {}", door.name());
        assert_eq!(shown["write_timeout"]["source"], json!("default"));
        assert_eq!(shown.as_object().map(Map::len), Some(OPTIONS.len()));
    }
    over_every_door(&[scenario! { "it takes no parameters, and is not written to";
        get("/v1/config?key=a").gives(400).containing("\"code\":\"parameter_unknown\""),
        post("/v1/config", "{}").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
    }]);
}

#[test]
fn the_api_describes_itself() {
    over_every_door(&[scenario! { "/openapi.json is what the routes are made of";
        get("/openapi.json").field("Content-Type", "application/json").containing("\"openapi\":\"3.1.0\"")
            .containing("\"/v1/docs/{key}\"").containing("\"operationId\":\"put_document\""),
        get("/openapi.json?x").gives(400).containing("\"code\":\"parameter_unknown\""),
        send("HEAD", "/openapi.json").body(""),
    }]);
}

//! The recorded requests and answers of the original server, in the order in which they were recorded.
//!
//! `fixtures/golden/cases.json` is the recording and is never changed. Where we differ on purpose, `ours` says how,
//! and the README says why.

mod support;

use serde_json::Value;
use support::door::{Reply, every_door};
use support::http::Sent;

const ENVELOPE: &str = "application/json; charset=utf-8";

/// What we answer to a case that we answer differently.
struct Ours {
    status: u16,
    content_type: &'static str,
    body: Body,
}

enum Body {
    Exactly(&'static str),
    Containing(&'static str),
}

fn ours(case: &str) -> Option<Ours> {
    let envelope = |status, body| Some(Ours { status, content_type: ENVELOPE, body: Body::Exactly(body) });
    match case {
        "set null" => envelope(200, "{\"success\":true,\"message\":\"Data saved for Key='n' in main store\"}\n"),
        "set number" => envelope(200, "{\"success\":true,\"message\":\"Data saved for Key='num' in main store\"}\n"),
        "set trailing garbage" => {
            envelope(400, "{\"success\":false,\"message\":\"Invalid JSON request body or unknown fields\"}\n")
        }
        "head get" => envelope(200, ""),
        "unknown path" => Some(Ours {
            status: 404,
            content_type: "application/problem+json",
            body: Body::Containing("\"code\":\"route_not_found\""),
        }),
        "root" => Some(Ours {
            status: 200,
            content_type: "text/plain; charset=utf-8",
            body: Body::Containing("Memory Tools"),
        }),
        "collections redirect" => {
            envelope(200, "{\"success\":true,\"message\":\"Collections retrieved successfully\",\"data\":[]}\n")
        }
        "collection wrong method" => envelope(405, "{\"success\":false,\"message\":\"Method not allowed\"}\n"),
        "get absent collection" => {
            envelope(404, "{\"success\":false,\"message\":\"Key 'a' not found or expired in collection 'ghost'\"}\n")
        }
        "get key with quote" => envelope(
            200,
            "{\"success\":true,\"message\":\"Data retrieved successfully from main store\",\
             \"data\":{\"key\":\"quo\\\"te\",\"value\":{}}}\n",
        ),
        "set ttl huge" => {
            envelope(400, "{\"success\":false,\"message\":\"ttl_seconds 99999999999 is more than 100 years\"}\n")
        }
        "get ttl huge" => {
            envelope(404, "{\"success\":false,\"message\":\"Key 'th' not found or expired in main store\"}\n")
        }
        _ => None,
    }
}

fn recorded(text: &Value) -> &str {
    text.as_str().expect("the recording has a text here")
}

#[test]
fn every_recorded_request_gets_its_recorded_answer_or_the_one_we_chose() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("fixtures/golden/cases.json")).unwrap();
    assert!(cases.len() > 60);
    let requests: Vec<Sent<'_>> = cases
        .iter()
        .map(|case| {
            let request = &case["request"];
            let body = request["body"].as_str().unwrap_or_default().as_bytes();
            Sent { method: recorded(&request["method"]), target: recorded(&request["path"]), headers: &[], body }
        })
        .collect();
    for mut door in every_door() {
        let replies = door.send_all(&requests);
        assert_eq!(replies.len(), cases.len(), "over {}", door.name());
        for ((case, sent), reply) in cases.iter().zip(&requests).zip(&replies) {
            let name = recorded(&case["name"]);
            let difference = match (ours(name), case.get("ours_differs")) {
                (Some(ours), Some(_)) => against_ours(reply, &ours),
                (None, None) => against_recording(reply, &case["response"]),
                _ => Some("the recording and this test disagree on whether we differ".to_owned()),
            };
            if let Some(difference) = difference {
                panic!("{name}: over {}, {} {}: {difference}\n{reply:?}", door.name(), sent.method, sent.target);
            }
        }
    }
}

fn against_ours(reply: &Reply, ours: &Ours) -> Option<String> {
    let body = String::from_utf8_lossy(&reply.body);
    let body_fits = match ours.body {
        Body::Exactly(expected) => body == expected,
        Body::Containing(part) => body.contains(part),
    };
    let fits = reply.status == ours.status && reply.header("Content-Type") == Some(ours.content_type) && body_fits;
    (!fits).then(|| format!("expected our own {} {}", ours.status, ours.content_type))
}

fn against_recording(reply: &Reply, response: &Value) -> Option<String> {
    let fits = response["status"] == reply.status
        && reply.header("Content-Type") == response["content_type"].as_str()
        && reply.body == recorded(&response["body"]).as_bytes();
    (!fits).then(|| format!("expected {response}"))
}

#[test]
fn wrong_methods_name_the_right_ones() {
    for mut door in every_door() {
        for (method, target, allow) in [
            ("GET", "/set", "POST, OPTIONS"),
            ("POST", "/get?key=a", "GET, HEAD, OPTIONS"),
            ("GET", "/collections/users", "POST, DELETE, OPTIONS"),
            ("PUT", "/collections/users/list", "GET, HEAD, OPTIONS"),
        ] {
            let reply = door.send(method, target, &[], b"");
            assert_eq!((reply.status, reply.header("Allow")), (405, Some(allow)), "{method} {target}");
        }
    }
}

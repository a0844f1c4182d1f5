//! Limits that an operator sets: what is over one is told which, how large it is and how to raise it; what is at one
//! passes; large numbers of things are no limit.

mod support;

use memory_tools::api::message::{Headers, Method, Request, RequestBody};
use memory_tools::base::limits::KEY_LIST_BYTES_MAX;
use support::door::{House, reply_to};
use support::http::{Answer, Client};

/// A JSON text of `bytes` bytes.
fn document(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

/// Sends `body` in chunks of 300 bytes.
fn send_chunked(client: &mut Client, method: &str, target: &str, body: &[u8]) -> Answer {
    client.begin(method, target, &[("Transfer-Encoding", "chunked")], 0).unwrap();
    for chunk in body.chunks(300) {
        client.write(format!("{:x}\r\n", chunk.len()).as_bytes()).unwrap();
        client.write(chunk).unwrap();
        client.write(b"\r\n").unwrap();
    }
    client.write(b"0\r\n\r\n").unwrap();
    client.answer().unwrap()
}

#[test]
fn a_document_at_its_limit_passes_and_one_byte_more_is_refused_by_name() {
    let house = House::start(&[("document-bytes-max", "1500")]);
    let (fits, larger) = (document(1500), document(1501));
    let put = |body: &str| house.client().send("PUT", "/v1/docs/a", &[], body.as_bytes());
    assert_eq!(put(&fits).status, 201);
    let refused = put(&larger);
    assert_eq!(refused.status, 413, "{refused:?}");
    let problem = refused.json();
    assert_eq!((&problem["limit_bytes"], &problem["size_bytes"]), (&1500.into(), &1501.into()), "{problem}");
    assert_eq!(problem["code"], "document_too_large");
    assert!(problem["hint"].as_str().unwrap().contains("document_bytes_max"), "{problem}");

    let chunked = |body: &str| send_chunked(&mut house.client(), "PUT", "/v1/docs/b", body.as_bytes());
    assert_eq!(chunked(&fits).status, 201);
    let refused = chunked(&larger);
    assert_eq!(refused.status, 413, "{refused:?}");
    let problem = refused.json();
    // How large it would have become is not known: reading stops at the limit.
    assert_eq!((&problem["limit_bytes"], problem.get("size_bytes")), (&1500.into(), None), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("document_bytes_max"), "{problem}");

    for key in ["a", "b"] {
        let kept = house.client().send("GET", &format!("/v1/docs/{key}"), &[], b"");
        assert_eq!(kept.text(), fits, "what was refused changed nothing");
    }
}

#[test]
fn the_seeds_set_holds_the_value_to_the_limit_not_what_is_around_it() {
    let house = House::start(&[("document-bytes-max", "1500")]);
    let body = |value: &str| format!("{{\"key\":\"{}\",  \"value\":{value}}}", "k".repeat(1000));
    for path in ["/set", "/collections/c/set"] {
        let plain = |value: &str| house.client().send("POST", path, &[], body(value).as_bytes());
        let chunked = |value: &str| send_chunked(&mut house.client(), "POST", path, body(value).as_bytes());
        for send in [&plain as &dyn Fn(&str) -> Answer, &chunked] {
            assert_eq!(send(&document(1500)).status, 200, "{path}");
            // Just over the limit, and so far over it that the envelope cannot be the reason.
            for (bytes, size) in [(1501, "1501"), (20_000, "")] {
                let refused = send(&document(bytes));
                assert_eq!(refused.status, 413, "{path}: {refused:?}");
                let envelope = refused.json();
                let message = envelope["message"].as_str().unwrap();
                assert_eq!(envelope["success"], false);
                for part in ["1500", size, "document_bytes_max"] {
                    assert!(message.contains(part), "{part} is not in: {message}");
                }
            }
        }
    }
}

#[test]
fn what_a_patch_makes_of_a_document_is_held_to_its_limit() {
    let house = House::start(&[("document-bytes-max", "1500")]);
    let mut client = house.client();
    assert_eq!(client.send("PUT", "/v1/docs/a", &[], b"{}").status, 201);
    let merge = [("Content-Type", "application/merge-patch+json")];
    // `{"a":` and `}` stand around the text.
    let patch = |bytes: usize| format!("{{\"a\":{}}}", document(bytes - 6));
    assert_eq!(client.send("PATCH", "/v1/docs/a", &merge, patch(1500).as_bytes()).status, 200);
    let body_too_large = client.send("PATCH", "/v1/docs/a", &merge, patch(1501).as_bytes());
    let result_too_large = client.send("PATCH", "/v1/docs/a", &merge, b"{\"b\":1}");
    for refused in [body_too_large, result_too_large] {
        let problem = refused.json();
        assert_eq!((refused.status, &problem["code"]), (413, &"document_too_large".into()), "{problem}");
        assert_eq!(problem["limit_bytes"], 1500);
        assert!(problem["hint"].as_str().unwrap().contains("document_bytes_max"), "{problem}");
    }
    assert_eq!(client.send("GET", "/v1/docs/a", &[], b"").text(), patch(1500), "what was refused changed nothing");
}

#[test]
fn a_list_of_keys_has_a_limit_of_its_own() {
    let house = House::start(&[("document-bytes-max", "1500")]);
    let mut client = house.client();
    let keys = |count: usize, blanks: usize| format!("[\"k\"{}{}]", ",\"k\"".repeat(count - 1), " ".repeat(blanks));
    assert_eq!(client.send("POST", "/v1/docs:get", &[], keys(1000, 0).as_bytes()).status, 200);
    let refused = client.send("POST", "/v1/docs:get", &[], keys(1001, 0).as_bytes());
    assert_eq!((refused.status, &refused.json()["limit"]), (413, &1000.into()), "{refused:?}");
    let refused = client.send("POST", "/v1/docs:get", &[], keys(1, KEY_LIST_BYTES_MAX).as_bytes());
    let problem = refused.json();
    assert_eq!((refused.status, &problem["code"]), (413, &"body_too_large".into()), "{problem}");
    assert_eq!(problem["limit_bytes"], KEY_LIST_BYTES_MAX);
}

#[test]
fn one_collection_more_than_collections_max_is_507_until_one_is_dropped() {
    let house = House::start(&[("collections-max", "3")]);
    let mut client = house.client();
    let mut send = |method, target: &str| client.send(method, target, &[], if method == "PUT" { b"1" } else { b"" });
    assert_eq!(send("POST", "/collections/a").status, 201);
    assert_eq!(send("PUT", "/v1/collections/b/docs/x").status, 201);
    assert_eq!(send("POST", "/collections/c").status, 201);
    let refused = send("PUT", "/v1/collections/d/docs/x");
    let problem = refused.json();
    assert_eq!((refused.status, &problem["code"]), (507, &"too_many_collections".into()), "{problem}");
    assert_eq!(problem["limit"], 3);
    for part in [&problem["detail"], &problem["hint"]] {
        assert!(part.as_str().unwrap().contains("collections_max"), "{problem}");
    }
    let refused = send("POST", "/collections/d");
    assert_eq!(refused.status, 507);
    assert!(refused.text().contains("collections_max"), "{refused:?}");

    assert_eq!(send("PUT", "/v1/collections/a/docs/x").status, 201, "those that are there take documents");
    assert_eq!(send("POST", "/collections/a").status, 201, "and may be ensured again");
    assert_eq!(send("DELETE", "/collections/b").status, 200);
    assert_eq!(send("PUT", "/v1/collections/d/docs/x").status, 201);
    let names = send("GET", "/collections");
    assert!(names.text().contains("\"data\":[\"a\",\"c\",\"d\"]"), "{names:?}");
}

struct NoFields;

impl Headers for NoFields {
    fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
}

fn put_directly(house: &House, target: &str, value: &str) {
    let body = RequestBody::Bytes(value.as_bytes());
    let request = Request { method: Method::Put, target, headers: &NoFields, body };
    assert_eq!(reply_to(house.server().api(), request).status, 201, "{target}");
}

#[test]
fn as_many_collections_as_allowed_and_many_keys_are_no_trouble() {
    const COLLECTIONS: u64 = 10_000;
    const KEYS: u64 = 40_000;
    let mut house = House::start(&[]);
    for number in 0..COLLECTIONS {
        put_directly(&house, &format!("/v1/collections/c{number}/docs/k"), &number.to_string());
    }
    for number in 0..KEYS {
        put_directly(&house, &format!("/v1/docs/{number}"), &number.to_string());
    }
    assert_eq!(house.server().documents(), COLLECTIONS + KEYS);
    house.close();
    house.open();
    assert_eq!(house.server().documents(), COLLECTIONS + KEYS);
    let mut client = house.client();
    for number in (0..COLLECTIONS).step_by(997) {
        let answer = client.send("GET", &format!("/v1/collections/c{number}/docs/k"), &[], b"");
        assert_eq!(answer.text(), number.to_string());
    }
    let names = client.send("GET", "/collections", &[], b"").json();
    assert_eq!(names["data"].as_array().unwrap().len() as u64, COLLECTIONS);
    let refused = client.send("PUT", "/v1/collections/one-more/docs/k", &[], b"1");
    assert_eq!(refused.status, 507);
}

/// The pool's library takes a peer that goes away within a chunk for the end of the body. What is left of a number is a
/// number, and was stored. The reactor knows the end when it sees it.
#[test]
fn a_number_that_is_cut_short_within_a_chunk_is_not_stored() {
    check_cut_number("pool", (411, "length_required"));
    check_cut_number("reactor", (400, "body_incomplete"));
}

fn check_cut_number(front: &str, (status, code): (u16, &str)) {
    let house = House::start(&[("front", front)]);
    for (target, body) in [("/v1/docs/a", "8\r\n123"), ("/v1/docs/a", "3\r\n123\r\n5\r\n45")] {
        let mut client = house.client();
        client.begin("PUT", target, &[("Transfer-Encoding", "chunked")], 0).unwrap();
        client.write(body.as_bytes()).unwrap();
        client.half_close().unwrap();
        let refused = client.answer().unwrap();
        assert_eq!((refused.status, &refused.json()["code"]), (status, &code.into()), "{front}: {body:?}");
        assert_eq!(house.client().send("GET", target, &[], b"").status, 404);
    }
    let whole = send_chunked(&mut house.client(), "PUT", "/v1/docs/a", b"12345\n");
    assert_eq!(whole.status, 201, "white space behind a number is its end");
}

//! Requests as they are sent, and answers that pass and do not.

use super::*;

fn reply(status: u16, body: &[u8]) -> Reply<'_> {
    Reply { kind: Kind::Status(status), version: None, body: body.into(), closes: false, bytes: body.len() }
}

fn server() -> SocketAddr {
    "127.0.0.1:8080".parse().unwrap()
}

#[test]
fn documents_are_json_of_exactly_the_size_asked_for_with_their_key_inside() {
    for bytes in [DOCUMENT_BYTES_MIN, 65, 99, 100, 101, 1000, 1100, 65_537, DOCUMENT_BYTES_MAX] {
        let mut out = Vec::new();
        document(bytes).unwrap().append(4711, &mut out);
        assert_eq!(out.len(), bytes);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["id"], "key:00004711");
    }
    assert!(document(DOCUMENT_BYTES_MIN - 1).is_err());
    assert!(document(DOCUMENT_BYTES_MAX + 1).is_err());
}

#[test]
fn only_the_document_of_that_key_answers_a_get() {
    let document = document(100).unwrap();
    let get = Workload::get(server(), &document);
    let mut body = Vec::new();
    document.append(12, &mut body);
    assert!(get.check(12, &reply(200, &body)).is_ok());
    assert!(get.check(13, &reply(200, &body)).is_err());
    assert!(get.check(12, &reply(200, &body[1..])).is_err());
    let error = get.check(12, &reply(404, b"{\"code\":\"key_not_found\"}")).unwrap_err().to_string();
    assert_eq!(error, r#"wrong answer to GET of key 12: status 404, 24 bytes: {\"code\":\"key_not_found\"}"#);
}

#[test]
fn a_put_sends_the_document_and_wants_its_key_back() {
    let document = document(64).unwrap();
    let put = Workload::put(server(), &document);
    let mut request = Vec::new();
    put.request.append(9, &mut request);
    let text = String::from_utf8(request).unwrap();
    assert!(text.starts_with("PUT /v1/docs/key:00000009 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"), "{text}");
    assert!(text.contains("\r\nContent-Length: 64\r\n\r\n{\"id\":\"key:00000009\","), "{text}");
    assert!(put.check(9, &reply(201, b"{\"key\":\"key:00000009\",\"version\":3}\n")).is_ok());
    assert!(put.check(9, &reply(200, b"{\"key\":\"key:00000008\",\"version\":3}\n")).is_err());
    assert!(put.check(9, &reply(503, b"{\"key\":\"key:00000009\"")).is_err());
}

#[test]
fn redis_is_asked_and_answers_in_its_own_protocol() {
    let document = document(64).unwrap();
    let (get, set) = (Workload::redis_get(&document), Workload::redis_set(&document));
    let mut sent = Vec::new();
    get.request.append(12, &mut sent);
    assert_eq!(sent, b"*2\r\n$3\r\nGET\r\n$12\r\nkey:00000012\r\n");
    sent.clear();
    set.request.append(12, &mut sent);
    let text = String::from_utf8(sent).unwrap();
    assert!(text.starts_with("*3\r\n$3\r\nSET\r\n$12\r\nkey:00000012\r\n$64\r\n{\"id\":\"key:00000012\""), "{text}");
    assert!(text.ends_with("\"}\r\n"), "{text}");

    let mut stored = Vec::new();
    document.append(12, &mut stored);
    let answer = [b"$64\r\n", &stored[..], b"\r\n"].concat();
    let found = get.parse(&answer).unwrap().unwrap();
    assert!(get.check(12, &found).is_ok() && get.check(13, &found).is_err());
    assert!(set.check(12, &set.parse(b"+OK\r\n").unwrap().unwrap()).is_ok());
    for wrong in [&b"-OOM command not allowed\r\n"[..], b"$2\r\nOK\r\n"] {
        assert!(set.check(12, &set.parse(wrong).unwrap().unwrap()).is_err());
    }
    let error = get.check(12, &get.parse(b"$-1\r\n").unwrap().unwrap()).unwrap_err().to_string();
    assert_eq!(error, "wrong answer to GET of key 12: no such string, 0 bytes: ");
}

#[test]
fn webdis_is_asked_for_the_same_document_over_http() {
    let document = document(64).unwrap();
    let get = Workload::webdis_get(server(), &document);
    assert!(get.request.zero().starts_with(b"GET /GET/key:00000000?type=application/json HTTP/1.1\r\nHost: "));
    let set = Workload::webdis_set(server(), &document);
    assert!(set.request.zero().starts_with(b"PUT /SET/key:00000000 HTTP/1.1\r\nHost: "));
    assert!(set.check(3, &reply(200, b"{\"SET\":[true,\"OK\"]}")).is_ok());
    assert!(set.check(3, &reply(200, b"{\"SET\":[false,\"OOM\"]}")).is_err());
}

#[test]
fn the_constant_server_answers_for_key_zero_only() {
    let document = document(64).unwrap();
    let get = Workload::get(server(), &document).answered_for_key_zero();
    assert!(get.check(5, &reply(200, document.zero())).is_ok());
    let mut five = Vec::new();
    document.append(5, &mut five);
    assert!(get.check(5, &reply(200, &five)).is_err());
}

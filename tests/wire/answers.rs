//! What is answered, and how the reply is framed.

use crate::wire::{Client, GET, Setting, Side, get, parts, put};

pub fn a_request_is_answered_and_the_connection_kept(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    for round in 0..100 {
        client.send(&get(&format!("/{round}")));
        let reply = client.reply();
        assert_eq!((reply.status, reply.text()), (200, format!("GET /{round} 1\n")));
        assert_eq!(reply.field("ETag"), Some("\"7\""));
        assert_eq!(reply.field("Connection"), None);
        assert!(reply.field("Date").is_some_and(|date| date.ends_with(" GMT")));
    }
    assert_eq!(served.counts().accepted, 1);
}

pub fn sixty_four_connections_at_once_and_256_after_are_all_answered(side: Side) {
    for round in 0..5 {
        let served = side.serve(Setting::patient(512));
        let address = served.address();
        let mut clients: Vec<Client> = (0..64).map(|_| Client::to(address)).collect();
        for client in &mut clients {
            client.send(GET);
        }
        for client in &mut clients {
            assert_eq!(client.reply().status, 200, "round {round}");
        }
        let mut more: Vec<Client> = (0..256).map(|_| Client::to(address)).collect();
        for client in clients.iter_mut().chain(&mut more) {
            client.send(GET);
        }
        for client in clients.iter_mut().chain(&mut more) {
            assert_eq!(client.reply().status, 200, "round {round}");
        }
        assert_eq!(served.counts().refused, 0);
    }
}

pub fn pipelined_requests_are_answered_in_order(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    let mut requests: String = (0..50).map(|number| get(&format!("/{number}"))).collect();
    requests.push_str(&put("/echo", "Content-Length: 2000", &"y".repeat(2000)));
    requests.push_str(&get("/last"));
    client.send(&requests);
    for number in 0..50 {
        assert_eq!(client.reply().text(), format!("GET /{number} 1\n"));
    }
    assert_eq!(client.reply().text(), "y".repeat(2000));
    assert_eq!(client.reply().text(), "GET /last 1\n");
}

pub fn large_replies_arrive_whole_and_keep_the_connection(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    for size in [0, 1, 1000, 16_384, 16_385, 8_000_000] {
        client.send(&get(&format!("/big?{size}")));
        let reply = client.reply();
        assert_eq!(reply.field("Content-Length"), Some(size.to_string().as_str()));
        assert!(reply.body.iter().all(|byte| *byte == b'x'));
    }
}

pub fn a_stream_is_chunked_on_http_11_and_ends_with_the_connection_on_http_10(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send(&get("/parts"));
    let reply = client.reply();
    assert_eq!(reply.field("Transfer-Encoding"), Some("chunked"));
    assert_eq!(reply.text(), parts());
    client.send("GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.field("Transfer-Encoding"), reply.field("Connection")), (None, Some("close")));
    assert_eq!(reply.text(), parts());
    assert_eq!(client.rest(), "");
}

pub fn head_is_answered_with_the_length_and_without_the_body(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    client.send("HEAD /big?5000 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head_reply().field("Content-Length"), Some("5000"));
    client.send("HEAD /parts HTTP/1.1\r\nHost: x\r\n\r\n");
    let reply = client.head_reply();
    assert_eq!((reply.field("Content-Length"), reply.field("Transfer-Encoding")), (None, None));
    client.send(&get("/none"));
    let reply = client.reply();
    assert_eq!((reply.status, reply.field("Content-Length")), (204, None));
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

pub fn http_10_and_connection_close_end_the_connection_after_the_reply(side: Side) {
    let served = side.serve(Setting::patient(16));
    for (request, connection) in [
        ("GET /a HTTP/1.0\r\n\r\n", "close"),
        ("GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "close"),
        ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "close"),
        ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: te\r\nConnection: Close\r\n\r\n", "close"),
    ] {
        let mut client = served.connect();
        client.send(&format!("{request}{GET}"));
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("Connection")), (200, Some(connection)), "{request:?}");
        assert_eq!(client.rest(), "", "{request:?}");
    }
    let mut client = served.connect();
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.reply().field("Connection"), Some("keep-alive"));
    client.send(GET);
    assert_eq!(client.reply().status, 200);
}

pub fn targets_reach_the_handler_as_sent_raw_utf_8_included(side: Side) {
    let served = side.serve(Setting::patient(16));
    let mut client = served.connect();
    for (sent, seen) in [
        ("/v1/docs/clé/日本😀", "/v1/docs/clé/日本😀"),
        ("/a//../%2F+?b=%c3%a9&c", "/a//../%2F+?b=%c3%a9&c"),
        ("http://x:80/absolute?q", "/absolute?q"),
    ] {
        client.send(&get(sent));
        assert_eq!(client.reply().text(), format!("GET {seen} 1\n"));
    }
    for invalid in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80"] {
        let mut client = served.connect();
        client.send_bytes(&[b"GET /", invalid, b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat()).unwrap();
        assert_eq!(client.reply().status, 400, "{invalid:?}");
        client.rest();
    }
    served.check_serves();
}

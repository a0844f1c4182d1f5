//! Requests in the log of the real binary: each where that is asked for, the slow ones always, and no key in either.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::process::{FRONTS, Ground, until};

#[test]
fn each_request_has_a_line_that_tells_no_key() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(&["--access-log", "on", "--slow-request-ms", "0"]);
        let mut client = server.client();
        let (key, secret) = ("/v1/docs/planted-key?ttl=1h", b"\"planted-text\"");
        assert_eq!(client.send("PUT", key, &[("Authorization", "Bearer planted-token")], secret).status, 201);
        assert_eq!(client.send("GET", "/v1/docs/planted-key", &[], b"").status, 200);
        assert_eq!(client.send("GET", "/v1/docs/planted-other", &[], b"").status, 404);
        assert_eq!(client.send("GET", "/planted", &[], b"").status, 404);
        server.process.wait_for_stderr("route=unknown");
        let ended = server.stop();
        let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("method=")).collect();
        let [put, get, other, unknown] = lines[..] else { panic!("{front}: {lines:?}") };
        for (line, status) in [(put, "PUT 201"), (get, "GET 200"), (other, "GET 404")] {
            let (method, status) = status.split_once(' ').unwrap();
            let start = format!("memory-tools: request method={method} route=/v1/docs/{{key...}} path_hash=");
            assert!(line.starts_with(&start) && line.contains(&format!(" status={status} ")), "{front}: {line}");
            assert!(line.contains(" took_ms=") && line.ends_with(" peer=127.0.0.1"), "{front}: {line}");
        }
        assert!(unknown.contains("method=GET route=unknown"), "{front}: {unknown}");
        let hash = |line: &str| line.split("path_hash=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        assert!(hash(put) == hash(get) && hash(get) != hash(other), "{front}: {lines:?}");
        assert!(get.contains(&format!(" reply_bytes={} ", secret.len())), "{front}: {get}");
        assert!(!ended.stderr.contains("planted"), "{front}: {}", ended.stderr);
    }
}

#[test]
fn a_request_that_took_long_says_what_it_waited_for() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(&["--slow-request-ms", "200"]);
        let mut client = server.client();
        assert_eq!(client.send("GET", "/livez", &[], b"").status, 200);
        let mut slow = TcpStream::connect(server.address).unwrap();
        slow.write_all(b"PUT /v1/docs/planted HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n").unwrap();
        let began = Instant::now();
        until("it is late", || began.elapsed() > Duration::from_millis(300));
        slow.write_all(format!("\"{}\"", "x".repeat(1998)).as_bytes()).unwrap();
        let mut reply = [0; 12];
        slow.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"HTTP/1.1 201");
        server.process.wait_for_stderr("a request took long");
        let ended = server.stop();
        let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("method=")).collect();
        let [line] = lines[..] else { panic!("{front}: {lines:?}") };
        assert!(
            line.starts_with(
                "memory-tools: warning: a request took long method=PUT route=/v1/docs/{key...} path_hash="
            ),
            "{front}: {line}"
        );
        let millis = |name: &str| {
            let value = line.split(&format!(" {name}=")).nth(1).unwrap().split(' ').next().unwrap();
            value.parse::<f64>().unwrap()
        };
        assert!(millis("took_ms") >= 200.0, "{front}: {line}");
        // The pool's handler asks for the body itself, so that its time is not told apart.
        if front == "reactor" {
            assert!(millis("body_ms") >= 200.0 && millis("handling_ms") < millis("body_ms"), "{front}: {line}");
        }
        assert!(!line.contains("planted"), "{front}: {line}");
    }
}

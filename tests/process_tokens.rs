//! Tokens of the real binary: read at the start and again on SIGHUP, presented by its own client, and told to nobody.

mod support;

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use support::process::{FRONTS, Ground, Server};

/// A token and its line, made by the binary.
struct Made {
    token: String,
    line: String,
}

fn make(ground: &Ground, arguments: &[&str]) -> Made {
    let ended = ground.run(&[&["token", "new"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (token, line) = ended.stdout.trim_end().split_once('\n').expect("two lines");
    Made { token: token.to_owned(), line: line.to_owned() }
}

fn keep(ground: &Ground, text: &str) {
    ground.write("tokens", text);
    set_permissions(ground.path("tokens"), Permissions::from_mode(0o600)).unwrap();
}

fn status(server: &Server, token: &str, (method, target): (&str, &str)) -> u16 {
    let authorization = format!("Bearer {token}");
    server.client().send(method, target, &[("Authorization", &authorization)], b"1").status
}

#[test]
fn tokens_are_read_again_on_a_hangup_and_a_broken_file_changes_nothing() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let writer = make(&ground, &["--role", "write", "--name", "app"]);
        let other = make(&ground, &["--role", "read"]);
        let put = ("PUT", "/v1/docs/k");
        keep(&ground, &writer.line);
        let server = ground.start(&["--tokens-file", "tokens"]);
        assert_eq!(server.client().send("GET", "/v1/docs/k", &[], b"").status, 401);
        assert_eq!(server.client().send("GET", "/livez", &[], b"").status, 200);
        assert_eq!((status(&server, &writer.token, put), status(&server, &other.token, put)), (201, 401));

        for (text, cause) in [
            (format!("{}\n{{", writer.line), "tokens_file tokens: line 2: not JSON"),
            (String::new(), "tokens_file tokens: it holds no token"),
        ] {
            keep(&ground, &text);
            server.process.signal(Signal::HUP);
            server.process.wait_for_stderr(&format!(
                "memory-tools: warning: reload: the tokens are not reloaded, those before stay: {cause}"
            ));
            assert_eq!(status(&server, &writer.token, put), 200);
        }

        keep(&ground, &other.line);
        server.process.signal(Signal::HUP);
        server.process.wait_for_stderr("memory-tools: reload: every request is asked for one of 1 tokens, as read now");
        assert_eq!((status(&server, &writer.token, put), status(&server, &other.token, put)), (401, 403));
        let ended = server.stop();
        for made in [&writer, &other] {
            assert!(!ended.stderr.contains(&made.token), "{ended:?}");
        }
    }
}

#[test]
fn what_is_secret_is_told_by_nothing_that_the_server_says() {
    let ground = Ground::new();
    let admin = make(&ground, &["--role", "admin", "--name", "ops"]);
    let digest = admin.line.split('"').rev().nth(1).expect("its last member").to_owned();
    assert_eq!(digest.len(), 64);
    keep(&ground, &admin.line);
    let server = ground.start(&["--tokens-file", "tokens"]);
    let authorization = format!("Bearer {}", admin.token);
    let mut told = String::new();
    for (method, target) in [
        ("GET", "/v1/config"),
        ("GET", "/metrics"),
        ("GET", "/v1/stats"),
        ("GET", "/openapi.json"),
        ("POST", "/v1/admin/snapshot?wait"),
        ("GET", "/v1/docs?limit=x"),
        ("GET", "/nope"),
    ] {
        let answer = server.client().send(method, target, &[("Authorization", &authorization)], b"");
        assert_ne!(answer.status, 401, "{target}");
        told += &format!("{:?}{}", answer.headers, answer.text());
    }
    let wrong = format!("Bearer {}x", admin.token);
    told += server.client().send("GET", "/v1/config", &[("Authorization", &wrong)], b"").text();
    // The client of the command line, and what it says when it is refused.
    let url = format!("http://{}", server.address);
    ground.write("own", format!("{}\n", admin.token));
    let put = ground.run(&["put", "k", "1", "--url", &url, "--token-file", "own"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    let refused = ground.run(&["get", "k", "--url", &url]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    told += &format!("{put:?}{refused:?}");
    for arguments in [&["--print-config", "--tokens", &admin.line][..], &["check-config", "--tokens-file", "tokens"]] {
        told += &format!("{:?}", ground.run(arguments));
    }
    // A token in the place of its digest.
    keep(&ground, &admin.line.replace(&digest, &admin.token));
    server.process.signal(Signal::HUP);
    server.process.wait_for_stderr("sha256: expected the 64 hexadecimal digits");
    told += &format!("{:?}", server.stop());
    assert!(told.contains("admin: GET /v1/config, token ops: 200") && told.contains("\\\"ops\\\""), "{told}");
    for secret in [&admin.token, &digest] {
        assert!(!told.contains(secret.as_str()), "{told}");
    }
}

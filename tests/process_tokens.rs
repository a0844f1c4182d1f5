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

/// What replaces everything is an admin's call, whose end is known when its body has ended.
#[test]
fn an_import_in_place_of_everything_leaves_a_line_when_its_end_is_known() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let (ops, app) = (
            make(&ground, &["--role", "admin", "--name", "ops"]),
            make(&ground, &["--role", "write", "--name", "app"]),
        );
        keep(&ground, &format!("{}\n{}\n", ops.line, app.line));
        let server = ground.start(&["--tokens-file", "tokens"]);
        let line = |name: &str, end: &str| {
            server.process.wait_for_stderr(&format!("admin: POST /v1/import?mode=replace, token {name}: {end}\n"));
        };
        let import = ("POST", "/v1/import?mode=replace");
        assert_eq!(status(&server, &app.token, import), 403);
        line("app", "403");
        // The body is no line of an export.
        assert_eq!(status(&server, &ops.token, import), 400);
        line("ops", "400");
        let authorization = format!("Bearer {}", ops.token);
        let body = br#"{"collection":null,"key":"k","value":1}"#;
        let replaced = server.client().send("POST", import.1, &[("Authorization", &authorization)], body);
        assert_eq!(replaced.status, 200);
        line("ops", "200");
        // A merge is no admin's call.
        server.client().send("POST", "/v1/import", &[("Authorization", &authorization)], body);
        let ended = server.stop();
        let lines = ended.stderr.lines().filter(|line| line.contains("admin: ")).count();
        assert_eq!(lines, 3, "{ended:?}");
    }
}

#[test]
fn what_is_secret_is_told_by_nothing_that_the_server_says() {
    let ground = Ground::new();
    let admin = make(&ground, &["--role", "admin", "--name", "ops"]);
    let digest = admin.line.split('"').rev().nth(1).expect("its last member").to_owned();
    assert_eq!(digest.len(), 64);
    keep(&ground, &admin.line);
    let server = ground.start(&["--tokens-file", "tokens", "--log-level", "debug", "--access-log", "on"]);
    let authorization = format!("Bearer {}", admin.token);
    let mut told = String::new();
    for (method, target) in [
        ("GET", "/v1/config"),
        ("GET", "/metrics"),
        ("GET", "/v1/stats"),
        ("GET", "/openapi.json"),
        ("GET", "/"),
        ("GET", "/ui"),
        ("POST", "/v1/admin/reload"),
        ("PUT", "/v1/docs/k?ttl=x"),
        ("BREW", "/v1/docs/k"),
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
    // A token where no token belongs, and a line that ends early.
    for (kept, cause) in [
        (admin.line.replace(&digest, &admin.token), "sha256: expected the 64 hexadecimal digits"),
        (admin.line.replace("\"name\"", &format!("\"{}\"", admin.token)), "line 1: "),
        (admin.line.replace("\"admin\"", &format!("\"{}\"", admin.token)), "role: "),
        (admin.line.replace('}', ""), "line 1: not JSON"),
        (admin.token.clone(), "line 1: not JSON"),
    ] {
        keep(&ground, &kept);
        let refused = server.client().send("POST", "/v1/admin/reload", &[("Authorization", &authorization)], b"");
        assert_eq!((refused.status, refused.text().contains(cause)), (500, true), "{cause}: {}", refused.text());
        told += refused.text();
        told += &format!("{:?}", ground.run(&["check-config", "--tokens-file", "tokens"]));
        for text in [format!("{{\"tokens\": [{kept}]}}"), format!("{{\"tokens\": \"{}\"}}", admin.token)] {
            ground.write("other.json", text);
            told += &format!("{:?}", ground.run(&["check-config", "--config", "other.json"]));
        }
    }
    told += &format!("{:?}", server.stop());
    assert!(told.contains("admin: GET /v1/config, token ops: 200") && told.contains("\\\"ops\\\""), "{told}");
    for secret in [&admin.token, &digest] {
        assert!(!told.contains(secret.as_str()), "{told}");
    }
}

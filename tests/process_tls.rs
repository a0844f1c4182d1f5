//! The real binary over TLS: what it says and shows, what it refuses to start with, what a SIGHUP changes, `health`.

#[path = "support/certificates.rs"]
mod certificates;
mod support;

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use certificates::{Pair, TlsClient};
use rustix::process::Signal;
use support::process::{Ground, Server};

const TLS: &[&str] = &["--front", "reactor", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];

/// Puts `pair` where `TLS` looks for it, for this user alone.
fn put(ground: &Ground, pair: &Pair) {
    ground.write("cert.pem", &pair.chain);
    ground.write("key.pem", &pair.key);
    set_permissions(ground.path("key.pem"), Permissions::from_mode(0o600)).unwrap();
}

fn start(ground: &Ground) -> Server {
    ground.start(TLS)
}

fn get(client: &mut TlsClient, path: &str) -> (u16, String) {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let (status, body) = client.reply();
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn it_serves_over_tls_and_says_so_wherever_it_names_itself() {
    let (ground, pair) = (Ground::new(), Pair::new());
    put(&ground, &pair);
    let server = start(&ground);
    let url = format!("https://{}", server.address);
    for line in [
        format!("\nready          {url} in "),
        format!("\ntry            curl --cacert 'cert.pem' -X PUT {url}/v1/docs"),
    ] {
        assert!(server.banner.contains(&line), "{}", server.banner);
    }
    let mut client = pair.connect(server.address);
    assert_eq!(get(&mut client, "/livez").0, 200);
    let (_, welcome) = get(&mut client, "/");
    assert!(welcome.contains(&format!("curl -i {url}/v1/docs/")), "{welcome}");
    let ended = server.stop();
    assert!(!ended.stderr.contains("warning"), "{ended:?}");
}

#[test]
fn a_hangup_shows_the_new_certificate_to_new_connections_and_a_broken_pair_changes_nothing() {
    let (ground, first, second) = (Ground::new(), Pair::new(), Pair::new());
    put(&ground, &first);
    let server = start(&ground);
    let mut old = first.connect(server.address);
    assert_eq!(get(&mut old, "/livez").0, 200);

    put(&ground, &second);
    assert!(first.connect(server.address).shake_hands().is_ok(), "nobody has asked for a reload yet");
    server.process.signal(Signal::HUP);
    server.process.wait_for_stderr("reload: new connections are shown the certificate that is now in cert.pem\n");
    let mut new = second.connect(server.address);
    assert_eq!(get(&mut new, "/livez").0, 200);
    assert_eq!(new.stream.conn.peer_certificates().unwrap(), [second.der()]);
    assert!(first.connect(server.address).shake_hands().is_err());
    assert_eq!(get(&mut old, "/livez").0, 200);

    let kept = "warning: reload: the certificate is not reloaded, the one before stays: tls_";
    ground.write("cert.pem", &first.chain);
    server.process.signal(Signal::HUP);
    server.process.wait_for_stderr(&format!("{kept}key key.pem: it is not the key of the first certificate"));
    ground.write("cert.pem", "half a fi");
    server.process.signal(Signal::HUP);
    server.process.wait_for_stderr(&format!("{kept}cert cert.pem: no certificate in it"));
    std::fs::remove_file(ground.path("cert.pem")).unwrap();
    server.process.signal(Signal::HUP);
    server.process.wait_for_stderr(&format!("{kept}cert cert.pem: cannot be read: "));
    assert_eq!(get(&mut second.connect(server.address), "/livez").0, 200);
    server.stop();
}

#[test]
fn the_key_is_told_by_nothing_that_the_server_says() {
    let (ground, pair, other) = (Ground::new(), Pair::new(), Pair::new());
    put(&ground, &pair);
    let server = start(&ground);
    let mut told = String::new();
    let mut client = pair.connect(server.address);
    for path in ["/v1/config", "/metrics", "/v1/stats", "/", "/nope", "/v1/docs?limit=x"] {
        told += &get(&mut client, path).1;
    }
    for broken in [&other.key, &pair.key.replace("-----END", "-----"), &pair.key.replace('M', "?")] {
        ground.write("key.pem", broken);
        client.send("POST /v1/admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let (status, body) = client.reply();
        assert_eq!(status, 500, "{broken}");
        told += &String::from_utf8(body).unwrap();
        told += &format!("{:?}", ground.run(&[&["check-config"], TLS].concat()));
    }
    let ended = server.stop();
    assert!(ended.stderr.contains("the certificate is not reloaded"), "{ended:?}");
    told += &format!("{ended:?}");
    let secrets = [&pair, &other].into_iter().flat_map(|pair| pair.key.lines()).filter(|line| !line.starts_with("---"));
    for secret in secrets {
        assert!(!told.contains(secret.get(..16).unwrap_or(secret)), "{secret}: {told}");
    }
}

#[test]
fn what_is_no_pair_is_refused_by_option_and_file_and_nothing_is_changed() {
    let (pair, other) = (Pair::new(), Pair::new());
    for (chain, key, expected) in [
        (None, Some(&pair.key), "tls_cert cert.pem: cannot be read: No such file"),
        (Some(&pair.chain), None, "tls_key key.pem: cannot be read: No such file"),
        (Some(&pair.key), Some(&pair.key), "tls_cert cert.pem: no certificate in it: expected PEM that begins with "),
        (Some(&pair.chain), Some(&pair.chain), "tls_key key.pem: no private key in it: expected PEM that begins with "),
        (Some(&pair.chain), Some(&other.key), "tls_key key.pem: it is not the key of the first certificate; look for "),
        (
            Some(&"x".repeat((1 << 20) + 1)),
            Some(&pair.key),
            "tls_cert cert.pem: cannot be read: cert.pem has 1048577 b",
        ),
    ] {
        let ground = Ground::new();
        for (name, content) in [("cert.pem", chain), ("key.pem", key)] {
            if let Some(content) = content {
                ground.write(name, content);
            }
        }
        let before = ground.content();
        for (command, code) in [(&["--port", "127.0.0.1:0"][..], 1), (&["check-config"], 2)] {
            let ended = ground.run(&[command, TLS].concat());
            let line = ended.in_one_line(code);
            let line = line.strip_prefix("error: ").unwrap_or(line);
            assert!(line.starts_with(expected), "{line}");
            assert_eq!(ground.content(), before, "{line}");
        }
    }
}

#[test]
fn a_pair_that_works_and_should_not_stay_so_is_warned_about() {
    let ground = Ground::new();
    let expired = "warning: tls_cert cert.pem: expired at 2021-01-01T00:00:00.000Z, clients will refuse it";
    let early = "warning: tls_cert cert.pem: not valid before 3000-01-01T00:00:00.000Z, clients will refuse it";
    let open = "warning: tls_key key.pem: every user of this machine can get at it; chmod o= key.pem";
    for (pair, mode, expected) in [
        (Pair::expired(), 0o600, Some(expired)),
        (Pair::of_the_future(), 0o640, Some(early)),
        (Pair::new(), 0o644, Some(open)),
        (Pair::new(), 0o640, None),
    ] {
        put(&ground, &pair);
        set_permissions(ground.path("key.pem"), Permissions::from_mode(mode)).unwrap();
        let checked = ground.run(&[&["check-config"], TLS].concat());
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let served = start(&ground).stop();
        for said in [checked.stderr, served.stderr] {
            let warnings: Vec<&str> = said.lines().filter(|line| line.contains("warning: ")).collect();
            assert_eq!(warnings.len(), usize::from(expected.is_some()), "{said}");
            assert!(expected.is_none_or(|expected| warnings[0].contains(expected)), "{said}");
        }
    }
}

#[test]
fn health_believes_the_configured_certificate_alone_and_prefers_a_unix_socket() {
    let (ground, pair) = (Ground::new(), Pair::new());
    put(&ground, &pair);
    let socket = format!("unix:{}", ground.path("mt.sock").display());
    let server = Server::start(ground.command(&[TLS, &["--listen", &format!("127.0.0.1:0,{socket}")]].concat()));
    let address = server.address.to_string();
    let health = |listen: &str| ground.run(&[&["health", "--listen", listen], TLS].concat());
    let ended = health(&address);
    assert_eq!((ended.code, ended.stdout), (Some(0), format!("ready: {address}\n")));
    let ended = health(&format!("{address},{socket}"));
    assert_eq!((ended.code, ended.stdout), (Some(0), format!("ready: {socket}\n")));
    // Without TLS in its configuration it meets one, and does not take that for an answer.
    let ended = ground.run(&["health", "--port", &address]);
    assert_eq!(ended.code, Some(1), "{ended:?}");

    // Even one that every client would trust: it is not the one.
    put(&ground, &Pair::new());
    let ended = health(&address);
    let line = ended.in_one_line(1);
    assert!(line.starts_with(&format!("{address} does not show the certificate of tls_cert: ")), "{line}");
    std::fs::remove_file(ground.path("cert.pem")).unwrap();
    assert!(health(&address).in_one_line(1).starts_with("tls_cert cert.pem: cannot be read: "));
    let ended = health(&format!("{address},{socket}"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    server.stop();
}

#[test]
fn a_stop_ends_connections_over_tls_cleanly() {
    let (ground, pair) = (Ground::new(), Pair::new());
    put(&ground, &pair);
    let server = start(&ground);
    let mut idle = pair.connect(server.address);
    assert_eq!(get(&mut idle, "/livez").0, 200);
    let stopping = std::thread::spawn(move || server.stop());
    idle.check_ends_with_close_notify();
    let ended = stopping.join().unwrap();
    assert!(!ended.stderr.contains("cut off"), "{ended:?}");
}

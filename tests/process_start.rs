//! What a newcomer meets when the real binary starts: the banner, and each obstacle as one clear line that changes
//! nothing.

mod support;

use std::fs;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};
use support::process::{Ended, FRONTS, Ground, Process, Server};

#[test]
fn it_starts_with_no_file_and_no_folder_and_says_so_in_eight_plain_lines() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(&[]);
        let url = format!("http://{}", server.address);
        let lines: Vec<&str> = server.banner.lines().collect();
        assert!(lines.len() <= 8, "{lines:#?}");
        assert!(
            server.banner.chars().all(|character| character == '\n' || (' '..='~').contains(&character)),
            "{lines:#?}"
        );
        for (line, expected) in [
            (0, format!("memory-tools {}, pid {}", env!("CARGO_PKG_VERSION"), server.process.pid())),
            (1, "configuration  defaults, no config file, 2 from the environment and flags".to_owned()),
            (2, "data           ./data: empty".to_owned()),
            (6, format!("ready          {url} in ")),
            (7, format!("try            curl -X PUT {url}/v1/docs/hello -d '{{\"hello\":\"world\"}}'")),
        ] {
            assert!(lines[line].starts_with(&expected), "{line}: {lines:#?}");
        }
        // The reactor has room for as many connections as there are descriptors.
        let limits = if front == "pool" { "50MiB a document, 512 connections" } else { "50MiB a document, " };
        for part in [
            "snapshots      every 5m",
            "journal        everysec: a crash loses nothing, ",
            &format!("limits         {limits}"),
        ] {
            assert!(lines.iter().any(|line| line.starts_with(part)), "{part}: {lines:#?}");
        }
        let put = server.client().send("PUT", "/v1/docs/hello", &[], b"{\"hello\":\"world\"}");
        assert_eq!(put.status, 201);
        server.client().send("PUT", "/v1/collections/c/docs/hello", &[], b"1");
        let ended = server.stop();
        assert!(ended.stderr.contains("memory-tools: stopped; last snapshot: 2 documents in "), "{ended:?}");

        let server = ground.start(&[]);
        let loaded = "data           ./data: 2 documents in the main store and 1 collections, from a snapshot of ";
        assert!(server.banner.contains(loaded), "{}", server.banner);
        let ended = server.stop();
        let stopped = "memory-tools: stopped; nothing had changed since the last snapshot took_ms=";
        assert!(ended.stderr.contains(stopped), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 2, "{ended:?}");
    }
}

#[test]
fn the_banner_tells_where_the_configuration_came_from() {
    let ground = Ground::new();
    ground.write("config.json", "{\"data_dir\": \"elsewhere\", \"enable_snapshots\": false}");
    let server = ground.start(&[]);
    let origin = "\nconfiguration  config.json, 1 from the environment and flags\n";
    assert!(server.banner.contains(origin), "{}", server.banner);
    assert!(server.banner.contains("\ndata           elsewhere: empty\n"), "{}", server.banner);
    assert!(server.banner.contains("none on schedule"), "{}", server.banner);
    assert!(ground.path("elsewhere").is_dir());
}

#[test]
fn a_taken_port_is_refused_with_the_name_and_pid_of_its_holder() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let before = ground.content();
        let ended = ground.run(&["--port", &address.to_string()]);
        let line = ended.in_one_line(1);
        assert!(line.starts_with(&format!("error: {address} is taken by ")), "{line}");
        assert!(
            line.contains(&format!("(pid {}); stop that process or choose another port", std::process::id())),
            "{line}"
        );
        assert_eq!(ground.content(), before);

        let other = Ground::over(front);
        let first = other.start(&[]);
        let ended = ground.run(&["--port", &first.address.to_string()]);
        let holder = format!("error: {} is taken by memory-tools (pid {}); ", first.address, first.process.pid());
        assert!(ended.in_one_line(1).starts_with(&holder), "{ended:?}");
        assert_eq!(ground.content(), before);
    }
}

#[test]
fn a_data_folder_that_cannot_be_written_is_refused_by_name() {
    let ground = Ground::new();
    ground.write("file", "not a folder");
    let before = ground.content();
    // Whoever runs the tests, not even root makes files in these.
    for data_dir in ["file", "file/data", "/proc/memory-tools/data"] {
        let ended = ground.run(&["--port", "127.0.0.1:0", "--data-dir", data_dir]);
        let line = ended.in_one_line(1);
        let path = data_dir.strip_suffix("/data").filter(|_| data_dir.starts_with('/')).unwrap_or(data_dir);
        assert!(line.starts_with(&format!("error: {path}")), "{line}");
        assert!(line.contains("cannot "), "{line}");
        assert!(line.contains("data_dir"), "what to do is missing: {line}");
        assert_eq!(ground.content(), before, "{data_dir}");
    }
}

#[test]
fn a_folder_in_use_is_refused_with_the_pid_of_its_holder() {
    let ground = Ground::new();
    let first = ground.start(&[]);
    first.client().send("PUT", "/v1/docs/a", &[], b"1");
    let (before, lock) = (ground.content(), fs::read(ground.data("LOCK")).unwrap());
    let ended = ground.run(&["--port", "127.0.0.1:0"]);
    let line = ended.in_one_line(1);
    let expected = format!("error: ./data: in use by another memory-tools (pid {}); ", first.process.pid());
    assert!(line.starts_with(&expected), "{line}");
    assert_eq!((ground.content(), fs::read(ground.data("LOCK")).unwrap()), (before, lock));
    assert_eq!(first.client().send("GET", "/v1/docs/a", &[], b"").text(), "1");
    first.stop();
}

#[test]
fn a_mistake_in_the_config_file_is_named_with_line_and_column() {
    for (text, expected) in [
        (
            "{\n  \"snapshot_intervall\": \"5m\"\n}",
            "config.json:2:3: unknown key \"snapshot_intervall\", did you mean \"snapshot_interval\"?",
        ),
        ("{\"shards\": 4,\n \"read_timeout\": \"5 parsecs\"}", "config.json:2:18: read_timeout: "),
        ("{\n\n\"pool_threads\": \"many\"}", "config.json:3:17: pool_threads: "),
        ("{\"shards\": 4,}", "config.json:1:"),
    ] {
        let ground = Ground::new();
        ground.write("config.json", text);
        let before = ground.content();
        for arguments in [&[][..], &["check-config"], &["--print-config"], &["health"]] {
            let ended = ground.run(arguments);
            let line = ended.in_one_line(2);
            let line = line.strip_prefix("error: ").unwrap_or(line);
            assert!(line.starts_with(expected), "{arguments:?}: {line}");
        }
        assert_eq!(ground.content(), before, "{text}");
    }
}

#[test]
fn an_unknown_flag_or_variable_is_named_with_the_nearest_one() {
    let ground = Ground::new();
    let ended = ground.run(&["--snapshot-intervall", "5m"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let expected = "error: unknown flag \"--snapshot-intervall\", did you mean \"--snapshot-interval\"?\n";
    assert!(ended.stderr.starts_with(expected), "{ended:?}");

    let mut command = ground.command(&[]);
    command.env("MEMORY_TOOLS_PROT", ":8080");
    let ended = Process::spawn(command).wait();
    let expected = "error: unknown environment variable \"MEMORY_TOOLS_PROT\", did you mean \"MEMORY_TOOLS_PORT\"?";
    assert_eq!(ended.in_one_line(2), expected);
    assert!(ground.content().is_empty());
}

/// A folder with a snapshot of several blocks, left by a clean stop of a server in mode `journal`.
fn ground_with_a_snapshot(journal: &str) -> Ground {
    let ground = Ground::new();
    let server = ground.start(&["--journal", journal]);
    let mut client = server.client();
    for number in 0..5 {
        let document = format!("[{number},\"{}\"]", "x".repeat(600_000));
        assert_eq!(client.send("PUT", &format!("/v1/docs/{number}"), &[], document.as_bytes()).status, 201);
    }
    server.stop();
    ground
}

/// Starts a server on what `change` made of the snapshot: it must refuse, and leave everything as it is. Then puts
/// the right snapshot back, which must load.
fn refused_after(ground: &Ground, change: impl FnOnce(&mut Vec<u8>)) -> Ended {
    let database = ground.data("database.mtdb");
    let right = fs::read(&database).unwrap();
    let mut changed = right.clone();
    change(&mut changed);
    fs::write(&database, changed).unwrap();
    let before = ground.content();
    let ended = ground.run(&["--port", "127.0.0.1:0"]);
    assert_eq!(ground.content(), before, "{ended:?}");
    fs::write(&database, right).unwrap();
    let server = ground.start(&[]);
    assert!(server.banner.contains("data           ./data: 5 documents"), "{}", server.banner);
    server.kill();
    ended
}

#[test]
fn a_damaged_block_is_named_with_file_block_and_offset() {
    for (journal, advice) in [
        ("off", "`memory-tools check ./data/database.mtdb` tells more"),
        // What the snapshot holds has gone from the journal.
        ("everysec", "put back a good copy, or see what `memory-tools repair` of that folder "),
    ] {
        let ground = ground_with_a_snapshot(journal);
        // Left by a kill, and perhaps the only whole snapshot there is: it stays until another one is loaded.
        ground.write("data/database.mtdb.tmp", "left by a kill");
        let ended = refused_after(&ground, |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
        let line = ended.in_one_line(3);
        assert!(line.starts_with("error: ./data/database.mtdb: damaged: block "), "{line}");
        for part in [", byte ", "expected checksum ", ", found ", advice] {
            assert_eq!(line.matches(part).count(), 1, "{part}: {line}");
        }
        assert!(line.matches("good copy").count() <= 1, "{line}");
        assert!(!ground.data("database.mtdb.tmp").exists(), "the right snapshot was loaded since");
    }
}

#[test]
fn check_says_what_a_folder_holds_and_where_it_is_damaged_and_changes_nothing() {
    let ground = ground_with_a_snapshot("everysec");
    let sound = ground.run(&["check", "data"]);
    assert_eq!(sound.code, Some(0), "{sound:?}");
    assert!(sound.stdout.contains("sound    data/database.mtdb: snapshot of database "), "{sound:?}");
    assert!(sound.stdout.ends_with("everything is sound\n"), "{sound:?}");

    let database = ground.data("database.mtdb");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&database, bytes).unwrap();
    let before = ground.content();
    let damaged = ground.run(&["check", "data"]);
    assert_eq!(damaged.code, Some(3), "{damaged:?}");
    assert!(damaged.stdout.contains("UNSOUND  data/database.mtdb: damaged: block "), "{damaged:?}");
    assert!(damaged.stdout.contains(", byte ") && damaged.stdout.contains("expected checksum "), "{damaged:?}");
    assert_eq!(ground.content(), before);
}

#[test]
fn a_truncated_snapshot_is_named_with_the_offset_of_its_end() {
    for journal in ["off", "everysec"] {
        let ground = ground_with_a_snapshot(journal);
        let ended = refused_after(&ground, |bytes| bytes.truncate(bytes.len() / 2));
        let line = ended.in_one_line(3);
        assert!(line.starts_with("error: ./data/database.mtdb: damaged: the end mark, byte "), "{line}");
        assert!(line.contains("cut short"), "{line}");
        // Cut to nothing it could be a file of the Go server; IDENTITY knows better.
        let ended = refused_after(&ground, Vec::clear);
        let line = ended.in_one_line(3);
        assert!(line.starts_with("error: ./data: database.mtdb is no snapshot of memory-tools"), "{line}");
    }
}

#[test]
fn a_snapshot_of_a_newer_version_is_refused_as_newer_not_as_damaged() {
    let ground = ground_with_a_snapshot("everysec");
    let ended = refused_after(&ground, |bytes| {
        bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[..16]);
        bytes[16..20].copy_from_slice(&sum.to_le_bytes());
    });
    assert_eq!(
        ended.in_one_line(1),
        "error: ./data/database.mtdb: format version 2, newer than 1, which this version does not know; use the newer \
         memory-tools that wrote it"
    );
}

#[test]
fn listen_says_where_in_place_of_port_and_the_later_source_holds() {
    let ground = Ground::new();
    ground.write("config.json", "{\"listen\": [\"127.0.0.1:0\"]}");
    let server = Server::start(ground.command(&[]));
    assert_eq!(server.client().send("GET", "/livez", &[], b"").status, 200);
    let address = server.address.to_string();
    let other = Ground::new();
    let ended = other.run(&["--listen", &address]);
    let line = ended.in_one_line(1);
    assert!(line.starts_with(&format!("error: {address} is taken by memory-tools (pid ")), "{line}");
    assert!(line.contains("choose another port, as in --listen 127.0.0.1:"), "{line}");
    assert_eq!(other.run(&["health", "--listen", &address]).code, Some(0));
    server.stop();

    // In the shipped file and in the image `port` stands beside it.
    ground.write("config.json", "{\"port\": \":1\", \"listen\": []}");
    let server = Server::start(ground.command(&["--listen", "127.0.0.1:0"]));
    server.stop();

    let before = ground.content();
    for (flags, error) in [
        (&["--port", ":0", "--listen", ":0"][..], "--listen: port is given too (flag --port), "),
        (
            &["--front", "pool", "--listen", "127.0.0.1:0,[::1]:0"],
            "--listen: front \"pool\" (flag --front) listens on one TCP address, ",
        ),
        (
            &["--front", "pool", "--listen", "unix:/nowhere/mt.sock"],
            "--listen: front \"pool\" (flag --front) listens on one TCP address, ",
        ),
    ] {
        let ended = ground.run(flags);
        let line = ended.in_one_line(2);
        assert!(line.starts_with(&format!("error: {error}")), "{line}");
    }
    assert_eq!(ground.content(), before);
}

#[test]
fn an_address_beyond_loopback_is_warned_about_at_each_start() {
    let ground = Ground::new();
    for _ in 0..2 {
        let server = Server::start(ground.command(&["--port", ":0"]));
        server.process.wait_for_stderr("memory-tools: warning: listening on :0: whoever reaches this address can read");
        server.stop();
    }
    let ended = ground.start(&[]).stop();
    assert!(!ended.stderr.contains("warning"), "{ended:?}");
}

#[test]
fn the_configuration_is_printed_with_the_origin_of_each_value() {
    let ground = Ground::new();
    ground.write("config.json", "{\"shards\": 4}");
    let mut command = ground.command(&["--print-config", "--snapshot-interval", "7m"]);
    command.env("MEMORY_TOOLS_READ_TIMEOUT", "9s");
    let ended = Process::spawn(command).wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for (name, value, origin) in [
        ("shards", "4", "config.json:1"),
        ("read_timeout", "9s", "environment MEMORY_TOOLS_READ_TIMEOUT"),
        ("snapshot_interval", "7m", "flag --snapshot-interval"),
        ("port", "127.0.0.1:8080", "default"),
    ] {
        let line = ended.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {}", ended.stdout));
        assert!(line.contains(value) && line.ends_with(origin), "{line}");
    }
    let ended = ground.run(&["check-config"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.starts_with("configuration ok: "), "{ended:?}");
    assert!(!ground.path("data").exists());
}

#[test]
fn help_and_version_are_short_and_succeed() {
    let ground = Ground::new();
    let ended = ground.run(&["--help"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.lines().count() <= 32, "{}", ended.stdout);
    let ended = ground.run(&["--version"]);
    assert_eq!((ended.code, ended.stdout), (Some(0), format!("memory-tools {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn health_succeeds_only_where_a_ready_server_answers() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let server = ground.start(&[]);
        let address = server.address.to_string();
        let ended = ground.run(&["health", "--port", &address]);
        assert_eq!((ended.code, ended.stdout), (Some(0), format!("ready: {address}\n")));
        server.stop();

        // Bound and not listened to: nobody else gets the port, and nobody answers.
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        held.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let address = held.local_addr().unwrap().as_socket().unwrap().to_string();
        let ended = ground.run(&["health", "--port", &address]);
        assert!(ended.in_one_line(1).starts_with(&format!("no answer from {address}: ")), "{ended:?}");
    }
}

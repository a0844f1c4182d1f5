//! The log of the real binary: lines for people and for programs, what is left out of it, and a standard error that
//! nobody reads.

mod support;

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use support::http::Client;
use support::process::{FRONTS, Ground, Process, Server};

/// What a pipe holds that nobody reads.
const PIPE_BYTES: usize = 64 * 1024;

/// The lines of the log, each an object.
#[track_caller]
fn objects(stderr: &str) -> Vec<Value> {
    assert!(stderr.ends_with('\n'), "{stderr}");
    let object = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(value.is_object(), "{line}");
        value
    };
    stderr.lines().map(object).collect()
}

#[track_caller]
fn the<'v>(objects: &'v [Value], event: &str) -> &'v Value {
    let mut found = objects.iter().filter(|object| object["event"] == event);
    let first = found.next().unwrap_or_else(|| panic!("no event {event}: {objects:?}"));
    assert_eq!(found.next(), None, "one event {event}");
    first
}

/// A pipe that takes nothing more.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&[b'.'; PIPE_BYTES]).expect("room in it");
    (reader, writer)
}

/// Starts a server whose standard error is `writer`.
fn start_onto(ground: &Ground, writer: PipeWriter, flags: &[&str]) -> Server {
    let mut command = ground.command(&["--port", "127.0.0.1:0"]);
    command.args(flags);
    let started = Server::of(Process::spawn_onto(command, Stdio::from(writer)));
    started.unwrap_or_else(|ended| panic!("it did not get ready: {ended:?}"))
}

#[test]
fn every_line_from_start_to_stop_is_an_object() {
    for front in FRONTS {
        let ground = Ground::over(front);
        let mut command = ground.command(&["--front", front, "--port", "127.0.0.1:0", "--log-format", "json"]);
        command.args(["--log-level", "debug"]);
        let process = Process::spawn(command);
        process.wait_for_stderr("\"event\":\"started\"");
        process.wait_for_stderr("}\n");
        let said = process.stderr_until_now();
        let started = objects(&said);
        let started = the(&started, "started");
        let address = started["listen"].as_str().and_then(|url| url.strip_prefix("http://"));
        let address: SocketAddr = address.and_then(|address| address.parse().ok()).expect("an address");
        assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!((&started["documents"], &started["journal"]), (&Value::from(0), &Value::from("everysec")));

        let mut client = Client::connect(address);
        assert_eq!(client.send("PUT", "/v1/docs/k", &[], b"1").status, 201);
        assert_eq!(client.send("POST", "/v1/admin/snapshot?wait", &[], b"").status, 200);
        process.signal(Signal::HUP);
        process.wait_for_stderr("reload: ");
        process.signal(Signal::TERM);
        let ended = process.wait();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");

        let all = objects(&ended.stderr);
        let times: Vec<&str> = all.iter().map(|object| object["time"].as_str().expect("a time")).collect();
        assert!(times.iter().all(|time| time.len() == 24 && time.ends_with('Z')), "{times:?}");
        for object in &all {
            assert!(["debug", "info"].map(Value::from).contains(&object["level"]), "{object}");
            assert!(object["event"].is_string() && object["message"].is_string(), "{object}");
        }
        assert_eq!(
            (&the(&all, "admin")["status"], &the(&all, "admin")["token"]),
            (&200.into(), &"none is asked for".into())
        );
        let snapshot = the(&all, "snapshot");
        assert_eq!((&snapshot["reason"], &snapshot["documents"]), (&"ordered".into(), &1.into()));
        assert!(snapshot["bytes"].as_u64() > Some(0) && snapshot["took_ms"].as_f64() > Some(0.0), "{snapshot}");
        assert_eq!(the(&all, "stopping")["signal"], "SIGTERM");
        assert_eq!(the(&all, "stopped")["message"].as_str().map(|text| text.starts_with("stopped")), Some(true));
    }
}

#[test]
fn a_start_that_fails_is_an_object_too() {
    let ground = Ground::new();
    ground.write("data/database.mtdb", "no snapshot");
    let flags = ["--port", "127.0.0.1:0", "--log-format", "json"];
    let ended = ground.run(&flags);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    let all = objects(&ended.stderr);
    let failed = the(&all, "failed");
    assert_eq!((&failed["level"], &failed["exit_code"]), (&Value::from("error"), &Value::from(1)));
    assert!(failed["message"].as_str().is_some_and(|text| text.contains("database.mtdb")), "{failed}");
}

#[test]
fn levels_below_the_chosen_one_are_left_out() {
    for (level, begins) in [
        ("debug", &["memory-tools: warning: listening on", "memory-tools: admin", "memory-tools: stopped"][..]),
        ("info", &["memory-tools: warning: listening on", "memory-tools: admin", "memory-tools: stopped"]),
        ("warning", &["memory-tools: warning: listening on"]),
        ("error", &[]),
    ] {
        let ground = Ground::new();
        let mut command = ground.command(&["--port", ":0", "--log-level", level]);
        command.args(["--ttl-clean-interval", "10ms"]);
        let server = Server::start(command);
        let mut client = server.client();
        assert_eq!(client.send("PUT", "/v1/docs/k?ttl=1ms", &[], b"1").status, 201);
        assert_eq!(client.send("GET", "/v1/config", &[], b"").status, 200);
        if level == "debug" {
            server.process.wait_for_stderr("memory-tools: debug: ");
        }
        let ended = server.stop();
        for begin in begins {
            let found = ended.stderr.lines().filter(|line| line.starts_with(begin)).count();
            assert_eq!(found, 1, "{level}: {begin}: {ended:?}");
        }
        let debugs = ended.stderr.lines().filter(|line| line.starts_with("memory-tools: debug: ")).count();
        assert_eq!(debugs > 0, level == "debug", "{ended:?}");
        assert!(level == "debug" || level == "info" || ended.stderr.lines().count() == begins.len(), "{ended:?}");
    }
}

#[test]
fn the_journal_of_systemd_is_told_priorities() {
    for (format, named) in [("text", true), ("json", true), ("text", false)] {
        let ground = Ground::new();
        let (mut reader, writer) = pipe().unwrap();
        let stream = std::fs::metadata(format!("/proc/self/fd/{}", writer.as_raw_fd())).unwrap();
        let mut command = ground.command(&["--port", ":0", "--data-dir", "data", "--log-format", format]);
        let inode = if named { stream.ino() } else { stream.ino() + 1 };
        command.env("JOURNAL_STREAM", format!("{}:{inode}", stream.dev()));
        let process = Process::spawn_onto(command, Stdio::from(writer));
        let mut said = String::new();
        let mut buffer = [0; 4096];
        while !said.contains("listening on") {
            let count = reader.read(&mut buffer).unwrap();
            assert!(count > 0, "{said}");
            said += &String::from_utf8_lossy(&buffer[..count]);
        }
        process.signal(Signal::TERM);
        let ended = process.wait();
        reader.read_to_string(&mut said).unwrap();
        let priorities: Vec<&str> = said.lines().map(|line| line.get(..3).unwrap()).collect();
        assert_eq!((priorities[0] == "<4>", priorities.contains(&"<6>")), (named, named), "{said} {ended:?}");
        assert!(priorities.iter().all(|priority| priority.starts_with('<') == named), "{said}");
    }
}

#[test]
fn a_flood_is_cut_down_and_every_line_is_accounted_for() {
    const CALLS: u64 = 300;
    let ground = Ground::new();
    let mut command = ground.command(&["--port", "127.0.0.1:0"]);
    command.env("MEMORY_TOOLS_LOG_LEVEL", "info");
    let server = Server::start(command);
    let mut client = server.client();
    for _ in 0..CALLS {
        assert_eq!(client.send("GET", "/v1/config", &[], b"").status, 200);
    }
    let ended = server.stop();
    let count = |begin: &str| ended.stderr.lines().filter(|line| line.starts_with(begin)).count() as u64;
    let told = count("memory-tools: admin: ");
    let left_out: Vec<u64> = ended
        .stderr
        .lines()
        .filter(|line| line.contains(" lines like this were left out in "))
        .map(|line| line.split(' ').nth(1).unwrap().parse().unwrap())
        .collect();
    assert!(told < CALLS, "{ended:?}");
    assert_eq!(told + left_out.iter().sum::<u64>(), CALLS, "{ended:?}");
}

#[test]
fn a_standard_error_that_nobody_reads_stops_no_request() {
    for front in FRONTS {
        let ground = Ground::new();
        let (mut reader, writer) = full_pipe();
        // It has something to say before it is ready.
        ground.write("data/database.mtdb.tmp", "what a crash has left");
        let server = start_onto(&ground, writer, &["--front", front]);
        let mut client = server.client();
        for number in 0..300 {
            assert_eq!(client.send("PUT", &format!("/v1/docs/{number}"), &[], b"1").status, 201);
            assert_eq!(client.send("GET", "/v1/config", &[], b"").status, 200);
        }
        // Somebody comes and reads.
        let mut filling = vec![0; PIPE_BYTES];
        reader.read_exact(&mut filling).unwrap();
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            reader.read_to_string(&mut rest).map(|_| rest)
        });
        drop(client);
        assert_eq!(server.stop().code, Some(0));
        let rest = rest.join().unwrap().unwrap();
        assert!(rest.contains("memory-tools: admin: GET /v1/config"), "{rest}");
        assert!(rest.contains("memory-tools: stopped; last snapshot: 300 documents"), "{rest}");
    }
}

#[test]
fn a_standard_error_that_nobody_ever_reads_does_not_keep_the_server_from_stopping() {
    let ground = Ground::new();
    let (_reader, writer) = full_pipe();
    let server = start_onto(&ground, writer, &[]);
    assert_eq!(server.client().send("PUT", "/v1/docs/k", &[], b"1").status, 201);
    assert_eq!(server.stop().code, Some(0));
    let server = ground.start(&[]);
    assert_eq!(server.client().send("GET", "/v1/docs/k", &[], b"").text(), "1");
    server.stop();
}

#[test]
fn a_standard_error_that_is_closed_is_no_trouble() {
    let ground = Ground::new();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let server = start_onto(&ground, writer, &[]);
    assert_eq!(server.client().send("GET", "/v1/config", &[], b"").status, 200);
    assert_eq!(server.stop().code, Some(0));
}

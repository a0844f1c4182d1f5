//! The real binary at its limit on memory: what grows is refused, it lives, and it has room again; or it evicts, and stays
//! within the limit.
//!
//! What is asserted of its size is what the kernel says, at its highest: no figure of its own.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use support::http::{Answer, Client};
use support::process::{Ground, Server, binary, until};

const MIB: u64 = 1 << 20;

/// The limit of a server that is told one.
const LIMIT_BYTES: u64 = 96 * MIB;

/// Bytes of a document.
const DOCUMENT_BYTES: usize = 16 << 10;

/// Without what takes memory of its own, so that documents fill it.
const LEAN: [&str; 6] = ["--journal", "off", "--changes-entries-max", "0", "--enable-snapshots", "false"];

fn put(client: &mut Client, key: &str) -> Answer {
    let document = format!("\"{}\"", "x".repeat(DOCUMENT_BYTES));
    client.send("PUT", &format!("/v1/docs/{key}"), &[], document.as_bytes())
}

fn get(client: &mut Client, key: &str) -> u16 {
    client.send("GET", &format!("/v1/docs/{key}"), &[], b"").status
}

/// The most that was ever resident of a process.
fn highest_resident_bytes(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.pid())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Fills `server` until it refuses, takes a third out again, and writes anew; returns how many documents fitted.
fn fill_and_recover(server: &Server) -> usize {
    let mut client = server.client();
    let refused = |answer: &Answer| match answer.status {
        201 => false,
        507 => true,
        _ => panic!("{answer:?}"),
    };
    let fitted = (0..100_000).find(|number| refused(&put(&mut client, &number.to_string()))).expect("a limit");
    let problem = put(&mut client, "one-more").json();
    assert_eq!(problem["code"], "memory_full", "{problem}");
    let [used, limit] = ["used_bytes", "limit_bytes"].map(|name| problem[name].as_u64().expect("a figure"));
    // What a document takes is estimated between two looks, and the allocator rounds up.
    assert!(used <= limit * 21 / 20 && used > limit * 9 / 10, "{problem}");
    assert!((0..fitted).all(|number| get(&mut client, &number.to_string()) == 200), "reads go on");
    assert_eq!(put(&mut client, "0").status, 200, "what does not grow goes on");

    for number in (0..fitted).step_by(3) {
        assert_eq!(client.send("DELETE", &format!("/v1/docs/{number}"), &[], b"").status, 204);
    }
    until("room after deletions", || put(&mut client, "one-more").status == 201);
    for number in (0..fitted / 2).step_by(3) {
        until("room for what there was room for", || put(&mut client, &number.to_string()).status / 100 == 2);
    }
    fitted
}

#[test]
fn at_its_limit_the_server_refuses_lives_and_has_room_again_after_deletions() {
    let ground = Ground::new();
    let limit = LIMIT_BYTES.to_string();
    let server = ground.start(&[&LEAN[..], &["--memory-bytes-max", &limit]].concat());
    let fitted = fill_and_recover(&server) as u64;
    assert!(fitted * DOCUMENT_BYTES as u64 > LIMIT_BYTES / 2, "{fitted} documents");
    let highest = highest_resident_bytes(&server);
    println!("{fitted} documents; at most {} MiB resident, of {} MiB", highest / MIB, LIMIT_BYTES / MIB);
    assert!(highest < LIMIT_BYTES * 11 / 10, "{highest}");
    let ended = server.stop();
    assert!(ended.stderr.contains("memory becomes scarce: "), "{}", ended.stderr);
}

#[test]
fn what_a_journal_keeps_ready_is_no_memory_that_is_used() {
    let ground = Ground::new();
    let server = ground.start(&["--memory-bytes-max", "64MiB", "--journal-buffer-bytes", "128MiB"]);
    let mut client = server.client();
    let stats = client.send("GET", "/v1/stats", &[], b"").json();
    let used = stats["memory"]["used_bytes"].as_u64().expect("a figure");
    assert!(used < 32 * MIB, "{stats}");
    let written = (0..1000).map(|number| put(&mut client, &number.to_string()).status);
    assert!(written.into_iter().all(|status| status == 201), "16 MB have room");
}

/// A control group of a test's own; removed with it.
struct Group(PathBuf);

impl Group {
    /// One that may take `bytes`; `None` where none may be made.
    fn with(bytes: u64) -> Option<Group> {
        let name = format!("memory-tools-test-{}", std::process::id());
        [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")].into_iter().find_map(
            |(top, limit)| {
                let group = Group(Path::new(top).join(&name));
                fs::create_dir(&group.0).ok()?;
                let has_limit =
                    group.0.join(limit).exists() && fs::write(group.0.join(limit), bytes.to_string()).is_ok();
                has_limit.then_some(group)
            },
        )
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What is left of it when this fails is an empty folder of the kernel's.
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn in_a_control_group_the_default_limit_is_three_quarters_of_it_and_nothing_is_killed() {
    const GROUP_BYTES: u64 = 160 * MIB;
    let Some(group) = Group::with(GROUP_BYTES) else {
        support::left_out::say("the limit of a control group", "none may be made here");
        return;
    };
    let ground = Ground::new();
    let mut command = Command::new("sh");
    let script = "echo $$ >\"$0/cgroup.procs\" && exec \"$@\"";
    command.arg("-c").arg(script).arg(&group.0).arg(binary()).args(["--port", "127.0.0.1:0"]).args(LEAN);
    command.current_dir(ground.path("")).env_clear();
    let server = Server::start(command);
    let limit = server.client().send("GET", "/v1/stats", &[], b"").json()["memory"]["limit_bytes"].as_u64();
    assert_eq!(limit, Some(GROUP_BYTES / 100 * 75));
    fill_and_recover(&server);
    assert!(highest_resident_bytes(&server) < GROUP_BYTES);
    server.stop();
}

#[test]
fn under_64_writers_eviction_keeps_the_limit_and_refuses_nobody() {
    const WRITERS: usize = 64;
    let ground = Ground::new();
    let limit = LIMIT_BYTES.to_string();
    let flags = ["--memory-bytes-max", &limit, "--eviction", "lru"];
    let server = ground.start(&[&LEAN[..], &flags].concat());
    let next = AtomicUsize::new(0);
    let documents = usize::try_from(LIMIT_BYTES).expect("it fits") * 3 / DOCUMENT_BYTES;
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut client = server.client();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= documents {
                        return;
                    }
                    let answer = put(&mut client, &number.to_string());
                    assert_eq!(answer.status, 201, "{answer:?}");
                    get(&mut client, "0");
                }
            });
        }
    });
    let highest = highest_resident_bytes(&server);
    let mut client = server.client();
    let there = (0..documents).filter(|number| get(&mut client, &number.to_string()) == 200).count();
    println!("{there} of {documents} stayed; at most {} MiB resident, of {} MiB", highest / MIB, LIMIT_BYTES / MIB);
    assert!(highest < LIMIT_BYTES * 11 / 10, "{highest}");
    assert!(there > documents / 6, "{there} of {documents}");
    assert_eq!(get(&mut client, "0"), 200, "what was read all the time");
    server.stop();
}

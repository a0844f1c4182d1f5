//! The real binary at a limit on the size of files (`ulimit -f`): writes are refused, reads go on, and it heals.

mod support;

use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use support::http::{Answer, Client};
use support::process::{Ground, Process, Server, until};

/// Bytes that a file may have: a few documents in the journal, and fewer than a snapshot of them needs.
const FILE_BYTES: u64 = 64 << 10;

/// Bytes of a document.
const DOCUMENT_BYTES: usize = 8 << 10;

/// Limits the files that `server` writes to `bytes`, or, with `None`, as little as this process is limited.
fn limit_files(server: &Server, bytes: Option<u64>) {
    let pid = i32::try_from(server.process.pid()).ok().and_then(Pid::from_raw);
    let ours = getrlimit(Resource::Fsize);
    let limit = Rlimit { current: bytes.or(ours.current), ..ours };
    prlimit(pid, Resource::Fsize, limit).expect("the soft limit may change");
}

fn put(client: &mut Client, number: usize) -> Answer {
    let document = format!("\"{}\"", "x".repeat(DOCUMENT_BYTES));
    client.send("PUT", &format!("/v1/docs/{number}"), &[], document.as_bytes())
}

fn get(client: &mut Client, number: usize) -> u16 {
    client.send("GET", &format!("/v1/docs/{number}"), &[], b"").status
}

#[test]
fn a_start_under_a_limit_that_leaves_nothing_says_so_in_one_line() {
    let ground = Ground::new();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0; exec \"$0\" --port 127.0.0.1:0", env!("CARGO_BIN_EXE_memory-tools")]);
    command.current_dir(ground.path("")).env_clear();
    let ended = Process::spawn(command).wait();
    assert!(ended.in_one_line(1).contains("File too large"), "{ended:?}");
}

/// The kernel answers such a write with SIGXFSZ, which ends a process that says nothing about it: the server was gone,
/// and with it whatever no snapshot had.
#[test]
fn at_the_limit_on_the_size_of_files_writes_are_refused_and_the_process_lives() {
    let ground = Ground::new();
    let server = ground.start(&["--journal", "everysec", "--shards", "16"]);
    limit_files(&server, Some(FILE_BYTES));
    let mut client = server.client();

    let taken = (0..).find(|&number| put(&mut client, number).status != 201).expect("a limit is reached");
    assert!(taken > 0 && taken * DOCUMENT_BYTES < FILE_BYTES as usize, "{taken}");
    let refused = put(&mut client, taken);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("journal_unavailable")));
    assert!(refused.text().contains("File too large"), "{}", refused.text());
    assert!((0..taken).all(|number| get(&mut client, number) == 200), "reads go on");
    assert_eq!(client.send("GET", "/readyz", &[], b"").status, 503);

    limit_files(&server, None);
    until("healing", || client.send("GET", "/readyz", &[], b"").status == 200);
    assert_eq!(put(&mut client, taken).status / 100, 2);
    server.stop();

    let server = ground.start(&[]);
    let mut client = server.client();
    assert!((0..=taken).all(|number| get(&mut client, number) == 200));
}

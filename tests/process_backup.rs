//! `backup` and `restore` of the real binary: under writers, what comes back is what there was at one moment and nothing
//! else; what is cut off, refused or does not fit leaves nothing behind.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::Value;
use support::http::Client;
use support::process::{FRONTS, Ground, Server, until};
use support::remote::{Scene, Scripted};

const MODES: [&str; 4] = ["off", "os", "everysec", "always"];
const WRITERS: usize = 8;
const KEYS: u64 = 50;

/// What one writer did with one of its keys, in order: the version that it wrote, `None` for a deletion.
type History = Vec<Option<(u64, String)>>;

/// Puts and deletes the keys of `writer` until it is over.
fn write(client: &mut Client, writer: usize, is_over: &AtomicBool, writes: &AtomicU64) -> BTreeMap<String, History> {
    let mut done: BTreeMap<String, History> = BTreeMap::new();
    for number in 0_u64.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let key = format!("w{writer}-{}", number * 7 % KEYS);
        let target = format!("/v1/docs/{key}");
        let history = done.entry(key).or_default();
        if number % 5 == 4 {
            let status = client.send("DELETE", &target, &[], b"").status;
            assert!(matches!(status, 204 | 404), "{status}");
            history.push(None);
        } else {
            let text = format!("[{number},\"{}\"]", "x".repeat((number % 300) as usize));
            let answer = client.send("PUT", &target, &[], text.as_bytes());
            assert_eq!(answer.status / 100, 2, "{}", answer.text());
            history.push(Some((answer.version(), text)));
        }
        writes.fetch_add(1, Ordering::SeqCst);
    }
    done
}

/// Every document with its version, by key.
fn documents(server: &Server) -> BTreeMap<String, (u64, String)> {
    let export = server.client().send("GET", "/v1/export", &[], b"");
    let read = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = line.split_once("\"value\":").expect("a value").1.strip_suffix('}').expect("an end");
        (value["key"].as_str().expect("a key").to_owned(), (value["version"].as_u64().expect("one"), text.to_owned()))
    };
    export.text().lines().map(read).collect()
}

/// What `done` may have left at `lsn`: of a key the newest version up to there, or what a deletion behind it leaves.
fn check(found: &BTreeMap<String, (u64, String)>, done: &BTreeMap<String, History>, lsn: u64, what: &str) {
    for (key, history) in done {
        let is_before = |entry: &Option<(u64, String)>| entry.as_ref().is_none_or(|(version, _)| *version <= lsn);
        // Deletions have no number: one between the newest version and the next may be before or behind.
        let newest = history.iter().rposition(|entry| entry.is_some() && is_before(entry));
        let is_deleted = newest.map(|at| history[at + 1..].iter().take_while(|entry| entry.is_none()).count() > 0);
        let is_final = newest.is_some_and(|at| history[at + 1..].iter().any(Option::is_some));
        match (newest.and_then(|at| history[at].clone()), found.get(key)) {
            (None, None) => {}
            (Some(version), Some(found)) => assert_eq!(*found, version, "{what}: {key} at {lsn}"),
            (Some(version), None) => {
                assert_eq!(is_deleted, Some(true), "{what}: {key} is lost, {version:?} at {lsn}, {is_final}");
            }
            (None, Some(found)) => panic!("{what}: {key} is {found:?}, which was not there at {lsn}"),
        }
    }
}

#[test]
fn what_is_restored_is_what_there_was_at_the_lsn_of_the_backup() {
    for (number, mode) in MODES.into_iter().enumerate() {
        let ground = Ground::over(FRONTS[number % FRONTS.len()]);
        let server = ground.start(&["--journal", mode, "--shards", "16"]);
        let url = server.address.to_string();
        let (is_over, writes, done) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(BTreeMap::new()));
        let (receipt, acknowledged) = std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (is_over, writes, done, mut client) = (&is_over, &writes, &done, server.client());
                scope.spawn(move || {
                    let mine = write(&mut client, writer, is_over, writes);
                    done.lock().unwrap().extend(mine);
                });
            }
            let enough = |count| until("writes", || writes.load(Ordering::SeqCst) >= count);
            enough(1000);
            let last = server.client().send("GET", "/v1/stats", &[], b"").json()["next_lsn"].as_u64().unwrap() - 1;
            let ended = ground.run(&["backup", "--to", "b.mtdb", "--url", &url]);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
            enough(writes.load(Ordering::SeqCst) + 500);
            is_over.store(true, Ordering::SeqCst);
            (serde_json::from_str::<Value>(&ended.stdout).expect("a receipt"), last)
        });
        let newest = server.client().send("GET", "/v1/stats", &[], b"").json()["next_lsn"].as_u64().unwrap() - 1;
        server.kill();
        let lsn = receipt["lsn"].as_u64().expect("an LSN");
        assert!(lsn >= acknowledged, "{mode}: what was acknowledged before is in it: {receipt}, {acknowledged}");
        let bytes = fs::metadata(ground.path("b.mtdb")).expect("a file").len();
        assert_eq!(receipt["bytes"].as_u64(), Some(bytes));
        assert!(!ground.path("b.mtdb.partial").exists());
        assert!(!ground.data("copy.mtdb.tmp").exists(), "nothing is left in the data folder");
        let checked = ground.run(&["check", "b.mtdb"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");

        let ended = ground.run(&["restore", "b.mtdb", "--data-dir", "restored"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        let restored: Value = serde_json::from_str(&ended.stdout).expect("a receipt");
        assert_eq!(restored["lsn"], receipt["lsn"]);
        let server = ground.start(&["--data-dir", "restored", "--journal", mode]);
        let found = documents(&server);
        check(&found, &done.lock().unwrap(), lsn, mode);

        // Followers of what is gone are told so, and nobody sees a number again.
        let mut client = server.client();
        for since in [lsn + 1, newest] {
            let answer = client.send("GET", &format!("/v1/changes?since={since}&timeout=1ms"), &[], b"");
            assert_eq!(answer.status, 410, "{mode}: {since}, {}", answer.text());
        }
        assert!(client.send("PUT", "/v1/docs/new", &[], b"1").version() > newest);
        server.kill();
        let server = ground.start(&["--data-dir", "restored", "--journal", mode]);
        let again = documents(&server);
        assert!(found.iter().all(|(key, version)| again.get(key) == Some(version)), "{mode}: over a crash, too");
        server.stop();
    }
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_that_is_said() {
    for front in FRONTS {
        let scene = Scene::over(front);
        scene.ground.write("b.mtdb", "older");
        scene.fails(1, &["backup", "--to", "b.mtdb"], "error: b.mtdb is there already, --force replaces it");
        assert_eq!(fs::read(scene.ground.path("b.mtdb")).unwrap(), b"older");
        scene.done(&["backup", "--to", "b.mtdb", "--force", "--quiet"], "");
        let sound = scene.ground.run(&["check", "b.mtdb"]);
        assert!(sound.code == Some(0) && sound.stdout.contains(": 0 documents"), "{sound:?}");
        let ended = scene.command(&["backup", "--to", "-"]).output().expect("it runs");
        assert_eq!(ended.stdout.len() as u64, fs::metadata(scene.ground.path("b.mtdb")).unwrap().len());
        assert!(String::from_utf8_lossy(&ended.stderr).starts_with("{\"documents\":0,"), "{ended:?}");
        assert_eq!(scene.ground.run(&["restore", "b.mtdb", "--data-dir", "data"]).code, Some(1), "a server has it");
    }
}

const CUT_OFF: &str = "HTTP/1.1 200 OK\r\nMT-LSN: 1\r\nMT-Documents: 1\r\nMT-Bytes: 300\r\nTransfer-Encoding: chunked\r\n\r\n\
                       ff\r\nabc";
const TOO_SHORT: &str =
    "HTTP/1.1 200 OK\r\nMT-LSN: 1\r\nMT-Documents: 1\r\nMT-Bytes: 300\r\nContent-Length: 3\r\n\r\nabc";
const DAMAGED: &str = "HTTP/1.1 200 OK\r\nMT-LSN: 1\r\nMT-Documents: 1\r\nMT-Bytes: 3\r\nContent-Length: 3\r\n\r\nabc";
const SOMETHING_ELSE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
const REFUSED: &str = "HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn what_is_not_a_whole_backup_leaves_nothing() {
    const ANSWERS: &[&str] = &[CUT_OFF, TOO_SHORT, DAMAGED, SOMETHING_ELSE, REFUSED];
    let (server, ground) = (Scripted::new(ANSWERS), Ground::new());
    for (code, line) in [
        (4, "error: no answer from http://"),
        (3, "error: the server does not answer with the whole of a backup, try again"),
        (3, "error: b.mtdb.partial: damaged: "),
        (3, "error: the server does not answer with a backup"),
        (3, "error: 403, without a word"),
    ] {
        let ended = ground.run(&["backup", "--url", &server.url, "--to", "b.mtdb"]);
        assert!(ended.in_one_line(code).starts_with(line), "{ended:?}");
        assert!(ground.content().is_empty(), "{:?}", ground.content());
    }
    assert_eq!(server.requests(), vec!["GET /v1/admin/backup HTTP/1.1"; ANSWERS.len()]);
}

fn fill(server: &Server) {
    let document = format!("\"{}\"", "x".repeat(8 << 10));
    let mut client = server.client();
    for number in 0..40 {
        assert_eq!(client.send("PUT", &format!("/v1/docs/{number}"), &[], document.as_bytes()).status, 201);
    }
}

fn limit_files(server: &Server, bytes: Option<u64>) {
    let pid = i32::try_from(server.process.pid()).ok().and_then(Pid::from_raw);
    let ours = getrlimit(Resource::Fsize);
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes.or(ours.current), ..ours }).expect("it may change");
}

#[test]
fn without_room_on_either_side_nothing_is_left_and_the_server_goes_on() {
    let scene = Scene::over("reactor");
    fill(&scene.server);
    let before = scene.ground.content();
    limit_files(&scene.server, Some(64 << 10));
    scene.fails(3, &["backup", "--to", "b.mtdb"], "error: 500 backup_failed: ");
    assert_eq!(scene.ground.content(), before);
    assert_eq!(scene.server.client().send("PUT", "/v1/docs/a", &[], b"1").status, 201);
    limit_files(&scene.server, None);

    let mut command = Command::new("sh");
    let call = format!("ulimit -f 64; exec \"$0\" backup --to b.mtdb --url {}", scene.url);
    command.args(["-c", &call, env!("CARGO_BIN_EXE_memory-tools")]).current_dir(scene.ground.path("")).env_clear();
    let ended = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(
        (ended.status.code(), said.starts_with("error: cannot write: b.mtdb.partial: ")),
        (Some(1), true),
        "{said}"
    );
    assert!(!scene.ground.path("b.mtdb.partial").exists() && !scene.ground.path("b.mtdb").exists());
    assert_eq!(scene.run(&["backup", "--to", "b.mtdb"]).0, 0);
}

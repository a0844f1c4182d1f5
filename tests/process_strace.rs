//! The real binary, killed at or failed by every system call that changes a file, one after the other.
//!
//! strace counts a thread's calls of one kind on the data folder and injects a kill, EIO or ENOSPC into the N-th. A
//! first run without a fault counts them, then N goes from 1 to that count. Two parts of a life are watched: the first
//! thread from its start to its end, and the threads that write while the server serves. After each fault the folder is
//! opened by a server without one, and `support::ledger` says what it must and may find: with a journal, all that was
//! acknowledged.
//!
//! It needs strace, which must be allowed to attach to a process, or says that nothing was run; and the binary that is
//! shipped: `make test-slow` names it in SERVER_BINARY.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use memory_tools::persist::journal::SegmentId;
use rustix::process::Signal;
use support::dice::{self, Dice};
use support::ledger::{Ledger, Promise};
use support::left_out;
use support::process::{Ended, Ground, Process, Server, binary, until};

/// The calls that change files.
const CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "ftruncate",
    "openat",
    "fallocate",
    "mkdir",
    "mkdirat",
];

/// What is done to a call.
const FAULTS: &[&str] = &["signal=KILL", "error=EIO", "error=ENOSPC"];

/// What `--journal` takes, what is promised then, and the threads that change files while the server serves.
#[derive(Clone, Copy, Debug)]
struct Mode {
    journal: &'static str,
    promise: Promise,
    writing_threads: &'static [&'static str],
}

const OFF: Mode = Mode { journal: "off", promise: Promise::Snapshot, writing_threads: &["mt-snapshot"] };
const EVERYSEC: Mode = Mode {
    journal: "everysec",
    promise: Promise::Acknowledged,
    writing_threads: &["mt-journal", "mt-sync", "mt-snapshot"],
};
const ALWAYS: Mode =
    Mode { journal: "always", promise: Promise::Acknowledged, writing_threads: &["mt-journal", "mt-snapshot"] };

/// How the server has ended that left the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// It was asked to.
    Stopped,
    /// It was killed in the middle of a write to its journal.
    Torn,
}

/// Half of what a frame begins with, as a write leaves it that did not come to its end.
const HALF_A_FRAME: &[u8] = b"MTJF\0\0\0\0\x07\0\0\0\x63\x01";

/// A document that fills a segment of the smallest size, so that the next record begins another.
const LARGE_BYTES: usize = 1 << 20;

/// One fault: which call of its kind, and what is done to it.
#[derive(Clone, Copy, Debug)]
struct Injected {
    call: &'static str,
    number: usize,
    fault: &'static str,
}

/// A ground with a past, and what is known about it.
struct Scene {
    mode: Mode,
    ground: Ground,
    ledger: Ledger,
    dice: Dice,
}

impl Scene {
    /// A folder with a snapshot, or two, so that the next one finds a name in each place.
    fn new(mode: Mode, past: Past, dice: &mut Dice) -> Scene {
        let ledger = Ledger::new(mode.promise, 1, 6);
        let mut scene = Scene { mode, ground: Ground::new(), ledger, dice: dice.split() };
        let server = Server::start(scene.command(None));
        scene.work(&server);
        match past {
            Past::Stopped => {
                server.stop();
                scene.ledger.stopped_cleanly();
            }
            Past::Torn => {
                server.kill();
                scene.tear();
            }
        }
        scene
    }

    /// Begins a frame behind the last one, in a segment that grows with its frames.
    fn tear(&self) {
        let newest = (1..=SEGMENTS).rev().map(|id| self.ground.data(&segment(id))).find(|path| path.exists());
        let mut file = OpenOptions::new().append(true).open(newest.expect("a segment")).expect("it opens");
        file.write_all(HALF_A_FRAME).expect("it is written");
    }

    fn log(&self) -> std::path::PathBuf {
        self.ground.path("strace.log")
    }

    /// What strace is told: which calls it watches in the data folder, and which of them it spoils.
    fn strace(&self, injected: Option<Injected>) -> Command {
        let mut command = Command::new("strace");
        command.arg("-o").arg(self.log()).arg("-e").arg(format!("trace={}", CALLS.join(",")));
        let segments: Vec<String> = (1..=SEGMENTS).map(segment).collect();
        for name in DATA_FILES.iter().copied().chain(segments.iter().map(String::as_str)) {
            command.arg("-P").arg(self.ground.data(name));
        }
        if let Some(Injected { call, number, fault }) = injected {
            command.arg("-e").arg(format!("inject={call}:{fault}:when={number}"));
        }
        command
    }

    /// The server, with its first thread under strace when there is a strace.
    fn command(&self, strace: Option<Command>) -> Command {
        let mut command = strace.unwrap_or_else(|| Command::new(binary()));
        if command.get_program() == "strace" {
            command.arg("--").arg(binary());
        }
        let data = self.ground.data("");
        command.args(["--port", "127.0.0.1:0", "--data-dir"]).arg(data).current_dir(self.ground.path(""));
        command.args(["--journal", self.mode.journal, "--journal-segment-bytes", "1MiB"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Writes, a snapshot, a write that fills a segment, and more writes, as far as the server lets it.
    fn work(&mut self, server: &Server) {
        let Ok(mut client) = support::http::Client::try_connect(server.address) else { return };
        for part in 0..2 {
            for _ in 0..8 {
                if self.ledger.write(0, &mut client, &mut self.dice).is_err() {
                    return;
                }
            }
            if part == 0 && self.ledger.snapshot(&mut client).is_err() {
                return;
            }
            let large = format!("\"{}\"", "x".repeat(LARGE_BYTES));
            if client.try_send("PUT", "/v1/docs/large", &[], large.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// Waits until the watched thread, which looks once a second, has synced something or met its fault.
    fn wait_for_sync(&self) {
        until("the turn of mt-sync", || {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            ["sync(", "(INJECTED)", "+++"].iter().any(|met| log.contains(met))
        });
    }

    /// How often the watched thread made each call.
    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let log = fs::read_to_string(self.log()).expect("strace has written a log");
        let count = |call: &str| log.lines().filter(|line| line.starts_with(&format!("{call}("))).count();
        CALLS.iter().map(|call| (*call, count(call))).filter(|(_, count)| *count > 0).collect()
    }

    /// True when the fault was met.
    fn is_struck(&self, injected: Injected) -> bool {
        let log = fs::read_to_string(self.log()).expect("strace has written a log");
        log.contains("(INJECTED)") || injected.fault.starts_with("signal") && log.contains("killed by SIGKILL")
    }

    /// A server without a fault opens the folder, has what it must have, takes a write, and a second one does so again.
    fn check(&mut self) {
        for _ in 0..2 {
            let server = Server::start(self.command(None));
            self.ledger.check(&server);
            self.work(&server);
            server.stop();
            self.ledger.stopped_cleanly();
        }
    }
}

/// Every file that a data folder may hold.
const DATA_FILES: &[&str] = &[
    "",
    "LOCK",
    "IDENTITY",
    "IDENTITY.tmp",
    "database.mtdb",
    "database.mtdb.tmp",
    "database.mtdb.prev",
    "database.mtdb.prev.tmp",
    "replay.tmp",
    "journal.tmp",
    "journal.next.tmp",
    "quarantine",
];

/// Segments that a test comes to at most.
const SEGMENTS: u64 = 24;

/// The name of segment `id`.
fn segment(id: u64) -> String {
    SegmentId(id).file_name()
}

/// The words that a server ends with when the disk failed it: one line that names the error.
#[track_caller]
fn is_clear(ended: &Ended, injected: Injected) {
    let shown = match injected.fault {
        "error=EIO" => "Input/output error",
        _ => "No space left on device",
    };
    let named = ended.stderr.lines().any(|line| line.contains("error") && line.contains(shown));
    assert!(ended.code == Some(0) || named, "{injected:?}: not said clearly: {ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{injected:?}: {ended:?}");
}

/// Runs `life` without a fault, then once for each fault that it has room for. Returns how often each call was made.
fn at_every_call(mode: Mode, past: Past, life: impl Fn(&mut Scene, Option<Injected>)) -> BTreeMap<&'static str, usize> {
    let mut dice = Dice::of(dice::seed("process_strace"));
    let mut scene = Scene::new(mode, past, &mut dice);
    life(&mut scene, None);
    let counts = scene.counts();
    scene.check();
    let (mut struck, mut missed) = (0, Vec::new());
    for (call, count) in &counts {
        for number in 1..=*count {
            for fault in FAULTS {
                let injected = Injected { call, number, fault };
                println!("{injected:?}");
                let mut scene = Scene::new(mode, past, &mut dice);
                life(&mut scene, Some(injected));
                // Which calls are made may depend on what was written, and when.
                if scene.is_struck(injected) {
                    struck += 1
                } else {
                    missed.push(injected)
                }
                scene.check();
            }
        }
    }
    println!("{mode:?}, {past:?}: {struck} faults, {counts:?}");
    assert!(struck >= FAULTS.len(), "too few faults to prove anything: {counts:?}");
    assert!(missed.len() <= FAULTS.len() + struck / 10, "{struck} faults were met, these were not: {missed:?}");
    counts
}

/// False when nothing can be traced here, which is said.
fn is_traceable() -> bool {
    static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
    let obstacle = OBSTACLE.get_or_init(obstacle);
    if let Some(why) = obstacle {
        left_out::say("process_strace", why);
    }
    obstacle.is_none()
}

/// Why strace cannot attach to a process that it has not started, if it cannot.
fn obstacle() -> Option<String> {
    let mut idle = Command::new("cat").stdin(Stdio::piped()).spawn().expect("there is a cat");
    let mut strace = Command::new("strace");
    strace.args(["-o", "/dev/null", "-p", &idle.id().to_string()]).stderr(Stdio::piped());
    let said = match strace.spawn() {
        Ok(mut strace) => {
            let mut line = String::new();
            let stderr = strace.stderr.take().expect("it is piped");
            BufReader::new(stderr).read_line(&mut line).expect("what strace says is text");
            // It reads to the end of its input, and strace goes with it.
            drop(idle.stdin.take());
            strace.wait().expect("it was started");
            line
        }
        Err(error) => format!("strace cannot be started (apt-get install strace): {error}"),
    };
    drop(idle.stdin.take());
    idle.wait().expect("it was started");
    (!said.contains("attached")).then_some(said)
}

/// The first thread, from the start to the end.
fn first_thread(mode: Mode, past: Past) -> BTreeMap<&'static str, usize> {
    at_every_call(mode, past, |scene, injected| {
        let process = Process::spawn(scene.command(Some(scene.strace(injected))));
        let ended = match Server::of(process) {
            Ok(server) => {
                scene.work(&server);
                let said = server.banner.split("pid ").nth(1).and_then(|rest| rest.split_whitespace().next());
                let pid =
                    said.and_then(|pid| pid.trim_end_matches(',').parse().ok()).expect("the banner names the pid");
                // A kill may have come first.
                let _ = support::process::signal(pid, Signal::TERM);
                server.process.wait()
            }
            Err(ended) => ended,
        };
        note_end(scene, injected, &ended);
    })
}

/// Each thread that writes, from when the server is ready.
fn writing_threads(mode: Mode) {
    for thread in mode.writing_threads {
        println!("{thread}");
        at_every_call(mode, Past::Stopped, |scene, injected| {
            let server = Server::start(scene.command(None));
            let mut strace = scene.strace(injected);
            strace.arg("-p").arg(server.process.thread(thread).to_string());
            let strace = Process::spawn(strace);
            strace.wait_for_stderr("attached");
            scene.work(&server);
            if *thread == "mt-sync" {
                scene.wait_for_sync();
            }
            // A kill may have come first.
            let _ = support::process::signal(server.process.pid(), Signal::TERM);
            let ended = server.process.wait();
            strace.wait();
            note_end(scene, injected, &ended);
        });
    }
}

/// A server that met a fault has said so, and keeps what it has promised by how it ended.
#[track_caller]
fn note_end(scene: &Scene, injected: Option<Injected>, ended: &Ended) {
    match injected {
        Some(Injected { fault: "signal=KILL", .. }) => (),
        Some(injected) => is_clear(ended, injected),
        None => assert_eq!(ended.code, Some(0), "{ended:?}"),
    }
    if ended.code == Some(0) {
        scene.ledger.stopped_cleanly();
    }
}

#[test]
fn the_first_thread_is_killed_or_failed_at_every_call_without_a_journal() {
    if !is_traceable() {
        return;
    }
    first_thread(OFF, Past::Stopped);
}

#[test]
fn the_first_thread_is_killed_or_failed_at_every_call_with_a_journal_of_every_second() {
    if !is_traceable() {
        return;
    }
    first_thread(EVERYSEC, Past::Stopped);
}

#[test]
fn the_first_thread_is_killed_or_failed_at_every_call_with_a_journal_of_every_write() {
    if !is_traceable() {
        return;
    }
    first_thread(ALWAYS, Past::Stopped);
}

#[test]
fn the_first_thread_is_killed_or_failed_at_every_call_while_it_cuts_an_interrupted_write_off() {
    if !is_traceable() {
        return;
    }
    let counts = first_thread(EVERYSEC, Past::Torn);
    // The other one empties LOCK.
    assert!(counts.get("ftruncate").is_some_and(|count| *count > 1), "nothing was cut: {counts:?}");
}

#[test]
fn each_writing_thread_is_killed_or_failed_at_every_call_without_a_journal() {
    if !is_traceable() {
        return;
    }
    writing_threads(OFF);
}

#[test]
fn each_writing_thread_is_killed_or_failed_at_every_call_with_a_journal_of_every_second() {
    if !is_traceable() {
        return;
    }
    writing_threads(EVERYSEC);
}

#[test]
fn each_writing_thread_is_killed_or_failed_at_every_call_with_a_journal_of_every_write() {
    if !is_traceable() {
        return;
    }
    writing_threads(ALWAYS);
}

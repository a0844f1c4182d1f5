//! The real binary, killed at or failed by every system call that changes a file, one after the other.
//!
//! strace counts a thread's calls of one kind on the data folder and injects a kill, EIO or ENOSPC into the N-th. A
//! first run without a fault counts them, then N goes from 1 to that count. Two parts of a life are watched: the first
//! thread from its start to its end, and the threads that write while the server serves. After each fault the folder is
//! opened by a server without one, and `support::ledger` says what it must and may find.
//!
//! It needs strace, and the binary that is shipped: `make test-slow` names it in SERVER_BINARY.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use support::dice::{self, Dice};
use support::ledger::{Ledger, Promise};
use support::process::{Ended, Ground, Process, Server};

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
];

/// What is done to a call.
const FAULTS: &[&str] = &["signal=KILL", "error=EIO", "error=ENOSPC"];

/// The threads that change files while the server serves.
const WRITING_THREADS: &[&str] = &["mt-snapshot"];

/// One fault: which call of its kind, and what is done to it.
#[derive(Clone, Copy, Debug)]
struct Injected {
    call: &'static str,
    number: usize,
    fault: &'static str,
}

/// A ground with a past, and what is known about it.
struct Scene {
    ground: Ground,
    ledger: Ledger,
    dice: Dice,
}

impl Scene {
    /// A folder with two snapshots, so that the next one finds a name in each place.
    fn new(dice: &mut Dice) -> Scene {
        let ledger = Ledger::new(Promise::Snapshot, 1, 6);
        let mut scene = Scene { ground: Ground::new(), ledger, dice: dice.split() };
        let server = Server::start(scene.command(None, &[]));
        scene.work(&server);
        server.stop();
        scene.ledger.stopped_cleanly();
        scene
    }

    fn binary() -> PathBuf {
        std::env::var_os("SERVER_BINARY").map_or(PathBuf::from(env!("CARGO_BIN_EXE_memory-tools")), PathBuf::from)
    }

    fn log(&self) -> PathBuf {
        self.ground.path("strace.log")
    }

    /// What strace is told: which calls it watches in the data folder, and which of them it spoils.
    fn strace(&self, injected: Option<Injected>) -> Command {
        let mut command = Command::new("strace");
        command.arg("-o").arg(self.log()).arg("-e").arg(format!("trace={}", CALLS.join(",")));
        for name in DATA_FILES {
            command.arg("-P").arg(self.ground.data(name));
        }
        if let Some(Injected { call, number, fault }) = injected {
            command.arg("-e").arg(format!("inject={call}:{fault}:when={number}"));
        }
        command
    }

    /// The server, with its first thread under strace when there is a strace.
    fn command(&self, strace: Option<Command>, flags: &[&str]) -> Command {
        let mut command = strace.unwrap_or_else(|| Command::new(Scene::binary()));
        if command.get_program() == "strace" {
            command.arg("--").arg(Scene::binary());
        }
        let data = self.ground.data("");
        command.args(["--port", "127.0.0.1:0", "--data-dir"]).arg(data).args(flags).current_dir(self.ground.path(""));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Writes, a snapshot, and more writes, as far as the server lets it.
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
        }
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
            let server = Server::start(self.command(None, &[]));
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
];

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

/// Runs `life` without a fault, then once for each fault that it has room for.
fn at_every_call(life: impl Fn(&mut Scene, Option<Injected>)) {
    let mut dice = Dice::of(dice::seed("process_strace"));
    let mut scene = Scene::new(&mut dice);
    life(&mut scene, None);
    let counts = scene.counts();
    assert!(counts.values().sum::<usize>() > 5, "too few calls to prove anything: {counts:?}");
    scene.check();
    let (mut struck, mut missed) = (0, Vec::new());
    for (call, count) in &counts {
        for number in 1..=*count {
            for fault in FAULTS {
                let injected = Injected { call, number, fault };
                println!("{injected:?}");
                let mut scene = Scene::new(&mut dice);
                life(&mut scene, Some(injected));
                // Which calls are made may depend on what was written.
                if scene.is_struck(injected) {
                    struck += 1
                } else {
                    missed.push(injected)
                }
                scene.check();
            }
        }
    }
    println!("{struck} faults, {counts:?}");
    assert!(missed.len() * 10 <= struck, "{struck} faults were met, these were not: {missed:?}");
}

#[test]
fn the_first_thread_is_killed_or_failed_at_every_call() {
    at_every_call(|scene, injected| {
        let process = Process::spawn(scene.command(Some(scene.strace(injected)), &[]));
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
        match injected {
            Some(Injected { fault: "signal=KILL", .. }) => (),
            Some(injected) => is_clear(&ended, injected),
            None => assert_eq!(ended.code, Some(0), "{ended:?}"),
        }
        if ended.code == Some(0) {
            scene.ledger.stopped_cleanly();
        }
    });
}

#[test]
fn each_writing_thread_is_killed_or_failed_at_every_call() {
    for thread in WRITING_THREADS {
        at_every_call(|scene, injected| {
            let server = Server::start(scene.command(None, &[]));
            let mut strace = scene.strace(injected);
            strace.arg("-p").arg(server.process.thread(thread).to_string());
            let strace = Process::spawn(strace);
            strace.wait_for_stderr("attached");
            scene.work(&server);
            // A kill may have come first.
            let _ = support::process::signal(server.process.pid(), Signal::TERM);
            let ended = server.process.wait();
            strace.wait();
            match injected {
                Some(Injected { fault: "signal=KILL", .. }) => (),
                Some(injected) => is_clear(&ended, injected),
                None => assert_eq!(ended.code, Some(0), "{ended:?}"),
            }
            if ended.code == Some(0) {
                scene.ledger.stopped_cleanly();
            }
        });
    }
}

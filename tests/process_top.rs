//! `top` of the real binary: lines about a real server, one that goes and comes back, and a terminal that is left as it
//! was found.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use support::process::{FRONTS, Ground, Process, until};
use support::remote::{Scene, Scripted};

/// What gives the terminal back.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// The line of `block` that begins with `lead`.
#[track_caller]
fn line<'b>(block: &'b str, lead: &str) -> &'b str {
    block.lines().find(|line| line.starts_with(lead)).unwrap_or_else(|| panic!("no {lead} in {block}"))
}

#[test]
fn a_block_of_lines_tells_how_the_server_fares() {
    for front in FRONTS {
        let scene = Scene::over(front);
        let mut client = scene.server.client();
        client.send("PUT", "/v1/docs/a", &[], b"1");
        client.send("PUT", "/v1/collections/users/docs/b", &[], b"2");
        let (code, block, stderr) = scene.run(&["top", "--once", "--interval", "100ms"]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{block}");
        assert!(block.lines().next().unwrap().contains(&format!("Z  {}  version ", scene.url)), "{block}");
        assert!(line(&block, "documents ").starts_with("documents  2  4 B  collections 1  "), "{block}");
        assert!(line(&block, "journal ").starts_with("journal    off  "), "{block}");
        assert!(line(&block, "memory ").contains(" resident ") && !block.contains("resident -"), "{block}");
        assert!(block.ends_with("B  users\n"), "{block}");
        assert!(!block.contains('\x1b'), "{block}");

        let (_, blocks, _) = scene.run(&["top", "--count", "3", "--interval", "100ms"]);
        assert_eq!(blocks.matches("\n\n20").count(), 2, "an empty line before each but the first: {blocks}");
    }
}

#[test]
fn what_is_asked_for_meanwhile_is_told_by_route() {
    for front in FRONTS {
        let scene = Scene::over(front);
        let mut client = scene.server.client();
        let mut top = scene.command(&["top", "--count", "2", "--interval", "200ms"]);
        let mut top = top.stdout(Stdio::piped()).spawn().expect("it starts");
        while top.try_wait().expect("it is a child").is_none() {
            assert_eq!(client.send("GET", "/v1/docs/absent", &[], b"").status, 404);
        }
        let output = top.wait_with_output().expect("what it said");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(said.contains("  /v1/docs/{key...}  GET\n") && said.contains("  /metrics  GET\n"), "{said}");
        let row = said.lines().rfind(|line| line.ends_with("  /v1/docs/{key...}  GET")).expect("a row");
        let [requests, median, _, refused, failed] = std::array::from_fn(|at| row.split_whitespace().nth(at).unwrap());
        assert!(requests != "0.0" && requests == refused && failed == "0.0" && median.ends_with('s'), "{row}");
        for lead in ["requests ", "process "] {
            assert!(!line(&said, lead).contains(" -"), "{said}");
        }
    }
}

#[test]
fn a_server_that_goes_and_comes_back_is_told_of_and_ends_nothing() {
    let ground = Ground::new();
    let server = ground.start(&[]);
    let address = server.address.to_string();
    let top = Process::spawn(ground.command(&["top", "--url", &address, "--interval", "100ms"]));
    top.wait_for_stdout("snapshot ");
    server.kill();
    top.wait_for_stdout("NO ANSWER  no answer from http://");
    let _again = ground.start(&["--port", &address]);
    top.wait_for_stdout("  RESTARTED\n");
    top.signal(Signal::INT);
    let ended = top.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.ends_with('\n'), "whole lines: {ended:?}");
}

#[test]
fn the_last_of_so_many_looks_decides_and_so_does_the_first() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\na 1\n";
    let no = "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let ground = Ground::new();
    let run = |answers: &'static [&'static str]| {
        let server = Scripted::new(answers);
        let ended = ground.run(&["top", "--once", "--interval", "100ms", "--url", &server.url]);
        (ended, server.requests())
    };
    // An older server: figures, and nothing beside them. Then it is gone.
    let (ended, requests) = run(Box::leak(Box::new([page, no, no])));
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("  NO ANSWER  no answer from http://127.0.0.1:"), "{ended:?}");
    assert!(ended.stderr.starts_with("error: no answer from http://127.0.0.1:"), "{ended:?}");
    let asked = ["/metrics", "/v1/stats", "/v1/collections?limit=1000"].map(|path| format!("GET {path} HTTP/1.1"));
    assert_eq!(requests, asked);
    let (ended, _) = run(&["HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]);
    assert!(ended.in_one_line(3).starts_with("error: 403"), "{ended:?}");
    let (ended, _) = run(&["HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n<html>\n"]);
    let told = "error: the server's figures cannot be read: line 1 of the page has no name where one begins";
    assert_eq!(ended.in_one_line(3), told);
    let ended = ground.run(&["top", "--url", "127.0.0.1:1"]);
    assert!(ended.in_one_line(4).starts_with("error: no answer from http://127.0.0.1:1/metrics"), "{ended:?}");
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let scene = Scene::over("reactor");
    let mut command = Command::new("sh");
    command.args(["-c", "{ \"$@\"; echo \"exit code $?\" >&2; } | head -1 >/dev/null", "sh"]);
    let top = scene.command(&["top", "--interval", "100ms"]);
    command.arg(top.get_program()).args(top.get_args());
    let ended = Process::spawn(command).wait();
    assert_eq!(ended.stderr, "exit code 0\n");
}

/// A terminal, what was written to it, and a process that has it for its own.
struct Desk {
    /// What a person has: what is written here are keys.
    keys: File,
    /// The other end, held so that it can be looked at when the process has gone.
    tty: File,
    shown: Arc<Mutex<Vec<u8>>>,
    child: Child,
}

impl Desk {
    /// `command` on a terminal of so many columns and rows.
    fn of(mut command: Command, columns: u16, rows: u16) -> Desk {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it can be opened");
        let name = ptsname(&person, Vec::new()).expect("it has a name");
        let path = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
        let tty = File::options().read(true).write(true).open(path).expect("its other end");
        resize(&tty, columns, rows);
        let stdio = || Stdio::from(tty.try_clone().expect("a descriptor"));
        let child = command.env("TERM", "xterm").stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn();
        let keys = File::from(person);
        let (mut reader, shown) = (keys.try_clone().expect("a descriptor"), Arc::<Mutex<Vec<u8>>>::default());
        let written = Arc::clone(&shown);
        // Ends with an error once nobody has the terminal open any more.
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut part) {
                written.lock().expect("no panic under this lock").extend_from_slice(&part[..count]);
            }
        });
        Desk { keys, tty, shown, child: child.expect("it starts") }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("no panic under this lock")).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        until(&format!("{text:?} on the terminal"), || self.shown().contains(text));
    }

    /// Whether keys come as they are, and unseen.
    fn is_taken(&self) -> bool {
        let modes = tcgetattr(&self.tty).expect("modes").local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// It has ended with `code`, and the terminal is what it was.
    #[track_caller]
    fn is_given_back(&mut self, code: i32) {
        let mut status = None;
        until("the end", || {
            status = self.child.try_wait().expect("it is a child");
            status.is_some()
        });
        assert_eq!(status.expect("it has ended").code(), Some(code), "{}", self.shown());
        self.wait_for(LEAVE);
        let modes = tcgetattr(&self.tty).expect("modes").local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Nothing to do when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(tty: &File, columns: u16, rows: u16) {
    let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(tty, size).expect("a size");
}

/// The lines of the last whole picture in what was `shown`.
fn picture(shown: &str) -> Vec<String> {
    let pictures: Vec<&str> = shown.split("\x1b[H").collect();
    let last = pictures[pictures.len() - 2];
    // The terminal puts a return before each line end, one that has its own too.
    last.split('\n').map(|line| line.trim_end_matches('\r').replace("\x1b[K", "").replace("\x1b[J", "")).collect()
}

#[test]
fn a_terminal_is_drawn_in_place_and_given_back_at_q() {
    let scene = Scene::over("reactor");
    let mut desk = Desk::of(scene.command(&["top", "--interval", "100ms"]), 40, 5);
    desk.wait_for("requests");
    until("two more pictures", || desk.shown().matches("\x1b[H").count() > 3);
    assert!(desk.is_taken(), "keys are not echoed, and come without a line end");
    let picture = picture(&desk.shown());
    assert_eq!(picture.len(), 5, "{picture:?}");
    assert!(picture[0].starts_with("20") && picture[0].chars().count() == 40, "{picture:?}");
    assert!(picture[4].starts_with("documents  0  0 B  "), "{picture:?}");

    // Any other key, an arrow among them, means nothing.
    desk.keys.write_all(b"x\x1b[A\r\x1a").expect("keys");
    resize(&desk.tty, 60, 9);
    kill_process(Pid::from_child(&desk.child), Signal::WINCH).expect("it is there");
    desk.wait_for("snapshot ");
    desk.keys.write_all(b"q").expect("a key");
    desk.is_given_back(0);
    assert!(desk.shown().starts_with("\x1b[?1049h\x1b[?25l"), "{:?}", desk.shown());
}

#[test]
fn whatever_ends_it_the_terminal_is_given_back() {
    let scene = Scene::over("reactor");
    let begin = || {
        let desk = Desk::of(scene.command(&["top", "--interval", "100ms"]), 80, 24);
        desk.wait_for("changes ");
        desk
    };
    let mut desk = begin();
    desk.keys.write_all(b"\x03").expect("Ctrl-C");
    desk.is_given_back(0);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut desk = begin();
        kill_process(Pid::from_child(&desk.child), signal).expect("it is there");
        desk.is_given_back(0);
    }
    // An error is said where it can be read: behind the picture.
    let server = Scripted::new(&[
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\na 1\n",
        "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ]);
    let command = scene.ground.command(&["top", "--interval", "100ms", "--url", &server.url]);
    let mut desk = Desk::of(command, 80, 24);
    desk.is_given_back(3);
    desk.wait_for("error: 401");
    let shown = desk.shown();
    assert!(shown.find(LEAVE) < shown.find("error: 401"), "{shown:?}");
}

#[test]
fn on_a_terminal_a_server_that_is_gone_is_said_to_be_above_the_last_picture() {
    let scene = Scene::over("reactor");
    let mut desk = Desk::of(scene.command(&["top", "--interval", "100ms"]), 80, 24);
    desk.wait_for("changes ");
    scene.server.kill();
    desk.wait_for("\x1b[KNO ANSWER  no answer from ");
    desk.keys.write_all(b"q").expect("a key");
    desk.is_given_back(0);
}

#[test]
fn a_terminal_that_can_do_nothing_gets_lines() {
    let scene = Scene::over("reactor");
    let mut command = Command::new("env");
    let top = scene.command(&["top", "--interval", "100ms"]);
    command.arg("TERM=dumb").arg(top.get_program()).args(top.get_args());
    let desk = Desk::of(command, 80, 24);
    desk.wait_for("snapshot ");
    assert!(!desk.shown().contains('\x1b'), "{:?}", desk.shown());
}

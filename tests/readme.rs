//! The examples in README.md run, and answer what it says they answer.
//!
//! Blocks marked `console` are run in order against one server: a line that begins with `$ ` is a command, what
//! follows is its output, and `…` in it stands for anything within a line. `$ restart` stops the server cleanly and
//! starts it on the same folder, as the text around it tells the reader to do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const README: &str = include_str!("../README.md");

/// A command and the lines it must print.
struct Example<'r> {
    command: &'r str,
    output: Vec<&'r str>,
}

fn examples(readme: &str) -> Vec<Example<'_>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut in_block = false;
    for line in readme.lines() {
        match line {
            "```console" => in_block = true,
            "```" => in_block = false,
            line if in_block => match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push(Example { command, output: Vec::new() }),
                (None, Some(example)) => example.output.push(line),
                (None, None) => panic!("a console block begins with a command: {line}"),
            },
            _ => {}
        }
    }
    examples
}

/// A server as `make run` starts it, but on a port and in a folder of its own.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(folder: &std::path::Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_memory-tools"))
            .args(["--port", "127.0.0.1:0"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let banner = BufReader::new(child.stdout.take().expect("piped"));
        let ready = banner.lines().map_while(Result::ok).find(|line| line.starts_with("ready "));
        let ready = ready.expect("the banner says when the server is ready");
        let url = ready.split_whitespace().nth(1).expect("and where").trim_start_matches("http://").to_owned();
        Server { child, url }
    }

    fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("the server runs");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &str, url: &str) -> Vec<String> {
    let command = command.replace("localhost:8080", url).replacen("curl ", "curl -sS --max-time 20 ", 1);
    let output = Command::new("sh").args(["-c", &command]).output().expect("sh runs");
    assert!(output.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim_end().to_owned()).collect()
}

/// True when `line` is `pattern` with something in the place of each `…`.
fn fits(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once('…') else { return pattern == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| fits(after, &rest[at..]))
}

#[test]
fn every_example_answers_as_the_readme_says() {
    let examples = examples(README);
    assert!(examples.len() >= 8, "the README shows the thing working");
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    for Example { command, output } in examples {
        if command == "restart" {
            server.stop();
            server = Server::start(folder.path());
            continue;
        }
        let printed = run(command, &server.url);
        let same =
            printed.len() == output.len() && output.iter().zip(&printed).all(|(pattern, line)| fits(pattern, line));
        assert!(same, "{command}\nprints\n{}\nbut the README says\n{}", printed.join("\n"), output.join("\n"));
    }
    server.stop();
}

#[test]
fn a_pattern_fits_what_it_leaves_open_and_nothing_else() {
    assert!(fits("a…c", "abbc") && fits("a…", "a") && fits("…é…", "xé") && fits("a", "a"));
    assert!(!fits("a…c", "abb") && !fits("a", "ab") && !fits("b…", "ab"));
}

//! The examples in README.md run, and answer what it says they answer.
//!
//! Blocks marked `console` are run in order against one server: a line that begins with `$ ` is a command, what
//! follows is its output, and `…` in it stands for anything within a line. `$ restart` stops the server cleanly and
//! starts it on the same folder, as the text around it tells the reader to do. `memory-tools` is the binary that is
//! tested, `localhost:8080` the server, and files lie in its working directory.
//!
//! `UPDATE=1 cargo test --test readme` writes what does not fit anew; then put a `…` where each run differs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const README: &str = include_str!("../README.md");

/// A command and the lines it must print.
struct Example<'r> {
    command: &'r str,
    output: Vec<&'r str>,
    /// Where the output begins, in lines of the README.
    at: usize,
}

fn examples(readme: &str) -> Vec<Example<'_>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut in_block = false;
    for (number, line) in readme.lines().enumerate() {
        match line {
            "```console" => in_block = true,
            "```" => in_block = false,
            line if in_block => match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push(Example { command, output: Vec::new(), at: number + 1 }),
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
    fn start(folder: &Path) -> Server {
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

/// What `command` prints in `folder`, on both of its outputs.
fn run(command: &str, url: &str, folder: &Path) -> Vec<String> {
    let command = command.replace("localhost:8080", url).replace("curl ", "curl -sS --max-time 20 ");
    let binaries = Path::new(env!("CARGO_BIN_EXE_memory-tools")).parent().expect("a folder");
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").expect("a PATH"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{{ {command}\n}} 2>&1")]).current_dir(folder);
    let output = shell.env("PATH", path).env("MEMORY_TOOLS_URL", url).output().expect("sh runs");
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
    let mut printed_else: Vec<(Example<'_>, Vec<String>)> = Vec::new();
    for example in examples {
        let Example { command, output, .. } = &example;
        if *command == "restart" {
            server.stop();
            server = Server::start(folder.path());
            continue;
        }
        let printed = run(command, &server.url, folder.path());
        let same =
            printed.len() == output.len() && output.iter().zip(&printed).all(|(pattern, line)| fits(pattern, line));
        if !same {
            printed_else.push((example, printed));
        }
    }
    server.stop();
    if std::env::var_os("UPDATE").is_some() {
        update(&printed_else);
        return;
    }
    let differences = printed_else.iter().map(|(Example { command, output, .. }, printed)| {
        format!("{command}\nprints\n{}\nbut the README says\n{}\n", printed.join("\n"), output.join("\n"))
    });
    assert!(printed_else.is_empty(), "{}", differences.collect::<String>());
}

/// Puts into the README what was printed in place of what it says.
fn update(printed_else: &[(Example<'_>, Vec<String>)]) {
    let mut lines: Vec<&str> = README.lines().collect();
    for (Example { output, at, .. }, printed) in printed_else.iter().rev() {
        lines.splice(*at..at + output.len(), printed.iter().map(String::as_str));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::write(path, lines.join("\n") + "\n").expect("the README is ours");
}

#[test]
fn a_pattern_fits_what_it_leaves_open_and_nothing_else() {
    assert!(fits("a…c", "abbc") && fits("a…", "a") && fits("…é…", "xé") && fits("a", "a"));
    assert!(!fits("a…c", "abb") && !fits("a", "ab") && !fits("b…", "ab"));
}

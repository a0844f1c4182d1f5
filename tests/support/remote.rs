//! The commands that speak to a server, and a server that they are pointed at: a real one, or one that answers as a
//! script says.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

use super::process::{Ground, PATIENCE, Server};

/// A ground, and a server on it that the client is pointed at.
pub struct Scene {
    /// The working directory of both.
    pub ground: Ground,
    /// The server.
    pub server: Server,
    /// Where it is.
    pub url: String,
}

impl Scene {
    /// A server over `front`, without a journal.
    pub fn over(front: &'static str) -> Scene {
        let ground = Ground::over(front);
        let server = ground.start(&["--journal", "off"]);
        let url = format!("http://{}", server.address);
        Scene { ground, server, url }
    }

    /// The command `memory-tools ARGUMENTS --url URL`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let (command, rest) = arguments.split_first().expect("a command");
        self.ground.command(&[&[*command, "--url", &self.url][..], rest].concat())
    }

    /// Runs `memory-tools ARGUMENTS --url URL`: the exit code, standard output, standard error.
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        told(self.command(arguments).output().expect("it runs"))
    }

    /// As `run`, with the file `input` as standard input.
    pub fn run_with(&self, input: &str, arguments: &[&str]) -> (i32, String, String) {
        let input = File::open(self.ground.path(input)).expect("a file");
        told(self.command(arguments).stdin(input).output().expect("it runs"))
    }

    /// It did what was asked and printed `stdout`.
    #[track_caller]
    pub fn done(&self, arguments: &[&str], stdout: &str) {
        assert_eq!(self.run(arguments), (0, stdout.to_owned(), String::new()), "{arguments:?}");
    }

    /// It ended with `code`, printed nothing, and said one line that begins like this.
    #[track_caller]
    pub fn fails(&self, code: i32, arguments: &[&str], begins: &str) {
        let (found, stdout, stderr) = self.run(arguments);
        assert_eq!((found, stdout.as_str(), stderr.lines().count()), (code, "", 1), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(begins), "{arguments:?}: {stderr}");
    }
}

/// The exit code, standard output and standard error of what has ended.
pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

/// A server that gives each request that comes the next answer, whatever it asks for, and closes behind it.
pub struct Scripted {
    /// Where it is.
    pub url: String,
    thread: JoinHandle<Vec<String>>,
}

impl Scripted {
    /// It gives these answers, which are sent as they are.
    pub fn new(answers: &'static [&'static str]) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = listener.local_addr().expect("an address").to_string();
        let thread = thread::spawn(move || {
            let give = |answer: &&str| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let line = first_line(&mut stream);
                stream.write_all(answer.as_bytes()).expect("it is taken");
                line
            };
            answers.iter().map(give).collect()
        });
        Scripted { url, thread }
    }

    /// The first line of each request, once all the answers are given.
    pub fn requests(self) -> Vec<String> {
        self.thread.join().expect("no panic")
    }
}

/// Reads a head, and gives its first line.
fn first_line(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("UTF-8").lines().next().unwrap_or_default().to_owned()
}

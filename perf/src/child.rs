//! A server as a child process: on a free loopback port, in a scratch folder of its own, gone when dropped.
//!
//! Invariant: no process and no file outlives its `Server`. The child starts in its scratch folder and without any
//! `MEMORY_TOOLS_` variable, so that neither a config.json nor the shell around us changes what is measured. It is
//! killed rather than stopped: its last snapshot would be written for nobody.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use tempfile::TempDir;

/// How long a server may take to become ready.
const READY_MAX: Duration = Duration::from_secs(10);

/// The pause between two knocks at the door of a starting server: the resolution of the ready time.
const KNOCK_PAUSE: Duration = Duration::from_micros(200);

/// Ports tried before giving up: between our letting go of one and the child's taking it, another may have it.
const PORTS_TRIED: usize = 3;

/// A program that serves on `--port ADDRESS`.
#[derive(Clone, Debug)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// Its arguments beside the address. It runs in its scratch folder, which relative paths mean.
    pub arguments: Vec<OsString>,
}

/// A running server.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From before its start to its first 200 on `/readyz`.
    pub ready_after: Duration,
    scratch: TempDir,
}

impl Server {
    /// Starts `program` and waits until it is ready.
    ///
    /// # Errors
    /// It cannot be started, ends, or does not become ready in time; the message ends with what it printed.
    pub fn start(program: &Program) -> Result<Server> {
        let path = fs::canonicalize(&program.path)
            .with_context(|| format!("no server at {}; build it first", program.path.display()))?;
        let mut tried = 1;
        loop {
            match Server::attempt(&path, &program.arguments) {
                Err(error) if tried == PORTS_TRIED => return Err(error),
                Err(_) => tried += 1,
                Ok(server) => return Ok(server),
            }
        }
    }

    /// The child's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Adds to a failure what the server printed last.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub fn explain<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| anyhow!("{error:#}; the server's last words: {}", self.last_words()))
    }

    fn last_words(&self) -> String {
        last_words(self.scratch.path())
    }

    fn attempt(path: &Path, arguments: &[OsString]) -> Result<Server> {
        let scratch = tempfile::Builder::new().prefix("memory-tools-bench-").tempdir().context("no scratch folder")?;
        let address = free_address()?;
        let log = File::create(log_path(scratch.path()))?;
        let mut command = Command::new(path);
        command.arg("--port").arg(address.to_string()).args(arguments).current_dir(scratch.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MEMORY_TOOLS_")) {
            command.env_remove(name);
        }
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", path.display()))?;
        let mut server = Server { child, address, ready_after: Duration::ZERO, scratch };
        while !is_ready(address) {
            if let Some(status) = server.child.try_wait()? {
                return server.explain(Err(anyhow!("{} ended with {status} before it was ready", path.display())));
            }
            if started.elapsed() > READY_MAX {
                return server.explain(Err(anyhow!("{} is not ready after {READY_MAX:?}", path.display())));
            }
            std::thread::sleep(KNOCK_PAUSE);
        }
        server.ready_after = started.elapsed();
        // Were the port another's, that one would have answered, and our child would be on its way out.
        ensure!(server.child.try_wait()?.is_none(), "another process answers on {address}");
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the child is gone, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?)
}

/// True when `/readyz` answers 200 on a fresh connection.
fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, READY_MAX)?;
        stream.set_read_timeout(Some(READY_MAX))?;
        stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line)?;
        Ok(&status_line == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

fn log_path(scratch: &Path) -> PathBuf {
    scratch.join("server.log")
}

fn last_words(scratch: &Path) -> String {
    const LINES: usize = 5;
    let printed = fs::read(log_path(scratch)).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    if last.is_empty() { "none".to_owned() } else { last.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_binary_is_named() {
        let program = Program { path: "/nowhere/memory-tools".into(), arguments: Vec::new() };
        let error = Server::start(&program).err().unwrap();
        assert_eq!(error.to_string(), "no server at /nowhere/memory-tools; build it first");
    }

    #[test]
    fn a_server_that_ends_is_reported_with_its_last_words() {
        // A shell refuses --port, as a server refuses an option that it does not know.
        let program = Program { path: "/bin/sh".into(), arguments: Vec::new() };
        let error = Server::start(&program).err().unwrap().to_string();
        let (what, last_words) = error.split_once("; the server's last words: ").unwrap();
        assert!(what.ends_with(" ended with exit status: 2 before it was ready"), "{error}");
        assert!(last_words.contains("option"), "{error}");
    }

    #[test]
    fn only_a_200_is_ready() {
        let answer = |reply: &'static str| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let serving = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(reply.as_bytes()).unwrap();
            });
            let ready = is_ready(address);
            serving.join().unwrap();
            ready
        };
        assert!(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(!answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
        assert!(!answer(""));
        assert!(!is_ready(free_address().unwrap()));
    }

    #[test]
    fn last_words_are_the_last_lines_that_say_something() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(last_words(scratch.path()), "none");
        fs::write(log_path(scratch.path()), "1\n2\n\n3\n4\n5\n6\n\n").unwrap();
        assert_eq!(last_words(scratch.path()), "2\n3\n4\n5\n6");
    }
}

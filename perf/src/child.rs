//! A server as a child process: on a free loopback port, in a scratch folder of its own, gone when dropped.
//!
//! Invariant: no process and no file outlives its `Server`. The child starts in its scratch folder and without any
//! `MEMORY_TOOLS_` variable, so that neither a config.json nor the shell around us changes what is measured. It is
//! killed rather than stopped, unless it has children to take along: its last snapshot would be written for nobody.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::proc;

/// How long a server may take to become ready, unless it has much to load.
const READY_MAX: Duration = Duration::from_secs(10);

/// How long a server with children may take to stop with them.
const STOP_MAX: Duration = Duration::from_secs(2);

/// The pause between two knocks at the door of a starting server: the resolution of the ready time.
const KNOCK_PAUSE: Duration = Duration::from_micros(200);

/// Ports tried before giving up: between our letting go of one and the child's taking it, another may have it.
const PORTS_TRIED: usize = 3;

/// A program that can be made to serve.
pub trait Serve {
    /// The binary.
    fn binary(&self) -> &Path;

    /// Its arguments, to listen on `address` alone and keep its files in `scratch`, where it is started and where its
    /// configuration may be written.
    ///
    /// # Errors
    /// The configuration cannot be written.
    fn arguments(&self, address: SocketAddr, scratch: &Path) -> Result<Vec<OsString>>;

    /// How to find out whether it is ready.
    fn knock(&self, address: SocketAddr) -> Knock;

    /// How long it may take to become ready.
    fn patience(&self) -> Duration {
        READY_MAX
    }
}

/// What a server is asked on a fresh connection, and how its answer begins when all is well.
pub struct Knock {
    request: Vec<u8>,
    answer: &'static [u8],
}

impl Knock {
    /// Sends `request` and wants an answer that begins with `answer`.
    pub fn new(request: Vec<u8>, answer: &'static [u8]) -> Knock {
        Knock { request, answer }
    }

    /// Asks for `target` over HTTP and wants a 200.
    pub fn http(address: SocketAddr, target: &str) -> Knock {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        Knock { request: request.into_bytes(), answer: b"HTTP/1.1 200" }
    }

    /// Sends PING to a Redis.
    pub fn redis() -> Knock {
        Knock { request: b"PING\r\n".to_vec(), answer: b"+PONG" }
    }

    /// True when the answer begins as it should, within `patience`.
    pub fn is_answered(&self, address: SocketAddr, patience: Duration) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect_timeout(&address, patience)?;
            stream.set_read_timeout(Some(patience))?;
            stream.write_all(&self.request)?;
            let mut beginning = vec![0; self.answer.len()];
            stream.read_exact(&mut beginning)?;
            Ok(beginning == self.answer)
        };
        ask().unwrap_or(false)
    }
}

/// A program that serves on `--port ADDRESS` and answers on `/readyz`, as ours do.
#[derive(Clone, Debug)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// Its arguments beside the address. It runs in its scratch folder, which relative paths mean.
    pub arguments: Vec<OsString>,
    /// How long it may take to become ready.
    pub patience: Duration,
}

impl Serve for Program {
    fn binary(&self) -> &Path {
        &self.path
    }

    fn arguments(&self, address: SocketAddr, _: &Path) -> Result<Vec<OsString>> {
        let port = ["--port".into(), address.to_string().into()];
        Ok(port.into_iter().chain(self.arguments.iter().cloned()).collect())
    }

    fn knock(&self, address: SocketAddr) -> Knock {
        Knock::http(address, "/readyz")
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}

impl Program {
    /// The binary `path` with `arguments`.
    pub fn new(path: PathBuf, arguments: Vec<OsString>) -> Program {
        Program { path, arguments, patience: READY_MAX }
    }
}

/// A running server.
pub struct Server {
    child: Child,
    /// Its processes when it became ready, the child first.
    family: Vec<u32>,
    /// Where it listens.
    pub address: SocketAddr,
    /// From before its start to the first right answer to a knock.
    pub ready_after: Duration,
    scratch: TempDir,
}

impl Server {
    /// Starts `program` and waits until it is ready.
    ///
    /// # Errors
    /// It cannot be started, ends, or does not become ready in time; the message ends with what it printed.
    pub fn start(program: &dyn Serve) -> Result<Server> {
        // Not resolved to what it links to: a program may ask by which name it was called.
        let path = std::path::absolute(program.binary())?;
        ensure!(path.is_file(), "no server at {}; build it first", program.binary().display());
        let mut tried = 1;
        loop {
            match Server::attempt(&path, program) {
                Err(error) if tried == PORTS_TRIED => return Err(error),
                Err(_) => tried += 1,
                Ok(server) => return Ok(server),
            }
        }
    }

    /// The ids of its processes, the one that we started first.
    pub fn pids(&self) -> &[u32] {
        &self.family
    }

    /// Adds to a failure what the server printed last.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub fn explain<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| anyhow!("{error:#}; the server's last words: {}", self.last_words()))
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_path(self.scratch.path())).unwrap_or_default()).into_owned()
    }

    fn last_words(&self) -> String {
        last_words(self.scratch.path())
    }

    fn attempt(path: &Path, program: &dyn Serve) -> Result<Server> {
        let scratch = tempfile::Builder::new().prefix("memory-tools-bench-").tempdir().context("no scratch folder")?;
        let address = free_address()?;
        let log = File::create(log_path(scratch.path()))?;
        let mut command = Command::new(path);
        command.args(program.arguments(address, scratch.path())?).current_dir(scratch.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MEMORY_TOOLS_")) {
            command.env_remove(name);
        }
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", path.display()))?;
        let knock = program.knock(address);
        let mut server = Server { child, family: Vec::new(), address, ready_after: Duration::ZERO, scratch };
        while !knock.is_answered(address, READY_MAX) {
            if let Some(status) = server.child.try_wait()? {
                return server.explain(Err(anyhow!("{} ended with {status} before it was ready", path.display())));
            }
            if started.elapsed() > program.patience() {
                let patience = program.patience();
                return server.explain(Err(anyhow!("{} is not ready after {patience:?}", path.display())));
            }
            std::thread::sleep(KNOCK_PAUSE);
        }
        server.ready_after = started.elapsed();
        // Were the port another's, that one would have answered, and our child would be on its way out.
        ensure!(server.child.try_wait()?.is_none(), "another process answers on {address}");
        server.family = proc::family(server.child.id())?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever fails here fails because the process is gone, which is what it is for.
        if self.family.len() > 1 {
            // Asked to stop, it ends its children itself and waits for them; killed, it would leave them to us.
            let _ = signal(self.child.id(), Signal::TERM);
            let asked = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < STOP_MAX {
                std::thread::sleep(KNOCK_PAUSE);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        for &pid in self.family.iter().skip(1) {
            let _ = signal(pid, Signal::KILL);
        }
    }
}

fn signal(pid: u32, signal: Signal) -> Option<()> {
    kill_process(Pid::from_raw(i32::try_from(pid).ok()?)?, signal).ok()
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?)
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
        let program = Program::new("/nowhere/memory-tools".into(), Vec::new());
        let error = Server::start(&program).err().unwrap();
        assert_eq!(error.to_string(), "no server at /nowhere/memory-tools; build it first");
    }

    /// A shell that starts another one, which would outlive it.
    struct Household;

    impl Serve for Household {
        fn binary(&self) -> &Path {
            Path::new("/bin/sh")
        }

        fn arguments(&self, address: SocketAddr, scratch: &Path) -> Result<Vec<OsString>> {
            // Shells cannot listen. The test answers in their place as soon as both are there.
            let listener = TcpListener::bind(address)?;
            let inner = scratch.join("inner");
            std::thread::spawn(move || {
                while let Ok((mut stream, _)) = listener.accept() {
                    if fs::read_to_string(&inner).is_ok_and(|text| text.ends_with('\n')) {
                        return stream.write_all(b"+PONG\r\n");
                    }
                }
                Ok(())
            });
            let script = "mkfifo wait; (read line < wait; true) & echo $! > inner; read line < wait; true";
            Ok(vec!["-c".into(), script.into()])
        }

        fn knock(&self, _: SocketAddr) -> Knock {
            Knock::redis()
        }
    }

    /// True when process `pid` no longer runs, though its parent may not have asked about it yet.
    fn has_ended(pid: u32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_none_or(|(_, after)| after.trim_start().starts_with('Z'))
    }

    #[test]
    fn a_server_takes_its_children_and_its_folder_with_it() {
        let server = Server::start(&Household).unwrap();
        let folder = server.scratch.path().to_owned();
        let inner: u32 = fs::read_to_string(folder.join("inner")).unwrap().trim().parse().unwrap();
        assert_eq!(server.pids(), [server.child.id(), inner]);
        assert!(!has_ended(inner));
        drop(server);
        assert!(!folder.exists());
        let deadline = Instant::now() + READY_MAX;
        while !has_ended(inner) {
            assert!(Instant::now() < deadline, "process {inner} lives on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_server_that_ends_is_reported_with_its_last_words() {
        // A shell refuses --port, as a server refuses an option that it does not know.
        let program = Program::new("/bin/sh".into(), Vec::new());
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
            let ready = Knock::http(address, "/readyz").is_answered(address, READY_MAX);
            serving.join().unwrap();
            ready
        };
        assert!(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(!answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
        assert!(!answer(""));
        assert!(!answer("+PONG\r\n"));
        let nobody = free_address().unwrap();
        assert!(!Knock::redis().is_answered(nobody, READY_MAX));
    }

    #[test]
    fn last_words_are_the_last_lines_that_say_something() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(last_words(scratch.path()), "none");
        fs::write(log_path(scratch.path()), "1\n2\n\n3\n4\n5\n6\n\n").unwrap();
        assert_eq!(last_words(scratch.path()), "2\n3\n4\n5\n6");
    }
}

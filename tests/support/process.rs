//! The real binary as a process: started in a folder of its own, listened to, signalled, waited for.
//!
//! Invariant: every wait has an end, and what a test has started is dead when the test is over, however it ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;

use super::http::Client;

/// How long a test waits for what must happen; far beyond what it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Where the data folder is, as seen from the working directory: the default.
const DATA: &str = "data";

/// The values of `--front`.
pub const FRONTS: [&str; 2] = ["pool", "reactor"];

/// The binary that is tested: the one that SERVER_BINARY names, as `make test-slow` does, or the one built with the test.
pub fn binary() -> PathBuf {
    std::env::var_os("SERVER_BINARY").map_or(PathBuf::from(env!("CARGO_BIN_EXE_memory-tools")), PathBuf::from)
}

/// A working directory for servers. Nothing is in it at first.
pub struct Ground {
    folder: TempDir,
    /// The front of the servers that are started here; `None` is the default.
    front: Option<&'static str>,
}

impl Ground {
    /// An empty one.
    pub fn new() -> Ground {
        Ground { folder: tempfile::tempdir().expect("a folder"), front: None }
    }

    /// An empty one, whose servers have this front.
    pub fn over(front: &'static str) -> Ground {
        Ground { front: Some(front), ..Ground::new() }
    }

    /// The path of `name` in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path of `name` in the data folder.
    pub fn data(&self, name: &str) -> PathBuf {
        self.path(DATA).join(name)
    }

    /// Writes the file `name`, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a path in a folder")).expect("folders");
        fs::write(path, content).expect("a file");
    }

    /// What is in the working directory: every folder, and every file with its size and checksum. Left out is LOCK,
    /// which holds the pid of whoever tried last.
    pub fn content(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        collect(self.folder.path(), &mut found);
        found.remove(&self.data("LOCK"));
        found
    }

    /// The command `memory-tools ARGUMENTS` in this working directory, with an empty environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command
    }

    /// Runs `memory-tools ARGUMENTS` to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Process::spawn(self.command(arguments)).wait()
    }

    /// Starts a server on a free port of the loopback interface, with `flags` beside that.
    pub fn start(&self, flags: &[&str]) -> Server {
        let mut command = self.command(&["--port", "127.0.0.1:0"]);
        command.args(self.front.map(|front| ["--front", front]).iter().flatten()).args(flags);
        Server::start(command)
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).expect("a listing") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
            found.insert(path, "folder".to_owned());
        } else {
            let content = fs::read(&path).expect("a file");
            found.insert(path, format!("{} bytes, CRC32C {:08x}", content.len(), crc32c::crc32c(&content)));
        }
    }
}

/// Sends `signal` to the process `pid`.
///
/// # Errors
/// The operating system's; most likely the process is gone.
pub fn signal(pid: u32, signal: Signal) -> std::io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the id of a process");
    Ok(kill_process(pid, signal)?)
}

/// How a process ended, and everything it said.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ended {
    /// It ended with `code` and said one line, on standard error: gives that line.
    #[track_caller]
    pub fn in_one_line(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!((self.stdout.as_str(), self.stderr.lines().count()), ("", 1), "{self:?}");
        self.stderr.trim_end()
    }
}

/// A process, drained by threads so that it never waits for its reader.
pub struct Process {
    child: Child,
    stdout: Drain,
    stderr: Drain,
}

impl Process {
    /// Starts `command`.
    pub fn spawn(command: Command) -> Process {
        Process::spawn_onto(command, Stdio::piped())
    }

    /// Starts `command` with this standard error, which nobody drains unless it is piped.
    pub fn spawn_onto(mut command: Command, stderr: Stdio) -> Process {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("the binary starts");
        let stdout = Drain::of(child.stdout.take().expect("a pipe"));
        let stderr = child.stderr.take().map_or_else(|| Drain::of(std::io::empty()), Drain::of);
        Process { child, stdout, stderr }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal`.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// The id of its thread `name`, which may still be about to begin.
    #[track_caller]
    pub fn thread(&self, name: &str) -> u32 {
        let is_named = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
        let mut found = None;
        until(&format!("a thread {name}"), || {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the process is there");
            found = tasks.map(|task| task.expect("an entry").path()).find(is_named);
            found.is_some()
        });
        let id = found.as_ref().and_then(|task| task.file_name()?.to_str()?.parse().ok());
        id.expect("a folder named by an id")
    }

    /// Waits until standard error contains `text`.
    #[track_caller]
    pub fn wait_for_stderr(&self, text: &str) {
        let found = self.stderr.wait_for(|said| said.contains(text).then_some(()));
        found.unwrap_or_else(|said| panic!("{text:?} was not said: {said}"));
    }

    /// What it has said on standard error until now.
    pub fn stderr_until_now(&self) -> String {
        self.stderr.said()
    }

    /// Waits until standard output contains `text`.
    #[track_caller]
    pub fn wait_for_stdout(&self, text: &str) {
        let found = self.stdout.wait_for(|said| said.contains(text).then_some(()));
        found.unwrap_or_else(|said| panic!("{text:?} was not said: {said}"));
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty()).expect("a descriptor of the process");
        let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&patience)).expect("poll");
        assert_eq!(ended, 1, "still there after {PATIENCE:?}: {:?} {:?}", self.stdout.said(), self.stderr.said());
        let status = self.child.wait().expect("it has ended");
        Ended {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.to_the_end(),
            stderr: self.stderr.to_the_end(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing to do when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that has said that it is ready.
pub struct Server {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it said on standard output.
    pub banner: String,
}

impl Server {
    /// Starts `command` and waits until it is ready.
    #[track_caller]
    pub fn start(command: Command) -> Server {
        Server::of(Process::spawn(command)).unwrap_or_else(|ended| panic!("it did not get ready: {ended:?}"))
    }

    /// Waits until `process` is ready.
    ///
    /// # Errors
    /// How it ended, when that came first.
    #[track_caller]
    pub fn of(process: Process) -> Result<Server, Ended> {
        let Ok((address, banner)) = process.stdout.wait_for(|said| {
            // The line to try is the last one.
            let tried = said.lines().any(|line| line.starts_with("try ")) && said.ends_with('\n');
            let ready = said.lines().find_map(|line| line.strip_prefix("ready "))?;
            let first = ready.split_whitespace().next()?.trim_end_matches(',');
            let address = first.strip_prefix("http://").or(first.strip_prefix("https://"))?.parse().ok()?;
            tried.then(|| (address, said.to_owned()))
        }) else {
            return Err(process.wait());
        };
        Ok(Server { process, address, banner })
    }

    /// A connection to it.
    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Asks it to stop and waits until it has, cleanly.
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.process.signal(Signal::TERM);
        let ended = self.process.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// Kills it.
    pub fn kill(self) -> Ended {
        self.process.signal(Signal::KILL);
        self.process.wait()
    }
}

/// What a process has said on one of its streams, collected by a thread.
struct Drain {
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

impl Drain {
    fn of(mut stream: impl Read + Send + 'static) -> Drain {
        let heard = Arc::<(Mutex<Heard>, Condvar)>::default();
        let (told, mut buffer) = (Arc::clone(&heard), [0; 4096]);
        std::thread::spawn(move || {
            loop {
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut state = told.0.lock().expect("no panic under this lock");
                state.bytes.extend_from_slice(&buffer[..count]);
                state.ended = count == 0;
                told.1.notify_all();
                if state.ended {
                    return;
                }
            }
        });
        Drain { heard }
    }

    /// Waits until `find` finds something in what was said; what was said when it does not before the stream ends.
    fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + PATIENCE;
        let (state, changed) = &*self.heard;
        let mut state = state.lock().expect("no panic under this lock");
        loop {
            let said = String::from_utf8_lossy(&state.bytes).into_owned();
            if let Some(found) = find(&said) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return Err(said);
            }
            state = changed.wait_timeout(state, left).expect("no panic under this lock").0;
        }
    }

    /// What was said until now.
    fn said(&self) -> String {
        String::from_utf8_lossy(&self.heard.0.lock().expect("no panic under this lock").bytes).into_owned()
    }

    /// Everything that was said, once the stream has ended.
    fn to_the_end(&self) -> String {
        match self.wait_for(|_| None::<()>) {
            Err(said) => said,
            Ok(()) => self.said(),
        }
    }
}

//! The servers that take part, each with one thread that serves and its files on the same disk: ours in a mode of its
//! journal, Redis in the mode of the same promise.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::child::{Program, Serve, Server};
use crate::loading;
use crate::options::Options;
use crate::peers::program::{self, Redis};
use crate::progress::Progress;
use crate::template::Template;
use crate::workload::Workload;

/// How long ours may load its files.
const LOADING_MAX: Duration = Duration::from_secs(300);

/// A server and how it makes writes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Ours without a journal.
    Off,
    /// Ours, at most the last second lost with the power.
    Everysec,
    /// Ours, nothing lost.
    Always,
    /// Redis, keeping only what it is told to dump.
    Redis,
    /// Redis, at most about the last second lost with the power.
    RedisEverysec,
    /// Redis, nothing lost.
    RedisAlways,
}

impl Who {
    /// Its name in tables and results.
    pub fn name(self) -> &'static str {
        match self {
            Who::Off => "journal off",
            Who::Everysec => "everysec",
            Who::Always => "always",
            Who::Redis => "Redis",
            Who::RedisEverysec => "Redis everysec",
            Who::RedisAlways => "Redis always",
        }
    }

    /// True when it speaks Redis's protocol.
    pub fn is_redis(self) -> bool {
        matches!(self, Who::Redis | Who::RedisEverysec | Who::RedisAlways)
    }

    /// How it is started, with its files in `folder` or else in a scratch folder; `None` when it is not installed.
    pub fn program(self, options: &Options, folder: Option<&Path>) -> Option<Box<dyn Serve>> {
        let mode = match self {
            Who::Off => "off",
            Who::Everysec | Who::RedisEverysec => "everysec",
            Who::Always | Who::RedisAlways => "always",
            Who::Redis => return redis(None, folder),
        };
        if self.is_redis() { redis(Some(mode), folder) } else { Some(Box::new(ours(options, mode, folder))) }
    }

    /// How documents are written to it, at `server`.
    pub fn writes(self, server: &Server, document: &Template) -> Workload {
        if self.is_redis() { Workload::redis_set(document) } else { Workload::put(server.address, document) }
    }

    /// How they are read.
    pub fn reads(self, server: &Server, document: &Template) -> Workload {
        if self.is_redis() { Workload::redis_get(document) } else { Workload::get(server.address, document) }
    }
}

fn redis(append: Option<&'static str>, folder: Option<&Path>) -> Option<Box<dyn Serve>> {
    let binary = program::find("redis-server")?;
    Some(Box::new(Redis { binary, append, folder: folder.map(Path::to_owned) }))
}

/// What a command line says last is what counts.
fn ours(options: &Options, mode: &str, folder: Option<&Path>) -> Program {
    let mut ours = program::ours(options);
    ours.arguments.push(format!("--journal={mode}").into());
    if let Some(folder) = folder {
        ours.arguments.extend([OsString::from("--data-dir"), folder.into()]);
    }
    ours.patience = LOADING_MAX;
    ours
}

/// A running server that takes part.
pub struct Contestant {
    /// Which one.
    pub who: Who,
    /// Its process.
    pub server: Server,
}

impl Contestant {
    /// Starts `who` on files in a scratch folder and puts `count` documents into it; `None` when it is not installed.
    ///
    /// # Errors
    /// It cannot be started or filled.
    pub fn filled(who: Who, options: &Options, document: &Template, progress: &Progress) -> Result<Option<Contestant>> {
        let Some(program) = who.program(options, None) else { return Ok(None) };
        let contestant = Contestant { who, server: Server::start(&*program)? };
        contestant.fill(document, options.keys, progress)?;
        Ok(Some(contestant))
    }

    /// Puts documents `0..count` into it.
    ///
    /// # Errors
    /// A wrong answer, or the server ended.
    pub fn fill(&self, document: &Template, count: u32, progress: &Progress) -> Result<()> {
        progress.step(&format!("loading {count} documents, {}", self.who.name()));
        loading::load(&self.server, &self.who.writes(&self.server, document), count, progress)?;
        Ok(())
    }
}

/// A program under strace, which writes every call of fsync and fdatasync of all its threads into a file.
pub struct Traced {
    strace: PathBuf,
    program: Box<dyn Serve>,
    calls: PathBuf,
}

impl Traced {
    /// `program`, its calls going to the file `calls`; `None` when strace is not installed.
    pub fn new(program: Box<dyn Serve>, calls: PathBuf) -> Option<Traced> {
        Some(Traced { strace: program::find("strace")?, program, calls })
    }
}

impl Serve for Traced {
    fn binary(&self) -> &Path {
        &self.strace
    }

    fn arguments(&self, address: std::net::SocketAddr, scratch: &Path) -> Result<Vec<OsString>> {
        // Only these calls stop for strace; the others cost nothing.
        let mut arguments: Vec<OsString> =
            ["-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o"].map(OsString::from).to_vec();
        arguments.extend([self.calls.clone().into(), "--".into(), std::path::absolute(self.program.binary())?.into()]);
        arguments.extend(self.program.arguments(address, scratch)?);
        Ok(arguments)
    }

    fn knock(&self, address: std::net::SocketAddr) -> crate::child::Knock {
        self.program.knock(address)
    }

    fn patience(&self) -> Duration {
        self.program.patience()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journals_mode_and_folder_overrule_what_is_measured_elsewhere() {
        let arguments = ours(&Options::default(), "always", Some(Path::new("/data"))).arguments;
        let at = |wanted: &str| arguments.iter().position(|argument| argument == wanted).unwrap();
        assert!(at("--journal=always") > at("--journal=off"));
        assert_eq!(&arguments[arguments.len() - 2..], ["--data-dir", "/data"]);
        assert!(at("--enable-snapshots=false") > 0);
    }

    #[test]
    fn a_traced_server_is_started_as_it_would_be_without() {
        let program = Box::new(Program::new("/bin/memory-tools".into(), vec!["--journal=always".into()]));
        let traced = Traced { strace: "/usr/bin/strace".into(), program, calls: "/tmp/calls".into() };
        let arguments = traced.arguments("127.0.0.1:81".parse().unwrap(), Path::new("/scratch")).unwrap();
        let end = ["/tmp/calls", "--", "/bin/memory-tools", "--port", "127.0.0.1:81", "--journal=always"];
        assert_eq!(&arguments[arguments.len() - end.len()..], end);
    }
}

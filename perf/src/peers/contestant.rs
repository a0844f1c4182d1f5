//! The servers that take part, started, filled and asked each in its own way.

use std::rc::Rc;

use anyhow::Result;

use crate::bare::Bare;
use crate::child::{Serve, Server};
use crate::loading;
use crate::options::Options;
use crate::peers::case::{Verb, Who};
use crate::peers::program::{self, Nginx, Redis, Webdis};
use crate::progress::Progress;
use crate::template::Template;
use crate::workload::Workload;

/// A running server that takes part.
pub struct Contestant {
    /// Which one.
    pub who: Who,
    /// Its process.
    pub server: Server,
    /// All processes whose CPU time an answer takes: of webdis, those of its Redis too.
    pub pids: Vec<u32>,
    program: Rc<dyn Serve>,
}

/// Starts what is installed and fills what stores; `notes` tells what is missing.
///
/// # Errors
/// A server that is installed cannot be started or filled.
pub fn start_all(
    options: &Options,
    document: &Template,
    progress: &Progress,
    notes: &mut Vec<String>,
) -> Result<Vec<Contestant>> {
    let mut find = |name: &str| {
        let found = program::find(name);
        if found.is_none() {
            notes.push(format!("{name} is left out: it is not installed (apt-get install {name})"));
        }
        found
    };
    let mut all = vec![
        Contestant::start(Who::Ours, Rc::new(program::ours(options)))?,
        Contestant::start(Who::Bare, Rc::new(Bare::new(document)?))?,
    ];
    if let Some(binary) = find("nginx") {
        all.push(Contestant::start(Who::Nginx, Rc::new(Nginx::new(binary, document)?))?);
    }
    if let Some(binary) = find("redis-server") {
        let behind = Contestant::start(Who::Redis, Rc::new(Redis::volatile(binary)))?;
        if let Some(binary) = find("webdis") {
            let redis = behind.server.address;
            let mut webdis = Contestant::start(Who::Webdis, Rc::new(Webdis { binary, redis }))?;
            webdis.pids.extend(&behind.pids);
            all.push(webdis);
        }
        all.push(behind);
    } else {
        notes.push("webdis is left out: it needs a Redis".to_owned());
    }
    for contestant in &all {
        contestant.fill(document, options.keys, progress)?;
    }
    Ok(all)
}

impl Contestant {
    /// Starts `program`.
    ///
    /// # Errors
    /// It cannot be started.
    fn start(who: Who, program: Rc<dyn Serve>) -> Result<Contestant> {
        let server = Server::start(&*program)?;
        let pids = server.pids().to_vec();
        Ok(Contestant { who, server, pids, program })
    }

    /// The same once more, beside this one and empty.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn another(&self) -> Result<Contestant> {
        Contestant::start(self.who, Rc::clone(&self.program))
    }

    /// Puts documents `0..count` into it, if it stores.
    ///
    /// # Errors
    /// A wrong answer.
    pub fn fill(&self, document: &Template, count: u32, progress: &Progress) -> Result<()> {
        if !matches!(self.who, Who::Ours | Who::Redis) {
            return Ok(());
        }
        progress.step(&format!("loading {count} documents, {}", self.who.name()));
        loading::load(&self.server, &self.workload(Verb::Put, document), count, progress)?;
        Ok(())
    }

    /// How it is asked, and what it must answer.
    pub fn workload(&self, verb: Verb, document: &Template) -> Workload {
        let address = self.server.address;
        match (self.who, verb) {
            (Who::Ours, Verb::Get) => Workload::get(address, document),
            (Who::Ours, Verb::Put) => Workload::put(address, document),
            (Who::Bare | Who::Nginx, Verb::Get) => Workload::get(address, document).answered_for_key_zero(),
            (Who::Bare | Who::Nginx, Verb::Put) => Workload::put(address, document).answered_for_key_zero(),
            (Who::Redis, Verb::Get) => Workload::redis_get(document),
            (Who::Redis, Verb::Put) => Workload::redis_set(document),
            (Who::Webdis, Verb::Get) => Workload::webdis_get(address, document),
            (Who::Webdis, Verb::Put) => Workload::webdis_set(address, document),
        }
    }
}

//! The command line of the generator: every knob, its default, and what may not be asked for.

mod help;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lexopt::prelude::*;

use crate::keys::Keys;
use crate::statistics::ROUNDS_MIN;
use crate::template::KEYS_MAX;
use crate::workload::{DOCUMENT_BYTES_MAX, DOCUMENT_BYTES_MIN};

pub use crate::options::help::HELP;

/// The largest journal: its documents stay in memory.
const JOURNAL_MB_MAX: u32 = 100_000;

/// Documents among which keys are listed, unless somebody says otherwise.
const API_DOCUMENTS: u32 = 10_000_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The bounds of the server by itself.
    Alone,
    /// Those beside others.
    Peers,
    /// Those of the journal.
    Journal,
    /// Those of the document API.
    Api,
    /// None: another build is what it is held against.
    Compare,
}

/// Which front of the server is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A thread for each connection.
    Pool,
    /// An event loop on each thread.
    Reactor,
}

impl Front {
    /// Its name on the server's command line.
    pub fn name(self) -> &'static str {
        match self {
            Front::Pool => "pool",
            Front::Reactor => "reactor",
        }
    }
}

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// CPU per request of the server beside that of its front alone.
    Front,
    /// From the start of the process to the first 200 on `/readyz`.
    Ready,
    /// Resident memory of many small documents.
    Memory,
}

/// How often each key is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// As often as any other.
    Uniform,
    /// A few of them much oftener.
    Zipf,
}

impl Distribution {
    /// Its name on our command line.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Uniform => "uniform",
            Distribution::Zipf => "zipf",
        }
    }
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is asked for.
    pub mode: Mode,
    /// The server's binary.
    pub server: PathBuf,
    /// The other server, in a comparison.
    pub other: PathBuf,
    /// The binary that is only its front.
    pub constant: PathBuf,
    /// Further arguments of the server.
    pub server_arguments: Vec<OsString>,
    /// The folder of the results.
    pub results: PathBuf,
    /// The parts to measure; empty means all.
    pub only: Vec<Part>,
    /// Connections of the front's runs.
    pub connections: usize,
    /// Bytes of a document there.
    pub document_bytes: usize,
    /// Documents there.
    pub keys: u32,
    /// How often each of them is asked for.
    pub distribution: Distribution,
    /// Rounds.
    pub rounds: u32,
    /// Length of a run.
    pub duration: Duration,
    /// Time before it that does not count.
    pub warm_up: Duration,
    /// Seed of the order of the keys.
    pub seed: u64,
    /// Starts for the ready time.
    pub starts: u32,
    /// Documents for the memory.
    pub memory_documents: u32,
    /// The server's front, beside others.
    pub front: Front,
    /// Requests sent together, where they are pipelined.
    pub depth: usize,
    /// Connections, where there are many.
    pub busy: usize,
    /// Connections whose memory is measured.
    pub idle: usize,
    /// Documents that are loaded from a snapshot, or among which keys are listed.
    pub documents: u32,
    /// Megabytes of the journal that is replayed.
    pub journal_mb: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: Mode::Alone,
            server: "target/release/memory-tools".into(),
            other: PathBuf::new(),
            constant: "target/release/memory-tools-constant".into(),
            server_arguments: Vec::new(),
            results: "perf/results".into(),
            only: Vec::new(),
            connections: 64,
            document_bytes: 1000,
            keys: 100_000,
            distribution: Distribution::Uniform,
            rounds: 7,
            duration: Duration::from_secs(2),
            warm_up: Duration::from_millis(300),
            seed: 1,
            starts: 7,
            memory_documents: 1_000_000,
            front: Front::Reactor,
            depth: 16,
            busy: 2000,
            idle: 10_000,
            documents: 1_000_000,
            journal_mb: 256,
        }
    }
}

impl Options {
    /// Reads `arguments`, without the program's name; `None` means that help was asked for.
    ///
    /// # Errors
    /// An unknown option or a value out of range, named.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Options>> {
        let mut arguments = arguments.into_iter().peekable();
        let beside = |mode| Options { mode, rounds: 5, ..Options::default() };
        let modes = [
            ("peers", beside(Mode::Peers)),
            ("journal", beside(Mode::Journal)),
            ("api", Options { documents: API_DOCUMENTS, ..beside(Mode::Api) }),
            ("compare", Options { rounds: 10, duration: Duration::from_secs(1), ..beside(Mode::Compare) }),
        ];
        let chosen = modes.into_iter().find(|(name, _)| arguments.next_if(|first| first == name).is_some());
        let mut options = chosen.map(|(_, options)| options).unwrap_or_default();
        let [alone, peers, journal, api, compare] =
            [Mode::Alone, Mode::Peers, Mode::Journal, Mode::Api, Mode::Compare].map(|mode| options.mode == mode);
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("server") => options.server = parser.value()?.into(),
                Long("constant") if alone || api => options.constant = parser.value()?.into(),
                Long("server-argument") => options.server_arguments.push(parser.value()?),
                Long("results") => options.results = parser.value()?.into(),
                Long("only") if alone => options.only.push(part(&parser.value()?.string()?)?),
                Long("connections") => options.connections = parser.value()?.parse()?,
                Long("document-bytes") => options.document_bytes = parser.value()?.parse()?,
                Long("keys") => options.keys = parser.value()?.parse()?,
                Long("distribution") => options.distribution = distribution(&parser.value()?.string()?)?,
                Long("rounds") => options.rounds = parser.value()?.parse()?,
                Long("seconds") => options.duration = seconds(parser.value()?.parse()?)?,
                Long("warm-up") => options.warm_up = seconds(parser.value()?.parse()?)?,
                Long("seed") => options.seed = parser.value()?.parse()?,
                Long("starts") if alone => options.starts = parser.value()?.parse()?,
                Long("memory-documents") if alone => options.memory_documents = parser.value()?.parse()?,
                Long("front") if peers || compare => options.front = front(&parser.value()?.string()?)?,
                Long("depth") if peers || compare => options.depth = parser.value()?.parse()?,
                Long("busy") if peers => options.busy = parser.value()?.parse()?,
                Long("idle") if peers => options.idle = parser.value()?.parse()?,
                Long("other") if compare => options.other = parser.value()?.into(),
                Long("documents") if journal || api => options.documents = parser.value()?.parse()?,
                Long("journal-mb") if journal => options.journal_mb = parser.value()?.parse()?,
                _ => return Err(argument.unexpected().into()),
            }
        }
        options.check()?;
        Ok(Some(options))
    }

    /// Which of `count` keys a round asks for: the same of every server, and others in each round.
    pub fn keys_of(&self, round: u32, count: u32) -> Keys {
        let seed = self.seed.wrapping_add(u64::from(round));
        match self.distribution {
            Distribution::Uniform => Keys::uniform(seed, count),
            Distribution::Zipf => Keys::zipf(seed, count),
        }
    }

    /// True when `part` is to be measured.
    pub fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn check(&self) -> Result<()> {
        ensure!((1..=10_000).contains(&self.connections), "--connections must be 1 to 10000");
        ensure!(
            (DOCUMENT_BYTES_MIN..=DOCUMENT_BYTES_MAX).contains(&self.document_bytes),
            "--document-bytes must be {DOCUMENT_BYTES_MIN} to {DOCUMENT_BYTES_MAX}"
        );
        ensure!((1..=KEYS_MAX).contains(&self.keys), "--keys must be 1 to {KEYS_MAX}");
        ensure!((1..=KEYS_MAX).contains(&self.memory_documents), "--memory-documents must be 1 to {KEYS_MAX}");
        ensure!((1..=1000).contains(&self.rounds), "--rounds must be 1 to 1000");
        if self.mode == Mode::Compare {
            ensure!(
                self.rounds >= ROUNDS_MIN,
                "--rounds must be {ROUNDS_MIN} or more, or chance could be all there is"
            );
            ensure!(!self.other.as_os_str().is_empty(), "--other must name the server to compare with");
        }
        ensure!((1..=1000).contains(&self.starts), "--starts must be 1 to 1000");
        ensure!((1..=1000).contains(&self.depth), "--depth must be 1 to 1000");
        ensure!((1..=10_000).contains(&self.busy), "--busy must be 1 to 10000");
        ensure!((1..=50_000).contains(&self.idle), "--idle must be 1 to 50000");
        ensure!((1..=KEYS_MAX).contains(&self.documents), "--documents must be 1 to {KEYS_MAX}");
        ensure!((1..=JOURNAL_MB_MAX).contains(&self.journal_mb), "--journal-mb must be 1 to {JOURNAL_MB_MAX}");
        ensure!(self.duration >= Duration::from_millis(100), "--seconds must be 0.1 or more");
        Ok(())
    }
}

fn part(name: &str) -> Result<Part> {
    Ok(match name {
        "front" => Part::Front,
        "ready" => Part::Ready,
        "memory" => Part::Memory,
        _ => bail!("--only knows front, ready and memory, not {name:?}"),
    })
}

fn front(name: &str) -> Result<Front> {
    let fronts = [Front::Reactor, Front::Pool];
    let found = fronts.into_iter().find(|front| front.name() == name);
    found.with_context(|| format!("--front only knows reactor and pool, not {name:?}"))
}

fn distribution(name: &str) -> Result<Distribution> {
    let distributions = [Distribution::Uniform, Distribution::Zipf];
    let found = distributions.into_iter().find(|distribution| distribution.name() == name);
    found.with_context(|| format!("--distribution only knows uniform and zipf, not {name:?}"))
}

fn seconds(value: f64) -> Result<Duration> {
    ensure!((0.0..=3600.0).contains(&value), "a time must be 0 to 3600 seconds, not {value}");
    Ok(Duration::from_secs_f64(value))
}

#[cfg(test)]
mod tests;

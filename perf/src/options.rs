//! The command line of the generator: every knob, its default, and what may not be asked for.

mod choice;
mod help;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use lexopt::prelude::*;

use crate::keys::Keys;
use crate::mixes;
use crate::mixes::mix::{LINES, MIXES, Mix};
use crate::options::choice::{address, chosen};
use crate::pace::Pace;
use crate::scale;
use crate::statistics::ROUNDS_MIN;
use crate::template::KEYS_MAX;
use crate::workload::{DOCUMENT_BYTES_MAX, DOCUMENT_BYTES_MIN};

pub use crate::options::choice::{Distribution, Front, Journal, Part};
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
    /// Those of memory, and of very many documents.
    Scale,
    /// None: another build is what it is held against.
    Compare,
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
    /// The mixes to measure; empty means all.
    pub mixes: Vec<&'static Mix>,
    /// A server that runs already; `None` starts one.
    pub url: Option<SocketAddr>,
    /// Requests a second of the mixes at a constant rate; `None` is half of what was answered at saturation.
    pub rate: Option<f64>,
    /// How the server of the mixes keeps its journal.
    pub journal: Journal,
    /// The parts of `scale` to measure; empty means all.
    pub scale: Vec<scale::Part>,
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
    /// The server's front, in mixes and beside others.
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
            mixes: Vec::new(),
            url: None,
            rate: None,
            journal: Journal::Off,
            scale: Vec::new(),
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
    /// The defaults of `make bench`, which takes no longer than two minutes.
    fn alone() -> Options {
        let (duration, warm_up) = (Duration::from_millis(900), Duration::from_millis(100));
        Options { rounds: 5, duration, warm_up, depth: 1, ..Options::default() }
    }

    /// The defaults of `make bench-peers`: what else a machine does changes by the second, and does to all what it does to one
    /// only when they take turns faster than that.
    fn in_short_turns() -> Options {
        let (duration, warm_up) = (Duration::from_millis(800), Duration::from_millis(200));
        Options { mode: Mode::Peers, rounds: 12, duration, warm_up, ..Options::default() }
    }

    /// Reads `arguments`, without the program's name; `None` means that help was asked for.
    ///
    /// # Errors
    /// An unknown option or a value out of range, named.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Options>> {
        let mut arguments = arguments.into_iter().peekable();
        let beside = |mode| Options { mode, rounds: 5, ..Options::default() };
        let modes = [
            ("bench", Options::alone()),
            ("peers", Options::in_short_turns()),
            ("journal", beside(Mode::Journal)),
            ("api", Options { documents: API_DOCUMENTS, ..beside(Mode::Api) }),
            ("scale", Options { documents: scale::DOCUMENTS, rounds: 3, ..beside(Mode::Scale) }),
            ("compare", Options { rounds: 10, duration: Duration::from_secs(1), ..beside(Mode::Compare) }),
        ];
        let named = modes.into_iter().find(|(name, _)| arguments.next_if(|first| first == name).is_some());
        let mut options = named.map_or_else(Options::alone, |(_, options)| options);
        let [alone, peers, journal, api, scale, compare] =
            [Mode::Alone, Mode::Peers, Mode::Journal, Mode::Api, Mode::Scale, Mode::Compare]
                .map(|mode| options.mode == mode);
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("server") => options.server = parser.value()?.into(),
                Long("constant") if alone || api || scale => options.constant = parser.value()?.into(),
                Long("server-argument") => options.server_arguments.push(parser.value()?),
                Long("results") => options.results = parser.value()?.into(),
                Long("only") if alone => {
                    options.only.push(chosen("only", &parser.value()?.string()?, Part::ALL, Part::name)?)
                }
                Long("only") if scale => {
                    let part = parser.value()?.string()?;
                    options.scale.push(chosen("only", &part, &scale::Part::ALL, scale::Part::name)?)
                }
                Long("connections") => options.connections = parser.value()?.parse()?,
                Long("document-bytes") => options.document_bytes = parser.value()?.parse()?,
                Long("keys") => options.keys = parser.value()?.parse()?,
                Long("distribution") => {
                    let word = parser.value()?.string()?;
                    options.distribution = chosen("distribution", &word, Distribution::ALL, Distribution::name)?;
                }
                Long("rounds") => options.rounds = parser.value()?.parse()?,
                Long("seconds") => options.duration = seconds(parser.value()?.parse()?)?,
                Long("warm-up") => options.warm_up = seconds(parser.value()?.parse()?)?,
                Long("seed") => options.seed = parser.value()?.parse()?,
                Long("starts") if alone => options.starts = parser.value()?.parse()?,
                Long("memory-documents") if alone => options.memory_documents = parser.value()?.parse()?,
                Long("mix") if alone => {
                    let word = parser.value()?.string()?;
                    let all: Vec<&'static Mix> = MIXES.iter().collect();
                    options.mixes.push(chosen("mix", &word, &all, |mix| mix.name)?);
                }
                Long("url") if alone => options.url = Some(address(&parser.value()?.string()?)?),
                Long("rate") if alone => options.rate = Some(parser.value()?.parse()?),
                Long("journal") if alone => {
                    options.journal = chosen("journal", &parser.value()?.string()?, Journal::ALL, Journal::name)?;
                }
                Long("front") if alone || peers || compare => {
                    options.front = chosen("front", &parser.value()?.string()?, Front::ALL, Front::name)?;
                }
                Long("depth") if alone || peers || compare => options.depth = parser.value()?.parse()?,
                Long("busy") if peers => options.busy = parser.value()?.parse()?,
                Long("idle") if peers => options.idle = parser.value()?.parse()?,
                Long("other") if compare => options.other = parser.value()?.into(),
                Long("documents") if journal || api || scale => options.documents = parser.value()?.parse()?,
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

    /// True when `part` is to be measured: of a server that runs already only the mixes.
    pub fn measures(&self, part: Part) -> bool {
        (self.only.is_empty() || self.only.contains(&part)) && (self.url.is_none() || part == Part::Mixes)
    }

    /// The mixes to measure, in their order.
    pub fn mixes(&self) -> impl Iterator<Item = &'static Mix> {
        MIXES.iter().filter(|mix| self.mixes.is_empty() || self.mixes.iter().any(|other| other.name == mix.name))
    }

    /// The pace at which clients ask as soon as they are answered.
    pub fn saturation(&self) -> Pace {
        if self.depth > 1 { Pace::Batch(self.depth) } else { Pace::Window(1) }
    }

    fn check(&self) -> Result<()> {
        ensure!((1..=10_000).contains(&self.connections), "--connections must be 1 to 10000");
        ensure!(
            (DOCUMENT_BYTES_MIN..=DOCUMENT_BYTES_MAX).contains(&self.document_bytes),
            "--document-bytes must be {DOCUMENT_BYTES_MIN} to {DOCUMENT_BYTES_MAX}"
        );
        ensure!((1..=KEYS_MAX).contains(&self.keys), "--keys must be 1 to {KEYS_MAX}");
        if self.mode == Mode::Alone && self.measures(Part::Mixes) {
            let least = mixes::DOCUMENT_BYTES_MIN;
            ensure!(self.document_bytes >= least, "--document-bytes must be {least} or more in mixes");
            ensure!(self.keys >= LINES, "--keys must be {LINES} or more in mixes, a bulk's");
        }
        if let Some(rate) = self.rate {
            ensure!((1.0..=10_000_000.0).contains(&rate), "--rate must be 1 to 10000000");
        }
        let parts_fit = self.url.is_none() || self.only.iter().all(|part| *part == Part::Mixes);
        ensure!(parts_fit, "--url can be asked for mixes only; the rest starts servers of its own");
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

fn seconds(value: f64) -> Result<Duration> {
    ensure!((0.0..=3600.0).contains(&value), "a time must be 0 to 3600 seconds, not {value}");
    Ok(Duration::from_secs_f64(value))
}

#[cfg(test)]
mod tests;

//! Seeded crashes of a whole server: engine, journal, snapshots and recovery on the simulated disk.
//!
//! Each seed is a server's history of several lives. In each life it is started in some mode and does things in some
//! order: writes, batches, a replacement of everything, reads, what its threads do, a step of a snapshot; the disk may
//! fail it meanwhile. Then it is
//! killed or loses power, mostly within some call to the disk. The next life must find what a prefix of the writes
//! left, with all that was promised; it must issue no LSN that was issued before; and it may be crashed in turn.
//! `ROUNDS=100000 cargo test --test journal_crash` tries more seeds, `SEED=7` begins elsewhere.

#[allow(dead_code)]
#[path = "support/dice.rs"]
mod dice;
#[path = "journal_crash/model.rs"]
mod model;
#[path = "support/sim_disk.rs"]
mod sim_disk;
#[path = "support/sim_server.rs"]
mod sim_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dice::Dice;
use memory_tools::base::clock::{Clock, ManualClock, UnixMillis};
use memory_tools::engine::{Capture, CaptureStep};
use memory_tools::journal::{Mode, Standing};
use memory_tools::model::{
    BatchWrite, CollectionName, CollectionOptions, Command, Condition, Deadline, Document, Durability, Effect, Execute,
    Expiry, Key, Lsn, OnAbsent, OptionChanges, Rest, Scope, staged_name,
};
use model::{Change, Model, Place, State};
use sim_disk::{Fault, SimDisk};
use sim_server::{SimServer, Start};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Seeds of a run, unless ROUNDS says otherwise.
const SEEDS: u64 = 2_000;

/// Lives of a seed.
const LIVES: u64 = 4;

/// Things that happen in a life, at most.
const HAPPENINGS: u64 = 45;

/// Calls to the disk of which one is struck; about as many as a life makes.
const CALLS: u64 = 160;

const COLLECTIONS: [Option<&str>; 3] = [None, Some("a"), Some("b c")];
const KEYS: [&str; 4] = ["k1", "k2", "k3", "a key that is a little longer"];
const MODES: [Mode; 4] = [Mode::Always, Mode::Everysec, Mode::Os, Mode::Off];

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Kill,
    PowerLoss,
}

/// What the disk does to a life before its end.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    /// The life ends at this call.
    Stop(u64),
    /// This call fails.
    Fail(u64, Fault),
}

/// A history in the making.
struct Simulation {
    seed: u64,
    dice: Dice,
    disk: SimDisk,
    clock: Arc<ManualClock>,
    model: Model,
    /// The generation that is staged in this life, and what is in it.
    staged: Option<(Lsn, State)>,
    /// How each life went, for whoever looks at a failure.
    lives: Vec<String>,
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let clock = Arc::new(ManualClock::at(UnixMillis(1_000_000)));
        let (dice, disk) = (Dice::of(seed), SimDisk::new(seed));
        Simulation { seed, dice, disk, clock, model: Model::default(), staged: None, lives: Vec::new() }
    }

    fn run(mut self) {
        let mut floor = Lsn::ZERO;
        for _ in 0..LIVES {
            let mode = MODES[self.dice.below(4) as usize];
            let start = Start { mode, segment_bytes: [600, 2_000, 16_000][self.dice.below(3) as usize] };
            let trouble = match self.dice.below(8) {
                0..5 => Trouble::Stop(self.dice.below(CALLS)),
                5..7 => {
                    let fault = [Fault::Error(EIO), Fault::Error(ENOSPC), Fault::LostSync, Fault::Short];
                    Trouble::Fail(self.dice.below(CALLS), fault[self.dice.below(4) as usize])
                }
                _ => Trouble::None,
            };
            let end = if self.dice.below(2) == 0 { End::Kill } else { End::PowerLoss };
            self.lives.push(format!("{start:?}, {trouble:?}, {end:?}"));
            match trouble {
                Trouble::None => (),
                Trouble::Stop(at) => self.disk.plant(at, Fault::Stop),
                Trouble::Fail(at, fault) => self.disk.plant(at, fault),
            }
            match SimServer::start(&self.disk, &self.clock, start) {
                Ok(server) => floor = self.live(server, floor, end),
                Err(error) => {
                    assert!(self.disk.struck().is_some(), "{}: {error}", self.context());
                    // It has not got so far as to make durable what a killed process has left in the page cache.
                    floor = if end == End::PowerLoss { self.model.survives_power } else { floor };
                }
            }
            self.disk.stop();
            match end {
                End::Kill => self.disk.kill(),
                End::PowerLoss => self.disk.lose_power(self.dice.roll()),
            }
            self.disk.mend();
        }
        // Whatever happened, a disk without faults serves what must be there.
        let start = Start { mode: Mode::Always, segment_bytes: 2_000 };
        let server = SimServer::start(&self.disk, &self.clock, start);
        let server = server.unwrap_or_else(|error| panic!("{}: {error}", self.context()));
        self.check(&server, floor);
    }

    fn context(&self) -> String {
        let (seed, lives) = (self.seed, &self.lives);
        format!("SEED={seed} ROUNDS=1 cargo test --test journal_crash\n{lives:#?}")
    }

    /// Holds what `server` has found against the model.
    fn check(&mut self, server: &SimServer, floor: Lsn) {
        assert!(server.first > self.model.issued, "{}: LSN {} is issued again", self.context(), server.first);
        let (found, context) = (look(server), self.context());
        self.model.recovered(found, floor, self.clock.now(), &|| context.clone());
    }

    /// Lets `server` live, and returns what survives its end.
    fn live(&mut self, server: SimServer, floor: Lsn, end: End) -> Lsn {
        self.check(&server, floor);
        self.staged = None;
        let mut capture = None;
        for _ in 0..self.dice.below(HAPPENINGS) {
            self.happen(&server, &mut capture);
            self.note_released(&server);
            if self.disk.is_stopped() {
                break;
            }
        }
        if !self.disk.is_stopped() && server.journal.standing() == Standing::Serving {
            assert_eq!(look(&server), self.model.now().visible(self.clock.now()), "{}: in memory", self.context());
        }
        self.disk.stop();
        drop(capture);
        match end {
            End::Kill => self.model.survives_kill.max(self.model.survives_power),
            End::PowerLoss => self.model.survives_power,
        }
    }

    /// A client has been told what is released.
    fn note_released(&mut self, server: &SimServer) {
        let mode = server.start.mode;
        if mode == Mode::Off {
            return;
        }
        let released = self.model.lsns().filter(|lsn| server.journal.is_released(Rest::Written(*lsn))).last();
        let released = released.unwrap_or_default();
        self.model.survives_kill = self.model.survives_kill.max(released);
        if mode == Mode::Always {
            self.model.survives_power = self.model.survives_power.max(released);
        }
    }

    /// Everything up to `lsn` is durable.
    fn note_durable(&mut self, lsn: Lsn) {
        self.model.survives_power = self.model.survives_power.max(lsn);
    }

    fn happen<'s>(&mut self, server: &'s SimServer, capture: &mut Option<Capture<'s>>) {
        match self.dice.below(24) {
            0..6 => self.put(server),
            6 => self.delete(server),
            7 => self.set_deadline(server),
            8 => self.batch(server),
            9 => self.change_collections(server),
            10 => self.read(server),
            11..14 => server.commit(),
            14 => {
                let written = self.model.survives_kill;
                if server.sync() && server.start.mode == Mode::Everysec {
                    self.note_durable(written);
                }
            }
            15 => {
                let last = server.journal.last();
                if server.journal.rotate().is_ok() && server.start.mode != Mode::Off {
                    self.note_durable(last);
                }
            }
            16 => {
                self.clock.advance(self.dice.below(700));
                if self.dice.below(3) == 0 {
                    server.engine.reap(&|| false);
                }
            }
            17 if server.journal.standing() == Standing::Degraded => {
                *capture = None;
                if server.heal() {
                    self.note_durable(server.journal.last());
                }
            }
            18..22 => self.stage(server),
            _ => self.snapshot(server, capture),
        }
    }

    /// Begins a snapshot, goes on with it, or ends it.
    fn snapshot<'s>(&mut self, server: &'s SimServer, capture: &mut Option<Capture<'s>>) {
        let Some(mut running) = capture.take() else {
            *capture = server.engine.begin_capture(&server.folder).ok();
            return;
        };
        for _ in 0..self.dice.below(12) {
            match running.step() {
                Ok(CaptureStep::More) => (),
                Ok(CaptureStep::Done) => {
                    if let Ok(report) = running.finish() {
                        self.note_durable(report.capture_end);
                        let _ = server.folder.free_segments(self.clock.now());
                    }
                    return;
                }
                Ok(CaptureStep::Overtaken) | Err(_) => return,
            }
        }
        *capture = Some(running);
    }

    fn place(&mut self) -> Place {
        (COLLECTIONS[self.dice.below(3) as usize], KEYS[self.dice.below(4) as usize])
    }

    fn value(&mut self) -> Vec<u8> {
        let bytes = if self.dice.below(12) == 0 { self.dice.below(6_000) } else { self.dice.below(60) };
        format!("\"{:x}{}\"", self.dice.roll(), "v".repeat(bytes as usize)).into_bytes()
    }

    fn deadline(&mut self) -> Deadline {
        match self.dice.below(3) {
            0 => Deadline::at(self.clock.now().plus(1 + self.dice.below(2_000))),
            _ => Deadline::NEVER,
        }
    }

    fn put(&mut self, server: &SimServer) {
        let (place, value, deadline) = (self.place(), self.value(), self.deadline());
        let before = server.journal.last();
        let command = Command::Put {
            scope: scope(place.0),
            document: Document::new(Key::new(place.1).unwrap(), &value),
            expiry: Expiry::Set(deadline),
            condition: Condition::default(),
            on_absent: OnAbsent::Create,
        };
        let Ok(outcome) = server.engine.execute(command) else { return };
        let Effect::Written { version, .. } = outcome.effect else { panic!("{outcome:?}") };
        if let Some(name) = place.0.filter(|_| version.0 == before.0 + 2) {
            self.model.happened(vec![(before.next(), Change::Create(name, CollectionOptions::default()))]);
        }
        self.model.happened(vec![(version, Change::Put(place, value, deadline))]);
    }

    fn delete(&mut self, server: &SimServer) {
        let place = self.place();
        let key = Key::new(place.1).unwrap();
        let command = Command::Delete { scope: scope(place.0), key, condition: Condition::default() };
        let Ok(outcome) = server.engine.execute(command) else { return };
        if let (Effect::Removed(_), Rest::Written(lsn)) = (outcome.effect, outcome.rest) {
            self.model.happened(vec![(lsn, Change::Delete(place))]);
        }
    }

    fn set_deadline(&mut self, server: &SimServer) {
        let (place, deadline) = (self.place(), self.deadline());
        let key = Key::new(place.1).unwrap();
        let condition = Condition::default();
        let command = Command::SetDeadline { scope: scope(place.0), key, deadline, condition };
        let Ok(outcome) = server.engine.execute(command) else { return };
        if let (Effect::DeadlineSet { .. }, Rest::Written(lsn)) = (outcome.effect, outcome.rest) {
            self.model.happened(vec![(lsn, Change::SetDeadline(place, deadline))]);
        }
    }

    /// Puts several documents at one moment.
    fn batch(&mut self, server: &SimServer) {
        let (collection, before) = (self.place().0, server.journal.last());
        let mut changes = Vec::new();
        let mut writes = Vec::new();
        for _ in 0..1 + self.dice.below(5) {
            let (key, value, deadline) = (self.place().1, self.value(), self.deadline());
            let document = Document::new(Key::new(key).unwrap(), &value);
            writes.push(BatchWrite::Put { document, expiry: Expiry::Set(deadline), condition: Condition::default() });
            let lsn = Lsn(before.0 + 1 + changes.len() as u64);
            changes.push((lsn, Change::Put((collection, key), value, deadline)));
        }
        let Ok(outcome) = server.engine.execute(Command::Batch { scope: scope(collection), writes }) else { return };
        if let Effect::Batched(_) = outcome.effect {
            self.model.happened(changes);
        }
    }

    /// Stages something, or ends what is staged in one of two ways.
    fn stage(&mut self, server: &SimServer) {
        let Some((generation, mut state)) = self.staged.take() else {
            let Ok(outcome) = server.engine.execute(Command::Stage) else { return };
            let Effect::Staged { generation } = outcome.effect else { panic!("{outcome:?}") };
            self.model.happened(vec![(server.journal.last(), Change::Stage)]);
            self.staged = Some((generation, State::default()));
            return;
        };
        match self.dice.below(6) {
            0 => {
                let Ok(outcome) = server.engine.execute(Command::Replace { generation }) else {
                    self.staged = Some((generation, state));
                    return;
                };
                let Rest::Written(lsn) = outcome.rest else { panic!("{outcome:?}") };
                self.model.happened(vec![(lsn, Change::Replace(state))]);
                if self.dice.below(2) == 0 {
                    server.engine.reclaim(&|| false);
                }
            }
            1 => drop(server.engine.execute(Command::Unstage { generation })),
            _ => {
                self.put_staged(server, generation, &mut state);
                self.staged = Some((generation, state));
            }
        }
    }

    fn put_staged(&mut self, server: &SimServer, generation: Lsn, state: &mut State) {
        let (place, value, deadline) = (self.place(), self.value(), self.deadline());
        let before = server.journal.last();
        let name = staged_name(generation, place.0.unwrap_or_default());
        let command = Command::Put {
            scope: Scope::Collection(CollectionName::stored(&name).unwrap()),
            document: Document::new(Key::new(place.1).unwrap(), &value),
            expiry: Expiry::Set(deadline),
            condition: Condition::default(),
            on_absent: OnAbsent::Create,
        };
        let outcome = server.engine.execute(command);
        if let Some(name) = place.0.filter(|_| server.journal.last() > before) {
            state.collections.entry(name.to_owned()).or_default();
        }
        (before.0 + 1..=server.journal.last().0).for_each(|lsn| self.model.happened(vec![(Lsn(lsn), Change::Stage)]));
        let Ok(outcome) = outcome else { return };
        let Effect::Written { version, .. } = outcome.effect else { panic!("{outcome:?}") };
        state.documents.insert(place, (value, version, deadline));
    }

    fn change_collections(&mut self, server: &SimServer) {
        let name = COLLECTIONS[1 + self.dice.below(2) as usize].expect("the main store is the first");
        let collection = CollectionName::new(name).unwrap();
        let command = match self.dice.below(2) {
            0 => {
                let default_ttl_ms = [None, Some(None), Some(Some(1 << 40))][self.dice.below(3) as usize];
                let options = OptionChanges { default_ttl_ms, require_conditional: None };
                Command::CreateCollection { name: collection, options }
            }
            _ => Command::DropCollection { name: collection },
        };
        let Ok(outcome) = server.engine.execute(command) else { return };
        let Rest::Written(lsn) = outcome.rest else { return };
        let change = match outcome.effect {
            Effect::CollectionEnsured { options, .. } => Change::Create(name, options),
            Effect::CollectionDropped { existed: true } => Change::Drop(name),
            _ => return,
        };
        self.model.happened(vec![(lsn, change)]);
    }

    /// In `Always` nothing that a reply has shown is taken back.
    fn read(&mut self, server: &SimServer) {
        let place = self.place();
        let key = Key::new(place.1).unwrap();
        let outcome = server.engine.execute(Command::Get { scope: scope(place.0), key }).expect("reads go on");
        if server.start.mode == Mode::Always && server.journal.is_released(outcome.rest) {
            self.note_durable(self.model.changed(place));
        }
    }
}

fn scope(collection: Option<&'static str>) -> Scope<'static> {
    collection.map_or(Scope::Main, |name| Scope::Collection(CollectionName::new(name).unwrap()))
}

/// Everything that can be seen.
fn look(server: &SimServer) -> State {
    let mut state = State::default();
    let list = Command::ListCollections { after: None, at_most: None };
    let listed = server.engine.execute(list).expect("reads go on");
    let Effect::Collections(found) = listed.effect else { panic!("{listed:?}") };
    state.collections.extend(found.into_iter().map(|summary| (summary.name, summary.options)));
    for collection in COLLECTIONS {
        for name in KEYS {
            let key = Key::new(name).unwrap();
            let found = server.engine.execute(Command::Get { scope: scope(collection), key }).expect("reads go on");
            if let Effect::Found(entry) = found.effect {
                let document = (entry.document.value().to_vec(), entry.version, entry.deadline);
                state.documents.insert((collection, name), document);
            }
        }
    }
    state
}

#[test]
fn whatever_is_crashed_comes_back_as_a_prefix_with_all_that_was_promised() {
    quiet();
    let rounds = std::env::var("ROUNDS").ok().map_or(SEEDS, |rounds| rounds.parse().expect("ROUNDS is a number"));
    let first = dice::seed("journal_crash");
    let next = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(round) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|round| *round < rounds) {
                    Simulation::new(first.wrapping_add(round)).run();
                }
            });
        }
    });
}

/// A sync failed, the server was killed, and the next one found in the page cache what had never reached the disk. Its
/// own sync succeeded, for the kernel called those pages clean, and it served and built on what a loss of power took.
#[test]
fn what_a_failed_sync_has_left_in_the_page_cache_is_durable_once_it_is_served() {
    quiet();
    for seed in 0..50 {
        let mut simulation = Simulation::new(seed);
        let start = Start { mode: Mode::Everysec, segment_bytes: 2_000 };
        let server = SimServer::start(&simulation.disk, &simulation.clock, start).unwrap();
        (0..5).for_each(|_| simulation.put(&server));
        server.commit();
        simulation.disk.plant(0, Fault::LostSync);
        assert!(!server.sync(), "the sync fails");
        let written = look(&server);
        drop(server);
        simulation.disk.kill();
        let server = SimServer::start(&simulation.disk, &simulation.clock, start).unwrap();
        assert_eq!(look(&server), written, "it is in the page cache");
        drop(server);
        simulation.disk.lose_power(seed);
        let server = SimServer::start(&simulation.disk, &simulation.clock, start);
        let server = server.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(look(&server), written, "seed {seed}");
    }
}

/// The server says on standard error what the disk does to it: thousands of lines.
fn quiet() {
    let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("/dev/null is there");
    rustix::stdio::dup2_stderr(nowhere).expect("a descriptor for standard error");
}

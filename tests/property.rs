//! Whatever is asked of a server, and however often it is started anew in between, it answers as a map would.
//!
//! Engine, journal and data folder on the simulated disk against a `BTreeMap`: every effect, every version, and after
//! each start everything that can be seen. A server is killed only when its journal has handed everything over; what a
//! crash may take in between is the subject of `journal_crash`. `PROPTEST_CASES=10000 cargo test --test property`
//! tries more.

#[path = "support/sim_disk.rs"]
mod sim_disk;
#[path = "support/sim_server.rs"]
mod sim_server;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use memory_tools::base::clock::{Clock, ManualClock, UnixMillis};
use memory_tools::base::disk::Disk;
use memory_tools::journal::Mode;
use memory_tools::model::{
    BatchRefusal, BatchWrite, Command, Condition, Deadline, Document, Effect, Execute, Expiry, Key, Lsn, OnAbsent,
    Scope, Tags, Written,
};
use proptest::collection::vec;
use proptest::prelude::*;
use sim_disk::SimDisk;
use sim_server::{SimServer, Start};

const KEYS: [&str; 4] = ["a", "b", "clé/日本", "a key that is a little longer"];

/// Bytes of a segment: a few records.
const SEGMENT_BYTES: u64 = 600;

/// What a write depends on.
#[derive(Clone, Copy, Debug)]
enum If {
    Always,
    Absent,
    Present,
    /// The version that is there, or 1.
    Current,
    /// Another one.
    Stale,
}

/// A change of one document.
#[derive(Clone, Debug)]
enum Change {
    /// Puts a value of so many bytes, which expires after so many milliseconds.
    Put {
        bytes: usize,
        expires_after: Option<u64>,
    },
    Delete,
    /// Gives it so many milliseconds more.
    SetDeadline {
        expires_after: u64,
    },
}

#[derive(Clone, Debug)]
enum Operation {
    Write {
        key: usize,
        change: Change,
        condition: If,
    },
    Batch(Vec<(usize, Change)>),
    Get {
        key: usize,
    },
    Advance {
        millis: u64,
    },
    Snapshot,
    Commit,
    /// Ends the server, with a clean stop or a kill, and starts it in another mode.
    Restart {
        is_clean: bool,
        mode: Mode,
    },
}

fn change() -> impl Strategy<Value = Change> {
    // Around the size above which a value is not copied into the buffer, too.
    let bytes = prop_oneof![9 => 0..60usize, 1 => 4000..4200usize];
    prop_oneof![
        4 => (bytes, prop::option::of(1..500u64)).prop_map(|(bytes, expires_after)| Change::Put { bytes, expires_after }),
        2 => Just(Change::Delete),
        1 => (1..500u64).prop_map(|expires_after| Change::SetDeadline { expires_after }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..KEYS.len();
    let condition = prop_oneof![4 => Just(If::Always), 1 => Just(If::Absent), 1 => Just(If::Present), 1 => Just(If::Current), 1 => Just(If::Stale)];
    let mode = prop_oneof![Just(Mode::Always), Just(Mode::Everysec), Just(Mode::Os), Just(Mode::Off)];
    prop_oneof![
        12 => (key(), change(), condition).prop_map(|(key, change, condition)| Operation::Write { key, change, condition }),
        3 => vec((key(), change()), 1..5).prop_map(Operation::Batch),
        4 => key().prop_map(|key| Operation::Get { key }),
        2 => (1..300u64).prop_map(|millis| Operation::Advance { millis }),
        1 => Just(Operation::Snapshot),
        3 => Just(Operation::Commit),
        2 => (any::<bool>(), mode).prop_map(|(is_clean, mode)| Operation::Restart { is_clean, mode }),
    ]
}

/// A document: value, version, deadline.
type Held = (Vec<u8>, Lsn, Deadline);

struct Run {
    disk: SimDisk,
    clock: Arc<ManualClock>,
    server: Option<SimServer>,
    map: BTreeMap<&'static str, Held>,
    /// The newest version.
    newest: Lsn,
}

impl Run {
    fn new(mode: Mode) -> Run {
        let (disk, clock) = (SimDisk::new(1), Arc::new(ManualClock::at(UnixMillis(1_000_000))));
        disk.create_folder(Path::new("srv")).unwrap();
        let mut run = Run { disk, clock, server: None, map: BTreeMap::new(), newest: Lsn::ZERO };
        run.start(mode);
        run
    }

    fn start(&mut self, mode: Mode) {
        let start = Start { mode, segment_bytes: SEGMENT_BYTES };
        self.server = Some(SimServer::start(&self.disk, &self.clock, start).unwrap());
    }

    fn server(&self) -> &SimServer {
        self.server.as_ref().expect("one is running")
    }

    fn after(&self, millis: u64) -> Deadline {
        Deadline::at(UnixMillis(self.clock.now().0 + millis))
    }

    /// Forgets what has expired.
    fn expire(&mut self) {
        let now = self.clock.now();
        self.map.retain(|_, (_, _, deadline)| !deadline.has_passed(now));
    }

    fn condition(&self, condition: If, key: &str) -> Condition {
        let listed = |version: Lsn| Some(Tags::Listed(vec![version]));
        let current = self.map.get(key).map_or(Lsn(1), |(_, version, _)| *version);
        let (if_match, if_none_match) = match condition {
            If::Always => (None, None),
            If::Absent => (None, Some(Tags::Any)),
            If::Present => (Some(Tags::Any), None),
            If::Current => (listed(current), None),
            If::Stale => (listed(Lsn(current.0 + 1_000_000_000)), None),
        };
        Condition { if_match, if_none_match }
    }

    fn apply(&mut self, operation: &Operation) {
        self.expire();
        match operation {
            Operation::Write { key, change, condition } => self.write(KEYS[*key], change, *condition),
            Operation::Batch(changes) => self.batch(changes),
            Operation::Get { key } => self.look(KEYS[*key]),
            Operation::Advance { millis } => self.clock.advance(*millis),
            Operation::Snapshot => drop(self.server().engine.capture(&self.server().folder).unwrap()),
            Operation::Commit => self.server().commit(),
            Operation::Restart { is_clean, mode } => self.restart(*is_clean, *mode),
        }
    }

    fn write(&mut self, key: &'static str, change: &Change, condition: If) {
        let (scope, name) = (Scope::Main, Key::new(key).unwrap());
        let condition = self.condition(condition, key);
        let before = self.map.get(key).cloned();
        let current = before.as_ref().map(|(_, version, _)| *version);
        let is_met = condition.holds(current);
        let (value, deadline) = self.wanted(key, change);
        let command = match change {
            Change::Put { .. } => {
                let (document, expiry) = (Document::new(name, &value), Expiry::Set(deadline));
                Command::Put { scope, document, expiry, condition, on_absent: OnAbsent::Create }
            }
            Change::Delete => Command::Delete { scope, key: name, condition },
            Change::SetDeadline { .. } => Command::SetDeadline { scope, key: name, deadline, condition },
        };
        let effect = self.server().engine.execute(command).unwrap().effect;
        match (change, effect) {
            (_, Effect::ConditionFailed { current: told }) => assert!(!is_met && told == current, "{key}: {told:?}"),
            (Change::Put { .. }, Effect::Written { version, deadline: told, replaced }) => {
                assert!(is_met && told == deadline && version > self.newest, "{key}: {version:?} {told:?}");
                assert_eq!(replaced.map(|document| document.value().to_vec()), before.map(|(value, ..)| value));
                self.newest = version;
                self.map.insert(key, (value, version, deadline));
            }
            (Change::Delete, Effect::Removed(entry)) => {
                assert!(is_met);
                assert_eq!(
                    Some((entry.document.value().to_vec(), entry.version, entry.deadline)),
                    self.map.remove(key)
                );
            }
            (Change::SetDeadline { .. }, Effect::DeadlineSet { version, deadline: told }) => {
                assert!(is_met && told == deadline && Some(version) == current, "{key}: {version:?} {told:?}");
                self.map.get_mut(key).expect("it has a version").2 = deadline;
            }
            (Change::Delete | Change::SetDeadline { .. }, Effect::Absent) => assert_eq!(before, None),
            (_, effect) => panic!("{key}: {change:?}: {effect:?}"),
        }
    }

    /// The value and the deadline that `change` is to leave.
    fn wanted(&self, key: &str, change: &Change) -> (Vec<u8>, Deadline) {
        match change {
            Change::Put { bytes, expires_after } => {
                let value = format!("\"{key} {} {}\"", self.newest.0, "x".repeat(*bytes)).into_bytes();
                (value, expires_after.map_or(Deadline::NEVER, |millis| self.after(millis)))
            }
            Change::Delete => (Vec::new(), Deadline::NEVER),
            Change::SetDeadline { expires_after } => (Vec::new(), self.after(*expires_after)),
        }
    }

    fn batch(&mut self, changes: &[(usize, Change)]) {
        // What is there when all is done; what a batch makes stands under version 0 until it is known.
        let (mut map, mut refused, mut writes) = (self.map.clone(), None, Vec::new());
        for (index, (key, change)) in changes.iter().enumerate() {
            let (key, condition) = (KEYS[*key], Condition::default());
            let (value, deadline) = self.wanted(key, change);
            let name = Key::new(key).unwrap();
            let is_absent = !map.contains_key(key);
            writes.push(match change {
                Change::Put { .. } => {
                    let document = Document::new(name, &value);
                    map.insert(key, (value, Lsn::ZERO, deadline));
                    BatchWrite::Put { document, expiry: Expiry::Set(deadline), condition }
                }
                Change::Delete => {
                    map.remove(key);
                    BatchWrite::Delete { key: name, condition }
                }
                Change::SetDeadline { .. } => {
                    map.entry(key).and_modify(|held| held.2 = deadline);
                    BatchWrite::SetDeadline { key: name, deadline, condition }
                }
            });
            if is_absent && !matches!(change, Change::Put { .. }) {
                refused = refused.or(Some(index));
            }
        }
        let command = Command::Batch { scope: Scope::Main, writes };
        match (self.server().engine.execute(command).unwrap().effect, refused) {
            (Effect::BatchRefused { index, why: BatchRefusal::Absent }, Some(expected)) => assert_eq!(index, expected),
            (Effect::Batched(written), None) => {
                for ((key, _), written) in changes.iter().zip(&written) {
                    if let Written::Put { version, .. } = written {
                        assert!(*version > self.newest, "{version:?}");
                        self.newest = *version;
                        map.entry(KEYS[*key]).and_modify(|held| held.1 = *version);
                    }
                }
                self.map = map;
            }
            (effect, refused) => panic!("{changes:?}: {effect:?}, expected {refused:?}"),
        }
        KEYS.iter().for_each(|key| self.look(key));
    }

    fn look(&self, key: &str) {
        let command = Command::Get { scope: Scope::Main, key: Key::new(key).unwrap() };
        let found = match self.server().engine.execute(command).unwrap().effect {
            Effect::Found(entry) => Some((entry.document.value().to_vec(), entry.version, entry.deadline)),
            Effect::Absent => None,
            effect => panic!("{key}: {effect:?}"),
        };
        assert_eq!(found.as_ref(), self.map.get(key), "{key}");
    }

    fn restart(&mut self, is_clean: bool, mode: Mode) {
        let server = self.server.take().expect("one is running");
        // Without a journal, what was written since the last snapshot does not survive a kill.
        if is_clean || server.start.mode == Mode::Off {
            server.stop().unwrap();
        } else {
            server.commit();
            drop(server);
            self.disk.kill();
            self.disk.mend();
        }
        self.start(mode);
        self.expire();
        KEYS.iter().for_each(|key| self.look(key));
    }
}

proptest! {
    #[test]
    fn a_server_that_is_started_again_and_again_answers_as_a_map_would(operations in vec(operation(), 1..80)) {
        let mut run = Run::new(Mode::Everysec);
        operations.iter().for_each(|operation| run.apply(operation));
        run.expire();
        run.restart(false, Mode::Always);
    }
}

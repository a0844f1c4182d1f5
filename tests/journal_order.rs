//! The order of the log is the order in which changes are applied, under eight writers at once.
//!
//! The journal gives out LSNs and keeps records in one critical section, inside the one in which the change is made.
//! So what happened, told again in the order of the LSNs by one who knows nothing of threads, must give every writer
//! the answer that it got, and in the end what is there. One change that was numbered outside of its lock, and an
//! answer or the end is another.

#[path = "support/dice.rs"]
#[allow(dead_code)]
mod dice;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use dice::Dice;
use memory_tools::base::clock::{ManualClock, UnixMillis};
use memory_tools::base::health::Health;
use memory_tools::engine::{Engine, EngineOptions};
use memory_tools::journal::{Journal, Sequence};
use memory_tools::model::{
    BatchWrite, CollectionName, Command, Condition, Deadline, Document, Effect, Execute, Expiry, Key, Lsn, OnAbsent,
    OptionChanges, Outcome, Rest, Scope, Tags, Written,
};

const WRITERS: usize = 8;
const CHANGES: usize = 4_000;

/// Few, so that writers meet.
const KEYS: u64 = 6;

/// In one change out of this many, the collection comes or goes.
const CATALOGUE_CHANGE: u64 = 40;

/// Which document: of the main store or of the collection.
type Which = (bool, u64);

/// What a writer asked for.
#[derive(Clone, Debug)]
enum Asked {
    Put(Which, Condition, Deadline),
    Delete(Which),
    SetDeadline(Which, Deadline),
    /// Puts and deletions of the main store.
    Batch(Vec<(u64, BatchedChange)>),
    Create,
    Drop,
}

#[derive(Clone, Copy, Debug)]
enum BatchedChange {
    Put,
    Delete,
}

/// What it was told, with the LSN that the answer rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Written { replaced: bool },
    Removed { version: Lsn, deadline: Deadline },
    DeadlineSet { version: Lsn },
    Batched(Vec<Written>),
    Created,
    Dropped,
}

/// A change that took an LSN: a batch's first.
#[derive(Debug)]
struct Happened {
    lsn: Lsn,
    asked: Asked,
    told: Told,
}

fn collection() -> CollectionName<'static> {
    CollectionName::new("c").unwrap()
}

fn scope(which: Which) -> Scope<'static> {
    if which.0 { Scope::Collection(collection()) } else { Scope::Main }
}

fn any_condition(dice: &mut Dice) -> Condition {
    match dice.below(4) {
        0 => Condition { if_match: Some(Tags::Any), if_none_match: None },
        1 => Condition { if_match: None, if_none_match: Some(Tags::Any) },
        _ => Condition::default(),
    }
}

fn any_change(dice: &mut Dice) -> Asked {
    if dice.below(CATALOGUE_CHANGE) == 0 {
        return if dice.below(2) == 0 { Asked::Create } else { Asked::Drop };
    }
    let which = (dice.below(2) == 0, dice.below(KEYS));
    // Far away: time stands still.
    let deadline = Deadline::at(UnixMillis(1 + dice.below(1000)));
    match dice.below(10) {
        0..5 => Asked::Put(which, any_condition(dice), deadline),
        5..7 => Asked::Delete(which),
        7..9 => Asked::SetDeadline(which, deadline),
        _ => {
            let mut change = || if dice.below(3) == 0 { BatchedChange::Delete } else { BatchedChange::Put };
            let changes: Vec<_> = (0..3).map(|_| change()).collect();
            Asked::Batch(changes.into_iter().map(|change| (dice.below(KEYS), change)).collect())
        }
    }
}

/// Asks the engine; `None` when nothing was changed.
fn ask(engine: &Engine, asked: &Asked) -> Option<(Lsn, Told)> {
    let name = |number: u64| format!("k{number}");
    let names: Vec<String> = match asked {
        Asked::Put((_, key), ..) | Asked::Delete((_, key)) | Asked::SetDeadline((_, key), _) => vec![name(*key)],
        Asked::Batch(changes) => changes.iter().map(|(key, _)| name(*key)).collect(),
        Asked::Create | Asked::Drop => Vec::new(),
    };
    let keys: Vec<Key<'_>> = names.iter().map(|name| Key::new(name).unwrap()).collect();
    let command = match asked {
        Asked::Put(which, condition, deadline) => Command::Put {
            scope: scope(*which),
            document: Document::new(keys[0], b"1"),
            expiry: Expiry::Set(*deadline),
            condition: condition.clone(),
            on_absent: OnAbsent::Refuse,
        },
        Asked::Delete(which) => Command::Delete { scope: scope(*which), key: keys[0], condition: Condition::default() },
        Asked::SetDeadline(which, deadline) => Command::SetDeadline {
            scope: scope(*which),
            key: keys[0],
            deadline: *deadline,
            condition: Condition::default(),
        },
        Asked::Batch(changes) => {
            let writes = keys.iter().zip(changes).map(|(key, (_, change))| match change {
                BatchedChange::Put => BatchWrite::Put {
                    document: Document::new(*key, b"2"),
                    expiry: Expiry::Default,
                    condition: Condition::default(),
                },
                BatchedChange::Delete => BatchWrite::Delete { key: *key, condition: Condition::default() },
            });
            Command::Batch { scope: Scope::Main, writes: writes.collect() }
        }
        Asked::Create => Command::CreateCollection { name: collection(), options: OptionChanges::NONE },
        Asked::Drop => Command::DropCollection { name: collection() },
    };
    let Outcome { rest, effect } = engine.execute(command).unwrap();
    let Rest::Written(lsn) = rest else { return None };
    let told = match effect {
        Effect::Written { version, replaced, .. } => {
            assert_eq!(version, lsn);
            Told::Written { replaced: replaced.is_some() }
        }
        Effect::Removed(entry) => Told::Removed { version: entry.version, deadline: entry.deadline },
        Effect::DeadlineSet { version, .. } => Told::DeadlineSet { version },
        Effect::Batched(written) => {
            return Some((Lsn(lsn.0 + 1 - written.len() as u64), Told::Batched(written)));
        }
        Effect::CollectionEnsured { created: true, .. } => Told::Created,
        Effect::CollectionDropped { existed: true } => Told::Dropped,
        effect => panic!("{asked:?} took {lsn} and did {effect:?}"),
    };
    Some((lsn, told))
}

/// What there is when changes are made one after the other.
#[derive(Debug, Default)]
struct Model {
    collection_exists: bool,
    documents: BTreeMap<Which, (Lsn, Deadline)>,
}

impl Model {
    /// Makes a change, which took `lsn`, and says what its writer must have been told.
    fn apply(&mut self, lsn: Lsn, asked: &Asked) -> Option<Told> {
        match asked {
            Asked::Put(which, condition, deadline) => {
                let holds = condition.holds(self.documents.get(which).map(|(version, _)| *version));
                let replaced = self.documents.insert(*which, (lsn, *deadline)).is_some();
                (self.has(*which) && holds).then_some(Told::Written { replaced })
            }
            Asked::Delete(which) => {
                self.documents.remove(which).map(|(version, deadline)| Told::Removed { version, deadline })
            }
            Asked::SetDeadline(which, deadline) => {
                let (version, was) = self.documents.get_mut(which)?;
                *was = *deadline;
                Some(Told::DeadlineSet { version: *version })
            }
            Asked::Batch(changes) => {
                let changes = changes.iter().zip(lsn.0..).map(|((key, change), lsn)| {
                    let (which, version, deadline) = ((false, *key), Lsn(lsn), Deadline::NEVER);
                    match change {
                        BatchedChange::Put => {
                            let created = self.documents.insert(which, (version, deadline)).is_none();
                            Some(Written::Put { version, deadline, created })
                        }
                        BatchedChange::Delete => self.documents.remove(&which).map(|_| Written::Removed),
                    }
                });
                changes.collect::<Option<_>>().map(Told::Batched)
            }
            Asked::Create => (!std::mem::replace(&mut self.collection_exists, true)).then_some(Told::Created),
            Asked::Drop => {
                self.documents.retain(|which, _| !which.0);
                std::mem::take(&mut self.collection_exists).then_some(Told::Dropped)
            }
        }
    }

    fn has(&self, which: Which) -> bool {
        !which.0 || self.collection_exists
    }
}

/// How many LSNs a change took.
fn lsns(told: &Told) -> u64 {
    match told {
        Told::Batched(written) => written.len() as u64,
        _ => 1,
    }
}

/// What is there under a key.
fn found(engine: &Engine, which: Which) -> Option<(Lsn, Deadline)> {
    let name = format!("k{}", which.1);
    let get = Command::Get { scope: scope(which), key: Key::new(&name).unwrap() };
    match engine.execute(get).unwrap().effect {
        Effect::Found(entry) => Some((entry.version, entry.deadline)),
        _ => None,
    }
}

#[test]
fn log_order_is_apply_order() {
    let mut dice = Dice::of(dice::seed("journal_order"));
    // One shard, where keys wait for each other, and several, where only those of a batch do.
    for shards in [1, 16] {
        let sequence = Sequence::new(Lsn(1), Lsn(1), Box::new(|_| Ok(())), Arc::new(Health::default()));
        let clock = Arc::new(ManualClock::at(UnixMillis(0)));
        let options = EngineOptions { shards, collections_max: 1 };
        let engine = Engine::new(options, Arc::new(Journal::off(sequence)), clock);
        let mut happened: Vec<Happened> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|_| {
                    let (engine, mut dice) = (&engine, dice.split());
                    scope.spawn(move || {
                        let changes = (0..CHANGES).filter_map(|_| {
                            let asked = any_change(&mut dice);
                            ask(engine, &asked).map(|(lsn, told)| Happened { lsn, asked, told })
                        });
                        changes.collect::<Vec<_>>()
                    })
                })
                .collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        happened.sort_by_key(|happened| happened.lsn);
        let (mut model, mut next) = (Model::default(), Lsn(1));
        for Happened { lsn, asked, told } in &happened {
            assert_eq!(*lsn, next, "every LSN was told to one writer");
            assert_eq!(model.apply(*lsn, asked).as_ref(), Some(told), "{asked:?} took {lsn}");
            next = Lsn(lsn.0 + lsns(told));
        }
        assert_eq!(next, engine.next_lsn());
        assert!(happened.len() > WRITERS * CHANGES / 4, "only {} changes happened", happened.len());
        for which in [false, true].into_iter().flat_map(|named| (0..KEYS).map(move |key| (named, key))) {
            assert_eq!(found(&engine, which), model.documents.get(&which).copied(), "{which:?}");
        }
    }
}

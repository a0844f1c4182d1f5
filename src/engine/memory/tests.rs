//! What is promised, what is refused, and what a look makes of it.

use std::sync::atomic::AtomicU64;
use std::thread;

use super::super::tests::engine;
use super::super::{Engine, Eviction};
use super::*;
use crate::base::clock::{ManualClock, UnixMillis};
use crate::model::{
    BatchWrite, CollectionName, Command, Condition, Deadline, Document, Effect, Execute, Expiry, Key, OnAbsent,
    OptionChanges, Outcome, Scope,
};

const LIMIT: u64 = 1_000_000;

/// As much in use as the test says.
#[derive(Default)]
struct Said {
    held: AtomicU64,
    holes: AtomicU64,
}

impl Said {
    fn is(&self, held: u64, holes: u64) {
        self.held.store(held, Ordering::SeqCst);
        self.holes.store(holes, Ordering::SeqCst);
    }
}

impl Meter for Said {
    fn read(&self) -> Option<Usage> {
        let held = self.held.load(Ordering::SeqCst);
        Some(Usage { held, active: held + self.holes.load(Ordering::SeqCst) })
    }
}

fn limited() -> (Engine, Arc<Said>) {
    let said = Arc::<Said>::default();
    let memory = Memory::new(Some(LIMIT), said.clone());
    (engine(4, Arc::new(ManualClock::at(UnixMillis(0)))).with_memory(memory, Eviction::Off), said)
}

fn value(bytes: usize) -> Vec<u8> {
    vec![b'1'; bytes]
}

fn document(key: &str, bytes: usize) -> Document {
    Document::new(Key::new(key).unwrap(), &value(bytes))
}

fn put_into(engine: &Engine, scope: Scope<'_>, key: &str, bytes: usize) -> Result<Outcome, Refusal> {
    engine.execute(Command::Put {
        scope,
        document: document(key, bytes),
        expiry: Expiry::Default,
        condition: Condition::default(),
        on_absent: OnAbsent::Create,
    })
}

fn put(engine: &Engine, key: &str, bytes: usize) -> bool {
    match put_into(engine, Scope::Main, key, bytes) {
        Ok(_) => true,
        Err(Refusal::MemoryFull { limit_bytes: LIMIT, .. }) => false,
        Err(refusal) => panic!("{refusal}"),
    }
}

fn batch(engine: &Engine, writes: Vec<BatchWrite<'_>>) -> bool {
    match engine.execute(Command::Batch { scope: Scope::Main, writes }) {
        Ok(Outcome { effect: Effect::Batched(_), .. }) => true,
        Err(Refusal::MemoryFull { .. }) => false,
        other => panic!("{other:?}"),
    }
}

fn batch_put(key: &str, bytes: usize) -> BatchWrite<'static> {
    let (expiry, condition) = (Expiry::Default, Condition::default());
    BatchWrite::Put { document: document(key, bytes), expiry, condition }
}

fn batch_delete(key: &str) -> BatchWrite<'_> {
    BatchWrite::Delete { key: Key::new(key).unwrap(), condition: Condition::default() }
}

#[test]
fn what_grows_is_refused_at_the_limit_and_what_does_not_goes_on() {
    let (engine, said) = limited();
    let (key, condition) = (Key::new("a").unwrap(), Condition::default());
    assert!(put(&engine, "a", 1000) && put(&engine, "b", 1000));
    said.is(LIMIT, 0);
    assert_eq!(engine.memory().look(), LIMIT);
    let next = engine.next_lsn();
    assert!(!put(&engine, "c", 1) && !put(&engine, "a", 1001));
    assert_eq!(engine.next_lsn(), next, "what is refused takes no number");
    assert!(put(&engine, "a", 1000) && put(&engine, "a", 999));
    let deadline = Deadline::at(UnixMillis(10));
    let set = Command::SetDeadline { scope: Scope::Main, key, deadline, condition: condition.clone() };
    assert!(matches!(engine.execute(set).unwrap().effect, Effect::DeadlineSet { .. }));
    let get = Command::Get { scope: Scope::Main, key };
    assert!(matches!(engine.execute(get).unwrap().effect, Effect::Found(_)));
    let delete = Command::Delete { scope: Scope::Main, key, condition };
    assert!(matches!(engine.execute(delete).unwrap().effect, Effect::Removed(_)));
    said.is(LIMIT - 10_000, 0);
    engine.memory().look();
    assert!(put(&engine, "c", 1000));
}

#[test]
fn a_batch_is_refused_for_what_all_of_it_adds() {
    let (engine, said) = limited();
    assert!(put(&engine, "a", 1000) && put(&engine, "b", 1000));
    said.is(LIMIT, 0);
    engine.memory().look();
    assert!(!batch(&engine, vec![batch_put("c", 1)]));
    assert!(!batch(&engine, vec![batch_put("a", 10), batch_put("c", 2000)]));
    assert!(!batch(&engine, vec![batch_put("a", 10), batch_put("a", 2000)]), "the last of a key counts");
    assert!(batch(&engine, vec![batch_put("a", 2000), batch_put("a", 10)]));
    assert!(batch(&engine, vec![batch_delete("b"), batch_put("c", 900)]));
    assert!(batch(&engine, vec![batch_delete("c")]));
}

#[test]
fn a_collection_that_would_be_created_is_refused_and_one_that_is_there_is_not() {
    let (engine, said) = limited();
    let [there, new] = ["there", "new"].map(|name| CollectionName::new(name).unwrap());
    put_into(&engine, Scope::Collection(there), "a", 1000).unwrap();
    said.is(LIMIT, 0);
    engine.memory().look();
    let create = |name| engine.execute(Command::CreateCollection { name, options: OptionChanges::NONE });
    assert!(matches!(create(new), Err(Refusal::MemoryFull { .. })));
    assert!(create(there).is_ok());
    assert!(matches!(put_into(&engine, Scope::Collection(new), "a", 1), Err(Refusal::MemoryFull { .. })));
    assert_eq!(engine.collection_count(), 1, "nothing is left of a write that was refused");
    assert!(put_into(&engine, Scope::Collection(there), "a", 1000).is_ok());
}

/// Nobody looks meanwhile: what was promised is all that holds them back.
#[test]
fn between_two_looks_many_writers_together_stay_below_the_limit() {
    const BYTES: usize = 1000;
    let (engine, _) = limited();
    let taken: usize = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let engine = &engine;
                scope.spawn(move || {
                    (0..1000).filter(|number| put(engine, &format!("{writer}/{number:03}"), BYTES)).count()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    let each = document_bytes(BYTES + "0/000".len());
    assert_eq!(taken as u64, LIMIT / each);
    assert_eq!(engine.memory().used_bytes(), LIMIT / each * each);
}

#[test]
fn a_look_corrects_what_was_promised_and_keeps_what_is_promised_meanwhile() {
    struct Meanwhile(AtomicU64, std::sync::OnceLock<std::sync::Weak<Memory>>);
    impl Meter for Meanwhile {
        fn read(&self) -> Option<Usage> {
            if let Some(memory) = self.1.get().and_then(std::sync::Weak::upgrade) {
                memory.take(7).unwrap();
            }
            let held = self.0.load(Ordering::SeqCst);
            Some(Usage { held, active: held })
        }
    }
    let meter = Arc::new(Meanwhile(AtomicU64::new(500), std::sync::OnceLock::new()));
    let memory = Arc::new(Memory::new(Some(LIMIT), meter.clone()));
    memory.take(100).unwrap();
    assert_eq!(memory.used_bytes(), 600);
    assert_eq!(memory.look(), 500);
    meter.1.set(Arc::downgrade(&memory)).unwrap();
    memory.take(100).unwrap();
    assert_eq!(memory.look(), 507);
    meter.0.store(200, Ordering::SeqCst);
    assert_eq!((memory.look(), memory.used_bytes()), (207, 207));
}

#[test]
fn holes_are_free_up_to_an_eighth_of_the_limit() {
    let (engine, said) = limited();
    said.is(LIMIT / 2, LIMIT / 8);
    assert_eq!(engine.memory().look(), LIMIT / 2);
    said.is(LIMIT / 2, LIMIT * 5 / 8);
    assert_eq!(engine.memory().look(), LIMIT);
    assert!(!put(&engine, "a", 1));
}

#[test]
fn without_a_limit_nothing_is_counted() {
    let memory = Memory::unlimited();
    assert_eq!(memory.take(u64::MAX), Ok(()));
    assert_eq!((memory.limit_bytes(), memory.used_bytes(), memory.look()), (None, 0, 0));
}

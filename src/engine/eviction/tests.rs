//! What goes, what stays, and how near to exact it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;

use super::super::Memory;
use super::super::tests::engine;
use super::*;
use crate::base::clock::ManualClock;
use crate::base::memory::{Meter, Usage};
use crate::model::{BatchWrite, Command, Document, Execute, Expiry, OnAbsent};

const LIMIT: u64 = 1_000_000;

/// Nobody knows better than what was counted, but for what the test says is held besides.
#[derive(Default)]
struct Counted {
    engine: std::sync::OnceLock<std::sync::Weak<Engine>>,
    beside: AtomicU64,
}

impl Meter for Counted {
    fn read(&self) -> Option<Usage> {
        let totals = self.engine.get()?.upgrade()?.totals();
        let documents = totals.key_and_value_bytes + totals.key_and_value_bytes / 8 + 64 * totals.documents;
        let held = documents + self.beside.load(Ordering::SeqCst);
        Some(Usage { held, active: held })
    }
}

struct Bench {
    engine: Arc<Engine>,
    clock: Arc<ManualClock>,
    meter: Arc<Counted>,
}

impl Bench {
    fn new(eviction: Eviction) -> Bench {
        let (clock, meter) = (Arc::new(ManualClock::at(UnixMillis(1_000_000))), Arc::<Counted>::default());
        let memory = Memory::new(Some(LIMIT), meter.clone());
        let engine = Arc::new(engine(16, clock.clone()).with_memory(memory, eviction));
        meter.engine.set(Arc::downgrade(&engine)).unwrap();
        Bench { engine, clock, meter }
    }

    fn put(&self, scope: Scope<'_>, key: &str, bytes: usize, expiry: Expiry) -> Result<Outcome, Refusal> {
        self.engine.execute(Command::Put {
            scope,
            document: Document::new(Key::new(key).unwrap(), &vec![b'1'; bytes]),
            expiry,
            condition: Condition::default(),
            on_absent: OnAbsent::Create,
        })
    }

    fn is_there(&self, scope: Scope<'_>, key: &str) -> bool {
        let got = self.engine.execute(Command::Get { scope, key: Key::new(key).unwrap() }).unwrap();
        matches!(got.effect, Effect::Found(_))
    }

    /// A tenth of a second later.
    fn pass(&self) {
        self.clock.advance(MOMENT_MS);
        self.engine.look_at_memory();
    }

    fn documents(&self) -> u64 {
        self.engine.totals().documents
    }
}

/// How near to exact: as many documents as fit, each accessed at a moment of its own, in no order of their keys; then a
/// third of them is evicted. Exact would be: none but the third that was accessed the longest ago.
#[test]
fn what_is_evicted_is_among_the_least_recently_used() {
    let bench = Bench::new(Eviction::Lru);
    let each = document_bytes(104);
    let count = LIMIT / each;
    (0..count).for_each(|number| drop(bench.put(Scope::Main, &format!("{number:04}"), 100, Expiry::Default).unwrap()));
    assert_eq!((bench.documents(), bench.engine.evicted()), (count, 0));
    for number in 0..count {
        bench.pass();
        assert!(bench.is_there(Scope::Main, &format!("{:04}", number * 7919 % count)));
    }
    bench.meter.beside.store(LIMIT / 3, Ordering::SeqCst);
    bench.pass();
    bench.engine.evict_excess(&|| false);
    let evicted = bench.engine.evicted();
    assert!((count / 3..count / 3 + 3).contains(&evicted), "{evicted} of {count}");
    let rank = |key: u64| (0..count).position(|at| at * 7919 % count == key).unwrap() as u64;
    let ranks: Vec<u64> =
        (0..count).filter(|key| !bench.is_there(Scope::Main, &format!("{key:04}"))).map(rank).collect();
    let within = |bound: u64| ranks.iter().filter(|rank| **rank < bound).count() as f64 / ranks.len() as f64;
    let (exact, nearly) = (within(evicted), within(evicted * 5 / 4));
    println!(
        "of {evicted} evicted, {:.1} % are among the oldest {evicted}, {:.1} % among a quarter more",
        exact * 100.0,
        nearly * 100.0
    );
    assert!(exact >= 0.8 && nearly >= 0.97, "{exact} {nearly}");
}

#[test]
fn an_eviction_is_a_deletion_with_a_number_that_spares_what_is_written() {
    let bench = Bench::new(Eviction::Lru);
    for name in ["a", "b", "c"] {
        bench.put(Scope::Main, name, 300_000, Expiry::Default).unwrap_or_else(|refusal| panic!("{refusal}"));
        bench.pass();
    }
    assert_eq!((bench.documents(), bench.engine.evicted()), (2, 1), "each takes a third and an eighth");
    assert!(!bench.is_there(Scope::Main, "a"), "the oldest");
    assert_eq!(bench.engine.next_lsn().0, 5, "three writes and an eviction");
    // It is the oldest, and is itself what is written.
    bench.put(Scope::Main, "b", 500_000, Expiry::Default).unwrap();
    assert!(bench.is_there(Scope::Main, "b") && !bench.is_there(Scope::Main, "c"));
    let refused = bench.put(Scope::Main, "b", 950_000, Expiry::Default);
    assert!(matches!(refused, Err(Refusal::MemoryFull { .. })), "{refused:?}");
    assert!(bench.is_there(Scope::Main, "b"));
}

#[test]
fn a_batch_evicts_none_of_its_own() {
    let bench = Bench::new(Eviction::Lru);
    for name in ["a", "b", "c"] {
        bench.put(Scope::Main, name, 250_000, Expiry::Default).unwrap();
        bench.pass();
    }
    let write = |key, bytes| BatchWrite::Put {
        document: Document::new(Key::new(key).unwrap(), &vec![b'1'; bytes]),
        expiry: Expiry::Default,
        condition: Condition { if_match: Some(Tags::Any), if_none_match: None },
    };
    let batch = vec![write("a", 300_000), write("b", 300_000)];
    let done = bench.engine.execute(Command::Batch { scope: Scope::Main, writes: batch }).unwrap();
    assert!(matches!(done.effect, Effect::Batched(_)), "{done:?}");
    assert!(!bench.is_there(Scope::Main, "c"));
}

#[test]
fn all_collections_give_their_share_and_what_is_staged_gives_none() {
    let bench = Bench::new(Eviction::Lru);
    let [one, two] = ["one", "two"].map(|name| Scope::Collection(CollectionName::new(name).unwrap()));
    let put = |scope, number: u64| bench.put(scope, &format!("{number}"), 900, Expiry::Default).unwrap();
    let Effect::Staged { generation } = bench.engine.execute(Command::Stage).unwrap().effect else { panic!() };
    let staged = crate::model::staged_name(generation, "");
    put(Scope::Collection(CollectionName::stored(&staged).unwrap()), 0);
    for number in 0..10 {
        put(one, number);
    }
    bench.pass();
    for number in 0..2000 {
        put(if number % 2 == 0 { two } else { Scope::Main }, number);
        if number % 100 == 0 {
            bench.pass();
        }
    }
    assert!((0..10).all(|number| !bench.is_there(one, &number.to_string())), "the oldest, wherever they are");
    assert!(
        (1990..2000)
            .all(|number| { bench.is_there(if number % 2 == 0 { two } else { Scope::Main }, &number.to_string()) })
    );
    assert!(matches!(bench.engine.execute(Command::Replace { generation }).unwrap().effect, Effect::Replaced));
    assert!(bench.is_there(Scope::Main, "0"));
}

#[test]
fn the_nearest_deadline_goes_first_and_without_one_writes_are_refused() {
    let bench = Bench::new(Eviction::Ttl);
    let until = |number: u64| Expiry::Set(Deadline::at(UnixMillis(2_000_000 + number)));
    let key = |number: u64| format!("{:03}", number * 37 % 100);
    for number in 0..100 {
        bench.put(Scope::Main, &key(number), 900, until(number)).unwrap();
    }
    bench.put(Scope::Main, "stays", 900, Expiry::Default).unwrap();
    let mut added = 0;
    while bench.put(Scope::Main, &format!("new{added}"), 900, Expiry::Default).is_ok() {
        added += 1;
        let gone = bench.engine.evicted();
        assert!((0..100).all(|number| bench.is_there(Scope::Main, &key(number)) == (number >= gone)), "{gone}");
    }
    assert_eq!(bench.engine.evicted(), 100);
    assert!(bench.is_there(Scope::Main, "stays") && bench.is_there(Scope::Main, "new0"));
    assert_eq!(bench.documents(), 1 + added);
}

#[test]
fn what_is_held_besides_is_made_room_for_in_the_background() {
    let bench = Bench::new(Eviction::Lru);
    (0..900).for_each(|number| drop(bench.put(Scope::Main, &format!("{number}"), 900, Expiry::Default).unwrap()));
    bench.meter.beside.store(LIMIT / 2, Ordering::SeqCst);
    bench.pass();
    bench.engine.evict_excess(&|| true);
    assert_eq!(bench.documents(), 900, "it gives up when it is told to");
    bench.engine.evict_excess(&|| false);
    assert!(bench.engine.look_at_memory() <= LIMIT);
    assert!((bench.documents()..=bench.documents() + 2).contains(&(LIMIT / 2 / document_bytes(903))));
}

#[test]
fn many_writers_at_the_limit_stay_below_it_and_are_not_refused() {
    let bench = Bench::new(Eviction::Lru);
    thread::scope(|scope| {
        for writer in 0..8 {
            let bench = &bench;
            scope.spawn(move || {
                for number in 0..2000 {
                    bench.put(Scope::Main, &format!("{writer}/{number}"), 900, Expiry::Default).unwrap();
                    let used = bench.engine.memory().used_bytes();
                    assert!(used <= LIMIT, "{used} after {number}");
                }
            });
        }
    });
    let used = bench.engine.look_at_memory();
    assert!((LIMIT * 9 / 10..=LIMIT).contains(&used), "{used}");
    assert_eq!(bench.engine.evicted() + bench.documents(), 16_000);
}

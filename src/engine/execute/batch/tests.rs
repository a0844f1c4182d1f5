//! Batches: what each change finds, and that one which cannot be made keeps all from being made.

use std::sync::Arc;

use super::super::super::tests::engine;
use super::*;
use crate::base::clock::{ManualClock, UnixMillis};
use crate::model::{CollectionName, Command, Document, Execute, Expiry, Tags};

const NEVER: Deadline = Deadline::NEVER;

fn key(text: &str) -> Key<'_> {
    Key::new(text).unwrap()
}

fn any() -> Condition {
    Condition { if_match: Some(Tags::Any), if_none_match: None }
}

fn absent() -> Condition {
    Condition { if_match: None, if_none_match: Some(Tags::Any) }
}

fn listed(version: u64) -> Condition {
    Condition { if_match: Some(Tags::Listed(vec![Lsn(version)])), if_none_match: None }
}

fn put(name: &str, expiry: Expiry, condition: Condition) -> BatchWrite<'static> {
    BatchWrite::Put { document: Document::new(key(name), b"1"), expiry, condition }
}

fn delete(name: &str) -> BatchWrite<'_> {
    BatchWrite::Delete { key: key(name), condition: Condition::default() }
}

fn set_deadline(name: &str, until: u64) -> BatchWrite<'_> {
    let deadline = Deadline::at(UnixMillis(until));
    BatchWrite::SetDeadline { key: key(name), deadline, condition: Condition::default() }
}

fn plain(name: &str) -> BatchWrite<'static> {
    put(name, Expiry::Default, Condition::default())
}

struct Bench {
    engine: Engine,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::at(UnixMillis(0)));
        Bench { engine: engine(16, clock.clone()), clock }
    }

    fn batch(&self, writes: Vec<BatchWrite<'_>>) -> Outcome {
        self.engine.execute(Command::Batch { scope: Scope::Main, writes }).unwrap()
    }

    /// The batch's last LSN and what was written.
    fn made(&self, writes: Vec<BatchWrite<'_>>) -> (u64, Vec<Written>) {
        match self.batch(writes) {
            Outcome { rest: Rest::Written(lsn), effect: Effect::Batched(written) } => (lsn.0, written),
            outcome => panic!("{outcome:?}"),
        }
    }

    fn refused(&self, writes: Vec<BatchWrite<'_>>) -> (usize, BatchRefusal, u64) {
        let before = self.engine.next_lsn();
        let outcome = self.batch(writes);
        assert_eq!(self.engine.next_lsn(), before, "a refused batch takes no LSN");
        match outcome {
            Outcome { rest: Rest::Seen(lsn), effect: Effect::BatchRefused { index, why } } => (index, why, lsn.0),
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Version and deadline of what is there.
    fn get(&self, name: &str) -> Option<(u64, Deadline)> {
        match self.engine.execute(Command::Get { scope: Scope::Main, key: key(name) }).unwrap().effect {
            Effect::Found(entry) => Some((entry.version.0, entry.deadline)),
            Effect::Absent => None,
            effect => panic!("{effect:?}"),
        }
    }
}

#[test]
fn each_change_has_an_lsn_of_its_own_and_the_batch_rests_on_the_last() {
    let bench = Bench::new();
    let (last, written) = bench.made(vec![plain("a"), plain("b"), set_deadline("a", 9), delete("b")]);
    assert_eq!(last, 4);
    let deadline = Deadline::at(UnixMillis(9));
    assert_eq!(
        written,
        [
            Written::Put { version: Lsn(1), deadline: NEVER, created: true },
            Written::Put { version: Lsn(2), deadline: NEVER, created: true },
            Written::DeadlineSet { version: Lsn(1), deadline },
            Written::Removed,
        ]
    );
    assert_eq!((bench.get("a"), bench.get("b")), (Some((1, deadline)), None));
    assert_eq!(bench.engine.next_lsn(), Lsn(5));
}

#[test]
fn a_change_that_cannot_be_made_keeps_all_from_being_made() {
    let bench = Bench::new();
    bench.made(vec![plain("a")]);
    let failed = |current: Option<u64>| BatchRefusal::ConditionFailed { current: current.map(Lsn) };
    let refused = |write| bench.refused(vec![plain("b"), plain("a"), write, plain("c")]);
    assert_eq!(refused(delete("d")), (2, BatchRefusal::Absent, 0));
    assert_eq!(refused(set_deadline("d", 9)), (2, BatchRefusal::Absent, 0));
    assert_eq!(refused(put("d", Expiry::Default, any())), (2, failed(None), 0));
    assert_eq!(bench.refused(vec![plain("b"), put("a", Expiry::Default, absent())]), (1, failed(Some(1)), 1));
    assert_eq!(bench.refused(vec![plain("b"), put("a", Expiry::Default, listed(7))]), (1, failed(Some(1)), 1));
    assert_eq!((bench.get("a"), bench.get("b"), bench.get("c")), (Some((1, NEVER)), None, None));
}

#[test]
fn a_condition_is_held_against_what_the_batch_made_before() {
    let bench = Bench::new();
    bench.made(vec![plain("a"), put("a", Expiry::Default, any()), delete("a"), put("a", Expiry::Default, absent())]);
    assert_eq!(bench.get("a"), Some((4, NEVER)));
    // Nobody knows the version that the batch is going to give, and 5 is what it would be.
    let failed = BatchRefusal::ConditionFailed { current: None };
    assert_eq!(bench.refused(vec![plain("a"), put("a", Expiry::Default, listed(5))]), (1, failed, 4));
    assert_eq!(bench.refused(vec![plain("a"), put("a", Expiry::Default, absent())]), (1, failed, 4));
    assert_eq!(bench.refused(vec![delete("a"), delete("a")]), (1, BatchRefusal::Absent, 4));
}

#[test]
fn a_deadline_is_kept_from_the_store_or_from_the_batch() {
    let bench = Bench::new();
    let until = |millis| Deadline::at(UnixMillis(millis));
    let keep = |name| put(name, Expiry::Keep, Condition::default());
    bench.made(vec![put("a", Expiry::Set(until(50)), Condition::default())]);
    bench.made(vec![keep("a"), keep("b"), plain("c"), set_deadline("c", 60), keep("c")]);
    assert_eq!(["a", "b", "c"].map(|name| bench.get(name).unwrap().1), [until(50), NEVER, until(60)]);
    bench.clock.advance(55);
    assert_eq!(bench.refused(vec![delete("a")]).1, BatchRefusal::Absent, "it has expired");
    bench.made(vec![keep("a")]);
    assert_eq!(bench.get("a").unwrap().1, NEVER, "what has expired leaves no deadline");
}

#[test]
fn a_batch_of_nothing_changes_nothing_and_one_for_no_collection_says_so() {
    let bench = Bench::new();
    let outcome = bench.batch(Vec::new());
    assert!(outcome.rest == Rest::NOTHING && matches!(outcome.effect, Effect::Batched(written) if written.is_empty()));
    let scope = Scope::Collection(CollectionName::new("c").unwrap());
    let outcome = bench.engine.execute(Command::Batch { scope, writes: vec![plain("a")] }).unwrap();
    assert!(matches!(outcome.effect, Effect::CollectionAbsent));
    assert_eq!(bench.engine.next_lsn(), Lsn(1));
}

/// It would have waited for room in the journal for ever: there is never so much.
#[test]
fn a_batch_of_too_many_bytes_is_refused_by_the_change_that_makes_it_so() {
    let bench = Bench::new();
    let of = |bytes: usize| BatchWrite::Put {
        document: Document::new(key("a"), &vec![b'1'; bytes]),
        expiry: Expiry::Default,
        condition: Condition::default(),
    };
    let around = encoded_bytes(&record(Scope::Main, &of(0)));
    let half = ATOMIC_BYTES_MAX / 2 - around;
    assert_eq!(bench.made(vec![of(half), of(half)]).0, 2, "all that there may be");
    let outcome = bench.batch(vec![of(half), of(half + 1), of(0)]);
    let why = BatchRefusal::TooLarge { bytes: ATOMIC_BYTES_MAX + 1 + around, bytes_max: ATOMIC_BYTES_MAX };
    assert!(outcome.rest == Rest::NOTHING);
    assert!(matches!(outcome.effect, Effect::BatchRefused { index: 1, why: is } if is == why), "{outcome:?}");
    assert_eq!(bench.engine.next_lsn(), Lsn(3));
}

#[test]
fn a_sealed_engine_takes_no_batch_and_no_deadline() {
    let bench = Bench::new();
    bench.engine.seal();
    let batch = Command::Batch { scope: Scope::Main, writes: vec![plain("a")] };
    let deadline = NEVER;
    let set = Command::SetDeadline { scope: Scope::Main, key: key("a"), deadline, condition: Condition::default() };
    for command in [batch, set] {
        assert_eq!(bench.engine.execute(command).err(), Some(Refusal::Stopping));
    }
}

//! Several changes at one moment, all of them or none.
//!
//! Everything that may refuse comes first: the size of it all, before any lock; under the locks of all keys each condition is held against what the store
//! has, or against what an earlier change of the batch is going to make of it. Then the records are appended in one
//! piece, so that a crash keeps all or none of them, and then the changes are made, which cannot fail.

use std::collections::HashMap;

use crate::base::clock::UnixMillis;
use crate::base::limits::{ATOMIC_BYTES_MAX, ATOMIC_WRITES_MAX};
use crate::model::{
    BatchRefusal, BatchWrite, CollectionOptions, Condition, Deadline, Effect, Key, Lsn, Outcome, Record, Refusal, Rest,
    Scope, Tags, Written,
};
use crate::persist::journal::encoded_bytes;
use crate::store::LockedMany;

use super::super::Engine;
use super::unwritten;

/// A document as a change of the batch finds it, or leaves it.
#[derive(Clone, Copy, Debug)]
struct Found {
    version: Version,
    deadline: Deadline,
}

/// Who wrote a document.
#[derive(Clone, Copy, Debug)]
enum Version {
    /// An earlier mutation.
    Stored(Lsn),
    /// A change of this batch, by its number; its LSN is not issued yet.
    Unborn(usize),
}

/// What is decided about one change.
#[derive(Clone, Copy, Debug)]
struct Decided {
    /// True when there is a document before it.
    existed: bool,
    after: Option<Found>,
}

/// The change that stands in the way, and what that rests on.
struct Obstacle {
    index: usize,
    why: BatchRefusal,
    rests_on: Lsn,
}

impl Engine {
    /// # Panics
    /// With more than `ATOMIC_WRITES_MAX` changes: whoever builds a batch counts them.
    pub(super) fn batch(&self, scope: Scope<'_>, writes: &[BatchWrite<'_>]) -> Result<Outcome, Refusal> {
        assert!(writes.len() <= ATOMIC_WRITES_MAX, "a batch has at most {ATOMIC_WRITES_MAX} changes");
        if writes.is_empty() {
            return Ok(Outcome { rest: Rest::NOTHING, effect: Effect::Batched(Vec::new()) });
        }
        let keys: Vec<Key<'_>> = writes.iter().map(BatchWrite::key).collect();
        let earlier = earlier(&keys);
        let mut records: Vec<Record<'_>> = writes.iter().map(|write| record(scope, write)).collect();
        if let Some((index, why)) = too_large(&records) {
            return Ok(Outcome { rest: Rest::NOTHING, effect: Effect::BatchRefused { index, why } });
        }
        let mut room = self.journal.room(&records)?;
        let place = match self.store.place(scope) {
            Ok(place) => place,
            Err(absent) => return Ok(unwritten(absent, &Condition::default())),
        };
        let options = place.options();
        if let Some(index) = unconditional(options, writes) {
            let effect = Effect::BatchRefused { index, why: BatchRefusal::ConditionRequired };
            return Ok(Outcome { rest: Rest::Seen(place.options_rest_on()), effect });
        }
        let mut locked = self.store.lock_all(&place, &keys);
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        let decided = match decide(writes, &earlier, &locked, options, self.clock.now()) {
            Ok(decided) => decided,
            Err(Obstacle { index, why, rests_on }) => {
                return Ok(Outcome { rest: Rest::Seen(rests_on), effect: Effect::BatchRefused { index, why } });
            }
        };
        for (record, decided) in records.iter_mut().zip(&decided) {
            if let (Record::Put { deadline, .. }, Some(after)) = (record, decided.after) {
                *deadline = after.deadline;
            }
        }
        let first = room.append_all(&records);
        for (index, (write, decided)) in writes.iter().zip(&decided).enumerate() {
            apply(&mut locked, index, lsn(first, index), write, decided.after);
        }
        let replaced = locked.unlock();
        drop(place);
        drop(replaced);
        let written = writes.iter().zip(&decided).map(|(write, decided)| written(first, write, decided));
        let effect = Effect::Batched(written.collect());
        Ok(Outcome { rest: Rest::Written(lsn(first, writes.len() - 1)), effect })
    }
}

/// The first change that carries no condition, where each must.
fn unconditional(options: CollectionOptions, writes: &[BatchWrite<'_>]) -> Option<usize> {
    let is_missing = |write: &BatchWrite<'_>| options.require_conditional && write.condition().is_none();
    writes.iter().position(is_missing)
}

/// For each key the number of the one before it that is the same.
fn earlier(keys: &[Key<'_>]) -> Vec<Option<usize>> {
    let mut newest = HashMap::with_capacity(keys.len());
    keys.iter().enumerate().map(|(index, key)| newest.insert(key.as_bytes(), index)).collect()
}

/// The record of a change, as far as it is known before the document is looked up.
fn record<'w>(scope: Scope<'w>, write: &'w BatchWrite<'_>) -> Record<'w> {
    match write {
        BatchWrite::Put { document, .. } => Record::Put { scope, document, deadline: Deadline::NEVER },
        BatchWrite::Delete { key, .. } => Record::Delete { scope, key: *key },
        BatchWrite::SetDeadline { key, deadline, .. } => Record::Deadline { scope, key: *key, deadline: *deadline },
    }
}

/// The change with which `records` are too large for one batch, if there is one.
fn too_large(records: &[Record<'_>]) -> Option<(usize, BatchRefusal)> {
    let mut bytes: usize = 0;
    let mut first = None;
    for (index, record) in records.iter().enumerate() {
        bytes = bytes.saturating_add(encoded_bytes(record));
        if bytes > ATOMIC_BYTES_MAX {
            first = first.or(Some(index));
        }
    }
    first.map(|index| (index, BatchRefusal::TooLarge { bytes, bytes_max: ATOMIC_BYTES_MAX }))
}

/// Decides about every change, in order, or finds the first that cannot be made.
fn decide(
    writes: &[BatchWrite<'_>],
    earlier: &[Option<usize>],
    locked: &LockedMany<'_>,
    options: CollectionOptions,
    now: UnixMillis,
) -> Result<Vec<Decided>, Obstacle> {
    let mut decided: Vec<Decided> = Vec::with_capacity(writes.len());
    for (index, (write, earlier)) in writes.iter().zip(earlier).enumerate() {
        let current = locked.current(index, now);
        let before = match earlier.and_then(|earlier| decided.get(earlier)) {
            Some(decided) => decided.after,
            None => {
                current.map(|current| Found { version: Version::Stored(current.version), deadline: current.deadline })
            }
        };
        let after = after(index, write, before, options.default_deadline(now)).map_err(|why| {
            let rests_on = current.map_or_else(|| locked.absent_rests_on(index), |current| current.rests_on);
            Obstacle { index, why, rests_on }
        })?;
        decided.push(Decided { existed: before.is_some(), after });
    }
    Ok(decided)
}

/// What a change makes of what it finds; `default` is the collection's deadline for what is written now.
fn after(
    index: usize,
    write: &BatchWrite<'_>,
    before: Option<Found>,
    default: Deadline,
) -> Result<Option<Found>, BatchRefusal> {
    if !holds(write.condition(), before) {
        let current = before.and_then(|found| match found.version {
            Version::Stored(version) => Some(version),
            Version::Unborn(_) => None,
        });
        return Err(BatchRefusal::ConditionFailed { current });
    }
    match (write, before) {
        (BatchWrite::Put { expiry, .. }, _) => Ok(Some(Found {
            version: Version::Unborn(index),
            deadline: expiry.deadline(before.map(|found| found.deadline), default),
        })),
        (_, None) => Err(BatchRefusal::Absent),
        (BatchWrite::Delete { .. }, Some(_)) => Ok(None),
        (BatchWrite::SetDeadline { deadline, .. }, Some(found)) => Ok(Some(Found { deadline: *deadline, ..found })),
    }
}

/// True when `condition` holds for what is there. A list names no version that is not born yet.
fn holds(condition: &Condition, before: Option<Found>) -> bool {
    let is_any = |tags: &Option<Tags>| tags.as_ref().is_none_or(|tags| *tags == Tags::Any);
    match before.map(|found| found.version) {
        None => condition.holds(None),
        Some(Version::Stored(version)) => condition.holds(Some(version)),
        Some(Version::Unborn(_)) => is_any(&condition.if_match) && condition.if_none_match != Some(Tags::Any),
    }
}

/// Makes a change, which has the number `lsn`.
fn apply(locked: &mut LockedMany<'_>, index: usize, lsn: Lsn, write: &BatchWrite<'_>, after: Option<Found>) {
    match (write, after) {
        (BatchWrite::Put { document, .. }, Some(after)) => locked.put(index, document.clone(), lsn, after.deadline),
        (BatchWrite::SetDeadline { .. }, Some(after)) => locked.set_deadline(index, after.deadline, lsn),
        (_, _) => locked.remove(index, lsn),
    }
}

/// What a change of the batch that begins with the LSN `first` did.
fn written(first: Lsn, write: &BatchWrite<'_>, decided: &Decided) -> Written {
    let Some(Found { version, deadline }) = decided.after else { return Written::Removed };
    let version = match version {
        Version::Stored(version) => version,
        Version::Unborn(index) => lsn(first, index),
    };
    match write {
        BatchWrite::Put { .. } => Written::Put { version, deadline, created: !decided.existed },
        BatchWrite::Delete { .. } | BatchWrite::SetDeadline { .. } => Written::DeadlineSet { version, deadline },
    }
}

/// The LSN of a change of the batch that begins with the LSN `first`.
fn lsn(first: Lsn, index: usize) -> Lsn {
    Lsn(first.0 + index as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::tests::engine;
    use super::*;
    use crate::base::clock::ManualClock;
    use crate::model::{CollectionName, Command, Document, Execute, Expiry};

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
        bench.made(vec![
            plain("a"),
            put("a", Expiry::Default, any()),
            delete("a"),
            put("a", Expiry::Default, absent()),
        ]);
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
        assert!(
            outcome.rest == Rest::NOTHING && matches!(outcome.effect, Effect::Batched(written) if written.is_empty())
        );
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
}

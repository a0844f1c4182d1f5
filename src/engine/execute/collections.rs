//! Creating, describing, listing and dropping collections.

use crate::base::limits::TTL_MS_MAX;
use crate::model::{
    CollectionName, CollectionOptions, CollectionSummary, Effect, OptionChanges, Outcome, Record, Refusal, Rest, Scope,
};
use crate::store::{CatalogueEntry, Created, Dropped};

use super::super::Engine;
use super::super::memory::COLLECTION_BYTES;
use super::collection_absent;

/// The options that take the most room in a record.
const LARGEST_OPTIONS: CollectionOptions =
    CollectionOptions { default_ttl_ms: Some(TTL_MS_MAX), require_conditional: true };

impl Engine {
    pub(super) fn create_collection(
        &self,
        name: CollectionName<'_>,
        changes: OptionChanges,
    ) -> Result<Outcome, Refusal> {
        let Created { created, changed, lsn, options, .. } = self.ensure_collection(name, changes)?;
        let rest = if changed { Rest::Written(lsn) } else { Rest::Seen(lsn) };
        Ok(Outcome { rest, effect: Effect::CollectionEnsured { created, options } })
    }

    /// Makes sure that a collection exists, with what `changes` make of its options.
    pub(super) fn ensure_collection(
        &self,
        name: CollectionName<'_>,
        changes: OptionChanges,
    ) -> Result<Created, Refusal> {
        if self.store.place(Scope::Collection(name)).is_err() {
            self.promise(COLLECTION_BYTES, &|_, _| false)?.settle(COLLECTION_BYTES)?;
        }
        // Which options it gets may only be known under the lock.
        let mut room = self.journal.room(&[Record::CreateCollection { name, options: LARGEST_OPTIONS }])?;
        let _held = self.catalogue_gate.read();
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        let issue = |options| room.append(&Record::CreateCollection { name, options });
        let ensured = self.store.ensure_collection(name, changes, self.collections_max, issue);
        ensured.map_err(|_| Refusal::TooManyCollections { limit: self.collections_max })
    }

    pub(super) fn describe_collection(&self, name: CollectionName<'_>) -> Outcome {
        match self.store.collection(name) {
            // Whatever was counted has its number by now.
            Ok(found) => {
                let rest = Rest::Seen(self.journal.last());
                Outcome { rest, effect: Effect::Collection(Box::new(summary(found))) }
            }
            Err(absent) => collection_absent(absent),
        }
    }

    pub(super) fn list_collections(&self, after: Option<CollectionName<'_>>, at_most: Option<usize>) -> Outcome {
        let (collections, _) = self.store.collections_behind(after, at_most.unwrap_or(usize::MAX));
        let rest = Rest::Seen(self.journal.last());
        Outcome { rest, effect: Effect::Collections(collections.into_iter().map(summary).collect()) }
    }

    /// The collection is gone when this returns; its memory is given back by `reclaim`, because that takes its time.
    pub(super) fn drop_collection(&self, name: CollectionName<'_>) -> Result<Outcome, Refusal> {
        let record = Record::DropCollection { name };
        let mut room = self.journal.room(&[record])?;
        let dropped = {
            let _held = self.catalogue_gate.read();
            if self.is_sealed() {
                return Err(Refusal::Stopping);
            }
            self.store.drop_collection(name, || room.append(&record))
        };
        Ok(match dropped {
            Dropped::Existed { id, lsn } => {
                self.dropped.lock().push(id);
                Outcome { rest: Rest::Written(lsn), effect: Effect::CollectionDropped { existed: true } }
            }
            Dropped::Absent { rests_on } => {
                Outcome { rest: Rest::Seen(rests_on), effect: Effect::CollectionDropped { existed: false } }
            }
        })
    }
}

fn summary(found: CatalogueEntry) -> CollectionSummary {
    let CatalogueEntry { name, created, options, totals, .. } = found;
    let (documents, key_and_value_bytes) = (totals.documents, totals.key_and_value_bytes);
    CollectionSummary { name, created, options, documents, key_and_value_bytes }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::tests::engine;
    use super::*;
    use crate::base::clock::{ManualClock, UnixMillis};
    use crate::model::{
        BatchRefusal, BatchWrite, Command, Condition, Deadline, Document, Execute, Expiry, Key, Lsn, OnAbsent, Scope,
        Tags, Written,
    };

    fn name() -> CollectionName<'static> {
        CollectionName::new("c").unwrap()
    }

    fn document(key: &str) -> Document {
        Document::new(Key::new(key).unwrap(), b"1")
    }

    fn ensure(engine: &Engine, options: OptionChanges) -> Outcome {
        engine.execute(Command::CreateCollection { name: name(), options }).unwrap()
    }

    fn put(engine: &Engine, expiry: Expiry, condition: Condition) -> Outcome {
        let (scope, on_absent) = (Scope::Collection(name()), OnAbsent::Create);
        engine.execute(Command::Put { scope, document: document("k"), expiry, condition, on_absent }).unwrap()
    }

    fn any() -> Condition {
        Condition { if_match: Some(Tags::Any), if_none_match: None }
    }

    fn described(engine: &Engine) -> (Rest, CollectionSummary) {
        let outcome = engine.execute(Command::DescribeCollection { name: name() }).unwrap();
        let Effect::Collection(summary) = outcome.effect else { panic!("{outcome:?}") };
        (outcome.rest, *summary)
    }

    #[test]
    fn options_take_a_number_when_they_change_and_rest_on_it() {
        let engine = engine(1, Arc::new(ManualClock::at(UnixMillis(0))));
        let ttl = OptionChanges { default_ttl_ms: Some(Some(5)), ..OptionChanges::NONE };
        let ensured = |changes, expected: Rest| {
            let outcome = ensure(&engine, changes);
            assert_eq!(outcome.rest, expected);
            let Effect::CollectionEnsured { created, options } = outcome.effect else { panic!("{outcome:?}") };
            (created, options.default_ttl_ms)
        };
        assert_eq!(ensured(OptionChanges::NONE, Rest::Written(Lsn(1))), (true, None));
        assert_eq!(ensured(ttl, Rest::Written(Lsn(2))), (false, Some(5)));
        assert_eq!(ensured(ttl, Rest::Seen(Lsn(2))), (false, Some(5)));
        assert_eq!(ensured(OptionChanges::NONE, Rest::Seen(Lsn(2))), (false, Some(5)));
        let (rest, summary) = described(&engine);
        assert_eq!((rest, summary.created, summary.options.default_ttl_ms), (Rest::Seen(Lsn(2)), Lsn(1), Some(5)));
    }

    #[test]
    fn the_default_time_to_live_is_reckoned_from_the_write_alone_and_in_a_batch() {
        let clock = Arc::new(ManualClock::at(UnixMillis(100)));
        let engine = engine(1, clock.clone());
        ensure(&engine, OptionChanges { default_ttl_ms: Some(Some(5)), ..OptionChanges::NONE });
        let deadline = |expiry| match put(&engine, expiry, Condition::default()).effect {
            Effect::Written { deadline, .. } => deadline,
            effect => panic!("{effect:?}"),
        };
        let at = |millis| Deadline::at(UnixMillis(millis));
        assert_eq!(deadline(Expiry::Default), at(105));
        clock.advance(3);
        assert_eq!(deadline(Expiry::Keep), at(105));
        assert_eq!(deadline(Expiry::Default), at(108));
        assert_eq!(deadline(Expiry::Set(Deadline::NEVER)), Deadline::NEVER);
        let write = |key, expiry| BatchWrite::Put { document: document(key), expiry, condition: Condition::default() };
        let writes = vec![write("k", Expiry::Default), write("k", Expiry::Keep), write("new", Expiry::Keep)];
        let batch = engine.execute(Command::Batch { scope: Scope::Collection(name()), writes }).unwrap();
        let Effect::Batched(written) = batch.effect else { panic!("{batch:?}") };
        let deadlines = written.iter().map(|written| match written {
            Written::Put { deadline, .. } => *deadline,
            other => panic!("{other:?}"),
        });
        assert_eq!(deadlines.collect::<Vec<_>>(), [at(108); 3]);
    }

    #[test]
    fn a_write_without_a_condition_is_refused_where_one_is_required_and_rests_on_that_option() {
        let engine = engine(1, Arc::new(ManualClock::at(UnixMillis(0))));
        put(&engine, Expiry::Default, Condition::default());
        ensure(&engine, OptionChanges { require_conditional: Some(true), ..OptionChanges::NONE });
        let (scope, key, condition) = (Scope::Collection(name()), Key::new("k").unwrap(), Condition::default());
        let deadline = Deadline::NEVER;
        for command in [
            Command::Put {
                scope,
                document: document("k"),
                expiry: Expiry::Default,
                condition: condition.clone(),
                on_absent: OnAbsent::Create,
            },
            Command::Delete { scope, key, condition: condition.clone() },
            Command::SetDeadline { scope, key, deadline, condition: condition.clone() },
        ] {
            let Outcome { rest, effect } = engine.execute(command).unwrap();
            assert!(rest == Rest::Seen(Lsn(3)) && matches!(effect, Effect::ConditionRequired), "{rest:?} {effect:?}");
        }
        let put_if = |condition| BatchWrite::Put { document: document("k"), expiry: Expiry::Default, condition };
        let writes = vec![put_if(any()), put_if(condition.clone())];
        let batch = engine.execute(Command::Batch { scope, writes }).unwrap();
        let why = BatchRefusal::ConditionRequired;
        assert!(matches!(batch.effect, Effect::BatchRefused { index: 1, why: found } if found == why), "{batch:?}");
        assert_eq!(engine.next_lsn(), Lsn(4), "what is refused takes no number");
        assert!(matches!(put(&engine, Expiry::Default, any()).effect, Effect::Written { .. }));
    }

    #[test]
    fn the_memory_of_a_dropped_collection_is_given_back_later_and_not_counted_for_its_successor() {
        let engine = engine(4, Arc::new(ManualClock::at(UnixMillis(0))));
        put(&engine, Expiry::Default, Condition::default());
        assert_eq!((described(&engine).1.documents, described(&engine).1.key_and_value_bytes), (1, 2));
        engine.execute(Command::DropCollection { name: name() }).unwrap();
        ensure(&engine, OptionChanges::NONE);
        assert_eq!((described(&engine).1.documents, engine.totals().documents), (0, 1));
        engine.reclaim(&|| true);
        assert_eq!(engine.totals().documents, 1, "there is no time for it");
        engine.reclaim(&|| false);
        assert_eq!((described(&engine).1.documents, engine.totals().documents), (0, 0));
    }
}

//! Staging a generation, and having it take the place of everything.
//!
//! What is staged is written as all else is, under names that nobody sees; its records come to nothing unless the one
//! record follows that puts it in place. A generation that is given up needs none: a start forgets what is staged.

use std::sync::atomic::Ordering;

use crate::model::{CollectionName, Effect, Lsn, OptionChanges, Outcome, Record, Refusal, Rest, staged_name};

use super::super::Engine;

impl Engine {
    /// The generation is named by an LSN that was not issued before the record that begins it, and so as no other.
    pub(super) fn stage(&self) -> Result<Outcome, Refusal> {
        let mut staged = self.staged.lock();
        if staged.is_some() {
            return Ok(Outcome { rest: Rest::NOTHING, effect: Effect::StagedAlready });
        }
        let generation = self.journal.next();
        self.ensure_collection(main_of(&staged_name(generation, "")), OptionChanges::NONE)?;
        *staged = Some(generation);
        Ok(Outcome { rest: Rest::NOTHING, effect: Effect::Staged { generation } })
    }

    pub(super) fn replace(&self, generation: Lsn) -> Result<Outcome, Refusal> {
        let name = staged_name(generation, "");
        let record = Record::Replace { staged: main_of(&name) };
        let mut room = self.journal.room(&[record])?;
        let replaced = {
            let _held = self.catalogue_gate.read();
            if self.is_sealed() {
                return Err(Refusal::Stopping);
            }
            self.store.replace(generation, || {
                self.replacements.fetch_add(1, Ordering::SeqCst);
                room.append(&record)
            })
        };
        self.forget(generation);
        let Some((lsn, ids)) = replaced else {
            return Ok(Outcome { rest: Rest::NOTHING, effect: Effect::Unstaged });
        };
        self.dropped.lock().extend(ids);
        Ok(Outcome { rest: Rest::Written(lsn), effect: Effect::Replaced })
    }

    pub(super) fn unstage(&self, generation: Lsn) -> Outcome {
        let ids = self.store.unstage(generation);
        self.dropped.lock().extend(ids);
        self.forget(generation);
        Outcome { rest: Rest::NOTHING, effect: Effect::Unstaged }
    }

    fn forget(&self, generation: Lsn) {
        self.staged.lock().take_if(|staged| *staged == generation);
    }
}

fn main_of(name: &str) -> CollectionName<'_> {
    CollectionName::stored(name).expect("made by staged_name")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::tests::engine;
    use super::*;
    use crate::base::clock::{ManualClock, UnixMillis};
    use crate::model::{Command, Condition, Deadline, Document, Execute, Expiry, Key, OnAbsent, Scope};

    struct Bench {
        engine: Engine,
        clock: Arc<ManualClock>,
    }

    impl Bench {
        fn new() -> Bench {
            let clock = Arc::new(ManualClock::at(UnixMillis(0)));
            Bench { engine: engine(4, clock.clone()), clock }
        }

        fn run(&self, command: Command<'_>) -> Outcome {
            self.engine.execute(command).unwrap()
        }

        fn stage(&self) -> Lsn {
            match self.run(Command::Stage).effect {
                Effect::Staged { generation } => generation,
                effect => panic!("{effect:?}"),
            }
        }

        /// Puts a document, staged or not; an empty name is the main store's.
        fn put(&self, generation: Option<Lsn>, name: &str, key: &str, deadline: Deadline) {
            let name = generation.map_or(name.to_owned(), |generation| staged_name(generation, name));
            let collection = CollectionName::stored(&name).map(Scope::Collection);
            self.run(Command::Put {
                scope: collection.unwrap_or(Scope::Main),
                document: Document::new(Key::new(key).unwrap(), b"1"),
                expiry: Expiry::Set(deadline),
                condition: Condition::default(),
                on_absent: OnAbsent::Create,
            });
        }

        /// Version of what is there, or none, and what that rests on.
        fn get(&self, key: &str) -> (Option<Lsn>, Rest) {
            let Outcome { rest, effect } = self.run(Command::Get { scope: Scope::Main, key: Key::new(key).unwrap() });
            (if let Effect::Found(entry) = effect { Some(entry.version) } else { None }, rest)
        }

        fn collections(&self) -> Vec<(String, u64)> {
            match self.run(Command::ListCollections { after: None, at_most: None }).effect {
                Effect::Collections(found) => found.into_iter().map(|it| (it.name, it.documents)).collect(),
                effect => panic!("{effect:?}"),
            }
        }

        fn documents(&self) -> u64 {
            self.engine.reclaim(&|| false);
            self.engine.totals().documents
        }
    }

    const NEVER: Deadline = Deadline::NEVER;

    #[test]
    fn what_is_staged_is_seen_by_nobody_until_it_is_everything() {
        let bench = Bench::new();
        bench.put(None, "", "a", NEVER);
        bench.put(None, "old", "k", NEVER);
        let generation = bench.stage();
        assert!(matches!(bench.run(Command::Stage).effect, Effect::StagedAlready));
        bench.put(Some(generation), "", "b", NEVER);
        bench.put(Some(generation), "new", "k", NEVER);
        assert_eq!((bench.get("a").0, bench.get("b").0), (Some(Lsn(1)), None));
        assert_eq!((bench.collections(), bench.documents()), (vec![("old".to_owned(), 1)], 4));

        let Outcome { rest, effect } = bench.run(Command::Replace { generation });
        assert!(rest == Rest::Written(Lsn(8)) && matches!(effect, Effect::Replaced), "{rest:?} {effect:?}");
        assert_eq!(bench.get("a"), (None, Rest::Seen(Lsn(8))), "the absence rests on the replacement");
        assert_eq!(bench.get("b"), (Some(Lsn(5)), Rest::Seen(Lsn(8))), "and so does the sight");
        assert_eq!((bench.collections(), bench.documents()), (vec![("new".to_owned(), 1)], 2));
        bench.put(None, "", "b", NEVER);
        assert_eq!((bench.get("b").0, bench.documents()), (Some(Lsn(9)), 2));
        assert_eq!(bench.stage(), Lsn(10), "and another may begin");
    }

    #[test]
    fn a_generation_that_is_given_up_leaves_nothing_and_takes_no_number() {
        let bench = Bench::new();
        bench.put(None, "", "a", NEVER);
        let generation = bench.stage();
        bench.put(Some(generation), "", "b", NEVER);
        bench.put(Some(generation), "c", "k", NEVER);
        let next = bench.engine.next_lsn();
        assert!(matches!(bench.run(Command::Unstage { generation }).effect, Effect::Unstaged));
        assert!(matches!(bench.run(Command::Replace { generation }).effect, Effect::Unstaged));
        assert_eq!((bench.engine.next_lsn(), bench.documents(), bench.get("a").0), (next, 1, Some(Lsn(1))));
        let later = bench.stage();
        assert!(matches!(bench.run(Command::Unstage { generation }).effect, Effect::Unstaged), "it is another's");
        assert!(matches!(bench.run(Command::Replace { generation: later }).effect, Effect::Replaced));
        assert_eq!((bench.documents(), bench.get("a").0), (0, None));
    }

    #[test]
    fn deadlines_hold_in_what_is_staged_and_in_what_was_replaced() {
        let bench = Bench::new();
        let at = |millis| Deadline::at(UnixMillis(millis));
        bench.put(None, "", "a", at(10));
        bench.put(None, "c", "a", at(10));
        let generation = bench.stage();
        bench.put(Some(generation), "", "a", at(20));
        bench.put(Some(generation), "", "b", at(10));
        bench.put(Some(generation), "c", "a", at(20));
        bench.run(Command::Replace { generation });
        bench.clock.advance(10);
        assert_eq!(bench.engine.reap(&|| false), 3, "of both, before the memory of the one is given back");
        assert_eq!((bench.get("a").0, bench.get("b").0, bench.documents()), (Some(Lsn(5)), None, 2));
        bench.clock.advance(10);
        assert_eq!((bench.engine.reap(&|| false), bench.documents()), (2, 0));
    }

    #[test]
    fn collections_max_holds_for_what_is_staged_by_itself() {
        let bench = Bench::new();
        (0..10).for_each(|number| bench.put(None, &format!("{number}"), "k", NEVER));
        let generation = bench.stage();
        (0..10).for_each(|number| bench.put(Some(generation), &format!("new{number}"), "k", NEVER));
        let name = staged_name(generation, "one more");
        let name = CollectionName::stored(&name).unwrap();
        let refused = bench.engine.execute(Command::CreateCollection { name, options: OptionChanges::NONE });
        assert_eq!(refused.err(), Some(Refusal::TooManyCollections { limit: 10 }));
        bench.run(Command::Replace { generation });
        assert_eq!((bench.collections().len(), bench.documents()), (10, 10));
    }

    #[test]
    fn a_sealed_engine_replaces_nothing() {
        let bench = Bench::new();
        let generation = bench.stage();
        bench.engine.seal();
        assert_eq!(bench.engine.execute(Command::Replace { generation }).err(), Some(Refusal::Stopping));
        assert!(matches!(bench.run(Command::Unstage { generation }).effect, Effect::Unstaged));
        assert_eq!(bench.engine.execute(Command::Stage).err(), Some(Refusal::Stopping));
    }
}

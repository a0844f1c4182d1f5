//! Changing the deadline of one document: its bytes, and so its version, stay.

use crate::model::{Condition, Deadline, Effect, Key, Outcome, Record, Refusal, Scope};

use super::super::Engine;

impl Engine {
    pub(super) fn set_deadline(
        &self,
        scope: Scope<'_>,
        key: Key<'_>,
        deadline: Deadline,
        condition: &Condition,
    ) -> Result<Outcome, Refusal> {
        self.change_existing(
            scope,
            key,
            condition,
            &Record::Deadline { scope, key, deadline },
            |locked, current, lsn| {
                locked.set_deadline(deadline, lsn);
                Effect::DeadlineSet { version: current.version, deadline }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::tests::engine;
    use super::*;
    use crate::base::clock::{ManualClock, UnixMillis};
    use crate::model::{Command, Document, Execute, Expiry, Lsn, OnAbsent, Rest, Tags};

    fn key() -> Key<'static> {
        Key::new("k").unwrap()
    }

    fn set(engine: &Engine, until: u64, condition: Condition) -> (Rest, Effect) {
        let deadline = Deadline::at(UnixMillis(until));
        let outcome = engine.execute(Command::SetDeadline { scope: Scope::Main, key: key(), deadline, condition });
        outcome.map(|outcome| (outcome.rest, outcome.effect)).unwrap()
    }

    #[test]
    fn a_new_deadline_has_an_lsn_of_its_own_and_leaves_the_version() {
        let clock = Arc::new(ManualClock::at(UnixMillis(0)));
        let engine = engine(1, clock.clone());
        let nothing = set(&engine, 10, Condition::default());
        assert!(matches!(nothing, (Rest::Seen(Lsn(0)), Effect::Absent)), "{nothing:?}");
        let put = Command::Put {
            scope: Scope::Main,
            document: Document::new(key(), b"1"),
            expiry: Expiry::Default,
            condition: Condition::default(),
            on_absent: OnAbsent::Create,
        };
        engine.execute(put).unwrap();
        let done = set(&engine, 10, Condition::default());
        assert!(matches!(done, (Rest::Written(Lsn(2)), Effect::DeadlineSet { version: Lsn(1), .. })), "{done:?}");
        let other = Condition { if_match: Some(Tags::Listed(vec![Lsn(2)])), if_none_match: None };
        let failed = set(&engine, 20, other);
        // It rests on the deadline too, without which the document would not be there to fail.
        let expected = matches!(failed, (Rest::Seen(Lsn(2)), Effect::ConditionFailed { current: Some(Lsn(1)) }));
        assert!(expected, "{failed:?}");
        clock.advance(10);
        let expired = set(&engine, 20, Condition::default());
        assert!(matches!(expired, (Rest::Seen(Lsn(2)), Effect::Absent)), "{expired:?}");
        assert_eq!(engine.next_lsn(), Lsn(3), "what changes nothing takes none");
        let get = engine.execute(Command::Get { scope: Scope::Main, key: key() }).unwrap();
        assert_eq!(get.rest, Rest::Seen(Lsn(2)), "absent because of the deadline");
        assert_eq!(engine.reap(&|| false), 1);
        assert_eq!(engine.next_lsn(), Lsn(3), "expiry takes none");
    }
}

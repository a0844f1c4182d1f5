//! Removing one document.

use crate::model::{Condition, Effect, Key, Outcome, Record, Refusal, Rest, Scope};

use super::super::Engine;
use super::{condition_failed, unwritten};

impl Engine {
    pub(super) fn delete(&self, scope: Scope<'_>, key: Key<'_>, condition: &Condition) -> Result<Outcome, Refusal> {
        let record = Record::Delete { scope, key };
        let mut room = self.journal.room(&[record])?;
        let place = match self.store.place(scope) {
            Ok(place) => place,
            Err(absent) => return Ok(unwritten(absent, condition)),
        };
        let locked = self.store.lock(&place, key);
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        let current = locked.current(self.clock.now());
        if !condition.holds(current.map(|current| current.version)) {
            return Ok(condition_failed(&locked, current));
        }
        if current.is_none() {
            return Ok(Outcome { rest: Rest::Seen(locked.absent_rests_on()), effect: Effect::Absent });
        }
        let lsn = room.append(&record);
        let effect = locked.remove(lsn).map_or(Effect::Absent, Effect::Removed);
        Ok(Outcome { rest: Rest::Written(lsn), effect })
    }
}

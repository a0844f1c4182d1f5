//! Removing one document.

use crate::model::{Condition, Effect, Key, Outcome, Record, Refusal, Scope};

use super::super::Engine;

impl Engine {
    pub(in crate::engine) fn delete(
        &self,
        scope: Scope<'_>,
        key: Key<'_>,
        condition: &Condition,
    ) -> Result<Outcome, Refusal> {
        self.change_existing(scope, key, condition, &Record::Delete { scope, key }, |locked, _, lsn| {
            locked.remove(lsn).map_or(Effect::Absent, Effect::Removed)
        })
    }
}

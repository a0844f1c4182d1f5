//! Writing one document.

use std::cell::LazyCell;

use crate::base::fault::{Fault, is_planted};
use crate::model::{
    Condition, Deadline, Document, Effect, Expiry, Key, OnAbsent, OptionChanges, Outcome, Record, Refusal, Rest, Scope,
};

use super::super::Engine;
use super::super::memory::{document_bytes, growth};
use super::{condition_failed, condition_required, unwritten};

impl Engine {
    pub(super) fn put(
        &self,
        scope: Scope<'_>,
        document: Document,
        expiry: Expiry,
        condition: &Condition,
        on_absent: OnAbsent,
    ) -> Result<Outcome, Refusal> {
        let own = document.key();
        let is_own = |other: Scope<'_>, key: Key<'_>| other == scope && key == own;
        let promise = self.promise(document_bytes(document.size_bytes()), &is_own)?;
        let mut room = self.journal.room(&[Record::Put { scope, document: &document, deadline: Deadline::NEVER }])?;
        // Again only when the collection was dropped between its creation here and the write.
        let place = loop {
            match (self.store.place(scope), scope) {
                (Ok(place), _) => break place,
                (Err(_), Scope::Collection(name)) if on_absent == OnAbsent::Create && condition.holds(None) => {
                    self.ensure_collection(name, OptionChanges::NONE)?;
                }
                (Err(absent), _) => return Ok(unwritten(absent, condition)),
            }
        };
        if let Some(refused) = condition_required(&place, condition) {
            return Ok(refused);
        }
        let options = place.options();
        let early = is_planted(Fault::AppendOutsideShardLock).then(|| {
            let deadline = expiry.deadline(None, options.default_deadline(|| self.clock.now()));
            room.append(&Record::Put { scope, document: &document, deadline })
        });
        let locked = self.store.lock(&place, document.key());
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        // Under the lock, where it counts, and once; most writes need it for nothing.
        let now = LazyCell::new(|| self.clock.now());
        let current = locked.current(|| *now);
        if !condition.holds(current.map(|current| current.version)) {
            return Ok(condition_failed(&locked, current));
        }
        promise.settle(growth(locked.size_bytes(), document.size_bytes()))?;
        let deadline = expiry.deadline(current.map(|current| current.deadline), options.default_deadline(|| *now));
        let version = early.unwrap_or_else(|| room.append(&Record::Put { scope, document: &document, deadline }));
        let before = locked.put(document, version, deadline);
        // What had expired is freed here, with the catalogue given back first.
        drop(place);
        let replaced = before.filter(|_| current.is_some()).map(|entry| entry.document);
        Ok(Outcome { rest: Rest::Written(version), effect: Effect::Written { version, deadline, replaced } })
    }
}

//! Commands on the store in this process.

use std::sync::Arc;

use crate::model::{
    CollectionName, Command, Condition, Deadline, Document, Effect, Execute, Expiry, Key, OnAbsent, Outcome, Record,
    Refusal, Rest, Scope,
};
use crate::store::{CollectionAbsent, Created, Current, Dropped, Locked, Lookup, Scan};

use super::Engine;

impl Execute for Engine {
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal> {
        match command {
            Command::Get { scope, key } => Ok(self.get(scope, key)),
            Command::Put { scope, document, expiry, condition, on_absent } => {
                self.put(scope, document, expiry, &condition, on_absent)
            }
            Command::Delete { scope, key, condition } => self.delete(scope, key, &condition),
            Command::Scan { scope } => Ok(self.scan(scope)),
            Command::CreateCollection { name } => self.create_collection(name),
            Command::DropCollection { name } => self.drop_collection(name),
            Command::ListCollections => {
                let (collections, rests_on) = self.store.collections();
                let names = collections.into_iter().map(|collection| collection.name).collect();
                Ok(Outcome { rest: Rest::Seen(rests_on), effect: Effect::Collections(names) })
            }
        }
    }

    fn anticipate(&self, keys: &[Key<'_>]) {
        self.store.anticipate(keys);
    }
}

fn collection_absent(absent: CollectionAbsent) -> Outcome {
    Outcome { rest: Rest::Seen(absent.rests_on), effect: Effect::CollectionAbsent }
}

fn condition_failed(locked: &Locked<'_>, current: Option<Current>) -> Outcome {
    let rests_on = current.map_or_else(|| locked.absent_rests_on(), |current| current.rests_on);
    let current = current.map(|current| current.version);
    Outcome { rest: Rest::Seen(rests_on), effect: Effect::ConditionFailed { current } }
}

/// The answer to a write whose collection does not exist and is not to be created.
fn unwritten(absent: CollectionAbsent, condition: &Condition) -> Outcome {
    if condition.holds(None) {
        return collection_absent(absent);
    }
    Outcome { rest: Rest::Seen(absent.rests_on), effect: Effect::ConditionFailed { current: None } }
}

impl Engine {
    fn get(&self, scope: Scope<'_>, key: Key<'_>) -> Outcome {
        let place = match self.store.place(scope) {
            Ok(place) => place,
            Err(absent) => return collection_absent(absent),
        };
        match self.store.get(place, key, self.clock.now()) {
            Lookup::Found { entry, rests_on } => Outcome { rest: Rest::Seen(rests_on), effect: Effect::Found(entry) },
            Lookup::Absent { rests_on } => Outcome { rest: Rest::Seen(rests_on), effect: Effect::Absent },
        }
    }

    fn put(
        &self,
        scope: Scope<'_>,
        document: Document,
        expiry: Expiry,
        condition: &Condition,
        on_absent: OnAbsent,
    ) -> Result<Outcome, Refusal> {
        let mut room = self.journal.room(&[Record::Put { scope, document: &document, deadline: Deadline::NEVER }])?;
        // Again only when the collection was dropped between its creation here and the write.
        let place = loop {
            match (self.store.place(scope), scope) {
                (Ok(place), _) => break place,
                (Err(_), Scope::Collection(name)) if on_absent == OnAbsent::Create && condition.holds(None) => {
                    self.create_collection(name)?;
                }
                (Err(absent), _) => return Ok(unwritten(absent, condition)),
            }
        };
        let locked = self.store.lock(&place, document.key());
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        let current = locked.current(self.clock.now());
        if !condition.holds(current.map(|current| current.version)) {
            return Ok(condition_failed(&locked, current));
        }
        let deadline = match (expiry, current) {
            (Expiry::Set(deadline), _) => deadline,
            (Expiry::Keep, Some(current)) => current.deadline,
            (Expiry::Keep, None) | (Expiry::Default, _) => Deadline::NEVER,
        };
        let version = room.append(&Record::Put { scope, document: &document, deadline });
        let before = locked.put(document, version, deadline);
        // What had expired is freed here, with the catalogue given back first.
        drop(place);
        let replaced = before.filter(|_| current.is_some()).map(|entry| entry.document);
        Ok(Outcome { rest: Rest::Written(version), effect: Effect::Written { version, deadline, replaced } })
    }

    fn delete(&self, scope: Scope<'_>, key: Key<'_>, condition: &Condition) -> Result<Outcome, Refusal> {
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

    fn scan(&self, scope: Scope<'_>) -> Outcome {
        let id = match self.store.place(scope) {
            Ok(place) => place.id(),
            Err(absent) => return collection_absent(absent),
        };
        let clock = Arc::clone(&self.clock);
        let rest = Rest::Seen(self.journal.last());
        let scan = Scan::new(Arc::clone(&self.store), id, move || clock.now());
        Outcome { rest, effect: Effect::Scanned(Box::new(scan)) }
    }

    fn create_collection(&self, name: CollectionName<'_>) -> Result<Outcome, Refusal> {
        let record = Record::CreateCollection { name };
        let mut room = self.journal.room(&[record])?;
        let _held = self.catalogue_gate.read();
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        match self.store.create_collection(name, self.collections_max, || room.append(&record)) {
            Ok(Created { created, lsn, .. }) => {
                let rest = if created { Rest::Written(lsn) } else { Rest::Seen(lsn) };
                Ok(Outcome { rest, effect: Effect::CollectionEnsured { created } })
            }
            Err(_) => Err(Refusal::TooManyCollections { limit: self.collections_max }),
        }
    }

    fn drop_collection(&self, name: CollectionName<'_>) -> Result<Outcome, Refusal> {
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
                self.store.reclaim(id);
                Outcome { rest: Rest::Written(lsn), effect: Effect::CollectionDropped { existed: true } }
            }
            Dropped::Absent { rests_on } => {
                Outcome { rest: Rest::Seen(rests_on), effect: Effect::CollectionDropped { existed: false } }
            }
        })
    }
}

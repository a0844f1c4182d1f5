//! Commands on the store in this process.
//!
//! What only reads is here, and the way of every change of a document that must be there; each kind of mutation has a
//! file of its own.

mod batch;
mod collections;
mod deadline;
mod delete;
mod put;
mod staging;

use std::sync::Arc;

use crate::base::clock::UnixMillis;
use crate::journal::Journal;
use crate::model::{
    Command, Condition, Effect, Entries, Execute, Hint, Key, KeyRange, Listed, Lsn, Outcome, Record, Refusal, Rest,
    Scope,
};
use crate::store::{CollectionAbsent, Current, Locked, Lookup, Place, Scan};

use super::Engine;

impl Execute for Engine {
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal> {
        match command {
            Command::Get { scope, key } => Ok(self.get(scope, key)),
            Command::Put { scope, document, expiry, condition, on_absent } => {
                self.put(scope, document, expiry, &condition, on_absent)
            }
            Command::Delete { scope, key, condition } => self.delete(scope, key, &condition),
            Command::SetDeadline { scope, key, deadline, condition } => {
                self.set_deadline(scope, key, deadline, &condition)
            }
            Command::Batch { scope, writes } => self.batch(scope, &writes),
            Command::Scan { scope, range, at_most } => Ok(self.scan(scope, range, at_most)),
            Command::CreateCollection { name, options } => self.create_collection(name, options),
            Command::DescribeCollection { name } => Ok(self.describe_collection(name)),
            Command::DropCollection { name } => self.drop_collection(name),
            Command::Stage => self.stage(),
            Command::Replace { generation } => self.replace(generation),
            Command::Unstage { generation } => Ok(self.unstage(generation)),
            Command::ListCollections { after, at_most } => Ok(self.list_collections(after, at_most)),
        }
    }

    fn anticipate(&self, hints: &[Hint<'_>]) {
        self.store.anticipate(hints);
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

/// The answer to a write into `place` that carries no condition, where it must.
fn condition_required(place: &Place<'_>, condition: &Condition) -> Option<Outcome> {
    let is_missing = place.options().require_conditional && condition.is_none();
    is_missing.then(|| Outcome { rest: Rest::Seen(place.options_rest_on()), effect: Effect::ConditionRequired })
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
        match self.store.get(place, key, || self.clock.now()) {
            Lookup::Found { entry, rests_on } => Outcome { rest: Rest::Seen(rests_on), effect: Effect::Found(entry) },
            Lookup::Absent { rests_on } => Outcome { rest: Rest::Seen(rests_on), effect: Effect::Absent },
        }
    }

    /// Appends `record` and makes its change when the document is there and `condition` holds; `change` gives what came
    /// of it.
    fn change_existing(
        &self,
        scope: Scope<'_>,
        key: Key<'_>,
        condition: &Condition,
        record: &Record<'_>,
        change: impl FnOnce(Locked<'_>, Current, Lsn) -> Effect,
    ) -> Result<Outcome, Refusal> {
        let mut room = self.journal.room(std::slice::from_ref(record))?;
        let place = match self.store.place(scope) {
            Ok(place) => place,
            Err(absent) => return Ok(unwritten(absent, condition)),
        };
        if let Some(refused) = condition_required(&place, condition) {
            return Ok(refused);
        }
        let locked = self.store.lock(&place, key);
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        let current = locked.current(|| self.clock.now());
        if !condition.holds(current.map(|current| current.version)) {
            return Ok(condition_failed(&locked, current));
        }
        let Some(current) = current else {
            return Ok(Outcome { rest: Rest::Seen(locked.absent_rests_on()), effect: Effect::Absent });
        };
        let lsn = room.append(record);
        Ok(Outcome { rest: Rest::Written(lsn), effect: change(locked, current, lsn) })
    }

    fn scan(&self, scope: Scope<'_>, range: KeyRange<'_>, at_most: Option<usize>) -> Outcome {
        let id = match self.store.place(scope) {
            Ok(place) => place.id(),
            Err(absent) => return collection_absent(absent),
        };
        let clock = Arc::clone(&self.clock);
        let rest = Rest::Seen(self.journal.last());
        let scan = Scan::new(Arc::clone(&self.store), id, range, at_most, move || clock.now());
        let listing = Listing { scan, journal: Arc::clone(&self.journal) };
        Outcome { rest, effect: Effect::Scanned(Box::new(listing)) }
    }
}

/// A scan that knows what it rests on.
struct Listing<N> {
    scan: Scan<N>,
    journal: Arc<Journal>,
}

impl<N: Fn() -> UnixMillis> Iterator for Listing<N> {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        self.scan.next()
    }
}

impl<N: Fn() -> UnixMillis + Send> Entries for Listing<N> {
    /// The counter: whatever a slice has shown or not shown was numbered before it was taken.
    fn rests_on(&self) -> Lsn {
        self.journal.last()
    }
}

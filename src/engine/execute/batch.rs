//! Several changes at one moment, all of them or none.
//!
//! Everything that may refuse comes first: the size of it all, before any lock, and under the locks of all keys what
//! `decide` finds. Then the records are appended in one piece, so that a crash keeps all or none of them, and then the
//! changes are made, which cannot fail.

mod decide;

use std::collections::HashMap;

use crate::base::limits::{ATOMIC_BYTES_MAX, ATOMIC_WRITES_MAX};
use crate::model::{
    BatchRefusal, BatchWrite, CollectionOptions, Condition, Deadline, Effect, Key, Lsn, Outcome, Record, Refusal, Rest,
    Scope, Written,
};
use crate::persist::journal::encoded_bytes;
use crate::store::LockedMany;

use super::super::Engine;
use super::super::memory::document_bytes;
use super::unwritten;

use decide::{Decided, Found, Obstacle, Version, decide};

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
        let promise = self.promise(added(writes), &|other, key| other == scope && keys.contains(&key))?;
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
        self.store.anticipate_all(&place, &keys);
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
        promise.settle(growth(writes, &earlier, &locked))?;
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

/// How much is added by all changes at most.
fn added(writes: &[BatchWrite<'_>]) -> u64 {
    let each = writes.iter().map(|write| match write {
        BatchWrite::Put { document, .. } => document_bytes(document.size_bytes()),
        BatchWrite::Delete { .. } | BatchWrite::SetDeadline { .. } => 0,
    });
    each.sum()
}

/// How much is added by all changes together.
fn growth(writes: &[BatchWrite<'_>], earlier: &[Option<usize>], locked: &LockedMany<'_>) -> u64 {
    // What is under the key of each change behind it.
    let mut sizes: Vec<Option<usize>> = Vec::with_capacity(writes.len());
    let (mut added, mut removed) = (0, 0);
    for (index, (write, earlier)) in writes.iter().zip(earlier).enumerate() {
        let before = earlier.map_or_else(|| locked.size_bytes(index), |earlier| sizes.get(earlier).copied().flatten());
        let after = match write {
            BatchWrite::Put { document, .. } => Some(document.size_bytes()),
            BatchWrite::Delete { .. } => None,
            BatchWrite::SetDeadline { .. } => before,
        };
        removed += before.map_or(0, document_bytes);
        added += after.map_or(0, document_bytes);
        sizes.push(after);
    }
    added.saturating_sub(removed)
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
mod tests;

//! Room: what a mutation has taken of the journal before its locks, so that appending under them never waits.
//!
//! Invariant: a room holds the LSNs and the bytes that it has not used, and gives back what is left of them when it
//! goes. While one is there, no attempt to heal begins to write.

use smallvec::SmallVec;

use crate::base::log;
use crate::model::{Change, Lsn, Record, Refusal};
use crate::persist::journal::{DEADLINE_BYTES, encoded_bytes};

use super::Journal;

/// Bytes of unwritten records at which `mt-journal` is woken, whether a reply waits for them or not.
const WAKE_BYTES: usize = 1 << 20;

/// The right to append some records. It belongs to one mutation and lives as long as it.
#[derive(Debug)]
#[must_use]
pub struct Room<'j> {
    journal: &'j Journal,
    /// Numbers that were promised, the used ones included: they are given back together.
    promised: u32,
    used: u32,
    /// Bytes that were taken and not used.
    bytes: usize,
    /// What those who follow the changes are told of each record that was not appended yet: made here, so that nothing
    /// is allocated under a lock. Empty when the feed is off.
    changes: SmallVec<[Option<Change>; 1]>,
    /// True when the feed has more than it leaves lying about.
    should_collect: bool,
}

impl<'j> Room<'j> {
    /// See `Journal::room`.
    pub(super) fn take(journal: &'j Journal, records: &[Record<'_>]) -> Result<Room<'j>, Refusal> {
        let promised = u32::try_from(records.len()).expect("a mutation has at most ATOMIC_WRITES_MAX records");
        journal.sequence.promise(promised)?;
        // From here on, dropping it gives back. Whoever heals looks at what is promised after it has closed the
        // journal, so it waits for this room, or this room is refused.
        let changes = SmallVec::new();
        let mut room = Room { journal, promised, used: 0, bytes: 0, changes, should_collect: false };
        if let Some(refusal) = journal.refusal() {
            return Err(refusal);
        }
        // Which deadline a record gets may only be known under the lock.
        let bytes = records.iter().map(|record| encoded_bytes(record) + DEADLINE_BYTES).sum();
        if !journal.space.take(bytes) {
            return Err(Refusal::JournalBusy);
        }
        room.bytes = bytes;
        if journal.feed.is_some() {
            room.changes.extend(records.iter().map(|record| Change::of(Lsn::ZERO, record)));
        }
        Ok(room)
    }
}

impl Room<'_> {
    /// Takes the next LSN and appends `record` under it, in one critical section. Never waits, never fails.
    ///
    /// # Locks
    /// The head's, for a bounded time. Call it while the shard or the catalogue that the record changes is locked.
    pub fn append(&mut self, record: &Record<'_>) -> Lsn {
        self.append_all(std::slice::from_ref(record))
    }

    /// As `append` for all records of a batch: their LSNs follow one another, and the first is returned; they are
    /// written together or not at all. At least one record.
    pub fn append_all(&mut self, records: &[Record<'_>]) -> Lsn {
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let bytes = records.iter().map(encoded_bytes).sum();
        self.used = self.used.saturating_add(count);
        if count == 0 || self.used > self.promised || bytes > self.bytes {
            let (promised, room) = (self.promised, self.bytes);
            log::abort(format_args!(
                "{} records appended in a room for {promised}, {bytes} bytes for {room}",
                self.used
            ));
        }
        for (change, record) in self.changes.iter_mut().zip(records) {
            change.iter_mut().for_each(|change| change.settle(record));
        }
        let changes = self.changes.drain(..records.len().min(self.changes.len()));
        let (first, kept) = {
            let mut head = self.journal.head.lock();
            let first = head.issue(count, &self.journal.sequence);
            if changes.len() > 0 {
                self.should_collect = head.fresh.add(first, changes);
            }
            (first, head.keep(first, records, bytes))
        };
        if let Some(kept) = kept {
            // Whoever writes or discards them gives these bytes back.
            self.bytes -= bytes;
            if kept >= WAKE_BYTES && kept - bytes < WAKE_BYTES {
                self.journal.alarm.ring();
            }
        }
        first
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.journal.space.give_back(self.bytes);
        }
        self.journal.sequence.give_back(self.promised);
        self.journal.note_room_left();
        if self.used > 0 {
            self.journal.note_changed(self.should_collect);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::super::Sequence;
    use super::*;
    use crate::base::health::Health;
    use crate::model::{Key, Scope};

    const FULL: Refusal = Refusal::SequenceUnavailable { cause: String::new() };

    /// A journal with the LSNs from 1 to 9, and no more.
    fn journal() -> Journal {
        let raise = Box::new(|_| Err(String::new()));
        Journal::off(Sequence::new(Lsn(1), Lsn(10), raise, Arc::new(Health::default())))
    }

    fn deletion() -> Record<'static> {
        Record::Delete { scope: Scope::Main, key: Key::new("k").unwrap() }
    }

    #[test]
    fn a_room_keeps_its_lsns_until_it_goes_and_gives_back_what_it_did_not_use() {
        let journal = journal();
        let mut room = journal.room(&[deletion(); 6]).unwrap();
        assert_eq!((journal.next(), journal.last()), (Lsn(1), Lsn(0)), "promised is not issued");
        assert_eq!(journal.room(&[deletion(); 4]).err(), Some(FULL));
        assert_eq!(room.append(&deletion()), Lsn(1));
        assert_eq!(journal.number(), Ok(Lsn(2)), "another's LSN comes in between");
        assert_eq!(room.append_all(&[deletion(); 2]), Lsn(3));
        drop(room);
        let mut room = journal.room(&[deletion(); 5]).unwrap();
        assert_eq!(room.append_all(&[deletion(); 5]), Lsn(5));
        assert_eq!((journal.next(), journal.last()), (Lsn(10), Lsn(9)));
    }

    #[test]
    fn the_lsns_of_a_batch_follow_one_another_whoever_writes_beside_it() {
        let raise = Box::new(|_| Ok(()));
        let journal = Journal::off(Sequence::new(Lsn(1), Lsn(1), raise, Arc::new(Health::default())));
        let mut firsts = thread::scope(|scope| {
            let batches = || {
                let take = || journal.room(&[deletion(); 7]).unwrap().append_all(&[deletion(); 7]).0;
                (0..1000).map(|_| take()).collect::<Vec<_>>()
            };
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(batches)).collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        firsts.sort();
        assert_eq!(firsts, (0..4000).map(|batch| 1 + 7 * batch).collect::<Vec<_>>());
    }
}

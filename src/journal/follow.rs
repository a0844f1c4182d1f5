//! Following the feed of changes: who may be shown what, and who is woken when.
//!
//! Invariants: nothing is shown before its write would be acknowledged, so that no reader has seen what the end of the
//! process takes back, but where there is no journal. Readers are woken at that moment: by the thread that writes the
//! journal, once for all that it wrote, and by the writes themselves only where there is no journal. A reader that is too
//! slow loses its place; nobody waits for it.

use std::sync::Arc;

use crate::model::{Change, ChangeWaker, Changes, ChangesGone, Follow, Lsn, NotFollowed, Record};

use super::feed::{ChangesFigures, ChangesLimits, Feed, Fresh};
use super::{Journal, Mode};

impl Journal {
    /// The same journal, which keeps the newest changes for those who follow them. Nothing may have been appended.
    #[must_use]
    pub fn with_changes(mut self, limits: ChangesLimits) -> Journal {
        if limits.entries_max > 0 && limits.bytes_max > 0 {
            self.feed = Some(Box::new(Feed::new(limits, self.last())));
            self.head.get_mut().fresh = Fresh::new();
        }
        self
    }

    /// Tells the feed of a record that is replayed at the start, in the order of the LSNs.
    pub fn note_replayed(&self, lsn: Lsn, record: &Record<'_>) {
        if let Some(feed) = &self.feed {
            feed.refill(lsn, record);
        }
    }

    /// Tells the feed that the records which are replayed from here on are those of a segment that begins with `first_lsn`.
    pub fn note_segment(&self, first_lsn: Lsn) {
        if let Some(feed) = &self.feed {
            feed.refill_behind(Lsn(first_lsn.0.saturating_sub(1)));
        }
    }

    /// What was replayed is thrown away, and other records are.
    pub fn forget_replayed(&self) {
        self.feed.iter().for_each(|feed| feed.forget());
    }

    /// Bytes of changes that the feed keeps at most; 0 when it is off.
    pub fn changes_bytes_max(&self) -> u64 {
        self.feed.as_ref().map_or(0, |feed| feed.bytes_max() as u64)
    }

    /// What the feed of changes has and has done; all zero when it is off.
    pub fn changes_figures(&self) -> ChangesFigures {
        self.feed.as_ref().map(|feed| feed.figures(&self.head)).unwrap_or_default()
    }

    /// The newest LSN that readers may be shown, with all before it.
    fn shown(&self) -> Lsn {
        self.releases.acknowledged().min(self.last())
    }

    /// Wakes the readers that have not read everything that may be shown.
    pub(super) fn wake_readers(&self) {
        if let Some(feed) = &self.feed {
            feed.wake(self.shown());
        }
    }

    /// As `wake_readers`, for a write that nobody else will speak for; moves what it has left behind into the ring when
    /// it is time.
    pub(super) fn note_changed(&self, should_collect: bool) {
        if let Some(feed) = &self.feed {
            if should_collect {
                feed.collect(&self.head);
            }
            if self.options.mode == Mode::Off {
                feed.wake(self.shown());
            }
        }
    }
}

impl Changes for Journal {
    fn follow(self: Arc<Self>, after: Option<Lsn>) -> Result<Box<dyn Follow>, NotFollowed> {
        let Some(feed) = &self.feed else { return Err(NotFollowed::Off) };
        let position = match after {
            None => self.shown(),
            Some(after) => {
                feed.check(after, self.last()).map_err(NotFollowed::Gone)?;
                after
            }
        };
        let number = feed.admit()?;
        Ok(Box::new(Follower { journal: Arc::clone(&self), number, position }))
    }
}

/// One reader.
struct Follower {
    journal: Arc<Journal>,
    number: u64,
    position: Lsn,
}

impl Follower {
    fn feed(&self) -> &Feed {
        self.journal.feed.as_ref().expect("only a journal with a feed is followed")
    }
}

impl Follow for Follower {
    fn position(&self) -> Lsn {
        self.position
    }

    fn read(&mut self, at_most: usize, into: &mut Vec<Change>) -> Result<(), ChangesGone> {
        let span = (self.position, self.journal.shown());
        self.position = self.feed().read(&self.journal.head, span, at_most, into)?;
        Ok(())
    }

    fn when_changed(&mut self, waker: ChangeWaker) {
        let feed = self.feed();
        feed.keep(self.number, self.position, waker);
        // Looked at after it is kept, and behind the head's lock: a write from here on sees that somebody waits.
        let newest = self.journal.head.lock().last();
        if self.journal.releases.acknowledged().min(newest) > self.position
            && let Some(waker) = feed.take(self.number)
        {
            waker();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.feed().dismiss(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::super::Sequence;
    use super::*;
    use crate::base::health::Health;
    use crate::model::{Deadline, Document, Key, Scope};

    const LIMITS: ChangesLimits = ChangesLimits { entries_max: 1000, bytes_max: 1 << 20, readers_max: 3 };

    /// A journal without files, which goes on with `next`.
    fn journal(limits: ChangesLimits, next: u64) -> Arc<Journal> {
        let raise = Box::new(|_| Ok(()));
        let sequence = Sequence::new(Lsn(next), Lsn(next), raise, Arc::new(Health::default()));
        Arc::new(Journal::off(sequence).with_changes(limits))
    }

    fn write_one(journal: &Journal) {
        let document = Document::new(Key::new("k").unwrap(), b"1");
        let record = Record::Put { scope: Scope::Main, document: &document, deadline: Deadline::NEVER };
        journal.room(&[record]).unwrap().append(&record);
    }

    fn follow(journal: &Arc<Journal>, after: Option<u64>) -> Result<Box<dyn Follow>, NotFollowed> {
        Arc::clone(journal).follow(after.map(Lsn))
    }

    fn read(reader: &mut dyn Follow) -> Result<Vec<u64>, u64> {
        let mut found = Vec::new();
        reader.read(usize::MAX, &mut found).map_err(|gone| gone.floor.0)?;
        Ok(found.iter().map(|change| change.lsn.0).collect())
    }

    #[test]
    fn a_reader_sees_every_lsn_once_and_in_order_whoever_writes() {
        const EACH: u64 = 2000;
        let journal = journal(ChangesLimits { entries_max: 100_000, ..LIMITS }, 1);
        let mut reader = follow(&journal, None).unwrap();
        let mut seen = Vec::new();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..EACH).for_each(|_| write_one(&journal)));
            }
            while seen.len() < 8 * EACH as usize {
                let (wake, woken) = channel();
                reader.when_changed(Box::new(move || wake.send(()).unwrap()));
                woken.recv().unwrap();
                seen.extend(read(&mut *reader).unwrap());
            }
        });
        assert_eq!(seen, (1..=8 * EACH).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_that_is_too_slow_is_told_and_keeps_nobody_waiting() {
        let journal = journal(ChangesLimits { entries_max: 10, ..LIMITS }, 1);
        let mut slow = follow(&journal, Some(0)).unwrap();
        (0..500).for_each(|_| write_one(&journal));
        assert_eq!(read(&mut *slow), Err(490));
        let figures = journal.changes_figures();
        assert_eq!((figures.entries, figures.bytes, figures.floor), (10, 20, Lsn(490)));
        assert_eq!((figures.readers, figures.readers_lost), (1, 1));
        assert!(matches!(follow(&journal, Some(489)), Err(NotFollowed::Gone(gone)) if gone.floor == Lsn(490)));
        assert_eq!(read(&mut *follow(&journal, Some(495)).unwrap()), Ok(vec![496, 497, 498, 499, 500]));
        assert!(matches!(follow(&journal, Some(501)), Err(NotFollowed::Gone(gone)) if gone.newest == Lsn(500)));
    }

    #[test]
    fn what_is_large_is_not_left_for_later() {
        let journal = journal(ChangesLimits { entries_max: 10, ..LIMITS }, 1);
        let document = Document::new(Key::new("large").unwrap(), &vec![b'1'; 1 << 21]);
        let record = Record::Put { scope: Scope::Main, document: &document, deadline: Deadline::NEVER };
        journal.room(&[record]).unwrap().append(&record);
        assert!(journal.head.lock().fresh.is_empty());
        assert_eq!(journal.changes_figures().floor, Lsn(1));
    }

    #[test]
    fn a_reader_that_waits_is_woken_once_by_what_it_has_not_read() {
        let journal = journal(LIMITS, 1);
        let mut reader = follow(&journal, None).unwrap();
        let (tell, told) = channel();
        let waker = |name: &'static str| -> ChangeWaker {
            let tell = tell.clone();
            Box::new(move || tell.send(name).unwrap())
        };
        reader.when_changed(waker("replaced"));
        reader.when_changed(waker("first"));
        assert!(told.try_recv().is_err());
        write_one(&journal);
        write_one(&journal);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["first"]);
        reader.when_changed(waker("at once"));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["at once"]);
        assert_eq!(read(&mut *reader), Ok(vec![1, 2]));
        reader.when_changed(waker("gone"));
        drop(reader);
        write_one(&journal);
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn a_feed_has_so_many_readers_or_is_off() {
        let few = journal(LIMITS, 1);
        let readers: Vec<_> = (0..3).map(|_| follow(&few, None).unwrap()).collect();
        assert_eq!(follow(&few, None).err(), Some(NotFollowed::TooMany { limit: 3 }));
        drop(readers);
        assert!(follow(&few, None).is_ok());
        let off = journal(ChangesLimits { entries_max: 0, ..LIMITS }, 1);
        assert_eq!(follow(&off, None).err(), Some(NotFollowed::Off));
        assert!(off.feed.is_none() && off.changes_figures() == ChangesFigures::default());
    }

    #[test]
    fn what_is_replayed_is_there_and_what_a_crash_took_is_not_skipped_in_silence() {
        let journal = journal(LIMITS, 100);
        let deletion = Record::Delete { scope: Scope::Main, key: Key::new("k").unwrap() };
        journal.note_replayed(Lsn(3), &deletion);
        journal.forget_replayed();
        for lsn in [7, 8, 8, 20] {
            journal.note_replayed(Lsn(lsn), &deletion);
        }
        journal.feed.as_ref().unwrap().begin(journal.last());
        write_one(&journal);
        let reads = |after| follow(&journal, Some(after)).map(|mut reader| read(&mut *reader)).ok();
        assert_eq!(reads(6), Some(Ok(vec![7, 8, 20, 100])));
        assert_eq!(reads(8), Some(Ok(vec![20, 100])), "the last before a crash");
        assert_eq!((reads(5), reads(9), reads(18)), (None, None, None), "never kept, or lost");
        assert_eq!((reads(19), reads(20)), (Some(Ok(vec![20, 100])), Some(Ok(vec![100]))));
        assert_eq!((reads(21), reads(98), reads(99)), (None, None, Some(Ok(vec![100]))));
    }

    /// A server that was killed before it wrote anything has told those who wait up to where they have all that there is.
    #[test]
    fn who_has_everything_goes_on_over_crashes_of_servers_that_wrote_nothing() {
        let journal = journal(LIMITS, 300);
        let deletion = Record::Delete { scope: Scope::Main, key: Key::new("k").unwrap() };
        journal.note_segment(Lsn(3));
        journal.note_segment(Lsn(100));
        journal.note_segment(Lsn(200));
        journal.note_replayed(Lsn(200), &deletion);
        journal.note_segment(Lsn(201));
        journal.feed.as_ref().unwrap().begin(journal.last());
        let reads = |after| follow(&journal, Some(after)).map(|mut reader| read(&mut *reader)).ok();
        assert_eq!((reads(1), reads(2), reads(3)), (None, Some(Ok(vec![200])), None), "the first begins behind 2");
        assert_eq!((reads(98), reads(99), reads(100)), (None, Some(Ok(vec![200])), None), "the second behind 99");
        assert_eq!((reads(199), reads(200), reads(201)), (Some(Ok(vec![200])), Some(Ok(vec![])), None));
        assert_eq!((reads(299), reads(300)), (Some(Ok(vec![])), None));
    }

    #[test]
    fn without_anything_to_replay_the_floor_is_where_the_journal_goes_on() {
        let journal = journal(LIMITS, 50);
        journal.feed.as_ref().unwrap().begin(journal.last());
        assert_eq!(journal.changes_figures().floor, Lsn(49));
        assert!(follow(&journal, Some(49)).is_ok() && follow(&journal, Some(48)).is_err());
    }
}

//! The newest changes, in the order of their LSNs, bounded in their number and in their bytes.
//!
//! Invariants: every change behind the floor and up to `through` is here, but for numbers that were never given to one
//! (`gaps`); what is too much is handed out, oldest first, for the caller to free. LSNs without a change, such as the
//! creation of a collection, are passed over.
//! It knows neither locks nor readers, nor which changes may be shown.

use std::collections::VecDeque;

use crate::model::{Change, ChangesGone, Lsn};

use super::feed::ChangesLimits;

/// Numbers that no change has: those between these two. An earlier process may have issued them and not kept what they
/// stood for.
#[derive(Clone, Copy, Debug)]
struct Gap {
    from: Lsn,
    to: Lsn,
}

/// The newest changes.
#[derive(Debug)]
pub(super) struct Ring {
    limits: ChangesLimits,
    changes: VecDeque<Change>,
    bytes: usize,
    /// The LSN of the newest change that is not here, or one before the first that ever was.
    floor: Lsn,
    /// Whatever was issued up to here has been added.
    through: Lsn,
    gaps: Vec<Gap>,
}

impl Ring {
    /// An empty ring behind `floor`. It takes address space for its entries, and memory as it is filled.
    pub(super) fn new(limits: ChangesLimits, floor: Lsn) -> Ring {
        let changes = VecDeque::with_capacity(limits.entries_max);
        Ring { limits, changes, bytes: 0, floor, through: floor, gaps: Vec::new() }
    }

    /// Every change behind it is here.
    pub(super) fn floor(&self) -> Lsn {
        self.floor
    }

    /// The newest LSN that was added.
    pub(super) fn through(&self) -> Lsn {
        self.through
    }

    /// How many changes there are.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Bytes of all changes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds `change`, which is newer than all before, and puts what is too much now into `evicted`.
    pub(super) fn push(&mut self, change: Change, evicted: &mut Vec<Change>) {
        debug_assert!(change.lsn > self.through, "changes come in the order of their LSNs");
        let bytes = change.size_bytes();
        while self.changes.len() >= self.limits.entries_max || self.bytes + bytes > self.limits.bytes_max {
            let Some(oldest) = self.changes.pop_front() else { break };
            self.bytes -= oldest.size_bytes();
            self.floor = oldest.lsn;
            evicted.push(oldest);
        }
        self.through = change.lsn;
        if bytes > self.limits.bytes_max {
            self.floor = change.lsn;
            evicted.push(change);
        } else {
            self.bytes += bytes;
            self.changes.push_back(change);
        }
        self.gaps.retain(|gap| gap.to > self.floor);
    }

    /// Notes that no change has one of the numbers behind the newest and up to `lsn`.
    pub(super) fn pass(&mut self, lsn: Lsn) {
        self.through = self.through.max(lsn);
    }

    /// As `pass`; but an earlier process may have given these numbers, but for `lsn` itself, to changes that are lost:
    /// whoever has seen one of them has seen what never was.
    pub(super) fn skip(&mut self, lsn: Lsn) {
        if lsn > self.through.next() {
            self.gaps.push(Gap { from: self.through, to: lsn });
        }
        self.pass(lsn);
    }

    /// Says whether everything behind `after` is here; what is newest is `newest`.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn check(&self, after: Lsn, newest: Lsn) -> Result<(), ChangesGone> {
        let is_lost = self.gaps.iter().any(|gap| gap.from < after && after < gap.to);
        let is_kept = after >= self.floor && after <= newest && !is_lost;
        if is_kept { Ok(()) } else { Err(ChangesGone { floor: self.floor, newest }) }
    }

    /// Appends copies of the changes behind `after` and up to `until` to `into`, at most `at_most`; returns up to where
    /// they go.
    ///
    /// # Errors
    /// Some of them are gone.
    pub(super) fn read(
        &self,
        after: Lsn,
        until: Lsn,
        at_most: usize,
        into: &mut Vec<Change>,
    ) -> Result<Lsn, ChangesGone> {
        if after < self.floor {
            return Err(ChangesGone { floor: self.floor, newest: self.through });
        }
        let until = until.min(self.through);
        let first = self.changes.partition_point(|change| change.lsn <= after);
        let mut next = self.changes.range(first..).take_while(|change| change.lsn <= until);
        let mut last = after;
        for change in next.by_ref().take(at_most) {
            last = change.lsn;
            into.push(change.clone());
        }
        Ok(if next.next().is_some() { last } else { until.max(after) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Deadline, Document, Key, Record, Scope};

    fn put(lsn: u64, bytes: usize) -> Change {
        let document = Document::new(Key::new("k").unwrap(), &vec![b'1'; bytes - 1]);
        let record = Record::Put { scope: Scope::Main, document: &document, deadline: Deadline::NEVER };
        Change::of(Lsn(lsn), &record).unwrap()
    }

    fn ring(entries_max: usize, bytes_max: usize, floor: u64) -> Ring {
        Ring::new(ChangesLimits { entries_max, bytes_max, readers_max: 1 }, Lsn(floor))
    }

    fn push(ring: &mut Ring, lsn: u64, bytes: usize) -> Vec<u64> {
        let mut evicted = Vec::new();
        ring.push(put(lsn, bytes), &mut evicted);
        evicted.iter().map(|change| change.lsn.0).collect()
    }

    fn read(ring: &Ring, after: u64, until: u64, at_most: usize) -> Result<(Vec<u64>, u64), u64> {
        let mut found = Vec::new();
        let position = ring.read(Lsn(after), Lsn(until), at_most, &mut found).map_err(|gone| gone.floor.0)?;
        Ok((found.iter().map(|change| change.lsn.0).collect(), position.0))
    }

    #[test]
    fn what_is_too_much_is_handed_out_oldest_first_and_raises_the_floor() {
        let mut ring = ring(3, 100, 0);
        assert_eq!((push(&mut ring, 1, 10), push(&mut ring, 2, 10), push(&mut ring, 4, 10)), (vec![], vec![], vec![]));
        assert_eq!((push(&mut ring, 5, 10), ring.floor()), (vec![1], Lsn(1)), "by number");
        assert_eq!((push(&mut ring, 6, 85), ring.floor(), ring.bytes()), (vec![2, 4], Lsn(4), 95), "by bytes");
        assert_eq!((push(&mut ring, 7, 101), ring.floor()), (vec![5, 6, 7], Lsn(7)), "what is larger than all of it");
        assert_eq!((ring.len(), ring.bytes(), ring.through()), (0, 0, Lsn(7)));
        assert_eq!(push(&mut ring, 8, 100), [] as [u64; 0]);
    }

    #[test]
    fn a_reader_goes_on_behind_what_it_has_and_past_numbers_without_a_change() {
        let mut ring = ring(10, 1000, 5);
        for lsn in [6, 7, 9, 12] {
            push(&mut ring, lsn, 10);
        }
        ring.pass(Lsn(14));
        assert_eq!(read(&ring, 5, 99, 10), Ok((vec![6, 7, 9, 12], 14)));
        assert_eq!(read(&ring, 5, 99, 2), Ok((vec![6, 7], 7)));
        assert_eq!(read(&ring, 7, 99, 1), Ok((vec![9], 9)));
        assert_eq!(read(&ring, 9, 99, 1), Ok((vec![12], 14)), "the last of them is the end");
        assert_eq!(read(&ring, 8, 10, 9), Ok((vec![9], 10)), "up to what may be shown");
        assert_eq!(read(&ring, 14, 99, 9), Ok((vec![], 14)));
        assert_eq!(read(&ring, 4, 99, 9), Err(5));
    }

    #[test]
    fn a_reader_that_has_seen_what_was_lost_is_told() {
        let mut ring = ring(2, 1000, 0);
        push(&mut ring, 1, 10);
        ring.skip(Lsn(10));
        push(&mut ring, 11, 10);
        let verdicts = |ring: &Ring| [0, 1, 2, 9, 10, 11, 12].map(|after| ring.check(Lsn(after), Lsn(11)).is_ok());
        assert_eq!(verdicts(&ring), [true, true, false, false, true, true, false]);
        push(&mut ring, 12, 10);
        assert_eq!(ring.gaps.len(), 1, "the floor is before it");
        push(&mut ring, 13, 10);
        assert!(ring.gaps.is_empty() && ring.floor() == Lsn(11));
        ring.skip(Lsn(14));
        assert!(ring.gaps.is_empty(), "the next number leaves none out");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Against a list of everything that ever was.
        #[test]
        fn a_ring_is_the_end_of_all_changes(
            entries_max in 1_usize..8,
            bytes_max in 8_usize..64,
            steps in prop::collection::vec((1_u64..4, 1_usize..24, 0_u64..40, 1_usize..6), 1..60),
        ) {
            let mut ring = ring(entries_max, bytes_max, 0);
            let mut all: Vec<(u64, usize)> = Vec::new();
            let mut evicted = Vec::new();
            let mut lsn = 0;
            for (step, bytes, back, at_most) in steps {
                lsn += step;
                all.push((lsn, bytes));
                let mut out = Vec::new();
                ring.push(put(lsn, bytes), &mut out);
                evicted.extend(out.iter().map(|change| change.lsn.0));
                let floor = ring.floor().0;
                let kept: Vec<_> = all.iter().copied().filter(|(lsn, _)| *lsn > floor).collect();
                let bytes_kept: usize = kept.iter().map(|(_, bytes)| bytes).sum();
                prop_assert_eq!((ring.len(), ring.bytes()), (kept.len(), bytes_kept));
                prop_assert!(kept.len() <= entries_max && bytes_kept <= bytes_max);
                let gone: Vec<u64> = all.iter().map(|(lsn, _)| *lsn).filter(|lsn| *lsn <= floor).collect();
                prop_assert_eq!(&evicted, &gone, "each once, in order");
                if let Some((_, newest_gone)) = all.iter().rfind(|(lsn, _)| *lsn == floor) {
                    let is_tight = kept.len() == entries_max || bytes_kept + newest_gone > bytes_max;
                    prop_assert!(is_tight, "nothing goes without need");
                }
                let after = lsn.saturating_sub(back);
                let expected = if after < floor {
                    Err(floor)
                } else {
                    let behind: Vec<u64> = kept.iter().map(|(lsn, _)| *lsn).filter(|lsn| *lsn > after).collect();
                    let position = if behind.len() > at_most { behind[at_most - 1] } else { lsn };
                    Ok((behind.into_iter().take(at_most).collect(), position))
                };
                prop_assert_eq!(read(&ring, after, u64::MAX, at_most), expected);
            }
        }
    }
}

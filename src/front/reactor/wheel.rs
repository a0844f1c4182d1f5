//! A timer wheel: which connections to look at when, at a cost that does not depend on how many there are.
//!
//! Each connection stands in at most one slot of the wheel, as a node of that slot's list. A deadline that moves
//! later leaves its node where it is: the connection is looked at too early, found not due, and set again. So a
//! request that only pushes a deadline out costs nothing here.
//! Invariant: a key that was set for `due` is handed out by the first `advance` to a moment past `due`, never later.
//! It does not know what is due, nor what a moment is: ticks are the caller's.

/// Slots of the wheel. A deadline further away than this many ticks is looked at once a turn.
const SLOTS: usize = 512;

/// Words of the map of slots that are not empty.
const WORDS: usize = SLOTS / 64;

/// Marks the end of a list.
const NOBODY: u32 = u32::MAX;

/// Where a key stands.
#[derive(Clone, Copy, Debug)]
struct Node {
    before: u32,
    after: u32,
    /// The tick it is set for; `None` when it stands in no slot.
    due: Option<u64>,
}

const UNSET: Node = Node { before: NOBODY, after: NOBODY, due: None };

/// Keys by the tick they are due at.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The first key of each slot.
    slots: Vec<u32>,
    /// A bit for each slot that has a key.
    taken: [u64; WORDS],
    /// By key.
    nodes: Vec<Node>,
    /// Every tick up to here was handed out.
    now: u64,
}

impl Wheel {
    /// An empty wheel that stands at tick `now`.
    pub(super) fn at(now: u64) -> Wheel {
        Wheel { slots: vec![NOBODY; SLOTS], taken: [0; WORDS], nodes: Vec::new(), now }
    }

    /// The next tick at which a key may be due; a key that is further away than a turn makes it come too early.
    pub(super) fn next(&self) -> Option<u64> {
        let here = slot_of(self.now + 1);
        let (first, bit) = (here / 64, here % 64);
        // The word of the next slot comes first and last: without the slots before it, and with only these.
        (0..=WORDS).find_map(|step| {
            let at = (first + step) % WORDS;
            let word = self.taken.get(at).copied().unwrap_or_default();
            let behind = u64::MAX << bit;
            let word = match step {
                0 => word & behind,
                WORDS => word & !behind,
                _ => word,
            };
            let slot = (word != 0).then(|| at * 64 + word.trailing_zeros() as usize)?;
            Some(self.now + 1 + ((slot + SLOTS - here) % SLOTS) as u64)
        })
    }

    /// Sets `key` for tick `due`, unless it stands earlier already.
    pub(super) fn set(&mut self, key: usize, due: u64) {
        // What is due already is due at the next tick, or it would have to wait for a whole turn.
        let due = due.max(self.now + 1);
        if self.due(key).is_some_and(|earlier| earlier <= due) {
            return;
        }
        self.unset(key);
        let Ok(name) = u32::try_from(key) else { return };
        if self.nodes.len() <= key {
            self.nodes.resize(key + 1, UNSET);
        }
        let Some(slot) = self.slots.get_mut(slot_of(due)) else { return };
        let after = std::mem::replace(slot, name);
        if let Some(node) = self.nodes.get_mut(key) {
            *node = Node { before: NOBODY, after, due: Some(due) };
        }
        if let Some(node) = self.node(after) {
            node.before = name;
        }
        self.mark(slot_of(due), true);
    }

    /// Forgets `key`.
    pub(super) fn unset(&mut self, key: usize) {
        let Some(node) = self.nodes.get_mut(key) else { return };
        let Node { before, after, due } = std::mem::replace(node, UNSET);
        let Some(due) = due else { return };
        match self.node(before) {
            Some(node) => node.after = after,
            None => {
                if let Some(slot) = self.slots.get_mut(slot_of(due)) {
                    *slot = after;
                }
                self.mark(slot_of(due), after != NOBODY);
            }
        }
        if let Some(node) = self.node(after) {
            node.before = before;
        }
    }

    /// Moves to tick `now` and appends to `due` every key that was set for a tick up to there; they are unset.
    pub(super) fn advance(&mut self, now: u64, due: &mut Vec<usize>) {
        let turns = usize::try_from(now.saturating_sub(self.now)).unwrap_or(SLOTS).min(SLOTS);
        let first = self.now + 1;
        self.now = self.now.max(now);
        for tick in (first..).take(turns) {
            let mut next = self.slots.get(slot_of(tick)).copied().unwrap_or(NOBODY);
            while let Some(&mut Node { after, due: set_for, .. }) = self.node(next) {
                let key = next as usize;
                if set_for.is_some_and(|set_for| set_for <= now) {
                    self.unset(key);
                    due.push(key);
                }
                next = after;
            }
        }
    }

    fn mark(&mut self, slot: usize, is_taken: bool) {
        if let Some(word) = self.taken.get_mut(slot / 64) {
            let bit = 1 << (slot % 64);
            *word = if is_taken { *word | bit } else { *word & !bit };
        }
    }

    fn due(&self, key: usize) -> Option<u64> {
        self.nodes.get(key).and_then(|node| node.due)
    }

    fn node(&mut self, name: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(name).ok()?)
    }
}

fn slot_of(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due_at(wheel: &mut Wheel, now: u64) -> Vec<usize> {
        let mut due = Vec::new();
        wheel.advance(now, &mut due);
        due.sort_unstable();
        due
    }

    #[test]
    fn a_key_is_due_at_its_tick_and_only_once() {
        let mut wheel = Wheel::at(100);
        wheel.set(3, 110);
        wheel.set(7, 110 + SLOTS as u64);
        assert!(due_at(&mut wheel, 109).is_empty());
        assert_eq!(due_at(&mut wheel, 110), [3]);
        assert!(due_at(&mut wheel, 109 + SLOTS as u64).is_empty());
        assert_eq!(due_at(&mut wheel, 110 + SLOTS as u64), [7]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn what_is_due_already_is_due_at_the_next_tick() {
        let mut wheel = Wheel::at(100);
        wheel.set(1, 5);
        assert_eq!(due_at(&mut wheel, 101), [1]);
    }

    #[test]
    fn an_earlier_deadline_moves_a_key_and_a_later_one_does_not() {
        let mut wheel = Wheel::at(0);
        wheel.set(1, 50);
        wheel.set(1, 70);
        wheel.set(1, 40);
        assert!(due_at(&mut wheel, 39).is_empty());
        assert_eq!(due_at(&mut wheel, 40), [1]);
        assert!(due_at(&mut wheel, 1000).is_empty());
    }

    #[test]
    fn a_long_sleep_hands_out_everything_once() {
        let mut wheel = Wheel::at(0);
        (0..2000).for_each(|key| wheel.set(key, key as u64 * 3));
        assert_eq!(due_at(&mut wheel, 1_000_000), (0..2000).collect::<Vec<_>>());
    }

    proptest! {
        /// Against a map from key to tick.
        #[test]
        fn keys_are_due_exactly_when_a_map_says_so(
            steps in prop::collection::vec((0_usize..20, 0_u64..1500, 0_u64..400, any::<bool>()), 1..200)
        ) {
            let mut wheel = Wheel::at(0);
            let mut model = std::collections::BTreeMap::<usize, u64>::new();
            let mut now = 0;
            for (key, ahead, pass, forget) in steps {
                if forget {
                    wheel.unset(key);
                    model.remove(&key);
                } else {
                    wheel.set(key, now + ahead);
                    let due = (now + ahead).max(now + 1);
                    model.entry(key).and_modify(|set| *set = due.min(*set)).or_insert(due);
                }
                now += pass;
                let expected: Vec<usize> = model.iter().filter(|(_, due)| **due <= now).map(|(key, _)| *key).collect();
                model.retain(|_, due| *due > now);
                prop_assert_eq!(due_at(&mut wheel, now), expected);
                let next = model.values().map(|due| due - now).map(|ahead| if ahead % SLOTS as u64 == 0 { SLOTS as u64 } else { ahead % SLOTS as u64 }).min();
                prop_assert_eq!(wheel.next(), next.map(|ahead| now + ahead));
            }
        }
    }
}

//! What the world outside knows of a server's data: every change in its order, and which of them must survive.

use std::collections::BTreeMap;
use std::fmt;

use memory_tools::base::clock::UnixMillis;
use memory_tools::model::{CollectionOptions, Deadline, Lsn};

/// A collection, `None` for the main store, and a key in it.
pub type Place = (Option<&'static str>, &'static str);

/// What one record did.
#[derive(Clone, Debug)]
pub enum Change {
    /// Wrote a document.
    Put(Place, Vec<u8>, Deadline),
    /// Removed one.
    Delete(Place),
    /// Changed the deadline of one.
    SetDeadline(Place, Deadline),
    /// Created a collection, or gave it other options.
    Create(&'static str, CollectionOptions),
    /// Dropped one.
    Drop(&'static str),
    /// Staged something, which nobody sees.
    Stage,
    /// Put what was staged in the place of everything.
    Replace(State),
}

/// A document: value, version, deadline.
pub type Document = (Vec<u8>, Lsn, Deadline);

/// Everything that is there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Documents by place.
    pub documents: BTreeMap<Place, Document>,
    /// Options of collections, by name.
    pub collections: BTreeMap<String, CollectionOptions>,
}

impl State {
    fn apply(&mut self, lsn: Lsn, change: &Change) {
        match change {
            Change::Put(place, value, deadline) => {
                self.documents.insert(*place, (value.clone(), lsn, *deadline));
            }
            Change::Delete(place) => drop(self.documents.remove(place)),
            Change::SetDeadline(place, deadline) => {
                self.documents.get_mut(place).expect("a deadline is set where a document is").2 = *deadline;
            }
            Change::Create(name, options) => drop(self.collections.insert((*name).to_owned(), *options)),
            Change::Drop(name) => {
                self.collections.remove(*name);
                self.documents.retain(|(collection, _), _| *collection != Some(name));
            }
            Change::Stage => (),
            Change::Replace(state) => *self = state.clone(),
        }
    }

    /// What of it can be seen at `now`.
    pub fn visible(&self, now: UnixMillis) -> State {
        let mut visible = self.clone();
        visible.documents.retain(|_, (_, _, deadline)| !deadline.has_passed(now));
        visible
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.collections)?;
        self.documents.iter().try_for_each(|((collection, key), (value, version, deadline))| {
            write!(f, "\n  {}/{key}: {version} {} bytes {deadline:?}", collection.unwrap_or("-"), value.len())
        })
    }
}

/// What happened since the last start that got ready.
#[derive(Default)]
pub struct Model {
    /// What was there then.
    base: State,
    /// What happened since. Changes of one batch are one element.
    events: Vec<Vec<(Lsn, Change)>>,
    /// Which LSN each place last changed at.
    changed: BTreeMap<Place, Lsn>,
    /// The newest LSN that was issued, ever.
    pub issued: Lsn,
    /// Everything up to here survives a kill.
    pub survives_kill: Lsn,
    /// Everything up to here survives a loss of power.
    pub survives_power: Lsn,
}

impl Model {
    /// Notes changes that happened together.
    pub fn happened(&mut self, changes: Vec<(Lsn, Change)>) {
        for (lsn, change) in &changes {
            assert!(*lsn > self.issued, "LSN {lsn} is issued after {}", self.issued);
            self.issued = *lsn;
            match change {
                Change::Put(place, ..) | Change::Delete(place) | Change::SetDeadline(place, _) => {
                    self.changed.insert(*place, *lsn);
                }
                Change::Drop(name) => {
                    let within = self.changed.iter_mut().filter(|((collection, _), _)| *collection == Some(*name));
                    within.for_each(|(_, changed)| *changed = *lsn);
                }
                Change::Replace(state) => {
                    self.changed.extend(state.documents.keys().map(|place| (*place, *lsn)));
                    self.changed.values_mut().for_each(|changed| *changed = *lsn);
                }
                Change::Create(..) | Change::Stage => (),
            }
        }
        self.events.push(changes);
    }

    /// The LSNs of what happened.
    pub fn lsns(&self) -> impl Iterator<Item = Lsn> + '_ {
        self.events.iter().filter_map(|changes| changes.last()).map(|(lsn, _)| *lsn)
    }

    /// The LSN of the last change of `place` since the start.
    pub fn changed(&self, place: Place) -> Lsn {
        self.changed.get(&place).copied().unwrap_or(Lsn::ZERO)
    }

    /// What is there now.
    pub fn now(&self) -> State {
        self.after(self.events.len())
    }

    fn after(&self, count: usize) -> State {
        let mut state = self.base.clone();
        self.events.iter().take(count).flatten().for_each(|(lsn, change)| state.apply(*lsn, change));
        state
    }

    /// `found` must be what some number of the events left, at least those up to `floor`. Goes on from it.
    #[track_caller]
    pub fn recovered(&mut self, found: State, floor: Lsn, now: UnixMillis, context: &dyn Fn() -> String) {
        let least = self.lsns().take_while(|lsn| *lsn <= floor).count();
        let mut state = self.after(least);
        let mut is_prefix = state.visible(now) == found;
        for changes in &self.events[least..] {
            changes.iter().for_each(|(lsn, change)| state.apply(*lsn, change));
            is_prefix |= state.visible(now) == found;
        }
        assert!(
            is_prefix,
            "{}: recovered {found:?}\nwhich nothing from {least} to {} events left (floor {floor}); the least is {:?}\nthen {:#?}",
            context(),
            self.events.len(),
            self.after(least).visible(now),
            &self.events[least..]
                .iter()
                .flatten()
                .map(|(lsn, change)| format!("{lsn} {change:.20?}"))
                .collect::<Vec<_>>(),
        );
        let issued = self.issued;
        *self = Model { base: found, issued, ..Model::default() };
    }
}

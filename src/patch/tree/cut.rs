//! Cutting single entries out of the runs of an open object or array, and cutting members off.

use std::mem;

use crate::base::json::code_points;
use crate::patch::entries::Entry;

use super::*;

/// An entry that is to be cut out of its run.
struct Cut {
    /// The number of the piece that is the run.
    piece: usize,
    entry: Entry,
}

/// Where a member was found.
enum Found {
    Alone(NodeId),
    InRun(Cut),
}

impl<'t> Tree<'t> {
    /// The last member of the open object `id` whose name `token` stands for.
    pub(super) fn member(&mut self, id: NodeId, token: Token<'_>) -> Result<Option<NodeId>, Cause> {
        let name = token.name();
        let found = self.members(id, 1, |written| is_name(written, &name).then_some(0))?;
        Ok(found.into_iter().next().flatten())
    }

    /// For each number below `count` the last member of the open object `id` to whose name, as written, `number_of`
    /// gives it. Reads the object once.
    pub(in crate::patch) fn members(
        &mut self,
        id: NodeId,
        count: usize,
        number_of: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<Option<NodeId>>, Cause> {
        let mut last: Vec<Option<Found>> = Vec::new();
        last.resize_with(count, || None);
        self.charge_reading(id)?;
        for (piece, part) in self.pieces(id).iter().enumerate() {
            match part {
                Piece::Run(run) => {
                    let run = self.made.bytes(*run);
                    for entry in Entries::of_run(run, Brackets::Object) {
                        let name = run.get(entry.name.clone()).unwrap_or_default();
                        if let Some(slot) = number_of(name).and_then(|number| last.get_mut(number)) {
                            *slot = Some(Found::InRun(Cut { piece, entry }));
                        }
                    }
                }
                Piece::Entry { lead, value, .. } => {
                    if let Some(slot) =
                        number_of(name_in(self.made.bytes(*lead))).and_then(|number| last.get_mut(number))
                    {
                        *slot = Some(Found::Alone(*value));
                    }
                }
            }
        }
        let mut found: Vec<Option<NodeId>> = Vec::with_capacity(count);
        let mut cuts = Vec::new();
        for (number, slot) in last.into_iter().enumerate() {
            found.push(match &slot {
                Some(Found::Alone(value)) => Some(*value),
                _ => None,
            });
            if let Some(Found::InRun(cut)) = slot {
                cuts.push((number, cut));
            }
        }
        cuts.sort_by_key(|(_, cut)| (cut.piece, cut.entry.whole.start));
        let (numbers, cuts): (Vec<usize>, Vec<Cut>) = cuts.into_iter().unzip();
        for (number, place) in numbers.into_iter().zip(self.cut(id, cuts)) {
            if let Some(slot) = found.get_mut(number) {
                *slot = Some(place.value);
            }
        }
        Ok(found)
    }

    /// The element of the open array `id` with the number `index`, or how many there are.
    pub(super) fn element(&mut self, id: NodeId, index: usize) -> Result<Result<Place, Count>, Cause> {
        self.charge_reading(id)?;
        let mut count = 0;
        for (piece, part) in self.pieces(id).iter().enumerate() {
            match part {
                Piece::Run(run) => {
                    for entry in Entries::of_run(self.made.bytes(*run), Brackets::Array) {
                        if count == index {
                            let places = self.cut(id, vec![Cut { piece, entry }]);
                            return Ok(places.into_iter().next().ok_or(Count(count)));
                        }
                        count += 1;
                    }
                }
                Piece::Entry { value, .. } if count == index => return Ok(Ok(Place { piece, value: *value })),
                Piece::Entry { .. } => count += 1,
            }
        }
        Ok(Err(Count(count)))
    }

    /// Makes pieces of their own of some entries of `id`, given in the order in which they stand, and says where they
    /// are then.
    fn cut(&mut self, id: NodeId, cuts: Vec<Cut>) -> Vec<Place> {
        if cuts.is_empty() {
            return Vec::new();
        }
        let old = self.take_pieces(id);
        let mut pieces = Vec::with_capacity(old.len() + 2 * cuts.len());
        let mut places = Vec::with_capacity(cuts.len());
        let mut cuts = cuts.into_iter().peekable();
        for (number, piece) in old.into_iter().enumerate() {
            let Piece::Run(run) = piece else {
                pieces.push(piece);
                continue;
            };
            // What is left of the run, from the last cut on.
            let mut rest = 0;
            while let Some(Cut { entry, .. }) = cuts.next_if(|cut| cut.piece == number) {
                push_run(&mut pieces, run, rest, entry.whole.start);
                let value = self.push(Node::Text(run.part(entry.value.clone())));
                places.push(Place { piece: pieces.len(), value });
                pieces.push(Piece::Entry {
                    lead: run.part(entry.whole.start..entry.value.start),
                    value,
                    trail: run.part(entry.value.end..entry.whole.end),
                });
                rest = entry.whole.end + 1;
            }
            push_run(&mut pieces, run, rest, run.len() + 1);
        }
        self.set_pieces(id, pieces, false);
        places
    }

    /// Takes every member out of the open object `id` whose name, as written, `is_meant`; false when there is none.
    pub(in crate::patch) fn cut_off(&mut self, id: NodeId, is_meant: impl Fn(&[u8]) -> bool) -> Result<bool, Cause> {
        self.charge_reading(id)?;
        let old = self.take_pieces(id);
        let mut pieces = Vec::with_capacity(old.len() + 1);
        let mut is_found = false;
        for piece in old {
            match &piece {
                Piece::Run(run) => {
                    let text = self.made.bytes(*run);
                    let mut rest = 0;
                    for entry in Entries::of_run(text, Brackets::Object) {
                        if is_meant(text.get(entry.name).unwrap_or_default()) {
                            is_found = true;
                            push_run(&mut pieces, *run, rest, entry.whole.start);
                            rest = entry.whole.end + 1;
                        }
                    }
                    push_run(&mut pieces, *run, rest, run.len() + 1);
                }
                Piece::Entry { lead, .. } if is_meant(name_in(self.made.bytes(*lead))) => is_found = true,
                Piece::Entry { .. } => pieces.push(piece),
            }
        }
        self.set_pieces(id, pieces, is_found);
        Ok(is_found)
    }

    /// Takes the piece number `piece` out of `id`.
    pub(super) fn cut_off_piece(&mut self, id: NodeId, piece: usize) {
        let mut pieces = self.take_pieces(id);
        pieces.remove(piece);
        self.set_pieces(id, pieces, true);
    }

    /// Gives `id` its pieces back. The white space of brackets that were emptied is of no use to anybody.
    fn set_pieces(&mut self, id: NodeId, pieces: Vec<Piece<'t>>, is_changed: bool) {
        if let Node::Open(open) = self.node_mut(id) {
            if is_changed && pieces.is_empty() {
                open.tail = Span::EMPTY;
            }
            open.pieces = pieces;
        }
    }

    /// Charges what it takes to go over the pieces of `id`.
    fn charge_reading(&mut self, id: NodeId) -> Result<(), Cause> {
        let length = |piece: &Piece<'_>| match piece {
            Piece::Run(span) => span.len(),
            Piece::Entry { lead, .. } => lead.len(),
        };
        let bytes = self.pieces(id).iter().map(|piece| length(piece) + size_of::<Piece<'_>>()).sum();
        self.charge(bytes)
    }

    pub(super) fn pieces(&self, id: NodeId) -> &[Piece<'t>] {
        match self.node(id) {
            Node::Open(open) => &open.pieces,
            Node::Text(_) => &[],
        }
    }

    /// The pieces of `id`, which has none from now on.
    fn take_pieces(&mut self, id: NodeId) -> Vec<Piece<'t>> {
        match self.node_mut(id) {
            Node::Open(open) => mem::take(&mut open.pieces),
            Node::Text(_) => Vec::new(),
        }
    }
}

/// Appends the entries of `run` from `start` to the comma before `next`; nothing when there are none.
fn push_run<'t>(pieces: &mut Vec<Piece<'t>>, run: Span<'t>, start: usize, next: usize) {
    if start < next {
        pieces.push(Piece::Run(run.part(start..next - 1)));
    }
}

/// The name, as written, in what stands before the value of a member.
fn name_in(lead: &[u8]) -> &[u8] {
    let start = scan::past_space(lead, 0);
    lead.get(start..scan::past_string(lead, start)).unwrap_or_default()
}

/// Whether the name `written`, quotes and escapes included, is `name`.
pub(super) fn is_name(written: &[u8], name: &str) -> bool {
    *code_points(written) == *name.as_bytes()
}

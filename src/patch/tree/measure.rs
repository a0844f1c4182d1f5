//! How large and how deep a value is.

use crate::base::limits::JSON_DEPTH_MAX;

use super::*;

impl Tree<'_> {
    /// Bytes of the value `id` as it would be written.
    pub(in crate::patch) fn size(&mut self, id: NodeId) -> Result<usize, Cause> {
        let (mut bytes, mut pieces, mut waiting) = (0_usize, 0, vec![id]);
        while let Some(id) = waiting.pop() {
            let open = match self.node(id) {
                Node::Text(span) => {
                    bytes = bytes.saturating_add(span.len());
                    continue;
                }
                Node::Open(open) => open,
            };
            let commas = open.pieces.len().saturating_sub(1);
            bytes = bytes.saturating_add(2 + commas + open.tail.len());
            pieces += open.pieces.len();
            for piece in &open.pieces {
                bytes = bytes.saturating_add(match piece {
                    Piece::Run(run) => run.len(),
                    Piece::Entry { lead, value, trail } => {
                        waiting.push(*value);
                        lead.len() + trail.len()
                    }
                });
            }
        }
        self.charge(pieces * size_of::<Piece<'_>>())?;
        Ok(bytes)
    }

    /// Makes sure that the value `id` can stand inside `above` arrays and objects.
    ///
    /// # Errors
    /// `TooDeep`.
    pub(in crate::patch) fn check_depth(&mut self, id: NodeId, above: usize) -> Result<(), Cause> {
        let bytes = self.size(id)?;
        self.charge(bytes)?;
        let (mut deepest, mut waiting) = (above, vec![(id, above)]);
        while let Some((id, above)) = waiting.pop() {
            let open = match self.node(id) {
                Node::Text(span) => {
                    deepest = deepest.max(above + scan::height(self.made.bytes(*span)));
                    continue;
                }
                Node::Open(open) => open,
            };
            deepest = deepest.max(above + 1);
            for piece in &open.pieces {
                match piece {
                    Piece::Run(run) => deepest = deepest.max(above + 1 + scan::height(self.made.bytes(*run))),
                    Piece::Entry { value, .. } => waiting.push((*value, above + 1)),
                }
            }
        }
        if deepest <= JSON_DEPTH_MAX { Ok(()) } else { Err(Cause::TooDeep { depth_max: JSON_DEPTH_MAX }) }
    }
}

//! The text of a tree, written once.

use super::*;

/// An object or array that is half written.
struct Half<'s, 't> {
    open: &'s Open<'t>,
    /// The number of the piece that comes next.
    next: usize,
    /// What stands behind the value that is being written.
    trail: Span<'t>,
}

impl<'t> Tree<'t> {
    /// The patched document.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(in crate::patch) fn finish(mut self) -> Result<Vec<u8>, Cause> {
        let bytes = self.size(self.root)?;
        self.check_size(bytes)?;
        Ok(self.write(self.root, bytes))
    }

    /// The text of the value `id`.
    ///
    /// # Errors
    /// `TooCostly`.
    pub(in crate::patch) fn written(&mut self, id: NodeId) -> Result<Vec<u8>, Cause> {
        let bytes = self.size(id)?;
        self.charge(bytes)?;
        Ok(self.write(id, bytes))
    }

    /// The text of the value `id`, which has `bytes`.
    fn write(&self, id: NodeId, bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes);
        let mut halves: Vec<Half<'_, 't>> = Vec::new();
        self.begin(id, &mut out, &mut halves);
        while let Some(half) = halves.last_mut() {
            out.extend_from_slice(self.made.bytes(half.trail));
            half.trail = Span::EMPTY;
            let Some(piece) = half.open.pieces.get(half.next) else {
                out.extend_from_slice(self.made.bytes(half.open.tail));
                out.push(half.open.brackets.closing());
                halves.pop();
                continue;
            };
            if half.next > 0 {
                out.push(b',');
            }
            half.next += 1;
            match piece {
                Piece::Run(run) => out.extend_from_slice(self.made.bytes(*run)),
                Piece::Entry { lead, value, trail } => {
                    out.extend_from_slice(self.made.bytes(*lead));
                    half.trail = *trail;
                    self.begin(*value, &mut out, &mut halves);
                }
            }
        }
        out
    }

    /// Writes a text, or the bracket that begins an open value.
    fn begin<'s>(&'s self, id: NodeId, out: &mut Vec<u8>, halves: &mut Vec<Half<'s, 't>>) {
        match self.node(id) {
            Node::Text(span) => out.extend_from_slice(self.made.bytes(*span)),
            Node::Open(open) => {
                out.push(open.brackets.opening());
                halves.push(Half { open, next: 0, trail: Span::EMPTY });
            }
        }
    }
}

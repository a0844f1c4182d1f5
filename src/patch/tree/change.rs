//! Putting values into the document, and taking them out.
//!
//! What is added is written without white space. A value that did not fit has been put in nevertheless when the error
//! is returned: the tree of a patch that failed is thrown away.

use std::mem;

use crate::base::json::escape_into;

use super::*;

impl<'t> Tree<'t> {
    /// Puts `value`, which is in no document, to where `pointer` says, as `add` of RFC 6902 does: over a member that is
    /// there, before an element that is there.
    ///
    /// # Errors
    /// `PathAbsent`, when there is nothing to put it into.
    pub(in crate::patch) fn add(&mut self, pointer: &Pointer<'_>, value: NodeId) -> Result<(), Cause> {
        if pointer.is_whole() {
            return self.set(self.root, value);
        }
        let (holder, token) = self.find_holder(pointer)?.ok_or(Cause::PathAbsent)?;
        match (self.open(holder)?, token.index()) {
            (Some(Brackets::Object), _) => match self.member(holder, token)? {
                Some(member) => self.set(member, value),
                None => {
                    let mut name = Vec::new();
                    escape_into(&mut name, &token.name());
                    self.push_member(holder, &name, value)
                }
            },
            (Some(Brackets::Array), Some(Index::End)) => self.push_element(holder, value),
            (Some(Brackets::Array), Some(Index::At(index))) => match self.element(holder, index)? {
                Ok(place) => self.insert(holder, place.piece, Span::EMPTY, value),
                Err(Count(count)) if count == index => self.push_element(holder, value),
                Err(_) => Err(Cause::PathAbsent),
            },
            _ => Err(Cause::PathAbsent),
        }
    }

    /// Puts `value` in the place of `id`, and leaves nothing of what was there.
    pub(in crate::patch) fn set(&mut self, id: NodeId, value: NodeId) -> Result<(), Cause> {
        let bytes = self.size(value)?;
        let node = mem::replace(self.node_mut(value), Node::Text(Span::EMPTY));
        *self.node_mut(id) = node;
        self.grew(bytes)
    }

    /// Puts a value in the place of `id` that is written as `text`.
    pub(in crate::patch) fn set_text(&mut self, id: NodeId, text: &[u8]) -> Result<(), Cause> {
        let span = self.made.make(|out| out.extend_from_slice(text))?;
        *self.node_mut(id) = Node::Text(span);
        self.grew(text.len())
    }

    /// Makes an empty object or array of `id`.
    pub(in crate::patch) fn set_empty(&mut self, id: NodeId, brackets: Brackets) -> Result<(), Cause> {
        *self.node_mut(id) = Node::Open(Open { brackets, pieces: Vec::new(), tail: Span::EMPTY });
        self.grew(2)
    }

    /// Puts a member behind the others of the open object `id`; `name` is as written, with quotes and escapes.
    pub(in crate::patch) fn push_member(&mut self, id: NodeId, name: &[u8], value: NodeId) -> Result<(), Cause> {
        let lead = self.made.make(|out| {
            out.extend_from_slice(name);
            out.push(b':');
        })?;
        self.insert(id, self.pieces(id).len(), lead, value)
    }

    /// Puts `value` behind the other elements of the open array `id`.
    pub(in crate::patch) fn push_element(&mut self, id: NodeId, value: NodeId) -> Result<(), Cause> {
        self.insert(id, self.pieces(id).len(), Span::EMPTY, value)
    }

    /// Puts `value` before the elements of the open array `id`.
    pub(in crate::patch) fn unshift_element(&mut self, id: NodeId, value: NodeId) -> Result<(), Cause> {
        self.insert(id, 0, Span::EMPTY, value)
    }

    fn insert(&mut self, id: NodeId, piece: usize, lead: Span<'t>, value: NodeId) -> Result<(), Cause> {
        let bytes = self.size(value)?.saturating_add(lead.len() + 1);
        if let Node::Open(open) = self.node_mut(id) {
            // The white space of brackets that were empty would stand behind the value.
            if open.pieces.is_empty() {
                open.tail = Span::EMPTY;
            }
            open.pieces.insert(piece, Piece::Entry { lead, value, trail: Span::EMPTY });
        }
        self.grew(bytes)
    }

    /// Takes what `pointer` names out of the document; it must not be the whole.
    ///
    /// # Errors
    /// `PathAbsent`, when there is no such value.
    pub(in crate::patch) fn remove(&mut self, pointer: &Pointer<'_>) -> Result<(), Cause> {
        let (holder, token) = self.find_holder(pointer)?.ok_or(Cause::PathAbsent)?;
        match (self.open(holder)?, token.index()) {
            (Some(Brackets::Object), _) => {
                let name = token.name();
                let is_found = self.cut_off(holder, |written| cut::is_name(written, &name))?;
                if is_found { Ok(()) } else { Err(Cause::PathAbsent) }
            }
            (Some(Brackets::Array), Some(Index::At(index))) => {
                let place = self.element(holder, index)?.map_err(|_| Cause::PathAbsent)?;
                self.cut_off_piece(holder, place.piece);
                Ok(())
            }
            _ => Err(Cause::PathAbsent),
        }
    }

    /// A value of its own that is the same as `id`. The text of an open value is written for it, and serves both.
    pub(in crate::patch) fn copy(&mut self, id: NodeId) -> Result<NodeId, Cause> {
        let span = match self.node(id) {
            Node::Text(span) => *span,
            Node::Open(_) => {
                let bytes = self.size(id)?;
                self.made.check_room(bytes)?;
                let text = self.written(id)?;
                let span = self.made.make(|out| out.extend_from_slice(&text))?;
                *self.node_mut(id) = Node::Text(span);
                span
            }
        };
        Ok(self.push(Node::Text(span)))
    }

    /// Holds the size of the document against its limit, after `bytes` were put into it.
    fn grew(&mut self, bytes: usize) -> Result<(), Cause> {
        self.size_bound = self.size_bound.saturating_add(bytes);
        if self.size_bound <= self.bytes_max {
            return Ok(());
        }
        // What was taken out meanwhile has not been counted.
        self.size_bound = self.size(self.root)?;
        self.check_size(self.size_bound)
    }

    pub(super) fn check_size(&self, bytes: usize) -> Result<(), Cause> {
        if bytes <= self.bytes_max { Ok(()) } else { Err(Cause::TooLarge { bytes_max: self.bytes_max }) }
    }
}

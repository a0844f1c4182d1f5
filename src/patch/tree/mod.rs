//! A document that is cut open only where a patch touches it.
//!
//! A value is a node: a piece of text as long as nobody looks into it, and open from then on. An open object or array
//! is a list of pieces: runs of entries that nobody asked for, each still one piece of text with its commas and its
//! white space, and single entries whose values are nodes. So a patch of one member makes three pieces of an object,
//! whatever its size, and what was not touched is written out as it came in.
//!
//! Looking something up reads the runs from the left, and of members to the end, because the last one of a name
//! counts. That work is metered: `Cause::TooCostly` ends a patch that would read and copy too much. Bytes that are made
//! on the way (numbers, names, the text of open values that are copied) lie in one buffer that is bounded, too.
//!
//! Invariants: every node but the root is the value of at most one entry; a run is never empty; the size of the
//! document is never above `bytes_max` behind a step that made it grow. Nodes that were cut off stay until the end:
//! each operation opens at most as many as its pointer has tokens.

mod change;
mod cut;
mod measure;
mod span;
mod write;

use crate::base::json::trim;
use crate::base::limits::{PATCH_PASSES_MIN, PATCH_WORK_BYTES_MAX};

use super::entries::{Entries, inside};
use super::fault::Cause;
use super::pointer::{Index, Pointer, Token};
use super::scan::{self, Brackets};

use span::{Made, Span};

/// The number of a value in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(u32);

/// A document while it is patched, and the values that are put into it. `'t` is how long the texts live that both come
/// from.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    // Constant after construction.
    bytes_max: usize,
    work_bytes_max: usize,

    root: NodeId,
    nodes: Vec<Node<'t>>,
    made: Made,
    /// At least the size of the document as it is now.
    size_bound: usize,
    /// Bytes that may still be read or copied.
    work_left: usize,
}

/// A value.
#[derive(Debug)]
enum Node<'t> {
    /// As it is written, without white space around it.
    Text(Span<'t>),
    Open(Open<'t>),
}

/// An object or array that was looked into.
#[derive(Debug)]
struct Open<'t> {
    brackets: Brackets,
    /// Written with commas between them.
    pieces: Vec<Piece<'t>>,
    /// White space before the closing bracket.
    tail: Span<'t>,
}

/// A part of an open object or array.
#[derive(Debug)]
enum Piece<'t> {
    /// Entries that nobody touched, with the commas between them.
    Run(Span<'t>),
    Entry {
        /// What stands before the value: white space, and of a member the name and the colon.
        lead: Span<'t>,
        value: NodeId,
        /// White space behind the value.
        trail: Span<'t>,
    },
}

/// Where an entry stands in its array.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The number of its piece.
    piece: usize,
    value: NodeId,
}

/// How many elements an array has, when it has none with the number that was asked for.
#[derive(Clone, Copy, Debug)]
struct Count(usize);

impl<'t> Tree<'t> {
    /// The document `text`, which `patch` is going to change into one of at most `bytes_max` bytes. White space around
    /// the document is left out.
    pub(super) fn new(text: &'t [u8], patch: &'t [u8], bytes_max: usize) -> Tree<'t> {
        let text = trim(text);
        let pass = text.len().saturating_add(patch.len());
        let work_bytes_max = pass.saturating_mul(PATCH_PASSES_MIN).max(PATCH_WORK_BYTES_MAX);
        Tree {
            bytes_max,
            work_bytes_max,
            root: NodeId(0),
            nodes: vec![Node::Text(Span::Lent(text))],
            made: Made::new(bytes_max, patch.len()),
            size_bound: text.len(),
            work_left: work_bytes_max,
        }
    }

    /// The whole document.
    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    /// A value of its own, not in the document yet, which is written as `text`.
    pub(super) fn value(&mut self, text: &'t [u8]) -> NodeId {
        self.push(Node::Text(Span::Lent(text)))
    }

    /// The text of a value that nobody looked into; `None` when it is open.
    pub(super) fn text(&self, id: NodeId) -> Option<&[u8]> {
        match self.node(id) {
            Node::Text(span) => Some(self.made.bytes(*span)),
            Node::Open(_) => None,
        }
    }

    /// The value that `pointer` names; `None` when there is none.
    pub(super) fn find(&mut self, pointer: &Pointer<'_>) -> Result<Option<NodeId>, Cause> {
        self.follow(pointer.tokens())
    }

    /// Whether what `pointer` names is, or would be, a member of an object that is there.
    pub(super) fn is_in_object(&mut self, pointer: &Pointer<'_>) -> Result<bool, Cause> {
        let Some((holder, _)) = self.find_holder(pointer)? else { return Ok(false) };
        Ok(self.open(holder)? == Some(Brackets::Object))
    }

    /// The value that holds the one that `pointer` names, and the last token; `None` when there is none. `pointer` must
    /// not be the whole document.
    fn find_holder<'p>(&mut self, pointer: &'p Pointer<'_>) -> Result<Option<(NodeId, Token<'p>)>, Cause> {
        let count = pointer.tokens().count();
        let Some(last) = pointer.tokens().last() else { return Ok(None) };
        Ok(self.follow(pointer.tokens().take(count.saturating_sub(1)))?.map(|holder| (holder, last)))
    }

    fn follow<'p>(&mut self, tokens: impl Iterator<Item = Token<'p>>) -> Result<Option<NodeId>, Cause> {
        let mut at = self.root;
        for token in tokens {
            let found = match (self.open(at)?, token.index()) {
                (Some(Brackets::Object), _) => self.member(at, token)?,
                (Some(Brackets::Array), Some(Index::At(index))) => {
                    self.element(at, index)?.ok().map(|place| place.value)
                }
                _ => None,
            };
            let Some(found) = found else { return Ok(None) };
            at = found;
        }
        Ok(Some(at))
    }

    /// Opens the value `id`; `None` when it is a scalar.
    pub(super) fn open(&mut self, id: NodeId) -> Result<Option<Brackets>, Cause> {
        let span = match self.node(id) {
            Node::Open(open) => return Ok(Some(open.brackets)),
            Node::Text(span) => *span,
        };
        let text = self.made.bytes(span);
        let Some(brackets) = Brackets::of(text) else { return Ok(None) };
        let inner = inside(text);
        let filled = inner.iter().rposition(|byte| !scan::is_space(*byte)).map_or(0, |last| last + 1);
        let (run, tail) = (span.part(1..1 + filled), span.part(1 + filled..1 + inner.len()));
        let pieces = if filled == 0 { Vec::new() } else { vec![Piece::Run(run)] };
        *self.node_mut(id) = Node::Open(Open { brackets, pieces, tail });
        Ok(Some(brackets))
    }

    fn push(&mut self, node: Node<'t>) -> NodeId {
        let id = NodeId(
            u32::try_from(self.nodes.len()).expect("fewer nodes than bytes in the texts, which are below 4 GiB"),
        );
        self.nodes.push(node);
        id
    }

    fn node(&self, id: NodeId) -> &Node<'t> {
        self.nodes.get(id.0 as usize).expect("a NodeId is made with its node, which stays")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node<'t> {
        self.nodes.get_mut(id.0 as usize).expect("a NodeId is made with its node, which stays")
    }

    /// Takes `bytes` from what may be read and copied.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Cause> {
        let left = self.work_left.checked_sub(bytes).ok_or(Cause::TooCostly { bytes_max: self.work_bytes_max })?;
        self.work_left = left;
        Ok(())
    }
}

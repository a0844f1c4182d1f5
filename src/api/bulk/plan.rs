//! The operations of an atomic bulk, kept after its body has gone, and the writes that they come to.
//!
//! A patch comes to a put of what it makes of the document before it: of the one in the store, on condition that this is
//! still there, or of the one that an earlier operation of the bulk leaves behind. That is computed here, outside every
//! lock. What any other operation finds is left to whoever makes the writes.

use std::collections::HashMap;

use crate::base::clock::UnixMillis;
use crate::base::json;
use crate::base::limits::{ATOMIC_BYTES_MAX, ATOMIC_WRITES_MAX};
use crate::model::{
    BatchRefusal, BatchWrite, Command, Condition, Deadline, Document, Effect, Execute, Expiry, Key, Lsn, Outcome,
    Refusal, Scope, Tags,
};
use crate::patch::{self, Kind as Dialect};

use super::super::body::Limit;
use super::super::call::key_of;
use super::super::docs::{fault_problem, only, unguarded};
use super::super::problem::{Kind, Problem};
use super::operation::{self, Action};

/// An operation, with all that it takes to carry it out.
pub struct Planned {
    /// The number of its line.
    pub line: u64,
    /// On which document; a key by its rules.
    pub key: String,
    condition: Condition,
    deed: Deed,
    /// The operation before it that leaves a document behind, or none, under the same key.
    before: Option<usize>,
}

enum Deed {
    Put { document: Document, expiry: Expiry },
    Delete,
    SetDeadline(Deadline),
    Patch { dialect: Dialect, patch: Vec<u8>, expiry: Expiry },
}

/// What a patch comes to.
pub struct Patched {
    document: Document,
    condition: Condition,
    /// True when it rests on what the store had, which others may change.
    is_of_store: bool,
}

/// Why an operation cannot be carried out.
pub struct Obstacle {
    /// What kind of failure it is.
    pub why: Why,
    /// What it rests on.
    pub seen: Lsn,
}

/// The ways in which a patch cannot be carried out.
pub enum Why {
    /// As any other operation.
    Refused(BatchRefusal),
    /// Because of what it says.
    Unfit(Problem),
}

/// What computing a patch came to, and the bytes that were read and made for it.
pub type Computed = (Result<Patched, Obstacle>, usize);

impl Planned {
    /// True when it is a patch.
    pub fn is_patch(&self) -> bool {
        matches!(self.deed, Deed::Patch { .. })
    }

    /// True when it puts a document that need not be there.
    pub fn is_put(&self) -> bool {
        matches!(self.deed, Deed::Put { .. })
    }

    /// The write that it comes to; `patched` for a patch, once it is computed.
    pub fn write(&self, patched: Option<&Patched>) -> BatchWrite<'_> {
        let (key, condition) = (self.key(), self.condition.clone());
        match (&self.deed, patched) {
            (Deed::Put { document, expiry }, _) => {
                BatchWrite::Put { document: document.clone(), expiry: *expiry, condition }
            }
            (Deed::Patch { expiry, .. }, Some(Patched { document, condition, .. })) => {
                BatchWrite::Put { document: document.clone(), expiry: *expiry, condition: condition.clone() }
            }
            (Deed::Patch { .. }, None) => self.never(),
            (Deed::Delete, _) => BatchWrite::Delete { key, condition },
            (Deed::SetDeadline(deadline), _) => BatchWrite::SetDeadline { key, deadline: *deadline, condition },
        }
    }

    /// A write in its place that is always refused: its document has to be of one of no versions. So nothing comes of
    /// the batch, and what stands before it in the way is still named.
    pub fn never(&self) -> BatchWrite<'_> {
        let condition = Condition { if_match: Some(Tags::Listed(Vec::new())), if_none_match: None };
        BatchWrite::Delete { key: self.key(), condition }
    }

    fn key(&self) -> Key<'_> {
        Key::new(&self.key).expect("checked when the line was read")
    }
}

impl Patched {
    /// True when others may have changed what it was computed from.
    pub fn is_of_store(&self) -> bool {
        self.is_of_store
    }

    /// Bytes of the document.
    pub fn size_bytes(&self) -> usize {
        self.document.size_bytes()
    }
}

/// The operations in `body`.
///
/// # Errors
/// What is wrong with a line, with its number; too many of them.
pub fn read(body: &[u8], limit: Limit, now: UnixMillis) -> Result<Vec<Planned>, Problem> {
    let mut operations: Vec<Planned> = Vec::new();
    let mut writers: HashMap<String, usize> = HashMap::new();
    for (line, text) in (1..).zip(body.split(|byte| *byte == b'\n').map(json::trim)) {
        if text.is_empty() {
            continue;
        }
        if operations.len() == ATOMIC_WRITES_MAX {
            let detail = format!("an atomic bulk has at most {ATOMIC_WRITES_MAX} operations, this one has more");
            return Err(Problem::new(Kind::BulkTooLarge, detail).size("limit", ATOMIC_WRITES_MAX));
        }
        let operation = operation::read(text, limit, || now).map_err(|unfit| unfit.problem.number("line", line))?;
        let deed = match operation.action {
            Action::Put { value, expiry } => {
                Deed::Put { document: Document::new(key_of(&operation.key)?, value), expiry }
            }
            Action::Delete => Deed::Delete,
            Action::SetDeadline(deadline) => Deed::SetDeadline(deadline),
            Action::Patch { dialect, patch, expiry } => Deed::Patch { dialect, patch: patch.to_vec(), expiry },
        };
        let (key, condition) = (operation.key.into_owned(), operation.condition);
        let before = writers.get(&key).copied();
        // A new deadline leaves the document as it is.
        if !matches!(deed, Deed::SetDeadline(_)) {
            writers.insert(key.clone(), operations.len());
        }
        operations.push(Planned { line, key, condition, deed, before });
    }
    Ok(operations)
}

/// What the operation number `index` comes to, which is a patch; `patched` are those before it, by their numbers. `None`
/// when it is none.
///
/// # Errors
/// A refusal.
pub fn compute(
    execute: &dyn Execute,
    scope: Scope<'_>,
    operations: &[Planned],
    patched: &[Option<Patched>],
    bytes_max: usize,
) -> Result<Option<Computed>, Refusal> {
    let Some(planned) = operations.get(patched.len()) else { return Ok(None) };
    let Deed::Patch { dialect, patch, .. } = &planned.deed else { return Ok(None) };
    let refused = |why, seen| Ok(Some((Err(Obstacle { why: Why::Refused(why), seen }), 0)));
    if let Some(Outcome { rest, .. }) = unguarded(execute, scope, &planned.condition)? {
        return refused(BatchRefusal::ConditionRequired, rest.lsn());
    }
    let (before, condition, is_of_store, seen) = match left_behind(planned, operations, patched) {
        Some(Some(document)) => (document.clone(), among_ours(&planned.condition), false, Lsn::ZERO),
        Some(None) => return refused(BatchRefusal::Absent, Lsn::ZERO),
        None => {
            let Outcome { rest, effect } = execute.execute(Command::Get { scope, key: planned.key() })?;
            let current = if let Effect::Found(entry) = effect { Some(entry) } else { None };
            let version = current.as_ref().map(|entry| entry.version);
            match current {
                _ if !planned.condition.holds(version) => {
                    return refused(BatchRefusal::ConditionFailed { current: version }, rest.lsn());
                }
                None => return refused(BatchRefusal::Absent, rest.lsn()),
                Some(entry) => (entry.document, only(entry.version), true, rest.lsn()),
            }
        }
    };
    let read_bytes = before.value().len();
    Ok(Some(match patch::apply(*dialect, before.value(), patch, bytes_max) {
        Ok(after) => {
            let document = Document::new(planned.key(), &after);
            (Ok(Patched { document, condition, is_of_store }), read_bytes.saturating_add(after.len()))
        }
        Err(fault) => (Err(Obstacle { why: Why::Unfit(fault_problem(&fault)), seen }), read_bytes),
    }))
}

/// The document that the operations before `planned` leave under its key: `None` when they leave that to the store,
/// `Some(None)` when they remove it.
fn left_behind<'p>(
    planned: &Planned,
    operations: &'p [Planned],
    patched: &'p [Option<Patched>],
) -> Option<Option<&'p Document>> {
    let before = planned.before?;
    match &operations.get(before)?.deed {
        Deed::Put { document, .. } => Some(Some(document)),
        Deed::Patch { .. } => patched.get(before)?.as_ref().map(|patched| Some(&patched.document)),
        Deed::Delete => Some(None),
        Deed::SetDeadline(_) => None,
    }
}

/// What must hold of a document that the bulk itself has left: what its sender says, and that it is there.
fn among_ours(condition: &Condition) -> Condition {
    let Condition { if_match, if_none_match } = condition.clone();
    Condition { if_match: if_match.or(Some(Tags::Any)), if_none_match }
}

/// What stands in the way of patches that have made so many bytes: they are more than one batch may have.
pub fn too_large(bytes: usize) -> Option<Obstacle> {
    let bytes_max = ATOMIC_BYTES_MAX;
    let why = Why::Refused(BatchRefusal::TooLarge { bytes, bytes_max });
    (bytes > bytes_max).then_some(Obstacle { why, seen: Lsn::ZERO })
}

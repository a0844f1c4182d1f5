//! One try of a patch: read the document, compute, and put the result in its place if it is still that document.
//!
//! Nothing is held between reading and putting. What was made rests on the put; what was not, on what was read. It knows
//! neither how often it is tried, nor how anybody is told.

use crate::model::{
    Command, Condition, Deadline, Document, Effect, Entry, Execute, Expiry, Key, Lsn, OnAbsent, Outcome, Refusal, Rest,
    Scope, Tags,
};
use crate::patch::{self, Fault, Kind as Dialect};

use super::super::writing::on_absent;

/// What a merge patch that creates a document is applied to: whatever it says becomes the document (RFC 7396 §2).
const NO_DOCUMENT: &[u8] = b"null";

/// What a patch is to be made with, beside its text and what it is for.
#[derive(Clone)]
pub struct Terms {
    /// What it is written in.
    pub dialect: Dialect,
    /// True when an absent document is patched as `null`, and so created; only with a merge patch.
    pub upsert: bool,
    /// What becomes of the deadline.
    pub expiry: Expiry,
    /// The client's.
    pub condition: Condition,
    /// Bytes of the patched document.
    pub bytes_max: usize,
}

/// A patch, with all that it takes to make it.
pub struct Attempt<'a> {
    /// Who reads and puts.
    pub execute: &'a dyn Execute,
    /// Where.
    pub scope: Scope<'a>,
    /// Which.
    pub key: Key<'a>,
    /// Its text, which is JSON.
    pub patch: &'a [u8],
    /// How.
    pub terms: &'a Terms,
}

/// What a try came to.
pub enum Tried {
    /// The document is patched.
    Made {
        /// What it is now.
        document: Document,
        /// Its version.
        version: Lsn,
        /// When it expires.
        deadline: Deadline,
        /// True when there was none before.
        is_new: bool,
        /// What that rests on.
        rest: Rest,
        /// Bytes that were read and made.
        bytes: usize,
    },
    /// Somebody else changed it meanwhile, and nothing was done.
    Lost {
        /// Bytes that were read and made for nothing.
        bytes: usize,
    },
    /// It cannot be patched, as it is there or is not: the effect of a write that was not made.
    Unwritten(Outcome),
    /// Nothing can be put there: the effect of a write that would have had to create the collection.
    NotCreated(Outcome),
    /// The patch does not go with the document, or is none.
    Unfit {
        /// What is wrong.
        fault: Fault,
        /// Bytes that were read.
        bytes: usize,
        /// What that rests on.
        rest: Rest,
    },
}

impl Attempt<'_> {
    /// Reads, computes, and puts if nobody came in between.
    ///
    /// # Errors
    /// A refusal: nothing was changed.
    pub fn make(&self) -> Result<Tried, Refusal> {
        let found = self.execute.execute(Command::Get { scope: self.scope, key: self.key })?;
        let (entry, rest) = match self.patchable(found) {
            Ok(patchable) => patchable,
            Err(outcome) => return Ok(Tried::Unwritten(outcome)),
        };
        let (before, version) = match &entry {
            Some(entry) => (entry.document.value(), Some(entry.version)),
            None => (NO_DOCUMENT, None),
        };
        let after = match patch::apply(self.terms.dialect, before, self.patch, self.terms.bytes_max) {
            Ok(after) => after,
            Err(fault) => return Ok(Tried::Unfit { fault, bytes: before.len(), rest }),
        };
        let bytes = before.len().saturating_add(after.len());
        let document = Document::new(self.key, &after);
        let (condition, on_absent) = unchanged(version, self.scope);
        let (scope, expiry) = (self.scope, self.terms.expiry);
        let put = Command::Put { scope, document: document.clone(), expiry, condition, on_absent };
        let Outcome { rest, effect } = self.execute.execute(put)?;
        Ok(match effect {
            Effect::Written { version, deadline, replaced } => {
                Tried::Made { document, version, deadline, is_new: replaced.is_none(), rest, bytes }
            }
            Effect::ConditionFailed { .. } => Tried::Lost { bytes },
            Effect::CollectionAbsent if version.is_none() => Tried::NotCreated(Outcome { rest, effect }),
            effect => Tried::Unwritten(Outcome { rest, effect }),
        })
    }

    /// The document that is to be patched, `None` when there is none and it may be created; or why nothing is.
    fn patchable(&self, found: Outcome) -> Result<(Option<Entry>, Rest), Outcome> {
        let Outcome { rest, effect } = found;
        let Terms { condition, upsert, dialect, .. } = self.terms;
        let failed = |current| Outcome { rest, effect: Effect::ConditionFailed { current } };
        match effect {
            Effect::Found(entry) if condition.holds(Some(entry.version)) => Ok((Some(entry), rest)),
            Effect::Found(entry) => Err(failed(Some(entry.version))),
            _ if !condition.holds(None) => Err(failed(None)),
            _ if *upsert && *dialect == Dialect::Merge => Ok((None, rest)),
            effect => Err(Outcome { rest, effect }),
        }
    }
}

/// What stands in the way of a patch without a condition, where each write must carry one. The put that follows carries
/// one in any case, so it cannot be left to that.
///
/// # Errors
/// A refusal.
pub fn unguarded(execute: &dyn Execute, scope: Scope<'_>, condition: &Condition) -> Result<Option<Outcome>, Refusal> {
    let (Scope::Collection(name), true) = (scope, condition.is_none()) else { return Ok(None) };
    let Outcome { rest, effect } = execute.execute(Command::DescribeCollection { name })?;
    let is_required = matches!(&effect, Effect::Collection(summary) if summary.options.require_conditional);
    Ok(is_required.then_some(Outcome { rest, effect: Effect::ConditionRequired }))
}

/// What must hold for the put: that there is what was read.
fn unchanged(version: Option<Lsn>, scope: Scope<'_>) -> (Condition, OnAbsent) {
    match version {
        Some(version) => (only(version), OnAbsent::Refuse),
        None => (Condition { if_match: None, if_none_match: Some(Tags::Any) }, on_absent(scope)),
    }
}

/// That there is this version and no other.
pub fn only(version: Lsn) -> Condition {
    Condition { if_match: Some(Tags::Listed(vec![version])), if_none_match: None }
}

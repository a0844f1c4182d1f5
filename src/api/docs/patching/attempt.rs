//! One try of a patch: read the document, compute, and put the result in its place if it is still that document.
//!
//! Nothing is held between reading and putting. What the reply rests on is the put; what says no rests on what was read.

use crate::base::clock::Clock;
use crate::model::{
    Command, Condition, Document, Effect, Entry, Execute, Key, Lsn, OnAbsent, Outcome, Rest, Scope, Tags,
};
use crate::patch;

use super::super::super::call::Otherwise;
use super::super::super::message::Response;
use super::super::super::preference::Returned;
use super::super::writing::{Written, not_put, on_absent};
use super::super::{absent, condition_failed};
use super::{Dialect, Terms, verdict};

/// What a merge patch that creates a document is applied to: whatever it says becomes the document (RFC 7396 §2).
const NO_DOCUMENT: &[u8] = b"null";

/// A patch, with all that it takes to make it.
pub(super) struct Attempt<'a> {
    pub(super) execute: &'a dyn Execute,
    pub(super) clock: &'a dyn Clock,
    pub(super) scope: Scope<'a>,
    pub(super) key: Key<'a>,
    /// Its text, which is JSON.
    pub(super) patch: &'a [u8],
    pub(super) terms: &'a Terms,
}

/// What a try came to.
#[expect(clippy::large_enum_variant, reason = "nearly every try is the last, and a box would allocate for each")]
pub(super) enum Tried {
    /// The document is patched: the reply.
    Done(Response),
    /// Somebody else changed it meanwhile, and nothing was done.
    Lost {
        /// Bytes that were read and made for nothing.
        bytes: usize,
    },
}

impl Attempt<'_> {
    /// Reads, computes, and puts if nobody came in between.
    ///
    /// # Errors
    /// 404, 412, what is wrong with the patch; `Again` when there is no room for a write.
    pub(super) fn make(&self) -> Result<Tried, Otherwise> {
        let (found, rest) = self.read()?;
        let (before, version) = match &found {
            Some(entry) => (entry.document.value(), Some(entry.version)),
            None => (NO_DOCUMENT, None),
        };
        let Terms { dialect, bytes_max, expiry, returned, .. } = *self.terms;
        let after = patch::apply(dialect, before, self.patch, bytes_max)
            .map_err(|fault| verdict::problem(&fault).resting_on(rest))?;
        let bytes = before.len().saturating_add(after.len());
        let document = Document::new(self.key, &after);
        let shown = (returned == Returned::Representation).then(|| document.clone());
        let (condition, create) = unchanged(version, self.scope);
        let outcome =
            self.execute.execute(Command::Put { scope: self.scope, document, expiry, condition, on_absent: create })?;
        match outcome.effect {
            Effect::Written { version, deadline, replaced } => {
                let (scope, key, is_new) = (self.scope, self.key, replaced.is_none());
                let written = Written { scope, key, version, deadline, is_new, shown };
                Ok(Tried::Done(written.reply(returned, self.clock).resting_on(outcome.rest)))
            }
            Effect::ConditionFailed { .. } => Ok(Tried::Lost { bytes }),
            effect => Err(not_put(Outcome { effect, ..outcome }, self.scope, self.key).into()),
        }
    }

    /// The document that is to be patched; `None` when there is none and it may be created.
    fn read(&self) -> Result<(Option<Entry>, Rest), Otherwise> {
        let Outcome { rest, effect } = self.execute.execute(Command::Get { scope: self.scope, key: self.key })?;
        let condition = &self.terms.condition;
        match effect {
            Effect::Found(entry) if condition.holds(Some(entry.version)) => Ok((Some(entry), rest)),
            Effect::Found(entry) => Err(condition_failed(Some(entry.version), rest).into()),
            _ if !condition.holds(None) => Err(condition_failed(None, rest).into()),
            _ if self.terms.upsert && self.terms.dialect == Dialect::Merge => Ok((None, rest)),
            effect => Err(absent(effect, self.scope, self.key.as_str(), rest).into()),
        }
    }
}

/// What must hold for the put: that there is what was read.
fn unchanged(version: Option<Lsn>, scope: Scope<'_>) -> (Condition, OnAbsent) {
    match version {
        Some(version) => {
            let if_match = Some(Tags::Listed(vec![version]));
            (Condition { if_match, if_none_match: None }, OnAbsent::Refuse)
        }
        None => (Condition { if_match: None, if_none_match: Some(Tags::Any) }, on_absent(scope)),
    }
}

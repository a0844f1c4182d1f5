//! A patch whose document others keep changing: a try a step, between which they have their turns.
//!
//! Each try that is lost means that somebody else got on, so all together always do. Whoever loses too often is told so.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::limits::{PATCH_PASSES_MIN, PATCH_TRIES_MAX, PATCH_WORK_BYTES_MAX};
use crate::model::{Execute, Key};

use super::super::super::call::{Otherwise, known_scope};
use super::super::super::message::{Step, Work};
use super::super::super::preference::Returned;
use super::super::super::problem::{Kind, Problem};
use super::{Answered, Attempt, Terms, answer};

/// A patch that has lost, and all that it takes to try again.
pub(super) struct Retries {
    pub(super) execute: Arc<dyn Execute>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) collection: Option<String>,
    pub(super) key: String,
    pub(super) patch: Vec<u8>,
    pub(super) terms: Terms,
    pub(super) returned: Returned,
    pub(super) losses: Losses,
}

/// How often a patch, or some that are to be made together, came too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    tries: usize,
    /// Bytes that were read and made for nothing.
    bytes: usize,
}

impl Losses {
    /// Counts a try that has lost, for which so many bytes were read and made.
    pub fn count(&mut self, bytes: usize) {
        self.tries += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// What is said when it has been tried often enough: large documents are tried less often, because each try costs
    /// more.
    pub fn verdict(self) -> Option<Problem> {
        let is_costly = self.tries >= PATCH_PASSES_MIN && self.bytes > PATCH_WORK_BYTES_MAX;
        (is_costly || self.tries >= PATCH_TRIES_MAX).then(|| {
            let detail = format!("what is to be patched was changed by others during each of {} tries", self.tries);
            Problem::new(Kind::PatchContended, detail)
                .hint("try again, or split a document that so many write")
                .size("tries", self.tries)
        })
    }
}

impl Work for Retries {
    fn step(&mut self) -> Step {
        match self.attempt() {
            Ok(Answered::Reply(response)) => Step::Done(response),
            Ok(Answered::Lost { bytes }) => {
                self.losses.count(bytes);
                match self.losses.verdict() {
                    Some(problem) => Step::Done(problem.into_response()),
                    None => Step::More,
                }
            }
            Err(otherwise) => otherwise.into_step(),
        }
    }
}

impl Retries {
    fn attempt(&self) -> Result<Answered, Otherwise> {
        let scope = known_scope(self.collection.as_deref());
        let key = Key::new(&self.key).expect("the first try has had this key");
        let attempt = Attempt { execute: &*self.execute, scope, key, patch: &self.patch, terms: &self.terms };
        answer(&attempt, self.returned, &*self.clock)
    }
}

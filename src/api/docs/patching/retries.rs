//! A patch whose document others keep changing: a try a step, between which they have their turns.
//!
//! Each try that is lost means that somebody else got on, so all together always do. Whoever loses too often is told so.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::limits::{PATCH_PASSES_MIN, PATCH_TRIES_MAX, PATCH_WORK_BYTES_MAX};
use crate::model::{Execute, Key};

use super::super::super::call::{Otherwise, known_scope};
use super::super::super::message::{Response, Step, Work};
use super::super::super::problem::{Kind, Problem};
use super::{Attempt, Terms, Tried};

/// A patch that has lost, and all that it takes to try again.
pub(super) struct Retries {
    pub(super) execute: Arc<dyn Execute>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) collection: Option<String>,
    pub(super) key: String,
    pub(super) patch: Vec<u8>,
    pub(super) terms: Terms,
    /// How often it has lost.
    pub(super) tries: usize,
    /// Bytes that were read and made for nothing.
    pub(super) read_bytes: usize,
}

impl Work for Retries {
    fn step(&mut self) -> Step {
        match self.attempt() {
            Ok(Tried::Done(response)) => Step::Done(response),
            Ok(Tried::Lost { bytes }) => {
                self.tries += 1;
                self.read_bytes = self.read_bytes.saturating_add(bytes);
                if self.is_hopeless() { Step::Done(self.given_up()) } else { Step::More }
            }
            Err(Otherwise::Again) => Step::NoRoom,
            Err(Otherwise::Problem(problem)) => Step::Done(problem.into_response()),
            Err(_) => unreachable!("a try is made, refused, or has to be made again"),
        }
    }
}

impl Retries {
    fn attempt(&self) -> Result<Tried, Otherwise> {
        let scope = known_scope(self.collection.as_deref());
        let key = Key::new(&self.key).expect("the first try has had this key");
        let (execute, clock) = (&*self.execute, &*self.clock);
        Attempt { execute, clock, scope, key, patch: &self.patch, terms: &self.terms }.make()
    }

    /// True when it has been tried often enough: large documents are tried less often, because each try costs more.
    fn is_hopeless(&self) -> bool {
        let is_costly = self.tries >= PATCH_PASSES_MIN && self.read_bytes > PATCH_WORK_BYTES_MAX;
        is_costly || self.tries >= PATCH_TRIES_MAX
    }

    fn given_up(&self) -> Response {
        let detail = format!("the document was changed by others during each of {} tries", self.tries);
        Problem::new(Kind::PatchContended, detail)
            .hint("try again, or split a document that so many write")
            .size("tries", self.tries)
            .into_response()
    }
}

//! Where an import goes that takes the place of everything: beside it, seen by nobody, and thrown away unless it is
//! put in place.

use std::sync::Arc;

use crate::model::{Command, Effect, Execute, Lsn, Outcome, staged_name};

use super::super::call::{Call, Otherwise};
use super::super::problem::{Kind, Problem};

/// A generation beside everything that there is.
pub(super) struct Staging {
    execute: Arc<dyn Execute>,
    generation: Lsn,
}

impl Staging {
    /// An empty one.
    ///
    /// # Errors
    /// 409 when there is one already; what refuses a write.
    pub(super) fn begin(call: &Call<'_>) -> Result<Staging, Otherwise> {
        match call.run(Command::Stage)?.effect {
            Effect::Staged { generation } => Ok(Staging { execute: Arc::clone(call.execute), generation }),
            _ => Err(Problem::new(Kind::ImportRunning, "another import is about to replace everything")
                .hint("wait for its end, or import with mode=merge")
                .into()),
        }
    }

    /// The name under which `collection`, without one the main store, is staged.
    pub(super) fn name_of(&self, collection: Option<&str>) -> String {
        staged_name(self.generation, collection.unwrap_or_default())
    }

    /// Puts it in the place of everything.
    ///
    /// # Errors
    /// What refuses a write; there may be another try.
    pub(super) fn replace(&self) -> Result<Outcome, Otherwise> {
        Ok(self.execute.execute(Command::Replace { generation: self.generation })?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing, when it has been put in place; and this is never refused.
        let _ = self.execute.execute(Command::Unstage { generation: self.generation });
    }
}

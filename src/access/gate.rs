//! Executes for whoever presented a token, and nothing that the token does not permit.
//!
//! It stands before the store, so that no way to a document leads around it: not a line of a bulk, nor a step of an
//! export that runs when its request is long gone. It does not know how the token came.

use std::sync::Arc;

use crate::model::{Command, Execute, Hint, Outcome, Refusal};

use super::Grant;

/// Executes what a token permits.
pub struct Gate {
    grant: Arc<Grant>,
    execute: Arc<dyn Execute>,
}

impl Gate {
    /// What `execute` does, as far as `grant` permits it.
    pub fn new(grant: Arc<Grant>, execute: Arc<dyn Execute>) -> Gate {
        Gate { grant, execute }
    }
}

impl Execute for Gate {
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal> {
        self.grant.permits(&command)?;
        self.execute.execute(command)
    }

    fn anticipate(&self, hints: &[Hint<'_>]) {
        self.execute.anticipate(hints);
    }
}

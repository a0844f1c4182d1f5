//! The line that a call of an admin leaves in the log: who, what, and what came of it.
//!
//! Invariant: a call leaves one, when its end is known, however late that is and also when there is no reply; one that is
//! made once more has not ended. It does not know who is let in.

use std::fmt::Arguments;

use crate::access::Grant;
use crate::base::log::{self, Level, Value};

use super::call::Otherwise;
use super::ending;
use super::message::Response;

/// What is to be written of a call. Dropped unwritten, it says that there was no reply.
pub(super) struct Audit {
    who: String,
    what: String,
    /// False once there is nothing more to say.
    is_due: bool,
}

impl Audit {
    /// Of a call of `what`, let in by `grant`; without one nobody was asked for a token.
    pub(super) fn of(grant: Option<&Grant>, what: String) -> Audit {
        let who = grant.map_or_else(|| "none is asked for".to_owned(), |grant| grant.name.clone());
        Audit { who, what, is_due: true }
    }

    /// Writes the line: the call was answered so.
    pub(super) fn write(mut self, status: u16) {
        self.is_due = false;
        self.say(format_args!("{status}"), status.into());
    }

    fn say(&self, came_of_it: Arguments<'_>, status: Value<'_>) {
        let text = format_args!("admin: {}, token {}: {came_of_it}", self.what, self.who);
        let (call, token) = (Value::from(&self.what), Value::from(&self.who));
        let fields = [("call", Value::Said(&call)), ("token", Value::Said(&token)), ("status", Value::Said(&status))];
        log::event(Level::Info, "admin", text, &fields);
    }

    /// Writes the line when the answer is known.
    pub(super) fn follow(mut self, answer: Result<Response, Otherwise>) -> Result<Response, Otherwise> {
        let at_end = |audit: Audit| move |response: &mut Response| audit.write(response.status);
        match answer {
            Ok(response) => {
                self.write(response.status);
                Ok(response)
            }
            Err(Otherwise::Problem(problem)) => {
                self.write(problem.kind().status());
                Err(Otherwise::Problem(problem))
            }
            Err(Otherwise::Later(later)) => Err(Otherwise::Later(ending::of_later(later, at_end(self)))),
            Err(Otherwise::Stream(intake)) => Err(Otherwise::Stream(ending::of_intake(intake, at_end(self)))),
            Err(Otherwise::Work(work)) => Err(Otherwise::Work(ending::of_work(work, at_end(self)))),
            // It is made once more.
            Err(again @ (Otherwise::Gather { .. } | Otherwise::Again)) => {
                self.is_due = false;
                Err(again)
            }
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        if self.is_due {
            self.say(format_args!("broken off"), Value::None);
        }
    }
}

//! What is still to be done with the reply to a request, in whatever way it comes: from another thread, behind a body,
//! or behind work in steps.
//!
//! Invariant: it is done once, with the reply that leaves; it is dropped undone when there is none. It does not know what
//! is done.

use crate::model::Refusal;

use super::message::{BodyFault, Finished, Intake, Later, Response, Step, Taken, Work};
use super::problem::{Kind, Problem};

/// What is done with a reply before a front gets it.
pub trait Ending: FnOnce(&mut Response) + Send + 'static {}

impl<E: FnOnce(&mut Response) + Send + 'static> Ending for E {}

/// The same as `later`, whose reply `ending` has seen.
pub fn of_later(later: Later, ending: impl Ending) -> Later {
    Box::new(move |deliver| {
        later(Box::new(move |mut response| {
            ending(&mut response);
            deliver(response);
        }));
    })
}

/// The same as `intake`, whose reply `ending` has seen.
pub fn of_intake(intake: Box<dyn Intake>, ending: impl Ending) -> Box<dyn Intake> {
    Box::new(Ended { inner: intake, ending: Some(ending) })
}

/// The same as `work`, whose reply `ending` has seen.
pub fn of_work(work: Box<dyn Work>, ending: impl Ending) -> Box<dyn Work> {
    Box::new(Ended { inner: work, ending: Some(ending) })
}

/// What ends in a reply, with what is done then.
struct Ended<T: ?Sized, E> {
    inner: Box<T>,
    /// `None` once it is done.
    ending: Option<E>,
}

/// `response`, which `ending` has seen unless that is done.
fn seen(mut response: Response, ending: Option<impl Ending>) -> Response {
    if let Some(ending) = ending {
        ending(&mut response);
    }
    response
}

/// There was no room, and nothing was done: a front would word it by itself, and nobody would have seen that.
fn journal_busy() -> Response {
    Problem::new(Kind::JournalBusy, Refusal::JournalBusy.to_string()).into_response()
}

impl<E: Ending> Intake for Ended<dyn Intake, E> {
    fn take(&mut self, part: &[u8]) -> Taken {
        match self.inner.take(part) {
            Taken::Done(response) => Taken::Done(seen(response, self.ending.take())),
            taken => taken,
        }
    }

    fn held_bytes(&self) -> usize {
        self.inner.held_bytes()
    }

    fn finish(self: Box<Self>, end: Result<(), BodyFault>) -> Finished {
        let Ended { inner, ending } = *self;
        match (inner.finish(end), ending) {
            (Finished::Reply(response), ending) => Finished::Reply(seen(response, ending)),
            (Finished::Work(work), Some(ending)) => Finished::Work(of_work(work, ending)),
            (Finished::Work(work), None) => Finished::Work(work),
        }
    }

    fn give_up(self: Box<Self>) -> Option<Response> {
        let Ended { inner, ending } = *self;
        Some(seen(inner.give_up().unwrap_or_else(journal_busy), ending))
    }
}

impl<E: Ending> Work for Ended<dyn Work, E> {
    fn step(&mut self) -> Step {
        match self.inner.step() {
            Step::Done(response) => Step::Done(seen(response, self.ending.take())),
            step => step,
        }
    }

    fn give_up(self: Box<Self>) -> Option<Response> {
        let Ended { inner, ending } = *self;
        Some(seen(inner.give_up().unwrap_or_else(journal_busy), ending))
    }
}

//! A request whose reply takes work that is done in steps.
//!
//! Invariants: a step is run only when its thread says so, which has others to serve; nothing behind the request runs
//! before the work is done; for room it waits `write_timeout` at most, however often it asks. Work has no deadline but
//! that: it goes on while its peer is there, and a peer that has sent its last byte may still wait for the reply.

use crate::api::message::{Response, Step, Work};
use crate::front::problem::{self, Unavailable};

use super::super::context::{Context, Millis, millis};
use super::super::outbox::Terms;
use super::{Phase, Session};

/// Work in progress.
pub(super) struct Working {
    work: Box<dyn Work>,
    terms: Terms,
    pause: Pause,
}

/// What stands before the next step.
#[derive(Clone, Copy)]
pub(super) enum Pause {
    /// The turns of others. When it had found no room before, it may wait for room until then.
    Turn { until: Option<Millis> },
    /// There is no room.
    Room { ticket: u64, until: Millis },
}

impl Pause {
    /// Waits for its turn, and has not waited for anything before.
    pub(super) const BEGIN: Pause = Pause::Turn { until: None };

    /// True when the next step can be run.
    pub(super) fn is_ready(self) -> bool {
        matches!(self, Pause::Turn { .. })
    }

    /// When it has waited too long for room.
    pub(super) fn until(self) -> Option<Millis> {
        match self {
            Pause::Turn { .. } => None,
            Pause::Room { until, .. } => Some(until),
        }
    }

    /// What stands before the next step when there may be room for who waits with `ticket`.
    pub(super) fn behind_room(self, ticket: u64) -> Pause {
        match self {
            Pause::Room { ticket: held, until } if held == ticket => Pause::Turn { until: Some(until) },
            pause => pause,
        }
    }
}

impl Working {
    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    /// When it has waited too long for room.
    pub(super) fn until(&self) -> Option<Millis> {
        self.pause.until()
    }
}

impl Session {
    /// Begins work; the first step comes with the thread's next.
    pub(super) fn work(&mut self, work: Box<dyn Work>, terms: Terms) {
        self.phase = Phase::Work(Working { work, terms, pause: Pause::BEGIN });
    }

    /// True when a step of work can be run now, or an intake called again.
    pub fn has_step(&self) -> bool {
        match &self.phase {
            Phase::Work(working) => working.pause.is_ready(),
            Phase::Intake(taking) => taking.is_ready(),
            _ => false,
        }
    }

    /// True while there is work in progress, or an intake pauses, of which a peer that has gone needs no more.
    pub fn is_working(&self) -> bool {
        match &self.phase {
            Phase::Work(_) => true,
            Phase::Intake(taking) => !taking.wants_more(),
            _ => false,
        }
    }

    /// Runs a step of the work that there is, or calls an intake again.
    pub fn step(&mut self, cx: &mut Context<'_>) {
        self.resume_intake(cx);
        let Phase::Work(Working { work, pause, .. }) = &mut self.phase else { return };
        let Pause::Turn { until } = *pause else { return };
        match work.step() {
            Step::More => *pause = Pause::BEGIN,
            Step::NoRoom => *pause = wait_for_room(self.outbox.next_ticket(), until, cx),
            Step::Done(response) => self.finish_work(response, cx),
        }
    }

    /// Puts the work, or the intake, in line that waits with `ticket`: there may be room.
    pub(super) fn go_on_with_work(&mut self, ticket: u64) {
        match &mut self.phase {
            Phase::Work(working) => working.pause = working.pause.behind_room(ticket),
            Phase::Intake(taking) => taking.go_on(ticket),
            _ => {}
        }
    }

    /// Gives up work that has waited too long for room.
    pub(super) fn give_up_work(&mut self, cx: &mut Context<'_>) {
        if let Phase::Work(Working { work, terms, .. }) = std::mem::replace(&mut self.phase, Phase::Head) {
            self.release(cx);
            let response = work.give_up().unwrap_or_else(|| problem::of_unavailable(Unavailable::JournalBusy));
            self.finish(response, terms, !self.held.is_empty(), cx);
        }
    }

    fn finish_work(&mut self, response: Response, cx: &mut Context<'_>) {
        if let Phase::Work(Working { terms, .. }) = std::mem::replace(&mut self.phase, Phase::Head) {
            self.release(cx);
            self.finish(response, terms, !self.held.is_empty(), cx);
        }
    }
}

/// Waits with `ticket` for room: until the moment that was set when there was none first, or for as long as a write may.
pub(super) fn wait_for_room(ticket: u64, until: Option<Millis>, cx: &Context<'_>) -> Pause {
    cx.durability.when_room(cx.room_waker(ticket));
    let until = until.unwrap_or_else(|| cx.now.saturating_add(millis(cx.rules.write_timeout)));
    Pause::Room { ticket, until }
}

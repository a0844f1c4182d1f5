//! A body that is handed on as it comes, to an intake that may pause.
//!
//! Invariants: while the intake pauses nothing is read, and what was read already stays in `held`, no more than one read;
//! the pause is not counted as the peer's time; for room it waits `write_timeout` at most, however often it asks; what
//! the intake holds counts among the bodies of the thread until its reply is there.

use crate::api::message::{BodyFault, Finished, Intake, Taken};
use crate::front::problem::{self, Unavailable};

use super::super::context::{Context, Millis};
use super::super::incoming::Incoming;
use super::super::outbox::Terms;
use super::working::{Pause, wait_for_room};
use super::{Phase, Session};

/// A body on its way into an intake.
pub(super) struct Taking {
    intake: Box<dyn Intake>,
    pub(super) body: Incoming,
    pub(super) length: Option<u64>,
    terms: Terms,
    /// True when all of the body was handed on.
    pub(super) has_ended: bool,
    /// What the intake waits for, and since when.
    pause: Option<(Pause, Millis)>,
}

impl Taking {
    pub(super) fn new(intake: Box<dyn Intake>, body: Incoming, length: Option<u64>, terms: Terms) -> Taking {
        Taking { intake, body, length, terms, has_ended: false, pause: None }
    }

    /// The same, behind which nothing comes.
    pub(super) fn whole(self) -> Taking {
        Taking { has_ended: true, ..self }
    }

    /// True when the next part may come.
    pub(super) fn wants_more(&self) -> bool {
        self.pause.is_none()
    }

    /// True when the intake can be called again.
    pub(super) fn is_ready(&self) -> bool {
        self.pause.is_some_and(|(pause, _)| pause.is_ready())
    }

    /// When it has waited too long for room.
    pub(super) fn until(&self) -> Option<Millis> {
        self.pause.and_then(|(pause, _)| pause.until())
    }

    /// There may be room for who waits with `ticket`.
    pub(super) fn go_on(&mut self, ticket: u64) {
        self.pause = self.pause.map(|(pause, since)| (pause.behind_room(ticket), since));
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    /// How it stands with the reply that was given now: behind a body that is still to come the connection ends.
    fn terms_now(&self) -> Terms {
        Terms { close: self.terms.close || !self.has_ended, ..self.terms }
    }
}

impl Session {
    /// Hands on the next part; `follows` when something has come behind it.
    pub(super) fn hand_on(&mut self, part: &[u8], follows: bool, cx: &mut Context<'_>) {
        let Phase::Intake(taking) = &mut self.phase else { return };
        let taken = if part.is_empty() { Taken::More } else { taking.intake.take(part) };
        self.note_taken(taken, None, follows, cx);
    }

    /// Calls the intake again that has paused.
    pub(super) fn resume_intake(&mut self, cx: &mut Context<'_>) {
        let Phase::Intake(taking) = &mut self.phase else { return };
        let Some((Pause::Turn { until }, _)) = taking.pause else { return };
        let taken = taking.intake.take(&[]);
        self.note_taken(taken, until, !self.held.is_empty(), cx);
    }

    fn note_taken(&mut self, taken: Taken, until: Option<Millis>, follows: bool, cx: &mut Context<'_>) {
        let Phase::Intake(taking) = &mut self.phase else { return };
        let since = taking.pause.map_or(cx.now, |(_, since)| since);
        let held = taking.intake.held_bytes();
        if !self.recharge(held, cx) && !matches!(taken, Taken::Done(_)) {
            return self.finish_intake(Err(BodyFault::Crowded), false, cx);
        }
        let Phase::Intake(taking) = &mut self.phase else { return };
        match taken {
            Taken::Again => taking.pause = Some((Pause::BEGIN, since)),
            Taken::NoRoom => taking.pause = Some((wait_for_room(self.outbox.next_ticket(), until, cx), since)),
            Taken::More => {
                taking.pause = None;
                self.since += cx.now.saturating_sub(since);
                if taking.has_ended {
                    self.finish_intake(Ok(()), follows, cx);
                }
            }
            Taken::Done(response) => {
                self.release(cx);
                let Phase::Intake(taking) = &self.phase else { return };
                let (terms, follows) = (taking.terms_now(), follows && taking.has_ended);
                self.finish(response, terms, follows, cx);
            }
        }
    }

    /// Tells the intake how its body has ended.
    pub(super) fn finish_intake(&mut self, end: Result<(), BodyFault>, follows: bool, cx: &mut Context<'_>) {
        let Phase::Intake(taking) = std::mem::replace(&mut self.phase, Phase::Head) else { return };
        let mut terms = Terms { close: taking.terms.close || end.is_err(), ..taking.terms };
        terms.origin.whole = Some(cx.recorder.now());
        match taking.intake.finish(end) {
            Finished::Reply(response) => {
                self.release(cx);
                self.finish(response, terms, follows, cx);
            }
            Finished::Work(work) => self.work(work, terms),
        }
    }

    /// Gives up an intake that has waited too long for room.
    pub(super) fn give_up_intake(&mut self, cx: &mut Context<'_>) {
        let Phase::Intake(taking) = std::mem::replace(&mut self.phase, Phase::Head) else { return };
        let (terms, follows) = (taking.terms_now(), taking.has_ended && !self.held.is_empty());
        self.release(cx);
        let response = taking.intake.give_up().unwrap_or_else(|| problem::of_unavailable(Unavailable::JournalBusy));
        self.finish(response, terms, follows, cx);
    }
}

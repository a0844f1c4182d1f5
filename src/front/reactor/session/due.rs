//! A session's deadlines: how long it may stay where it stands, and what comes of it when that has passed.
//!
//! Invariant: what is read and what is sent are timed apart, and the earlier deadline counts. It knows time as a number,
//! and does not know who keeps it.

use crate::api::message::BodyFault;
use crate::front::framing::Fault;

use super::super::context::{Context, Millis, Rules, millis};
use super::{Phase, Session};

/// What is to be done when a deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Nothing was due.
    Nothing,
    /// A reply says so, and is the last.
    Answered,
    /// The connection is to be closed at once.
    Close,
}

impl Session {
    /// The next moment at which `expire`, or a turn, may have something to do.
    pub fn deadline(&self, rules: &Rules) -> Option<Millis> {
        let reading = self.reading_until(rules);
        if self.outbox.is_at_rest() {
            return reading;
        }
        let Session { outbox, .. } = self;
        [outbox.stalled_at(rules), outbox.unknown_at(rules), outbox.pulls_at(), reading].into_iter().flatten().min()
    }

    fn reading_until(&self, rules: &Rules) -> Option<Millis> {
        match &self.phase {
            Phase::Head if self.is_between() => {
                self.outbox.is_empty().then(|| self.since.saturating_add(millis(rules.idle_timeout)))
            }
            // Nothing is read while there is no room: the peer does not read either, and that is what is timed.
            Phase::Head if !self.had_room => None,
            Phase::Head => Some(self.since.saturating_add(millis(rules.read_timeout))),
            Phase::Intake(taking) if !taking.wants_more() => taking.until(),
            Phase::Gather(_) | Phase::Intake(_) | Phase::Skip { .. } => {
                let earned = millis(rules.read_timeout).saturating_add(rules.earned(self.received));
                Some(self.since.saturating_add(earned))
            }
            Phase::Again(again) => Some(again.until),
            Phase::Work(working) => working.until(),
            Phase::Later | Phase::Over => None,
        }
    }

    /// Does what is due.
    pub fn expire(&mut self, cx: &mut Context<'_>) -> Expired {
        let is_due = |moment: Option<Millis>| moment.is_some_and(|moment| moment <= cx.now);
        if is_due(self.outbox.stalled_at(cx.rules)) {
            return Expired::Close;
        }
        if is_due(self.outbox.unknown_at(cx.rules)) {
            self.outbox.give_up();
            return Expired::Answered;
        }
        if !is_due(self.reading_until(cx.rules)) {
            return Expired::Nothing;
        }
        match &self.phase {
            Phase::Head if self.is_between() => return Expired::Close,
            Phase::Head => self.refuse_held(Fault::HeadTimeout, cx),
            Phase::Intake(taking) if !taking.wants_more() => self.give_up_intake(cx),
            Phase::Gather(_) | Phase::Intake(_) => {
                self.fail_body(BodyFault::Stalled { bytes: self.received }, cx);
            }
            Phase::Again(_) => self.give_up_room(cx),
            Phase::Work(_) => self.give_up_work(cx),
            Phase::Skip { .. } | Phase::Later | Phase::Over => self.end(cx),
        }
        Expired::Answered
    }
}

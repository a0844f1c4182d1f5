//! When an intake of a double pauses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memory_tools::api::message::Taken;

use super::steps::StepsLog;

/// How often an intake pauses behind a part that says to be called again.
const TIMES: usize = 2;

/// The words in the query choose: with `again` each part takes some calls, with `full` it needs room, and with `noted` it
/// knows what to say when there was none.
pub(super) struct Pauses {
    is_again: bool,
    needs_room: bool,
    is_noted: bool,
    /// Calls that are still to come for the last part.
    left: usize,
    is_paused: bool,
    log: Arc<StepsLog>,
    is_full: Arc<AtomicBool>,
}

impl Pauses {
    pub(super) fn of(how: &str, log: Arc<StepsLog>, is_full: Arc<AtomicBool>) -> Pauses {
        let has = |word| how.contains(word);
        let (is_again, needs_room, is_noted) = (has("again"), has("full"), has("noted"));
        Pauses { is_again, needs_room, is_noted, left: 0, is_paused: false, log, is_full }
    }

    /// What is said to `part`.
    pub(super) fn behind(&mut self, part: &[u8]) -> Taken {
        assert_eq!(part.is_empty(), self.is_paused, "a part while it pauses, or nothing while it does not");
        self.left = match part {
            [] => self.left.saturating_sub(1),
            _ if self.is_again => TIMES,
            _ => 0,
        };
        let is_turned_back = self.left == 0 && self.needs_room && self.is_full.load(Ordering::SeqCst);
        self.is_paused = self.left > 0 || is_turned_back;
        if is_turned_back {
            self.log.turned_back.fetch_add(1, Ordering::SeqCst);
            return Taken::NoRoom;
        }
        if self.is_paused { Taken::Again } else { Taken::More }
    }

    /// True when it knows what to say.
    pub(super) fn are_noted(&self) -> bool {
        self.is_noted
    }
}

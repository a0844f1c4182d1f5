//! Giving the journal up, and beginning again: memory holds everything, so a new segment and a snapshot of it are as
//! good as what the disk refused.
//!
//! Order: writes are refused; every write that was on its way has come to its end; a new segment is begun, which says
//! that the one before was given up; a snapshot is published that needs nothing before that segment; only then are
//! writes taken again. So a crash at any point finds either the old journal or the snapshot.
//! It does not take the snapshot: `mt-snapshot` does, between `begin_healing` and `Healing::finish`.

use std::sync::Weak;
use std::time::{Duration, Instant};

use super::buffer::Buffer;
use super::standing::Standing;
use super::{Journal, Mode};
use crate::base::log::{self, Level, Value};
use crate::model::Refusal;
use crate::persist::Error;
use crate::persist::journal::Link;

/// How long writes that were on their way may take to come to their end.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// An attempt to heal. Dropped without `finish`, it has failed.
#[derive(Debug)]
#[must_use]
pub struct Healing<'j> {
    journal: &'j Journal,
    is_over: bool,
}

impl Journal {
    /// How the journal stands.
    pub fn standing(&self) -> Standing {
        self.post.standing()
    }

    /// True unless the journal was given up and has not begun again.
    pub fn is_whole(&self) -> bool {
        self.post.is_serving()
    }

    /// True when it is time for an attempt to heal.
    pub fn is_healing_due(&self, now: Instant) -> bool {
        self.post.is_due(now)
    }

    /// Begins an attempt to heal: a new segment is there when it returns, and nothing is written or numbered until the
    /// attempt ends. `None` when there is nothing to heal, or an attempt is going on.
    ///
    /// # Errors
    /// The disk's; the next attempt comes after a longer pause.
    pub fn begin_healing(&self) -> Result<Option<Healing<'_>>, Error> {
        if !self.post.begin_healing() {
            return Ok(None);
        }
        self.figures.note_heal_attempt();
        let mut healing = Healing { journal: self, is_over: false };
        if !self.wait_for_rooms() {
            healing.end("writes that were on their way have not ended".to_owned());
            return Ok(None);
        }
        let begun = {
            let mut commit = self.commit.lock();
            // Also when an earlier attempt has made it: it is replaced then.
            let id = commit.newest.next();
            let newest = commit.newest;
            let begun = self.begin_segment(&mut commit, id, self.next(), Link::AfterFailure);
            if begun.is_err() {
                commit.segment = None;
            }
            // Until the snapshot is published, the one before is the newest with records.
            commit.newest = newest;
            begun
        };
        match begun {
            Ok(()) => Ok(Some(healing)),
            Err(error) => {
                healing.fail(&error);
                Err(error)
            }
        }
    }

    /// Gives the journal up because of `error`: the segment is never touched again, what was not written is discarded,
    /// whoever waits is told, and writes are refused until it is healed. The first error counts.
    pub(super) fn give_up(&self, error: &Error) {
        let cause = self.cause(error);
        if self.options.mode == Mode::Off || !self.post.degrade(cause.clone(), Instant::now()) {
            return;
        }
        self.figures.note_error();
        *self.current.lock() = None;
        self.discard();
        self.releases.fail().wake();
        self.space.wake();
        let text = format_args!("the journal is given up, writes are refused until a new one is begun: {cause}");
        log::event(Level::Error, "journal_given_up", text, &[("next_lsn", self.next().0.into())]);
        (self.options.on_given_up)(&cause);
    }

    /// Drops what was appended and not taken, and keeps no record from now on.
    pub(super) fn discard(&self) {
        let discarded = self.head.lock().buffer.take();
        if let Some(buffer) = discarded {
            self.space.give_back(buffer.held());
        }
    }

    /// The answer to whoever needs a journal while there is none.
    pub(super) fn given_up(&self) -> Error {
        let cause = match self.post.refusal() {
            Some(Refusal::JournalUnavailable { cause }) => cause,
            _ => "it has stopped".to_owned(),
        };
        Error::JournalGivenUp { cause }
    }

    /// What operators and clients are told of `error`: the line that it is, and what is free on the disk when there was
    /// no room for something.
    fn cause(&self, error: &Error) -> String {
        let folder = self.folder.get().and_then(Weak::upgrade);
        let Some(free) = folder.and_then(|folder| folder.free_bytes()) else { return error.to_string() };
        self.post.note_free_bytes(free);
        if error.is_want_of_room() { format!("{error}; {free} bytes are free on the disk") } else { error.to_string() }
    }

    /// Waits until no room is left that was taken before writes were refused; false when that takes too long.
    fn wait_for_rooms(&self) -> bool {
        let end = Instant::now() + LEAVE_WITHIN;
        let mut held = self.leaving.lock();
        while self.sequence.is_promised() {
            if self.room_left.wait_until(&mut held, end).timed_out() {
                return !self.sequence.is_promised();
            }
        }
        true
    }

    /// Tells whoever waits for it that a room has gone.
    pub(super) fn note_room_left(&self) {
        // Rooms go all the time; somebody waits only while the journal heals.
        if self.standing() == Standing::Healing {
            let _held = self.leaving.lock();
            self.room_left.notify_all();
        }
    }
}

impl Healing<'_> {
    /// Takes writes again: a snapshot that holds everything and needs nothing before the new segment is durable.
    pub fn finish(mut self) {
        self.is_over = true;
        let journal = self.journal;
        {
            let mut commit = journal.commit.lock();
            commit.newest = commit.segment.as_ref().map_or(commit.newest, |segment| segment.id());
            journal.releases.restart(journal.last());
            journal.head.lock().buffer = Some(Buffer::new(journal.options.buffer_bytes));
        }
        let lasted = journal.post.heal(Instant::now());
        journal.figures.note_healed();
        journal.space.wake();
        journal.wake_readers();
        let text =
            format_args!("the journal has begun again, writes are taken; it was gone for {} s", lasted.as_secs());
        let fields = [("gone_ms", Value::Said(&lasted.into())), ("next_lsn", journal.next().0.into())];
        log::event(Level::Info, "journal_begun_again", text, &fields);
    }

    /// Says that the attempt failed because of `error`.
    pub fn fail(mut self, error: &Error) {
        self.end(self.journal.cause(error));
    }

    fn end(&mut self, cause: String) {
        self.is_over = true;
        let journal = self.journal;
        journal.commit.lock().segment = None;
        *journal.current.lock() = None;
        let text = cause.clone();
        let pause = journal.post.fail_healing(cause, Instant::now());
        journal.figures.note_error();
        let text = format_args!(
            "the journal could not be begun again, the next attempt comes in {} s: {text}",
            pause.as_secs()
        );
        log::event(Level::Warn, "journal_still_given_up", text, &[("next_attempt_ms", Value::Said(&pause.into()))]);
    }
}

impl Drop for Healing<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.end("the attempt was given up".to_owned());
        }
    }
}

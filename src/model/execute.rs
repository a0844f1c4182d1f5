//! The two seams: who executes commands, and who says when a reply may leave.

use std::time::Duration;

use super::{BackupAnswer, Command, Lsn, Outcome, Refusal, ReloadAnswer, Rest};

/// A document that is likely to be asked for in a moment: a guess, of which nothing was checked or decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint<'a> {
    /// What is probably the name of its collection; `None` where it is probably in the main store.
    pub collection: Option<&'a [u8]>,
    /// What is probably its key.
    pub key: &'a [u8],
}

/// Executes commands. The engine in this process is one implementation.
pub trait Execute: Send + Sync {
    /// Executes `command`.
    ///
    /// # Errors
    /// A refusal: nothing was changed.
    fn execute(&self, command: Command<'_>) -> Result<Outcome, Refusal>;

    /// Takes hints, of which the first `LOOK_AHEAD_MAX` count. Changes nothing and never waits; a wrong one costs time and
    /// nothing else.
    fn anticipate(&self, _hints: &[Hint<'_>]) {}
}

/// Called once, from any thread, when a reply that had to wait may leave, or never may.
pub type Waker = Box<dyn FnOnce(Result<(), NotDurable>) + Send>;

/// Called once, from any thread, when a write that found no room may be tried again.
pub type RoomWaker = Box<dyn FnOnce() + Send>;

/// What a reply rests on could not be made durable: its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDurable;

/// Says which replies wait, and until when; the policy is in one place behind this trait.
pub trait Durability: Send + Sync {
    /// True when a reply that rests on `rest` may leave now.
    fn is_released(&self, rest: Rest) -> bool;

    /// Calls `waker` once as soon as a reply that rests on `rest` may leave, or never may; at once when that is known.
    /// Never blocks, and by itself makes nothing go faster: see `hurry`.
    fn when_durable(&self, rest: Rest, waker: Waker);

    /// Says that the caller has run all that it had to run and waits from now on: what is to become durable together
    /// need not wait for more of it. Call it after `when_durable`, once for any number of replies. Never blocks, and
    /// costs little when nobody waits.
    fn hurry(&self);

    /// Calls `waker` once when a write that was refused with `Refusal::JournalBusy` is worth another try; at once when
    /// it is. Whoever is woken may be refused again, and asks again then. Never blocks.
    fn when_room(&self, waker: RoomWaker);
}

/// What a finished snapshot holds and took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotReport {
    /// Documents in it.
    pub documents: u64,
    /// Size of the file.
    pub bytes: u64,
    /// The counter after the last slice: every write up to here had begun when the snapshot was complete.
    pub capture_end: Lsn,
    /// From the first slice to the published name.
    pub duration: Duration,
}

/// The answer to an operator's call for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotAnswer {
    /// It has been started.
    Started,
    /// It is complete and durable under its name.
    Finished(SnapshotReport),
    /// Another one is being written.
    AlreadyRunning,
    /// It failed; the one before is untouched.
    Failed(String),
    /// The server is stopping and takes its last snapshot anyway.
    Stopping,
}

/// Which moment of a snapshot an operator wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMoment {
    /// It is being written.
    Start,
    /// It is durable under its name, or has failed.
    End,
}

/// What an operator can ask of a running server.
pub trait Operate: Send + Sync {
    /// Starts a snapshot, and calls `tell` once at its `moment`, from any thread; within the call when there is
    /// nothing to wait for. Never blocks.
    fn snapshot(&self, moment: SnapshotMoment, tell: Box<dyn FnOnce(SnapshotAnswer) + Send>);

    /// Has read again what can be read while serving, and calls `tell` once when that is done, from any thread. Never
    /// blocks.
    fn reload(&self, tell: Box<dyn FnOnce(ReloadAnswer) + Send>);

    /// Makes a copy of everything, and calls `tell` once when it is complete, from any thread; within the call when there
    /// is nothing to wait for. Never blocks. Until its content is dropped there is no other.
    fn backup(&self, tell: Box<dyn FnOnce(BackupAnswer) + Send>);
}

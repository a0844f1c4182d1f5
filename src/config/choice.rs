//! Options that are one of a few words.

use crate::base::log::{Format, Level};

/// What can be chosen by its name.
pub trait Choice: Copy + 'static {
    /// Every choice, in the order in which errors list them.
    const ALL: &'static [Self];

    /// Its name in the configuration.
    fn name(self) -> &'static str;
}

/// The names of a choice.
pub(super) fn names<C: Choice>() -> Vec<&'static str> {
    C::ALL.iter().map(|choice| choice.name()).collect()
}

/// The choice called `name`.
pub(super) fn named<C: Choice>(name: &str) -> Option<C> {
    C::ALL.iter().copied().find(|choice| choice.name() == name)
}

/// What answers the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A few threads that never wait, each with connections of its own.
    Reactor,
    /// A fixed pool of threads over tiny_http.
    Pool,
}

impl Choice for Front {
    const ALL: &'static [Front] = &[Front::Reactor, Front::Pool];

    fn name(self) -> &'static str {
        match self {
            Front::Reactor => "reactor",
            Front::Pool => "pool",
        }
    }
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// Power loss: a reply waits for the fsync.
    Always,
    /// The end of the process; power loss but for about a second.
    Everysec,
    /// The end of the process; power loss as the kernel pleases.
    Os,
    /// A clean stop.
    Off,
}

impl Choice for Journal {
    const ALL: &'static [Journal] = &[Journal::Always, Journal::Everysec, Journal::Os, Journal::Off];

    fn name(self) -> &'static str {
        match self {
            Journal::Always => "always",
            Journal::Everysec => "everysec",
            Journal::Os => "os",
            Journal::Off => "off",
        }
    }
}

/// Whether each request is told in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// None is, but for slow ones.
    Off,
    /// Each has its line.
    On,
}

impl Choice for AccessLog {
    const ALL: &'static [AccessLog] = &[AccessLog::Off, AccessLog::On];

    fn name(self) -> &'static str {
        match self {
            AccessLog::Off => "off",
            AccessLog::On => "on",
        }
    }
}

/// What goes where memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// Nothing.
    Off,
    /// What was accessed the longest ago.
    Lru,
    /// What has a deadline, the nearest first.
    Ttl,
}

impl Choice for Eviction {
    const ALL: &'static [Eviction] = &[Eviction::Off, Eviction::Lru, Eviction::Ttl];

    fn name(self) -> &'static str {
        match self {
            Eviction::Off => "off",
            Eviction::Lru => "lru",
            Eviction::Ttl => "ttl",
        }
    }
}

/// What the server does when the disk refuses the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnJournalError {
    /// Writes are refused and reads go on, until the disk takes a new journal.
    Degrade,
    /// The process ends.
    Exit,
}

impl Choice for OnJournalError {
    const ALL: &'static [OnJournalError] = &[OnJournalError::Degrade, OnJournalError::Exit];

    fn name(self) -> &'static str {
        match self {
            OnJournalError::Degrade => "degrade",
            OnJournalError::Exit => "exit",
        }
    }
}

impl Choice for Format {
    const ALL: &'static [Format] = &[Format::Text, Format::Json];

    fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
        }
    }
}

impl Choice for Level {
    const ALL: &'static [Level] = Level::ALL;

    fn name(self) -> &'static str {
        Level::name(self)
    }
}

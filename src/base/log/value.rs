//! What an event carries beside its text: how urgent it is, and values with names.
//!
//! Values borrow: an event that nobody wants to read costs no copy of them. A unit stands in the name of the field.

use std::fmt;
use std::time::Duration;

/// How urgent an event is, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who looks for something in particular.
    Debug,
    /// Something an operator may want to know.
    Info,
    /// Something an operator should look at.
    Warn,
    /// Something that failed.
    Error,
}

impl Level {
    /// Every level, the least urgent first.
    pub const ALL: &'static [Level] = &[Level::Debug, Level::Info, Level::Warn, Level::Error];

    /// Its name, in the configuration and in lines.
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warning",
            Level::Error => "error",
        }
    }

    /// Its priority of syslog.
    pub(super) fn priority(self) -> u8 {
        match self {
            Level::Debug => 7,
            Level::Info => 6,
            Level::Warn => 4,
            Level::Error => 3,
        }
    }
}

/// A value of a field.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A text; what could be taken for more than one is quoted in lines.
    Text(&'a str),
    /// A text that is made when the line is.
    Shown(&'a dyn fmt::Display),
    /// A number.
    Number(u64),
    /// A duration, shown in milliseconds to the microsecond: a name for it ends in `_ms`.
    Millis(Duration),
    /// Yes or no.
    Flag(bool),
    /// What the text says already, in words: a field for programs, which lines for people leave out.
    Said(&'a Value<'a>),
    /// Nothing: the field is left out.
    None,
}

impl Value<'_> {
    /// The value itself, where it is one that the text says already.
    pub(super) fn unsaid(self) -> Self {
        if let Value::Said(value) = self { value.unsaid() } else { self }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Value<'a> {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Value<'a> {
        Value::Text(text)
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Value::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Value::Number(number.into())
    }
}

impl From<u16> for Value<'_> {
    fn from(number: u16) -> Self {
        Value::Number(number.into())
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Value::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<Duration> for Value<'_> {
    fn from(duration: Duration) -> Self {
        Value::Millis(duration)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Value<'a> {
        value.map_or(Value::None, Into::into)
    }
}

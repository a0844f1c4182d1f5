//! What can be wrong with a configuration: each is one line that says where, what, and what to do.

use std::fmt;

use super::agreement::Clash;
use super::option::ValueFault;

/// A place in a text file, as editors take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file, as it was named.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Character within the line, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The table of options.
    Default,
    /// The config file, at this value.
    File(Position),
    /// This environment variable.
    Environment(String),
    /// This flag, dashes included.
    Flag(String),
}

impl Origin {
    /// Its place among the sources, each of which overrides those before it.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::File(_) => 1,
            Origin::Environment(_) => 2,
            Origin::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(position) => write!(f, "{}:{}", position.path, position.line),
            Origin::Environment(variable) => write!(f, "environment {variable}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The operating system's answer.
        cause: String,
    },
    /// The file is larger than any config file.
    #[error("{path}: {bytes} bytes, a config file has at most {bytes_max}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The file is not JSON.
    #[error("{at}: not JSON: {reason}")]
    NotJson {
        /// The first character that cannot be there.
        at: Position,
        /// What was expected.
        reason: &'static str,
    },
    /// The file is JSON, but not an object.
    #[error("{at}: expected an object of options, such as {{\"port\": \"127.0.0.1:8080\"}}, found {found}")]
    NotAnObject {
        /// Where the value begins.
        at: Position,
        /// What it is.
        found: &'static str,
    },
    /// A key or a string value holds half of a surrogate pair.
    #[error("{at}: half of a surrogate pair, which is no character")]
    LoneSurrogate {
        /// Where the string begins.
        at: Position,
    },
    /// A key that is no option.
    #[error("{at}: unknown key {name:?}, {}", Hint(.nearest.as_deref()))]
    UnknownKey {
        /// Where.
        at: Position,
        /// The key.
        name: String,
        /// The option that was probably meant.
        nearest: Option<String>,
    },
    /// A key that stands there twice.
    #[error("{at}: duplicate key {name:?}, it stands on line {first_line} already")]
    DuplicateKey {
        /// The second one.
        at: Position,
        /// The key.
        name: String,
        /// Line of the first one.
        first_line: usize,
    },
    /// An environment variable with our prefix that is no option.
    #[error("unknown environment variable {name:?}, {}", Hint(.nearest.as_deref()))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variable that was probably meant.
        nearest: Option<String>,
    },
    /// A flag that is no option.
    #[error("unknown flag {name:?}, {}", Hint(.nearest.as_deref()))]
    UnknownFlag {
        /// The flag, dashes included.
        name: String,
        /// The flag that was probably meant.
        nearest: Option<String>,
    },
    /// A value that its option does not take.
    #[error("{}: {fault}", Named(.origin, .name))]
    BadValue {
        /// Where it came from.
        origin: Origin,
        /// The option.
        name: &'static str,
        /// What is wrong with it.
        fault: Box<ValueFault>,
    },
    /// A value that does not go with that of another option.
    #[error("{}: {clash}", Named(.origin, .name))]
    Clash {
        /// Where it came from.
        origin: Origin,
        /// The option.
        name: &'static str,
        /// What it does not go with.
        clash: Box<Clash>,
    },
}

/// "did you mean …?", or where to look.
struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(nearest) => write!(f, "did you mean {nearest:?}?"),
            None => f.write_str("memory-tools --help lists the options"),
        }
    }
}

/// The place of a value and its option, each once.
struct Named<'a>(&'a Origin, &'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Origin::Default => write!(f, "default of {}", self.1),
            Origin::File(position) => write!(f, "{position}: {}", self.1),
            Origin::Environment(variable) => f.write_str(variable),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

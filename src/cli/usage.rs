//! Why a command line makes no sense, in one line, which names what was probably meant.

use crate::config::ConfigError;

/// Why the command line makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A flag that does not exist.
    #[error(transparent)]
    UnknownFlag(ConfigError),
    /// A flag without the value it needs, a value that is none, text that is not UTF-8.
    #[error("{0}")]
    Flag(String),
    /// A command that does not exist.
    #[error("unknown command {name:?}, {}", command_hint(*.nearest))]
    UnknownCommand {
        /// What was written.
        name: String,
        /// The command that was probably meant.
        nearest: Option<&'static str>,
    },
    /// One argument too many.
    #[error("unexpected argument {0:?}, {1} takes no more")]
    TooMany(String, &'static str),
    /// A command without the path that it needs.
    #[error("{0} needs the path of a data folder, such as: memory-tools {0} ./data")]
    NoPath(&'static str),
    /// Completions without a shell, or for one that has none.
    #[error("completions needs a shell: bash, zsh or fish")]
    NoShell,
    /// A flag that the command has no use for.
    #[error("--{flag} means nothing to {command}")]
    Meaningless {
        /// The flag, without its dashes.
        flag: String,
        /// The command.
        command: &'static str,
    },
    /// A variable of ours that is not UTF-8.
    #[error("the environment variable {0} is not UTF-8")]
    NotUtf8(String),
}

fn command_hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => "memory-tools --help lists the commands".to_owned(),
    }
}

//! What can be asked of the program: a command with all that it needs to be carried out. How that is written on the
//! command line is not known here.

use std::path::PathBuf;

use super::manual::Shell;
use super::remote::Call;
use super::restore::Restoring;
use super::token::NewToken;

/// What is asked of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Serve; what happens without a command.
    Serve {
        /// What the command line says about the configuration.
        arguments: Arguments,
        /// Whether an import of the Go server's files skips what it cannot take.
        import_skip: bool,
    },
    /// Show every option's value and where it came from.
    PrintConfig(Arguments),
    /// Say whether the configuration is valid.
    CheckConfig(Arguments),
    /// Say what is in a data folder or file, and whether it is sound.
    Check {
        /// The folder or file.
        path: PathBuf,
    },
    /// Show every document of a data folder.
    Dump {
        /// The folder.
        path: PathBuf,
    },
    /// Make a data folder one that a start takes.
    Repair {
        /// The folder.
        path: PathBuf,
        /// Whether it may give up what lies behind damage.
        drop_after_damage: bool,
    },
    /// Ask a running server whether it is ready.
    Health(Arguments),
    /// Look at the machine that a server is to run on.
    Doctor(Arguments),
    /// Ask a running server for documents.
    Remote(Call),
    /// Show the manual page.
    Manual,
    /// Show the completions for a shell.
    Completions(Shell),
    /// Make a token.
    Token(NewToken),
    /// Make a data folder of a backup.
    Restore(Restoring),
    /// Show the help.
    Help,
    /// Show the help of this command.
    HelpOf(&'static str),
    /// Show the version.
    Version,
}

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The config file that was named.
    pub config: Option<PathBuf>,
    /// Flags without their dashes, with their values, in order.
    pub flags: Vec<(String, String)>,
}

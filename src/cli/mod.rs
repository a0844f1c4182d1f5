//! The command line: arguments in, an `Invocation` out, and what each invocation does.
//!
//! Invariant: `parse` touches neither files nor the environment, and nothing here prints but `Finished::emit`, the
//! banner of `serve`, the lines of `dump`, `ls`, `watch`, `top` and `export`, what the last two log, and how far a
//! transfer is.

mod exit;

mod arguments;
mod help;
mod invocation;
mod usage;

mod banner;
mod check;
mod configuration;
mod doctor;
mod dump;
mod health;
mod manual;
mod pinned;
mod remote;
mod repair;
mod restore;
mod serve;
mod token;

mod run;

pub use arguments::parse;
pub use check::check;
pub use configuration::{
    TOKEN_VARIABLE, URL_VARIABLE, check_config, environment, own_token, print_config, server_url, settings,
};
pub use doctor::doctor;
pub use dump::dump;
pub use exit::{Exit, Finished};
pub use health::{HealthFault, ask_readiness, health};
pub use help::{commands, help, help_of, version};
pub use invocation::{Arguments, Invocation};
pub use manual::{Shell, completions, manual};
pub use remote::{
    Action, BackingUp, Call, Content, Exporting, Importing, PatchForm, Stream, Viewing, Watching, Writing, remote,
};
pub use repair::repair;
pub use restore::{Restoring, restore};
pub use run::run;
pub use serve::serve;
pub use token::{NewToken, token};
pub use usage::UsageError;

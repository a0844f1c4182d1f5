//! The command line: arguments in, an `Invocation` out, and the commands that need no server.
//!
//! `serve` and `check` are carried out by whoever calls `parse`; what stands here needs the configuration alone.
//! Invariant: `parse` touches neither files nor the environment, and nothing here prints but `Finished::emit`.

mod exit;

mod arguments;
mod help;

mod configuration;
mod health;

pub use arguments::{Arguments, Invocation, UsageError, parse};
pub use configuration::{check_config, environment, print_config, settings};
pub use exit::{Exit, Finished};
pub use health::{HealthFault, ask_readiness, health};
pub use help::{help, version};

//! Configuration: every option in one table, and typed values filled from defaults, a file, the environment and flags.
//!
//! `table::OPTIONS` is the only place where options are listed; the parsing, the shipped config.json, `--help`,
//! `--print-config` and the README's table all come from it. Invariant: nothing that was given is ignored, an unknown
//! name is an error that says which one it was near. It reads neither files nor the environment itself: sources are
//! arguments, so that a test can hand in any world.

mod choice;
mod listen;
mod listen_on;
mod memory_max;
mod nearest;
mod size;
mod values;

mod error;
mod option;
mod origins;
mod table;

mod agreement;
mod file;
mod load;
mod sources;

mod render;

pub use agreement::Clash;
pub use choice::{AccessLog, Choice, Eviction, Front, Journal, OnJournalError};
pub use error::{ConfigError, Origin, Position};
pub use listen::{Host, Listen, ListenFault};
pub use listen_on::{ListenOn, ListenOnFault};
pub use load::{ENVIRONMENT_PREFIX, Setting, Settings, load};
pub use memory_max::{MemoryMax, MemoryMaxFault};
pub use option::{Kind, OptionSpec, Spelled, ValueFault};
pub use origins::ANY as ANY_ORIGIN;
pub use render::{json_file, listing, markdown_table};
pub use size::{SizeFault, format_size, parse_size};
pub use sources::Sources;
pub use table::{OPTIONS, option};
pub use values::Config;

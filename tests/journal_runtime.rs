//! The journal while the server runs: groups, watermarks, rotation, giving up and healing, on the disk's twin.
//!
//! There is no thread here: what `mt-journal` and `mt-sync` do is one call of `step` each, so every order of events is
//! the test's. What is on the disk is read back with the code that a recovery uses.

#[path = "journal_runtime/bench.rs"]
mod bench;
#[path = "journal_runtime/copies.rs"]
mod copies;
#[path = "journal_runtime/groups.rs"]
mod groups;
#[path = "journal_runtime/off.rs"]
mod off;
#[path = "journal_runtime/room.rs"]
mod room;
#[path = "journal_runtime/segments.rs"]
mod segments;
#[path = "support/sim_disk.rs"]
mod sim_disk;
#[path = "journal_runtime/trouble.rs"]
mod trouble;

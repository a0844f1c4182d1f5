//! The words everybody speaks: keys, documents, commands, outcomes, LSNs, and the traits between rooms.
//!
//! Values only: no locks, files, sockets or threads. `Execute` and `Durability` live here so that the HTTP side
//! and the engine never meet.

mod backup;
mod change;
mod collection;
mod command;
mod document;
mod execute;
mod figures;
mod key;
mod lsn;
mod outcome;
mod range;
mod record;
mod reload;

pub use backup::{BackupAnswer, ReadBackup};
pub use change::{Change, ChangeWaker, Changes, ChangesGone, Deed, Follow, NotFollowed};
pub use collection::{
    CollectionName, CollectionOptions, CollectionSummary, NameFault, OptionChanges, Scope, staged_name,
};
pub use command::{BatchWrite, Command, Condition, Expiry, OnAbsent, Tags};
pub use document::{Deadline, Document, Entry};
pub use execute::{
    Durability, Execute, Hint, NotDurable, Operate, RoomWaker, SnapshotAnswer, SnapshotMoment, SnapshotReport, Waker,
};
pub use figures::{Figures, JournalStats, Stats};
pub use key::{Key, KeyFault};
pub use lsn::{Lsn, Rest};
pub use outcome::{BatchRefusal, Effect, Entries, Listed, Outcome, Refusal, Written};
pub use range::KeyRange;
pub use record::Record;
pub use reload::{ReloadAnswer, Reloaded, Reread};

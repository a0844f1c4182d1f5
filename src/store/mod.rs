//! The sharded map in memory: documents by key, in byte order, and by deadline.
//!
//! A hash picks the shard, and each shard stands behind a lock of its own. Inside it every collection that has
//! entries there is a partition: a slab of entries, and three indexes of slot numbers over it (by hash, by key, by
//! deadline). A document is a counted pointer, so nothing is copied under a lock and nothing is freed under one.
//!
//! Invariants: no lock is held while another room's code runs, but for the caller that holds a `Locked` or a
//! `Place` and for the closures that issue an LSN. A hold in the background touches some hundred entries at most, however
//! many there are: `ENTRIES_PER_HOLD_MAX` in a slice, and about as many for what one hold reaps. Lock order: the
//! catalogue, then one shard (for an atomic batch several, ascending), then the tallies or whatever issues LSNs.
//!
//! A store that is filled at the start goes through the stages of `loading`: what all its entries need is done for all of
//! them together, and they are put in order last.
//!
//! Memory: an entry costs 24 bytes of slab, 10 to 20 of table (30 while a table is rehashed) and about 5 of order besides
//! its document, and about 40 more when it has a deadline, and 4 to 8 where accesses are noted. A shard costs about 256
//! bytes, a partition about as much beside its entries.
//!
//! It deliberately does not know the time (`now` is an argument), where LSNs come from, files, or threads.

mod hashing;
mod order;
mod recency;
mod seek;
mod slab;
mod sorting;
mod table;
mod totals;

mod partition;
mod shard;
mod tally;

mod ahead;
mod background;
mod big_reader;
mod candidates;
mod catalogue;
mod expired;
mod loading;
mod locked;
mod many;
mod map;
mod replay;
mod scan;
mod slices;
mod staging;

pub use candidates::Candidate;
pub use catalogue::{CatalogueEntry, CollectionAbsent, CollectionId, Created, Dropped, Place, TooMany};
pub use expired::Expired;
pub use hashing::ShardIndex;
pub use loading::{Batch, Loading, Replaying};
pub use locked::{Current, Locked};
pub use many::{LockedMany, Replaced};
pub use map::{Lookup, Reaped, Store};
pub use replay::Replayed;
pub use scan::Scan;
pub use slices::SliceEnd;
pub use totals::Totals;

#[cfg(test)]
mod tests;

//! How many documents were found to be past their deadline.
//!
//! Invariant: a document is swept once; until then any number of reads may find that it has expired. One that is written
//! over or deleted before it is swept is not counted.

use crate::base::metrics::Counter;

/// What has expired so far.
#[derive(Debug, Default)]
pub struct Expired {
    /// Reads that found a document past its deadline which was not freed yet, and so none.
    pub reads: Counter,
    /// Documents that were freed because their deadline had passed.
    pub swept: Counter,
}

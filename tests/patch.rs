//! Patches and pointers, from outside of the room: the RFCs' examples, a table of cases each, and random documents
//! against the json-patch crate.

#[path = "support/json_texts.rs"]
mod json_texts;
#[path = "patch/merge.rs"]
mod merge;
#[path = "patch/operations.rs"]
mod operations;
#[path = "patch/random.rs"]
mod random;
#[path = "patch/standard.rs"]
mod standard;
#[path = "patch/trouble.rs"]
mod trouble;

use memory_tools::base::json;
use memory_tools::base::limits::JSON_DEPTH_MAX;
use memory_tools::patch::{self, Fault, Kind};

/// More than any result here has.
const BYTES_MAX: usize = 1 << 20;

/// What `patch` makes of `document`, which must be JSON.
fn apply(kind: Kind, document: &str, patch: &str) -> Result<String, Fault> {
    for text in [document, patch] {
        assert_eq!(json::check(text.as_bytes(), JSON_DEPTH_MAX), Ok(()), "a case is not JSON: {text}");
    }
    let result = patch::apply(kind, document.as_bytes(), patch.as_bytes(), BYTES_MAX)?;
    assert_eq!(json::check(&result, JSON_DEPTH_MAX), Ok(()), "{patch} on {document}");
    Ok(String::from_utf8(result).unwrap())
}

//! The lines of an export: one for each collection, with its options, and behind it one for each of its documents.
//!
//! Invariant: an import takes every line that is written here, and what it makes of it is the same to the byte, but for
//! the version. It does not know where the documents come from.

use std::time::Duration;

use super::super::message::Part;
use super::super::one_line;
use super::super::timestamp;
use crate::base::duration::GoDuration;
use crate::base::json;
use crate::model::{CollectionOptions, CollectionSummary, Entry};

/// What is kept of the memory for a line.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// Writes lines, and keeps memory from one to the next.
#[derive(Debug, Default)]
pub struct LineWriter {
    text: Vec<u8>,
}

impl LineWriter {
    /// Appends the line of a collection to `part`.
    pub fn push_collection(&mut self, part: &mut Part, summary: &CollectionSummary) {
        let CollectionSummary { name, options: CollectionOptions { default_ttl_ms, require_conditional }, .. } =
            summary;
        let ttl = default_ttl_ms.map(|ttl_ms| GoDuration::from(Duration::from_millis(ttl_ms)));
        let ttl = ttl.map_or("null".to_owned(), |ttl| format!("\"{ttl}\""));
        self.begin(Some(name));
        let options =
            format!(",\"options\":{{\"default_ttl\":{ttl},\"require_conditional\":{require_conditional}}}}}\n");
        self.text.extend_from_slice(options.as_bytes());
        part.push_bytes(&self.text);
    }

    /// Appends the line of a document of `collection` (`None`: the main store) to `part`.
    pub fn push_document(&mut self, part: &mut Part, collection: Option<&str>, entry: Entry) {
        self.begin(collection);
        let text = &mut self.text;
        text.extend_from_slice(b",\"key\":");
        json::escape_into(text, entry.document.key().as_str());
        timestamp::push_expiry(text, entry.deadline);
        text.extend_from_slice(b",\"version\":");
        text.extend_from_slice(itoa::Buffer::new().format(entry.version.0).as_bytes());
        one_line::push_document(part, text, entry.document);
        part.push_bytes(b"}\n");
        text.shrink_to(KEPT_BYTES_MAX);
    }

    fn begin(&mut self, collection: Option<&str>) {
        self.text.clear();
        self.text.extend_from_slice(b"{\"collection\":");
        match collection {
            Some(name) => json::escape_into(&mut self.text, name),
            None => self.text.extend_from_slice(b"null"),
        }
    }
}

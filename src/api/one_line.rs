//! A document as the last member of an object that is a line.
//!
//! A line break is white space between two tokens of JSON, and would end the line. So a document that holds one goes out
//! as a string of its text, under another name. Invariant: what a reader gets is the document to the byte, as it is or
//! behind the string.

use memchr::memchr2;

use super::message::Part;
use crate::base::json;
use crate::model::Document;

/// Appends what is in `text` to `part`, and behind it `,"value":` and the bytes of `document`, or, where these are more
/// than one line, `,"text":` and a string of them. `text` is memory of the caller's, and empty after it.
pub fn push_document(part: &mut Part, text: &mut Vec<u8>, document: Document) {
    let value = document.value();
    if memchr2(b'\n', b'\r', value).is_some() {
        text.extend_from_slice(b",\"text\":");
        json::escape_into(text, &String::from_utf8_lossy(value));
        part.push_bytes(text);
    } else {
        text.extend_from_slice(b",\"value\":");
        part.push_bytes(text);
        part.push_document(document);
    }
    text.clear();
}
